// The zone of the self-probe: answers that lead where the QNAME says, to see that such answers are refused.
//
// A resolver around the others. It answers names below probe.cordon.invalid. as an upstream would (with a TTL of a few
// seconds), without asking anybody; the answer is kept and judged like every other. Only the probe gets here: for all others
// they are names below .invalid, which do not exist (resolver/pipeline/local-names.ts). TARGET is any name of one label or more, as it
// stands in the QNAME; HEX is an address of 8 digits (IPv4) or 32 (IPv6).
//
//   cname.TARGET         CNAME to TARGET                        https-alias.TARGET   HTTPS, SVCB: AliasMode to TARGET
//   cname2.TARGET        CNAME to cname.TARGET, and from there  https-target.TARGET  HTTPS, SVCB: ServiceMode at TARGET
//   dname.TARGET         DNAME of all names of TARGET here to   address-HEX          A or AAAA with the address
//                        TARGET, so that dname. is below it     hint-HEX             HTTPS, SVCB with the address as hint
//   plain                A 192.0.2.1, AAAA 2001:db8::1: nothing that anybody lists
//
// Where an alias leads has the addresses of `plain`, so that an answer that is not refused is whole. A type that a
// name does not have is NODATA; every other name NXDOMAIN. RFCs 1035, 2308, 5737, 3849, 6672, 9460.

import { PROBE_ZONE_TEXT } from '../../base/words/words.ts';
import {
  CLASS,
  FLAG,
  foldName,
  isInZone,
  MessageBuilder,
  nameFrom,
  RCODE,
  SECTION,
  SVC_PARAM,
  TYPE,
  writeU16,
  writeU32,
} from '../../wire/dns/dns.ts';
import type { Question, Resolution, Resolver } from '../pipeline/pipeline.ts';

/** The folded wire name of the zone. */
export const PROBE_ZONE = nameFrom(`${PROBE_ZONE_TEXT}.`);

/** Seconds that an answer lives: a probe sees what is in force now, and a flood of one question costs little. */
const TTL_SEC = 5;
/** Room for every answer: at most five records, each with two names and some numbers. */
const MESSAGE_BYTES = 4096;

const PLAIN_IPV4 = Uint8Array.of(192, 0, 2, 1);
const PLAIN_IPV6 = Uint8Array.from(
  { length: 16 },
  (_, index) => [0x20, 0x01, 0x0d, 0xb8][index] ?? (index === 15 ? 1 : 0),
);
/** MNAME and RNAME are the zone, then serial, refresh, retry, expire, MINIMUM. */
const SOA_RDATA = (() => {
  const rdata = new Uint8Array(2 * PROBE_ZONE.length + 20);
  rdata.set(PROBE_ZONE);
  rdata.set(PROBE_ZONE, PROBE_ZONE.length);
  for (const [index, value] of [1, 3600, 1200, 604_800, TTL_SEC].entries()) {
    writeU32(rdata, 2 * PROBE_ZONE.length + 4 * index, value);
  }
  return rdata;
})();

const SERVICE_TYPES: readonly number[] = [TYPE.HTTPS, TYPE.SVCB];

/** Resolves as another resolver does, but names of the zone of the probe by itself. */
export class ProbeZone implements Resolver {
  readonly #resolver: Resolver;

  constructor(resolver: Resolver) {
    this.#resolver = resolver;
  }

  joinsVariants(type: number): boolean {
    return this.#resolver.joinsVariants?.(type) === true;
  }

  /** Calls `done` once, for names of the zone before it returns. */
  resolve(question: Question, done: (resolution: Resolution) => void): void {
    if (!isInZone(question.name, PROBE_ZONE)) {
      this.#resolver.resolve(question, done);
      return;
    }
    question.trace?.step('probe-zone', 'made here: a name of the self-probe');
    done({ kind: 'answer', message: answerTo(question) });
  }
}

const answerTo = (question: Question): Uint8Array => {
  const name = Uint8Array.from(question.name);
  foldName(name, 0, name.length);
  const first = 1 + (name[0] ?? 0);
  const word = Buffer.from(name.subarray(1, first)).toString('latin1');
  const end = name.length - PROBE_ZONE.length;
  const answer = new ProbeAnswer(question);
  if (end === 0) answer.has = true;
  else if (first < end) answer.addLead(word, withRoot(name.subarray(first, end)), name);
  else answer.addPlace(word);
  return answer.finish();
};

/** One answer in the making. */
class ProbeAnswer {
  readonly #question: Question;
  readonly #builder = new MessageBuilder(new Uint8Array(MESSAGE_BYTES));
  /** True when the name exists. */
  has = false;
  #isPositive = false;

  constructor(question: Question) {
    this.#question = question;
    this.#builder.start(0, FLAG.QR | FLAG.RA).question(question.name, question.type, question.class);
  }

  /** What a word says of where an answer leads; `name` is the folded QNAME. */
  addLead(word: string, target: Uint8Array, name: Uint8Array): void {
    switch (word) {
      case 'cname':
        this.#addAlias(name, target);
        this.#addPlain(target);
        return;
      case 'cname2': {
        const between = joined('cname', name.subarray(1 + word.length));
        this.#addAlias(name, between);
        if (this.#question.type !== TYPE.CNAME) this.#addAlias(between, target);
        this.#addPlain(target);
        return;
      }
      case 'dname': {
        const derived = joined(word, target);
        const owner = name.subarray(1 + word.length);
        this.#add(owner, TYPE.DNAME, target);
        this.#addAlias(name, derived);
        this.#addPlain(derived);
        return;
      }
      case 'https-alias':
        this.#addService(name, 0, target, []);
        return;
      case 'https-target':
        this.#addService(name, 1, target, []);
        return;
      default:
    }
  }

  /** What a word without a target says. */
  addPlace(word: string): void {
    const { name, type } = this.#question;
    if (word === 'plain') {
      this.has = true;
      this.#addPlain(name);
      return;
    }
    const [kind, hex = '', ...rest] = word.split('-');
    if (rest.length > 0 || !/^(?:[0-9a-f]{8}|[0-9a-f]{32})$/.test(hex)) return;
    const address = Buffer.from(hex, 'hex');
    const isIpv4 = address.length === PLAIN_IPV4.length;
    if (kind === 'address') {
      this.has = true;
      if (type === (isIpv4 ? TYPE.A : TYPE.AAAA)) this.#add(name, type, address);
    } else if (kind === 'hint') {
      const param = new Uint8Array(4 + address.length);
      writeU16(param, 0, isIpv4 ? SVC_PARAM.IPV4HINT : SVC_PARAM.IPV6HINT);
      writeU16(param, 2, address.length);
      param.set(address, 4);
      this.#addService(name, 1, ROOT, [param]);
    }
  }

  /** The finished message. */
  finish(): Uint8Array {
    const builder = this.#builder;
    if (!this.#isPositive)
      builder.record(SECTION.AUTHORITY, PROBE_ZONE, TYPE.SOA, CLASS.IN, TTL_SEC, SOA_RDATA);
    const message = builder.finish().slice();
    if (!this.has) writeU16(message, 2, FLAG.QR | FLAG.RA | RCODE.NXDOMAIN);
    return message;
  }

  #addAlias(owner: Uint8Array, target: Uint8Array): void {
    this.has = true;
    this.#add(owner, TYPE.CNAME, target);
  }

  #addService(owner: Uint8Array, priority: number, target: Uint8Array, params: readonly Uint8Array[]): void {
    this.has = true;
    const { type } = this.#question;
    if (!SERVICE_TYPES.includes(type)) return;
    const start = new Uint8Array(2);
    writeU16(start, 0, priority);
    this.#add(owner, type, Buffer.concat([start, target, ...params]));
  }

  #addPlain(owner: Uint8Array): void {
    const { type } = this.#question;
    if (type === TYPE.A) this.#add(owner, type, PLAIN_IPV4);
    else if (type === TYPE.AAAA) this.#add(owner, type, PLAIN_IPV6);
  }

  #add(owner: Uint8Array, type: number, rdata: Uint8Array): void {
    this.#isPositive = true;
    this.#builder.record(SECTION.ANSWER, owner, type, CLASS.IN, TTL_SEC, rdata);
  }
}

const ROOT = Uint8Array.of(0);

const withRoot = (labels: Uint8Array): Uint8Array => Buffer.concat([labels, ROOT]);

/** A name with one more label before it, which takes the place of the longer part of a QNAME. */
const joined = (label: string, name: Uint8Array): Uint8Array =>
  Buffer.concat([Uint8Array.of(label.length), Buffer.from(label), name]);
