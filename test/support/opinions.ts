// Three decoders of one message: ours, dns2 and dns-packet, brought to one form so that they can be compared.
//
// compareOpinions() returns every disagreement; each has to have a row in CAUSES, where the reason is written down.
// A disagreement without a row is a bug, ours or one of theirs that nobody knows yet.
import dnsPacket from 'dns-packet';
import { Packet } from 'dns2';
import {
  copyName,
  expandName,
  expandRdata,
  HEADER_LENGTH,
  messageFlags,
  messageId,
  NAME_FAULT,
  NAME_LENGTH_MAX,
  OPTION,
  parseRdata,
  parseType,
  RecordReader,
  readOptions,
  readU16,
  skipName,
  TYPE,
} from '../../src/wire/dns/dns.ts';
import { fieldEnd, rdataLayout, visitTypes } from '../../src/wire/dns/rdata.ts';

/** A record as three decoders can agree on it. */
export interface OpinionRecord {
  readonly section: number;
  readonly owner: string;
  readonly type: number;
  readonly class: number;
  readonly ttl: number;
  /** One text per field, or the reason why there are none. */
  readonly fields: readonly string[] | 'malformed';
}

/** What a decoder made of a message; with a `fault`, only the records that we read before it. */
export interface Opinion {
  readonly id: number;
  readonly flags: number;
  readonly questions: readonly string[];
  readonly records: readonly OpinionRecord[];
  readonly fault: string | undefined;
}

const refusal = (fault: string, records: readonly OpinionRecord[] = []): Opinion => {
  return { id: 0, flags: 0, questions: [], records, fault };
};
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** How a decoder turns the bytes of labels into a JavaScript string, without escapes. */
type Charset = 'latin1' | 'utf8';

/** A second decoder, and in which terms it can be asked. */
export interface Oracle {
  readonly name: 'dns2' | 'dns-packet';
  readonly charset: Charset;
  /** Types whose RDATA it takes apart; that of all others is compared as bytes. */
  readonly typed: ReadonlySet<number>;
  /** True when it keeps every EDNS option. */
  readonly hasOptions: boolean;
  readonly read: (bytes: Uint8Array) => Opinion;
}

/** The name as a decoder without escapes would write it. */
const plainName = (name: Uint8Array, charset: Charset): string => {
  const labels: string[] = [];
  for (let at = 0; at < name.length && name[at] !== 0; at += (name[at] ?? 0) + 1)
    labels.push(Buffer.from(name.subarray(at + 1, at + 1 + (name[at] ?? 0))).toString(charset));
  return labels.join('.');
};

/** Our reading in the terms of an oracle: RecordReader, copyName, expandRdata and the layouts of rdata.ts. */
export const ourOpinion = (bytes: Uint8Array, oracle: Oracle): Opinion => {
  const { charset } = oracle;
  if (bytes.length < HEADER_LENGTH) return refusal('no header');
  const questions: string[] = [];
  let at = HEADER_LENGTH;
  for (let left = readU16(bytes, 4); left > 0; left--) {
    const fixed = skipName(bytes, at, bytes.length);
    const name = copyName(bytes, at, bytes.length);
    if (name === undefined) return refusal(nameFault(bytes, at));
    if (fixed + 4 > bytes.length) return refusal('cut off');
    questions.push(`${plainName(name, charset)} ${readU16(bytes, fixed)} ${readU16(bytes, fixed + 2)}`);
    at = fixed + 4;
  }
  const reader = new RecordReader();
  reader.reset(bytes, bytes.length, at);
  const records: OpinionRecord[] = [];
  while (reader.next()) {
    const owner = copyName(bytes, reader.ownerOffset, bytes.length);
    if (owner === undefined) return refusal(nameFault(bytes, reader.ownerOffset), records);
    const { section, type, ttl } = reader;
    const fields = ourFields(reader, oracle);
    records.push({ section, owner: plainName(owner, charset), type, class: reader.class, ttl, fields });
  }
  if (reader.fault) return refusal('cut off', records);
  return { id: messageId(bytes), flags: messageFlags(bytes), questions, records, fault: undefined };
};

/** Why expandName refuses a name. */
const nameFault = (bytes: Uint8Array, offset: number): string => {
  const fault = expandName(bytes, offset, bytes.length, new Uint8Array(NAME_LENGTH_MAX), 0);
  return Object.entries(NAME_FAULT).find(([, number]) => number === fault)?.[0] ?? '';
};

const ourFields = (reader: RecordReader, oracle: Oracle): OpinionRecord['fields'] => {
  const { bytes, rdataOffset, rdataLength, type } = reader;
  if (type === TYPE.OPT) {
    const options = readOptions(bytes, rdataOffset, rdataLength);
    const read = options.reduce((length, option) => length + 4 + option.data.length, 0);
    if (read !== rdataLength) return 'malformed';
    return oracle.hasOptions ? options.map((option) => `${option.code} ${hex(option.data)}`) : [];
  }
  if (!oracle.typed.has(type)) return [hex(bytes.subarray(rdataOffset, rdataOffset + rdataLength))];
  const rdata = expandRdata(bytes, rdataOffset, rdataLength, type, bytes.length);
  if (rdata === undefined) return 'malformed';
  const layout = rdataLayout(type) ?? [];
  const fields: string[] = [];
  let at = 0;
  for (const kind of layout) {
    const end = fieldEnd(rdata, kind, at, rdata.length);
    if (end < 0) return 'malformed';
    const text = ourField(kind, rdata, at, end, oracle.charset);
    if (text === undefined) return 'malformed';
    fields.push(text);
    at = end;
  }
  return at === rdata.length ? fields : 'malformed';
};

const ourField = (
  kind: string,
  rdata: Uint8Array,
  at: number,
  end: number,
  charset: Charset,
): string | undefined => {
  const field = rdata.subarray(at, end);
  switch (kind) {
    case 'name':
      return plainName(field, charset);
    case 'u8':
    case 'u16':
    case 'u32':
    case 'type':
    case 'time':
      return String(Number.parseInt(hex(field), 16));
    case 'string':
    case 'tag':
    case 'salt':
    case 'hash':
      return hex(field.subarray(1));
    case 'types': {
      const types: number[] = [];
      return visitTypes(rdata, at, end, (type) => types.push(type)) ? types.join(' ') : undefined;
    }
    case 'strings':
      return joinStrings(field);
    default:
      return hex(field);
  }
};

const joinStrings = (field: Uint8Array): string | undefined => {
  const strings: string[] = [];
  for (let at = 0; at < field.length; ) {
    const end = at + 1 + (field[at] ?? 0);
    if (end > field.length) return undefined;
    strings.push(hex(field.subarray(at + 1, end)));
    at = end;
  }
  return strings.length === 0 ? undefined : strings.join(' ');
};

type Loose = Readonly<Record<string, unknown>>;

const get = (record: Loose, key: string): unknown => record[key];

const text = (value: unknown): string => (typeof value === 'string' ? value : String(value));
const textHex = (value: unknown): string => hex(Buffer.from(text(value), 'utf8'));
const bytesHex = (value: unknown): string => (value instanceof Uint8Array ? hex(value) : 'no bytes');
const base64Hex = (value: unknown): string => hex(Buffer.from(text(value), 'base64'));
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value]);
const addressHex = (type: number, value: unknown): string => {
  try {
    return hex(parseRdata(type, text(value)));
  } catch {
    return `not an address: ${text(value)}`;
  }
};
const timeOf = (value: unknown): string =>
  String(Date.parse(text(value).replace(/^(....)(..)(..)(..)(..)(..)$/, '$1-$2-$3T$4:$5:$6Z')) / 1000);

const dns2Fields = (record: Loose): readonly string[] => {
  const type = Number(get(record, 'type'));
  const take = (...keys: string[]) => keys.map((key) => text(record[key]));
  switch (type) {
    case TYPE.A:
    case TYPE.AAAA:
      return [addressHex(type, get(record, 'address'))];
    case TYPE.NS:
      return take('ns');
    case TYPE.CNAME:
    case TYPE.PTR:
      return take('domain');
    case TYPE.MX:
      return take('priority', 'exchange');
    case TYPE.TXT:
    case TYPE.SPF:
      return [list(get(record, 'data')).map(textHex).join(' ')];
    case TYPE.SOA:
      return take('primary', 'admin', 'serial', 'refresh', 'retry', 'expiration', 'minimum');
    case TYPE.SRV:
      return take('priority', 'weight', 'port', 'target');
    case TYPE.CAA:
      return [text(get(record, 'flags')), textHex(get(record, 'tag')), textHex(get(record, 'value'))];
    case TYPE.DNSKEY:
      return [...take('flags', 'protocol', 'algorithm'), base64Hex(get(record, 'key'))];
    case TYPE.RRSIG:
      return [
        ...take('sigType', 'algorithm', 'labels', 'originalTtl'),
        timeOf(get(record, 'expiration')),
        timeOf(get(record, 'inception')),
        ...take('keyTag', 'signer'),
        base64Hex(get(record, 'signature')),
      ];
    default:
      return [bytesHex(get(record, 'data'))];
  }
};

const dns2Opinion = (bytes: Uint8Array): Opinion => {
  let packet: Packet;
  try {
    packet = Packet.parse(Buffer.from(bytes));
  } catch (thrown) {
    return refusal(String(thrown));
  }
  const fatal = packet.errors.find((error) => !error.recovered);
  if (fatal !== undefined) return refusal(fatal.message);
  const sections = [packet.answers, packet.authorities, packet.additionals] as unknown as Loose[][];
  const names = ['answers', 'authorities', 'additionals'];
  const records = sections.flatMap((section, number) => {
    const failed = new Set(packet.errors.filter((e) => e.section === names[number]).map((e) => e.index));
    const decoded = [...section];
    // A record that dns2 could not decode is missing from its section: its place is filled again.
    const whole = Array.from({ length: section.length + failed.size }, (_, index) =>
      failed.has(index) ? undefined : decoded.shift(),
    );
    return whole.map((record): OpinionRecord => {
      if (record === undefined)
        return { section: number, owner: '', type: -1, class: -1, ttl: -1, fields: 'malformed' };
      return {
        section: number,
        owner: text(get(record, 'name')),
        type: Number(get(record, 'type')),
        class: Number(get(record, 'class')),
        ttl: Number(get(record, 'ttl')),
        fields: get(record, 'type') === TYPE.OPT ? [] : dns2Fields(record),
      };
    });
  });
  const questions = (packet.questions as unknown as Loose[]).map(
    (question) =>
      `${text(get(question, 'name'))} ${text(get(question, 'type'))} ${text(get(question, 'class'))}`,
  );
  return { id: packet.header.id, flags: messageFlags(bytes), questions, records, fault: undefined };
};

/** The number of a type or class as dns-packet names it. */
const packetType = (name: unknown): number =>
  parseType(text(name).replace(/^UNKNOWN_/, 'TYPE')) ?? { DLV: 32_769, TA: 32_768 }[text(name)] ?? -1;
const packetClass = (name: unknown): number =>
  ({ IN: 1, CS: 2, CH: 3, HS: 4, ANY: 255 })[text(name)] ?? Number(text(name).replace('UNKNOWN_', ''));
const packetName = (name: unknown): string => (name === '.' ? '' : text(name));
/** Mailbox names are the only ones in which dns-packet escapes a dot. */
const packetMailbox = (name: unknown): string => packetName(name).replaceAll('\\.', '.');

const packetFields = (type: number, data: unknown): readonly string[] => {
  const record = (typeof data === 'object' && data !== null ? data : {}) as Loose;
  const take = (...keys: string[]) => keys.map((key) => text(record[key]));
  const types = () => list(get(record, 'rrtypes')).map(packetType).join(' ');
  switch (type) {
    case TYPE.A:
    case TYPE.AAAA:
      return [addressHex(type, data)];
    case TYPE.NS:
    case TYPE.CNAME:
    case TYPE.PTR:
    case TYPE.DNAME:
      return [packetName(data)];
    case TYPE.MX:
      return [text(get(record, 'preference')), packetName(get(record, 'exchange'))];
    case TYPE.TXT:
      return [list(data).map(bytesHex).join(' ')];
    case TYPE.SOA:
      return [
        packetName(get(record, 'mname')),
        packetMailbox(get(record, 'rname')),
        ...take('serial', 'refresh', 'retry', 'expire', 'minimum'),
      ];
    case TYPE.SRV:
      return [...take('priority', 'weight', 'port'), packetName(get(record, 'target'))];
    case TYPE.HINFO:
      return [textHex(get(record, 'cpu')), textHex(get(record, 'os'))];
    case TYPE.RP:
      return [packetMailbox(get(record, 'mbox')), packetName(get(record, 'txt'))];
    case TYPE.NAPTR:
      return [
        ...take('order', 'preference'),
        ...['flags', 'services', 'regexp'].map((key) => textHex(record[key])),
        packetName(get(record, 'replacement')),
      ];
    case TYPE.DS:
      return [...take('keyTag', 'algorithm', 'digestType'), bytesHex(get(record, 'digest'))];
    case TYPE.SSHFP:
      return [...take('algorithm', 'hash'), text(get(record, 'fingerprint')).toLowerCase()];
    case TYPE.RRSIG:
      return [
        String(packetType(get(record, 'typeCovered'))),
        ...take('algorithm', 'labels', 'originalTTL', 'expiration', 'inception', 'keyTag'),
        packetName(get(record, 'signersName')),
        bytesHex(get(record, 'signature')),
      ];
    case TYPE.NSEC:
      return [packetName(get(record, 'nextDomain')), types()];
    case TYPE.NSEC3:
      return [
        ...take('algorithm', 'flags', 'iterations'),
        bytesHex(get(record, 'salt')),
        bytesHex(get(record, 'nextDomain')),
        types(),
      ];
    case TYPE.DNSKEY:
      return [text(get(record, 'flags')), '3', text(get(record, 'algorithm')), bytesHex(get(record, 'key'))];
    case TYPE.TLSA:
      return [...take('usage', 'selector', 'matchingType'), bytesHex(get(record, 'certificate'))];
    case TYPE.CAA:
      return [text(get(record, 'flags')), textHex(get(record, 'tag')), textHex(get(record, 'value'))];
    default:
      return [bytesHex(data)];
  }
};

const dnsPacketOpinion = (bytes: Uint8Array): Opinion => {
  let packet: dnsPacket.DecodedPacket;
  try {
    packet = dnsPacket.decode(Buffer.from(bytes));
  } catch (thrown) {
    return refusal(String(thrown));
  }
  const sections = [packet.answers, packet.authorities, packet.additionals] as unknown as Loose[][];
  const records = sections.flatMap((section, number) =>
    section.map((record): OpinionRecord => {
      const type = packetType(get(record, 'type'));
      const isOpt = type === TYPE.OPT;
      return {
        section: number,
        owner: packetName(get(record, 'name')),
        type,
        class: isOpt ? Number(get(record, 'udpPayloadSize')) : packetClass(get(record, 'class')),
        ttl: isOpt ? optTtl(record) : Number(get(record, 'ttl')),
        fields: isOpt ? packetOptions(get(record, 'options')) : packetFields(type, get(record, 'data')),
      };
    }),
  );
  const questions = (packet.questions as unknown as Loose[]).map(
    (question) =>
      `${packetName(get(question, 'name'))} ${packetType(get(question, 'type'))} ${packetClass(get(question, 'class'))}`,
  );
  return { id: packet.id ?? 0, flags: messageFlags(bytes), questions, records, fault: undefined };
};

const optTtl = (opt: Loose): number =>
  Number(get(opt, 'extendedRcode')) * 0x1000000 +
  Number(get(opt, 'ednsVersion')) * 0x10000 +
  Number(get(opt, 'flags'));

const packetOptions = (options: unknown): readonly string[] =>
  (list(options) as Loose[]).map((option) => `${text(get(option, 'code'))} ${bytesHex(get(option, 'data'))}`);

const typed = (...names: (keyof typeof TYPE)[]): ReadonlySet<number> =>
  new Set(names.map((name) => TYPE[name]));

const dns2Oracle: Oracle = {
  name: 'dns2',
  charset: 'latin1',
  typed: typed('A', 'AAAA', 'NS', 'CNAME', 'PTR', 'MX', 'TXT', 'SPF', 'SOA', 'SRV', 'CAA', 'DNSKEY', 'RRSIG'),
  hasOptions: false,
  read: dns2Opinion,
};

const dnsPacketOracle: Oracle = {
  name: 'dns-packet',
  charset: 'utf8',
  typed: typed(
    ...([
      'A',
      'AAAA',
      'NS',
      'CNAME',
      'PTR',
      'DNAME',
      'MX',
      'TXT',
      'SOA',
      'SRV',
      'HINFO',
      'RP',
      'NAPTR',
    ] as const),
    ...(['DS', 'SSHFP', 'RRSIG', 'NSEC', 'NSEC3', 'DNSKEY', 'TLSA', 'CAA'] as const),
  ),
  hasOptions: true,
  read: dnsPacketOpinion,
};

/** The second and the third opinion. */
export const ORACLES: readonly Oracle[] = [dns2Oracle, dnsPacketOracle];

/** One point on which an oracle and we differ. */
export interface Disagreement {
  readonly oracle: Oracle['name'];
  readonly about: 'refused by us' | 'refused by the oracle' | 'header' | 'questions' | 'count' | 'record';
  readonly bytes: Uint8Array;
  readonly ours: Opinion;
  readonly theirs: Opinion;
  /** For `record`: the place in both lists of records. */
  readonly index: number;
}

/** Everything on which an oracle and we differ about a message. Records whose RDATA we call malformed are left out. */
export const compareOpinions = (bytes: Uint8Array, oracle: Oracle): readonly Disagreement[] => {
  const ours = ourOpinion(bytes, oracle);
  const theirs = oracle.read(bytes);
  const differ = (about: Disagreement['about'], index = -1): Disagreement => {
    return { oracle: oracle.name, about, bytes, ours, theirs, index };
  };
  if (ours.fault !== undefined) return theirs.fault === undefined ? [differ('refused by us')] : [];
  if (theirs.fault !== undefined) return [differ('refused by the oracle')];
  const found: Disagreement[] = [];
  if (ours.id !== theirs.id || ours.flags !== theirs.flags) found.push(differ('header'));
  if (ours.questions.join('\n') !== theirs.questions.join('\n')) found.push(differ('questions'));
  if (ours.records.length !== theirs.records.length) found.push(differ('count'));
  for (const [index, record] of ours.records.entries()) {
    if (record.fields === 'malformed') continue;
    if (JSON.stringify(record) !== JSON.stringify(theirs.records[index])) found.push(differ('record', index));
  }
  return found;
};

/** A known cause of disagreement, in the oracle's code or in the reading of the RFCs. */
export interface Cause {
  readonly oracle: Oracle['name'];
  readonly cause: string;
  readonly explains: (disagreement: Disagreement) => boolean;
}

/** What a decoder that keeps strings as JavaScript text makes of our fields. */
const throughUtf8 = (record: OpinionRecord): OpinionRecord['fields'] => {
  const layout = rdataLayout(record.type) ?? [];
  if (record.fields === 'malformed') return record.fields;
  return record.fields.map((field, index) => {
    if (!['string', 'strings', 'tag', 'text'].includes(layout[index] ?? '')) return field;
    return field
      .split(' ')
      .map((part) => textHex(Buffer.from(part, 'hex').toString('utf8')))
      .join(' ');
  });
};

/** True when their record is ours after the change, and the change matters. */
const isChanged = (
  disagreement: Disagreement,
  change: (record: OpinionRecord) => Partial<OpinionRecord>,
): boolean => {
  const ours = disagreement.ours.records[disagreement.index];
  const theirs = disagreement.theirs.records[disagreement.index];
  if (disagreement.about !== 'record' || ours === undefined || theirs === undefined) return false;
  // Other losses of the same decoder may stand in the same record.
  const tolerant = (record: OpinionRecord) => ({
    ...record,
    class: record.class & 0x7fff,
    ttl: Math.min(record.ttl, 0x7fffffff),
    fields: throughUtf8(record),
  });
  const changed = { ...ours, ...change(ours) };
  if (JSON.stringify(changed) === JSON.stringify(ours)) return false;
  return JSON.stringify(tolerant(changed)) === JSON.stringify(tolerant(theirs));
};

const isAfterMalformed = (disagreement: Disagreement): boolean => {
  const { records } = disagreement.ours;
  const before = disagreement.index < 0 ? records : records.slice(0, disagreement.index);
  return before.some((record) => record.fields === 'malformed');
};

const hasOption = (disagreement: Disagreement, ...codes: number[]): boolean =>
  ourOpinion(disagreement.bytes, dnsPacketOracle).records.some(
    (record) =>
      record.type === TYPE.OPT &&
      record.fields !== 'malformed' &&
      record.fields.some((field) => codes.includes(Number(field.split(' ')[0]))),
  );

/** Fingerprint digits of SHA-1 and SHA-256 (RFC 4255 section 3.1.2, RFC 6594 section 4). */
const FINGERPRINT_DIGITS: Readonly<Record<string, number>> = { 1: 40, 2: 64 };

const isUsualFingerprint = ({ fields }: OpinionRecord): boolean =>
  (fields[2] ?? '').length === FINGERPRINT_DIGITS[fields[1] ?? ''];

/** Every known cause; a disagreement that none explains is news. */
export const CAUSES: readonly Cause[] = [
  {
    oracle: 'dns2',
    cause: 'follows compression pointers forward, which RFC 1035 section 4.1.4 does not allow',
    explains: ({ about, ours }) => about === 'refused by us' && ours.fault === 'POINTER',
  },
  {
    oracle: 'dns2',
    cause: 'keeps character-strings as UTF-8 text, so that other bytes become U+FFFD',
    explains: (disagreement) => isChanged(disagreement, (record) => ({ fields: throughUtf8(record) })),
  },
  {
    oracle: 'dns2',
    cause: 'lowers a TTL over 2147483647; we show it as sent and the cache bounds it',
    explains: (disagreement) =>
      isChanged(disagreement, (record) => ({ ttl: Math.min(record.ttl, 0x7fffffff) })),
  },
  {
    oracle: 'dns2',
    cause: 'drops the whole OPT record when it cannot read its client subnet or EDE option',
    explains: (disagreement) =>
      disagreement.theirs.records[disagreement.index]?.fields === 'malformed' &&
      disagreement.ours.records[disagreement.index]?.type === TYPE.OPT &&
      hasOption(disagreement, OPTION.CLIENT_SUBNET, OPTION.EDE),
  },
  {
    oracle: 'dns-packet',
    cause: 'does not hold RDATA to its RDLENGTH, so that it goes astray after a malformed record',
    explains: isAfterMalformed,
  },
  {
    oracle: 'dns-packet',
    cause: 'cuts opaque RDATA off at the end of the message instead of refusing it',
    explains: ({ about, ours }) => about === 'refused by us' && ours.fault === 'cut off',
  },
  {
    oracle: 'dns-packet',
    cause: 'takes the top bit of a class for the cache-flush bit of multicast DNS (RFC 6762 section 10.2)',
    explains: (disagreement) => isChanged(disagreement, (record) => ({ class: record.class & 0x7fff })),
  },
  {
    oracle: 'dns-packet',
    cause: 'keeps character-strings as UTF-8 text, so that other bytes become U+FFFD',
    explains: (disagreement) => isChanged(disagreement, (record) => ({ fields: throughUtf8(record) })),
  },
  {
    oracle: 'dns-packet',
    cause: 'reads as much of an SSHFP fingerprint as the hash number promises, and goes astray behind it',
    explains: ({ ours, index }) => {
      const upTo = index < 0 ? ours.records : ours.records.slice(0, index + 1);
      return upTo.some((record) => record.type === TYPE.SSHFP && !isUsualFingerprint(record));
    },
  },
  {
    oracle: 'dns-packet',
    cause: 'escapes dots of mailbox names but not backslashes, so that the two cannot be told apart',
    explains: ({ about, ours, index }) => {
      const record = ours.records[index];
      const isMailbox = record?.type === TYPE.SOA || record?.type === TYPE.RP;
      if (about !== 'record' || !isMailbox || record.fields === 'malformed') return false;
      return record.fields.slice(0, 2).some((field) => field.includes('\\'));
    },
  },
  {
    oracle: 'dns-packet',
    cause: 'refuses a whole message for a DNSKEY whose protocol is not 3',
    explains: ({ about, theirs }) =>
      about === 'refused by the oracle' && theirs.fault === 'Error: Protocol must be 3',
  },
  {
    oracle: 'dns-packet',
    cause: 'refuses a whole message for a short client subnet, keepalive or key tag option',
    explains: (disagreement) =>
      disagreement.about === 'refused by the oracle' &&
      hasOption(disagreement, OPTION.CLIENT_SUBNET, OPTION.TCP_KEEPALIVE, OPTION.KEY_TAG),
  },
];

/** The row of CAUSES that explains a disagreement. */
export const causeOf = (disagreement: Disagreement): Cause | undefined =>
  CAUSES.find((row) => row.oracle === disagreement.oracle && row.explains(disagreement));
