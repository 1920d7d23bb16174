// fleet: several resolvers with one policy and one body of evidence, over an engine that exists (NATS JetStream).
//
// Invariants: without the key `fleet` nothing of it is loaded; no carrier is trusted: entries of policy are signed and
// chained, blocks of evidence check themselves; each resolver judges again what it is told and records what came of it; a
// resolver that is cut off goes on with what it has; nothing is deleted before the collector has it; what a resolver sends is
// read by the schema of what it writes, costs that resolver alone where it does not fit, and ends nothing. Nothing of ours
// replicates, elects or decides in another's place. Ed25519 (RFC 8032), TLS 1.3 (RFC 8446).
import { loadFeature } from '../base/base.ts';
import type { CollectOptions, RunningCollector } from './collect.ts';
import type { Exported, ExportOptions } from './database-export.ts';
import type { InitOptions, MadeFleet } from './init.ts';
import type { Joined, JoinedByWord, JoinOptions } from './join.ts';
import type { CollectedMember } from './members.ts';
import type { FleetOptions, RunningFleet } from './run.ts';
import type { StartedFleet, StartOptions } from './start.ts';
import type { Renewed, TakenOver, TakeOverOptions } from './take-over.ts';

export type { Done, FleetActs, FleetNote, OwnFacts } from './acts.ts';
export type { RunningCollector } from './collect.ts';
export { type DatabaseAccess, readDatabaseAddress } from './database-address.ts';
export type { ChangedEngine } from './engine-plan.ts';
export { fleetPath, type Identity, readIdentity } from './identity.ts';
export type { EngineOptions, InitOptions, MadeFleet } from './init.ts';
export type { Joined, JoinOptions } from './join.ts';
export { fleetIssues } from './needs.ts';
export { readOverlays, writeOverlays } from './overlay-files.ts';
export type { FleetOptions, RunningFleet } from './run.ts';
export type { FleetFacts, FleetStatus, ResolverStatus } from './status.ts';

/** Begins what a resolver does in its fleet. Rejects with ERR_FLEET_IDENTITY, ERR_FLEET_KEY and ERR_FLEET_LOG. */
export const startFleet = async (options: FleetOptions): Promise<RunningFleet> => {
  const { Fleet } = await loadFeature('fleet', () => import('./run.ts'));
  return Fleet.start(options);
};

/** Steps of exemptions that this resolver has from its authority: see signed-steps.ts. Rejects with errors of SQLite. */
export const readSignedSteps = async (path: string, trust: readonly string[]): Promise<unknown[]> =>
  (await loadFeature('fleet', () => import('./signed-steps.ts'))).readSignedSteps(path, trust);

/** Makes keys and the configuration of an engine. Rejects with ERR_FLEET_EXISTS, ERR_FLEET_KEY, and errors of the system. */
export const initFleet = async (options: InitOptions): Promise<MadeFleet> =>
  (await loadFeature('fleet', () => import('./init.ts'))).initFleet(options);

/** The same with certificates of its own, for one machine: see makeFleet() of start.ts. */
export const makeFleet = async (options: StartOptions): Promise<StartedFleet> =>
  (await loadFeature('fleet', () => import('./start.ts'))).makeFleet(options);

/** What runs a machine's engine: see start.ts. */
export const engineTools = (): Promise<typeof import('./start.ts')> =>
  loadFeature('fleet', () => import('./start.ts'));

/** What brings an engine from one server to three, and back: see engine-plan.ts. */
export const enginePlanTools = (): Promise<EnginePlanTools> =>
  loadFeature('fleet', () => import('./engine-tools.ts'));
/** The same, loaded. */
export type EnginePlanTools = typeof import('./engine-tools.ts');

/** Certificates of an engine: see engine-certificates.ts. */
export const certificateTools = (): Promise<typeof import('./engine-certificates.ts')> =>
  loadFeature('fleet', () => import('./engine-certificates.ts'));

/** Makes this node the authority of its fleet: see takeOver() of take-over.ts. */
export const takeOver = async (options: TakeOverOptions): Promise<TakenOver> =>
  (await loadFeature('fleet', () => import('./take-over.ts'))).takeOver(options);

/** Has the authority begin new chains of records: see renewRecords() of take-over.ts. */
export const renewRecords = async (
  stateDirectory: string,
  recordsDirectory: string,
  trust: readonly string[],
  nowMs: number,
): Promise<Renewed> =>
  (await loadFeature('fleet', () => import('./take-over.ts'))).renewRecords(
    stateDirectory,
    recordsDirectory,
    trust,
    nowMs,
  );

/** Takes this resolver into a fleet: see joinFleet() of join.ts. */
export const joinFleet = async (options: JoinOptions): Promise<Joined> =>
  (await loadFeature('fleet', () => import('./join.ts'))).joinFleet(options);

/** The same by a word alone: see joinByWord() of join.ts. */
export const joinByWord = async (
  word: string,
  stateDirectory: string,
  nowMs: number,
): Promise<JoinedByWord> =>
  (await loadFeature('fleet', () => import('./join.ts'))).joinByWord(word, stateDirectory, nowMs);

/** Whether a token says where the engine is: then it is a word, by which alone one joins. Rejects with ERR_FLEET_TOKEN. */
export const isWord = async (token: string): Promise<boolean> =>
  (await loadFeature('fleet', () => import('./tokens.ts'))).readToken(token).servers !== undefined;

/** Begins to collect evidence: see startCollector() of collect.ts. */
export const startCollector = async (options: CollectOptions): Promise<RunningCollector> =>
  (await loadFeature('fleet', () => import('./collect.ts'))).startCollector(options);

/** Writes what a database has as directories: see exportDatabase() of database-export.ts. */
export const exportDatabase = async (options: ExportOptions): Promise<Exported> =>
  (await loadFeature('fleet', () => import('./database-export.ts'))).exportDatabase(options);

/** Gets another key for this resolver: see rotateNode() of rotate.ts. */
export const rotateNode = async (
  options: Omit<JoinOptions, 'token'>,
): Promise<{ readonly isConnected: boolean }> =>
  (await loadFeature('fleet', () => import('./rotate.ts'))).rotateNode(options);

/** The resolvers that ever were in a fleet, as a collector knows them: see membersOf() of members.ts. */
export const readMembers = async (directory: string, trust: readonly string[]): Promise<CollectedMember[]> =>
  (await loadFeature('fleet', () => import('./members.ts'))).readMembers(directory, trust);
