// Policy as a resolver takes it: entries are checked, kept, put in force in their order, and what came of each is recorded.
//
// Number, hash and signature decide what is taken, and nothing that a carrier says. An entry is on the disk before it is
// put in force, and is put in force again after a crash between the two. What does not follow the log here is a fork when it
// is signed, and refused when it is not. At an entry of a kind that this version does not know and must, it stops: what comes
// behind it is kept, and only what ends exemptions is still applied.
import { errorText, HOUR_MS, isAppError } from '../base/base.ts';
import type { Done, FleetActs, FleetNote, Verdict } from './acts.ts';
import type { FleetAlarm } from './alarms.ts';
import { aboutEntry, EarlyEntries } from './early-entries.ts';
import { bodyOf, entryHash, type LogEnd, type PolicyEntry, parseEntry } from './entry.ts';
import { leave } from './handler.ts';
import { type Body, isKind, isRevocation, KINDS } from './kinds.ts';
import type { Membership } from './membership.ts';
import type { LoggedEntry, PolicyLog } from './policy-log.ts';
import { SignedContents, subjectOf } from './signed-contents.ts';

/** Refusals that status shows, and that are tried again while the program runs; the log of policy has all, for the next start. */
const REFUSED_MAX = 50;
const TRIED_MAX = 1_024;
/** What was refused is tried again after this, and then after twice that, milliseconds. */
const AGAIN_MS_MIN = 60_000;
const AGAIN_MS_MAX = HOUR_MS;
/** Messages that were set aside within this time of each other are one issue, and recorded once: nobody fills a disk by them. */
const SET_ASIDE_MS = HOUR_MS;

const UNSIGNED = 'no key of the fleet signed it';

/** Puts one entry in force. */
export type Apply = (entry: PolicyEntry) => Promise<Verdict>;

/** An entry that does not hold here. */
export interface RefusedEntry {
  readonly number: number;
  readonly subject: string | undefined;
  readonly code: string;
  readonly reason: string;
}

/** Messages of the engine that are not what their subject says. */
export interface SetAside {
  readonly count: number;
  readonly sinceMs: number;
  /** Of the last one. */
  readonly reason: string;
}

/** What policy is made with. */
export interface PolicyOptions {
  readonly log: PolicyLog;
  readonly membership: Membership;
  readonly acts: FleetActs;
  readonly apply: Apply;
  /** By how much this clock is ahead of the authority's, milliseconds; undefined while nothing told. */
  readonly offsetMs: () => number | undefined;
  readonly onAlarm: (alarm: FleetAlarm) => void;
  /** True for an entry that changes nothing here, such as another resolver's coming: it is kept, and there is nothing to record. */
  readonly isElsewhere: (entry: PolicyEntry) => boolean;
  /** An entry was taken. */
  readonly onTaken: (entry: PolicyEntry) => void;
  /** Entries are missing up to this number. */
  readonly onMissing: (number: number) => void;
}

/** The policy of one resolver. */
export class Policy {
  readonly #options: PolicyOptions;
  /** What was signed last of each thing. */
  readonly signed = new SignedContents();
  readonly #early: EarlyEntries;
  readonly #refused = new Map<number, RefusedEntry>();
  /** When what was refused is tried again, by the monotonic clock, and after how long the time behind that. */
  #againMs = 0;
  #pauseMs = AGAIN_MS_MIN;
  #stopped: LogEnd | undefined;
  #isForked = false;
  #isClosed = false;
  #setAside: (SetAside & { readonly atMs: number }) | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: PolicyOptions) {
    this.#options = options;
    this.#early = new EarlyEntries({
      ...{ membership: options.membership, monotonic: options.acts.monotonic },
      onForged: (about) => this.setAside(about, UNSIGNED),
    });
    for (const { entry } of options.log.from(1)) {
      options.membership.take(entry);
      this.signed.take(entry);
    }
  }

  /** Where the log ends. */
  get end(): LogEnd {
    return this.#options.log.end;
  }

  /** The entry at which this version had to stop. */
  get stopped(): LogEnd | undefined {
    return this.#stopped;
  }

  /** Another log than that of the authority was seen. */
  get isForked(): boolean {
    return this.#isForked;
  }

  /** The last entries that do not hold here. */
  get refused(): readonly RefusedEntry[] {
    return [...this.#refused.values()].slice(-REFUSED_MAX);
  }

  /** Puts in force what the run before left undone, did not know, or refused. */
  start(): Promise<void> {
    return this.#queue(async () => {
      for (const logged of this.#options.log.unfinished()) await this.#putInForce(logged);
    });
  }

  /** Resolves when everything that was taken is in force. */
  settled(): Promise<void> {
    return this.#running;
  }

  /** Does something between two entries. */
  between(act: () => Promise<void>): Promise<void> {
    return this.#queue(() => (this.#isClosed ? Promise.resolve() : act()));
  }

  /** Tries what was refused when its time has come, and tells of keys that nobody knows; to be called now and then. `isNow`: what it was refused for may be mended. */
  tryAgain(isNow = false): void {
    this.#early.look();
    const nowMs = this.#options.acts.monotonic();
    if (this.#refused.size === 0 || (!isNow && nowMs < this.#againMs)) return;
    this.#pauseMs = isNow ? AGAIN_MS_MIN : Math.min(AGAIN_MS_MAX, 2 * this.#pauseMs);
    this.#againMs = nowMs + this.#pauseMs;
    const trying = this.between(async () => {
      for (const number of [...this.#refused.keys()]) {
        const logged = this.#options.log.at(number);
        // Contents of lists are tried where they are fetched.
        if (logged !== undefined && logged.entry.kind !== 'list') await this.#putInForce(logged);
      }
    });
    leave(trying, 'trying again what was refused', this.#options.acts.log);
  }

  /** What the engine had that nobody may have sent; undefined when the last of it is an hour ago. */
  get setAsides(): SetAside | undefined {
    const last = this.#setAside;
    return last !== undefined && this.#options.acts.monotonic() - last.atMs < SET_ASIDE_MS ? last : undefined;
  }

  /** Takes an entry as it came over the network, at the subject of that number. */
  receive(bytes: Uint8Array, number: number): void {
    const entry = this.#readEntry(bytes, number);
    if (entry !== undefined) this.take(entry);
  }

  /** Takes a page of entries, of which the first has that number. True when that brought any. */
  async receivePage(bytes: Uint8Array, first: number): Promise<boolean> {
    const entries: PolicyEntry[] = [];
    for (const line of Buffer.from(bytes).toString('utf8').split('\n')) {
      if (line === '') continue;
      const entry = this.#readEntry(Buffer.from(line), first + entries.length);
      if (entry === undefined) break;
      entries.push(entry);
    }
    await this.#queue(() => (this.#isClosed ? Promise.resolve() : this.#takeAll(entries)));
    return this.end.number >= first;
  }

  /** The next entry, of a place where that number is kept: one that somebody signed who may. Anything else is set aside. */
  examine(bytes: Uint8Array, number: number): PolicyEntry | undefined {
    const entry = this.#readEntry(bytes, number);
    if (entry === undefined || this.#options.membership.isTrusted(entry)) return entry;
    this.setAside({ number }, `no key of the fleet signed what stands as entry ${number}`);
    return undefined;
  }

  /** What is not what its subject says counts for nothing: it is counted, and told once. */
  setAside(about: Omit<FleetNote, 'event'>, reason: string): void {
    const { acts, onAlarm } = this.#options;
    onAlarm('forged-entry');
    const known = this.setAsides;
    const { count = 0, sinceMs = acts.clock() } = known ?? {};
    this.#setAside = { count: count + 1, sinceMs, reason, atMs: acts.monotonic() };
    if (known !== undefined) return;
    acts.note({ event: 'refused', code: 'ERR_FLEET_SIGNATURE', ...about, reason });
    acts.log.error(
      { ...about, reason },
      'fleet: the engine has what nobody of the fleet sent; it is set aside',
    );
  }

  #readEntry(bytes: Uint8Array, number: number): PolicyEntry | undefined {
    const entry = parseEntry(bytes);
    if (entry?.number === number) return entry;
    const about = Number.isSafeInteger(number) && number > 0 ? { number } : {};
    if (entry === undefined) this.setAside({ ...about, code: 'ERR_FLEET_ENTRY' }, 'it is no entry');
    else this.setAside(about, `entry ${entry.number} stands at the place of entry ${number}`);
    return undefined;
  }

  /** Takes an entry: it is looked at when its turn comes. */
  take(entry: PolicyEntry): void {
    if (this.#isClosed) return;
    leave(
      this.#queue(() => this.#take(entry)),
      'taking an entry',
      this.#options.acts.log,
    );
  }

  /** Takes nothing more, and is done when what was taken is in force. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.settled();
  }

  /** Takes an entry that was made here. */
  async takeOwn(entry: PolicyEntry, source?: number): Promise<void> {
    await this.#queue(() => this.#append(entry, source));
  }

  /** Whether an end that somebody told lies on this log: false is a fork. Behind the end of the program nothing is compared. */
  agreesWith({ number, hash }: LogEnd): boolean {
    const { log } = this.#options;
    if (this.#isClosed || number === 0 || number > log.end.number) return true;
    // What nearly every resolver of a fleet says, every ten seconds.
    if (number === log.end.number) return hash === log.end.hash;
    return log.hashAt(number) === hash;
  }

  /** Tells of a fork, once. */
  fork(reason: string, end: LogEnd): void {
    if (this.#isForked) return;
    this.#isForked = true;
    this.#alarm('fork', {
      event: 'fork',
      number: end.number,
      hash: end.hash,
      code: 'ERR_FLEET_FORK',
      reason,
    });
  }

  async #take(entry: PolicyEntry): Promise<void> {
    const { log, membership, onMissing } = this.#options;
    const { end } = log;
    if (entry.number > end.number + 1) {
      this.#early.take(entry, end.number);
      onMissing(entry.number - 1);
      return;
    }
    const hash = entryHash(entry);
    if (entry.number <= end.number && log.hashAt(entry.number) === hash) return;
    if (!membership.isTrusted(entry)) {
      this.setAside(aboutEntry(entry), UNSIGNED);
      return;
    }
    if (entry.number <= end.number || entry.previous !== end.hash) {
      this.fork(`entry ${entry.number} is another one than here, or follows another one`, {
        number: entry.number,
        hash,
      });
      return;
    }
    await this.#append(entry, undefined);
    const next = this.#early.next(log.end.number + 1);
    if (next !== undefined) await this.#take(next);
  }

  /** Those in a row that change nothing here are written together. */
  async #takeAll(entries: readonly PolicyEntry[]): Promise<void> {
    const { log, membership, isElsewhere } = this.#options;
    for (let index = 0; index < entries.length; ) {
      const run: PolicyEntry[] = [];
      for (let end = log.end; this.#stopped === undefined; ) {
        const entry = entries[index + run.length];
        const follows = entry?.number === end.number + 1 && entry.previous === end.hash;
        if (entry === undefined || !follows || !isElsewhere(entry) || !membership.isTrusted(entry)) break;
        run.push(entry);
        end = { number: entry.number, hash: entryHash(entry) };
      }
      if (run.length > 1) this.#keepAll(run);
      const next = entries[index + run.length];
      index += Math.max(1, run.length);
      if (run.length <= 1 && next !== undefined) await this.#take(run[0] ?? next);
    }
  }

  #keepAll(entries: readonly PolicyEntry[]): void {
    const { log, membership, onTaken } = this.#options;
    log.together(() => {
      for (const entry of entries) log.append(entry, undefined, 'applied');
    });
    for (const entry of entries) {
      membership.take(entry);
      this.signed.take(entry);
      onTaken(entry);
    }
  }

  async #append(entry: PolicyEntry, source: number | undefined): Promise<void> {
    const { log, membership, onTaken, apply, isElsewhere } = this.#options;
    if (source === undefined && this.#stopped === undefined && isElsewhere(entry)) {
      this.#keepAll([entry]);
      return;
    }
    try {
      log.append(entry, source);
    } catch (thrown) {
      // A disk that takes nothing: an exemption ends all the same, and the entry is asked for again.
      if (isAppError(thrown) && isRevocation(entry.kind, bodyOf(entry))) await this.#judge(entry, apply);
      throw thrown;
    }
    membership.take(entry);
    this.signed.take(entry);
    await this.#putInForce({ entry, hash: log.end.hash, outcome: undefined });
    this.#forgetSuperseded(entry);
    onTaken(entry);
  }

  async #putInForce({ entry, hash, outcome: before }: LoggedEntry): Promise<void> {
    const { log, acts, apply } = this.#options;
    const about = this.#about(entry, hash);
    const body = bodyOf(entry);
    if (!isKind(entry.kind)) {
      if (entry.must) this.#stop(about, { number: entry.number, hash }, before);
      else if (before === undefined) {
        log.conclude(entry.number, 'kept');
        acts.note({ event: 'kept', ...about, reason: 'this version does not know the kind' });
      }
      return;
    }
    if (this.#stopped !== undefined && !isRevocation(entry.kind, body)) {
      log.conclude(entry.number, 'waiting');
      return;
    }
    if (this.signed.isSuperseded(entry)) {
      log.conclude(entry.number, 'kept');
      this.#refused.delete(entry.number);
      return;
    }
    const verdict = await this.#judge(entry, apply);
    if ('isDeferred' in verdict) return;
    if (before !== 'refused' || verdict.isApplied) this.conclude(entry, verdict);
    // It is on the record already.
    else this.#keepRefused(entry, verdict);
  }

  /** What an entry says anew of the same thing is nothing that is missing any more. */
  #forgetSuperseded(entry: PolicyEntry): void {
    const about = subjectOf(entry);
    for (const [before, { subject }] of this.#refused) {
      // A pause of all takes the place of the narrower ones as well.
      const isBefore = (subject === about || entry.kind === 'pause') && before < entry.number;
      const logged = isBefore ? this.#options.log.at(before) : undefined;
      if (logged === undefined || !this.signed.isSuperseded(logged.entry)) continue;
      this.#options.log.conclude(before, 'kept');
      this.#refused.delete(before);
    }
  }

  /** Records what came of an entry. */
  conclude(entry: PolicyEntry, verdict: Done): void {
    const { log, acts } = this.#options;
    const about = this.#about(entry, entryHash(entry));
    const subject = verdict.subject === undefined ? {} : { subject: verdict.subject };
    if (verdict.isApplied) {
      log.conclude(entry.number, 'applied');
      acts.note({ event: 'applied', ...about, ...subject });
      this.#refused.delete(entry.number);
      return;
    }
    log.conclude(entry.number, 'refused');
    this.refuse(entry, verdict);
  }

  /** Records that an entry does not hold. */
  refuse(entry: PolicyEntry, { code, reason, subject: name }: Extract<Done, { isApplied: false }>): void {
    const about = this.#about(entry, entryHash(entry));
    const subject = name === undefined ? {} : { subject: name };
    this.#keepRefused(entry, { isApplied: false, code, reason, ...subject });
    this.#pauseMs = AGAIN_MS_MIN;
    this.#againMs = this.#options.acts.monotonic() + AGAIN_MS_MIN;
    this.#alarm('refused-entry', { event: 'refused', ...about, ...subject, code, reason });
  }

  #keepRefused(entry: PolicyEntry, { code, reason, subject }: Extract<Done, { isApplied: false }>): void {
    const { number } = entry;
    const [oldest] = this.#refused.keys();
    if (this.#refused.size >= TRIED_MAX && oldest !== undefined) this.#refused.delete(oldest);
    this.#refused.set(number, { number, subject: subject ?? subjectOf(entry), code, reason });
  }

  #about({ number, kind, time }: PolicyEntry, hash: string) {
    const offset = this.#options.offsetMs();
    return {
      number,
      hash,
      entry: kind,
      authorityTime: time,
      ...(offset === undefined ? {} : { offsetMs: Math.round(offset) }),
    };
  }

  async #judge(entry: PolicyEntry, apply: Apply): Promise<Verdict> {
    try {
      return await apply(entry);
    } catch (thrown) {
      const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'ERR_FLEET_APPLY';
      return { isApplied: false, code, reason: errorText(thrown) };
    }
  }

  #stop(about: object, end: LogEnd, before: LoggedEntry['outcome']): void {
    this.#stopped = end;
    this.#options.log.conclude(end.number, 'stopped');
    if (before !== undefined) return;
    const reason = 'this version does not know the kind and must: a later version goes on';
    this.#alarm('stopped', { event: 'stopped', ...about, code: 'ERR_FLEET_KIND', reason });
  }

  #alarm(alarm: FleetAlarm, note: Parameters<FleetActs['note']>[0]): void {
    const { acts, onAlarm } = this.#options;
    onAlarm(alarm);
    acts.note(note);
    const { event, ...fields } = note;
    acts.log.error(fields, `fleet: policy ${event}`);
  }

  #queue(act: () => Promise<void>): Promise<void> {
    const done = this.#running.then(act);
    this.#running = done.catch((thrown: unknown) => {
      this.#options.acts.log.error({ err: thrown }, 'fleet: policy could not be kept');
    });
    return done;
  }
}

/** The body of an entry of a kind; throws a RangeError for another form. */
export const readBody = <Name extends keyof typeof KINDS>(kind: Name, entry: PolicyEntry): Body<Name> => {
  const read = KINDS[kind].safeParse(bodyOf(entry));
  if (!read.success) throw new RangeError(`the body of a ${kind} has another form`);
  // The schema is that of the kind.
  return read.data as Body<Name>;
};
