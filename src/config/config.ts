// config: the configuration. One schema is the types, the defaults, the bounds and the documentation.
//
// Invariants: all problems are reported at once, each with its line and column or its environment variable;
// unknown keys are refused; every value has a bound; nothing outside this room sees text that still has to be
// parsed. Nothing here opens a socket or reads a list. YAML 1.2 (core schema).

export type { BlockAnswer } from './answer-leaf.ts';
export { describeConfig } from './described.ts';
export { configDifferences } from './difference.ts';
export { configHash, effectiveConfig, prefixFilesOf } from './effective.ts';
export { configVariables } from './environment.ts';
export { IN_FORCE_NAME, type InForce, keepInForce, readInForce, writtenState } from './in-force.ts';
export { type ConfigFacts, type ConfigResult, loadConfig, type Proposal } from './load.ts';
export { demandsOf, isActive } from './mandate-effect.ts';
export { readMandate, shippedMandateFile, shippedMandates } from './mandate-file.ts';
export { isUnsettled, listsOf, type Mandate, type ReadMandate, sureOf } from './mandate-pack.ts';
export { type MandateReach, matrixOf } from './mandate-reach.ts';
export { mandateTemplate } from './mandate-template.ts';
export { namedFiles, namedPaths } from './named-files.ts';
export { type NoticeTexts, noticeTexts, setNoticeTexts } from './notice-text.ts';
export { formatProblem, type Problem } from './problem.ts';
export { type ConfigReach, reachOf } from './reach.ts';
export { configReference, mandateReference } from './reference.ts';
export type {
  Config,
  FeedConfig,
  FleetConfig,
  GroupConfig,
  ListConfig,
  QueryLogConfig,
  RawConfig,
  RecordsConfig,
  ReportsConfig,
  TlsConfig,
} from './schema.ts';
export { SENDS } from './sections/forwarders.ts';
export type {
  DecisionConfig,
  ListReading,
  ListSource,
  UrlSource,
} from './sections/lists.ts';
export { BUNDLED_AUTHORITIES, SYSTEM_AUTHORITIES } from './sections/upstreams.ts';
export { isStartOnly, startOnlyChanges } from './start-only.ts';
export type { UpstreamConfig } from './upstream-leaf.ts';
export { putBack, withhold } from './withheld.ts';
