// Answers out of zones in memory, as a resolver that asks their servers would give them, for those who validate.
//
//   const lookup = new ZoneLookup([root, signZone({ apex: 'test.', … }), plainZone('plain.test.', […])]);
//   lookup.tamper = (question, reply) => ({ ...reply, authority: [] });
//
// Proofs are chosen here from RFC 4035 section 3.1.3 and RFC 5155 section 7.2, without the code under test. Aliases
// are followed through all zones. The hook sees every reply before it is a message, and may change it.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { Lookup, LookupOutcome } from '../../src/resolver/dnssec/dnssec.ts';
import {
  CLASS,
  countLabels,
  FLAG,
  formatName,
  formatType,
  isInZone,
  MESSAGE_LENGTH_MAX,
  MessageBuilder,
  nameFrom,
  parseRecord,
  type Question,
  RCODE,
  type ResourceRecord,
  readU16,
  SECTION,
  skipLabels,
  TYPE,
} from '../../src/wire/dns/dns.ts';

/** Aliases that a resolver follows before it gives up: more than a validator may. */
const ALIASES_MAX = 20;
const TTL_SEC = 3600;

/** What is served: a SignedZone, or a zone without signatures. */
export interface ServedZone {
  readonly apex: string;
  readonly records: readonly ResourceRecord[];
}

/** A reply before it is a message. */
export interface ZoneReply {
  readonly rcode: number;
  readonly answer: readonly ResourceRecord[];
  readonly authority: readonly ResourceRecord[];
}

/** Changes the reply to `NAME TYPE`, which was asked `times` times before. */
export type Tamper = (question: string, reply: ZoneReply, times: number) => ZoneReply | LookupOutcome;

/** A zone that nobody signed; SOA and NS are added. */
export const plainZone = (apex: string, texts: readonly string[]): ServedZone => ({
  apex,
  records: [
    `${apex} ${TTL_SEC} IN SOA ns.${apex} hostmaster.${apex} 1 7200 3600 1209600 300`,
    `${apex} ${TTL_SEC} IN NS ns.${apex}`,
    ...texts,
  ].map((text) => parseRecord(text, TTL_SEC)),
});

/** Serves zones; the deepest one that holds a name answers for it. */
export class ZoneLookup implements Lookup {
  /** Every question so far, as `NAME TYPE`. */
  readonly asked: string[] = [];
  /** The questions themselves. */
  readonly questions: Question[] = [];
  tamper: Tamper | undefined;
  readonly #zones: Zone[];

  constructor(zones: readonly ServedZone[]) {
    this.#zones = zones.map((zone) => new Zone(zone));
  }

  resolve(question: Question, done: (outcome: LookupOutcome) => void): void {
    const text = `${formatName(question.name).toLowerCase()} ${formatType(question.type)}`;
    const times = this.asked.filter((asked) => asked === text).length;
    this.asked.push(text);
    this.questions.push(question);
    const reply = this.#reply(question);
    const changed = this.tamper?.(text, reply, times) ?? reply;
    const outcome: LookupOutcome =
      'kind' in changed
        ? changed
        : { kind: 'answer', message: toResponse(question, changed), endpoint: `server-${times}` };
    // Later, as from a network.
    setImmediate(done, outcome);
  }

  /** Serves another version of a zone. */
  replace(zone: ServedZone): void {
    const index = this.#zones.findIndex(({ apex }) => Buffer.compare(apex, lower(nameFrom(zone.apex))) === 0);
    assert.ok(index >= 0, `the zone ${zone.apex} is not served`);
    this.#zones[index] = new Zone(zone);
  }

  /** Forgets what was asked and leaves replies as they are. */
  reset(): void {
    this.asked.length = 0;
    this.questions.length = 0;
    this.tamper = undefined;
  }

  #reply(question: Question): ZoneReply {
    const draft: Draft = { rcode: RCODE.NOERROR, answer: [], authority: [] };
    let name: Uint8Array | undefined = lower(question.name);
    for (let aliases = 0; name !== undefined && aliases < ALIASES_MAX; aliases++) {
      const zone = this.#findZone(name, question.type);
      name = zone?.answer(name, question.type, draft);
    }
    return draft;
  }

  #findZone(name: Uint8Array, type: number): Zone | undefined {
    const holder = type === TYPE.DS && name.length > 1 ? skipLabels(name, 1) : name;
    const holding = this.#zones.filter(({ apex }) => isInZone(holder, apex));
    return holding.sort((a, b) => b.apex.length - a.apex.length)[0];
  }
}

interface Draft {
  rcode: number;
  readonly answer: ResourceRecord[];
  readonly authority: ResourceRecord[];
}

/** One zone, by name and type. */
class Zone {
  readonly apex: Uint8Array;
  readonly #nodes = new Map<string, ResourceRecord[]>();
  readonly #nsec3: ResourceRecord | undefined;

  constructor({ apex, records }: ServedZone) {
    this.apex = lower(nameFrom(apex));
    for (const record of records) {
      const key = keyOf(record.owner);
      this.#nodes.set(key, [...(this.#nodes.get(key) ?? []), record]);
    }
    this.#nsec3 = records.find(({ type }) => type === TYPE.NSEC3);
  }

  /** Adds what the zone says about a name; returns where an alias leads. */
  answer(name: Uint8Array, type: number, draft: Draft): Uint8Array | undefined {
    for (let above = skipLabels(name, 1); isInZone(above, this.apex); above = skipLabels(above, 1)) {
      const [dname] = this.#find(above, TYPE.DNAME);
      if (dname !== undefined) {
        draft.answer.push(...this.#find(above, TYPE.DNAME));
        const prefix = name.subarray(0, name.length - above.length);
        const target = Buffer.concat([prefix, dname.rdata]);
        draft.answer.push({ ...dname, owner: name, type: TYPE.CNAME, rdata: target });
        return target;
      }
      if (above.length === 1) break;
    }
    if (this.#exists(name)) return this.#answerNode(name, name, type, draft);
    if (this.#hasBelow(name)) {
      this.#deny(draft, [name], []);
      return undefined;
    }
    const encloser = this.#closestEncloser(name);
    const wildcard = Buffer.concat([Uint8Array.of(1, 0x2a), encloser]);
    const next = skipLabels(name, countLabels(name) - countLabels(encloser) - 1);
    if (this.#exists(wildcard)) {
      if (this.#nsec3 === undefined) this.#prove(draft, [], [name]);
      else this.#prove(draft, [], [next]);
      const before = draft.answer.length;
      const target = this.#answerNode(wildcard, name, type, draft);
      if (draft.answer.length === before && this.#nsec3 !== undefined) this.#prove(draft, [encloser], []);
      return target;
    }
    draft.rcode = RCODE.NXDOMAIN;
    if (this.#nsec3 === undefined) this.#deny(draft, [], [name, wildcard]);
    else this.#deny(draft, [encloser], [next, wildcard]);
    return undefined;
  }

  /** Adds the records of a node under the name that was asked for. */
  #answerNode(node: Uint8Array, name: Uint8Array, type: number, draft: Draft): Uint8Array | undefined {
    const own = (this.#nodes.get(keyOf(node)) ?? []).filter(({ type: other }) => other !== TYPE.NSEC3);
    const found = type === TYPE.ANY ? own : this.#find(node, type);
    const records = found.length > 0 ? found : this.#find(node, TYPE.CNAME);
    draft.answer.push(...records.map((record) => ({ ...record, owner: name })));
    if (records.length === 0) this.#deny(draft, [node], []);
    return found.length > 0 ? undefined : records[0] && lower(records[0].rdata);
  }

  /** The records of a type with their signatures. */
  #find(name: Uint8Array, type: number): ResourceRecord[] {
    const records = (this.#nodes.get(keyOf(name)) ?? []).filter(
      (record) => record.type === type || coveredBy(record) === type,
    );
    return records.some((record) => record.type === type) ? records : [];
  }

  #exists(name: Uint8Array): boolean {
    return this.#nodes.get(keyOf(name))?.some((record) => !isNsec3(record)) === true;
  }

  #hasBelow(name: Uint8Array): boolean {
    return [...this.#nodes.values()].some(([record]) =>
      record === undefined || isNsec3(record) ? false : isInZone(lower(record.owner), name),
    );
  }

  #closestEncloser(name: Uint8Array): Uint8Array {
    let encloser = skipLabels(name, 1);
    while (!this.#exists(encloser) && !this.#hasBelow(encloser)) encloser = skipLabels(encloser, 1);
    return encloser;
  }

  #deny(draft: Draft, matched: readonly Uint8Array[], covered: readonly Uint8Array[]): void {
    draft.authority.push(...this.#find(this.apex, TYPE.SOA));
    this.#prove(draft, matched, covered);
  }

  /** Adds the records of denial that match names and those that cover others, each once. */
  #prove(draft: Draft, matched: readonly Uint8Array[], covered: readonly Uint8Array[]): void {
    const owners = [...matched, ...covered].flatMap((name) => this.#spanOf(name));
    const type = this.#nsec3 === undefined ? TYPE.NSEC : TYPE.NSEC3;
    for (const record of owners.flatMap((owner) => this.#find(owner, type)))
      if (!draft.authority.includes(record)) draft.authority.push(record);
  }

  /** Owners of the records that match or cover a name; for one that opt-out leaves out, its closest encloser too. */
  #spanOf(name: Uint8Array): Uint8Array[] {
    if (this.#nsec3 === undefined) return [this.#spanFrom(orderOf(name), TYPE.NSEC, orderOf)].flatMap(orNone);
    const hashed = hashName(name, this.#nsec3);
    const owner = this.#spanFrom(hashed, TYPE.NSEC3, hashLabel);
    if (owner === undefined || hashLabel(owner) === hashed || !this.#exists(name))
      return [owner].flatMap(orNone);
    return [owner, this.#spanFrom(hashName(skipLabels(name, 1), this.#nsec3), TYPE.NSEC3, hashLabel)].flatMap(
      orNone,
    );
  }

  #spanFrom(wanted: string, type: number, order: (owner: Uint8Array) => string): Uint8Array | undefined {
    const owners = [...this.#nodes.values()]
      .flatMap((records) => records.filter((record) => record.type === type))
      .map(({ owner }) => owner)
      .sort((a, b) => (order(a) < order(b) ? -1 : 1));
    return owners.findLast((owner) => order(owner) <= wanted) ?? owners.at(-1);
  }
}

const orNone = (owner: Uint8Array | undefined): Uint8Array[] => (owner === undefined ? [] : [owner]);

const lower = (name: Uint8Array): Uint8Array =>
  Uint8Array.from(Buffer.from(Buffer.from(name).toString('latin1').toLowerCase(), 'latin1'));

const keyOf = (name: Uint8Array): string => Buffer.from(name).toString('latin1').toLowerCase();

/** The type that an RRSIG covers; 0 for other records. */
const coveredBy = ({ type, rdata }: ResourceRecord): number => (type === TYPE.RRSIG ? readU16(rdata, 0) : 0);

const isNsec3 = (record: ResourceRecord): boolean =>
  record.type === TYPE.NSEC3 || coveredBy(record) === TYPE.NSEC3;

/** A text whose order is the canonical order of names without odd bytes: labels from the root down. */
const orderOf = (name: Uint8Array): string =>
  formatName(lower(name)).split('.').filter(Boolean).reverse().join('\u0000');

/** The hash that the owner of an NSEC3 record begins with. */
const hashLabel = (owner: Uint8Array): string => formatName(lower(owner)).split('.')[0] ?? '';

const BASE32HEX = '0123456789abcdefghijklmnopqrstuv';

const hashName = (name: Uint8Array, { rdata }: ResourceRecord): string => {
  const iterations = readU16(rdata, 2);
  const salt = rdata.subarray(5, 5 + (rdata[4] ?? 0));
  let hash: Uint8Array = lower(name);
  for (let i = 0; i <= iterations; i++) hash = createHash('sha1').update(hash).update(salt).digest();
  let bits = '';
  for (const byte of hash) bits += byte.toString(2).padStart(8, '0');
  return (bits.match(/.{5}/g) ?? []).map((group) => BASE32HEX[Number.parseInt(group, 2)]).join('');
};

const toResponse = (question: Question, reply: ZoneReply): Uint8Array => {
  const builder = new MessageBuilder(new Uint8Array(MESSAGE_LENGTH_MAX));
  builder.start(1, FLAG.QR | FLAG.RD | FLAG.RA | reply.rcode);
  builder.question(question.name, question.type, question.class);
  for (const [section, records] of [
    [SECTION.ANSWER, reply.answer],
    [SECTION.AUTHORITY, reply.authority],
  ] as const)
    for (const { owner, type, ttl, rdata } of records)
      if (question.dnssecOk || !isSignature(type)) builder.record(section, owner, type, CLASS.IN, ttl, rdata);
  assert.ok(!builder.overflow, 'the reply of a test is over 65535 bytes');
  return builder.finish().slice();
};

const isSignature = (type: number): boolean =>
  type === TYPE.RRSIG || type === TYPE.NSEC || type === TYPE.NSEC3;
