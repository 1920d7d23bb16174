// base: what every room may use: the error class, time, IP addresses and prefixes, accounts of people, who listens to a question's way.
//
// Imports nothing of the project. Holds no state but the timer of all looks (every.ts), and does no I/O but for reading files that somebody named. Addresses follow RFC 4291 and RFC 5952.
export {
  type Account,
  compareIdentities,
  foldPersonName,
  type Identity,
  isAccount,
  isSameAccount,
  isSamePerson,
  localAccount,
  type Persons,
  providedAccount,
  systemAccount,
} from './account.ts';
export {
  type AddressWords,
  createAddress,
  type Endpoint,
  formatAddress,
  formatEndpoint,
  formatPrefix,
  isIpv4,
  MAPPED_BITS,
  matchesPrefix,
  type Prefix,
  parseAddress,
  parseEndpoint,
  parsePrefix,
  readIpv4,
  readIpv6,
  suggestEndpoint,
  suggestPrefix,
} from './address.ts';
export { ByteSlab } from './byte-slab.ts';
export { type Clock, createTurnClock, systemClock } from './clock.ts';
export { deviceAddress, holdsDevices } from './device.ts';
export {
  DIRECTORY_MODE,
  holdsNow,
  replaceFile,
  replaceFileNow,
  syncDirectory,
  syncDirectoryNow,
  writeAll,
} from './durable-file.ts';
export { formatDuration } from './duration.ts';
export { AppError, errorText, isAppError, systemErrorCode } from './error.ts';
export { every } from './every.ts';
export {
  FEATURES,
  type Feature,
  featuresLeftOut,
  howToInstall,
  isInstalled,
  loadFeature,
} from './features.ts';
export { fileIdentity } from './file-identity.ts';
export { GrowingBytes } from './growing-bytes.ts';
export { collectHeap, keepHeapSmall, shrinkHeap } from './heap.ts';
export { NumberMap } from './number-map.ts';
export type { Part } from './part.ts';
export { Pool, PoolByLength, Reusable } from './pool.ts';
export { distinctPrefixes, maskWords, withoutHoles, withoutPrefix } from './prefix-difference.ts';
export {
  comparePrefixes,
  countPrefixes,
  joinPrefixes,
  orderPrefixes,
  type PrefixList,
  PrefixListBuilder,
  packPrefixes,
  prefixAt,
  unpackPrefixes,
} from './prefix-list.ts';
export { type PrefixEntry, PrefixTable } from './prefix-table.ts';
export { LISTS_DIRECTORY, MAIN_FILE, PAGES_DIRECTORY } from './program-files.ts';
export { openRegularFile, readRegularFile } from './regular-file.ts';
export { CUT_OFF_CHECKPOINTS, DAY_MS, HOUR_MS } from './time.ts';
export type { Trace } from './trace.ts';
export { VERSION } from './version.ts';
export { type Frame, FramedFile, packFrames } from './zstd-frames.ts';
