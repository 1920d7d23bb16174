// The second opinion: asks a resolver with dns2, a DNS implementation that is not ours, and reads the answer with it.
//
// Only dns2's codec serves here; the sockets are our own, because its clients neither time out nor check QR and
// question. It talks to addresses that an operator names and is never on the path of a client's query: its names are
// plain strings and it drops EDNS options but EDE and ECS.
import { createSocket } from 'node:dgram';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import type dns2 from 'dns2';
import { AppError, type Endpoint, formatEndpoint } from '../base/base.ts';
import {
  CLASS,
  EDNS_DO,
  FLAG,
  formatRcode,
  formatRdata,
  formatType,
  MESSAGE_LENGTH_MAX,
  messageRcode,
  readU16,
  TYPE,
  UDP_LENGTH_MAX,
} from '../dns/dns.ts';

const require = createRequire(import.meta.url);

/** dns2's codec, loaded by who asks with it: a resolver whose lists are files never does, and it takes some 10 MiB. */
const loadPacket = (): typeof dns2.Packet => (require('dns2') as typeof dns2).Packet;

/** A question for a resolver. */
export interface Inquiry {
  readonly server: Endpoint;
  /** Presentation form. */
  readonly name: string;
  readonly type: number;
  readonly transport: 'udp' | 'tcp';
  readonly dnssecOk: boolean;
  readonly timeoutMs: number;
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
  readonly ede: readonly { readonly infoCode: number; readonly text: string }[];
  readonly tookMs: number;
  readonly sizeBytes: number;
}

/** Asks and reads; throws AppError ERR_COMPLIANCE_ASK when nothing usable comes in time. */
export const inquire = async (inquiry: Inquiry): Promise<Reading> => {
  const Packet = loadPacket();
  const query = new Packet();
  query.header.id = Packet.uuid();
  query.header.rd = 1;
  query.questions.push(new Packet.Question(inquiry.name.replace(/\.$/, ''), inquiry.type, CLASS.IN));
  const bytes = withOpt(query.toBuffer(), inquiry.dnssecOk);
  const startMs = performance.now();
  const message = await (inquiry.transport === 'udp' ? exchangeUdp : exchangeTcp)(inquiry, bytes);
  return { ...read(inquiry, message), tookMs: Math.round((performance.now() - startMs) * 10) / 10 };
};

/** dns2 writes no OPT record without a client subnet, so it is added to the finished query. */
const withOpt = (query: Uint8Array, dnssecOk: boolean): Uint8Array => {
  const opt = Uint8Array.of(0, 0, TYPE.OPT, UDP_LENGTH_MAX >>> 8, UDP_LENGTH_MAX & 0xff, 0, 0, 0, 0, 0, 0);
  if (dnssecOk) opt[7] = EDNS_DO >>> 8;
  const bytes = new Uint8Array(query.length + opt.length);
  bytes.set(query);
  bytes.set(opt, query.length);
  bytes[11] = 1;
  return bytes;
};

const failure = (inquiry: Inquiry, reason: string, cause?: unknown): AppError<'ERR_COMPLIANCE_ASK'> =>
  new AppError(
    'ERR_COMPLIANCE_ASK',
    `asking ${formatEndpoint(inquiry.server)} for ${inquiry.name}: ${reason}`,
    {
      cause,
    },
  );

const exchangeUdp = (inquiry: Inquiry, query: Uint8Array): Promise<Uint8Array> =>
  new Promise((resolve, reject) => {
    const { server, timeoutMs } = inquiry;
    const socket = createSocket(server.family === 6 ? 'udp6' : 'udp4');
    const finish = (act: () => void): void => {
      clearTimeout(timer);
      socket.close();
      act();
    };
    const timer = setTimeout(() => {
      finish(() => reject(failure(inquiry, `no answer in ${timeoutMs} ms`)));
    }, timeoutMs);
    socket.once('error', (error) => finish(() => reject(failure(inquiry, error.message, error))));
    socket.on('message', (message) => {
      if (isAnswerTo(query, message)) finish(() => resolve(message));
    });
    socket.connect(server.port, server.address, () => socket.send(query));
  });

const exchangeTcp = (inquiry: Inquiry, query: Uint8Array): Promise<Uint8Array> =>
  new Promise((resolve, reject) => {
    const { server, timeoutMs } = inquiry;
    let received = Buffer.alloc(0);
    const socket = connect(server.port, server.address, () => {
      socket.write(Uint8Array.of(query.length >>> 8, query.length & 0xff, ...query));
    });
    const finish = (act: () => void): void => {
      clearTimeout(timer);
      socket.destroy();
      act();
    };
    const timer = setTimeout(() => {
      finish(() => reject(failure(inquiry, `no answer in ${timeoutMs} ms`)));
    }, timeoutMs);
    socket.on('error', (error) => finish(() => reject(failure(inquiry, error.message, error))));
    socket.on('close', () => finish(() => reject(failure(inquiry, 'the connection was closed'))));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      const end = received.length < 2 ? MESSAGE_LENGTH_MAX + 2 : 2 + readU16(received, 0);
      const message = received.subarray(2, end);
      if (received.length >= end && isAnswerTo(query, message)) finish(() => resolve(message));
    });
  });

/** ID, QR and question of the answer are those of the query (RFC 5452 section 9.1). */
const isAnswerTo = (query: Uint8Array, message: Uint8Array): boolean => {
  if (message.length < query.length - 11 || (readU16(message, 2) & FLAG.QR) === 0) return false;
  if (readU16(message, 0) !== readU16(query, 0) || readU16(message, 4) !== 1) return false;
  const questionEnd = query.length - 11;
  return Buffer.from(query.subarray(12, questionEnd)).equals(message.subarray(12, questionEnd));
};

const read = (inquiry: Inquiry, message: Uint8Array): Omit<Reading, 'tookMs'> => {
  let packet: Packet;
  try {
    packet = loadPacket().parse(Buffer.from(message));
  } catch (cause) {
    throw failure(inquiry, 'the answer cannot be read', cause);
  }
  if (packet.errors.length > 0) throw failure(inquiry, 'the answer is malformed', packet.errors[0]);
  const flags = Object.entries(FLAG)
    .filter(([name, bit]) => name !== 'Z' && (readU16(message, 2) & bit) !== 0)
    .map(([name]) => name.toLowerCase());
  return {
    rcode: formatRcode(messageRcode(message)),
    flags,
    answers: packet.answers.map(toRecord),
    authorities: packet.authorities.map(toRecord),
    ede: packet.additionals.flatMap(toEde),
    sizeBytes: message.length,
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

const toEde = (record: Resource): { infoCode: number; text: string }[] => {
  const { rdata } = record as unknown as { rdata?: unknown };
  if (!Array.isArray(rdata)) return [];
  return rdata.flatMap((option: unknown) => {
    if (typeof option !== 'object' || option === null || !('infoCode' in option)) return [];
    const text = 'extraText' in option ? String(option.extraText) : '';
    return [{ infoCode: Number(option.infoCode), text }];
  });
};
