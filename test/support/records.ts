// Messages for tests, written and compared in presentation format (RFC 1035 section 5).
//
//   buildResponse({ question: 'www.example.com. A', answer: ['www.example.com. 300 IN A 192.0.2.1'] })
//   parseMessage(bytes).answer → ['www.example.com. 300 IN A 192.0.2.1']
import {
  CLASS,
  copyName,
  expandRdata,
  FLAG,
  formatClass,
  formatName,
  formatRecord,
  formatType,
  MESSAGE_LENGTH_MAX,
  MessageBuilder,
  messageFlags,
  messageId,
  nameFrom,
  parseClass,
  parseRecord,
  parseType,
  questionEnd,
  RecordReader,
  readU16,
  SECTION,
} from '../../src/wire/dns/dns.ts';

/** A message to build. Records are texts that parseRecord reads. */
export interface MessageText {
  readonly id?: number;
  /** The 16 bits after the id, RCODE included; QR RD RA for a response and RD for a query by default. */
  readonly flags?: number;
  /** `NAME TYPE` or `NAME CLASS TYPE`. */
  readonly question?: string;
  readonly answer?: readonly string[];
  readonly authority?: readonly string[];
  readonly additional?: readonly string[];
  /** Adds an OPT record with this UDP length and, in its TTL, extended RCODE, version and flags. */
  readonly edns?: { readonly udpLength?: number; readonly ttl?: number; readonly options?: Uint8Array };
}

/** A message as texts. */
export interface ParsedMessage {
  readonly id: number;
  readonly flags: number;
  readonly question: string;
  readonly answer: readonly string[];
  readonly authority: readonly string[];
  /** Without OPT. */
  readonly additional: readonly string[];
  /** The whole OPT record, if there is one. */
  readonly opt:
    | { readonly udpLength: number; readonly ttl: number; readonly options: Uint8Array }
    | undefined;
  /** False when the message did not end where its header and lengths say. */
  readonly isSound: boolean;
}

const ROOT = nameFrom('.');

/** The bytes of a response. */
export const buildResponse = (text: MessageText): Uint8Array =>
  buildMessage({ flags: FLAG.QR | FLAG.RD | FLAG.RA, ...text });

/** The bytes of a query. */
export const buildQuery = (question: string, text: MessageText = {}): Uint8Array =>
  buildMessage({ flags: FLAG.RD, question, ...text });

const buildMessage = (text: MessageText): Uint8Array => {
  const builder = new MessageBuilder(new Uint8Array(MESSAGE_LENGTH_MAX)).start(text.id ?? 1, text.flags ?? 0);
  if (text.question !== undefined) addQuestion(builder, text.question);
  const sections = [text.answer, text.authority, text.additional];
  for (const [section, records] of sections.entries()) {
    for (const record of records ?? []) {
      const { owner, type, class: recordClass, ttl, rdata } = parseRecord(record);
      builder.record(section, owner, type, recordClass, ttl, rdata);
    }
  }
  if (text.edns !== undefined) {
    const { udpLength = 1232, ttl = 0, options = new Uint8Array(0) } = text.edns;
    builder.record(SECTION.ADDITIONAL, ROOT, parseType('OPT') ?? 0, udpLength, ttl, options);
  }
  if (builder.overflow) throw new RangeError('the message of a test is over 65535 bytes');
  return builder.finish().slice();
};

const addQuestion = (builder: MessageBuilder, question: string): void => {
  const words = question.split(/\s+/);
  const type = parseType(words.at(-1) ?? '');
  const questionClass = words.length === 3 ? parseClass(words[1] ?? '') : CLASS.IN;
  if (type === undefined || questionClass === undefined || words.length > 3 || words.length < 2)
    throw new TypeError(`"${question}" is not a question`);
  builder.question(nameFrom(words[0] ?? ''), type, questionClass);
};

/** The texts of a message. Records that cannot be read are left out, and isSound is false. */
export const parseMessage = (bytes: Uint8Array): ParsedMessage => {
  const sections: [string[], string[], string[]] = [[], [], []];
  let opt: ParsedMessage['opt'];
  const recordsOffset = questionEnd(bytes, bytes.length);
  const reader = new RecordReader();
  reader.reset(bytes, bytes.length, recordsOffset < 0 ? 12 : recordsOffset);
  let isSound = true;
  while (reader.next()) {
    const { section, type, ttl, rdataOffset, rdataLength, end } = reader;
    if (type === parseType('OPT')) {
      const options = bytes.slice(rdataOffset, rdataOffset + rdataLength);
      opt = { udpLength: reader.class, ttl, options };
      continue;
    }
    const owner = copyName(bytes, reader.ownerOffset, end);
    const rdata = expandRdata(bytes, rdataOffset, rdataLength, type, end);
    if (owner === undefined || rdata === undefined) isSound = false;
    else sections[section]?.push(formatRecord({ owner, type, class: reader.class, ttl, rdata }));
  }
  return {
    id: messageId(bytes),
    flags: messageFlags(bytes),
    question: recordsOffset < 0 ? '' : formatQuestion(bytes, recordsOffset),
    answer: sections[0],
    authority: sections[1],
    additional: sections[2],
    opt,
    isSound: isSound && !reader.fault && reader.offset === bytes.length,
  };
};

const formatQuestion = (bytes: Uint8Array, end: number): string => {
  const name = copyName(bytes, 12, bytes.length);
  const questionClass = readU16(bytes, end - 2);
  const words = name === undefined ? ['?'] : [formatName(name)];
  if (questionClass !== CLASS.IN) words.push(formatClass(questionClass));
  return [...words, formatType(readU16(bytes, end - 4))].join(' ');
};
