// A message bus as authority, node and collector use it: what is told to whoever listens, what is kept by subject, what is asked.
//
// Its rules are those of a stranger's machine. Any call may reject with ERR_FLEET_ENGINE; a message may be lost, come twice,
// late, or in another order; what is kept may be gone or be something else. Nothing of it counts but by its signature and by
// what it says itself. nats-bus.ts is the one of the program; test/support/memory-bus.ts does to its users whatever may happen.
import type { OnFault } from './handler.ts';
import type { Stamp } from './signed-message.ts';
import type { StreamName } from './subjects.ts';

/** Where an engine is and who connects. */
export interface BusAccess {
  readonly servers: readonly string[];
  /** File of certificates; undefined: those of the system. */
  readonly caPath: string | undefined;
  /** Name of the user in subjects. */
  readonly name: string;
  /** Gives the seed, `SU…`, at each connection: it may have been replaced. */
  readonly seed: () => string;
}

/** What a user is told of its connection. */
export interface BusEvents {
  /** Connected, or connected again. */
  onUp(): void;
  /** The connection is gone; it is made again. */
  onDown(reason: string): void;
  /** What handles messages threw something. */
  readonly onFault: OnFault;
}

/** Connects, and goes on trying until there is an engine. Rejects with ERR_FLEET_ENGINE where that is of no use. */
export type ConnectBus = (access: BusAccess, events: BusEvents) => Promise<MessageBus>;

/** Something that is kept. */
export interface StoredMessage {
  readonly subject: string;
  readonly bytes: Uint8Array;
  /** Undefined where none stands beside it. */
  readonly stamp: Stamp | undefined;
}

/** Takes a message. What it throws or rejects with is told, and costs that message alone. */
export type Take = (bytes: Uint8Array, subject: string, stamp: Stamp | undefined) => Promise<void> | void;

/** Answers a request; undefined gives no answer. */
export type Answer = (bytes: Uint8Array, subject: string) => Promise<Uint8Array | string | undefined>;

/** A message of evidence. */
export interface EvidenceMessage extends Omit<StoredMessage, 'stamp'> {
  readonly signature: string;
  /** When the engine says that it got it, milliseconds: nothing is kept by it, or not kept. */
  readonly storedMs: number;
  /** It is on the collector's disk, or not worth to be. */
  done(): void;
  /** It could not be kept: it is given again, soon. */
  again(): void;
}

/** What stands beside a message that is stored. */
export interface StoreOptions {
  /** By which a message that comes twice is known for two minutes. */
  readonly id?: string;
  readonly signature?: string;
  readonly stamp?: Stamp;
}

/** A connection, made again for as long as the program runs. Methods that give a promise reject with ERR_FLEET_ENGINE. */
export interface MessageBus {
  /** Takes what is published from now on, also what the bus does not keep. */
  subscribe(subject: string, take: Take): unknown;
  /** Answers what is asked. */
  serve(subject: string, answer: Answer): void;
  /** Publishes to whoever listens now. */
  tell(subject: string, bytes: Uint8Array | string): void;
  /** Asks, and gives the answer. */
  ask(subject: string, bytes: Uint8Array | string, timeoutMs: number): Promise<Uint8Array>;
  /** Publishes a message that is to be kept, and is done when the bus says that it has it. */
  store(subject: string, bytes: Uint8Array | string, options?: StoreOptions): Promise<void>;
  /** The last message of a subject; undefined where there is none. */
  read(stream: StreamName, subject: string): Promise<StoredMessage | undefined>;
  /** The last message of each subject of a stream, for the authority. */
  readAll(stream: StreamName): Promise<StoredMessage[]>;
  /** Takes what is kept of a subject out of a stream that only the authority writes. */
  remove(stream: StreamName, subject: string): Promise<void>;
  /** Makes the streams that are not there, each on so many servers, as the authority may. */
  makeStreams(replicas: number): Promise<void>;
  /** Whether one of the streams is not there, for the authority. */
  lacksStreams(): Promise<boolean>;
  /** Gives evidence to `take` in the order in which it is kept, until what this resolves to is called. */
  collect(take: (message: EvidenceMessage) => void): Promise<() => Promise<void>>;
  close(): Promise<void>;
}
