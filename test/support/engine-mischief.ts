// What whoever holds the keys of the engine does to a fleet, by chance: the powers that docs/fleet.md has in a table.
import { NO_END } from '../../src/fleet/entry.ts';
import type { Stamp } from '../../src/fleet/signed-message.ts';
import { policySubject, STREAM } from '../../src/fleet/subjects.ts';
import { type Flight, Intruder, type MemoryBus } from './memory-bus.ts';
import type { Random } from './mutate.ts';

/** Messages that are remembered. */
const REMEMBERED_MAX = 400;

/** What whoever holds the engine's keys can do. */
export const POWERS = [
  'replay',
  'forge',
  'plant',
  'purge',
  'delete-stream',
  'fill',
  'make-room',
  'hold-back',
  'let-go',
  'answer',
] as const;
/** One of POWERS. */
export type Power = (typeof POWERS)[number];

interface Remembered {
  readonly subject: string;
  readonly bytes: Uint8Array;
  readonly stamp: Stamp | undefined;
}

/** What is known of the fleet. */
export interface Known {
  /** The last entry. */
  readonly end: () => number;
  readonly hashOf: (number: number) => string | undefined;
  readonly names: () => readonly string[];
}

/** Somebody who holds the keys of the engine. */
export class EngineMischief {
  readonly #bus: MemoryBus;
  readonly #random: Random;
  readonly #known: Known;
  readonly #intruder: Intruder;
  readonly #remembered: Remembered[] = [];
  /** What is kept back. */
  isHeld: (flight: Flight) => boolean = () => false;

  constructor(bus: MemoryBus, random: Random, known: Known) {
    this.#bus = bus;
    this.#random = random;
    this.#known = known;
    this.#intruder = new Intruder(bus);
    bus.onPublished = (subject, bytes, stamp) => {
      this.#remembered.push({ subject, bytes, stamp });
      if (this.#remembered.length > REMEMBERED_MAX) this.#remembered.shift();
    };
  }

  /** One of these, by chance. */
  do(powers: readonly Power[]): void {
    const random = this.#random;
    const power = powers[random(powers.length)];
    const streams = Object.values(STREAM);
    const stream = streams[random(streams.length)] ?? STREAM.POLICY;
    const message = this.#pick();
    const isMoved = isEntry(message) && random(3) > 0;
    const subject = isMoved ? policySubject(this.#number()) : (message?.subject ?? '');
    switch (power) {
      case 'replay':
        if (message !== undefined) this.#intruder.replace(subject, message.bytes, message.stamp);
        return;
      case 'plant':
        if (message !== undefined) this.#intruder.plant(subject, message.bytes, message.stamp);
        return;
      case 'forge':
        this.#intruder.replace(policySubject(this.#number()), this.#forged(message));
        return;
      case 'purge':
        this.#intruder.purge(stream);
        return;
      case 'delete-stream':
        this.#intruder.remove(stream);
        return;
      case 'fill':
        this.#intruder.fill(stream);
        return;
      case 'make-room':
        this.#intruder.makeRoom();
        return;
      case 'hold-back': {
        const names = this.#known.names();
        const to = names[random(names.length)];
        const family = message?.subject.split('.').slice(0, 2).join('.') ?? '';
        const isAll = random(2) === 0;
        this.isHeld = (flight) => flight.to === to && (isAll || flight.subject.includes(family));
        return;
      }
      case 'answer':
        this.#bus.impostor = () => Promise.resolve(this.#pick()?.bytes);
        return;
      default:
        this.isHeld = () => false;
        this.#bus.impostor = undefined;
    }
  }

  /** The engine is honest from here on. */
  end(): void {
    this.isHeld = () => false;
    this.#bus.impostor = undefined;
    this.#intruder.makeRoom();
  }

  /** A message that was sent; each other time an entry. */
  #pick(): Remembered | undefined {
    const entries = this.#remembered.filter(isEntry);
    const among = this.#random(2) === 0 && entries.length > 0 ? entries : this.#remembered;
    return among[this.#random(among.length)];
  }

  /** A number of an entry: one that is there, the next one, or one far off. */
  #number(): number {
    const random = this.#random;
    const end = this.#known.end();
    const kind = random(8);
    if (kind === 0) return 1 + random(1_000_000);
    return kind < 5 ? end + 1 + random(2) : 1 + random(end);
  }

  /** An entry with another number, and each other time with other words, or no entry at all. */
  #forged(message: Remembered | undefined): Uint8Array {
    if (!isEntry(message)) return Buffer.from('{}');
    const entry = JSON.parse(Buffer.from(message.bytes).toString()) as Record<string, unknown>;
    const number = this.#number();
    const previous = this.#known.hashOf(number - 1) ?? NO_END.hash;
    const step = { kind: 'exemption', event: 'approved', id: 'ex-666666', time: entry['time'] };
    const words = this.#random(2) === 0 ? {} : { kind: 'exemption', body: JSON.stringify(step) };
    return Buffer.from(JSON.stringify({ ...entry, number, previous, ...words }));
  }
}

const isEntry = (message: Remembered | undefined): message is Remembered =>
  message?.subject.startsWith('cordon.policy.') === true;
