// The collector: takes what arrives into a store, record directories of the form that each resolver keeps or a database.
//
// It believes nothing: who sent a message is proven by its signature, what a block is by its hash. A message is acknowledged
// once it is kept, or worth nothing; confirmed is only what is whole and linked. Nothing is ever deleted here. One thing is done
// at a time. When the store takes nothing, what is known of it is forgotten and read again: some of it may have been kept.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, errorText, isAppError } from '../base/base.ts';
import {
  type ChainBlock,
  type ChainHole,
  type Collected,
  CollectedHeads,
  DirectoryLock,
  isOfDisk,
  RECORD_CLASSES,
  RECORDS_DIRECTORY_MODE,
  type RecordClass,
} from '../evidence/records/records.ts';
import type { FleetLog } from './acts.ts';
import type { EvidenceMessage } from './bus.ts';
import { CollectedResolver } from './collected-resolver.ts';
import { CollectorAlarms } from './collector-alarms.ts';
import { CONFIRMED_CLASSES, type ConfirmedClass } from './confirmation.ts';
import { type EvidencePiece, isEvidenceSignedBy, unpackEvidence } from './evidence-message.ts';
import type { EvidenceStore, Shelf } from './evidence-store.ts';
import { leave } from './handler.ts';
import type { Member, Membership } from './membership.ts';
import type { JudgedPresence } from './presence-check.ts';
import { RemovedSenders } from './removed-senders.ts';

/** Messages are taken together for so long, milliseconds: one commit for many. */
const TOGETHER_MS = 20;
/** A clock that is ahead by more tells no time, milliseconds. */
const AHEAD_MS_MAX = 3_600_000;
/** Between two times that the authority is asked for entries because of a message that no key signed, milliseconds. */
const CATCH_UP_MS = 1_000;
/** A round of looking for records that somebody took out ends after this, milliseconds, and goes on in the next. */
const LOOK_MS = 300;

/** What a collector is made with. */
export interface CollectorOptions {
  /** Its own, which no other collector uses at the same time. */
  readonly directory: string;
  readonly store: EvidenceStore;
  readonly membership: Membership;
  readonly clock: Clock;
  /** Undefined: that of the machine. */
  readonly monotonic?: Clock;
  readonly log: FleetLog;
  /** Is done before anything is kept: who is in the fleet is there before the records are. */
  readonly before?: (() => Promise<void>) | undefined;
  /** Takes what the authority has decided since: who has just come, or has another key, may be ahead of the entry that says so. */
  readonly catchUp?: () => Promise<void>;
  /** A chain is whole up to here. */
  readonly onConfirmed: (
    node: string,
    recordClass: ConfirmedClass,
    enrolment: number,
    sequence: number,
    hash: string,
    /** Records before that which were here and are not any more: the resolver is asked for them. */
    missing: ChainHole | undefined,
  ) => void;
}

/** Takes evidence. */
export class Collector {
  readonly #options: CollectorOptions;
  readonly #lock: DirectoryLock;
  readonly #resolvers = new Map<string, CollectedResolver>();
  readonly #alarms: CollectorAlarms;
  /** Resolvers of a version that does not sign what it says. */
  readonly #older = new Set<string>();
  readonly #removed: RemovedSenders;
  #waiting: EvidenceMessage[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** Ends with what is being done. */
  #turn: Promise<void> = Promise.resolve();
  #isClosed = false;
  #trouble: string | undefined;
  /** When policy was last asked for because of a message, by the clock. */
  #caughtUpMs = Number.NEGATIVE_INFINITY;
  /** Chains that are looked through in turn, in this round. */
  #unlooked: (readonly [label: string, recordClass: RecordClass])[] = [];
  /** Why nothing is kept of some resolvers, whose directories take nothing. */
  readonly #failing = new Map<string, string>();

  /** Takes the directory. Throws ERR_COMPLIANCE_RECORDS_LOCKED when another collector has it, and errors of the system. */
  constructor(options: CollectorOptions) {
    this.#options = options;
    this.#alarms = new CollectorAlarms(options);
    this.#removed = new RemovedSenders(options.membership, options.log);
    mkdirSync(options.directory, { recursive: true, mode: RECORDS_DIRECTORY_MODE });
    this.#lock = DirectoryLock.take(join(options.directory, 'lock'));
  }

  /** Alarms by kind, and the last of them. */
  get alarms(): Pick<CollectorAlarms, 'counts' | 'last'> {
    return this.#alarms;
  }

  /** In words: of whom nothing is kept at the moment, and why; undefined while everything is. */
  get trouble(): string | undefined {
    if (this.#trouble !== undefined) return `keeps nothing: ${this.#trouble}`;
    const [failing] = this.#failing;
    if (failing === undefined) return undefined;
    const [name, why] = failing;
    const others = this.#failing.size === 1 ? '' : ` and ${this.#failing.size - 1} more`;
    return `keeps nothing of ${name}${others}: ${why}`;
  }

  /** Takes a message; it is acknowledged when its turn is over. What comes behind the end is not, and comes again. */
  take(message: EvidenceMessage): void {
    if (this.#isClosed) return;
    this.#waiting.push(message);
    this.#timer ??= setTimeout(() => leave(this.flush(), 'keeping evidence', this.#options.log), TOGETHER_MS);
  }

  /** Keeps what waits. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const messages = this.#waiting;
    this.#waiting = [];
    const kept = new Set<EvidenceMessage>();
    await this.#next(async () => {
      await this.#options.before?.();
      const touched = new Set<CollectedResolver>();
      const failed = new Set<string>();
      for (const message of messages) {
        const name = nodeOf(message);
        if (failed.has(name)) continue;
        await this.#alone(name, failed, async () => {
          const resolver = await this.#takeOne(name, message);
          if (resolver !== undefined) touched.add(resolver);
        });
      }
      for (const resolver of touched) {
        if (failed.has(resolver.name) || this.#resolvers.get(resolver.label) !== resolver) continue;
        await this.#alone(resolver.name, failed, () => this.#write(resolver));
      }
      for (const message of messages) {
        const name = nodeOf(message);
        if (failed.has(name)) continue;
        kept.add(message);
        this.#failing.delete(name);
      }
    });
    for (const message of messages) {
      if (kept.has(message)) message.done();
      else message.again();
    }
  }

  /** A resolver said how it is: what it had recorded then is here, or is not. What it did not sign moves nothing. */
  async receivePresence(judged: JudgedPresence): Promise<void> {
    const name = judged.kind === 'refused' ? judged.name : judged.presence.name;
    const member = this.#options.membership.find(name);
    if (member === undefined || member.until !== undefined || judged.kind === 'unknown') return;
    await this.#next(() =>
      this.#alone(member.name, new Set(), async () => {
        if (judged.kind === 'refused') {
          const { alarm, reason } = judged;
          await this.#alarms.refuse(alarm, name, `what it says of itself: ${reason}`, reason);
          return;
        }
        const { presence } = judged;
        if (judged.kind === 'older') {
          if (!this.#older.has(name)) await this.#alarms.refuse('older', name, OLDER_TEXT, presence.version);
          this.#older.add(name);
          return;
        }
        this.#older.delete(name);
        const aheadMs = Date.parse(presence.time) - this.#options.clock();
        if (aheadMs > AHEAD_MS_MAX) {
          const text = 'what it says of itself is of a time to come';
          await this.#alarms.refuse('forged-presence', name, text, 'ahead');
          return;
        }
        const resolver = await this.#resolverOf(member);
        await resolver.alive(Date.parse(presence.time), presence.records);
      }),
    );
  }

  /** Says again up to where everything is whole: what the engine kept of it may be lost. */
  async confirmAll(): Promise<void> {
    await this.#next(async () => {
      await this.#options.before?.();
      for (const member of this.#options.membership.members) {
        if (member.until !== undefined) continue;
        await this.#alone(member.name, new Set(), async () => this.#confirm(await this.#resolverOf(member)));
      }
    });
  }

  /**
   * Looks for records that were here and were taken out, in one chain after the other, for some hundred milliseconds: what is missing
   * is told, and its resolver is asked for it.
   */
  async lookThrough(): Promise<void> {
    const { membership, monotonic = () => performance.now() } = this.#options;
    const endMs = monotonic() + LOOK_MS;
    if (this.#unlooked.length === 0)
      this.#unlooked = membership.members.flatMap(({ name }) =>
        RECORD_CLASSES.map((one) => [name, one] as const),
      );
    for (let [next] = this.#unlooked; next !== undefined && monotonic() < endMs; [next] = this.#unlooked) {
      const [name, recordClass] = next;
      const member = membership.find(name);
      let isMore = false;
      if (member !== undefined && member.until === undefined)
        await this.#next(() =>
          this.#alone(name, new Set(), async () => {
            isMore = await this.#look(await this.#resolverOf(member), recordClass);
          }),
        );
      if (!isMore) this.#unlooked.shift();
    }
  }

  /** Keeps what waits, and takes nothing more: another collector may have the store behind that. */
  async close(): Promise<void> {
    await this.flush();
    await this.#next(async () => {
      this.#isClosed = true;
      for (const resolver of this.#resolvers.values()) await resolver.writePosition();
    });
    clearTimeout(this.#timer);
    this.#forget();
    await this.#options.store.close();
    this.#lock.release();
  }

  /**
   * What one resolver's directory does not take holds up nobody else's; a database that is gone holds up all. What fails for
   * another reason is a piece that nobody thought of: it is refused, and costs that resolver alone what was not kept yet.
   */
  async #alone(name: string, failed: Set<string>, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (thrown) {
      if (isAppError(thrown)) throw thrown;
      for (const [label, resolver] of this.#resolvers) {
        if (resolver.name !== name) continue;
        this.#resolvers.delete(label);
        resolver.close();
      }
      if (!isOfDisk(thrown) && !(thrown instanceof UnopenedError)) {
        const text = `a piece that cannot be taken: ${errorText(thrown)}`;
        this.#options.log.error({ node: name, err: thrown }, 'collector: a piece cannot be taken');
        await this.#alarms.refuse('forged-block', name, text, text);
        return;
      }
      failed.add(name);
      this.#failing.set(name, errorText(thrown));
      this.#options.log.error(
        { node: name, cause: errorText(thrown) },
        'collector: evidence waits, the disk takes nothing',
      );
    }
  }

  /** Does one thing after the other. What a store does not take comes again: nothing of it was acknowledged. Nothing behind the end. */
  #next(act: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(async () => {
      if (this.#isClosed) return;
      try {
        await act();
        if (this.#trouble !== undefined) this.#options.log.info({}, 'collector: evidence is kept again');
        this.#trouble = undefined;
      } catch (thrown) {
        // Whatever it is: what was not acknowledged comes again, and the next turn begins with what is on the disk.
        this.#forget();
        if (this.#trouble === undefined)
          this.#options.log.error(
            { err: thrown },
            'collector: evidence waits, the store takes nothing; nothing is confirmed meanwhile',
          );
        this.#trouble = errorText(thrown);
      }
    });
    return this.#turn;
  }

  #forget(): void {
    for (const resolver of this.#resolvers.values()) resolver.close();
    this.#resolvers.clear();
  }

  async #takeOne(name: string, message: EvidenceMessage): Promise<CollectedResolver | undefined> {
    const { membership } = this.#options;
    const word = message.subject.split('.').at(-1);
    if (!this.#isSigned(name, message)) await this.#catchUp();
    const member = membership.find(name);
    if (member === undefined)
      return this.#alarms.refuse('removed-node', name, 'it is not in the fleet', message.subject);
    if (this.#removed.hadUnderWay(member, message)) return undefined;
    if (member.until !== undefined) {
      const text = `it was removed at ${member.until}, and sends still`;
      return this.#alarms.refuse('removed-node', name, text, member.until);
    }
    const { bytes, signature } = message;
    const sender = this.#isSigned(name, message) ? member : this.#formerOf(member, message);
    if (sender === undefined)
      return this.#alarms.refuse('forged-block', name, 'a message that its key did not sign', signature);
    const unpacked = unpackEvidence(bytes);
    const recordClass = CONFIRMED_CLASSES.find((one) => one === word);
    if (unpacked === undefined || recordClass === undefined) {
      return this.#alarms.refuse('forged-block', name, 'a message of another form', signature);
    }
    if (unpacked.enrolment !== sender.enrolment) {
      const text = `of enrolment ${unpacked.enrolment}, it has ${sender.enrolment}`;
      return this.#alarms.refuse('removed-node', name, text, name);
    }
    const resolver = await this.#resolverOf(sender);
    await this.#takePiece(resolver, recordClass, unpacked.piece, message);
    return resolver;
  }

  #isSigned(name: string, { subject, bytes, signature }: EvidenceMessage): boolean {
    const { membership, clock } = this.#options;
    return membership.keysOf(name, clock()).some((key) => isEvidenceSignedBy(subject, bytes, signature, key));
  }

  /** The machine in whose place a member came, when it signed this: nobody can send it again, and the engine may have had it for long. */
  #formerOf(member: Member, { subject, bytes, signature }: EvidenceMessage): Member | undefined {
    const { former } = member;
    const key = this.#options.membership.formerKeyOf(member);
    const isIts = key !== undefined && isEvidenceSignedBy(subject, bytes, signature, key);
    return former !== undefined && isIts ? { ...member, ...former } : undefined;
  }

  /** Once for many: whoever sends what nobody signed has the authority asked no oftener. */
  async #catchUp(): Promise<void> {
    const { catchUp, clock } = this.#options;
    const nowMs = clock();
    if (catchUp === undefined || Math.abs(nowMs - this.#caughtUpMs) < CATCH_UP_MS) return;
    await catchUp();
    this.#caughtUpMs = clock();
  }

  async #takePiece(
    resolver: CollectedResolver,
    recordClass: ConfirmedClass,
    piece: EvidencePiece,
    message: EvidenceMessage,
  ): Promise<void> {
    switch (piece.kind) {
      case 'key':
        if (!(await resolver.heads.addKey(piece.pem, message)))
          await this.#alarms.refuse(
            'forged-block',
            resolver.name,
            'a key that is none, or one too many',
            message.signature,
          );
        return;
      case 'head': {
        await resolver.addHead(CollectedHeads.parse(piece.head), (outcome) =>
          this.#judge(resolver, recordClass, piece.head, outcome),
        );
        return;
      }
      case 'opening':
      case 'block':
      case 'hole':
        if (recordClass !== 'heads') resolver.add(recordClass, piece);
    }
  }

  async #write(resolver: CollectedResolver): Promise<void> {
    for (const recordClass of RECORD_CLASSES) {
      await resolver.link(recordClass, {
        judge: (piece, outcome) => this.#judge(resolver, recordClass, piece, outcome),
        hole: (text) => this.#hole(resolver, recordClass, text),
        missing: (hole, outcome) => this.#alarms.missing(resolver.name, recordClass, hole, outcome),
      });
    }
    await resolver.writePosition();
    this.#confirm(resolver);
  }

  #confirm(resolver: CollectedResolver): void {
    const { onConfirmed, membership } = this.#options;
    // The machine that stands there now is told of its own chains.
    if (membership.find(resolver.name)?.enrolment !== resolver.enrolment) return;
    for (const recordClass of CONFIRMED_CLASSES) {
      const { sequence, hash } = recordClass === 'heads' ? resolver.heads.place : resolver.place(recordClass);
      const missing = recordClass === 'heads' ? undefined : resolver.missing(recordClass);
      // Nothing is a word as well: to a resolver whose records a collector had whose disk is lost, or that has another store now.
      onConfirmed(resolver.name, recordClass, resolver.enrolment, sequence, hash, missing);
    }
  }

  /** What came of a piece that was not simply taken. */
  async #judge(
    resolver: CollectedResolver,
    recordClass: ConfirmedClass,
    piece: ChainBlock | string,
    outcome: Collected,
  ): Promise<void> {
    if (outcome !== 'other' && outcome !== 'forged') return;
    const { store, log, clock } = this.#options;
    const what = typeof piece === 'string' ? 'a head' : `record ${piece.first}`;
    if (outcome === 'forged') {
      const id = typeof piece === 'string' ? piece : piece.hash;
      await this.#alarms.refuse(
        'forged-block',
        resolver.name,
        `${what} of ${recordClass} is not what its hash or signature says`,
        id,
      );
      return;
    }
    const id = typeof piece === 'string' ? piece.slice(0, 200) : `${piece.first}-${piece.hash}`;
    if (this.#alarms.isTold('conflict', resolver.name, `other ${id}`)) return;
    const isKept = this.#alarms.mayNote(resolver.name);
    const name = typeof piece === 'string' ? `head-${clock()}` : id;
    if (isKept) await store.keepConflict(resolver.label, recordClass, name, JSON.stringify(piece));
    const about = { node: resolver.name, chain: recordClass };
    log.error(about, 'collector: other records under numbers that are taken');
    await this.#alarms.refuse(
      'conflict',
      resolver.name,
      `${what} of ${recordClass} is another one than is here${isKept ? '; it is kept in conflicts' : ''}`,
      `other ${id}`,
    );
  }

  /** Looks through a partition; true when there may be another one. */
  async #look(resolver: CollectedResolver, recordClass: RecordClass): Promise<boolean> {
    const found = await resolver.look(recordClass);
    if (typeof found === 'string') return found === 'whole';
    await this.#alarms.missing(resolver.name, recordClass, found, 'asked');
    this.#confirm(resolver);
    return false;
  }

  async #hole(resolver: CollectedResolver, recordClass: RecordClass, text: string): Promise<void> {
    const time = new Date(this.#options.clock()).toISOString();
    await resolver.noteHole(JSON.stringify({ time, class: recordClass, text }));
    await this.#alarms.refuse('hole', resolver.name, `${recordClass}: ${text}`, `${recordClass} ${text}`);
  }

  async #resolverOf(member: Member): Promise<CollectedResolver> {
    const label = member.enrolment === 1 ? member.name : `${member.name}.${member.enrolment}`;
    const known = this.#resolvers.get(label);
    if (known !== undefined) return known;
    const shelf = await open(this.#options.store, label);
    const resolver = new CollectedResolver(shelf, member.name, member.enrolment, label);
    this.#resolvers.set(label, resolver);
    return resolver;
  }
}

/** What is kept of a resolver cannot be read, such as a file that is damaged: its pieces wait. */
class UnopenedError extends Error {}

const open = async (store: EvidenceStore, label: string): Promise<Shelf> => {
  try {
    return await store.open(label);
  } catch (thrown) {
    if (isAppError(thrown)) throw thrown;
    throw new UnopenedError(errorText(thrown), { cause: thrown });
  }
};

const OLDER_TEXT =
  'it is older than this collector: what it says of itself is not signed, and is no sign of life';

/** The resolver in whose name a message comes: cordon.evidence.NAME.CLASS. */
const nodeOf = ({ subject }: EvidenceMessage): string => subject.split('.')[2] ?? '';
