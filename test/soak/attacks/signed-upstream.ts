// An upstream whose signed zones cost a validator as much as their owner can think of, over UDP and TCP. A program of its
// own: PORT DELAY_MS, and the key in COSTLY_KEY.
//
// All zones are costly.example and what is delegated below it, signed with one ECDSA P-384 key. The label before
// costly.example decides what an answer holds, see REPLIES; signatures are good unless it says otherwise. All other names
// have the address 192.0.2.1 after DELAY_MS. TTLs are zero, so that nothing is answered out of what came before. What is
// the same in all answers is signed once.
import { createPrivateKey, createPublicKey, generateKeyPairSync, type JsonWebKey, sign } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import {
  CLASS,
  countLabels,
  FLAG,
  foldedName,
  HEADER_LENGTH,
  isInZone,
  MESSAGE_LENGTH_MAX,
  MessageBuilder,
  nameFrom,
  parseRdata,
  Query,
  RCODE,
  readU16,
  SECTION,
  skipLabels,
  TYPE,
  UDP_LENGTH_MAX,
  writeU16,
  writeU32,
} from '../../../src/wire/dns/dns.ts';

const ALGORITHM_P384 = 14;
const DNSKEY_FIXED = [1, 1, 3, ALGORITHM_P384];
const DAY_SEC = 86_400;
const NSEC_COUNT = 180;
const WRONG_COUNT = 400;
const SHORT_COUNT = 1_300;
/** Keys of one tag, and as many signatures that each of them could have made (CVE-2023-50387). */
const TRAP_COUNT = 200;
/** All but the bits that a zone key must have and must not have (RFC 4034 section 2.1.1, RFC 5011 section 3). */
const FLAGS_FREE = 0xfe7f;
const FLAG_ZONE = 0x0100;
const ALIAS_COUNT = 11;
const KEY_COUNT = 300;
const CHAIN_LABELS = 12;
/** RRsets that are signed once: those of the zones above the last one. */
const KEPT_MAX = 100;

interface Record {
  readonly owner: Uint8Array;
  readonly type: number;
  readonly rdata: Uint8Array;
}

interface Reply {
  readonly answer?: readonly Record[];
  readonly authority?: readonly Record[];
  readonly rcode?: number;
}

/** The DNSKEY of all zones, for the anchor of validators. */
export const dnskeyOf = (key: JsonWebKey): Uint8Array =>
  Buffer.concat([
    Buffer.from(DNSKEY_FIXED),
    Buffer.from(key.x ?? '', 'base64url'),
    Buffer.from(key.y ?? '', 'base64url'),
  ]);

/** RFC 4034 appendix B. */
const keyTagOf = (rdata: Uint8Array): number => {
  let sum = 0;
  for (let i = 0; i < rdata.length; i += 2) sum += readU16(rdata, i);
  return (sum + (sum >>> 16)) & 0xffff;
};

const serve = (port: number, delayMs: number, jwk: JsonWebKey): void => {
  const apex = nameFrom('costly.example.');
  const privateKey = createPrivateKey({ key: jwk, format: 'jwk' });
  const dnskey = dnskeyOf(createPublicKey(privateKey).export({ format: 'jwk' }));
  const keyTag = keyTagOf(dnskey);
  const nowSec = Math.floor(Date.now() / 1000);
  const below = (label: string, name = apex): Uint8Array =>
    Buffer.concat([Buffer.from([label.length]), Buffer.from(label), name]);
  const rdata = (type: number, text: string): Uint8Array => parseRdata(type, text);
  const record = (owner: Uint8Array, type: number, text: string): Record => ({
    owner,
    type,
    rdata: rdata(type, text),
  });

  /** Records of one RRset with their signature by a zone. */
  const signed = (zone: Uint8Array, ...records: readonly Record[]): Record[] => {
    const [first] = records;
    if (first === undefined) return [];
    const fields = new Uint8Array(18);
    writeU16(fields, 0, first.type);
    fields[2] = ALGORITHM_P384;
    fields[3] = countLabels(first.owner);
    writeU32(fields, 8, nowSec + DAY_SEC);
    writeU32(fields, 12, nowSec - DAY_SEC);
    writeU16(fields, 16, keyTag);
    const parts: Uint8Array[] = [fields, zone];
    const sorted = records.toSorted((a, b) => Buffer.compare(a.rdata, b.rdata));
    for (const { owner, type, rdata: data } of sorted) {
      const fixed = new Uint8Array(10);
      writeU16(fixed, 0, type);
      writeU16(fixed, 2, CLASS.IN);
      writeU16(fixed, 8, data.length);
      parts.push(foldedName(owner), fixed, data);
    }
    const options = { key: privateKey, dsaEncoding: 'ieee-p1363' } as const;
    const signature = sign('sha384', Buffer.concat(parts), options);
    const { owner } = first;
    return [...records, { owner, type: TYPE.RRSIG, rdata: Buffer.concat([fields, zone, signature]) }];
  };
  const wrong = (good: Record, number: number): Record => {
    const changed = Buffer.from(good.rdata);
    changed.writeUInt32BE(number, changed.length - 8);
    return { ...good, rdata: changed };
  };
  /** One byte in place of a signature; no two are alike. */
  const short = (good: Record, number: number): Record => {
    const changed = Buffer.from(good.rdata.subarray(0, good.rdata.length - 95));
    changed.writeUInt32BE(nowSec + DAY_SEC + number, 8);
    return { ...good, rdata: changed };
  };
  const addressOf = (owner: Uint8Array): Record => record(owner, TYPE.A, '192.0.2.1');
  const soaOf = (zone: Uint8Array): Record =>
    record(zone, TYPE.SOA, 'ns.costly.example. host.costly.example. 1 2 3 4 0');
  const soa = signed(apex, soaOf(apex));
  const text = (name: Uint8Array): string => {
    const labels: string[] = [];
    for (let at = 0; (name[at] ?? 0) > 0; at += (name[at] ?? 0) + 1)
      labels.push(Buffer.from(name.subarray(at + 1, at + 1 + (name[at] ?? 0))).toString('latin1'));
    return `${labels.join('.')}.`;
  };
  const nsec = (owner: Uint8Array, next: Uint8Array, types: string): Record[] =>
    signed(apex, record(owner, TYPE.NSEC, `${text(next)} ${types}`));
  const stuffing = (zone: Uint8Array, count: number): Record[] => {
    // Names that are asked for begin with a digit or a letter to f: the first record covers them and the wildcard.
    const owners = [
      zone,
      ...Array.from({ length: count - 1 }, (_, i) => below(`g${`${i}`.padStart(3, '0')}`, zone)),
    ];
    return owners.flatMap((owner, i) => nsec(owner, owners[i + 1] ?? apex, 'A RRSIG NSEC'));
  };
  const stuffed = stuffing(below('stuffed'), NSEC_COUNT);
  const denied = stuffing(below('denied'), 1);
  const aliasZone = below('aliases');
  const aliasProofs = stuffing(aliasZone, 23);
  const nsec3Hash = '0'.repeat(32);
  const iterated = signed(
    apex,
    record(below(nsec3Hash), TYPE.NSEC3, `1 0 50 AABBCCDD ${'1'.padEnd(32, '0')} A RRSIG`),
  );
  const keys = (zone: Uint8Array, count: number): Record[] =>
    signed(
      zone,
      { owner: zone, type: TYPE.DNSKEY, rdata: dnskey },
      ...Array.from({ length: count }, (_, i) => {
        const other = Buffer.from(dnskey);
        other.writeUInt32BE(i, 20);
        return { owner: zone, type: TYPE.DNSKEY, rdata: other };
      }),
    );
  const apexKeys = keys(apex, 0);
  const trap = below('trap');
  /** Another key whose tag is that of the good one: the free bits of its flags make up for what the key adds. */
  const colliding = (): Record => {
    for (;;) {
      const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
      const rdata = Buffer.from(dnskeyOf(publicKey.export({ format: 'jwk' })));
      for (let flags = 0; flags <= FLAGS_FREE; flags += 1) {
        if ((flags & FLAGS_FREE) !== flags) continue;
        rdata.writeUInt16BE(flags | FLAG_ZONE, 0);
        if (keyTagOf(rdata) === keyTag) return { owner: trap, type: TYPE.DNSKEY, rdata };
      }
    }
  };
  /** Takes a second: only where somebody asks for them. */
  let trapKeys: readonly Record[] | undefined;
  const makeTrap = (): readonly Record[] =>
    (trapKeys ??= signed(
      trap,
      { owner: trap, type: TYPE.DNSKEY, rdata: dnskey },
      ...Array.from({ length: TRAP_COUNT - 1 }, colliding),
    ));
  const digest = async (owner: Uint8Array): Promise<Uint8Array> =>
    new Uint8Array(await crypto.subtle.digest('SHA-256', Buffer.concat([owner, dnskey])));
  const dsOf = async (owner: Uint8Array): Promise<Record> => {
    const fixed = new Uint8Array(4);
    writeU16(fixed, 0, keyTag);
    fixed[2] = ALGORITHM_P384;
    fixed[3] = 2;
    return { owner, type: TYPE.DS, rdata: Buffer.concat([fixed, await digest(owner)]) };
  };
  const kept = new Map<string, Record[]>();
  /** What is asked for with every question is signed once: the upstream must not be slower than who is attacked. */
  const keptOf = (name: Uint8Array, type: number, make: () => Record[]): Record[] => {
    const key = `${type} ${Buffer.from(name).toString('latin1')}`;
    const found = kept.get(key) ?? make();
    if (kept.size < KEPT_MAX) kept.set(key, found);
    return found;
  };
  /** A zone at every name below, each with `keyCount` keys more. */
  const delegated = async (
    name: Uint8Array,
    type: number,
    top: Uint8Array,
    keyCount: number,
  ): Promise<Reply> => {
    const parent = skipLabels(name, 1);
    const zoneAbove = isInZone(parent, top) && parent.length > top.length ? parent : apex;
    if (type === TYPE.DNSKEY) return { answer: keptOf(name, type, () => keys(name, keyCount)) };
    if (type !== TYPE.DS) return { answer: signed(name, addressOf(name)) };
    const ds = await dsOf(name);
    return { answer: keptOf(name, type, () => signed(zoneAbove, ds)) };
  };
  const noDs = (name: Uint8Array, zone = apex): Reply => ({
    authority: [
      ...signed(zone, soaOf(zone)),
      ...signed(zone, record(name, TYPE.NSEC, `${text(below('zzz', zone))} A RRSIG NSEC`)),
    ],
  });

  const badlySigned = (zone: Uint8Array, name: Uint8Array): Reply => {
    const [address, signature] = signed(zone, addressOf(name));
    if (address === undefined || signature === undefined) return {};
    const many = Array.from({ length: WRONG_COUNT }, (_, i) => wrong(signature, i));
    return { answer: [address, ...many] };
  };

  const reply = async (name: Uint8Array, type: number): Promise<Reply | undefined> => {
    if (!isInZone(name, apex)) return undefined;
    if (name.length === apex.length) {
      if (type === TYPE.DNSKEY) return { answer: apexKeys };
      return { answer: type === TYPE.SOA ? soa : [], authority: soa };
    }
    const top = skipLabels(name, countLabels(name) - countLabels(apex) - 1);
    const kind = Buffer.from(top.subarray(1, 1 + (top[0] ?? 0))).toString('latin1');
    if (kind === 'keys' || kind === 'chain') {
      if (name.length === top.length) return noDs(name);
      return delegated(name, type, top, kind === 'keys' ? KEY_COUNT : 0);
    }
    if (kind === 'trap') {
      const keySet = makeTrap();
      if (name.length > top.length) return type === TYPE.DS ? noDs(name, top) : badlySigned(top, name);
      return { answer: type === TYPE.DS ? signed(apex, await dsOf(top)) : keySet };
    }
    if (type === TYPE.DS) return noDs(name);
    switch (kind) {
      case 'stuffed':
        return { rcode: RCODE.NXDOMAIN, authority: [...soa, ...stuffed] };
      case 'denied':
        return { rcode: RCODE.NXDOMAIN, authority: [...soa, ...denied] };
      case 'wrong':
        return badlySigned(apex, name);
      case 'short': {
        const [address, signature] = signed(apex, addressOf(name));
        if (address === undefined || signature === undefined) return undefined;
        const many = Array.from({ length: SHORT_COUNT }, (_, i) => short(signature, i));
        return { answer: [address, ...many, signature] };
      }
      case 'aliases': {
        const answer: Record[] = [];
        let owner = name;
        for (let i = 0; i < ALIAS_COUNT; i++) {
          const target = below(`${i}`, name);
          answer.push(...signed(apex, { owner, type: TYPE.CNAME, rdata: target }));
          owner = target;
        }
        return { rcode: RCODE.NXDOMAIN, answer, authority: [...soa, ...aliasProofs] };
      }
      case 'depth':
        return { rcode: RCODE.NXDOMAIN, authority: [...soa, ...iterated] };
      default:
        return { answer: signed(apex, addressOf(name)) };
    }
  };

  const messageTo = async (bytes: Uint8Array, isDatagram: boolean): Promise<Uint8Array> => {
    const query = new Query();
    query.parse(bytes, bytes.length);
    const { id, qtype, qnameLength } = query;
    const name = bytes.slice(HEADER_LENGTH, HEADER_LENGTH + qnameLength);
    const found = await reply(foldedName(name), qtype);
    const plain: Reply = { answer: qtype === TYPE.A ? [addressOf(name)] : [] };
    const { answer = [], authority = [], rcode = RCODE.NOERROR } = found ?? plain;
    const build = (flags: number, isEmpty: boolean): MessageBuilder => {
      const builder = new MessageBuilder(new Uint8Array(MESSAGE_LENGTH_MAX));
      builder.start(id, FLAG.QR | FLAG.RD | FLAG.RA | flags | rcode);
      builder.question(name, qtype, CLASS.IN);
      if (isEmpty) return builder;
      for (const one of answer)
        builder.record(SECTION.ANSWER, one.owner, one.type, CLASS.IN, found ? 0 : 60, one.rdata);
      for (const one of authority)
        builder.record(SECTION.AUTHORITY, one.owner, one.type, CLASS.IN, 0, one.rdata);
      return builder;
    };
    const whole = build(0, false).finish();
    return isDatagram && whole.length > UDP_LENGTH_MAX ? build(FLAG.TC, true).finish() : whole;
  };
  const later = async (
    bytes: Uint8Array,
    isDatagram: boolean,
    send: (message: Uint8Array) => void,
  ): Promise<void> => {
    const message = await messageTo(bytes, isDatagram);
    setTimeout(() => {
      send(message);
    }, delayMs);
  };

  const datagrams = createSocket({ type: 'udp4', recvBufferSize: 4 << 20, sendBufferSize: 4 << 20 });
  datagrams.on('message', (bytes, from) => {
    void later(bytes, true, (message) => {
      datagrams.send(message, from.port, from.address);
    });
  });
  datagrams.bind(port, '127.0.0.1');
  createServer((stream) => {
    let received = Buffer.alloc(0);
    stream.on('error', () => {});
    stream.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + readU16(received, 0)) {
        const end = 2 + readU16(received, 0);
        void later(received.subarray(2, end), false, (message) => {
          const length = Buffer.alloc(2);
          length.writeUInt16BE(message.length);
          stream.write(Buffer.concat([length, message]));
        });
        received = received.subarray(end);
      }
    });
  }).listen(port, '127.0.0.1');
};

/** Labels of the deepest names that are asked for below `chain` and `depth`. */
export const DEPTH = { chain: CHAIN_LABELS, names: 30 } as const;

if (process.argv[1] === import.meta.filename) {
  const [port = 0, delayMs = 20] = process.argv.slice(2).map(Number);
  serve(port, delayMs, JSON.parse(process.env['COSTLY_KEY'] ?? '{}') as JsonWebKey);
}
