// What was published to a resolver that is not Cordon's: the files that it takes up, compiled as Cordon's own lists are.
//
// A file is looked at while it is there, and read again when it changed. A resolver has the version before until it has fetched
// this one: a name that is new counts after GRACE_MS. A version that cannot be read changes nothing but what is told.
import { createAddress, errorText, fileIdentity, isAppError } from '../../base/base.ts';
import type { ListFormat } from '../../base/words/words.ts';
import { precedenceOf } from '../../policy/generation/generation.ts';
import { loadList } from '../../policy/lists/lists.ts';
import { ACTION, type LocalRecord, Policy, TableBuilder, Verdict } from '../../policy/policy.ts';
import type { Targets } from '../../wire/dns/dns.ts';
import type { ForeignRecord } from '../records/records.ts';

/** A secondary fetches a zone within seconds of a NOTIFY, and one that takes files within a timer of minutes. */
const GRACE_MS = 300_000;
/** Nobody in particular: rules for some clients alone are not judged by. */
const CLIENT = createAddress();
const NO_EDE = new Uint8Array(0);

/** A file that was published. */
export interface PublishedFile {
  readonly file: string;
  readonly format: ListFormat;
}

/** A change of what is published. */
export type PublishedChange = Partial<Pick<ForeignRecord, 'files' | 'reason'>>;

/** Of one resolver. */
export class PublishedPolicy {
  readonly #files: readonly PublishedFile[];
  readonly #verdict = new Verdict();
  #policy: Policy;
  #before: Policy | undefined;
  #changedMs = 0;
  #stamp: string;
  #facts: NonNullable<ForeignRecord['files']>;

  /** Reads the files. Throws an AppError of the lists, and errors of the system. */
  constructor(files: readonly PublishedFile[]) {
    this.#files = files;
    this.#stamp = stampOf(files);
    ({ policy: this.#policy, facts: this.#facts } = read(files));
  }

  /** What is published now. */
  get facts(): NonNullable<ForeignRecord['files']> {
    return this.#facts;
  }

  /** Looks at the files; gives what changed, undefined when nothing did. */
  look(nowMs: number): PublishedChange | undefined {
    const stamp = stampOf(this.#files);
    if (stamp === this.#stamp) return undefined;
    this.#stamp = stamp;
    try {
      const { policy, facts } = read(this.#files);
      this.#before = this.#policy;
      this.#policy = policy;
      this.#facts = facts;
      this.#changedMs = nowMs;
      return { files: facts };
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      return { files: this.#facts, reason: errorText(thrown) };
    }
  }

  /**
   * For the folded name of `length` bytes: the records that a rule of it answers with, none for a plain refusal; undefined where
   * the resolver does not have to refuse it by now.
   */
  judgeQuestion(
    qname: Uint8Array,
    length: number,
    qtype: number,
    nowMs: number,
  ): readonly LocalRecord[] | undefined {
    const verdict = this.#verdict;
    const before = this.#beforeAt(nowMs);
    if (before !== undefined) {
      before.judgeQuestion(qname, 0, length, qtype, CLIENT, 0, verdict);
      if (!isRefusal(verdict)) return undefined;
    }
    this.#policy.judgeQuestion(qname, 0, length, qtype, CLIENT, 0, verdict);
    return isRefusal(verdict) ? verdict.records : undefined;
  }

  /** True when an answer to a name that is not refused leads to something that the resolver has to refuse by now. */
  judgeTargets(qname: Uint8Array, length: number, qtype: number, targets: Targets, nowMs: number): boolean {
    const before = this.#beforeAt(nowMs);
    return [this.#policy, ...(before === undefined ? [] : [before])].every((policy) => {
      const verdict = this.#verdict;
      // What lets the question pass has its say on where it leads, as in explain.
      policy.judgeQuestion(qname, 0, length, qtype, CLIENT, 0, verdict);
      if (!verdict.refused) policy.judgeTargets(targets, 0, verdict);
      return isRefusal(verdict);
    });
  }

  /** The version before, while a resolver may still have it. */
  #beforeAt(nowMs: number): Policy | undefined {
    return nowMs - this.#changedMs > GRACE_MS ? undefined : this.#before;
  }
}

/** What is only sent to TCP is answered there. */
const isRefusal = (verdict: Verdict): boolean => verdict.refused && verdict.action !== ACTION.TCP_ONLY;

const read = (files: readonly PublishedFile[]) => {
  const builder = new TableBuilder();
  const facts = files.map(({ file, format }, index) => {
    const sink = builder.sinkFor(index, precedenceOf(format));
    const { sha256, entries } = loadList({ kind: 'file', path: file, format, isDirectory: false }, sink);
    return { file, sha256, entries };
  });
  const policy = new Policy(
    {
      generation: 1,
      table: builder.build(files.map((_, index) => index)),
      lists: files.map(({ file, format }) => ({
        ...{ id: file, category: 'published', mandate: false, mode: { kind: 'nxdomain' }, ttlSec: 0 },
        ...{ ede: NO_EDE, precedence: precedenceOf(format), logOnly: false },
      })),
      groups: [{ name: 'all', lists: 2 ** files.length - 1 }],
    },
    0,
  );
  return { policy, facts };
};

/** Changes whenever a file is written or replaced; a file that is not there is a state as well. */
const stampOf = (files: readonly PublishedFile[]): string =>
  files.map(({ file }) => fileIdentity(file)).join('\n');
