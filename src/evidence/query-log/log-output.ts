// One output of a query log: what makes bytes of queries, what bounds them, and where they go.
import { dirname } from 'node:path';
import type { RingQuery } from '../../telemetry/events/events.ts';
import {
  DiskReserve,
  DNSTAP_PROTOCOL,
  OutputQueue,
  type RecordLog,
  StreamLink,
  SYSLOG_PROTOCOL,
} from '../records/records.ts';
import { DnstapForm } from './dnstap-form.ts';
import { FILE_PIECE_BYTES, PIECE_BYTES, Piece, type QueryEncoder } from './encoder.ts';
import { JsonForm } from './json-form.ts';
import type { Naming } from './naming.ts';
import { RotatedFile } from './rotated-file.ts';
import type { LogOutputFacts, LogOutputSettings, QueryLogSettings } from './settings.ts';
import { SyslogForm } from './syslog-form.ts';

/** Between two looks at the disk, milliseconds. */
const LOOK_MS = 1_000;
/** Between two looks at files, milliseconds. */
const KEEP_MS = 5_000;
/** Pieces that wait for a receiver. */
const QUEUE_BOUNDS = { count: 512, bytes: 32 << 20 };
const DAY_MS = 86_400_000;

/** What bytes are handed to. */
interface Sink {
  readonly queue: OutputQueue;
  readonly trouble: string | undefined;
  /** Files that are not kept as they should be. */
  readonly overdue: string | undefined;
  /** Takes a piece, or counts what is in it as dropped. */
  push(piece: Piece, count: number): void;
  keep(nowMs: number): void;
  reopen(): void;
  close(): Promise<void>;
}

/** One output. */
export class LogOutput {
  readonly name: string;
  /** Queries that its bounds of a day, and of the disk, left out. */
  lostToDay = 0;
  lostToDisk = 0;
  /** Bytes of the day. */
  dayBytes = 0;
  day = 0;
  readonly #form: QueryEncoder;
  readonly #sink: Sink;
  readonly #pieceBytes: number;
  readonly #piece: Piece;
  readonly #bytesPerDay: number;
  readonly #reserve: { readonly disk: DiskReserve; readonly bytes: number } | undefined;
  #count = 0;
  #lookedMs = 0;
  #keptMs = 0;

  constructor(output: LogOutputSettings, settings: QueryLogSettings, naming: Naming, log: RecordLog) {
    this.name = output.name;
    this.#bytesPerDay = settings.bytesPerDay;
    this.#pieceBytes = output.kind === 'file' ? FILE_PIECE_BYTES : PIECE_BYTES;
    this.#piece = new Piece(this.#pieceBytes);
    this.#form = createForm(output, settings, naming);
    this.#sink = createSink(output, settings, log, (piece) => this.#piece.giveBack(piece));
    if (output.kind === 'file')
      this.#reserve = {
        disk: new DiskReserve(dirname(output.path), undefined, log),
        bytes: settings.reserveBytes,
      };
  }

  /** Takes a query, or counts it as lost. */
  write(query: RingQuery): void {
    if (this.dayBytes >= this.#bytesPerDay) {
      this.lostToDay++;
      return;
    }
    if (this.#reserve?.disk.isReached === true) {
      this.lostToDisk++;
      return;
    }
    const before = this.#piece.length;
    this.#count += this.#form.encode(query, this.#piece);
    this.dayBytes += this.#piece.length - before;
    if (this.#piece.length >= this.#pieceBytes) this.flush();
  }

  /** Hands on what was made. */
  flush(): void {
    if (this.#piece.length === 0) return;
    this.#sink.push(this.#piece, this.#count);
    this.#count = 0;
    // A queue that is full took nothing.
    this.#piece.length = 0;
  }

  /** Looks at the day, the disk and the files. */
  look(nowMs: number): void {
    const day = Math.floor(nowMs / DAY_MS);
    if (day !== this.day) {
      this.day = day;
      this.dayBytes = 0;
    }
    if (Math.abs(nowMs - this.#lookedMs) >= LOOK_MS) {
      this.#lookedMs = nowMs;
      this.#lookAtDisk();
    }
    if (Math.abs(nowMs - this.#keptMs) < KEEP_MS) return;
    this.#keptMs = nowMs;
    this.#sink.keep(nowMs);
  }

  #lookAtDisk(): void {
    try {
      this.#reserve?.disk.look(this.#reserve.bytes);
    } catch {
      // What the next write meets says more.
    }
  }

  /** Queries that its receiver did not take. */
  get dropped(): number {
    return this.#sink.queue.dropped;
  }

  facts(): LogOutputFacts {
    const { queue, trouble, overdue } = this.#sink;
    return { name: this.name, written: queue.written, trouble, overdue };
  }

  reopen(): void {
    this.#sink.reopen();
  }

  close(): Promise<void> {
    this.flush();
    return this.#sink.close();
  }
}

const createForm = (output: LogOutputSettings, settings: QueryLogSettings, naming: Naming): QueryEncoder => {
  const { resolver, version } = settings;
  switch (output.kind) {
    case 'file':
      return new JsonForm(naming, resolver);
    case 'dnstap':
      return new DnstapForm(naming, resolver, version, output.messages);
    case 'syslog':
      return new SyslogForm(naming, { resolver, version, facility: output.facility, processId: process.pid });
  }
};

const createSink = (
  output: LogOutputSettings,
  settings: QueryLogSettings,
  log: RecordLog,
  release: (piece: Uint8Array) => void,
): Sink => {
  if (output.kind === 'file') {
    const rotated = new RotatedFile(output.path, settings, log, { release });
    return {
      queue: rotated.file.queue,
      get trouble() {
        return rotated.file.trouble;
      },
      get overdue() {
        return rotated.overdue;
      },
      push: (piece, count) => rotated.push(piece, count),
      keep: (nowMs) => void rotated.keep(nowMs),
      reopen: () => void rotated.file.reopen(),
      close: () => rotated.close(),
    };
  }
  const queue = new OutputQueue(QUEUE_BOUNDS, release);
  const link = new StreamLink(output.to, queue, output.kind === 'dnstap' ? DNSTAP_PROTOCOL : SYSLOG_PROTOCOL);
  return {
    queue,
    get trouble() {
      return link.trouble;
    },
    overdue: undefined,
    push: (piece, count) => {
      queue.push(() => piece.take(), count);
      link.wake();
    },
    keep: () => undefined,
    reopen: () => undefined,
    close: () => link.close(),
  };
};
