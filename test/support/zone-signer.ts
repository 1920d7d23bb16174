// Signed zones that are made up while they are asked for: keys, signatures, DS and DNSKEY records, and the message of them.
//
//   const signer = new ZoneSigner('p256');
//   replyMessage(query, { answer: signer.signed(zone, addressOf(name)) })
//
// No program is needed and nothing is stored, so that there may be zones without number. Real zones: signed-zone.ts. Each
// signer has a key of its own. TTLs are a minute, so that what is asked for again was learned.
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hash,
  type JsonWebKey,
  type KeyObject,
  sign,
} from 'node:crypto';
import {
  CLASS,
  countLabels,
  FLAG,
  foldedName,
  MESSAGE_LENGTH_MAX,
  MessageBuilder,
  nameFrom,
  parseRdata,
  RCODE,
  readU16,
  SECTION,
  TYPE,
  writeU16,
  writeU32,
} from '../../src/wire/dns/dns.ts';

const TTL_SEC = 60;
const DAY_SEC = 86_400;
const DIGEST_SHA256 = 2;
const KINDS = {
  p256: { algorithm: 13, curve: 'P-256', digest: 'sha256' },
  p384: { algorithm: 14, curve: 'P-384', digest: 'sha384' },
} as const;

/** Signs faster, or costs whoever verifies more. */
export type KeyKind = keyof typeof KINDS;

/** A record of an answer; its TTL is the same everywhere. */
export interface ZoneRecord {
  readonly owner: Uint8Array;
  readonly type: number;
  readonly rdata: Uint8Array;
}

/** What a question is answered with: NOERROR unless it says otherwise. */
export interface ZoneReply {
  readonly answer?: readonly ZoneRecord[];
  readonly authority?: readonly ZoneRecord[];
  readonly rcode?: number;
}

/** RFC 4034 appendix B. */
const keyTagOf = (rdata: Uint8Array): number => {
  let sum = 0;
  for (let i = 0; i < rdata.length; i += 2) sum += readU16(rdata, i);
  return (sum + (sum >>> 16)) & 0xffff;
};

/** A key of one or more zones. */
export class ZoneSigner {
  readonly #kind: KeyKind;
  readonly #privateKey: KeyObject;
  readonly #dnskey: Uint8Array;
  readonly #keyTag: number;

  constructor(kind: KeyKind, jwk?: JsonWebKey) {
    this.#kind = kind;
    const { algorithm, curve } = KINDS[kind];
    this.#privateKey =
      jwk === undefined
        ? generateKeyPairSync('ec', { namedCurve: curve }).privateKey
        : createPrivateKey({ key: jwk, format: 'jwk' });
    const { x = '', y = '' } = createPublicKey(this.#privateKey).export({ format: 'jwk' });
    const [point, other] = [Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')];
    this.#dnskey = Buffer.concat([Buffer.from([1, 1, 3, algorithm]), point, other]);
    this.#keyTag = keyTagOf(this.#dnskey);
  }

  /** The private key, for a program that is started. */
  get jwk(): JsonWebKey {
    return this.#privateKey.export({ format: 'jwk' });
  }

  /** The DNSKEY record of a zone as a line of a file of trust anchors. */
  anchor(zone: string): string {
    const key = Buffer.from(this.#dnskey).subarray(4).toString('base64');
    return `${zone}. 3600 IN DNSKEY 257 3 ${KINDS[this.#kind].algorithm} ${key}\n`;
  }

  /** The signed DNSKEY RRset of a zone. */
  keys(zone: Uint8Array): ZoneRecord[] {
    return this.signed(zone, { owner: zone, type: TYPE.DNSKEY, rdata: this.#dnskey });
  }

  /** The DS record of a zone, unsigned: its parent signs. */
  ds(zone: Uint8Array): ZoneRecord {
    const digest = Buffer.from(hash('sha256', Buffer.concat([zone, this.#dnskey]), 'hex'), 'hex');
    const fixed = new Uint8Array(4);
    writeU16(fixed, 0, this.#keyTag);
    fixed[2] = KINDS[this.#kind].algorithm;
    fixed[3] = DIGEST_SHA256;
    return { owner: zone, type: TYPE.DS, rdata: Buffer.concat([fixed, digest]) };
  }

  /** One record with its signature by a zone of this key. */
  signed(zone: Uint8Array, record: ZoneRecord): ZoneRecord[] {
    const { owner, type, rdata } = record;
    const { algorithm, digest } = KINDS[this.#kind];
    const nowSec = Math.floor(Date.now() / 1000);
    const fields = new Uint8Array(18);
    writeU16(fields, 0, type);
    fields[2] = algorithm;
    fields[3] = countLabels(owner);
    writeU32(fields, 4, TTL_SEC);
    writeU32(fields, 8, nowSec + DAY_SEC);
    writeU32(fields, 12, nowSec - DAY_SEC);
    writeU16(fields, 16, this.#keyTag);
    const fixed = new Uint8Array(10);
    writeU16(fixed, 0, type);
    writeU16(fixed, 2, CLASS.IN);
    writeU32(fixed, 4, TTL_SEC);
    writeU16(fixed, 8, rdata.length);
    const data = Buffer.concat([fields, zone, foldedName(owner), fixed, rdata]);
    const signature = sign(digest, data, { key: this.#privateKey, dsaEncoding: 'ieee-p1363' });
    return [record, { owner, type: TYPE.RRSIG, rdata: Buffer.concat([fields, zone, signature]) }];
  }

  /** Proves that there is no DS at a name of a zone: of a delegation, or of a name within the zone. */
  noDs(zone: Uint8Array, name: Uint8Array, isDelegation: boolean): ZoneReply {
    const next = below('zzz', zone);
    const types = isDelegation ? 'NS RRSIG NSEC' : 'A RRSIG NSEC';
    const soa = parseRdata(TYPE.SOA, 'ns.example. host.example. 1 2 3 4 60');
    const nsec = parseRdata(TYPE.NSEC, `${textOf(next)} ${types}`);
    return {
      authority: [
        ...this.signed(zone, { owner: zone, type: TYPE.SOA, rdata: soa }),
        ...this.signed(zone, { owner: name, type: TYPE.NSEC, rdata: nsec }),
      ],
    };
  }
}

/** A name one label below another. */
export const below = (label: string, name: Uint8Array): Uint8Array =>
  Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1'), name]);

/** The labels of a wire name, from the left. */
export const labelsOf = (name: Uint8Array): string[] => {
  const labels: string[] = [];
  for (let at = 0; (name[at] ?? 0) > 0; at += (name[at] ?? 0) + 1)
    labels.push(Buffer.from(name.subarray(at + 1, at + 1 + (name[at] ?? 0))).toString('latin1'));
  return labels;
};

const textOf = (name: Uint8Array): string => `${labelsOf(name).join('.')}.`;

/** The address record of a name. */
export const addressOf = (owner: Uint8Array): ZoneRecord => ({
  owner,
  type: TYPE.A,
  rdata: parseRdata(TYPE.A, '192.0.2.1'),
});

/** Wire name of a text. */
export const zoneName = (text: string): Uint8Array => nameFrom(`${text}.`);

/** The message with a reply to a question. */
export const replyMessage = (
  { id, name, type }: { readonly id: number; readonly name: Uint8Array; readonly type: number },
  { answer = [], authority = [], rcode = RCODE.NOERROR }: ZoneReply,
): Uint8Array => {
  const builder = new MessageBuilder(new Uint8Array(MESSAGE_LENGTH_MAX));
  builder.start(id, FLAG.QR | FLAG.RD | FLAG.RA | rcode);
  builder.question(name, type, CLASS.IN);
  for (const { owner, type: ownType, rdata } of answer)
    builder.record(SECTION.ANSWER, owner, ownType, CLASS.IN, TTL_SEC, rdata);
  for (const { owner, type: ownType, rdata } of authority)
    builder.record(SECTION.AUTHORITY, owner, ownType, CLASS.IN, TTL_SEC, rdata);
  return builder.finish();
};
