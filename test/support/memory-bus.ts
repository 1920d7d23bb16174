// A message bus in memory: its users' calls are carried at once, or as `carry` says: lost, repeated, late, in another order.
//
// What an engine keeps, it keeps as the streams of the program say (nats-bus.ts): an entry of policy is never replaced, of
// everything else the last one of a subject stays, evidence waits until it is acknowledged. Whoever holds the engine's keys can do
// what `Intruder` has: publish under any name, take out, delete streams, fill them, keep messages back.
import { AppError } from '../../src/base/base.ts';
import type {
  Answer,
  BusEvents,
  EvidenceMessage,
  MessageBus,
  StoredMessage,
  StoreOptions,
  Take,
} from '../../src/fleet/bus.ts';
import type { Stamp } from '../../src/fleet/signed-message.ts';
import { STREAM, type StreamName } from '../../src/fleet/subjects.ts';

/** How long an answer of the engine may take, milliseconds; as in nats-bus.ts. */
const ANSWER_MS = 10_000;
/** After which evidence that was not acknowledged, or could not be kept, is given again, milliseconds. */
const AGAIN_MS = 2_000;
/** Within which the engine knows a message again, milliseconds. */
const DUPLICATE_MS = 120_000;

/** Something on its way. Exactly one of both is called in the end; `go` again after it repeats a message. */
export interface Flight {
  readonly subject: string;
  /** Who gets it; `engine` for what is to be kept or read. */
  readonly to: string;
  /** It may come twice. */
  readonly isRepeatable: boolean;
  go(): void;
  lose(): void;
}

interface Subscription {
  readonly user: MemoryUser;
  readonly pattern: readonly string[];
  readonly take: Take;
}

const PREFIXES: readonly (readonly [prefix: string, stream: StreamName])[] = [
  ['cordon.policy.', STREAM.POLICY],
  ['cordon.tide', STREAM.CHECKPOINT],
  ['cordon.list.', STREAM.LISTS],
  ['cordon.evidence.', STREAM.EVIDENCE],
  ['$KV.cordon_presence.', STREAM.PRESENCE],
  ['$KV.cordon_confirmed.', STREAM.CONFIRMED],
  ['$KV.cordon_probed.', STREAM.PROBED],
];

const streamOf = (subject: string): StreamName | undefined =>
  PREFIXES.find(([prefix]) => subject.startsWith(prefix))?.[1];

const fits = (pattern: readonly string[], subject: string): boolean => {
  const parts = subject.split('.');
  for (const [index, part] of pattern.entries()) {
    if (part === '>') return parts.length > index;
    if (part !== '*' && part !== parts[index]) return false;
  }
  return parts.length === pattern.length;
};

const bytesOf = (bytes: Uint8Array | string): Uint8Array => Buffer.from(bytes);
const failed = (doing: string): AppError => new AppError('ERR_FLEET_ENGINE', doing);

/** The engine. */
export class MemoryBus {
  /** What is kept; evidence by its place. */
  readonly streams = new Map<
    StreamName,
    Map<string, StoredMessage & { readonly signature?: string; readonly storedMs: number }>
  >();
  /** Streams that take nothing more. */
  readonly full = new Set<StreamName>();
  readonly subscriptions = new Set<Subscription>();
  readonly answers = new Map<Subscription, Answer>();
  /** Has something carried: at once, unless somebody else decides. */
  carry: (flight: Flight) => void = (flight) => flight.go();
  /** Told of all that is published. */
  onPublished: (subject: string, bytes: Uint8Array, stamp: Stamp | undefined) => void = () => undefined;
  now: () => number = () => 0;
  /** Answers in the place of whoever is asked. */
  impostor: Answer | undefined;
  /** When a message was known by its identifier. */
  readonly #ids = new Map<string, number>();
  #places = 0;
  #collect: ((place: string) => void) | undefined;

  /** A user's connection. */
  connect(name: string, events: Pick<BusEvents, 'onFault'>): MemoryUser {
    return new MemoryUser(this, name, events);
  }

  /** Keeps a message and gives it to whoever listens; why it is not kept, or undefined. */
  publish(
    subject: string,
    bytes: Uint8Array,
    { id, signature, stamp }: StoreOptions = {},
    isKept = true,
  ): string | undefined {
    this.onPublished(subject, bytes, stamp);
    for (const subscription of this.subscriptions) {
      if (!fits(subscription.pattern, subject)) continue;
      const { user, take } = subscription;
      this.carry({
        ...{ subject, to: user.name, isRepeatable: true, lose: () => undefined },
        go: () => user.handle(subject, () => take(bytes, subject, stamp)),
      });
    }
    const stream = streamOf(subject);
    if (!isKept || stream === undefined) return undefined;
    const kept = this.streams.get(stream);
    if (kept === undefined) return 'no stream';
    const knownMs = id === undefined ? undefined : this.#ids.get(`${stream} ${id}`);
    if (knownMs !== undefined && this.now() - knownMs < DUPLICATE_MS) return undefined;
    if (this.full.has(stream)) return 'maximum bytes exceeded';
    if (stream === STREAM.POLICY && kept.has(subject)) return 'maximum messages per subject exceeded';
    if (id !== undefined) this.#ids.set(`${stream} ${id}`, this.now());
    const place = stream === STREAM.EVIDENCE ? String(++this.#places) : subject;
    kept.set(place, {
      subject,
      bytes,
      stamp,
      storedMs: this.now(),
      ...(signature === undefined ? {} : { signature }),
    });
    if (stream === STREAM.EVIDENCE) this.#collect?.(place);
    return undefined;
  }

  makeStreams(): void {
    for (const stream of Object.values(STREAM))
      if (!this.streams.has(stream)) this.streams.set(stream, new Map());
  }

  collect(user: MemoryUser, take: (message: EvidenceMessage) => void): () => Promise<void> {
    const deliver = (place: string): void => {
      const again = (): void => void setTimeout(() => deliver(place), AGAIN_MS);
      const message = this.streams.get(STREAM.EVIDENCE)?.get(place);
      if (message === undefined || this.#collect !== deliver) return;
      const { subject, bytes, signature = '', storedMs } = message;
      const done = (): void => {
        this.carry({
          ...{ subject: 'ack', to: 'engine', isRepeatable: true, lose: again },
          go: () => void this.streams.get(STREAM.EVIDENCE)?.delete(place),
        });
      };
      this.carry({
        ...{ subject, to: user.name, isRepeatable: true, lose: again },
        go: () => user.handle(subject, () => take({ subject, bytes, signature, storedMs, done, again })),
      });
    };
    this.#collect = deliver;
    for (const place of this.streams.get(STREAM.EVIDENCE)?.keys() ?? []) deliver(place);
    return () => {
      this.#collect = undefined;
      return Promise.resolve();
    };
  }
}

/** One user's connection. */
export class MemoryUser implements MessageBus {
  readonly name: string;
  readonly #bus: MemoryBus;
  readonly #events: Pick<BusEvents, 'onFault'>;
  #isClosed = false;
  /** Nothing reaches the engine, and nothing comes from there. */
  isCut = false;

  constructor(bus: MemoryBus, name: string, events: Pick<BusEvents, 'onFault'>) {
    this.#bus = bus;
    this.name = name;
    this.#events = events;
  }

  subscribe(subject: string, take: Take): void {
    this.#bus.subscriptions.add({ user: this, pattern: subject.split('.'), take });
  }

  serve(subject: string, answer: Answer): void {
    this.#bus.answers.set({ user: this, pattern: subject.split('.'), take: () => undefined }, answer);
  }

  tell(subject: string, bytes: Uint8Array | string): void {
    if (!this.isCut) this.#bus.publish(subject, bytesOf(bytes), {}, false);
  }

  ask(subject: string, bytes: Uint8Array | string, timeoutMs: number): Promise<Uint8Array> {
    return this.#exchange(
      subject,
      `asking at ${subject}`,
      (done, fail, lose) => {
        const found = [...this.#bus.answers].find(
          ([{ user, pattern }]) => !user.isCut && !user.#isClosed && fits(pattern, subject),
        );
        const { impostor } = this.#bus;
        if (impostor !== undefined) {
          impostor(bytesOf(bytes), subject).then(
            (said) => (said === undefined ? lose() : done(bytesOf(said))),
            lose,
          );
          return;
        }
        if (found === undefined) {
          fail('no responders');
          return;
        }
        const [{ user }, answer] = found;
        user.handle(subject, async () => {
          const said = await answer(bytesOf(bytes), subject).catch(() => undefined);
          if (said === undefined) lose();
          else done(bytesOf(said));
        });
      },
      timeoutMs,
    );
  }

  store(subject: string, bytes: Uint8Array | string, options: StoreOptions = {}): Promise<void> {
    return this.#exchange(subject, `storing at ${subject}`, (done, fail) => {
      const why = this.#bus.publish(subject, bytesOf(bytes), options);
      if (why === undefined) done(undefined);
      else fail(why);
    });
  }

  read(stream: StreamName, subject: string): Promise<StoredMessage | undefined> {
    return this.#exchange(subject, `reading ${subject}`, (done, fail) => {
      const kept = this.#bus.streams.get(stream);
      if (kept === undefined) fail('no stream');
      else done(kept.get(subject));
    });
  }

  readAll(stream: StreamName): Promise<StoredMessage[]> {
    return this.#exchange(stream, `reading ${stream}`, (done, fail) => {
      const kept = this.#bus.streams.get(stream);
      if (kept === undefined) fail('no stream');
      else done([...kept.values()]);
    });
  }

  remove(stream: StreamName, subject: string): Promise<void> {
    return this.#exchange(subject, `removing ${subject}`, (done) => {
      const pattern = subject.split('.');
      const kept = this.#bus.streams.get(stream);
      for (const key of kept?.keys() ?? []) if (fits(pattern, key)) kept?.delete(key);
      done(undefined);
    });
  }

  makeStreams(): Promise<void> {
    return this.#exchange('streams', 'making the streams', (done) => {
      this.#bus.makeStreams();
      done(undefined);
    });
  }

  lacksStreams(): Promise<boolean> {
    return this.#exchange('streams', 'looking at the streams', (done) => {
      done(Object.values(STREAM).some((stream) => !this.#bus.streams.has(stream)));
    });
  }

  collect(take: (message: EvidenceMessage) => void): Promise<() => Promise<void>> {
    if (!this.#bus.streams.has(STREAM.EVIDENCE)) return Promise.reject(failed('taking evidence'));
    return Promise.resolve(this.#bus.collect(this, take));
  }

  close(): Promise<void> {
    this.#isClosed = true;
    for (const one of this.#bus.subscriptions) if (one.user === this) this.#bus.subscriptions.delete(one);
    for (const one of this.#bus.answers.keys()) if (one.user === this) this.#bus.answers.delete(one);
    return Promise.resolve();
  }

  /** Has a handler take something, as nats-bus.ts does. */
  handle(subject: string, act: () => unknown): void {
    if (this.isCut || this.#isClosed) return;
    const onFault = (thrown: unknown): void => this.#events.onFault(`a message of ${subject}`, thrown);
    try {
      Promise.resolve(act()).catch(onFault);
    } catch (thrown) {
      onFault(thrown);
    }
  }

  /** There and back, each of which may be lost. */
  #exchange<Result>(
    subject: string,
    doing: string,
    act: (done: (result: Result) => void, fail: (why: string) => void, lose: () => void) => void,
    timeoutMs = ANSWER_MS,
  ): Promise<Result> {
    if (this.isCut || this.#isClosed) return Promise.reject(failed(`${doing}: not connected`));
    return new Promise((resolve, reject) => {
      const lose = (): void => {
        setTimeout(() => reject(failed(`${doing}: timeout`)), timeoutMs);
      };
      const back = (give: () => void): void =>
        this.#bus.carry({
          ...{ subject: `reply of ${subject}`, to: this.name, isRepeatable: false, lose },
          go: () => (this.isCut || this.#isClosed ? lose() : give()),
        });
      this.#bus.carry({
        ...{ subject, to: 'engine', isRepeatable: false, lose },
        go: () => {
          if (this.isCut) lose();
          else
            act(
              (result) => back(() => resolve(result)),
              (why) => back(() => reject(failed(`${doing}: ${why}`))),
              lose,
            );
        },
      });
    });
  }
}

/** What whoever holds the engine's keys can do. */
export class Intruder {
  readonly #bus: MemoryBus;

  constructor(bus: MemoryBus) {
    this.#bus = bus;
  }

  /** Publishes under any name; what is kept at the subject gives way. */
  replace(subject: string, bytes: Uint8Array, stamp?: Stamp): void {
    const stream = streamOf(subject);
    if (stream !== undefined) this.#bus.streams.get(stream)?.delete(subject);
    this.#bus.publish(subject, bytes, stamp === undefined ? {} : { stamp });
  }

  /** Keeps something without anybody hearing of it, as a store that is put back from elsewhere does. */
  plant(subject: string, bytes: Uint8Array, stamp?: Stamp): void {
    const stream = streamOf(subject);
    const storedMs = this.#bus.now();
    if (stream !== undefined)
      this.#bus.streams.get(stream)?.set(subject, { subject, bytes, stamp, storedMs });
  }

  purge(stream: StreamName): void {
    this.#bus.streams.get(stream)?.clear();
  }

  remove(stream: StreamName): void {
    this.#bus.streams.delete(stream);
  }

  fill(stream: StreamName): void {
    this.#bus.full.add(stream);
  }

  makeRoom(): void {
    this.#bus.full.clear();
  }
}
