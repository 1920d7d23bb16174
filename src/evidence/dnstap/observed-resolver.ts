// One resolver that is not Cordon's: what comes out of its socket, judged by what was published to it, as records.
//
// Every response to a client is counted; one to a question for a listed name is read by the probe's judge: refused, leaked or
// neither. One to another question is judged by where it leads, as Cordon judges its own answers. A record sums up a minute, or a few seconds where something leaked. Times are those of the collector: the clock of
// who is watched says nothing. A resolver that sends more than is read waits, and costs nobody else more than that.
import type { Socket } from 'node:net';
import { type Clock, createAddress, errorText, isAppError, parseAddress } from '../../base/base.ts';
import type { FoundIssue } from '../../base/words/words.ts';
import {
  expandName,
  FLAG,
  foldName,
  formatName,
  formatType,
  HEADER_LENGTH,
  messageFlags,
  NAME_LENGTH_MAX,
  RecordReader,
  readU16,
  SECTION,
  skipName,
  TargetCollector,
  WrittenOut,
} from '../../wire/dns/dns.ts';
import { readReply } from '../../wire/stub/stub.ts';
import { dataForm, foreignForms, judgeOutcome, leadsNowhere, type RefusalForm } from '../probe/probe.ts';
import { type ForeignRecord, FrameReceiver } from '../records/records.ts';
import { readClientResponse } from './client-response.ts';
import { LastProofs } from './last-proofs.ts';
import { ProofWatch } from './proof-watch.ts';
import { type PublishedFile, PublishedPolicy } from './published-policy.ts';

/** Between two records of one resolver, milliseconds, and from the first leak to the record of it. */
const WINDOW_MS = 60_000;
const LEAK_MS = 5_000;
/** Names of a record. */
const NAMES_MAX = 20;
/** Characters of what was answered, in a record. */
const EXAMPLE_LENGTH_MAX = 160;
/** A resolver has one, and a second one while it starts anew; one more is taken each second. */
const CONNECTIONS_MAX = 4;
/** Frames of one resolver in a second: a fifth of a core. The rest waits in its own buffers. */
const FRAMES_MAX = 20_000;
/** After the last answer to a listed name: an alert that is looked for each minute or so finds it. */
const LEAK_TOLD_MS = 900_000;
/** Both ends start anew now and then. */
const UNSEEN_MS = 60_000;
/** Looks from one to the next at what was handed in: a timer of an hour is no matter of seconds. */
const PROOF_LOOKS = 10;
/** Where a reading says that it comes from; nobody is asked. */
const SERVER = { address: '::', port: 0, family: 6 } as const;

/** What one is watched with. */
export interface ObservedOptions {
  readonly name: string;
  readonly policy: readonly PublishedFile[];
  /** Addresses and names that it leads refused names to. */
  readonly sinkholes: readonly string[];
  /** False: it sends no dnstap. */
  readonly isListening?: boolean;
  readonly proofs?: ConstructorParameters<typeof ProofWatch>[0] | undefined;
  readonly clock: Clock;
  /** FRAMES_MAX unless a test has another. */
  readonly framesMax?: number;
  readonly note: (record: ForeignRecord) => void;
}

const words = createAddress();
const written = new WrittenOut();

const zero = () => ({ answers: 0, refused: 0, leaked: 0, failed: 0, malformed: 0 });
const SUMS = ['answers', 'refused', 'leaked', 'failed', 'malformed'] as const;

/** What one was seen to do since the collector began, and what of it needs a person. Plain data. */
export interface ObservedState {
  readonly name: string;
  readonly totals: Readonly<ReturnType<typeof zero>>;
  readonly isSeen: boolean;
  readonly issues: readonly FoundIssue[];
}

/** One of them. */
export class ObservedResolver {
  readonly #options: ObservedOptions;
  readonly #policy: PublishedPolicy;
  readonly #forms: readonly RefusalForm[];
  readonly #reader = new RecordReader();
  readonly #targets = new TargetCollector();
  /** Of proofs: who watches them, how often it looked, and the last ones that count, by when they were made. */
  readonly #proofs: { readonly watch: ProofWatch | undefined; looks: number; readonly last: LastProofs };
  /** Sockets; those that have begun a stream are true. */
  readonly #sockets = new Map<Socket, boolean>();
  readonly #qname = new Uint8Array(NAME_LENGTH_MAX);
  /** What goes into the next record. */
  readonly #next: {
    readonly names: Map<string, { count: number; readonly example: string }>;
    counts: ReturnType<typeof zero>;
    beganMs: number;
    leakedMs: { readonly first: number; last: number } | undefined;
  };
  readonly #totals = zero();
  /** The answers to listed names that are still told of. */
  #told: { readonly firstMs: number; lastMs: number; count: number; qname: string } | undefined;
  /** Since when no stream runs, and why; undefined: one does. */
  #unseen: { readonly sinceMs: number; readonly reason: string } | undefined;
  #frames = 0;
  #isHeld = false;
  /** Connections that were taken, but one for each second since. */
  #taken = 0;

  /** Throws an AppError of the lists, and errors of the system, where what was published cannot be read. */
  constructor(options: ObservedOptions) {
    this.#options = options;
    this.#policy = new PublishedPolicy(options.policy);
    const addresses = options.sinkholes.filter(isAddress);
    const names = options.sinkholes.filter((one) => !isAddress(one)).map(toAbsolute);
    this.#forms = foreignForms(addresses, names);
    this.#proofs = {
      watch: options.proofs && new ProofWatch(options.proofs),
      looks: 0,
      last: new LastProofs(),
    };
    this.#next = { names: new Map(), counts: zero(), beganMs: options.clock(), leakedMs: undefined };
    if (options.isListening !== false)
      this.#unseen = { sinceMs: this.#next.beganMs, reason: 'it has not connected yet' };
    this.#note({ event: 'policy', files: this.#policy.facts });
  }

  /** Takes a connection of it. */
  take(socket: Socket): void {
    if (this.#sockets.size >= CONNECTIONS_MAX || this.#taken >= CONNECTIONS_MAX) return void socket.destroy();
    this.#taken++;
    this.#sockets.set(socket, false);
    let why = 'the connection was closed';
    const receiver = new FrameReceiver({
      started: () => this.#begin(socket),
      frame: (data) => this.#frame(data),
      reply: (bytes) => void socket.write(bytes),
      stopped: () => {
        why = 'the resolver ended it';
        socket.end();
      },
    });
    socket.on('data', (piece: Buffer) => {
      try {
        receiver.take(piece);
      } catch (thrown) {
        why = errorText(thrown);
        this.#next.counts.malformed++;
        socket.destroy();
      }
      if (this.#frames < (this.#options.framesMax ?? FRAMES_MAX)) return;
      this.#isHeld = true;
      for (const one of this.#sockets.keys()) one.pause();
    });
    socket.on('error', (error) => {
      why = errorText(error);
    });
    socket.on('close', () => this.#end(socket, why));
  }

  /** To be called once a second. */
  look(): void {
    const { clock } = this.#options;
    const nowMs = clock();
    this.#frames = 0;
    this.#taken = Math.max(0, this.#taken - 1);
    for (const socket of this.#sockets.keys()) socket.resume();
    const change = this.#policy.look(nowMs);
    if (change !== undefined) {
      this.#flush();
      this.#note({ event: 'policy', ...change });
    }
    if (this.#proofs.looks++ % PROOF_LOOKS === 0) this.#lookForProofs(nowMs);
    const isLeaking = this.#next.leakedMs !== undefined && nowMs - this.#next.leakedMs.first >= LEAK_MS;
    if (!isLeaking && nowMs - this.#next.beganMs < WINDOW_MS) return;
    if (this.#isSeen) this.#flush();
    else this.#next.beganMs = nowMs;
  }

  #lookForProofs(nowMs: number): void {
    for (const one of this.#proofs.watch?.look(nowMs) ?? []) {
      this.#note({ event: 'proof', ...one });
      if ('proof' in one) this.#proofs.last.take(one.proof);
    }
  }

  /** What was seen until now goes into a record, and connections end. */
  close(): void {
    if (this.#isSeen) this.#flush();
    for (const socket of this.#sockets.keys()) socket.removeAllListeners('close').destroy();
  }

  /** How it is now. */
  get state(): ObservedState {
    const { name, clock } = this.#options;
    const nowMs = clock();
    const issues: FoundIssue[] = [];
    if (this.#told !== undefined && nowMs - this.#told.lastMs > LEAK_TOLD_MS) this.#told = undefined;
    const [proof, ...others] = this.#proofs.last.leaking();
    if (proof !== undefined) {
      const { leakedNames, ended, mandate } = proof;
      const more = new Set(others.map((one) => one.mandate).filter((one) => one !== mandate));
      const text = `the last proof of ${name}, of ${ended}, got answers for ${leakedNames} names of ${mandate}`;
      issues.push({
        ...{ id: 'foreign-leaking', subject: name, sinceMs: Date.parse(others.at(-1)?.ended ?? ended) },
        text: more.size === 0 ? text : `${text}; the last ones of ${more.size} other mandates did as well`,
      });
    } else if (this.#told !== undefined) {
      const { count, qname, firstMs: sinceMs } = this.#told;
      const text = `${name} answered listed names ${count} times, the last one was ${qname}`;
      issues.push({ id: 'foreign-leaking', subject: name, text, sinceMs });
    }
    if (this.#unseen !== undefined && nowMs - this.#unseen.sinceMs >= UNSEEN_MS) {
      const { sinceMs, reason } = this.#unseen;
      const text = `nothing is seen of ${name}: ${reason}`;
      issues.push({ id: 'foreign-unseen', subject: name, text, sinceMs });
    }
    const totals = zero();
    for (const sum of SUMS) totals[sum] = this.#totals[sum] + this.#next.counts[sum];
    return {
      name,
      totals,
      isSeen: this.#unseen === undefined && this.#options.isListening !== false,
      issues,
    };
  }

  get #isSeen(): boolean {
    return this.#next.counts.malformed > 0 || [...this.#sockets.values()].includes(true);
  }

  #begin(socket: Socket): void {
    const isFirst = ![...this.#sockets.values()].includes(true);
    this.#sockets.set(socket, true);
    if (!isFirst) return;
    this.#next.beganMs = this.#options.clock();
    this.#unseen = undefined;
    this.#note({ event: 'connected' });
  }

  #end(socket: Socket, reason: string): void {
    const hadBegun = this.#sockets.get(socket) === true;
    if (hadBegun) this.#flush();
    this.#sockets.delete(socket);
    if (!hadBegun || [...this.#sockets.values()].includes(true)) return;
    this.#unseen = { sinceMs: this.#options.clock(), reason };
    this.#note({ event: 'disconnected', reason });
  }

  #frame(data: Uint8Array): void {
    this.#frames++;
    const response = readClientResponse(data);
    if (response === 'other') return;
    const length = response === undefined ? 0 : this.#readQuestion(response);
    if (response === undefined || length <= 0) {
      this.#next.counts.malformed++;
      return;
    }
    this.#next.counts.answers++;
    const nowMs = this.#options.clock();
    const qtype = readU16(response, skipName(response, HEADER_LENGTH, response.length));
    const records = this.#policy.judgeQuestion(this.#qname, length, qtype, nowMs);
    if (records === undefined && !this.#leads(response, length, qtype, nowMs)) return;
    // Without the final dot, as in other records.
    const name = formatName(this.#qname.subarray(0, length)).slice(0, length > 1 ? -1 : undefined);
    const { verdict, text } = this.#judge(response, name, formatType(qtype), records);
    if (verdict === 'passed') this.#next.counts.refused++;
    else if (verdict === 'failed') this.#next.counts.failed++;
    else this.#leak(name, text, nowMs);
  }

  /** True when an answer to a name that is free leads to one, or to an address, that is not; as Cordon collects where it leads. */
  #leads(response: Uint8Array, length: number, qtype: number, nowMs: number): boolean {
    const [reader, targets] = [this.#reader, this.#targets];
    const start = skipName(response, HEADER_LENGTH, response.length) + 4;
    targets.begin(response, response.length, this.#qname.subarray(0, length));
    written.begin(response.length);
    reader.reset(response, response.length, start);
    // Of more than is worth reading, what was read until then is judged, as an answer of any length may come.
    while (reader.next() && reader.section !== SECTION.ADDITIONAL && written.take(reader))
      targets.add(reader);
    targets.finish();
    if (targets.namesEnd === 0 && targets.addressesEnd === 0) return false;
    return this.#policy.judgeTargets(this.#qname, length, qtype, targets, nowMs);
  }

  /** Length of the folded QNAME, which is in `#qname` then; 0 or less for what is no response to a question. */
  #readQuestion(response: Uint8Array): number {
    if (response.length < HEADER_LENGTH || (messageFlags(response) & FLAG.QR) === 0) return 0;
    if (readU16(response, 4) !== 1) return 0;
    const end = skipName(response, HEADER_LENGTH, response.length);
    if (end < 0 || end + 4 > response.length) return 0;
    const length = expandName(response, HEADER_LENGTH, response.length, this.#qname, 0, HEADER_LENGTH);
    if (length > 0) foldName(this.#qname, 0, length);
    return length;
  }

  /** `records` are those of the rule for the name; undefined: the name is free, and its answer leads to what is not. */
  #judge(
    response: Uint8Array,
    name: string,
    type: string,
    records: ReturnType<PublishedPolicy['judgeQuestion']>,
  ): ReturnType<typeof judgeOutcome> {
    try {
      const reading = readReply(response, name, SERVER, 0);
      const forms =
        records === undefined || records.length === 0 ? this.#forms : [dataForm(records), ...this.#forms];
      const expected = { kind: 'refused', forms, needsEde: false, listed: undefined } as const;
      const judged = judgeOutcome({ name, type, expected }, { kind: 'answer', reading });
      return records === undefined ? { ...judged, verdict: leadsNowhere(reading, forms) } : judged;
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      return { verdict: 'failed', text: errorText(thrown) };
    }
  }

  #leak(qname: string, text: string, nowMs: number): void {
    this.#next.counts.leaked++;
    if (this.#told === undefined || nowMs - this.#told.lastMs > LEAK_TOLD_MS)
      this.#told = { firstMs: nowMs, lastMs: nowMs, count: 0, qname };
    this.#told.lastMs = nowMs;
    this.#told.count++;
    this.#told.qname = qname;
    if (this.#next.leakedMs === undefined) this.#next.leakedMs = { first: nowMs, last: nowMs };
    else this.#next.leakedMs.last = nowMs;
    const known = this.#next.names.get(qname);
    if (known !== undefined) known.count++;
    else if (this.#next.names.size < NAMES_MAX)
      this.#next.names.set(qname, { count: 1, example: text.slice(0, EXAMPLE_LENGTH_MAX) });
  }

  /** A record of what was seen since the last one. */
  #flush(): void {
    const nowMs = this.#options.clock();
    const leaked = this.#next.leakedMs;
    this.#note({
      event: 'answers',
      ...{ from: timeText(this.#next.beganMs), until: timeText(nowMs), ...this.#next.counts },
      ...(this.#isHeld ? { isHeld: true } : {}),
      ...(leaked && { leakedFrom: timeText(leaked.first), leakedUntil: timeText(leaked.last) }),
      ...(leaked && { names: [...this.#next.names].map(([qname, one]) => ({ qname, ...one })) }),
    });
    for (const sum of SUMS) this.#totals[sum] += this.#next.counts[sum];
    this.#next.counts = zero();
    this.#next.names.clear();
    this.#next.leakedMs = undefined;
    this.#isHeld = false;
    this.#next.beganMs = nowMs;
  }

  #note(record: Omit<ForeignRecord, 'time' | 'kind' | 'resolver'>): void {
    const { name, clock, note } = this.#options;
    note({ time: timeText(clock()), kind: 'foreign', resolver: name, ...record });
  }
}

const isAddress = (text: string): boolean => parseAddress(text, words);

const toAbsolute = (name: string): string => `${name.toLowerCase().replace(/\.$/, '')}.`;

const timeText = (ms: number): string => new Date(ms).toISOString();
