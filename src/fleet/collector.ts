// The collector: writes what arrives into record directories of the form that each resolver keeps.
//
//   DIRECTORY/NAME/              of a resolver; NAME.2 when it was taken in anew and began new chains
//   DIRECTORY/NAME/holes.jsonl   where its chain has a hole, by its own word
//   DIRECTORY/conflicts/         records under numbers that others have
//   DIRECTORY/alarms.jsonl       what was refused, and why
//
// It believes nothing: who sent a message is proven by its signature, what a block is by its hash. A message is acknowledged
// once it is on the disk, or worth nothing; confirmed is only what is whole and linked. Nothing is ever deleted here.
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, errorText, systemErrorCode } from '../base/base.ts';
import {
  type ChainBlock,
  type Collected,
  CollectedHeads,
  DirectoryLock,
  RECORD_CLASSES,
  RECORDS_DIRECTORY_MODE,
  type RecordClass,
} from '../records/records.ts';
import type { FleetLog } from './acts.ts';
import { CollectedResolver } from './collected-resolver.ts';
import { CONFIRMED_CLASSES, type ConfirmedClass } from './confirmation.ts';
import type { EvidenceMessage } from './engine.ts';
import { type EvidencePiece, isEvidenceSignedBy, unpackEvidence } from './evidence-message.ts';
import { parseNkey } from './key.ts';
import type { FleetAlarm } from './policy.ts';
import type { Presence } from './presence.ts';
import type { Member, Roll } from './roll.ts';

/** Messages are taken together for so long, milliseconds: one commit for many. */
const TOGETHER_MS = 20;
/** How long what a key signed that was replaced is still taken, milliseconds. */
const OLD_KEY_MS = 3_600_000;
/** Alarms that status shows. */
const TOLD_MAX = 10;

/** Something that was refused. */
export interface CollectorAlarm {
  readonly time: string;
  readonly alarm: FleetAlarm;
  readonly node: string;
  readonly text: string;
}

/** What a collector is made with. */
export interface CollectorOptions {
  readonly directory: string;
  readonly roll: Roll;
  readonly clock: Clock;
  readonly log: FleetLog;
  /** A chain is whole up to here. */
  readonly onConfirmed: (
    node: string,
    recordClass: ConfirmedClass,
    enrolment: number,
    sequence: number,
    hash: string,
  ) => void;
}

/** Takes evidence. */
export class Collector {
  readonly #options: CollectorOptions;
  readonly #lock: DirectoryLock;
  readonly #resolvers = new Map<string, CollectedResolver>();
  readonly #counts = new Map<FleetAlarm, number>();
  readonly #told: CollectorAlarm[] = [];
  /** What was refused once is told once. */
  readonly #seen = new Set<string>();
  #waiting: EvidenceMessage[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** Takes the directory. Throws ERR_COMPLIANCE_RECORDS_LOCKED when another collector has it, and errors of the system. */
  constructor(options: CollectorOptions) {
    this.#options = options;
    mkdirSync(options.directory, { recursive: true, mode: RECORDS_DIRECTORY_MODE });
    this.#lock = DirectoryLock.take(join(options.directory, 'lock'));
  }

  /** Alarms by kind, and the last of them. */
  get alarms(): {
    readonly counts: ReadonlyMap<FleetAlarm, number>;
    readonly last: readonly CollectorAlarm[];
  } {
    return { counts: this.#counts, last: this.#told };
  }

  /** Takes a message; it is acknowledged when its turn is over. */
  take(message: EvidenceMessage): void {
    this.#waiting.push(message);
    this.#timer ??= setTimeout(() => this.flush(), TOGETHER_MS);
  }

  /** Writes what waits. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const messages = this.#waiting;
    this.#waiting = [];
    const touched = new Set<CollectedResolver>();
    const done: EvidenceMessage[] = [];
    for (const message of messages) {
      try {
        const resolver = this.#takeOne(message);
        if (resolver !== undefined) touched.add(resolver);
        done.push(message);
      } catch (thrown) {
        // A disk that is full: the message comes again.
        if (systemErrorCode(thrown) === undefined) throw thrown;
        this.#options.log.error(
          { cause: errorText(thrown) },
          'collector: evidence waits, the disk takes nothing',
        );
      }
    }
    for (const resolver of touched) this.#write(resolver);
    for (const message of done) message.done();
  }

  /** A resolver said how it is: what it had recorded then is here, or is not. */
  hear(presence: Presence): void {
    const member = this.#options.roll.find(presence.name);
    if (member === undefined || presence.enrolment !== member.enrolment || presence.role === 'collector')
      return;
    this.#resolverOf(member).alive(Date.parse(presence.time), presence.records);
  }

  /** Says again up to where everything is whole: what the engine kept of it may be lost. */
  confirmAll(): void {
    for (const member of this.#options.roll.members)
      if (member.until === undefined) this.#confirm(this.#resolverOf(member));
  }

  close(): void {
    this.flush();
    for (const resolver of this.#resolvers.values()) resolver.close();
    this.#lock.release();
  }

  #takeOne(message: EvidenceMessage): CollectedResolver | undefined {
    const { roll, clock } = this.#options;
    const [, , name = '', word = ''] = message.subject.split('.');
    const member = roll.find(name);
    if (member === undefined)
      return this.#refuse('removed-node', name, 'it is not in the fleet', message.subject);
    if (member.until !== undefined) {
      return this.#refuse(
        'removed-node',
        name,
        `it was removed at ${member.until}, and sends still`,
        member.until,
      );
    }
    const keys = [
      member.key,
      ...(member.before !== undefined && clock() - Date.parse(member.before.until) < OLD_KEY_MS
        ? [member.before.key]
        : []),
    ].flatMap((text) => parseNkey(text) ?? []);
    const { subject, bytes, signature } = message;
    if (!keys.some((key) => isEvidenceSignedBy(subject, bytes, signature, key))) {
      return this.#refuse('forged-block', name, 'a message that its key did not sign', signature);
    }
    const unpacked = unpackEvidence(bytes);
    const recordClass = CONFIRMED_CLASSES.find((one) => one === word);
    if (unpacked === undefined || recordClass === undefined) {
      return this.#refuse('forged-block', name, 'a message of another form', signature);
    }
    if (unpacked.enrolment !== member.enrolment) {
      return this.#refuse(
        'removed-node',
        name,
        `of enrolment ${unpacked.enrolment}, it has ${member.enrolment}`,
        name,
      );
    }
    const resolver = this.#resolverOf(member);
    this.#takePiece(resolver, recordClass, unpacked.piece);
    return resolver;
  }

  #takePiece(resolver: CollectedResolver, recordClass: ConfirmedClass, piece: EvidencePiece): void {
    switch (piece.kind) {
      case 'key':
        resolver.heads.addKey(piece.pem);
        return;
      case 'head': {
        resolver.addHead(CollectedHeads.parse(piece.head), (outcome) =>
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

  #write(resolver: CollectedResolver): void {
    for (const recordClass of RECORD_CLASSES) {
      resolver.link(recordClass, {
        judge: (piece, outcome) => this.#judge(resolver, recordClass, piece, outcome),
        hole: (text) => this.#hole(resolver, recordClass, text),
      });
    }
    resolver.writePosition();
    this.#confirm(resolver);
  }

  #confirm(resolver: CollectedResolver): void {
    const { onConfirmed } = this.#options;
    for (const recordClass of CONFIRMED_CLASSES) {
      const { sequence, hash } = recordClass === 'heads' ? resolver.heads.place : resolver.place(recordClass);
      if (sequence > 0) onConfirmed(resolver.name, recordClass, resolver.enrolment, sequence, hash);
    }
  }

  /** What came of a piece that was not simply taken. */
  #judge(
    resolver: CollectedResolver,
    recordClass: ConfirmedClass,
    piece: ChainBlock | string,
    outcome: Collected,
  ): void {
    if (outcome !== 'other' && outcome !== 'forged') return;
    const { directory, log } = this.#options;
    const what = typeof piece === 'string' ? 'a head' : `record ${piece.first}`;
    if (outcome === 'forged') {
      const id = typeof piece === 'string' ? piece : piece.hash;
      this.#refuse(
        'forged-block',
        resolver.name,
        `${what} of ${recordClass} is not what its hash or signature says`,
        id,
      );
      return;
    }
    const id = typeof piece === 'string' ? piece.slice(0, 200) : `${piece.first}-${piece.hash}`;
    if (this.#seen.has(`other ${resolver.name} ${id}`)) return;
    const place = join(directory, 'conflicts');
    mkdirSync(place, { recursive: true, mode: RECORDS_DIRECTORY_MODE });
    const name = typeof piece === 'string' ? `head-${this.#options.clock()}` : id;
    try {
      writeFileSync(join(place, `${resolver.label}-${recordClass}-${name}.json`), JSON.stringify(piece), {
        mode: 0o600,
        flag: 'wx',
      });
    } catch (thrown) {
      if (systemErrorCode(thrown) !== 'EEXIST') throw thrown;
    }
    log.error(
      { node: resolver.name, chain: recordClass },
      'collector: other records under numbers that are taken',
    );
    this.#refuse(
      'conflict',
      resolver.name,
      `${what} of ${recordClass} is another one than is here; it is kept in conflicts/`,
      `other ${resolver.name} ${id}`,
    );
  }

  #hole(resolver: CollectedResolver, recordClass: RecordClass, text: string): void {
    resolver.noteHole(JSON.stringify({ time: this.#now(), class: recordClass, text }));
    this.#refuse('hole', resolver.name, `${recordClass}: ${text}`, `${recordClass} ${text}`);
  }

  #refuse(alarm: FleetAlarm, node: string, text: string, id: string): undefined {
    const { directory, log } = this.#options;
    const key = `${alarm} ${node} ${id}`;
    this.#counts.set(alarm, (this.#counts.get(alarm) ?? 0) + 1);
    if (this.#seen.has(key)) return;
    if (this.#seen.size > SEEN_MAX) this.#seen.clear();
    this.#seen.add(key);
    if (alarm === 'conflict') this.#seen.add(id);
    const told = { time: this.#now(), alarm, node, text };
    this.#told.push(told);
    if (this.#told.length > TOLD_MAX) this.#told.shift();
    log.error({ node, alarm, text }, 'collector: evidence is refused');
    try {
      appendFileSync(join(directory, 'alarms.jsonl'), `${JSON.stringify(told)}\n`, { mode: 0o600 });
    } catch (thrown) {
      if (systemErrorCode(thrown) === undefined) throw thrown;
      log.error({ cause: errorText(thrown) }, 'collector: an alarm is not written');
    }
  }

  #resolverOf(member: Member): CollectedResolver {
    const label = member.enrolment === 1 ? member.name : `${member.name}.${member.enrolment}`;
    const known = this.#resolvers.get(label);
    if (known !== undefined) return known;
    const resolver = new CollectedResolver(this.#options.directory, member.name, member.enrolment, label);
    this.#resolvers.set(label, resolver);
    return resolver;
  }

  #now(): string {
    return new Date(this.#options.clock()).toISOString();
  }
}

/** Refusals that are remembered, so that each is told once. */
const SEEN_MAX = 10_000;
