// One upstream with a signed root, `example.`, and a zone for each case, so that nothing that is kept of one case serves
// another. What a case does not say of its zone is what an honest server would say.
import assert from 'node:assert/strict';
import {
  CLASS,
  FLAG,
  HEADER_LENGTH,
  MESSAGE_LENGTH_MAX,
  MessageBuilder,
  nameFrom,
  parseType,
  RCODE,
  type ResourceRecord,
  readU16,
  SECTION,
  TYPE,
} from '../../../src/wire/dns/dns.ts';
import { type ScriptedQuery, ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { digestOf, keyOf, type MatrixKey } from './keys.ts';
import { rawRecord, recordsOf, type Signing, signed } from './zone.ts';

/** What fits into a datagram of everybody. */
const DATAGRAM_BYTES_MAX = 1200;
/** Far more than those of the cases under way. */
const REPLIES_MAX = 1000;
const SHA256 = 2;

/** An answer before it is a message. */
export interface MatrixReply {
  readonly rcode?: number;
  readonly answer?: readonly ResourceRecord[];
  readonly authority?: readonly ResourceRecord[];
}

/** One case: a zone and a question. */
export interface MatrixCase {
  /** What it is, by which differences are explained: `word word: word …`. */
  readonly title: string;
  /** `LABELS TYPE`; the apex of the zone is put behind the labels. */
  readonly question: string;
  /** Questions of the same form that are asked before it. */
  readonly before?: readonly string[];
  /** RDATA of the DS records that the parent signs; the zone's own key by default. */
  readonly ds?: (apex: string) => readonly Uint8Array[];
  /** The answer to `LABELS TYPE` (the apex is `@`); undefined for what an honest server says. */
  readonly reply: (apex: string, question: string) => MatrixReply | undefined;
  /** What it must be by the RFCs, whoever says otherwise; a text that readVerdict() begins with. */
  readonly right?: 'secure' | 'insecure' | 'bogus' | 'not secure';
}

/** The key that honest zones sign with. */
export const honest = (): MatrixKey => keyOf('p256');

/** RDATA of a DS. */
export const dsOf = (apex: string, key: MatrixKey, digestType = SHA256, digest?: Uint8Array): Uint8Array =>
  Buffer.concat([
    Buffer.of(key.tag >> 8, key.tag & 0xff, key.algorithm, digestType),
    digest ?? digestOf(nameFrom(apex), key, digestType),
  ]);

/** How an honest zone signs. */
export const by = (signer: string, key = honest()): Signing => ({ signer, key });

const keysOf = (apex: string): MatrixReply => ({
  answer: signed([rawRecord(apex, TYPE.DNSKEY, honest().rdata)], by(apex)),
});

const soaOf = (apex: string): ResourceRecord[] =>
  signed(
    recordsOf(`${apex} 300 IN SOA ns.${dotted(apex)} hostmaster.${dotted(apex)} 1 7200 3600 1209600 300`),
    by(apex),
  );

const dotted = (apex: string): string => (apex === '.' ? 'invalid.' : apex);

/** A denial by NSEC at the name itself, which has these types. */
export const noData = (apex: string, owner: string, types: string): MatrixReply => ({
  authority: [
    ...soaOf(apex),
    ...signed(
      recordsOf(`${owner} 300 IN NSEC \\000.${owner === '.' ? '' : owner} ${types} RRSIG NSEC`),
      by(apex),
    ),
  ],
});

export { soaOf };

/** Serves cases. */
export class Stage {
  readonly upstream: ScriptedUpstream;
  readonly anchors: string;
  readonly #cases: readonly MatrixCase[];
  /** Replies of the cases under way: a bogus one is asked for again and again. */
  readonly #replies = new Map<string, MatrixReply>();

  private constructor(upstream: ScriptedUpstream, cases: readonly MatrixCase[]) {
    this.upstream = upstream;
    this.#cases = cases;
    const digest = Buffer.from(digestOf(nameFrom('.'), honest(), SHA256)).toString('hex');
    this.anchors = `. IN DS ${honest().tag} ${honest().algorithm} ${SHA256} ${digest}\n`;
    upstream.onQuery((query) => this.#answer(query));
  }

  static async open(cases: readonly MatrixCase[]): Promise<Stage> {
    return new Stage(await ScriptedUpstream.open(), cases);
  }

  /** The zone of a case. */
  apexOf(index: number): string {
    return `case${index}.example.`;
  }

  /** A question of a case in full. */
  inFull(index: number, question: string): string {
    const [labels = '', type = ''] = question.split(' ');
    return `${labels === '@' ? '' : `${labels}.`}${this.apexOf(index)} ${type}`;
  }

  #answer(query: ScriptedQuery): Uint8Array {
    const name = query.name.toLowerCase();
    const reply = this.#remember(name, typeText(query.type));
    const message = encode(query, reply);
    if (query.transport === 'tcp' || message.length <= DATAGRAM_BYTES_MAX) return message;
    return encode(query, {}, FLAG.TC);
  }

  #remember(name: string, type: string): MatrixReply {
    const key = `${name} ${type}`;
    const known = this.#replies.get(key);
    if (known !== undefined) return known;
    const reply = this.#replyTo(name, type);
    if (this.#replies.size >= REPLIES_MAX) this.#replies.clear();
    this.#replies.set(key, reply);
    return reply;
  }

  #replyTo(name: string, type: string): MatrixReply {
    const found = /^(?:(.*)\.)?(case(\d+)\.example\.)$/.exec(name);
    const [, labels = '@', apex = '', number = ''] = found ?? [];
    const item = this.#cases[Number(number)];
    if (found === null || item === undefined) return replyAbove(name, type);
    if (labels === '@' && type === 'DS') {
      const rdatas = item.ds?.(apex) ?? [dsOf(apex, honest())];
      if (rdatas.length === 0) return noData('example.', apex, 'NS');
      return {
        answer: signed(
          rdatas.map((rdata) => rawRecord(apex, TYPE.DS, rdata)),
          by('example.'),
        ),
      };
    }
    const own = item.reply(apex, `${labels} ${type}`);
    if (own !== undefined) return own;
    if (labels !== '@') return noData(apex, name, 'A');
    if (type === 'DNSKEY') return keysOf(apex);
    return type === 'SOA' ? { answer: soaOf(apex) } : noData(apex, apex, 'NS SOA DNSKEY');
  }
}

const replyAbove = (name: string, type: string): MatrixReply => {
  if (name !== '.' && name !== 'example.')
    return { ...noData('.', '.', 'NS SOA DNSKEY'), rcode: RCODE.SERVFAIL };
  if (type === 'DNSKEY') return keysOf(name);
  if (type === 'DS' && name === 'example.')
    return { answer: signed([rawRecord(name, TYPE.DS, dsOf(name, honest()))], by('.')) };
  return type === 'SOA' ? { answer: soaOf(name) } : noData(name, name, 'NS SOA DNSKEY');
};

const TYPE_TEXTS = new Map<number, string>(Object.entries(TYPE).map(([text, type]) => [type, text]));
const typeText = (type: number): string => TYPE_TEXTS.get(type) ?? `TYPE${type}`;
assert.equal(parseType('A'), TYPE.A);

const encode = (query: ScriptedQuery, reply: MatrixReply, flags = 0): Uint8Array => {
  const builder = new MessageBuilder(new Uint8Array(MESSAGE_LENGTH_MAX));
  builder.start(query.id, FLAG.QR | FLAG.RD | FLAG.RA | flags | (reply.rcode ?? RCODE.NOERROR));
  const end = HEADER_LENGTH + nameFrom(query.name).length;
  builder.question(query.bytes.subarray(HEADER_LENGTH, end), readU16(query.bytes, end), CLASS.IN);
  for (const [section, records] of [
    [SECTION.ANSWER, reply.answer ?? []],
    [SECTION.AUTHORITY, reply.authority ?? []],
  ] as const)
    for (const { owner, type, ttl, rdata } of records)
      builder.record(section, owner, type, CLASS.IN, ttl, rdata);
  assert.ok(!builder.overflow, 'the reply of a case is over 65535 bytes');
  return builder.finish().slice();
};
