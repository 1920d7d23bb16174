// When OpenSSL wants to work although nothing has come: for what was lost, and for what is late. Hot file.
import type { OpenSsl, Pointer } from './openssl.ts';

const MS_PER_S = 1000;
const US_PER_MS = 1000;

/** The clock of one listener. */
export class Alarm {
  readonly #c: OpenSsl;
  readonly #ring: () => void;
  /** struct timeval: seconds and microseconds. */
  readonly #time = new BigInt64Array(2);
  readonly #isInfinite = new Int32Array(1);
  #timer: NodeJS.Timeout | undefined;

  constructor(c: OpenSsl, ring: () => void) {
    this.#c = c;
    this.#ring = ring;
  }

  /** Rings once, when the listener says so; replaces what was set before. */
  set(listener: Pointer): void {
    clearTimeout(this.#timer);
    const [time, isInfinite] = [new Uint8Array(this.#time.buffer), new Uint8Array(this.#isInfinite.buffer)];
    this.#c.SSL_get_event_timeout(listener, time, isInfinite);
    if (this.#isInfinite[0] !== 0) return;
    const [seconds = 0n, microseconds = 0n] = this.#time;
    const ms = Number(seconds) * MS_PER_S + Number(microseconds) / US_PER_MS;
    this.#timer = setTimeout(this.#ring, Math.ceil(ms)).unref();
  }

  /** Never rings again. */
  clear(): void {
    clearTimeout(this.#timer);
  }
}
