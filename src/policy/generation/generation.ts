// generation: what is in force at one time: lists, groups and exemptions read, compiled and numbered together.
//
// Invariants: a generation is all or nothing; the one that was in force last is on the disk and comes back with the same
// hash; an export says what the generation says. Files are read in a thread of its own, never on a query's way.

export {
  accessOf,
  buildGeneration,
  formatOf,
  type Generation,
  type ListFacts,
  precedenceOf,
} from './build.ts';
export { buildInThread } from './build-in-thread.ts';
export {
  type ExportFacts,
  exportLists,
  isExportFormat,
  piecesOf,
  readExportMark,
  writeExport,
} from './export.ts';
export {
  type AddressExport,
  type AddressFacts,
  type AddressRequest,
  exportAddresses,
  type NameAddresses,
} from './export-addresses.ts';
export { readEffective } from './opened.ts';
export { type PathOf, readingOfList, readList } from './read-list.ts';
export { SavedGeneration } from './saved.ts';
export { newerPath, olderDayReason, olderReason, shippedFileOf } from './shipped-version.ts';
