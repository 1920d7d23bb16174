// Signs heads when they are due and keeps them: in heads.jsonl, in a file elsewhere, and with the outputs.
//
// A partition that closed is signed at once, the one that grows each hour and when the program stops. A copy elsewhere
// is an output that takes heads alone: whether it can be written is known from the start on, and what it lost costs nothing
// else, because each later head covers what its lost ones did.
import { closeSync, openSync } from 'node:fs';
import type { Clock } from '../../base/base.ts';
import { errorText, isAppError } from '../../base/base.ts';
import { isOperational } from './disk-error.ts';
import { type ChainPosition, HeadSigner, headHash } from './heads.ts';
import { appendHead, HEADS_MODE, headsPath, type LastHeads, readLastHeads } from './heads-file.ts';
import { timeText } from './partition.ts';
import type { OutputFacts, RecordOutput } from './record-output.ts';

/** How heads are kept. */
export interface HeadSettings {
  /** Between two heads of a partition that grows, milliseconds. */
  readonly everyMs: number;
  /** A file that they are also appended to; best on another machine. */
  readonly file?: string | undefined;
}

/** Takes what an operator has to know. */
export interface RecordLog {
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
}

/** The heads of one directory. Methods throw errors of the system, and ERR_COMPLIANCE_SIGNING_KEY. */
export class HeadPublisher {
  outputs: readonly RecordOutput[] = [];
  #settings: HeadSettings;
  readonly #directory: string;
  readonly #resolver: string;
  readonly #clock: Clock;
  readonly #signer: HeadSigner;
  /** Of partitions that closed and have no head of that yet. */
  readonly #closed: ChainPosition[] = [];
  #number: number;
  #previous: string;
  readonly #signedHashes = new Map<string, string>();
  /** Of the copy elsewhere. */
  #written = 0;
  #dropped = 0;
  #trouble: string | undefined;

  constructor(
    options: {
      readonly directory: string;
      readonly resolver: string;
      readonly settings: HeadSettings;
      readonly clock: Clock;
    },
    last: LastHeads,
  ) {
    this.#directory = options.directory;
    this.#resolver = options.resolver;
    this.#settings = options.settings;
    this.#clock = options.clock;
    this.#signer = HeadSigner.open(options.directory);
    this.#number = last.number;
    this.#previous = last.hash;
    for (const [recordClass, head] of last.byClass) this.#signedHashes.set(recordClass, head.hash);
    this.#tryElsewhere(() => undefined);
  }

  set settings(settings: HeadSettings) {
    const { file } = this.#settings;
    this.#settings = settings;
    if (settings.file === file) return;
    this.#written = 0;
    this.#dropped = 0;
    this.#trouble = undefined;
    this.#tryElsewhere(() => undefined);
  }

  /** Of the copy elsewhere, as of any other output; undefined without one. */
  facts(): OutputFacts | undefined {
    const { file } = this.#settings;
    if (file === undefined) return undefined;
    return {
      ...{ name: `heads:${file}`, written: this.#written, dropped: this.#dropped },
      ...{ queued: 0, trouble: this.#trouble },
    };
  }

  /** A partition closed: its head is signed by the next signClosed(). */
  close(position: ChainPosition): void {
    this.#closed.push(position);
  }

  /** Signs what has closed. */
  signClosed(): void {
    for (let position = this.#closed[0]; position !== undefined; position = this.#closed[0]) {
      this.#sign(position);
      this.#closed.shift();
    }
  }

  /** Signs where a chain stands, unless that was signed already. */
  signRunning(position: ChainPosition): void {
    if (this.#signedHashes.get(position.class) === position.hash) return;
    this.#sign(position);
  }

  #sign(position: ChainPosition): void {
    const head = this.#signer.sign(position, {
      number: this.#number + 1,
      previous: this.#previous,
      resolver: this.#resolver,
      signedAt: timeText(this.#clock()),
    });
    appendHead(headsPath(this.#directory), head);
    this.#number = head.number;
    this.#previous = headHash(head);
    this.#signedHashes.set(position.class, position.hash);
    for (const output of this.outputs) output.head?.(head);
    this.#tryElsewhere((file) => {
      this.#dropped++;
      appendHead(file, head);
      this.#dropped--;
      this.#written++;
    });
  }

  /** Opens the copy elsewhere, so that a path which cannot be written is known before there is a head, and appends to it. */
  #tryElsewhere(append: (file: string) => void): void {
    const { file } = this.#settings;
    if (file === undefined) return;
    try {
      closeSync(openSync(file, 'a', HEADS_MODE));
      append(file);
      this.#trouble = undefined;
    } catch (thrown) {
      if (!isOperational(thrown)) throw thrown;
      this.#trouble = errorText(thrown);
    }
  }
}

/** The heads of a directory, or undefined while its key cannot be read: records are kept without them. */
export const openHeadPublisher = (
  options: ConstructorParameters<typeof HeadPublisher>[0] & { readonly log: RecordLog },
): { keeper: HeadPublisher | undefined; last: LastHeads } => {
  const last = readLastHeads(options.directory);
  try {
    return { keeper: new HeadPublisher(options, last), last };
  } catch (thrown) {
    if (!isAppError(thrown)) throw thrown;
    options.log.error({ code: thrown.code, cause: thrown.message }, 'heads of records are not signed');
    return { keeper: undefined, last };
  }
};
