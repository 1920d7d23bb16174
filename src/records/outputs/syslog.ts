// syslog over TCP (RFC 6587) or TLS (RFC 5425): records for the collector of an agency's events.
//
// Frames are counted (RFC 6587 section 3.4.1, RFC 5425 section 4.3), so that no character of a message can end it. syslog
// has no confirmation: what the system took is counted as written, and what a connection loses on its way is lost. The
// numbers `seq` show the gap.

import type { SignedHead } from '../heads.ts';
import { RECORD_CLASSES, type RecordClass } from '../record.ts';
import type { PlacedRecord, RecordOutput } from '../record-output.ts';
import { OutputQueue, type QueueBounds } from './output-queue.ts';
import { type LinkProtocol, type LinkTimes, type StreamAddress, StreamLink } from './stream-link.ts';
import { headToSyslog, type SyslogSender, toSyslog } from './syslog-message.ts';

/** Where the messages go, and what their headers say. */
export interface SyslogOptions extends SyslogSender {
  readonly name: string;
  readonly to: StreamAddress;
  /** Records of these chains only; of all when absent. */
  readonly classes?: readonly RecordClass[];
  readonly bounds?: QueueBounds;
  readonly times?: LinkTimes;
}

/** A receiver says nothing; what it sends all the same is read and forgotten. */
const PROTOCOL: LinkProtocol = {
  open(socket, ready) {
    socket.resume();
    ready();
  },
  close: (socket) =>
    new Promise((resolve) => {
      socket.once('close', () => resolve());
      socket.end();
    }),
};

/** The output `syslog`. */
export class SyslogOutput implements RecordOutput {
  readonly name: string;
  readonly #sender: SyslogSender;
  readonly #classes: readonly RecordClass[];
  readonly #queue: OutputQueue;
  readonly #link: StreamLink;

  constructor({ name, to, classes = RECORD_CLASSES, bounds, times, ...sender }: SyslogOptions) {
    this.name = name;
    this.#classes = classes;
    this.#sender = sender;
    this.#queue = new OutputQueue(bounds);
    this.#link = new StreamLink(to, this.#queue, PROTOCOL, times);
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
    for (const placed of records)
      if (this.#classes.includes(placed.class))
        this.#queue.push(() => toCountedFrame(toSyslog(placed, this.#sender)));
    this.#link.wake();
  }

  head(head: SignedHead): void {
    if (!this.#classes.includes(head.class)) return;
    this.#queue.push(() => toCountedFrame(headToSyslog(head, this.#sender)));
    this.#link.wake();
  }

  close(): Promise<void> {
    return this.#link.close();
  }
}

/** `MSG-LEN SP SYSLOG-MSG`. */
const toCountedFrame = (message: Uint8Array): Uint8Array =>
  Buffer.concat([Buffer.from(`${message.length} `), message]);
