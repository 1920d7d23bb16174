// dns: the wire. Registries, names, message views, EDNS, SVCB, the builder and the presentation format.
//
// Invariants: no function throws or loops on bytes from the network; names are bytes, compared with ASCII letters
// folded (RFC 4343); no byte of a message is trusted before its bound was checked. Only texts that operators and
// tests write throw, with ERR_DNS_PRESENTATION. Imports base only.
// RFCs: 1035, 2181, 3225, 3597, 4343, 6840, 6891, 7873, 8914, 9460; words of RFC 9499.
export { BOGUS_MS } from './bad-cache.ts';
export { MessageBuilder } from './builder.ts';
export { ClientReport, REPORT_OPTION } from './client-report.ts';
export {
  createEde,
  type ExtendedError,
  findEde,
  findOpt,
  findOption,
  OPT_LENGTH,
  OPTION_HEADER_LENGTH,
  optionLength,
  readEde,
  readOptions,
  writeOpt,
  writeOption,
} from './edns.ts';
export { EMBEDDED_IPV4_MAX, isTranslated, readEmbeddedIpv4, setTranslationPrefix } from './embedded-ipv4.ts';
export { checkLength, FRAME_HEADER, frameOf, writeFrame } from './frame.ts';
export {
  CLIENT_COOKIE_LENGTH,
  copyName,
  messageFlags,
  messageId,
  messageOpcode,
  messageRcode,
  QUERY_FAULT,
  Query,
  questionEnd,
  RecordReader,
  readU16,
  readU32,
  SECTION,
  SERVER_COOKIE_LENGTH,
  writeU16,
  writeU32,
} from './message.ts';
export {
  countLabels,
  expandName,
  foldByte,
  foldedName,
  foldName,
  formatName,
  isInZone,
  labelOffset,
  NAME_FAULT,
  nameEquals,
  nameFrom,
  nameKey,
  nameText,
  parseName,
  skipLabels,
  skipName,
} from './name.ts';
export { NameList } from './name-list.ts';
export { formatMessage, formatRecord, parseRecord, type ResourceRecord } from './presentation.ts';
export {
  type FailureReason,
  type Interest,
  NO_QUESTION,
  type Question,
  type ResolveFailure,
} from './question.ts';
export { expandRdata } from './rdata.ts';
export { formatRdata, parseRdata } from './rdata-text.ts';
export {
  CLASS,
  EDE,
  EDNS_DO,
  FLAG,
  formatClass,
  formatEde,
  formatOpcode,
  formatRcode,
  formatType,
  HEADER_LENGTH,
  LABEL_LENGTH_MAX,
  MESSAGE_LENGTH_MAX,
  NAME_LENGTH_MAX,
  OPCODE,
  OPTION,
  parseClass,
  parseType,
  QUERY_LENGTH_MAX,
  RCODE,
  SVC_PARAM,
  TYPE,
  UDP_LENGTH_MAX,
  UDP_LENGTH_PLAIN,
  VENDOR_OPTION,
} from './registry.ts';
export { SIPHASH_KEY_LENGTH, SIPHASH_LENGTH, SipHash } from './siphash.ts';
export { SuffixHashes } from './suffix-hash.ts';
export { visitService } from './svcb.ts';
export {
  TARGET_ADDRESS_WORDS,
  TargetCollector,
  type Targets,
  TRIGGER,
} from './targets.ts';
export { readWrittenName, type WrittenName, writeName } from './written-name.ts';
export { isWorthReading, WrittenOut } from './written-out.ts';
