// Signs heads when they are due and keeps them: in heads.jsonl, in a file elsewhere, and with the outputs.
//
// A partition that closed is signed at once, the one that grows each hour and when the program stops. The copy elsewhere
// (head-copy.ts) costs nothing else when it cannot be written.
import type { Clock } from '../../base/base.ts';
import { isAppError } from '../../base/base.ts';
import { HeadCopy } from './head-copy.ts';
import { type ChainPosition, HeadSigner, headHash } from './heads.ts';
import { appendHead, headsPath, type LastHeads, readLastHeads } from './heads-file.ts';
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
  readonly #directory: string;
  readonly #resolver: string;
  readonly #clock: Clock;
  readonly #signer: HeadSigner;
  /** Of partitions that closed and have no head of that yet. */
  readonly #closed: ChainPosition[] = [];
  #number: number;
  #previous: string;
  readonly #signedHashes = new Map<string, string>();
  #copy: HeadCopy | undefined;

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
    this.#clock = options.clock;
    this.#signer = HeadSigner.open(options.directory);
    this.#number = last.number;
    this.#previous = last.hash;
    for (const [recordClass, head] of last.byClass) this.#signedHashes.set(recordClass, head.hash);
    this.settings = options.settings;
  }

  set settings({ file }: HeadSettings) {
    if (file === this.#copy?.path) return;
    this.#copy = file === undefined ? undefined : new HeadCopy(file, headsPath(this.#directory));
  }

  /** Of the copy elsewhere, as of any other output; undefined without one. */
  facts(): OutputFacts | undefined {
    return this.#copy?.facts();
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
    this.#copy?.add(head);
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
