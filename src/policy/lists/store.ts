// The store: what the state directory keeps of lists that come from sources.
//
//   lists/.incoming/           what is being fetched; emptied at a start
//   lists/ID/record.json       which content is in force, which were, which is held (store-record.ts)
//   lists/ID/record.old.json   the record before the last decision, for a record that is damaged
//   lists/ID/history.jsonl     the last decisions, one a line
//   lists/ID/SHA256.list       the contents, each under its own hash, never written into
//
// A decision takes effect with the rename of record.json and not before: whatever fails or crashes on the way leaves
// the old state, and the contents that it names are still there. One process writes to a store; its operations on a
// list come one after another.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Clock, errorText, isAppError, replaceFile, systemErrorCode } from '../../base/base.ts';
import { reasonText } from '../../base/words/words.ts';
import type { ReviewFacts, ReviewReason } from './review.ts';
import { sourceError } from './source-error.ts';
import type { SourceValidators } from './source-fetch.ts';
import { copyName, createDirectory, moveFile, readText, sweepDirectory } from './store-file.ts';
import {
  boundText,
  DISMISSED_MAX,
  EMPTY_RECORD,
  formatHistory,
  HISTORY_MAX,
  PREVIOUS_MAX,
  parseHistory,
  parseRecord,
  type StoreDecision,
  type StoredContent,
  type StoreRecord,
  UNWRITTEN_MAX,
} from './store-record.ts';

const LISTS_NAME = 'lists';
/** No list can be named so. */
const INCOMING_NAME = '.incoming';
const RECORD_NAME = 'record.json';
const OLD_RECORD_NAME = 'record.old.json';
const HISTORY_NAME = 'history.jsonl';
const CONTENT_SUFFIX = '.list';
/** A list's directory is named after it; this also keeps a name inside the store. */
const LIST_NAME = /^[a-z0-9][a-z0-9_-]{0,63}$/;
/** Who decides when no person does. */
const BY_REVIEW = 'review';

/** A content that comes into the store. */
export interface StoreArrival {
  /** Of a file in ListStore.incoming, which the store takes over. */
  readonly path: string;
  readonly sha256: string;
  readonly facts: ReviewFacts;
  readonly validators: SourceValidators | undefined;
}

/** Who decides, and why. */
export interface StoreAuthor {
  readonly by: string;
  readonly reason: string;
}

/** The lists of one state directory. Every method throws ERR_LIST_STORE when the disk does not do its part. */
export class ListStore {
  /** Where fetches make their files: in the file system of the store, so that moving one is a rename. */
  readonly incoming: string;
  readonly #directory: string;
  readonly #clock: Clock;
  /** By list: the end of what is under way. */
  readonly #queues = new Map<string, Promise<unknown>>();

  private constructor(directory: string, clock: Clock) {
    this.#directory = join(directory, LISTS_NAME);
    this.incoming = join(this.#directory, INCOMING_NAME);
    this.#clock = clock;
  }

  /** Opens the store in a state directory, creates it when it is not there, and empties `incoming`. */
  static async open(directory: string, clock: Clock): Promise<ListStore> {
    const store = new ListStore(directory, clock);
    await attempt('opening the store of lists', async () => {
      await createDirectory(store.#directory);
      await createDirectory(store.incoming);
      await sweepDirectory(store.incoming, () => false);
    });
    return store;
  }

  /** The store of a state directory as another process keeps it: for reading, creates and removes nothing. */
  static at(directory: string, clock: Clock): ListStore {
    return new ListStore(directory, clock);
  }

  /** The path of a content, whether it is kept or not. */
  pathOf(list: string, sha256: string): string {
    return join(this.#pathOf(list), `${sha256}${CONTENT_SUFFIX}`);
  }

  /** What is kept of a list. Throws ERR_LIST_STORE also when the record and the one before are damaged. */
  async status(list: string): Promise<StoreRecord> {
    return this.#attempt(list, () => this.#readRecord(list));
  }

  /** The last decisions about a list, the latest last. */
  async history(list: string): Promise<StoreDecision[]> {
    return this.#attempt(list, async () => {
      const record = await this.#readRecord(list);
      return this.#readHistory(list, record.unwritten);
    });
  }

  /**
   * The content to enforce: the one in force, or when its file is damaged the latest earlier one that is not;
   * undefined when there is none. Reads the files.
   */
  async findIntact(list: string): Promise<StoredContent | undefined> {
    return this.#attempt(list, async () => {
      const { current, previous } = await this.#readRecord(list);
      for (const content of current === null ? previous : [current, ...previous]) {
        if (await this.isIntact(list, content.sha256)) return content;
      }
      return undefined;
    });
  }

  /** True when the file of a content is there and has its hash. Reads it. */
  isIntact(list: string, sha256: string): Promise<boolean> {
    return this.#attempt(list, async () => (await hashOf(this.pathOf(list, sha256))) === sha256);
  }

  /** Puts a content into force that a review accepted. */
  async take(list: string, arrival: StoreArrival, author: Partial<StoreAuthor> = {}): Promise<void> {
    const { by = BY_REVIEW, reason = '' } = author;
    await this.#change(list, async (record) => {
      const reached = this.#reached(record, arrival.validators);
      if (record.current?.sha256 === arrival.sha256) {
        await rm(arrival.path, { force: true });
        return {
          record: reached,
          decisions: [decide('unchanged', record.current, reasonText('same-content'), by)],
        };
      }
      const content = await this.#keep(list, arrival);
      return {
        record: { ...withCurrent(reached, content), held: null },
        decisions: [decide('fetched', content, '', by), decide('accepted', content, reason, by)],
      };
    });
  }

  /** Keeps a content aside that a review held, in place of the one that was held before. */
  async hold(list: string, arrival: StoreArrival, reasons: readonly ReviewReason[]): Promise<void> {
    await this.#change(list, async (record) => {
      const reached = this.#reached(record, arrival.validators);
      if (record.held?.sha256 === arrival.sha256) {
        await rm(arrival.path, { force: true });
        return {
          record: reached,
          decisions: [decide('unchanged', record.held, reasonText('content-held'), BY_REVIEW)],
        };
      }
      const content = await this.#keep(list, arrival);
      const texts = reasons.map(({ code, text }) => boundText(`${code}: ${text}`));
      return {
        record: { ...reached, held: { ...content, reasons: texts } },
        decisions: [
          decide('fetched', content, '', BY_REVIEW),
          decide('held', content, texts.join('; '), BY_REVIEW),
        ],
      };
    });
  }

  /** Notes that the source was reached and has nothing new. */
  async noteUnchanged(list: string): Promise<void> {
    await this.#change(list, (record) => ({
      record: this.#reached(record, record.validators ?? undefined),
      decisions: [decide('unchanged', record.current, reasonText('nothing-new'), BY_REVIEW)],
    }));
  }

  /** Notes that a fetch brought nothing usable: `reason` is what went wrong. */
  async noteFailure(list: string, reason: string): Promise<void> {
    await this.#change(list, (record) => ({
      record: { ...record, failures: record.failures + 1 },
      decisions: [decide('rejected', null, reason, BY_REVIEW)],
    }));
  }

  /** Puts the held content into force. Throws ERR_LIST_ABSENT when it is not the one that `sha256` names. */
  async accept(list: string, sha256: string, author: StoreAuthor): Promise<void> {
    await this.#change(list, (record) => {
      const content = requireHeld(list, record, sha256);
      return {
        record: {
          ...withCurrent(record, content),
          held: null,
          dismissed: record.dismissed.filter((other) => other !== sha256),
        },
        decisions: [decide('accepted', content, author.reason, author.by)],
      };
    });
  }

  /** Turns the held content away; it is remembered as dismissed. Throws ERR_LIST_ABSENT as accept() does. */
  async dismiss(list: string, sha256: string, author: StoreAuthor): Promise<void> {
    await this.#change(list, (record) => {
      const content = requireHeld(list, record, sha256);
      return {
        record: { ...record, held: null, dismissed: withFirst(record.dismissed, sha256) },
        decisions: [decide('rejected', content, author.reason, author.by)],
      };
    });
  }

  /**
   * Puts an earlier content into force again. The one that was in force is held and dismissed, so that the next
   * fetch does not bring it back, but a person can. Throws ERR_LIST_ABSENT for a content that is not kept.
   */
  async rollback(list: string, sha256: string, author: StoreAuthor): Promise<void> {
    await this.#change(list, (record) => {
      const content = record.previous.find((kept) => kept.sha256 === sha256);
      const { current } = record;
      if (content === undefined || current === null) {
        throw absent(list, sha256, 'it is not among the earlier contents that are kept');
      }
      return {
        record: {
          ...record,
          current: content,
          previous: record.previous.filter((kept) => kept !== content),
          held: { ...current, reasons: [boundText(`rolled back: ${author.reason}`)] },
          dismissed: withFirst(record.dismissed, current.sha256),
        },
        decisions: [decide('rolled-back', content, author.reason, author.by)],
      };
    });
  }

  #pathOf(list: string): string {
    if (!LIST_NAME.test(list)) {
      throw sourceError(
        'ERR_LIST_STORE',
        `naming the directory of list ${JSON.stringify(list.slice(0, 64))}: not a name of small letters and digits`,
      );
    }
    return join(this.#directory, list);
  }

  #reached(record: StoreRecord, validators: SourceValidators | undefined): StoreRecord {
    return { ...record, validators: validators ?? null, checkedAtMs: this.#clock(), failures: 0 };
  }

  async #keep(list: string, arrival: StoreArrival): Promise<StoredContent> {
    await moveFile(arrival.path, this.pathOf(list, arrival.sha256));
    return { sha256: arrival.sha256, storedAtMs: this.#clock(), facts: arrival.facts };
  }

  /** Waits for what is under way for the list, then reads, decides and writes. */
  async #change(list: string, decideOn: (record: StoreRecord) => Change | Promise<Change>): Promise<void> {
    const before = this.#queues.get(list) ?? Promise.resolve();
    const after = before.then(() =>
      this.#attempt(list, async () => {
        await createDirectory(this.#pathOf(list));
        const record = await this.#readRecord(list);
        await this.#commit(list, record, await decideOn(record));
      }),
    );
    // A failure is the caller's; the next operation starts from what is on the disk.
    this.#queues.set(
      list,
      after.catch(() => undefined),
    );
    await after;
  }

  async #commit(list: string, old: StoreRecord, change: Change): Promise<void> {
    const time = new Date(this.#clock()).toISOString();
    const decisions = change.decisions.map((draft, index) => ({
      ...draft,
      sequence: old.sequence + 1 + index,
      time,
    }));
    const history = await this.#readHistory(list, [...old.unwritten, ...decisions]);
    const written = (await readText(join(this.#pathOf(list), HISTORY_NAME))) ?? '';
    const lastWritten = parseHistory(written).at(-1)?.sequence ?? 0;
    const unwritten = history.filter((decision) => decision.sequence > lastWritten);
    const record: StoreRecord = {
      ...change.record,
      sequence: old.sequence + decisions.length,
      unwritten: unwritten.slice(-UNWRITTEN_MAX),
    };
    const path = join(this.#pathOf(list), RECORD_NAME);
    await copyName(path, join(this.#pathOf(list), OLD_RECORD_NAME));
    await replaceFile(path, `${JSON.stringify(record)}\n`);
    await this.#followUp(list, old, record, history);
  }

  /** What comes after a decision took effect; when the disk fails here, the next decision makes up for it. */
  async #followUp(
    list: string,
    old: StoreRecord,
    record: StoreRecord,
    history: readonly StoreDecision[],
  ): Promise<void> {
    // The contents of the record before stay as well: it is the way back from a damaged one.
    const kept = new Set([...namesOf(old), ...namesOf(record), RECORD_NAME, OLD_RECORD_NAME, HISTORY_NAME]);
    try {
      await sweepDirectory(this.#pathOf(list), (name) => kept.has(name));
      await replaceFile(join(this.#pathOf(list), HISTORY_NAME), formatHistory(history));
    } catch (thrown) {
      if (systemErrorCode(thrown) === undefined) throw thrown;
    }
  }

  async #readRecord(list: string): Promise<StoreRecord> {
    const path = join(this.#pathOf(list), RECORD_NAME);
    const text = await readText(path);
    const old = await readText(join(this.#pathOf(list), OLD_RECORD_NAME));
    if (text === undefined && old === undefined) return EMPTY_RECORD;
    const record = parseRecord(text ?? '') ?? parseRecord(old ?? '');
    if (record !== undefined) return record;
    throw sourceError('ERR_LIST_STORE', `reading ${path}: it is damaged, and so is the one before`, {
      hint: 'Remove the directory of the list: it is fetched anew.',
    });
  }

  /** The history with decisions that it may lack. */
  async #readHistory(list: string, added: readonly StoreDecision[]): Promise<StoreDecision[]> {
    const text = (await readText(join(this.#pathOf(list), HISTORY_NAME))) ?? '';
    const bySequence = new Map(parseHistory(text).map((decision) => [decision.sequence, decision]));
    for (const decision of added) bySequence.set(decision.sequence, decision);
    const decisions = [...bySequence.values()].sort((left, right) => left.sequence - right.sequence);
    return decisions.slice(-HISTORY_MAX);
  }

  #attempt<Value>(list: string, act: () => Promise<Value>): Promise<Value> {
    return attempt(`keeping list ${list}`, act);
  }
}

/** A decision without its place in the history. */
type Draft = Omit<StoreDecision, 'sequence' | 'time'>;

interface Change {
  readonly record: StoreRecord;
  readonly decisions: readonly Draft[];
}

const decide = (
  action: StoreDecision['action'],
  content: StoredContent | null,
  reason: string,
  by: string,
): Draft => ({
  action,
  sha256: content?.sha256 ?? null,
  entries: content?.facts.entries ?? null,
  reason: boundText(reason),
  by: boundText(by),
});

/** Puts a content into force; what was in force becomes the latest earlier one. */
const withCurrent = (record: StoreRecord, { sha256, storedAtMs, facts }: StoredContent): StoreRecord => {
  const earlier = record.current === null ? record.previous : [record.current, ...record.previous];
  const previous = earlier.filter((kept) => kept.sha256 !== sha256).slice(0, PREVIOUS_MAX);
  return { ...record, current: { sha256, storedAtMs, facts }, previous };
};

const withFirst = (dismissed: readonly string[], sha256: string): string[] =>
  [sha256, ...dismissed.filter((other) => other !== sha256)].slice(0, DISMISSED_MAX);

const requireHeld = (list: string, record: StoreRecord, sha256: string): StoredContent => {
  if (record.held?.sha256 === sha256) return record.held;
  throw absent(list, sha256, record.held === null ? 'nothing is held' : `${record.held.sha256} is held`);
};

const absent = (list: string, sha256: string, reason: string): Error =>
  sourceError(
    'ERR_LIST_ABSENT',
    `looking for content ${JSON.stringify(sha256.slice(0, 64))} of list ${list}: ${reason}`,
  );

const namesOf = ({ current, previous, held }: StoreRecord): string[] =>
  [current, held, ...previous].flatMap((content) =>
    content === null ? [] : [`${content.sha256}${CONTENT_SUFFIX}`],
  );

/** The SHA-256 of a file; undefined when there is none. */
const hashOf = async (path: string): Promise<string | undefined> => {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(path), hash);
  } catch (thrown) {
    if (systemErrorCode(thrown) === 'ENOENT') return undefined;
    throw thrown;
  }
  return hash.digest('hex');
};

/** Failures of the file system as an AppError; everything else is a defect and goes on. */
const attempt = async <Value>(doing: string, act: () => Promise<Value>): Promise<Value> => {
  try {
    return await act();
  } catch (thrown) {
    if (isAppError(thrown) || systemErrorCode(thrown) === undefined) throw thrown;
    throw sourceError('ERR_LIST_STORE', `${doing}: ${errorText(thrown)}`, { cause: thrown });
  }
};
