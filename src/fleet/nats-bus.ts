// The message bus of a fleet over NATS JetStream, with the streams as the authority makes them: the only file that knows its library.
//
// No carrier is trusted: what comes in here is bytes that others check. What the engine acknowledges may be lost, come twice
// or late; what it keeps is asked for by subject. Errors of the library become ERR_FLEET_ENGINE: it is there again later.
import { readFileSync } from 'node:fs';
import {
  AckPolicy,
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  type JsMsg,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from '@nats-io/jetstream';
import {
  connect,
  headers as createHeaders,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  nanos,
  nkeyAuthenticator,
  PermissionViolationError,
  type Subscription,
} from '@nats-io/transport-node';
import { AppError, type Clock, DAY_MS, errorText } from '../base/base.ts';
import type {
  Answer,
  BusAccess,
  BusEvents,
  ConnectBus,
  EvidenceMessage,
  MessageBus,
  StoredMessage,
  StoreOptions,
  Take,
} from './bus.ts';
import { guarded } from './handler.ts';
import { ReconnectDelay, ServerChoice } from './reconnecting.ts';
import { readStamp, type Stamp } from './signed-message.ts';
import { CHECKPOINT_SUBJECT, COLLECTOR, inboxOf, STREAM, type StreamName } from './subjects.ts';

/** How long an answer of the engine may take, milliseconds: a new leader of three took six seconds. */
const ANSWER_MS = 10_000;
/** What the engine says while it cannot keep anything, such as without a leader. */
const UNAVAILABLE = 503;
/** Between two signs of life, milliseconds; the second that is missed ends the connection. */
const PING_MS = 5_000;
const PINGS_MISSED_MAX = 2;
/** On a smaller disk half of what a stream sets aside is asked for, and so on down to this. */
const STREAM_BYTES_MIN = 2 ** 20;
/** Evidence that the collector has and has not acknowledged. */
const UNACKNOWLEDGED_MAX = 1_024;
/** After which what the collector has not acknowledged is given again, milliseconds. */
const ACKNOWLEDGE_MS = 30_000;
/** After which what the collector could not keep is given again, milliseconds. */
const AGAIN_MS = 2_000;

/**
 * How long the collector's wish for evidence holds, milliseconds: after two halves without a sign of the engine it is said again,
 * such as when the leader of three is gone.
 */
const PULL_MS = 5_000;

/** Within which the engine knows a message again, milliseconds. */
const DUPLICATE_MS = 120_000;
/**
 * Of evidence that no collector has taken yet, and of the contents of lists, 32 of 64 MB with the ones before. The engine
 * sets so much aside when it makes a stream; on a smaller disk half of it is asked for, and so on.
 */
const EVIDENCE_BYTES_MAX = 16 * 2 ** 30;
const LISTS_BYTES_MAX = 4 * 2 ** 30;
/** Entries of policy: a register holds some 80,000 events. */
const POLICY_MESSAGES_MAX = 1_000_000;

/** A connection. It is made again for as long as the program runs. */
export class NatsBus implements MessageBus {
  readonly #connection: NatsConnection;
  readonly #stream: JetStreamClient;
  readonly #manager: JetStreamManager;
  readonly #events: BusEvents;
  readonly #choice: ServerChoice;

  private constructor(
    connection: NatsConnection,
    manager: JetStreamManager,
    events: BusEvents,
    choice: ServerChoice,
  ) {
    this.#events = events;
    this.#choice = choice;
    this.#connection = connection;
    this.#stream = jetstream(connection, { timeout: ANSWER_MS });
    this.#manager = manager;
  }

  /**
   * Connects. With `isPatient` it goes on until there is an engine; otherwise it rejects with ERR_FLEET_ENGINE.
   */
  static async connect(
    access: BusAccess,
    events: BusEvents,
    isPatient: boolean,
    monotonic: Clock = () => performance.now(),
  ): Promise<NatsBus> {
    const { servers, caPath, name, seed } = access;
    const isTls = servers.some((server) => server.startsWith('tls://'));
    const delay = new ReconnectDelay();
    const choice = new ServerChoice(monotonic, events);
    try {
      const connection = await connect({
        servers: [...servers],
        name: `cordon ${name}`,
        inboxPrefix: inboxOf(name),
        authenticator: nkeyAuthenticator(() => Buffer.from(seed().trim())),
        maxReconnectAttempts: -1,
        waitOnFirstConnect: isPatient,
        // Who is refused may be let in again: the users of an engine that was put back are an older copy.
        ignoreAuthErrorAbort: true,
        reconnectDelayHandler: () => delay.nextMs(),
        reconnectToServer: (servers) => choice.next(servers),
        pingInterval: PING_MS,
        maxPingOut: PINGS_MISSED_MAX,
        timeout: ANSWER_MS,
        ...(isTls ? { tls: caPath === undefined ? {} : { ca: readFileSync(caPath, 'utf8') } } : {}),
      });
      delay.connected();
      const engine = new NatsBus(
        connection,
        await jetstreamManager(connection, { checkAPI: false, timeout: ANSWER_MS }),
        events,
        choice,
      );
      engine.#watch(events, delay).catch((thrown: unknown) => events.onFault('watching the engine', thrown));
      events.onUp();
      return engine;
    } catch (cause) {
      throw unreachable(`connecting to ${servers.join(', ')}`, cause);
    }
  }

  async #watch(events: BusEvents, delay: ReconnectDelay): Promise<void> {
    const onUp = guarded('being connected again', events.onFault, () => events.onUp());
    for await (const status of this.#connection.status()) {
      if (status.type === 'reconnect') {
        delay.connected();
        await onUp();
      }
      if (status.type === 'disconnect') events.onDown('the connection is gone');
      // Rights that an authority of an older version did not write cost what they are for, and not the connection.
      if (status.type === 'error' && !(status.error instanceof PermissionViolationError))
        events.onDown(errorText(status.error));
    }
  }

  /** Takes what is published from now on. */
  subscribe(subject: string, take: Take): Subscription {
    return this.#connection.subscribe(subject, {
      callback: this.#guard(subject, (error: Error | null, message: Msg) =>
        error === null ? take(message.data, message.subject, stampOf(message.headers)) : undefined,
      ),
    });
  }

  /** Answers what is asked; undefined gives no answer. */
  serve(subject: string, answer: Answer): void {
    this.#connection.subscribe(subject, {
      callback: this.#guard(subject, async (error: Error | null, message: Msg) => {
        if (error !== null) return;
        const answered = await answer(message.data, message.subject);
        if (answered !== undefined) message.respond(answered);
      }),
    });
  }

  /** What the library calls for each message: the only way in which anything here is registered. */
  #guard<Given extends readonly unknown[]>(
    subject: string,
    handle: (...given: Given) => unknown,
  ): (...given: Given) => void {
    const guard = guarded(`a message of ${subject}`, this.#events.onFault, handle);
    // It never rejects.
    return (...given) => {
      guard(...given).catch(() => undefined);
    };
  }

  /** Publishes to whoever listens now. */
  tell(subject: string, bytes: Uint8Array | string): void {
    this.#connection.publish(subject, bytes);
  }

  /** Asks, and gives the answer. Rejects with ERR_FLEET_ENGINE. */
  async ask(subject: string, bytes: Uint8Array | string, timeoutMs: number): Promise<Uint8Array> {
    try {
      return (await this.#connection.request(subject, bytes, { timeout: timeoutMs })).data;
    } catch (cause) {
      throw unreachable(`asking at ${subject}`, cause);
    }
  }

  /** Stores a message, and is done when the engine says that it has it. Rejects with ERR_FLEET_ENGINE. */
  async store(subject: string, bytes: Uint8Array | string, options: StoreOptions = {}): Promise<void> {
    try {
      const headers = headersOf(options.stamp ?? { signature: options.signature });
      await this.#stream.publish(subject, bytes, {
        ...(options.id === undefined ? {} : { msgID: options.id }),
        ...(headers === undefined ? {} : { headers }),
      });
      this.#choice.heard();
    } catch (cause) {
      // What a stream says no to, it has heard.
      if (isRefusal(cause)) this.#choice.heard();
      throw this.#lost(`storing at ${subject}`, cause);
    }
  }

  /** The last message of a subject; undefined where there is none. Rejects with ERR_FLEET_ENGINE. */
  async read(stream: StreamName, subject: string): Promise<StoredMessage | undefined> {
    try {
      const found = await this.#manager.direct.getMessage(stream, { last_by_subj: subject });
      return found === null || found === undefined
        ? undefined
        : { subject, bytes: found.data, stamp: stampOf(found.header) };
    } catch (cause) {
      throw this.#lost(`reading ${subject}`, cause);
    }
  }

  /** Takes a message out of a stream that only the authority writes. Rejects with ERR_FLEET_ENGINE. */
  async remove(stream: StreamName, subject: string): Promise<void> {
    try {
      await this.#manager.streams.purge(stream, { filter: subject });
    } catch (cause) {
      throw this.#lost(`removing ${subject}`, cause);
    }
  }

  /** The last message of each subject of a stream, for the authority. Rejects with ERR_FLEET_ENGINE. */
  async readAll(stream: StreamName): Promise<StoredMessage[]> {
    try {
      const consumer = await this.#stream.consumers.get(stream, { deliver_policy: 'last_per_subject' });
      const { num_pending: count } = await consumer.info();
      const found: StoredMessage[] = [];
      if (count === 0) return found;
      for await (const message of await consumer.fetch({ max_messages: count, expires: ANSWER_MS })) {
        found.push({
          subject: message.subject,
          bytes: message.data,
          stamp: stampOf(message.headers),
        });
        if (found.length >= count) break;
      }
      return found;
    } catch (cause) {
      throw this.#lost(`reading ${stream}`, cause);
    }
  }

  /**
   * Makes the streams that are not there, each on so many servers, as the authority may; those that were made on fewer are spread
   * out. Rejects with ERR_FLEET_ENGINE.
   */
  async makeStreams(replicas: number): Promise<void> {
    try {
      for (const stream of streamsOf(replicas)) {
        const known = await this.#manager.streams.info(stream.name).catch(() => undefined);
        if (known === undefined) await this.#makeStream(stream);
        else if (known.config.num_replicas !== replicas)
          await this.#manager.streams.update(stream.name, { num_replicas: replicas });
      }
      await this.#dropStaleConsumer();
      await this.#manager.consumers.add(STREAM.EVIDENCE, {
        durable_name: COLLECTOR,
        ack_policy: AckPolicy.Explicit,
        ack_wait: nanos(ACKNOWLEDGE_MS),
        max_ack_pending: UNACKNOWLEDGED_MAX,
      });
    } catch (cause) {
      throw this.#lost('making the streams', cause);
    }
  }

  /** Whether one of the streams is not there, for the authority. Rejects with ERR_FLEET_ENGINE. */
  async lacksStreams(): Promise<boolean> {
    try {
      const there = new Set<string>();
      for await (const name of this.#manager.streams.names()) there.add(name);
      return Object.values(STREAM).some((name) => !there.has(name));
    } catch (cause) {
      throw this.#lost('looking at the streams', cause);
    }
  }

  /**
   * A stream whose end was lost, such as with a disk that was full, gives its numbers again; the collector's consumer, which is
   * beyond them, would never be given any of it. What comes twice by this is nothing new to a collector.
   */
  async #dropStaleConsumer(): Promise<void> {
    const consumer = await this.#manager.consumers.info(STREAM.EVIDENCE, COLLECTOR).catch(() => undefined);
    if (consumer === undefined) return;
    const {
      first_seq: first,
      last_seq: last,
      messages,
    } = (await this.#manager.streams.info(STREAM.EVIDENCE)).state;
    const isBeyond = consumer.delivered.stream_seq > last;
    const isSkipping = messages > 0 && first <= consumer.ack_floor.stream_seq;
    if (isBeyond || isSkipping) await this.#manager.consumers.delete(STREAM.EVIDENCE, COLLECTOR);
  }

  async #makeStream(stream: NewStream): Promise<void> {
    const wanted = stream.max_bytes ?? 0;
    for (let bytes = wanted; ; bytes /= 2) {
      try {
        await this.#manager.streams.add(bytes === 0 ? stream : { ...stream, max_bytes: bytes });
        // What fits may be all that there is: as much again is left to policy.
        if (bytes < wanted) await this.#manager.streams.update(stream.name, { max_bytes: bytes / 2 });
        return;
      } catch (thrown) {
        if (!/insufficient storage/i.test(errorText(thrown)) || bytes < STREAM_BYTES_MIN) throw thrown;
      }
    }
  }

  /** Gives evidence to `take` in the order of the engine until it is closed. Rejects with ERR_FLEET_ENGINE. */
  async collect(take: (message: EvidenceMessage) => void): Promise<() => Promise<void>> {
    try {
      const consumer = await this.#stream.consumers.get(STREAM.EVIDENCE, COLLECTOR);
      const messages = await consumer.consume({
        max_messages: UNACKNOWLEDGED_MAX / 2,
        expires: PULL_MS,
        callback: this.#guard(STREAM.EVIDENCE, (message: JsMsg) => {
          take({
            subject: message.subject,
            bytes: message.data,
            signature: message.headers?.get(SIGNATURE_HEADER) ?? '',
            storedMs: message.time.getTime(),
            done: () => message.ack(),
            again: () => message.nak(AGAIN_MS),
          });
        }),
      });
      return async () => {
        await messages.close();
      };
    } catch (cause) {
      throw this.#lost('taking evidence', cause);
    }
  }

  /** What the streams did not do. A server may answer reads from its own copy: only what is stored shows that it is one of the others. */
  #lost(doing: string, cause: unknown): AppError {
    if (!isRefusal(cause)) this.#choice.lost(this.#connection);
    return unreachable(doing, cause);
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }
}

/** The bus of the program. */
export const connectNats: ConnectBus = (access, events) => NatsBus.connect(access, events, true);

/** Whether a stream said no; one that cannot do anything at the moment says nothing. */
const isRefusal = (cause: unknown): boolean =>
  cause instanceof JetStreamApiError && cause.status !== UNAVAILABLE;

const SIGNATURE_HEADER = 'Cordon-Signature';
const SEQUENCE_HEADER = 'Cordon-Sequence';

const headersOf = ({ sequence, signature }: { sequence?: number; signature: string | undefined }) => {
  if (signature === undefined) return undefined;
  const made = createHeaders();
  made.set(SIGNATURE_HEADER, signature);
  if (sequence !== undefined) made.set(SEQUENCE_HEADER, String(sequence));
  return made;
};

const stampOf = (headers: MsgHdrs | undefined): Stamp | undefined =>
  headers === undefined ? undefined : readStamp(headers.get(SEQUENCE_HEADER), headers.get(SIGNATURE_HEADER));

const unreachable = (doing: string, cause: unknown): AppError =>
  new AppError('ERR_FLEET_ENGINE', `${doing}: ${errorText(cause)}`, {
    cause,
    hint: 'Policy that is in force stays, and records wait on the disk until the engine is there again.',
  });

/** A stream that is to be made. */
type NewStream = Partial<StreamConfig> & { readonly name: string };

/** All streams, each on so many servers. Those that set room aside come last. */
const streamsOf = (replicas: number): NewStream[] => {
  const common = { storage: StorageType.File, num_replicas: replicas, duplicate_window: nanos(DUPLICATE_MS) };
  const latest = { ...common, max_msgs_per_subject: 1, allow_direct: true, discard: DiscardPolicy.Old };
  const bucket = { ...latest, discard: DiscardPolicy.New, allow_rollup_hdrs: true, deny_delete: true };
  return [
    // An entry that is there is never replaced by another one of its number.
    {
      ...common,
      name: STREAM.POLICY,
      subjects: ['cordon.policy.*'],
      max_msgs: POLICY_MESSAGES_MAX,
      max_msgs_per_subject: 1,
      discard: DiscardPolicy.New,
      discard_new_per_subject: true,
      allow_direct: true,
    },
    { ...latest, name: STREAM.CHECKPOINT, subjects: [CHECKPOINT_SUBJECT] },
    { ...bucket, name: STREAM.PRESENCE, subjects: ['$KV.cordon_presence.>'] },
    { ...bucket, name: STREAM.CONFIRMED, subjects: ['$KV.cordon_confirmed.>'] },
    { ...bucket, name: STREAM.PROBED, subjects: ['$KV.cordon_probed.>'] },
    // Those that set room aside come last.
    { ...latest, name: STREAM.LISTS, subjects: ['cordon.list.*.*'], max_bytes: LISTS_BYTES_MAX },
    {
      ...common,
      name: STREAM.EVIDENCE,
      subjects: ['cordon.evidence.*.*'],
      retention: RetentionPolicy.Workqueue,
      discard: DiscardPolicy.New,
      max_bytes: EVIDENCE_BYTES_MAX,
      max_age: nanos(90 * DAY_MS),
    },
  ];
};
