// DNS over HTTPS in JSON, for scripts and pages that cannot read DNS: a GET with a name and a type in its path, and the records of the
// answer as texts. No RFC has it; the members are those that public resolvers have in common. Only with `doh.json`.
//
// A request becomes a query that is decided like any other one, so that lists, groups, identities and records are the same.
import {
  CLASS,
  copyName,
  expandRdata,
  FLAG,
  formatEde,
  formatName,
  formatRdata,
  HEADER_LENGTH,
  MessageBuilder,
  messageFlags,
  messageRcode,
  OPT_LENGTH,
  parseName,
  parseType,
  questionEnd,
  RCODE,
  RecordReader,
  readEde,
  readOptions,
  readU16,
  SECTION,
  TYPE,
  UDP_LENGTH_MAX,
  writeOpt,
  writeU16,
} from '../../wire/dns/dns.ts';
import { accepts, type RequestHead, readResource, STATUS } from './http-request.ts';

export const JSON_MEDIA_TYPE = 'application/dns-json';

/** Where the header counts the records of ADDITIONAL. */
const ARCOUNT_OFFSET = 10;
/** Characters of an answer: four times what the longest message of everyday names needs, far below what pointers can make of one. */
const TEXT_LENGTH_MAX = 1 << 19;
const MEDIA_RANGES = new Set([JSON_MEDIA_TYPE, 'application/json', 'application/*', '*/*', '']);
/** How public resolvers take flags. */
const FLAG_VALUES: Readonly<Record<string, boolean>> = {
  '1': true,
  true: true,
  '0': false,
  false: false,
  '': false,
};

/** True for a GET that names what it asks for in words. */
export const asksInWords = ({ method, path }: RequestHead): boolean => {
  const mark = path.indexOf('?');
  return mark >= 0 && method !== 'POST' && /[?&]name=/.test(path) && !/[?&]dns=/.test(path);
};

/** Reads a request for which asksInWords() holds: the length of its query, which was written into `out`, or a STATUS with a minus. */
export const readWords = ({ method, path, accept }: RequestHead, out: Uint8Array): number => {
  const mark = readResource(path);
  if (mark < 0) return mark;
  if (method !== 'GET' && method !== 'HEAD') return -STATUS.METHOD_NOT_ALLOWED;
  if (accept !== undefined && !accepts(accept, MEDIA_RANGES)) return -STATUS.NOT_ACCEPTABLE;
  const parameters = new URLSearchParams(path.slice(mark + 1));
  const name = readOnce(parameters, 'name');
  const wire = name === undefined || name === '' ? 'none' : parseName(name);
  const type = readType(readOnce(parameters, 'type'));
  const [dnssecOk, checkingDisabled] = [readFlag(parameters, 'do'), readFlag(parameters, 'cd')];
  if (
    typeof wire === 'string' ||
    type === undefined ||
    dnssecOk === undefined ||
    checkingDisabled === undefined
  )
    return -STATUS.BAD_REQUEST;
  // AD: whoever reads JSON wants to know whether the answer was validated (RFC 6840 section 5.7).
  const flags = FLAG.RD | FLAG.AD | (checkingDisabled ? FLAG.CD : 0);
  const builder = new MessageBuilder(out);
  builder.start(0, flags).question(wire, type, CLASS.IN);
  writeOpt(out, builder.length, UDP_LENGTH_MAX, RCODE.NOERROR, dnssecOk);
  writeU16(out, ARCOUNT_OFFSET, 1);
  return builder.length + OPT_LENGTH;
};

/** The answer as JSON, in UTF-8. What would make it too long is left out, and TC says so. */
export const toJson = (message: Uint8Array, length: number): Buffer => {
  const flags = messageFlags(message);
  const is = (flag: number): boolean => (flags & flag) !== 0;
  const found = readRecords(message, length);
  const text = JSON.stringify({
    Status: messageRcode(message) | (found.rcodeHigh << 4),
    TC: is(FLAG.TC) || found.isCut,
    RD: is(FLAG.RD),
    RA: is(FLAG.RA),
    AD: is(FLAG.AD),
    CD: is(FLAG.CD),
    Question: readQuestion(message, length),
    ...(found.answer.length > 0 && { Answer: found.answer }),
    ...(found.authority.length > 0 && { Authority: found.authority }),
    ...(found.comments.length > 0 && { Comment: found.comments }),
  });
  return Buffer.from(text);
};

/** The only value of a parameter; undefined: there are several. */
const readOnce = (parameters: URLSearchParams, name: string): string | undefined => {
  const values = parameters.getAll(name);
  return values.length > 1 ? undefined : (values[0] ?? '');
};

/** A mnemonic or a number; A when there is none. */
const readType = (text: string | undefined): number | undefined => {
  if (text === undefined) return undefined;
  if (text === '') return TYPE.A;
  return parseType(/^\d{1,5}$/.test(text) ? `TYPE${text}` : text);
};

const readFlag = (parameters: URLSearchParams, name: string): boolean | undefined => {
  const text = readOnce(parameters, name);
  return text === undefined || !Object.hasOwn(FLAG_VALUES, text) ? undefined : FLAG_VALUES[text];
};

const readQuestion = (message: Uint8Array, length: number): { name: string; type: number }[] => {
  const end = questionEnd(message, length);
  const name = end < 0 ? undefined : copyName(message, HEADER_LENGTH, length);
  return name === undefined ? [] : [{ name: formatName(name), type: readU16(message, end - 4) }];
};

interface JsonRecord {
  readonly name: string;
  readonly type: number;
  readonly TTL: number;
  readonly data: string;
}

interface Found {
  readonly answer: JsonRecord[];
  readonly authority: JsonRecord[];
  /** Extended DNS errors (RFC 8914). */
  readonly comments: string[];
  rcodeHigh: number;
  isCut: boolean;
}

const readRecords = (message: Uint8Array, length: number): Found => {
  const found: Found = { answer: [], authority: [], comments: [], rcodeHigh: 0, isCut: false };
  const start = questionEnd(message, length);
  if (start < 0) return found;
  const reader = new RecordReader();
  reader.reset(message, length, start);
  let textLength = 0;
  while (reader.next()) {
    const { section, type, ttl, rdataOffset, rdataLength } = reader;
    if (section === SECTION.ADDITIONAL) {
      if (type !== TYPE.OPT) continue;
      found.rcodeHigh = ttl >>> 24;
      for (const option of readOptions(message, rdataOffset, rdataLength)) {
        const ede = readEde(option);
        if (ede === undefined) continue;
        const { infoCode, text } = ede;
        found.comments.push(`EDE(${infoCode}): ${formatEde(infoCode)}${text && `, ${text}`}`);
      }
      continue;
    }
    const owner = copyName(message, reader.ownerOffset, length);
    const rdata = expandRdata(message, rdataOffset, rdataLength, type, length);
    if (owner === undefined || rdata === undefined || found.isCut) continue;
    const record = { name: formatName(owner), type, TTL: ttl, data: formatRdata(type, rdata) };
    textLength += record.name.length + record.data.length;
    if (textLength > TEXT_LENGTH_MAX) found.isCut = true;
    else (section === SECTION.ANSWER ? found.answer : found.authority).push(record);
  }
  return found;
};
