// The encrypted listeners of one worker: DNS over TLS, over HTTPS and over QUIC, with one certificate and one budget of connections.
// Over HTTPS also behind a proxy that ends TLS, which is plain HTTP here.
//
// Their connections have places of their own, beside those of TCP: a flood of one kind leaves the other alone.
import { isDeepStrictEqual } from 'node:util';
import { type AddressWords, type Endpoint, formatEndpoint, systemClock } from '../../base/base.ts';
import { RateLimit, type RateRules, type Shown } from '../../policy/access/access.ts';
import type { WorkerCounters } from '../../telemetry/observe/observe.ts';
import type { TlsSettings } from '../../wire/tls/tls.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import {
  ConnectionBudget,
  DohListener,
  DoqListener,
  type Proxies,
  type StreamLimits,
  StreamListener,
  toDoqLimits,
} from '../server/server.ts';

/** Ways of asking encrypted, in the order in which endpoints stand. */
export const ENCRYPTED_KINDS = ['dot', 'doh', 'dohPlain', 'doq'] as const;
type EncryptedKind = (typeof ENCRYPTED_KINDS)[number];

/** Where clients ask encrypted, and how. */
export interface EncryptedEndpoint {
  readonly kind: EncryptedKind;
  readonly endpoint: Endpoint;
}

/** An endpoint as it is served. */
interface ServedEndpoint extends EncryptedEndpoint {
  /** A client without a certificate that counts gets no connection. */
  readonly requiresCertificate: boolean;
}

/** What the encrypted listeners of a configuration have in common. */
export interface EncryptedSettings {
  /** With ports that are known: never 0. */
  readonly endpoints: readonly ServedEndpoint[];
  /** Undefined: only proxies encrypt. */
  readonly tls: TlsSettings | undefined;
  readonly limits: StreamLimits;
  /** Undefined like `tls`. */
  readonly handshakes: RateRules | undefined;
  /** Over HTTPS questions in words are answered, too. */
  readonly takesWords: boolean;
}

/** What the listeners work with. */
export interface EncryptedParts {
  readonly pipeline: Pipeline;
  readonly observer: WorkerCounters;
  readonly proxies: Proxies;
  /** Several workers share the endpoints. */
  readonly shared: boolean;
  /** What the descriptors of the process allow; undefined: nothing was encrypted when it started. */
  readonly limits: StreamLimits | undefined;
  /** How many handshakes addresses made (createRateMemory). */
  readonly rates: SharedArrayBuffer;
}

type Listener = StreamListener | DohListener | DoqListener;

/** What a worker listens on with TLS. */
export class EncryptedListeners {
  readonly #parts: EncryptedParts;
  readonly #listeners = new Map<string, Listener>();
  /** From the first listener on. */
  #budget: ConnectionBudget | undefined;
  #tls: TlsSettings | undefined;
  #rates: RateLimit | undefined;
  /** Names of listeners that require a certificate. */
  #required: ReadonlySet<string> = new Set();
  #takesWords = false;

  constructor(parts: EncryptedParts) {
    this.#parts = parts;
  }

  /** How long a connection may be idle, milliseconds; 0 while there is no listener. */
  get idleMs(): number {
    return this.#budget?.idleMs ?? 0;
  }

  /** Opens those that are not open yet; when one cannot, none of them is, and an AppError is thrown. */
  async open(settings: EncryptedSettings | undefined): Promise<void> {
    if (settings === undefined) return;
    this.#require(settings);
    this.#takesWords = settings.takesWords;
    const opened: string[] = [];
    try {
      for (const at of settings.endpoints) {
        const name = nameOf(at);
        if (this.#listeners.has(name)) continue;
        this.#listeners.set(name, await this.#openOne(at, settings));
        opened.push(name);
      }
    } catch (error) {
      for (const name of opened) await this.#close(name);
      throw error;
    }
  }

  /** Lets those that are open prove and limit by other settings, and closes all that these do not name. */
  async follow(settings: EncryptedSettings | undefined): Promise<void> {
    const wanted = new Set(settings?.endpoints.map(nameOf));
    const others = [...this.#listeners.keys()].filter((name) => !wanted.has(name));
    await Promise.all(others.map((name) => this.#close(name)));
    if (settings === undefined) return;
    this.#require(settings);
    this.#takesWords = settings.takesWords;
    this.#rates = settings.handshakes && new RateLimit(this.#parts.rates, settings.handshakes);
    // What was revoked meanwhile keeps no connection where one is required.
    for (const listener of this.#listeners.values()) listener.endOthers();
    if (isDeepStrictEqual(this.#tls, settings.tls)) return;
    this.#tls = settings.tls;
    if (settings.tls === undefined) return;
    for (const listener of this.#listeners.values()) listener.setTls(settings.tls);
  }

  #require({ endpoints }: EncryptedSettings): void {
    const required = endpoints.filter(({ requiresCertificate }) => requiresCertificate);
    this.#required = new Set(required.map(({ endpoint }) => formatEndpoint(endpoint)));
  }

  async #close(name: string): Promise<void> {
    const listener = this.#listeners.get(name);
    this.#listeners.delete(name);
    await listener?.close();
  }

  #openOne({ kind, endpoint }: EncryptedEndpoint, settings: EncryptedSettings): Promise<Listener> {
    const { pipeline, observer, shared, limits, proxies } = this.#parts;
    const allowed = limits ?? settings.limits;
    this.#budget ??= new ConnectionBudget(
      kind === 'doq' ? toDoqLimits(allowed) : allowed,
      observer.encrypted,
    );
    this.#rates ??= settings.handshakes && new RateLimit(this.#parts.rates, settings.handshakes);
    this.#tls ??= settings.tls;
    const name = formatEndpoint(endpoint);
    const plain = {
      endpoint,
      name,
      shared,
      pipeline,
      proxies,
      budget: this.#budget,
      clock: systemClock,
      settled: (ms: number) => observer.settled(ms),
      mayAsk: (address: AddressWords) => pipeline.takesAll || pipeline.mayAsk(address, name),
    };
    const http = {
      takesWords: (): boolean => this.#takesWords,
      takesTokens: (): boolean => pipeline.takesTokens,
      isMisdirected: (shown: Shown, authority: string) => pipeline.isMisdirected(shown, authority),
    };
    if (kind === 'dohPlain') return DohListener.open({ ...plain, ...http, onlyProxies: true });
    if (this.#tls === undefined) throw new RangeError(`encrypted: no certificate for ${name}`);
    const options = {
      ...plain,
      secure: {
        settings: this.#tls,
        mayStay: (shown: Shown) => !this.#required.has(name) || pipeline.hasCertificate(shown),
        mayShake: (address: AddressWords) => this.#mayShake(address),
        observer,
      },
    };
    if (kind === 'doq') return DoqListener.open({ ...options, observer });
    return kind === 'dot' ? StreamListener.open(options) : DohListener.open({ ...options, ...http });
  }

  #mayShake(address: AddressWords): boolean {
    const rates = this.#rates;
    return rates === undefined || rates.admit(address, systemClock()) || rates.isExempt(address);
  }
}

const nameOf = ({ kind, endpoint }: EncryptedEndpoint): string => `${kind} ${formatEndpoint(endpoint)}`;
