// records: what was decided and changed, kept so that no change of it goes unseen.
//
// Invariants: what is acknowledged is on the disk; an edit, a deletion or another order of blocks breaks a hash, a rollup
// or a head; what is missing is stated; identities are what the policy allows, and undoing a pseudonym is recorded first;
// nothing but the recorder waits for a disk, and no receiver is waited for at all. A room of its own, so that the
// recorder's thread loads nothing else of the evidence. Imports transparency, events, enforcement, dns and base only. SQLite, Ed25519 (RFC 8032), a Merkle tree (RFC 6962),
// syslog (RFC 5424, 5425, 6587), dnstap over Frame Streams.

export { type AskedNames, type AskedPart, countAskedNames } from './asked-names.ts';
export { BlockMemory, type KeptRecord } from './block-memory.ts';
export { LISTED_SIGNALS, signalOfCategory } from './bypass-signal.ts';
export { CHAIN_START, type ChainBlock, ChainFeed, type ChainPlace } from './chain-feed.ts';
export type { ChainHole, Looked, LookFrom } from './chain-hole.ts';
export { type ChangeText, toChangeText, type Written } from './change-queue.ts';
export { findCosigned, readLogVerifier, type SignedCheckpoint } from './checkpoint-file.ts';
export { readReference, readReferenceSecret, toReference } from './client-references.ts';
export { type Collected, CollectedChain, isRecordedBlock } from './collected-chain.ts';
export { CollectedHeads, headsSizeOf, readOwnHeads, readOwnKeys } from './collected-heads.ts';
export { CosignatureCollector, type WitnessFacts } from './cosignature-collector.ts';
export { checkpointText, checkpointVerifier, readCosigned } from './cosigned.ts';
export { COUNTING_KEY_LENGTH } from './counting-key.ts';
export { DirectoryLock } from './directory-lock.ts';
export { isOfDisk } from './disk-error.ts';
export { DiskReserve } from './disk-reserve.ts';
export {
  openPseudonym,
  readEscrowKey,
  readEscrowPrivateKey,
  readSealedKeys,
  type SealedKey,
} from './escrow.ts';
export { type GenerationFacts, KnownGenerations } from './facts.ts';
export type { Finding } from './finding.ts';
export { FOREIGN_DIRECTORY, type ForeignProof, type ForeignRecord } from './foreign-record.ts';
export type { RecordLog } from './head-publisher.ts';
export {
  addPublicKey,
  headHash,
  isHeadSignedBy,
  keyIdOf,
  NO_HEAD,
  readOwnKey,
  readPublicKeys,
  type SignedHead,
} from './heads.ts';
export { prefixText } from './identity.ts';
export { isDay, isMoment, MOMENT_MS_MAX, MOMENT_MS_MIN } from './moment.ts';
export { LogReader } from './offered-log.ts';
export { AppendedFile } from './outputs/appended-file.ts';
export { DNSTAP_PROTOCOL, type DnstapOptions, DnstapOutput } from './outputs/dnstap.ts';
export { DNSTAP, DNSTAP_TYPE_MESSAGE, MESSAGE, MESSAGE_TYPE } from './outputs/dnstap-message.ts';
export { ECS_VERSION } from './outputs/ecs.ts';
export { fieldsReference } from './outputs/fields-reference.ts';
export { FrameReceiver } from './outputs/frame-receiver.ts';
export { type JsonLinesOptions, JsonLinesOutput } from './outputs/json-lines.ts';
export { OutputQueue } from './outputs/output-queue.ts';
export { readProtobuf } from './outputs/protobuf-reader.ts';
export { CONNECTING, type StreamAddress, StreamLink } from './outputs/stream-link.ts';
export { SYSLOG_PROTOCOL, type SyslogOptions, SyslogOutput } from './outputs/syslog.ts';
export {
  MESSAGE_BYTES_MAX as SYSLOG_MESSAGE_BYTES_MAX,
  STRUCTURE_ID as SYSLOG_STRUCTURE_ID,
  type SyslogSender,
  toHeader as syslogHeader,
} from './outputs/syslog-message.ts';
export type { SoughtClient } from './own-records.ts';
export {
  DIRECTORY_MODE as RECORDS_DIRECTORY_MODE,
  type PartitionFile,
  type PartitionMeta,
} from './partition.ts';
export { PositionFile, readPosition } from './position-file.ts';
export { isAmong, type RecordSpan } from './proof.ts';
export { PseudonymReader } from './pseudonym-keys.ts';
export type { RecalledClient, RecalledWhom } from './recent-refusals.ts';
export {
  type AdminRecord,
  type ChangeRecord,
  type ConfigurationDifference,
  type DecisionRecord,
  type EnforcementGapRecord,
  type EnforcementStateRecord,
  type EvidenceRecord,
  type ExemptionRecord,
  type FeedRecordState,
  type FleetRecord,
  type ListRecord,
  type ProbedCertificate,
  type ProbeRecord,
  type ProbeResult,
  RECORD_CLASSES,
  type RecordClass,
  type RecordsRecord,
  type ServiceRecord,
} from './record.ts';
export { recordIssues } from './record-issues.ts';
export { type JudgeRecord, loadRecordSchema } from './record-judge.ts';
export type { RecordOutput } from './record-output.ts';
export { checkRecordProof, proveRecord } from './record-proof.ts';
export { describeRecord } from './record-text.ts';
export { Recording } from './recording.ts';
export type { RecordingFacts, RecordingSettings } from './recording-options.ts';
export { type FoundRecord, type HourCount, RECORDS_DIRECTORY, RecordsReader } from './records-reader.ts';
export { RefusalCounts } from './refusal-counts.ts';
export {
  compareRegister,
  type ExemptionMark,
  markOf,
  type RecordedMarks,
  type RegisterState,
} from './register-marks.ts';
export { readRecordedMarks } from './register-walk.ts';
export { rollupColumns, rollupHourMs } from './rollup.ts';
export { seal, unseal } from './sealing.ts';
export {
  findRecords,
  type HeadStatus,
  keptRecords,
  lastHeads,
  lastRecords,
  newestRecords,
  type RecordFilter,
  readStoredRecords,
  type StoredRecords,
} from './search.ts';
export { SKETCH_REGISTERS, Sketch } from './sketch.ts';
export type { ClassProof, VerifyProgress, VerifyResult, Witness } from './verification.ts';
export { verifyRecords } from './verify.ts';
