// The query that an upstream gets. Hot file.
//
// RFC 1035 section 4.1, RFC 6891 (OPT with a size that no path fragments), RFC 3225 (DO), RFC 4035 section 3.2.2
// (CD), RFC 6840 section 5.7 (AD), RFC 7873 (cookie), RFC 8467 (padding). No client subnet and no other option goes
// out: an upstream learns nothing about who asked.
import {
  FLAG,
  HEADER_LENGTH,
  OPT_LENGTH,
  OPTION,
  type Question,
  RCODE,
  UDP_LENGTH_MAX,
  writeOpt,
  writeU16,
} from '../../wire/dns/dns.ts';

/** QTYPE and QCLASS. */
export const QUESTION_TAIL_LENGTH = 4;
/** Code and length before the data of an option (RFC 6891 section 6.1.2). */
export const OPTION_HEADER_LENGTH = 4;
/** Padded queries are a multiple of this (RFC 8467 section 4.1). */
const PADDING_BLOCK = 128;

/** What the OPT record of a query is for: `padded` is for encrypted servers, where only the length can be seen. */
export type QueryForm = 'bare' | 'edns' | 'padded';

/** A query for the question in memory of its own, for a send that may have to wait and reads it later. */
export const createQuery = (
  id: number,
  question: Question,
  form: QueryForm,
  cookie: Uint8Array | undefined,
): Uint8Array => scratch.slice(0, writeQuery(scratch, id, question, form, cookie));

/**
 * Writes the query for the question and returns its length, QUERY_LENGTH_MAX at most; `bare` is without OPT, and then
 * without a cookie.
 */
export const writeQuery = (
  out: Uint8Array,
  id: number,
  question: Question,
  form: QueryForm,
  cookie: Uint8Array | undefined,
): number => {
  const { name } = question;
  const fixed = HEADER_LENGTH + name.length;
  const optOffset = fixed + QUESTION_TAIL_LENGTH;
  const hasEdns = form !== 'bare';
  let end = optOffset;
  if (hasEdns) end += OPT_LENGTH + (cookie === undefined ? 0 : OPTION_HEADER_LENGTH + cookie.length);
  const paddingOffset = end;
  if (form === 'padded') end = Math.ceil((end + OPTION_HEADER_LENGTH) / PADDING_BLOCK) * PADDING_BLOCK;
  writeU16(out, 0, id);
  writeU16(out, 2, flagsOf(question));
  writeU16(out, 4, 1);
  writeU16(out, 6, 0);
  writeU16(out, 8, 0);
  writeU16(out, 10, hasEdns ? 1 : 0);
  for (let i = 0; i < name.length; i++) out[HEADER_LENGTH + i] = name[i] ?? 0;
  writeU16(out, fixed, question.type);
  writeU16(out, fixed + 2, question.class);
  if (!hasEdns) return end;
  const optionsOffset = writeOpt(out, optOffset, UDP_LENGTH_MAX, RCODE.NOERROR, question.dnssecOk);
  if (optionsOffset === end) return end;
  writeU16(out, optionsOffset - 2, end - optionsOffset);
  if (cookie !== undefined) {
    writeU16(out, optionsOffset, OPTION.COOKIE);
    writeU16(out, optionsOffset + 2, cookie.length);
    out.set(cookie, optionsOffset + OPTION_HEADER_LENGTH);
  }
  if (form === 'padded') {
    // Zeros, because what lay in this memory before is nobody's business (RFC 7830 section 3).
    out.fill(0, paddingOffset, end);
    writeU16(out, paddingOffset, OPTION.PADDING);
    writeU16(out, paddingOffset + 2, end - paddingOffset - OPTION_HEADER_LENGTH);
  }
  return end;
};

/** Longer than the longest name with all that may follow it, padding included. */
export const QUERY_LENGTH_MAX = 512;
const scratch = new Uint8Array(QUERY_LENGTH_MAX);

const flagsOf = (question: Question): number => {
  let flags: number = FLAG.RD;
  if (question.checkingDisabled) flags |= FLAG.CD;
  if (question.wantsAd) flags |= FLAG.AD;
  return flags;
};
