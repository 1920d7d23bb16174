// Whether a message answers a question, and what this room has to know of it. Hot file.
//
// RFC 5452 section 9.1 (header and question), RFC 6891 section 6.1.3 (RCODE), RFC 7873 (cookie), RFC 8914 (EDE).
import {
  EDE,
  FLAG,
  HEADER_LENGTH,
  messageFlags,
  messageOpcode,
  messageRcode,
  nameEquals,
  OPCODE,
  OPTION,
  type Question,
  RCODE,
  RecordReader,
  readU16,
  SECTION,
  TYPE,
} from '../../wire/dns/dns.ts';
import type { UnwantedReason } from './exchange.ts';
import { OPTION_HEADER_LENGTH, QUESTION_TAIL_LENGTH } from './query.ts';

/** Stands for an EDE that is not there. */
const NO_EDE = -1;

/** Why the message is no answer to the question; undefined when it is one. No question: none waits for its ID. */
export const findFlaw = (message: Uint8Array, question: Question | undefined): UnwantedReason | undefined => {
  if (message.length < HEADER_LENGTH) return 'short';
  if ((messageFlags(message) & FLAG.QR) === 0 || messageOpcode(message) !== OPCODE.QUERY) return 'header';
  if (question === undefined) return 'id';
  return repeatsQuestion(message, question) ? undefined : 'question';
};

/** True when the header claims a question; what findFlaw() lets through has one then, and none otherwise. */
export const hasQuestion = (message: Uint8Array): boolean => readU16(message, 4) !== 0;

/**
 * True when the message repeats the question, letters folded.
 *
 * A FORMERR may come without a question: a server that stumbled over OPT has often read none.
 */
export const repeatsQuestion = (message: Uint8Array, question: Question): boolean => {
  const count = readU16(message, 4);
  if (count === 0) return messageRcode(message) === RCODE.FORMERR;
  const { name } = question;
  const fixed = HEADER_LENGTH + name.length;
  return (
    count === 1 &&
    fixed + QUESTION_TAIL_LENGTH <= message.length &&
    nameEquals(message, HEADER_LENGTH, name, 0, name.length) &&
    readU16(message, fixed) === question.type &&
    readU16(message, fixed + 2) === question.class
  );
};

/** Reads what follows the question. One object serves all messages; read() overwrites it. */
export class ResponseReader {
  /** All twelve bits. */
  rcode = 0;
  /** The data of the COOKIE option; the length is -1 when there is none. */
  cookieOffset = 0;
  cookieLength = -1;
  #edeCode: number = NO_EDE;
  readonly #records = new RecordReader();

  /** True for an Extended DNS Error that blames the data of a zone: another server will find it no better. */
  get blamesZone(): boolean {
    return this.#edeCode >= EDE.DNSSEC_BOGUS && this.#edeCode <= EDE.NSEC_MISSING;
  }

  /** Reads a message without a flaw; false when its records do not parse. */
  read(message: Uint8Array, question: Question): boolean {
    const records = this.#records;
    const start = hasQuestion(message)
      ? HEADER_LENGTH + question.name.length + QUESTION_TAIL_LENGTH
      : HEADER_LENGTH;
    this.rcode = messageRcode(message);
    this.cookieLength = -1;
    this.#edeCode = NO_EDE;
    records.reset(message, message.length, start);
    while (records.next()) {
      if (records.type !== TYPE.OPT || records.section !== SECTION.ADDITIONAL) continue;
      this.rcode = ((records.ttl >>> 24) << 4) | messageRcode(message);
      if (records.rdataLength > 0) this.#readOptions(records);
    }
    return !records.fault;
  }

  #readOptions({ bytes, rdataOffset, rdataLength }: RecordReader): void {
    const end = rdataOffset + rdataLength;
    let at = rdataOffset;
    while (at + OPTION_HEADER_LENGTH <= end) {
      const code = readU16(bytes, at);
      const length = readU16(bytes, at + 2);
      const data = at + OPTION_HEADER_LENGTH;
      at = data + length;
      if (at > end) return;
      if (code === OPTION.COOKIE && this.cookieLength < 0) {
        this.cookieOffset = data;
        this.cookieLength = length;
      } else if (code === OPTION.EDE && length >= 2) {
        const infoCode = readU16(bytes, data);
        // Several may come (RFC 8914 section 2): one that blames the zone is not hidden by the others.
        if (!this.blamesZone) this.#edeCode = infoCode;
      }
    }
  }
}
