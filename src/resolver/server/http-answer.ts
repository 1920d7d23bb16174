// How long an answer over HTTPS is fresh (RFC 8484 section 5.1): as long as all of its records. Hot file.
import {
  messageRcode,
  questionEnd,
  RCODE,
  RecordReader,
  readU32,
  SECTION,
  TYPE,
} from '../../wire/dns/dns.ts';

const records = new RecordReader();

/** Bytes of the field MINIMUM, the last one of an SOA record (RFC 2308 section 4). */
const SOA_MINIMUM_BYTES = 4;

/**
 * Seconds that an answer may be kept: the smallest TTL of the section ANSWER and, where it is negative, what its SOA says.
 * 0: not at all.
 */
export const freshnessSec = (message: Uint8Array, length: number): number => {
  const rcode = messageRcode(message);
  if (rcode !== RCODE.NOERROR && rcode !== RCODE.NXDOMAIN) return 0;
  const start = questionEnd(message, length);
  if (start < 0) return 0;
  let sec = Number.POSITIVE_INFINITY;
  records.reset(message, length, start);
  while (records.next()) {
    const { section, ttl } = records;
    if (section === SECTION.ANSWER) sec = Math.min(sec, ttl);
    else if (section === SECTION.AUTHORITY && records.type === TYPE.SOA) {
      const minimum = readU32(message, records.rdataOffset + records.rdataLength - SOA_MINIMUM_BYTES);
      sec = Math.min(sec, ttl, minimum);
    }
  }
  return sec === Number.POSITIVE_INFINITY ? 0 : sec;
};
