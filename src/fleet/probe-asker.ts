// The authority's side of one probe of all: asks, and keeps what each resolver was answered.
import { AppError, type Clock, isAppError } from '../base/base.ts';
import type { FleetActs } from './acts.ts';
import type { FleetAlarm } from './alarms.ts';
import type { MessageBus } from './bus.ts';
import { PROBE_MS_MIN, type ProbeRequest, type ProbeResult, readResult, signRequest } from './fleet-probe.ts';
import type { SigningKey } from './key.ts';
import type { Membership } from './membership.ts';
import { PROBE_SUBJECT, probedSubject, STREAM } from './subjects.ts';

/** What an authority asks with. */
export interface ProbeAskerOptions {
  readonly membership: Membership;
  readonly key: () => SigningKey;
  readonly clock: Clock;
  readonly monotonic: Clock;
  readonly acts: FleetActs;
  readonly onAlarm: (alarm: FleetAlarm) => void;
}

/** Who asked for the last probe of all, and when. Plain data. */
export interface AskedProbe {
  readonly id: string;
  readonly time: string;
  readonly by: string;
}

/** Asks all resolvers for their probe. */
export class ProbeAsker {
  readonly #options: ProbeAskerOptions;
  readonly #results = new Map<string, ProbeResult>();
  #engine: MessageBus | undefined;
  #asked: AskedProbe | undefined;
  #askedMs = Number.NEGATIVE_INFINITY;

  constructor(options: ProbeAskerOptions) {
    this.#options = options;
  }

  /** The last request of this start; undefined: none. */
  get asked(): AskedProbe | undefined {
    return this.#asked;
  }

  /** What a resolver's probe was answered last, when all were asked. */
  resultOf(name: string): ProbeResult | undefined {
    return this.#results.get(name);
  }

  /** The engine is there, again: what it has kept of results is read. */
  async up(engine: MessageBus): Promise<void> {
    if (this.#engine === undefined)
      engine.subscribe(probedSubject('*'), (bytes, subject) => this.#take(bytes, subject));
    this.#engine = engine;
    try {
      for (const { bytes, subject } of await engine.readAll(STREAM.PROBED)) this.#take(bytes, subject);
    } catch (thrown) {
      // The stream is made by the same start, a moment later.
      if (!isAppError(thrown)) throw thrown;
    }
  }

  /** Asks now. Throws ERR_FLEET_PROBE when it was asked a moment ago, and ERR_FLEET_ENGINE without an engine. */
  ask(by: string): ProbeRequest {
    const { clock, monotonic, key, acts } = this.#options;
    const waitMs = this.#askedMs + PROBE_MS_MIN - monotonic();
    if (waitMs > 0) {
      throw new AppError(
        'ERR_FLEET_PROBE',
        'asking all resolvers for a probe: they were asked a moment ago',
        {
          hint: `Ask again in ${Math.ceil(waitMs / 1_000)} seconds; "cordon fleet status" shows what came.`,
        },
      );
    }
    if (this.#engine === undefined)
      throw new AppError(
        'ERR_FLEET_ENGINE',
        'asking all resolvers for a probe: the engine was never reached',
      );
    const request = signRequest(clock(), key());
    this.#engine.tell(PROBE_SUBJECT, JSON.stringify(request));
    this.#askedMs = monotonic();
    this.#asked = { id: request.id, time: request.time, by };
    acts.note({ event: 'probe-asked', subject: request.id, reason: `by ${by}` });
    return request;
  }

  #take(bytes: Uint8Array, subject: string): void {
    const { membership, acts, onAlarm } = this.#options;
    const name = subject.split('.').at(-1) ?? '';
    const result = readResult(bytes, name, membership);
    if (result === 'past') return;
    if (result === 'forged') {
      onAlarm('forged-probe');
      acts.log.error(
        { node: name.slice(0, NAME_SHOWN) },
        'fleet: the result of a probe that its resolver did not sign',
      );
      return;
    }
    const known = this.#results.get(name);
    // One that was kept back, or put back from a copy, is no news.
    if (known !== undefined && Date.parse(known.began) > Date.parse(result.began)) return;
    this.#results.set(name, result);
  }
}

const NAME_SHOWN = 40;
