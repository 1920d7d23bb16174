// Whether one upstream is well: faults that follow each other without an answer between them make it unhealthy. Hot file.
//
// An unhealthy endpoint is not given up: it is tried after the healthy ones, and from time to time a probe goes to it,
// whose answer only serves to notice that it is back. No client ever waits for such a probe.
import type { Clock } from '../../base/base.ts';
import type { UpstreamObserver } from './exchange.ts';

/** Time-outs or network faults in a row that make an endpoint unhealthy: a lost datagram or two are no sign. */
const FAULTS_MAX = 3;
/** Between two probes of an unhealthy endpoint. */
const PROBE_INTERVAL_MS = 2_000;

/** The health of one endpoint. */
export class EndpointHealth {
  isHealthy = true;
  /** Since the last answer. */
  faultCount = 0;
  /** A question goes there only to see whether it is down. */
  #isChecked = false;
  #probedAtMs = 0;
  readonly #index: number;
  readonly #clock: Clock;
  readonly #observer: UpstreamObserver;

  /** `index` is its place in Forwarding.endpoints. */
  constructor(index: number, clock: Clock, observer: UpstreamObserver) {
    this.#index = index;
    this.#clock = clock;
    this.#observer = observer;
  }

  /** It is well; true when there were faults before. */
  noteAnswer(): boolean {
    const hadFaults = this.faultCount > 0;
    this.#isChecked = false;
    this.faultCount = 0;
    if (!this.isHealthy) {
      this.isHealthy = true;
      this.#observer.healthy(this.#index, true);
    }
    return hadFaults;
  }

  /** The network or the certificate is at fault. */
  noteFault(): void {
    this.faultCount++;
    if (this.isHealthy && this.faultCount >= FAULTS_MAX) this.#goDown();
  }

  /** As UpstreamEndpoint.noteSilence(). */
  noteSilence(isOfCheck: boolean): boolean {
    this.faultCount++;
    if (!this.isHealthy || this.faultCount < FAULTS_MAX) return false;
    if (isOfCheck) this.#goDown();
    const isNew = !this.#isChecked && !isOfCheck;
    this.#isChecked = isNew || (this.#isChecked && !isOfCheck);
    return isNew;
  }

  /** True when it is time for a probe; the caller then sends it. A clock that stepped back makes it time, too. */
  takeProbe(): boolean {
    if (this.isHealthy) return false;
    const now = this.#clock();
    const elapsed = now - this.#probedAtMs;
    if (elapsed >= 0 && elapsed < PROBE_INTERVAL_MS) return false;
    this.#probedAtMs = now;
    return true;
  }

  #goDown(): void {
    this.isHealthy = false;
    this.#isChecked = false;
    this.#probedAtMs = this.#clock();
    this.#observer.healthy(this.#index, false);
  }
}
