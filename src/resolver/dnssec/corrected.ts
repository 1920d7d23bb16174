// Messages as validation leaves them: with the RCODE that a proof shows, without what was not verified. Allocates: most
// answers need neither.
import {
  copyName,
  expandRdata,
  FLAG,
  foldedName,
  HEADER_LENGTH,
  MESSAGE_LENGTH_MAX,
  MessageBuilder,
  messageFlags,
  messageId,
  questionEnd,
  RecordReader,
  readU16,
  SECTION,
  TYPE,
  writeU16,
} from '../../wire/dns/dns.ts';

/** A copy with another RCODE. */
export const withRcode = (message: Uint8Array, rcode: number): Uint8Array => {
  const copy = message.slice();
  writeU16(copy, 2, (messageFlags(message) & ~0xf) | rcode);
  return copy;
};

const reader = new RecordReader();
/** Messages are put together here, one after the other, and copied. */
const scratch = new Uint8Array(MESSAGE_LENGTH_MAX);

/** Copies a message, of AUTHORITY only records and signatures of RRsets that are to stay. */
export const copyWithout = (
  message: Uint8Array,
  stays: (owner: Uint8Array, type: number) => boolean,
): Uint8Array | undefined => {
  const start = questionEnd(message, message.length);
  const qname = copyName(message, HEADER_LENGTH, message.length);
  if (start < 0 || qname === undefined) return undefined;
  const builder = new MessageBuilder(scratch);
  builder.start(messageId(message), messageFlags(message) & ~FLAG.TC);
  builder.question(qname, readU16(message, start - 4), readU16(message, start - 2));
  reader.reset(message, message.length, start);
  while (reader.next()) {
    const { section, type, rdataOffset, rdataLength } = reader;
    const owner = copyName(message, reader.ownerOffset, message.length);
    const rdata = expandRdata(message, rdataOffset, rdataLength, type, message.length);
    if (owner === undefined || rdata === undefined) return undefined;
    if (section === SECTION.AUTHORITY) {
      if (!stays(foldedName(owner), type === TYPE.RRSIG ? readU16(rdata, 0) : type)) continue;
    }
    builder.record(section, owner, type, reader.class, reader.ttl, rdata);
  }
  return builder.overflow || reader.fault ? undefined : builder.finish().slice();
};
