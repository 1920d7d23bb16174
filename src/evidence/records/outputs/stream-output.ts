// An output over a connection: a queue, the link that empties it, and how a record becomes bytes.
import type { SignedHead } from '../heads.ts';
import { RECORD_CLASSES, type RecordClass } from '../record.ts';
import type { PlacedRecord, RecordOutput } from '../record-output.ts';
import { OutputQueue, type QueueBounds } from './output-queue.ts';
import { type LinkProtocol, type LinkTimes, type StreamAddress, StreamLink } from './stream-link.ts';

/** Where the messages of an output go. */
export interface StreamOutputOptions {
  readonly name: string;
  readonly to: StreamAddress;
  /** Records of these chains only; of all when absent. */
  readonly classes?: readonly RecordClass[];
  readonly bounds?: QueueBounds;
  readonly times?: LinkTimes;
}

/** What its receiver understands. */
export interface StreamForm {
  readonly protocol: LinkProtocol;
  /** The bytes of a record, made when there is room; undefined for one that has no place there. */
  encode(placed: PlacedRecord): (() => Uint8Array) | undefined;
  /** The bytes of a signed head, for receivers that take them. */
  encodeHead?(head: SignedHead): Uint8Array;
}

/** An output over TCP, TLS or a Unix socket. */
export class StreamOutput implements RecordOutput {
  readonly name: string;
  readonly #classes: readonly RecordClass[];
  readonly #queue: OutputQueue;
  readonly #link: StreamLink;
  readonly #form: StreamForm;

  constructor({ name, to, classes = RECORD_CLASSES, bounds, times }: StreamOutputOptions, form: StreamForm) {
    this.name = name;
    this.#classes = classes;
    this.#queue = new OutputQueue(bounds);
    this.#link = new StreamLink(to, this.#queue, form.protocol, times);
    this.#form = form;
  }

  get dropped(): number {
    return this.#queue.dropped;
  }

  get written(): number {
    return this.#queue.written;
  }

  get queued(): number {
    return this.#queue.length;
  }

  get trouble(): string | undefined {
    return this.#link.trouble;
  }

  write(records: readonly PlacedRecord[]): void {
    for (const placed of records) {
      const encode = this.#classes.includes(placed.class) ? this.#form.encode(placed) : undefined;
      if (encode !== undefined) this.#queue.push(encode);
    }
    this.#link.wake();
  }

  head(head: SignedHead): void {
    const { encodeHead } = this.#form;
    if (encodeHead === undefined || !this.#classes.includes(head.class)) return;
    this.#queue.push(() => encodeHead(head));
    this.#link.wake();
  }

  close(): Promise<void> {
    return this.#link.close();
  }
}
