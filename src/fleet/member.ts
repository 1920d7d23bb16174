// A resolver in its fleet: connected to the engine for as long as it runs, taking policy, and saying how it is.
//
// Nothing here is waited for: the program starts and goes on with what it has when there is no engine. What comes live is
// taken at once; what was missed is asked for by number, from the engine and then from the authority itself.
import { isDeepStrictEqual } from 'node:util';
import { errorText, HOUR_MS, isAppError } from '../base/base.ts';
import type { FleetActs, Verdict } from './acts.ts';
import type { FleetAlarm } from './alarms.ts';
import { answerEntry } from './answer-entry.ts';
import type { BusAccess, ConnectBus, MessageBus } from './bus.ts';
import { CheckpointWatch } from './checkpoint-watch.ts';
import { bodyOf, type PolicyEntry } from './entry.ts';
import { leave } from './handler.ts';
import type { Identity } from './identity.ts';
import { KINDS } from './kinds.ts';
import type { ListFetcher } from './list-fetcher.ts';
import type { Membership } from './membership.ts';
import { overlaysFor } from './overlays.ts';
import { applyPause, resumePause } from './pauses.ts';
import { Policy, readBody } from './policy.ts';
import type { PolicyLog } from './policy-log.ts';
import { formatPresence, PRESENCE_MS, type Presence, TEXT_LENGTH_MAX } from './presence.ts';
import { differing, hashesOf } from './signed-contents.ts';
import type { LastSequences, Stamp } from './signed-message.ts';
import {
  askSubject,
  CHECKPOINT_SUBJECT,
  ENTRY_SUBJECT,
  entrySubject,
  HELLO_SUBJECT,
  policySubject,
  presenceSubject,
  STREAM,
} from './subjects.ts';

/** Entries that are asked for at a time. */
const FETCH_AT_A_TIME = 32;
/** How long the authority may take to answer with an entry, milliseconds. */
const AUTHORITY_MS = 3_000;
/** Between two tries to get what is missing, and two looks at the checkpoint, milliseconds. */
const RETRY_MS = 1_000;
/** Several entries in a row are one presence, milliseconds. */
const TELL_MS = 20;
/** A fleet that has all heard of something says so one after the other: so much later for each resolver, milliseconds. */
const TELL_SPREAD_MS = 1;
/** Entries are asked for one by one where no more are missing. */
const FEW = 4;

/** What a member is made with. */
export interface MemberOptions {
  readonly identity: Identity;
  readonly role: Presence['role'];
  readonly connect: ConnectBus;
  readonly access: BusAccess;
  readonly log: PolicyLog;
  readonly membership: Membership;
  readonly acts: FleetActs;
  readonly lists: ListFetcher;
  /** Signs what it says of itself, by its key of this moment. */
  readonly stamp: (subject: string, text: string) => Stamp;
  /** What it heard of others. */
  readonly sequences: LastSequences;
  /** Between two checkpoints, milliseconds. */
  readonly checkpointMs: number;
  /** Infinite: never. */
  readonly suspendAfterMs: number;
  readonly onAlarm: (alarm: FleetAlarm) => void;
  /** Up to where records are confirmed. */
  readonly confirmed: () => Presence['confirmed'];
  /** Whether a collector keeps what it is sent and what it refused, for its presence. */
  readonly refusals?: () => Pick<Presence, 'isKeeping' | 'alarms' | 'lastAlarms' | 'foreign'>;
  /** The engine is there, again. */
  readonly onUp: (engine: MessageBus) => void;
  /** Answers what is no question for entries; undefined for one that is. */
  readonly onAsked?: (bytes: Uint8Array) => string | undefined;
}

/** One resolver. */
export class Member {
  readonly policy: Policy;
  readonly checkpoint: CheckpointWatch;
  readonly #options: MemberOptions;
  #engine: MessageBus | undefined;
  /** Makes policy, and follows nobody else's. */
  #isAuthority: boolean;
  #isUp = false;
  #wanted = 0;
  #isFetching = false;
  #fetched: Promise<void> = Promise.resolve();
  #isClosed = false;
  #lookTimer: NodeJS.Timeout | undefined;
  #presenceTimer: NodeJS.Timeout | undefined;
  #comparedMs = 0;
  #tellTimer: NodeJS.Timeout | undefined;
  readonly #caughtUp = Promise.withResolvers<void>();

  constructor(options: MemberOptions) {
    const { log, membership, acts, sequences, onAlarm, checkpointMs, suspendAfterMs } = options;
    this.#options = options;
    this.#isAuthority = options.role === 'authority';
    this.policy = new Policy({
      ...{ log, membership, acts, onAlarm },
      apply: (entry) => this.#apply(entry),
      offsetMs: () => this.checkpoint.offsetMs,
      isElsewhere: (entry) => this.#isElsewhere(entry),
      // That others come, all of them need not say at once.
      onTaken: (entry) => (this.#isElsewhere(entry) ? undefined : this.#tellSoon()),
      onMissing: (number) => this.#want(number),
    });
    this.checkpoint = new CheckpointWatch({
      ...{ acts, membership, sequences },
      checkpointMs,
      suspendAfterMs,
      onAlarm,
      isAuthority: () => this.#isAuthority,
      hasEntry: (number) => number <= this.policy.end.number,
      onForged: (reason) => this.policy.setAside({}, reason),
    });
    options.lists.onDone = (entry, done) => this.policy.conclude(entry, done);
    options.lists.onRefused = (entry, done) => this.policy.refuse(entry, done);
  }

  /** Another authority has taken over: what it decides holds here from now on. */
  follow(): void {
    if (!this.#isAuthority) return;
    this.#isAuthority = false;
    if (this.#engine === undefined) return;
    this.#subscribe(this.#engine);
    this.#leave(this.#begin(this.#engine), 'catching up');
    this.tell();
  }

  #leave(work: Promise<unknown>, doing: string): void {
    leave(work, doing, this.#options.acts.log);
  }

  /** Whether the engine is connected. */
  get isUp(): boolean {
    return this.#isUp;
  }

  /** Resolves when what the engine has of policy was taken once. */
  get caughtUp(): Promise<void> {
    return this.#caughtUp.promise;
  }

  /** Begins, and is done when what the log has is in force; the engine is connected when it is there. */
  async start(): Promise<void> {
    await this.policy.start();
    const paused = this.policy.stopped === undefined ? await resumePause(this.#options) : undefined;
    // It was in force before this start, and does not fit what is configured now.
    if (paused?.done.isApplied === false) this.policy.conclude(paused.entry, paused.done);
    this.checkpoint.begin(this.#options.log);
    // An authority that was not heard for too long before this start is not heard now.
    this.#leave(this.checkpoint.look(), 'looking at the time');
    this.#lookTimer = setInterval(() => {
      this.#leave(this.checkpoint.look(), 'looking at the time');
      this.#options.lists.look();
      this.policy.tryAgain();
      this.#leave(this.#compare(), 'comparing what is in force');
      this.#want(this.checkpoint.number);
    }, RETRY_MS);
    this.#lookTimer.unref();
    this.#leave(this.#connect(), 'connecting');
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#lookTimer);
    clearInterval(this.#presenceTimer);
    clearTimeout(this.#tellTimer);
    await this.#engine?.close();
    await this.policy.close();
    this.#options.lists.onDone = () => undefined;
    this.#options.sequences.write();
    this.#options.log.close();
  }

  /** What was refused is tried again: another configuration is in force. */
  reloaded(): void {
    this.policy.tryAgain(true);
    this.#options.lists.tryAgain();
    this.#comparedMs = Number.NEGATIVE_INFINITY;
  }

  /** What somebody put in the place of what was signed, in the state directory, does not stay. */
  async #compare(): Promise<void> {
    const { acts, lists, log, identity } = this.#options;
    const nowMs = acts.monotonic();
    if (nowMs - this.#comparedMs < PRESENCE_MS) return;
    this.#comparedMs = nowMs;
    await this.policy.between(async () => {
      const inForce = acts.contents();
      if (inForce === undefined) return;
      const overlays = overlaysFor(log, undefined, identity);
      if (!isDeepStrictEqual(inForce.overlays, overlays)) {
        const { isApplied } = await acts.overlays(overlays);
        // A configuration that they do not fit any more is read again when somebody has mended it.
        if (!isApplied) this.#comparedMs = nowMs + HOUR_MS;
      }
      if (this.#isAuthority) return;
      for (const [id, sha256] of inForce.lists) {
        const entry = this.policy.signed.entryOfList(id);
        if (entry === undefined || lists.isWanted(id) || log.at(entry.number)?.outcome === 'waiting')
          continue;
        const list = readBody('list', entry);
        if (list.sha256 !== sha256) lists.want(entry, list);
      }
    });
  }

  /** The things of which what is in force here is not what was signed. */
  differing(): string[] {
    return differing(this.policy.signed, this.presence(), this.#options.acts.clock());
  }

  /** What it says of itself. */
  presence(): Presence {
    const { identity, role, acts, confirmed, suspendAfterMs } = this.#options;
    const { signed } = this.policy;
    const inForce = acts.contents();
    const given = [...(inForce?.lists ?? [])].filter(([id]) => signed.hasList(id));
    const { offsetMs, cutOffSince, isSuspended } = this.checkpoint;
    const { version, generation, state, enforcement, records } = acts.facts();
    const { stopped, isForked, refused, end } = this.policy;
    return {
      name: identity.name,
      ...(identity.site === undefined ? {} : { site: identity.site }),
      role,
      enrolment: identity.enrolment,
      time: new Date(acts.clock()).toISOString(),
      ...{ version, generation, state: state.slice(0, TEXT_LENGTH_MAX) },
      ...(enforcement === undefined ? {} : { enforcement }),
      ...(offsetMs === undefined ? {} : { offsetMs: Math.round(offsetMs) }),
      policy: { ...end },
      ...(cutOffSince === undefined ? {} : { cutOffSince }),
      ...{ isSuspended, isForked },
      ...(Number.isFinite(suspendAfterMs) ? { suspendAfterMs } : {}),
      ...(role === 'authority' && !this.#isAuthority ? { isReplaced: true } : {}),
      ...(stopped === undefined ? {} : { stopped: { ...stopped } }),
      refused: refused.map(({ number, subject, code, reason }) => ({
        number,
        ...(subject === undefined ? {} : { subject }),
        code,
        reason: reason.slice(0, REASON_LENGTH_MAX),
      })),
      ...(inForce === undefined ? {} : { contents: hashesOf(inForce) }),
      lists: Object.fromEntries(given),
      records: { ...records },
      confirmed: confirmed(),
      ...this.#options.refusals?.(),
    };
  }

  /** Tells how it is. */
  tell(): void {
    const engine = this.#engine;
    if (engine === undefined || !this.#isUp) return;
    const { identity, stamp, acts } = this.#options;
    const subject = presenceSubject(identity.name);
    try {
      const text = formatPresence(this.presence());
      engine.store(subject, text, { stamp: stamp(subject, text) }).catch(() => {
        // The next one says the same.
      });
    } catch (thrown) {
      // Such as a key that is being replaced: the next one is signed.
      acts.log.warn({ cause: errorText(thrown) }, 'fleet: how this resolver is cannot be told');
    }
  }

  async #connect(): Promise<void> {
    const { connect, access, acts, onAlarm } = this.#options;
    try {
      this.#engine = await connect(access, {
        onUp: () => {
          this.#isUp = true;
          if (this.#engine !== undefined) this.#up(this.#engine);
        },
        onDown: (reason) => {
          this.#isUp = false;
          acts.log.warn({ reason }, 'fleet: the engine is not reached');
        },
        onFault: (doing, thrown) => {
          onAlarm('fault');
          acts.log.error({ err: thrown, doing }, 'fleet: a message could not be handled');
        },
      });
      if (this.#isClosed) {
        await this.#engine.close();
        return;
      }
      this.#listen(this.#engine);
      this.#up(this.#engine);
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      // Such as a file of certificates that is not there, or a user that the engine does not know.
      acts.log.error({ err: thrown }, 'fleet: the engine is not reached');
      if (!this.#isClosed) setTimeout(() => this.#leave(this.#connect(), 'connecting'), PRESENCE_MS).unref();
    }
  }

  #listen(engine: MessageBus): void {
    const { identity, log, onAsked } = this.#options;
    this.#presenceTimer = setInterval(() => this.tell(), PRESENCE_MS);
    this.#presenceTimer.unref();
    engine.serve(askSubject(identity.name), (bytes) =>
      Promise.resolve(onAsked?.(bytes) ?? answerEntry(log, bytes)),
    );
    if (!this.#isAuthority) this.#subscribe(engine);
  }

  #subscribe(engine: MessageBus): void {
    engine.subscribe(policySubject('*'), (bytes, subject) =>
      this.policy.receive(bytes, Number(subject.split('.').at(-1))),
    );
    engine.subscribe(CHECKPOINT_SUBJECT, (bytes, _, stamp) => this.#checkpoint(bytes, stamp, true));
    engine.subscribe(HELLO_SUBJECT, () => this.tell());
  }

  #up(engine: MessageBus): void {
    const { acts, onUp } = this.#options;
    acts.log.info({}, 'fleet: the engine is connected');
    if (!this.#isAuthority) this.#leave(this.#begin(engine), 'catching up');
    this.tell();
    onUp(engine);
  }

  async #begin(engine: MessageBus): Promise<void> {
    try {
      const checkpoint = await engine.read(STREAM.CHECKPOINT, CHECKPOINT_SUBJECT);
      if (checkpoint !== undefined) await this.#checkpoint(checkpoint.bytes, checkpoint.stamp, false);
    } catch (thrown) {
      this.#options.acts.log.warn({ cause: errorText(thrown) }, 'fleet: no checkpoint can be read');
    }
    // Without a checkpoint as well: the next entry may be there.
    this.#want(this.policy.end.number + 1);
  }

  /** The entry about the key that signs may be on its way, or was missed: it is heard first. */
  async #checkpoint(bytes: Uint8Array, stamp: Stamp | undefined, isLive: boolean): Promise<void> {
    if (!this.checkpoint.knowsKeyOf(bytes)) {
      await this.policy.settled();
      this.#want(this.policy.end.number + 1);
      await this.#fetched;
      await this.policy.settled();
    }
    // What waited until the end of the program is heard again behind the next start.
    if (this.#isClosed) return;
    const checkpoint = this.checkpoint.take(bytes, stamp, isLive);
    if (checkpoint === undefined) return;
    if (!this.policy.agreesWith(checkpoint)) {
      this.policy.fork(
        `the authority says that entry ${checkpoint.number} is another one than here`,
        checkpoint,
      );
    } else this.#want(checkpoint.number);
  }

  /** Entries up to this number should be here. */
  #want(number: number): void {
    this.#wanted = Math.max(this.#wanted, number);
    if (this.#isFetching || this.#wanted <= this.policy.end.number || this.#isAuthority) return;
    this.#isFetching = true;
    const fetched = this.#fetch().finally(() => {
      this.#isFetching = false;
      if (this.#isUp) this.#caughtUp.resolve();
    });
    this.#leave(fetched, 'fetching policy');
    // Who waits for it goes on with what there is.
    this.#fetched = fetched.catch(() => undefined);
  }

  async #fetch(): Promise<void> {
    const engine = this.#engine;
    if (engine === undefined || !this.#isUp) return;
    for (let isPaged = true; ; ) {
      await this.policy.settled();
      const first = this.policy.end.number + 1;
      // What was missing when a checkpoint told of it has come meanwhile, as it mostly does.
      if (first > this.#wanted) break;
      isPaged &&= this.#wanted >= first + FEW && (await this.#takePage(engine, first));
      if (isPaged) continue;
      // Of the next one alone nobody knows whether it is the last.
      const length =
        first === this.#wanted ? FETCH_AT_A_TIME : Math.min(FETCH_AT_A_TIME, this.#wanted - first + 1);
      const found = await Promise.all(
        Array.from({ length }, (_, index) =>
          engine.read(STREAM.POLICY, policySubject(first + index)).catch(() => undefined),
        ),
      );
      for (const [index, stored] of found.entries())
        await this.#takeNext(engine, first + index, stored?.bytes);
      // What is missing is tried again at the next look.
      if (this.policy.end.number < first + length - 1) break;
      // There may be more than anybody told of.
      this.#wanted = Math.max(this.#wanted, this.policy.end.number + 1);
    }
    this.#wanted = Math.min(this.#wanted, Math.max(this.checkpoint.number, this.policy.end.number));
  }

  /** Takes what the authority has behind the end here, as far as it answers. */
  async catchUp(): Promise<void> {
    const engine = this.#engine;
    if (engine === undefined || !this.#isUp) return;
    for (;;) {
      await this.policy.settled();
      if (!(await this.#takePage(engine, this.policy.end.number + 1))) return;
    }
  }

  /** Takes many entries at once, of the authority: false where it is not there, has none, or is of an older version. */
  async #takePage(engine: MessageBus, first: number): Promise<boolean> {
    const { name } = this.#options.identity;
    const page = await engine.ask(entrySubject(name), `${first}+`, AUTHORITY_MS).catch(() => undefined);
    return page !== undefined && page.length > 0 && this.policy.receivePage(page, first);
  }

  /** Another resolver came: it changes nothing here. The authority, which took it in, records it. */
  #isElsewhere(entry: PolicyEntry): boolean {
    if (this.#isAuthority || entry.kind !== 'node') return false;
    const { success, data } = KINDS.node.safeParse(bodyOf(entry));
    return success && data.name !== this.#options.identity.name;
  }

  /** Takes an entry when it is the next one: what the engine has of it when that fits, otherwise what the authority says. */
  async #takeNext(engine: MessageBus, number: number, stored: Uint8Array | undefined): Promise<void> {
    if (this.policy.end.number !== number - 1) return;
    let entry = stored === undefined ? undefined : this.policy.examine(stored, number);
    if (entry === undefined && (stored !== undefined || number <= this.#wanted)) {
      const asked = await engine
        .ask(entrySubject(this.#options.identity.name), String(number), AUTHORITY_MS)
        // One of a version before that answers at one subject for all.
        .catch(() => engine.ask(ENTRY_SUBJECT, String(number), AUTHORITY_MS))
        .catch(() => undefined);
      if (asked !== undefined && asked.length > 0) entry = this.policy.examine(asked, number);
    }
    if (entry === undefined) return;
    this.policy.take(entry);
    await this.policy.settled();
  }

  async #apply(entry: PolicyEntry): Promise<Verdict> {
    const { acts, lists, identity, log } = this.#options;
    switch (entry.kind) {
      case 'exemption':
        // The register of the authority has its own steps already, which changes nothing.
        return acts.exemption(readBody('exemption', entry));
      case 'list': {
        const list = readBody('list', entry);
        if (list.given === false) lists.forget(list.id);
        if (list.given === false || this.#isAuthority) return { isApplied: true, subject: list.id };
        lists.want(entry, list);
        return { isDeferred: true };
      }
      case 'overlay':
        return acts.overlays(overlaysFor(log, readBody('overlay', entry), identity));
      case 'pause':
        return applyPause(entry, this.#options);
      case 'decision':
        return { isApplied: true, subject: readBody('decision', entry).list };
      case 'node':
      case 'node-removed':
        return { isApplied: true, subject: readBody(entry.kind, entry).name };
      default:
        return { isApplied: true };
    }
  }

  #tellSoon(): void {
    const { membership, identity } = this.#options;
    const turn = Math.max(0, membership.turnOf(identity.name)) * TELL_SPREAD_MS;
    this.#tellTimer ??= setTimeout(() => {
      this.#tellTimer = undefined;
      this.tell();
    }, TELL_MS + turn);
  }
}

const REASON_LENGTH_MAX = 500;
