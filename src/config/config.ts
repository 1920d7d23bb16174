// config: the configuration. One schema is the types, the defaults, the bounds and the documentation.
//
// Invariants: all problems are reported at once, each with its line and column or its environment variable;
// unknown keys are refused; every value has a bound; nothing outside this room sees text that still has to be
// parsed. Nothing here opens a socket or reads a list. Imports dns and base only. YAML 1.2 (core schema).
export { configDifferences } from './difference.ts';
export { configHash, effectiveConfig, prefixFilesOf } from './effective.ts';
export { type ConfigFacts, type ConfigResult, loadConfig } from './load.ts';
export {
  type BlockAnswer,
  BUNDLED_AUTHORITIES,
  type ComplianceConfig,
  type Config,
  type DecisionConfig,
  type DnssecMode,
  type ForwardConfig,
  type GroupConfig,
  LIST_FORMATS,
  type ListConfig,
  type ListFormat,
  type ListReading,
  type ListSource,
  type LogLevel,
  type OutOfScope,
  type ProbeConfig,
  type RecordOutputConfig,
  type RecordsConfig,
  type ScheduleConfig,
  type Strategy,
  SYSTEM_AUTHORITIES,
  type UpstreamConfig,
  type UpstreamHost,
  type UrlSource,
} from './normalized.ts';
export { type ConfigProblemCode, formatProblem, type Problem } from './problem.ts';
export { configReference } from './reference.ts';
export type { RawConfig } from './schema.ts';
