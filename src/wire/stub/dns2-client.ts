// The second opinion: asks a resolver with dns2, a DNS implementation that is not ours, and reads the answer with it.
//
// Only dns2's codec serves here; the sockets are our own, because its clients neither time out nor check QR and
// question. It talks to addresses that an operator names and is never on the path of a client's query: its names are
// plain strings and it drops EDNS options but EDE and ECS.
import { createSocket } from 'node:dgram';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import type dns2 from 'dns2';
import { AppError, type Endpoint, formatDuration, formatEndpoint } from '../../base/base.ts';
import {
  CLASS,
  EDNS_DO,
  FLAG,
  FRAME_HEADER,
  formatRcode,
  formatRdata,
  formatType,
  frameOf,
  HEADER_LENGTH,
  MESSAGE_LENGTH_MAX,
  messageRcode,
  nameEquals,
  OPTION,
  readU16,
  TYPE,
  UDP_LENGTH_MAX,
  writeU16,
} from '../dns/dns.ts';

const require = createRequire(import.meta.url);

/** dns2's codec, loaded by who asks with it: a resolver whose lists are files never does, and it takes some 10 MiB. */
const loadPacket = (): typeof dns2.Packet => (require('dns2') as typeof dns2).Packet;

/** Of a question, behind its name. */
const TYPE_AND_CLASS_LENGTH = 4;

/** What is asked, whichever server is asked. */
export interface InquiryQuestion {
  /** Presentation form without escapes: dns2 knows none. */
  readonly name: string;
  readonly type: number;
  readonly dnssecOk: boolean;
  /** The CD bit; not set when absent. */
  readonly checkingDisabled?: boolean | undefined;
  /** False: the query has no OPT record, and `dnssecOk` and `options` have no effect. True when absent. */
  readonly edns?: boolean | undefined;
  /** EDNS options in wire form; none when absent. */
  readonly options?: Uint8Array | undefined;
}

/** A question for a resolver. */
export interface Inquiry extends InquiryQuestion {
  readonly server: Endpoint;
  readonly transport: 'udp' | 'tcp';
  readonly timeoutMs: number;
  /** Told the port that the question comes from, before it is sent and when the port is given back. */
  readonly onPort?: ((port: number, isOpen: boolean) => void) | undefined;
}

/** A query as it is sent. */
export interface EncodedQuery {
  readonly bytes: Uint8Array;
  /** Where the question ends. */
  readonly questionEnd: number;
}

/** A record as dns2 read it. */
export interface ReadRecord {
  readonly name: string;
  readonly ttl: number;
  readonly type: string;
  readonly rdata: string;
}

/** What the resolver answered. */
export interface Reading {
  readonly rcode: string;
  /** Lower-case names of the flags that are set. */
  readonly flags: readonly string[];
  readonly answers: readonly ReadRecord[];
  readonly authorities: readonly ReadRecord[];
  /** Without the OPT record. */
  readonly additionals: readonly ReadRecord[];
  readonly ede: readonly { readonly infoCode: number; readonly text: string }[];
  /** Address of EDNS Client Subnet in the answer (RFC 7871); undefined: it has none. */
  readonly subnet: string | undefined;
  readonly tookMs: number;
  readonly sizeBytes: number;
}

/** Asks and reads; throws AppError ERR_COMPLIANCE_ASK when nothing usable comes in time. */
export const inquire = async (inquiry: Inquiry): Promise<Reading> => {
  const reading = await inquireOrSilence(inquiry);
  if (reading !== undefined) return reading;
  throw askFailure(inquiry.name, inquiry.server, `no answer in ${formatDuration(inquiry.timeoutMs)}`);
};

/** As inquire(), but silence is an outcome: undefined. */
export const inquireOrSilence = async (inquiry: Inquiry): Promise<Reading | undefined> => {
  const query = encodeInquiry(inquiry);
  const startMs = performance.now();
  const message = await (inquiry.transport === 'udp' ? exchangeUdp : exchangeTcp)(inquiry, query);
  return message && readReply(message, inquiry.name, inquiry.server, startMs);
};

/** The bytes of a query, with an ID at random unless one is given. */
export const encodeInquiry = (question: InquiryQuestion, id?: number): EncodedQuery => {
  const Packet = loadPacket();
  const query = new Packet();
  query.header.id = id ?? Packet.uuid();
  query.header.rd = 1;
  // Its types do not know the bit (RFC 4035 section 3.2.2), its codec does.
  Object.assign(query.header, { cd: question.checkingDisabled === true ? 1 : 0 });
  query.questions.push(new Packet.Question(question.name.replace(/\.$/, ''), question.type, CLASS.IN));
  const bytes = query.toBuffer();
  return { bytes: question.edns === false ? bytes : withOpt(bytes, question), questionEnd: bytes.length };
};

/** dns2 writes no OPT record without a client subnet, so it is added to the finished query. */
const withOpt = (query: Uint8Array, { dnssecOk, options = NO_OPTIONS }: InquiryQuestion): Uint8Array => {
  const opt = Uint8Array.of(0, 0, TYPE.OPT, UDP_LENGTH_MAX >>> 8, UDP_LENGTH_MAX & 0xff, 0, 0, 0, 0, 0, 0);
  if (dnssecOk) opt[7] = EDNS_DO >>> 8;
  writeU16(opt, 9, options.length);
  const bytes = new Uint8Array(query.length + opt.length + options.length);
  bytes.set(query);
  bytes.set(opt, query.length);
  bytes.set(options, query.length + opt.length);
  bytes[11] = 1;
  return bytes;
};

const NO_OPTIONS = new Uint8Array(0);

/** The error of a question without a usable answer. */
export const askFailure = (
  name: string,
  server: Endpoint,
  reason: string,
  cause?: unknown,
): AppError<'ERR_COMPLIANCE_ASK'> =>
  new AppError('ERR_COMPLIANCE_ASK', `asking ${formatEndpoint(server)} for ${name}: ${reason}`, { cause });

const exchangeUdp = (inquiry: Inquiry, query: EncodedQuery): Promise<Uint8Array | undefined> =>
  new Promise((resolve, reject) => {
    const { server, timeoutMs, name, onPort } = inquiry;
    const socket = createSocket(server.family === 6 ? 'udp6' : 'udp4');
    let port: number | undefined;
    const finish = (act: () => void): void => {
      clearTimeout(timer);
      socket.close();
      if (port !== undefined) onPort?.(port, false);
      act();
    };
    const fail = (reason: string, cause?: unknown): void => {
      finish(() => reject(askFailure(name, server, reason, cause)));
    };
    const timer = setTimeout(() => finish(() => resolve(undefined)), timeoutMs);
    socket.once('error', (error) => fail(error.message, error));
    socket.on('message', (message) => {
      if (isAnswerTo(query, message)) finish(() => resolve(message));
    });
    socket.connect(server.port, server.address, () => {
      ({ port } = socket.address());
      onPort?.(port, true);
      socket.send(query.bytes);
    });
  });

const exchangeTcp = (inquiry: Inquiry, query: EncodedQuery): Promise<Uint8Array | undefined> =>
  new Promise((resolve, reject) => {
    const { server, timeoutMs, name, onPort } = inquiry;
    const { bytes } = query;
    let received = Buffer.alloc(0);
    let port: number | undefined;
    const socket = connect(server.port, server.address, () => {
      port = socket.localPort;
      if (port !== undefined) onPort?.(port, true);
      socket.write(frameOf(bytes));
    });
    const finish = (act: () => void): void => {
      clearTimeout(timer);
      socket.destroy();
      if (port !== undefined) onPort?.(port, false);
      port = undefined;
      act();
    };
    const fail = (reason: string, cause?: unknown): void => {
      finish(() => reject(askFailure(name, server, reason, cause)));
    };
    const timer = setTimeout(() => finish(() => resolve(undefined)), timeoutMs);
    socket.on('error', (error) => fail(error.message, error));
    socket.on('close', () => fail('the connection was closed'));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      const end = FRAME_HEADER + (received.length < FRAME_HEADER ? MESSAGE_LENGTH_MAX : readU16(received, 0));
      const message = received.subarray(FRAME_HEADER, end);
      if (received.length >= end && isAnswerTo(query, message)) finish(() => resolve(message));
    });
  });

/** ID, QR and question of the answer are those of the query, letters folded (RFC 5452 section 9.1). */
export const isAnswerTo = ({ bytes, questionEnd }: EncodedQuery, message: Uint8Array): boolean => {
  if (message.length < questionEnd || (readU16(message, 2) & FLAG.QR) === 0) return false;
  if (readU16(message, 0) !== readU16(bytes, 0) || readU16(message, 4) !== 1) return false;
  const nameEnd = questionEnd - TYPE_AND_CLASS_LENGTH;
  return (
    nameEquals(bytes, HEADER_LENGTH, message, HEADER_LENGTH, nameEnd - HEADER_LENGTH) &&
    readU16(bytes, nameEnd) === readU16(message, nameEnd) &&
    readU16(bytes, nameEnd + 2) === readU16(message, nameEnd + 2)
  );
};

/** Reads an answer to a question that was sent at `startMs` of performance.now(); throws ERR_COMPLIANCE_ASK. */
export const readReply = (message: Uint8Array, name: string, server: Endpoint, startMs: number): Reading => {
  let packet: Packet;
  try {
    packet = loadPacket().parse(Buffer.from(message));
  } catch (cause) {
    throw askFailure(name, server, 'the answer cannot be read', cause);
  }
  if (packet.errors.length > 0) throw askFailure(name, server, 'the answer is malformed', packet.errors[0]);
  const flags = Object.entries(FLAG)
    .filter(([flag, bit]) => flag !== 'Z' && (readU16(message, 2) & bit) !== 0)
    .map(([flag]) => flag.toLowerCase());
  return {
    rcode: formatRcode(messageRcode(message)),
    flags,
    answers: packet.answers.map(toRecord),
    authorities: packet.authorities.map(toRecord),
    additionals: packet.additionals.filter(({ type }) => type !== TYPE.OPT).map(toRecord),
    ede: packet.additionals.flatMap(toEde),
    subnet: packet.additionals.flatMap(toSubnet)[0],
    sizeBytes: message.length,
    tookMs: Math.round((performance.now() - startMs) * 10) / 10,
  };
};

type Packet = InstanceType<typeof dns2.Packet>;
type Resource = Packet['answers'][number];

const toRecord = (record: Resource): ReadRecord => ({
  name: `${record.name}.`,
  ttl: record.ttl ?? 0,
  type: formatType(record.type),
  rdata: rdataText(record),
});

/** Fields of the types that dns2 decodes, in presentation order; it leaves the RDATA of all others as bytes. */
const FIELDS: readonly string[] = [
  'address',
  'priority',
  'weight',
  'port',
  'exchange',
  'target',
  'domain',
  'ns',
  'primary',
  'admin',
  'serial',
  'refresh',
  'retry',
  'expiration',
  'minimum',
  'flags',
  'tag',
  'value',
];

const rdataText = (record: Resource): string => {
  const fields = record as unknown as Record<string, unknown>;
  const { data } = fields;
  if (data instanceof Uint8Array) return formatRdata(record.type, data);
  if (Array.isArray(data)) return data.map((part) => JSON.stringify(String(part))).join(' ');
  if (typeof data === 'string') return JSON.stringify(data);
  return FIELDS.filter((field) => fields[field] !== undefined)
    .map((field) => String(fields[field]))
    .join(' ');
};

const toSubnet = (record: Resource): string[] => {
  const { rdata } = record as unknown as { rdata?: unknown };
  if (!Array.isArray(rdata)) return [];
  return rdata.flatMap(({ ednsCode, ip }) => (ednsCode === OPTION.CLIENT_SUBNET ? [String(ip)] : []));
};

const toEde = (record: Resource): { infoCode: number; text: string }[] => {
  const { rdata } = record as unknown as { rdata?: unknown };
  if (!Array.isArray(rdata)) return [];
  return rdata.flatMap((option: unknown) => {
    if (typeof option !== 'object' || option === null || !('infoCode' in option)) return [];
    const text = 'extraText' in option ? String(option.extraText) : '';
    return [{ infoCode: Number(option.infoCode), text }];
  });
};
