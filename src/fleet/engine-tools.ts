// What commands need to bring an engine from one server to three: loaded with the library of the engine, when such a command runs.
export { readEngineSettings } from './engine-files.ts';
export {
  changeEngine,
  givenCertificates,
  hostsOf,
  planEngine,
  readEngineHere,
  readPlan,
} from './engine-plan.ts';
export { streamCopies } from './stream-copies.ts';
