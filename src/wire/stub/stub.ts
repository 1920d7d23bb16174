// stub: a stub resolver that asks one server one question, for whoever has to see what a stranger's client sees.
//
// Invariants: it asks and reads with dns2, a DNS implementation that is not ours; it talks to servers that an operator named and
// is never on the way of a client's query; what cannot be read is a fault in words. RFC 1035.
export {
  askFailure,
  type EncodedQuery,
  encodeInquiry,
  type InquiryQuestion,
  inquire,
  inquireOrSilence,
  isAnswerTo,
  type Reading,
  type ReadRecord,
  readReply,
} from './dns2-client.ts';
