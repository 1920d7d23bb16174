// The authority of a fleet: makes entries of what its register and its operators decide, signs them, and sees that all get them.
//
// The register stays the log of decisions; an entry has a number only once the log of the nodes is known, so that a register
// that was put back from an old copy does not give a number twice: what nodes or engine have beyond it is taken back first. A
// fork that came all the same is told and never papered over. What the engine lost is published again.
import { errorText, isAppError } from '../base/base.ts';
import type { FleetActs } from './acts.ts';
import type { Engine } from './engine.ts';
import {
  bodyOf,
  entryHash,
  formatEntry,
  type LogEnd,
  type PolicyEntry,
  parseEntry,
  signEntry,
} from './entry.ts';
import type { SigningKey } from './key.ts';
import { type Kind, MUST } from './kinds.ts';
import { answerEntry } from './member.ts';
import type { FleetAlarm, Policy } from './policy.ts';
import type { PolicyLog } from './policy-log.ts';
import { type Presence, parsePresence } from './presence.ts';
import type { Roll } from './roll.ts';
import { stepKey } from './step-key.ts';
import {
  askSubject,
  ENTRY_SUBJECT,
  HELLO_SUBJECT,
  policySubject,
  presenceSubject,
  STREAM,
  TIDE_SUBJECT,
} from './subjects.ts';
import { signTide } from './tide.ts';
import { TIDE_MS } from './tide-watch.ts';

/** How long a start waits for nodes that may have a longer log, milliseconds. */
const HOLD_MS = 60_000;
/** Nodes that were heard within it may know of the last decisions, milliseconds. */
const LATELY_MS = 3_600_000;
/** Between two tries, and between two looks at whether the engine still has the log, milliseconds. */
const RETRY_MS = 500;
const LOOK_MS = 15_000;
/** How long a node may take to answer with an entry, milliseconds. */
const NODE_MS = 3_000;
/** Events of the register that are looked at together. */
const EVENTS_AT_A_TIME = 256;
/** Alarms of the collector that are remembered, so that each is recorded once. */
const ALARMS_MAX = 1_000;

/** What the authority reads of its register. */
export interface RegisterSource {
  eventsAfter(
    sequence: number,
    count: number,
  ): readonly { readonly sequence: number; readonly body: string }[];
}

/** A resolver as it was last heard. */
export interface Heard {
  readonly presence: Presence;
  /** By the monotonic clock, milliseconds. */
  readonly atMs: number;
}

/** What an authority is made with. */
export interface AuthorityOptions {
  readonly name: string;
  readonly site: string | undefined;
  /** Its public nkey, by which its own evidence is known. */
  readonly nkey: string;
  key: SigningKey;
  readonly log: PolicyLog;
  readonly policy: Policy;
  readonly roll: Roll;
  /** Undefined while the register cannot be used. */
  readonly register: () => RegisterSource | undefined;
  readonly acts: FleetActs;
  readonly onAlarm: (alarm: FleetAlarm) => void;
}

/** The authority while the program runs. */
export class Authority {
  readonly #options: AuthorityOptions;
  readonly #heard = new Map<string, Heard>();
  /** Steps that are in the log: an event of the register is told once. */
  readonly #told = new Set<string>();
  readonly #heardAlarms = new Set<string>();
  readonly #startedMs: number;
  /** By the clock: what was told before is on the record. */
  readonly #startedTimeMs: number;
  #engine: Engine | undefined;
  #isReconciled = false;
  #isReconciling = false;
  #published = 0;
  #isPublishing = false;
  #tideTimer: NodeJS.Timeout | undefined;
  #lookTimer: NodeJS.Timeout | undefined;
  #making: Promise<unknown> = Promise.resolve();
  #isClosed = false;
  #whenReconciled = Promise.withResolvers<void>();
  #onPresence: () => void = () => undefined;

  constructor(options: AuthorityOptions) {
    this.#options = options;
    this.#startedMs = options.acts.monotonic();
    this.#startedTimeMs = options.acts.clock();
    for (const { entry } of options.log.from(1)) this.#note(entry);
  }

  /** Resolvers as they were last heard, by name. */
  get heard(): ReadonlyMap<string, Heard> {
    return this.#heard;
  }

  /** New papers have to wait: nodes may know of decisions that this register has lost. Milliseconds, at most. */
  get holdMs(): number {
    if (this.#isReconciled) return 0;
    return Math.max(0, this.#startedMs + HOLD_MS - this.#options.acts.monotonic());
  }

  /** Up to where the engine has the log. */
  get published(): number {
    return this.#published;
  }

  /** The engine is there, again. */
  up(engine: Engine): void {
    if (this.#engine === undefined) {
      engine.subscribe(presenceSubject('*'), (bytes, subject) => this.#hear(bytes, subject));
      engine.serve(ENTRY_SUBJECT, (bytes) => Promise.resolve(answerEntry(this.#options.log, bytes)));
      this.#tideTimer = setInterval(() => this.tide(), TIDE_MS);
      this.#lookTimer = setInterval(() => void this.#look(), LOOK_MS);
      for (const timer of [this.#tideTimer, this.#lookTimer]) timer.unref();
    }
    this.#engine = engine;
    void this.#reconcile(engine);
  }

  /** The register has something new. */
  poke(): void {
    void this.#make(() => this.#takeEvents());
  }

  /** Makes an entry, once that can be done, and is done when the log has it. */
  add(kind: Kind, body: object): Promise<LogEnd> {
    return this.#make(() => this.#append(kind, JSON.stringify(body), undefined));
  }

  /** Says how far policy has come and what time it is. */
  tide(): void {
    const engine = this.#engine;
    if (engine === undefined || !this.#isReconciled) return;
    const { acts, key, policy } = this.#options;
    const tide = signTide(policy.end, new Date(acts.clock()).toISOString(), key);
    engine.store(TIDE_SUBJECT, JSON.stringify(tide)).catch(() => {
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
    clearInterval(this.#tideTimer);
    clearInterval(this.#lookTimer);
    this.#whenReconciled.resolve();
    await this.#making.catch(() => undefined);
  }

  #note(entry: PolicyEntry): void {
    const key = stepKey(bodyOf(entry));
    if (key !== undefined) this.#told.add(key);
  }

  /** One after the other, and none before the log of the nodes is known. */
  #make<Result>(act: () => Promise<Result>): Promise<Result> {
    const made = this.#making.then(async () => {
      await this.#whenReconciled.promise;
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
    for (let after = this.#options.log.source; ; ) {
      const events = register.eventsAfter(after, EVENTS_AT_A_TIME);
      for (const { sequence, body } of events) {
        after = sequence;
        const key = stepKey(JSON.parse(body));
        if (key === undefined || this.#told.has(key)) continue;
        await this.#append(key.startsWith('decision') ? 'decision' : 'exemption', body, sequence);
      }
      if (events.length < EVENTS_AT_A_TIME) return;
    }
  }

  async #append(kind: Kind, body: string, source: number | undefined): Promise<LogEnd> {
    const { acts, key, policy } = this.#options;
    const time = new Date(acts.clock()).toISOString();
    const entry = signEntry(policy.end, { time, kind, must: MUST.has(kind), body }, key);
    await policy.takeOwn(entry, source);
    this.#note(entry);
    void this.#publish();
    return policy.end;
  }

  #hear(bytes: Uint8Array, subject: string): void {
    const name = subject.split('.').at(-1) ?? '';
    const presence = parsePresence(bytes, name);
    if (presence === undefined) return;
    const { acts, policy } = this.#options;
    this.#heard.set(name, { presence, atMs: acts.monotonic() });
    this.#onPresence();
    for (const alarm of presence.lastAlarms ?? []) this.#hearAlarm(alarm);
    if (!this.#isReconciled || presence.role === 'collector') return;
    // One that has just come knows nothing of the clocks yet.
    if (presence.offsetMs === undefined) this.tide();
    const { number, hash } = presence.policy;
    if (!policy.agreesWith({ number, hash }))
      policy.fork(`${name} has another entry ${number} than here`, { number, hash });
    else if (number > policy.end.number && this.#engine !== undefined) void this.#reconcile(this.#engine);
  }

  /** The authority is a resolver of the fleet as well. */
  #enrol(): void {
    const { roll, name, site, nkey } = this.#options;
    if (roll.find(name)?.key === nkey) return;
    void this.add('node', { name, ...(site === undefined ? {} : { site }), key: nkey, enrolment: 1 });
  }

  /** What a collector refused is on the record here, once. */
  #hearAlarm({ time, alarm, node, text }: NonNullable<Presence['lastAlarms']>[number]): void {
    const key = `${time} ${alarm} ${node}`;
    if (this.#heardAlarms.has(key)) return;
    if (this.#heardAlarms.size > ALARMS_MAX) this.#heardAlarms.clear();
    this.#heardAlarms.add(key);
    // What was told before this start is in the records.
    if (Date.parse(time) < this.#startedTimeMs) return;
    this.#options.acts.note({
      event: 'evidence-refused',
      subject: node,
      code: 'ERR_FLEET_EVIDENCE',
      reason: `${alarm}: ${text}`,
    });
  }

  /** Takes back what nodes and engine have beyond this log, then gives the engine what it lacks. */
  async #reconcile(engine: Engine): Promise<void> {
    if (this.#isReconciling) return;
    this.#isReconciling = true;
    try {
      await engine.makeStreams(engine.replicas);
      for (const { subject, bytes } of await engine.readAll(STREAM.PRESENCE)) this.#recall(subject, bytes);
      if (!this.#isReconciled) await this.#awaitNodes(engine);
      await this.#recover(engine);
      this.#published = await this.#findPublished(engine);
      if (!this.#isReconciled) {
        this.#isReconciled = true;
        this.#whenReconciled.resolve();
      }
      this.#enrol();
      this.poke();
      this.tide();
      await this.#publish();
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      this.#options.acts.log.warn({ err: thrown }, 'fleet: the engine is looked at again soon');
      if (!this.#isClosed) setTimeout(() => void this.#reconcile(engine), RETRY_MS).unref();
    } finally {
      this.#isReconciling = false;
    }
  }

  /** What the engine kept of a resolver that was not heard itself. */
  #recall(subject: string, bytes: Uint8Array): void {
    const name = subject.split('.').at(-1) ?? '';
    const presence = parsePresence(bytes, name);
    if (presence === undefined || this.#heard.has(name)) return;
    const { acts } = this.#options;
    this.#heard.set(name, {
      presence,
      atMs: acts.monotonic() - Math.max(0, acts.clock() - Date.parse(presence.time)),
    });
  }

  /** Until each resolver of the fleet has said where it stands, or the time is over. */
  async #awaitNodes(engine: Engine): Promise<void> {
    const { roll, name, acts } = this.#options;
    const since = acts.monotonic();
    const nodes = roll.members.filter((member) => member.until === undefined && member.name !== name);
    const lately = nodes.filter(
      (node) => (this.#heard.get(node.name)?.atMs ?? Number.NEGATIVE_INFINITY) > since - LATELY_MS,
    );
    // An engine that has lost its store knows of none: then each may have heard of the last decision.
    const awaited = nodes.some((node) => this.#heard.has(node.name)) ? lately : nodes;
    const missing = (): string[] =>
      awaited
        .map((member) => member.name)
        .filter((node) => (this.#heard.get(node)?.atMs ?? Number.NEGATIVE_INFINITY) < since);
    engine.tell(HELLO_SUBJECT, '');
    if (missing().length === 0) return;
    const heard = Promise.withResolvers<void>();
    this.#onPresence = () => {
      if (missing().length === 0) heard.resolve();
    };
    const timer = setTimeout(heard.resolve, this.holdMs);
    await heard.promise;
    clearTimeout(timer);
    this.#onPresence = () => undefined;
    const left = missing();
    if (left.length > 0)
      acts.log.warn({ nodes: left.slice(0, 20) }, 'fleet: resolvers that have not said where they stand');
  }

  async #recover(engine: Engine): Promise<void> {
    const { policy, acts, roll } = this.#options;
    const before = policy.end.number;
    for (;;) {
      const number = policy.end.number + 1;
      const entry = await this.#find(engine, number);
      if (entry === undefined) break;
      this.#note(entry);
      policy.take(entry);
      await policy.settled();
      if (policy.end.number < number) {
        // The engine has one that does not follow: where nobody of the fleet signed it, it goes.
        if (!roll.isTrusted(entry)) await engine.remove(STREAM.POLICY, policySubject(number));
        break;
      }
    }
    const count = policy.end.number - before;
    if (count === 0) return;
    acts.note({
      event: 'recovered',
      number: policy.end.number,
      reason: `${count} entries that nodes or engine had`,
    });
    acts.log.warn({ count }, 'fleet: entries that were missing here were taken back');
  }

  /** An entry that this log lacks, from the engine or from a node that has it. */
  async #find(engine: Engine, number: number): Promise<PolicyEntry | undefined> {
    const stored = await engine.read(STREAM.POLICY, policySubject(number));
    const entry = stored === undefined ? undefined : parseEntry(stored);
    if (entry !== undefined) return entry;
    for (const [name, { presence }] of this.#heard) {
      if (presence.policy.number < number || name === this.#options.name) continue;
      const answer = await engine.ask(askSubject(name), String(number), NODE_MS).catch(() => undefined);
      const asked = answer === undefined ? undefined : parseEntry(answer);
      if (asked !== undefined) return asked;
    }
    return undefined;
  }

  /** The highest number up to which the engine has this log. */
  async #findPublished(engine: Engine): Promise<number> {
    const { log, policy } = this.#options;
    for (let number = policy.end.number; number > 0; number--) {
      const stored = await engine.read(STREAM.POLICY, policySubject(number));
      const entry = stored === undefined ? undefined : parseEntry(stored);
      if (entry !== undefined && entryHash(entry) === log.at(number)?.hash) return number;
    }
    return 0;
  }

  async #publish(): Promise<void> {
    if (this.#isPublishing) return;
    this.#isPublishing = true;
    const { log, policy, acts } = this.#options;
    try {
      while (!this.#isClosed && this.#published < policy.end.number && this.#engine !== undefined) {
        const number = this.#published + 1;
        const logged = log.at(number);
        if (logged === undefined) return;
        if (await this.#publishOne(this.#engine, logged.entry, logged.hash)) this.#published = number;
        else if (policy.isForked) return;
        else await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
      this.tide();
    } catch (thrown) {
      acts.log.error({ err: thrown }, 'fleet: policy is not published');
    } finally {
      this.#isPublishing = false;
    }
  }

  async #publishOne(engine: Engine, entry: PolicyEntry, hash: string): Promise<boolean> {
    const { policy, roll, acts } = this.#options;
    const subject = policySubject(entry.number);
    try {
      await engine.store(subject, formatEntry(entry), { id: hash });
      return true;
    } catch (thrown) {
      // The engine refuses a second message of a subject: is it this one?
      const stored = await engine.read(STREAM.POLICY, subject).catch(() => undefined);
      const other = stored === undefined ? undefined : parseEntry(stored);
      if (other !== undefined && entryHash(other) === hash) return true;
      if (other !== undefined && roll.isTrusted(other)) {
        policy.fork(`the engine has another entry ${entry.number}`, {
          number: entry.number,
          hash: entryHash(other),
        });
        return false;
      }
      if (stored !== undefined) {
        this.#options.onAlarm('forged-entry');
        acts.log.error(
          { number: entry.number },
          'fleet: the engine had an entry that nobody signed; it is replaced',
        );
        await engine.remove(STREAM.POLICY, subject).catch(() => undefined);
        return false;
      }
      acts.log.warn(
        { number: entry.number, cause: errorText(thrown) },
        'fleet: an entry is not published yet',
      );
      return false;
    }
  }

  /** An engine whose store was lost or put back does not say so: it is looked whether it has the last entry. */
  async #look(): Promise<void> {
    const engine = this.#engine;
    const { policy } = this.#options;
    if (engine === undefined || !this.#isReconciled || this.#isPublishing || policy.end.number === 0) return;
    const number = this.#published;
    const stored = await engine.read(STREAM.POLICY, policySubject(number)).catch(() => 'unknown');
    if (stored === undefined || number < policy.end.number) void this.#reconcile(engine);
    // A stream that is gone answers with an error.
    if (stored === 'unknown') void this.#reconcile(engine);
  }
}
