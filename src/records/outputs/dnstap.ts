// dnstap over Frame Streams, to a Unix socket or over TCP: records of queries for tools that collect DNS events.
//
// Records about the program itself have no place in the schema and are not sent, nor are registers of the
// distinct-client estimate.
import { RECORD_CLASSES, type RecordClass } from '../record.ts';
import type { PlacedRecord, RecordOutput } from '../record-output.ts';
import { type DnstapSender, toDnstap } from './dnstap-message.ts';
import { createFrameStream, toDataFrame } from './frame-stream.ts';
import { toJsonText } from './json-text.ts';
import { OutputQueue, type QueueBounds } from './output-queue.ts';
import { type LinkTimes, type StreamAddress, StreamLink } from './stream-link.ts';

/** Where the messages go, and who they say sent them. */
export interface DnstapOptions extends DnstapSender {
  readonly name: string;
  readonly to: StreamAddress;
  /** Records of these chains only; of all when absent. */
  readonly classes?: readonly RecordClass[];
  readonly bounds?: QueueBounds;
  readonly times?: LinkTimes;
}

/** Names the schema in the handshake. */
const CONTENT_TYPE = 'protobuf:dnstap.Dnstap';

/** The output `dnstap`. */
export class DnstapOutput implements RecordOutput {
  readonly name: string;
  readonly #sender: DnstapSender;
  readonly #classes: readonly RecordClass[];
  readonly #queue: OutputQueue;
  readonly #link: StreamLink;

  constructor({ name, to, identity, version, classes = RECORD_CLASSES, bounds, times }: DnstapOptions) {
    this.name = name;
    this.#classes = classes;
    this.#sender = { identity, version };
    this.#queue = new OutputQueue(bounds);
    this.#link = new StreamLink(to, this.#queue, createFrameStream(CONTENT_TYPE), times);
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
      if (placed.class !== 'queries' || !this.#classes.includes('queries')) continue;
      const { record } = placed;
      if (!('qname' in record)) continue;
      this.#queue.push(() => toDataFrame(toDnstap(record, toJsonText(placed), this.#sender)));
    }
    this.#link.wake();
  }

  close(): Promise<void> {
    return this.#link.close();
  }
}
