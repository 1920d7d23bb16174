// The authority of a fleet: makes entries of what its register and its operators decide, signs them, and sees that all get them.
//
// The register stays the log of decisions; an entry has a number only once the log of the nodes is known, so that a register
// that was put back from an old copy does not give a number twice: what nodes or engine have beyond it is taken back first, and
// put back into the register. A fork that came all the same is told and never papered over: nothing is decided behind it. An
// authority whose key was replaced, by somebody with the one from the safe, decides nothing more.
import { AppError, isAppError } from '../base/base.ts';
import type { FleetActs } from './acts.ts';
import type { FleetAlarm } from './alarms.ts';
import type { MessageBus } from './bus.ts';
import { signCheckpoint } from './checkpoint.ts';
import { bodyOf, type LogEnd, type PolicyEntry, signEntry } from './entry.ts';
import { EntryAnswers } from './entry-answers.ts';
import { leave } from './handler.ts';
import type { SigningKey } from './key.ts';
import { type Kind, MUST } from './kinds.ts';
import { readWantedList } from './list-fetcher.ts';
import type { CollectorIdentity, Membership } from './membership.ts';
import { type Policy, readBody } from './policy.ts';
import type { PolicyLog } from './policy-log.ts';
import { knowsOthers } from './presence-check.ts';
import { PresenceTable } from './presence-table.ts';
import { Publication } from './publication.ts';
import { Recovery } from './recovery.ts';
import { type LastSequences, type Sequence, type Stamp, stampMessage } from './signed-message.ts';
import { stepKey } from './step-key.ts';
import { CHECKPOINT_SUBJECT, ENTRY_SUBJECT, entrySubject, presenceSubject, STREAM } from './subjects.ts';

/** How long, once there is an engine, is waited for nodes that may have a longer log, milliseconds. */
const HOLD_MS = 60_000;
/** Between two tries, and between two looks at whether the engine still has the log, milliseconds. */
const RETRY_MS = 500;
const LOOK_MS = 15_000;
/** Between two checkpoints for resolvers that have just come, milliseconds. */
const CHECKPOINT_MS_MIN = 1_000;
/** Events of the register that are looked at together. */
const EVENTS_AT_A_TIME = 256;

/** What the authority reads of its register. */
export interface RegisterSource {
  eventsAfter(
    sequence: number,
    count: number,
  ): readonly { readonly sequence: number; readonly body: string }[];
}

/** What an authority is made with. */
export interface AuthorityOptions {
  readonly name: string;
  readonly site: string | undefined;
  /** Its public nkey, by which its own evidence is known, and which chains of records it writes. */
  readonly nkey: string;
  readonly enrolment: number;
  key: SigningKey;
  /** Whose confirmations count. */
  readonly collector: CollectorIdentity;
  /** Of what it says, and what it heard of others. */
  readonly sequence: Sequence;
  readonly sequences: LastSequences;
  readonly log: PolicyLog;
  readonly policy: Policy;
  readonly membership: Membership;
  /** Undefined while the register cannot be used. */
  readonly register: () => RegisterSource | undefined;
  readonly acts: FleetActs;
  /** Servers of the engine that keep each stream. */
  readonly replicas: number;
  /** Between two checkpoints, milliseconds. */
  readonly checkpointMs: number;
  readonly onAlarm: (alarm: FleetAlarm) => void;
  /** A node lacks the content of a list. Told without a budget: all share the subject, and one key would keep lists from the rest. */
  readonly onListWanted: (sha256: string) => void;
  /** Its log is that of the fleet: who may connect can be written. */
  readonly onReconciled: () => Promise<unknown>;
  /** Another authority has taken over. */
  readonly onReplaced: () => void;
}

/** The authority while the program runs. */
export class Authority {
  /** What resolvers say of themselves. */
  readonly presences: PresenceTable;
  readonly #answers: EntryAnswers;
  /** How far the engine has the log. */
  readonly publication: Publication;
  readonly #options: AuthorityOptions;
  readonly #recovery: Recovery;
  /** Of the register: steps that are in the log, each of which is told once, and the last event that was looked at. */
  readonly #taken = { steps: new Set<string>(), sequence: 0 };
  #engine: MessageBus | undefined;
  /** By the monotonic clock; undefined while there was no engine. */
  #upMs: number | undefined;
  #checkpointAtMs = Number.NEGATIVE_INFINITY;
  /** Of its log with that of the nodes; `known` is settled when there is nothing to wait for any more. */
  readonly #reconciliation = {
    isDone: false,
    isUnderWay: false,
    isCatchingUp: false,
    known: Promise.withResolvers<void>(),
  };
  #isReplaced = false;
  #timers: readonly NodeJS.Timeout[] = [];
  #making: Promise<unknown> = Promise.resolve();
  #isClosed = false;
  #isCollectorTold = false;

  constructor(options: AuthorityOptions) {
    const { name, policy, membership, acts, log, onAlarm } = options;
    this.#options = options;
    this.#answers = new EntryAnswers({ log: options.log, acts, onAlarm });
    this.presences = new PresenceTable({ membership, sequences: options.sequences, acts, onAlarm });
    this.#recovery = new Recovery({ name, policy, membership, acts, contacts: this.presences.all });
    this.publication = new Publication({ log, policy, membership, acts });
    for (const { entry } of log.from(1)) this.#note(entry);
  }

  /** New papers have to wait: nodes may know of decisions that this register has lost. Milliseconds, at most, with an engine. */
  get holdMs(): number {
    if (this.#reconciliation.isDone || this.#isReplaced) return 0;
    if (this.#upMs === undefined) return HOLD_MS;
    // Never 0 before it is over: nothing is decided by the clock alone.
    return Math.max(1, this.#upMs + HOLD_MS - this.#options.acts.monotonic());
  }

  /** Another one has taken its place. */
  get isReplaced(): boolean {
    return this.#isReplaced;
  }

  /** Why nothing can be decided, or, where `isNew`, no new paper; undefined when it can. */
  obstacle(isNew: boolean): AppError | undefined {
    if (this.#isReplaced) return replaced();
    if (!isNew) return undefined;
    if (this.#options.policy.isForked) return forked();
    const { holdMs } = this;
    if (holdMs === 0) return undefined;
    const hint =
      this.#upMs === undefined
        ? 'The engine is not reached: start it, an empty one with the same configuration will do.'
        : `Try again in ${Math.ceil(holdMs / 1_000)} seconds at most.`;
    return new AppError(
      'ERR_FLEET_HOLD',
      'deciding on an exemption: the resolvers of the fleet have not all said what they know',
      { hint: `${hint} What is granted can be revoked now.` },
    );
  }

  /** Begins: what the log has holds here, with an engine and without. */
  start(): Promise<void> {
    return this.#completeRegister();
  }

  /** The engine is there, again. */
  up(engine: MessageBus): void {
    if (this.#engine === undefined) {
      this.#upMs = this.#options.acts.monotonic();
      engine.subscribe(presenceSubject('*'), (bytes, subject, stamp) =>
        this.presences.queue.add(subject, bytes.length, () => this.#receivePresence(bytes, subject, stamp)),
      );
      engine.serve(ENTRY_SUBJECT, (bytes) => {
        const wanted = readWantedList(bytes);
        if (wanted !== undefined) this.#options.onListWanted(wanted);
        return Promise.resolve(this.#answers.answer('', bytes));
      });
      engine.serve(entrySubject('*'), (bytes, subject) =>
        Promise.resolve(this.#answers.answer(subject.split('.').at(-1) ?? '', bytes)),
      );
      this.#timers = [
        setInterval(() => this.checkpoint(), this.#options.checkpointMs).unref(),
        setInterval(() => this.#leave(this.#look(), 'looking at the engine'), LOOK_MS).unref(),
      ];
    }
    this.#engine = engine;
    this.#leave(this.#reconcile(engine), 'comparing logs');
  }

  #leave(work: Promise<unknown>, doing: string): void {
    leave(work, doing, this.#options.acts.log);
  }

  /** The register has something new. */
  poke(): void {
    this.#make(() => this.#takeEvents()).catch(() => {
      // What stands in the way is told where somebody decides.
    });
  }

  /** Makes an entry, once that can be done, and is done when the log has it. Rejects with ERR_FLEET_FORK, ERR_FLEET_REPLACED. */
  add(kind: Kind, body: object): Promise<LogEnd> {
    return this.#make(() => this.#append(kind, JSON.stringify(body), undefined));
  }

  /** Says how far policy has come and what time it is. */
  checkpoint(): void {
    const engine = this.#engine;
    if (engine === undefined || !this.#reconciliation.isDone || this.#isReplaced) return;
    const { acts, key, policy, sequence } = this.#options;
    this.#checkpointAtMs = acts.monotonic();
    const text = JSON.stringify(signCheckpoint(policy.end, new Date(acts.clock()).toISOString(), key));
    const stamp = stampMessage(CHECKPOINT_SUBJECT, text, sequence.next(), key);
    engine.store(CHECKPOINT_SUBJECT, text, { stamp }).catch(() => {
      // The next one says more.
    });
  }

  /** Another key signs from here on: the entry that says so is signed by the one before. */
  replaceKey(body: object, key: SigningKey): Promise<LogEnd> {
    return this.#make(async () => {
      const end = await this.#append('authority-key', JSON.stringify(body), undefined);
      this.#options.key = key;
      return end;
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const timer of this.#timers) clearInterval(timer);
    this.presences.queue.close();
    this.publication.close();
    this.#reconciliation.known.resolve();
    await this.#making.catch(() => undefined);
  }

  #note(entry: PolicyEntry): void {
    const key = stepKey(bodyOf(entry));
    if (key !== undefined) this.#taken.steps.add(key);
  }

  /** One after the other, and none before the log of the nodes is known. */
  #make<Result>(act: () => Promise<Result>): Promise<Result> {
    if (this.#isClosed) return Promise.reject(ended());
    const made = this.#making.then(async () => {
      await this.#reconciliation.known.promise;
      // The end of the program is no sign that the log of the nodes is known.
      if (!this.#reconciliation.isDone && !this.#isReplaced) throw unknown();
      if (this.#isReplaced) throw replaced();
      if (this.#options.policy.isForked) throw forked();
      return act();
    });
    this.#making = made.catch((thrown: unknown) => {
      this.#options.acts.log.error({ err: thrown }, 'fleet: an entry could not be made');
    });
    return made;
  }

  async #takeEvents(): Promise<void> {
    const register = this.#options.register();
    if (register === undefined || this.#isClosed) return;
    for (;;) {
      const events = register.eventsAfter(this.#taken.sequence, EVENTS_AT_A_TIME);
      for (const { sequence, body } of events) {
        const key = stepKey(JSON.parse(body));
        if (key !== undefined && !this.#taken.steps.has(key))
          await this.#append(key.startsWith('decision') ? 'decision' : 'exemption', body, sequence);
        this.#taken.sequence = sequence;
      }
      if (events.length < EVENTS_AT_A_TIME) return;
    }
  }

  /** The register may be an older copy than the log, or begin anew: steps that it lacks are put back. */
  async #completeRegister(): Promise<void> {
    const { register: registerOf, log, acts } = this.#options;
    const register = registerOf();
    if (register === undefined) return;
    const known = new Set<string>();
    for (let after = 0; ; ) {
      const events = register.eventsAfter(after, EVENTS_AT_A_TIME);
      for (const { sequence, body } of events) {
        after = sequence;
        const key = stepKey(JSON.parse(body));
        if (key !== undefined) known.add(key);
      }
      if (events.length < EVENTS_AT_A_TIME) break;
    }
    for (const { entry } of log.from(1)) {
      if (entry.kind !== 'exemption' || known.has(stepKey(bodyOf(entry)) ?? '')) continue;
      try {
        const done = await acts.exemption(readBody('exemption', entry));
        if (!done.isApplied)
          acts.log.error({ number: entry.number, code: done.code }, 'fleet: a step is not put back');
      } catch (thrown) {
        // Such as a step in the words of a later version: it holds up nothing else.
        if (!isAppError(thrown) && !(thrown instanceof RangeError)) throw thrown;
        acts.log.error({ number: entry.number, err: thrown }, 'fleet: a step is not put back');
      }
    }
  }

  async #append(kind: Kind, body: string, source: number | undefined): Promise<LogEnd> {
    const { acts, key, policy } = this.#options;
    const time = new Date(acts.clock()).toISOString();
    const entry = signEntry(policy.end, { time, kind, must: MUST.has(kind), body }, key);
    await policy.takeOwn(entry, source);
    this.#note(entry);
    if (this.#engine !== undefined) this.#leave(this.#publish(this.#engine), 'publishing');
    return policy.end;
  }

  async #publish(engine: MessageBus): Promise<void> {
    await this.publication.publish(engine);
    this.checkpoint();
  }

  #receivePresence(bytes: Uint8Array, subject: string, stamp: Stamp | undefined): void {
    const presence = this.presences.take(bytes, subject, stamp);
    const engine = this.#engine;
    if (presence === undefined || engine === undefined) return;
    this.#recovery.received();
    if (presence.role === 'collector') return;
    const { policy } = this.#options;
    const { name } = presence;
    if (!this.#reconciliation.isDone) {
      if (presence.policy.number > policy.end.number) this.#leave(this.#catchUp(engine), 'taking back');
      return;
    }
    // One that has just come knows nothing of the clocks yet; a thousand that come at once are told together.
    if (
      presence.offsetMs === undefined &&
      this.#options.acts.monotonic() - this.#checkpointAtMs > CHECKPOINT_MS_MIN
    )
      this.checkpoint();
    const { number, hash } = presence.policy;
    const agrees = policy.agreesWith({ number, hash });
    if ((agrees && number <= policy.end.number) || !this.#recovery.takeClaim(name)) return;
    if (agrees) this.#leave(this.#reconcile(engine), 'comparing logs');
    else
      this.#leave(this.#recovery.judgeClaim(engine, name, { number, hash }), 'asking a resolver for its log');
  }

  /** The authority is a resolver of the fleet as well, and says whose confirmations count. */
  #enrol(): void {
    const { membership, name, site, nkey, enrolment, collector } = this.#options;
    if (membership.collector?.key !== collector.key && !this.#isCollectorTold) {
      this.#isCollectorTold = true;
      this.add('collector', { ...collector }).catch(() => {
        this.#isCollectorTold = false;
      });
    }
    const known = membership.find(name);
    const isKnown = known?.key === nkey && known.until === undefined && known.isAuthority;
    if (isKnown && known.enrolment >= enrolment) return;
    const about = { name, ...(site === undefined ? {} : { site }), key: nkey, role: 'authority' };
    this.add('node', { ...about, enrolment: Math.max(enrolment, known?.enrolment ?? 1) }).catch(() => {
      // What stands in the way is told where somebody decides.
    });
  }

  /** Takes back what nodes and engine have beyond this log, then gives the engine what it lacks. */
  async #reconcile(engine: MessageBus): Promise<void> {
    if (this.#reconciliation.isUnderWay || this.#isReplaced) return;
    this.#reconciliation.isUnderWay = true;
    const { acts } = this.#options;
    try {
      // First of all, and with no more rights than a node has: is there another authority by now?
      // Of an engine without streams it is asked again below.
      await this.#takeBack(engine).catch(() => 0);
      if (this.#standDown()) return;
      await engine.makeStreams(this.#options.replicas);
      this.publication.note();
      await this.presences.recall(await engine.readAll(STREAM.PRESENCE));
      if (!this.#reconciliation.isDone) await this.#readPresences(engine);
      await this.#takeBack(engine);
      if (this.#standDown()) return;
      await this.publication.find(engine);
      await this.#begin();
      // Not waited for: of a stream that is deleted meanwhile nothing can be published until the next look has made it again.
      this.#leave(this.#publish(engine), 'publishing');
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      this.publication.note(thrown);
      acts.log.warn({ err: thrown }, 'fleet: the engine is looked at again soon');
      if (!this.#isClosed)
        setTimeout(() => this.#leave(this.#reconcile(engine), 'comparing logs'), RETRY_MS).unref();
    } finally {
      this.#reconciliation.isUnderWay = false;
    }
  }

  /** Waits for those whom the log names; for the log itself where it was lost, as only they have it then. */
  async #readPresences(engine: MessageBus): Promise<void> {
    const { policy, sequences, name } = this.#options;
    // An engine whose fleet is new has nobody to wait for.
    while (policy.end.number === 0 && knowsOthers(sequences, name) && this.holdMs > 1) {
      await this.#recovery.awaitAnyNode(engine, this.holdMs);
      await this.#takeBack(engine);
    }
    await this.#recovery.awaitNodes(engine, this.holdMs);
    await this.#recovery.awaitClaims({
      takeBack: () => this.#takeBack(engine),
      leftMs: () => (this.#isClosed ? 0 : this.holdMs),
    });
  }

  /** While others are waited for: what was decided without this authority holds at once, and may say that it decides nothing more. */
  async #catchUp(engine: MessageBus): Promise<void> {
    if (this.#reconciliation.isCatchingUp || this.#isReplaced) return;
    this.#reconciliation.isCatchingUp = true;
    // Such as an engine without streams: reconciling tells of it.
    await this.#takeBack(engine).catch(() => undefined);
    this.#reconciliation.isCatchingUp = false;
    this.#standDown();
  }

  /** Gives how many entries came. */
  async #takeBack(engine: MessageBus): Promise<number> {
    const taken = await this.#recovery.takeBack(engine);
    for (const entry of taken) this.#note(entry);
    return taken.length;
  }

  /** From here on decisions are made. */
  async #begin(): Promise<void> {
    if (!this.#reconciliation.isDone) {
      await this.#completeRegister();
      await this.#options.acts.decides();
      this.#reconciliation.isDone = true;
      this.#reconciliation.known.resolve();
      // Who came or went since the copy was made.
      this.#leave(this.#options.onReconciled(), 'writing who may connect');
    }
    this.#enrol();
    this.poke();
  }

  /** True when the log says that this key makes no policy any more: somebody took over. Told once. */
  #standDown(): boolean {
    const { membership, key, policy, acts, onAlarm, onReplaced } = this.#options;
    if (membership.hasKey(key.keyId)) return false;
    if (this.#isReplaced) return true;
    this.#isReplaced = true;
    for (const timer of this.#timers) clearInterval(timer);
    onAlarm('replaced');
    const reason = 'the key of this authority makes no policy any more: another resolver has taken over';
    acts.note({ event: 'replaced', number: policy.end.number, code: 'ERR_FLEET_REPLACED', reason });
    acts.log.error({ number: policy.end.number }, `fleet: ${reason}`);
    this.#reconciliation.known.resolve();
    onReplaced();
    return true;
  }

  async #look(): Promise<void> {
    const engine = this.#engine;
    if (engine === undefined || !this.#reconciliation.isDone || this.#options.policy.isForked) return;
    // Of a stream that is gone without the others nothing else would tell.
    const isLacking = await engine.lacksStreams().catch(() => false);
    if (isLacking || (await this.publication.isLost(engine))) await this.#reconcile(engine);
  }
}

const unknown = (): AppError =>
  new AppError(
    'ERR_FLEET_HOLD',
    'deciding for the fleet: what its resolvers know was not heard before the end',
    { hint: 'Decide again after the next start.' },
  );

const ended = (): AppError =>
  new AppError('ERR_FLEET_HOLD', 'deciding for the fleet: this authority is ending', {
    hint: 'Decide again after the next start.',
  });

const replaced = (): AppError =>
  new AppError('ERR_FLEET_REPLACED', 'deciding for the fleet: another authority has taken over', {
    hint: 'Decide there. This resolver comes back as a node: move "fleet" of its state directory away, and have it join.',
  });

const forked = (): AppError =>
  new AppError('ERR_FLEET_FORK', 'deciding for the fleet: there are two logs of policy', {
    hint: 'A person has to choose which one holds: see "Fork" in docs/fleet.md. What is granted can be revoked here.',
  });
