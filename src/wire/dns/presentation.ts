// Records and whole messages in presentation format (RFC 1035 section 5, RFC 3597 section 5).
//
// parseRecord reads what operators and tests write, and throws ERR_DNS_PRESENTATION with the column. The format
// functions take bytes as the network sent them and never throw: formatMessage writes whatever can be read of a
// message and says where it stopped. Texts for people and logs; nothing on the query path calls this file.
import { type EdnsOption, readEde, readOptions } from './edns.ts';
import {
  copyName,
  messageFlags,
  messageId,
  messageOpcode,
  messageRcode,
  RecordReader,
  readU16,
  SECTION,
  sectionCount,
} from './message.ts';
import { formatName, parseName, skipName } from './name.ts';
import { expandRdata } from './rdata.ts';
import { formatRdata, readRdata } from './rdata-text.ts';
import {
  CLASS,
  EDNS_DO,
  FLAG,
  formatClass,
  formatEde,
  formatOpcode,
  formatRcode,
  formatType,
  HEADER_LENGTH,
  OPTION,
  parseClass,
  parseType,
  TYPE,
} from './registry.ts';
import { formatHex, quoteText, TokenReader } from './text.ts';

/** Longest text of a message: 16 characters per byte, far more than any message without a compression bomb needs. */
const MESSAGE_TEXT_LENGTH_MAX = 1 << 20;
/** Longest TTL (RFC 2181 section 8). */
const TTL_SEC_MAX = 0x7fffffff;

/** One record on its own: names uncompressed. */
export interface ResourceRecord {
  readonly owner: Uint8Array;
  readonly type: number;
  readonly class: number;
  /** Seconds. */
  readonly ttl: number;
  readonly rdata: Uint8Array;
}

/**
 * Reads one record: `www.example.com. 300 IN A 192.0.2.1`.
 *
 * TTL and class may change places (RFC 1035 section 5.1); the class may be left out and is IN then, the TTL only
 * when `ttlSecDefault` is given. Names are absolute with or without their final dot.
 */
export const parseRecord = (text: string, ttlSecDefault?: number): ResourceRecord => {
  const tokens = new TokenReader(text);
  const ownerToken = tokens.take('the owner name');
  const owner = ownerToken.text === '' ? 'empty-label' : parseName(ownerToken.text);
  if (typeof owner === 'string') throw tokens.fault(`the owner is not a name (${owner})`, ownerToken);
  let ttl: number | undefined;
  let recordClass: number | undefined;
  for (;;) {
    const token = tokens.take('the type');
    if (ttl === undefined && /^\d{1,10}$/.test(token.text)) {
      ttl = Number(token.text);
      if (ttl > TTL_SEC_MAX) throw tokens.fault(`the TTL is over ${TTL_SEC_MAX}`, token);
      continue;
    }
    if (recordClass === undefined) {
      recordClass = parseClass(token.text);
      if (recordClass !== undefined) continue;
    }
    const type = parseType(token.text);
    if (type === undefined) throw tokens.fault('a type is expected', token);
    ttl ??= ttlSecDefault;
    if (ttl === undefined) throw tokens.fault('the TTL is missing before the type', token);
    return { owner, type, class: recordClass ?? CLASS.IN, ttl, rdata: readRdata(type, tokens) };
  }
};

/** The text of one record, which parseRecord reads back. */
export const formatRecord = (record: ResourceRecord): string =>
  `${formatName(record.owner)} ${record.ttl} ${formatClass(record.class)} ${formatType(record.type)} ${formatRdata(record.type, record.rdata)}`;

/** A message as text in the manner of dig: header, EDNS, questions, sections. Takes any bytes. */
export const formatMessage = (bytes: Uint8Array): string => {
  if (bytes.length < HEADER_LENGTH) return `;; ${bytes.length} bytes: not a DNS message`;
  const lines = new Lines();
  const recordsOffset = formatQuestions(bytes, lines);
  if (recordsOffset >= 0) formatSections(bytes, recordsOffset, lines);
  return [formatHeader(bytes, lines.rcodeHigh), ...lines.edns, ...lines.text].join('\n');
};

/** Collects lines up to the bound. */
class Lines {
  readonly edns: string[] = [];
  readonly text: string[] = [];
  /** The upper eight bits of the RCODE, which only the OPT record tells. */
  rcodeHigh = 0;
  #length = 0;

  /** Adds a line; false once the bound is reached. */
  push(line: string): boolean {
    this.#length += line.length;
    if (this.#length > MESSAGE_TEXT_LENGTH_MAX) {
      this.text.push(';; the rest is left out');
      return false;
    }
    this.text.push(line);
    return true;
  }
}

const SECTION_NAMES = ['ANSWER', 'AUTHORITY', 'ADDITIONAL'] as const;

const formatHeader = (bytes: Uint8Array, rcodeHigh: number): string => {
  const rcode = formatRcode((rcodeHigh << 4) | messageRcode(bytes));
  const flags = Object.entries(FLAG)
    .filter(([, bit]) => (messageFlags(bytes) & bit) !== 0)
    .map(([name]) => name.toLowerCase());
  const counts = SECTION_NAMES.map((name, section) => `${name}: ${sectionCount(bytes, section)}`);
  return [
    `;; opcode: ${formatOpcode(messageOpcode(bytes))}, status: ${rcode}, id: ${messageId(bytes)}`,
    `;; flags: ${flags.join(' ')}; QUESTION: ${readU16(bytes, 4)}, ${counts.join(', ')}`,
  ].join('\n');
};

/** Writes the question section; returns the offset after it or -1 when it is malformed. */
const formatQuestions = (bytes: Uint8Array, lines: Lines): number => {
  let at = HEADER_LENGTH;
  const count = readU16(bytes, 4);
  if (count > 0) lines.push('\n;; QUESTION SECTION:');
  for (let i = 0; i < count; i++) {
    const fixed = skipName(bytes, at, bytes.length);
    const name = copyName(bytes, at, bytes.length);
    if (fixed < 0 || fixed + 4 > bytes.length || name === undefined) {
      lines.push(`;; malformed at byte ${at}`);
      return -1;
    }
    const words = [
      formatName(name),
      formatClass(readU16(bytes, fixed + 2)),
      formatType(readU16(bytes, fixed)),
    ];
    if (!lines.push(`;${words.join(' ')}`)) return -1;
    at = fixed + 4;
  }
  return at;
};

const formatSections = (bytes: Uint8Array, recordsOffset: number, lines: Lines): void => {
  const reader = new RecordReader();
  reader.reset(bytes, bytes.length, recordsOffset);
  let sectionBefore = -1;
  while (reader.next()) {
    if (reader.type === TYPE.OPT && reader.section === SECTION.ADDITIONAL && lines.edns.length === 0) {
      formatOpt(reader, lines);
      continue;
    }
    if (reader.section !== sectionBefore) {
      lines.push(`\n;; ${SECTION_NAMES[reader.section] ?? ''} SECTION:`);
      sectionBefore = reader.section;
    }
    if (!lines.push(formatCurrent(reader))) return;
  }
  if (reader.fault) lines.push(`;; malformed at byte ${reader.offset}`);
  else if (reader.offset < reader.end)
    lines.push(`;; ${reader.end - reader.offset} bytes follow the last record`);
};

/** The record that a reader stands on; RDATA that cannot be expanded in the generic form. */
const formatCurrent = (reader: RecordReader): string => {
  const { bytes, end, type, ttl, rdataOffset, rdataLength } = reader;
  const owner = copyName(bytes, reader.ownerOffset, end);
  if (owner === undefined) return `;; malformed owner at byte ${reader.ownerOffset}`;
  const rdata =
    expandRdata(bytes, rdataOffset, rdataLength, type, end) ??
    bytes.subarray(rdataOffset, rdataOffset + rdataLength);
  return formatRecord({ owner, type, class: reader.class, ttl, rdata });
};

const formatOpt = (opt: RecordReader, lines: Lines): void => {
  lines.rcodeHigh = opt.ttl >>> 24;
  const version = (opt.ttl >>> 16) & 0xff;
  const flags = (opt.ttl & EDNS_DO) === 0 ? '' : ' do';
  lines.edns.push(`;; EDNS: version: ${version}, flags:${flags}; udp: ${opt.class}`);
  for (const option of readOptions(opt.bytes, opt.rdataOffset, opt.rdataLength)) {
    lines.edns.push(`;; ${formatOption(option)}`);
  }
};

const optionNames: ReadonlyMap<number, string> = new Map(
  Object.entries(OPTION).map(([name, code]) => [code, name.replaceAll('_', '-')]),
);

const formatOption = (option: EdnsOption): string => {
  const name = optionNames.get(option.code) ?? `OPT${option.code}`;
  const ede = readEde(option);
  if (ede !== undefined) {
    const text = ede.text === '' ? '' : ` ${quoteText(Buffer.from(ede.text, 'utf8'))}`;
    return `${name}: ${ede.infoCode} (${formatEde(ede.infoCode)})${text}`;
  }
  if (option.code === OPTION.PADDING) return `${name}: ${option.data.length} bytes`;
  return `${name}: ${formatHex(option.data)}`;
};
