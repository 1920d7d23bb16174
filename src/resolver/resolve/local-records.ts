// Names that the configuration answers (`local`): a resolver around others, below cache and policy.
//
// Below policy, so that no record here brings a listed name back, nor leads to one; whatever is made here is judged as if an
// upstream had sent it. Above the upstreams and validation, so that a name of the configuration is known by nobody else
// and needs no network. An alias that leads out of the records is resolved by the others. Nothing here is authoritative
// (AA): a resolver with some records of a name is no name server of its zone (RFC 1034 section 4.2.1, ADR 0055).
// RFCs 1034, 1035, 2308.
import {
  CLASS,
  copyName,
  expandRdata,
  FLAG,
  foldedName,
  formatName,
  MESSAGE_LENGTH_MAX,
  MessageBuilder,
  messageRcode,
  questionEnd,
  RCODE,
  RecordReader,
  SECTION,
  TYPE,
  writeU32,
} from '../../wire/dns/dns.ts';
import type { LocalName, LocalRecord, LocalRecords } from '../local/local.ts';
import type { Question, Resolution, Resolver } from '../pipeline/pipeline.ts';

/** Aliases of the configuration that follow on each other: as many as upstreams are asked for. */
const ALIASES_MAX = 8;
/** Seconds that what does not exist is remembered: an operator who adds a record reloads, which forgets it. */
const NEGATIVE_TTL_SEC = 60;
/** RNAME `hostmaster.invalid.`: nobody reads mail about it. */
const RNAME = Uint8Array.from([10, ...Buffer.from('hostmaster'), 7, ...Buffer.from('invalid'), 0]);
/** Serial, refresh, retry, expire, MINIMUM. */
const SOA_NUMBERS = [1, 3600, 1200, 604_800, NEGATIVE_TTL_SEC] as const;

type Answered = Extract<Resolution, { kind: 'answer' }>;

/** What the resolver works with. */
export interface LocalResolverOptions {
  readonly records: LocalRecords;
  /** Asked for all other names. */
  readonly resolver: Resolver;
  /** True for a name that no upstream may see: an alias ends there. */
  readonly isKeptHere: (name: Uint8Array, question: Question) => boolean;
}

/** Resolves names of the configuration by itself, and others as another resolver does. */
export class LocalResolver implements Resolver {
  readonly #options: LocalResolverOptions;

  constructor(options: LocalResolverOptions) {
    this.#options = options;
  }

  joinsVariants(type: number): boolean {
    return this.#options.resolver.joinsVariants?.(type) === true;
  }

  /** Calls `done` once, before it returns unless an alias leads elsewhere. */
  resolve(question: Question, done: (resolution: Resolution) => void): void {
    const { records, resolver } = this.#options;
    const found = question.class === CLASS.IN ? records.find(foldedName(question.name)) : undefined;
    if (found === undefined) {
      resolver.resolve(question, done);
      return;
    }
    question.trace?.step('local', `of the configuration: ${wordsOf(found, question.type)}`);
    this.#answer(question, found, done);
  }

  #answer(question: Question, first: LocalName, done: (resolution: Resolution) => void): void {
    const { records, resolver, isKeptHere } = this.#options;
    const aliases: Alias[] = [];
    let owner = question.name;
    let found: LocalName | undefined = first;
    while (found !== undefined) {
      const alias = found.records.find(({ type }) => type === TYPE.CNAME);
      if (alias === undefined || question.type === TYPE.CNAME) {
        done(answerOf(question, aliases, owner, found));
        return;
      }
      if (aliases.length === ALIASES_MAX) {
        done({ kind: 'failure', reason: 'servfail' });
        return;
      }
      aliases.push({ owner, alias });
      owner = alias.rdata;
      found = records.find(foldedName(owner));
    }
    const further = { ...question, name: owner };
    if (isKeptHere(foldedName(owner), further)) {
      done(answerOf(question, aliases, owner, undefined));
      return;
    }
    question.trace?.step('local', `an alias to ${formatName(owner)}, which others are asked for`);
    resolver.resolve(further, (resolution) => {
      done(resolution.kind === 'answer' ? joined(question, aliases, resolution) : resolution);
    });
  }
}

interface Alias {
  readonly owner: Uint8Array;
  readonly alias: LocalRecord;
}

const wordsOf = (found: LocalName, asked: number): string => {
  if (found.records.some(({ type }) => type === asked || type === TYPE.CNAME)) return 'a record';
  return found.exists ? 'no record of this type' : 'a zone without this name';
};

/** Messages are put together here, one after the other, and copied. */
const scratch = new Uint8Array(MESSAGE_LENGTH_MAX);

const begin = (question: Question, rcode: number, aliases: readonly Alias[]): MessageBuilder => {
  const builder = new MessageBuilder(scratch)
    .start(0, FLAG.QR | FLAG.RD | FLAG.RA | rcode)
    .question(question.name, question.type, question.class);
  for (const { owner, alias } of aliases) add(builder, owner, alias);
  return builder;
};

const add = (builder: MessageBuilder, owner: Uint8Array, { type, ttlSec, rdata }: LocalRecord): void => {
  builder.record(SECTION.ANSWER, owner, type, CLASS.IN, ttlSec, rdata);
};

/** The answer with the aliases and what is known of the name where they end; nothing is when it is undefined. */
const answerOf = (
  question: Question,
  aliases: readonly Alias[],
  owner: Uint8Array,
  found: LocalName | undefined,
): Resolution => {
  const rcode = found?.exists === true ? RCODE.NOERROR : RCODE.NXDOMAIN;
  const builder = begin(question, rcode, aliases);
  const answers = found?.records.filter(({ type }) => type === question.type) ?? [];
  for (const record of answers) add(builder, owner, record);
  if (answers.length === 0) {
    const apex = found?.apex ?? foldedName(owner);
    builder.record(SECTION.AUTHORITY, apex, TYPE.SOA, CLASS.IN, NEGATIVE_TTL_SEC, soaOf(apex));
  }
  return builder.overflow ? UNUSABLE : { kind: 'answer', message: builder.finish().slice(), isOwn: true };
};

/** The answer of others behind aliases of the configuration: what these say is not signed. */
const joined = (question: Question, aliases: readonly Alias[], resolution: Answered): Resolution => {
  const { message } = resolution;
  const builder = begin(question, messageRcode(message), aliases);
  const reader = new RecordReader();
  const start = questionEnd(message, message.length);
  if (start < 0) return UNUSABLE;
  reader.reset(message, message.length, start);
  while (reader.next() && reader.section !== SECTION.ADDITIONAL) {
    const owner = copyName(message, reader.ownerOffset, message.length);
    const rdata = expandRdata(message, reader.rdataOffset, reader.rdataLength, reader.type, message.length);
    if (owner === undefined || rdata === undefined) return UNUSABLE;
    builder.record(reader.section, owner, reader.type, reader.class, reader.ttl, rdata);
  }
  if (reader.fault || builder.overflow) return UNUSABLE;
  return { ...resolution, message: builder.finish().slice(), security: 'insecure' };
};

/** For answers that cannot be read, or that are too long. */
const UNUSABLE: Resolution = { kind: 'failure', reason: 'servfail' };

const soaOf = (apex: Uint8Array): Uint8Array => {
  const rdata = new Uint8Array(apex.length + RNAME.length + 20);
  rdata.set(apex);
  rdata.set(RNAME, apex.length);
  for (const [index, value] of SOA_NUMBERS.entries())
    writeU32(rdata, apex.length + RNAME.length + 4 * index, value);
  return rdata;
};
