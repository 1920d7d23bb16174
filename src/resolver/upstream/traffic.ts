// What is under way to the upstreams of one Forwarding, and what it is sent, timed and judged with. Hot file.
import { type Clock, Pool } from '../../base/base.ts';
import { SuffixHashes } from '../../wire/dns/dns.ts';
import type { UpstreamObserver } from './exchange.ts';
import type { Flight } from './flight.ts';
import { HedgeBudget } from './hedge-budget.ts';
import { RandomPool } from './random-pool.ts';
import { ResponseReader } from './response.ts';
import { SilentZones } from './silent-zones.ts';
import type { Try } from './try.ts';
import { TryTimer } from './try-timer.ts';

/** Labels of a zone whose answers somebody guesses. */
const GUARDED_LABELS = 2;

/** Flights, and tries, that are kept for the next questions: more than are under way but in a flood. */
const KEPT_MAX = 1024;

/** What traffic is bound by and told to. */
export interface TrafficOptions {
  /** For a question, all tries together. */
  readonly timeoutMs: number;
  /** For one try at one endpoint. */
  readonly tryTimeoutMs: number;
  /** Questions in flight; more fail at once. */
  readonly inflightMax: number;
  readonly clock: Clock;
  readonly observer: UpstreamObserver;
}

/** The traffic of one Forwarding. */
export class Traffic {
  readonly clock: Clock;
  readonly observer: UpstreamObserver;
  readonly inflightMax: number;
  readonly timer: TryTimer;
  readonly random = new RandomPool();
  readonly response = new ResponseReader();
  readonly hedges = new HedgeBudget();
  readonly silent = new SilentZones();
  /** What had its plain life: see Flight. */
  readonly flights = new Pool<Flight<Try>>(KEPT_MAX);
  readonly tries = new Pool<Try>(KEPT_MAX);
  readonly #suffix = new SuffixHashes();
  /** Questions in flight, probes included. */
  inflight = 0;
  isClosed = false;

  /** `expire` is called for a try that is due. */
  constructor(options: TrafficOptions, expire: (attempt: Try) => void) {
    const { clock, observer, inflightMax, timeoutMs, tryTimeoutMs } = options;
    this.clock = clock;
    this.observer = observer;
    this.inflightMax = inflightMax;
    this.timer = new TryTimer(clock, timeoutMs, tryTimeoutMs, expire);
  }

  /** The zone whose guards a name is under, as a number. */
  guardedZone(name: Uint8Array): number {
    this.#suffix.read(name, 0);
    return this.#suffix.of(GUARDED_LABELS);
  }
}
