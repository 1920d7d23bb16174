// Question and answers of a DNS message that a log has as bytes.
import type { ReplayedRecord } from '../../resolver/inquiry/inquiry.ts';
import {
  copyName,
  expandRdata,
  formatName,
  formatRdata,
  formatType,
  HEADER_LENGTH,
  RecordReader,
  readU16,
  SECTION,
  skipName,
} from '../../wire/dns/dns.ts';

/** What a message says, in presentation format. */
export interface MessageText {
  readonly name: string;
  readonly type: string;
  readonly records: readonly ReplayedRecord[];
}

/** Reads a message; undefined for one that asks for nothing. */
export const readMessageText = (message: Uint8Array): MessageText | undefined => {
  if (message.length < HEADER_LENGTH || readU16(message, 4) !== 1) return undefined;
  const name = copyName(message, HEADER_LENGTH, message.length);
  const fixed = skipName(message, HEADER_LENGTH, message.length);
  if (name === undefined || fixed < 0 || fixed + 4 > message.length) return undefined;
  const records: ReplayedRecord[] = [];
  const reader = new RecordReader();
  reader.reset(message, message.length, fixed + 4);
  while (reader.next() && reader.section === SECTION.ANSWER) {
    const owner = copyName(message, reader.ownerOffset, message.length);
    const { type, rdataOffset, rdataLength } = reader;
    const rdata = expandRdata(message, rdataOffset, rdataLength, type, message.length);
    if (owner !== undefined && rdata !== undefined)
      records.push({ name: formatName(owner), type: formatType(type), data: formatRdata(type, rdata) });
  }
  return { name: formatName(name), type: formatType(readU16(message, fixed)), records };
};

/** The records as one text. */
export const textOfRecords = (records: readonly ReplayedRecord[]): string =>
  records.map(({ name, type, data }) => `${name} ${type} ${data}`).join('\n');
