// What a resolver of a schedule records, and the sending of it: a real recorder on real files, and what the program's thread runs.
import { join } from 'node:path';
import { RETENTION } from '../../src/config/retention.ts';
import { Recording } from '../../src/evidence/records/recording.ts';
import {
  CHAIN_START,
  RECORD_CLASSES,
  type RecordClass,
  readPosition,
} from '../../src/evidence/records/records.ts';
import type { ConnectBus } from '../../src/fleet/bus.ts';
import { sendRecords } from '../../src/fleet/record-sending.ts';
import { createEventRing, EventReader, EventWriter } from '../../src/telemetry/events/event-ring.ts';
import { eventOf, UNBOUNDED } from './record-events.ts';
import type { VirtualTime } from './virtual-time.ts';

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
const RING_BYTES = 1 << 16;

/** Where the chains of a directory of records end. */
export const endsOf = (directory: string): Readonly<Record<RecordClass, number>> => {
  const position = readPosition(join(directory, 'position'));
  const [queries = 0, changes = 0] = RECORD_CLASSES.map(
    (one) => (position?.ends[one] ?? CHAIN_START).sequence,
  );
  return { queries, changes };
};

/** The records of one resolver. */
export class ScheduledEvidence {
  readonly directory: string;
  /** Up to where it believes that a collector has them. */
  readonly confirmed: Record<RecordClass, number> = { queries: 0, changes: 0 };
  readonly #time: VirtualTime;
  readonly #name: string;
  readonly #ring = createEventRing(RING_BYTES);
  readonly #writer = new EventWriter(this.#ring);
  #recording: Recording;
  /** What was recorded. */
  count = 0;
  /** The collector was said to have other records under these numbers. */
  isForeign = false;

  constructor(name: string, directory: string, time: VirtualTime) {
    this.#name = name;
    this.directory = directory;
    this.#time = time;
    this.#recording = this.#open();
  }

  #open(): Recording {
    const recording = new Recording({
      ...{ readers: [new EventReader(this.#ring)], droppedBefore: [], outputs: [], isResumed: false },
      ...{ resolver: this.#name, version: '1', identity: { kind: 'full' }, bounds: UNBOUNDED },
      retention: { queries: RETENTION['m-26-14'], changes: RETENTION['m-26-14'] },
      heads: { everyMs: 30_000 },
      directory: this.directory,
      ...{ clock: this.#time.clock, monotonic: this.#time.monotonic, log: quiet },
      pause: () => Promise.resolve(),
    });
    recording.define({
      generation: 1,
      groups: ['default'],
      lists: [{ id: 'tiktok', version: '0123456789ab' }],
    });
    return recording;
  }

  /** Something is asked and decided here, and is on the disk. */
  record(): void {
    this.count++;
    this.#writer.write(eventOf({ timeMs: this.#time.clock(), client: `192.0.2.${1 + (this.count % 200)}` }));
    const time = new Date(this.#time.clock()).toISOString();
    this.#recording.write({ time, kind: 'admin', action: `act-${this.count}`, by: 'x' }, () => undefined);
    this.#recording.tick();
  }

  /** It ends without a word and begins again. */
  crash(): void {
    this.#recording.close();
    this.#recording = this.#open();
  }

  /** Sends until the one that began is over. */
  send(
    stateDirectory: string,
    collectors: readonly string[],
    connect: ConnectBus,
    isOver: () => boolean,
  ): void {
    const start = { stateDirectory, directory: this.directory, servers: ['nats://127.0.0.1:4222'] };
    void sendRecords(
      { ...start, caPath: undefined, collectors },
      {
        ...{ connect, monotonic: this.#time.monotonic, onOrder: () => undefined, isOver },
        post: (reply) => {
          if (isOver()) return;
          if (reply.kind === 'foreign') this.isForeign = true;
          if (reply.kind === 'confirmed' && reply.class !== 'heads')
            this.confirmed[reply.class] = reply.sequence;
        },
      },
    );
  }

  close(): void {
    this.#recording.close();
  }
}
