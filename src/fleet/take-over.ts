// Taking over: a node becomes the authority, because the one that was is lost, by the key from the safe.
//
// The node's log of policy is the log from here on. Behind its end stands an entry, signed with the key from the safe, that a new
// key makes policy and the lost one does not any more: if the authority that was lost comes back, nobody takes anything from it,
// and it finds out by itself. The key from the safe is used for this entry only, and is kept nowhere here.
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { fromSeed } from '@nats-io/nkeys';
import { AppError, DIRECTORY_MODE } from '../base/base.ts';
import { type EngineSettings, readEngineSettings, writeEngineFiles } from './engine-files.ts';
import { writeUsers } from './engine-users.ts';
import { signEntry } from './entry.ts';
import { fleetPath, readIdentity, writeIdentity } from './identity.ts';
import { type EngineOptions, engineUrls, makeEngineSettings } from './init.ts';
import { createKeyFile, formatPublicKey, readKeyFile, readKeyText } from './key.ts';
import { MUST } from './kinds.ts';
import { Membership } from './membership.ts';
import { PolicyLog } from './policy-log.ts';

/** What is asked for. */
export interface TakeOverOptions {
  readonly stateDirectory: string;
  /** Of the configuration. */
  readonly trust: readonly string[];
  readonly safeKeyPath: string;
  /** What is in that file, where somebody else may read it. */
  readonly safeKey?: string;
  /** The engine from here on; undefined: that of `engine.json`, which was put back from a copy of the lost authority's. */
  readonly engine: EngineOptions | undefined;
  readonly nowMs: number;
}

/** What was made. */
export interface TakenOver {
  readonly engineDirectory: string;
  readonly servers: readonly string[];
  /** For `fleet.trust`. */
  readonly trust: readonly string[];
  /** Keys that make no policy any more. */
  readonly removed: readonly string[];
  /** Where the log ends now. */
  readonly number: number;
}

/**
 * Makes this node the authority; the service must not run. Throws ERR_FLEET_IDENTITY for a resolver of no fleet, ERR_FLEET_EXISTS
 * where there is a key of an authority, ERR_FLEET_KEY and ERR_FLEET_SIGNATURE for another key than that of the safe, ERR_FLEET_LOG
 * without a whole log, and ERR_FLEET_ENGINE_FILES.
 */
export const takeOver = (options: TakeOverOptions): TakenOver => {
  const { stateDirectory, trust, safeKeyPath, safeKey, nowMs } = options;
  const { identity, seed } = readIdentity(stateDirectory);
  const keyPath = fleetPath(stateDirectory, 'authorityKey');
  if (existsSync(keyPath)) {
    throw new AppError('ERR_FLEET_EXISTS', `taking over: ${keyPath} is there already`, {
      hint: 'This resolver is an authority, or was one. Move the key away if it is to become one again.',
    });
  }
  const safe = safeKey === undefined ? readKeyFile(safeKeyPath) : readKeyText(safeKey, safeKeyPath);
  const membership = new Membership(trust);
  const log = openLog(stateDirectory, nowMs);
  try {
    for (const { entry } of log.from(1)) membership.take(entry);
    const safeText = formatPublicKey(safe.publicKey);
    if (!membership.hasKey(safe.keyId)) {
      throw new AppError('ERR_FLEET_SIGNATURE', `taking over: no resolver trusts the key of ${safeKeyPath}`, {
        hint: 'It has to be the one that "cordon fleet init" wrote with --safe.',
      });
    }
    const publicKey = fromSeed(Buffer.from(seed)).getPublicKey();
    const settings = engineOf(options, { name: identity.name, key: publicKey });
    const next = `${keyPath}.next`;
    const key = createKeyFile(next);
    const add = formatPublicKey(key.publicKey);
    const removed = membership.keys.filter((one) => one !== safeText);
    for (const remove of removed.length === 0 ? [undefined] : removed) {
      const body = JSON.stringify({ add, ...(remove === undefined ? {} : { remove }) });
      const about = { kind: 'authority-key', must: MUST.has('authority-key'), body } as const;
      log.append(signEntry(log.end, { time: new Date(nowMs).toISOString(), ...about }, safe));
    }
    const engineDirectory = fleetPath(stateDirectory, 'engine');
    writeUsers(engineDirectory, settings, membership.members, []);
    // Last of all: with it the resolver may be started as an authority.
    renameSync(next, keyPath);
    return {
      engineDirectory,
      servers: engineUrls(settings),
      trust: [add, ...new Set([safeText, ...trust])],
      removed,
      number: log.end.number,
    };
  } finally {
    log.close();
  }
};

const openLog = (stateDirectory: string, nowMs: number): PolicyLog => {
  const { log, damage } = PolicyLog.open(fleetPath(stateDirectory, 'policy'), nowMs);
  if (damage === undefined && log.end.number > 0) return log;
  log.close();
  throw new AppError('ERR_FLEET_LOG', `taking over: the log of policy here is ${damage ?? 'empty'}`, {
    hint: 'Take over on a resolver that has heard all of policy: "cordon fleet status" shows how far each is.',
  });
};

/** The engine's files for another authority: as they were where a copy was put back, otherwise new ones. */
const engineOf = (
  { stateDirectory, engine }: TakeOverOptions,
  authority: EngineSettings['authority'],
): EngineSettings => {
  if (engine !== undefined) return makeEngineSettings(stateDirectory, authority, engine);
  const directory = fleetPath(stateDirectory, 'engine');
  const before = readEngineSettings(directory);
  // The configuration is written anew, by this version.
  const settings = { ...before, authority, ...(before.leafPort === undefined ? {} : { renewsLeafs: true }) };
  mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODE });
  writeEngineFiles(directory, settings);
  return settings;
};

/** What began anew. */
export interface Renewed {
  readonly enrolment: number;
  /** Where the records are that were begun before; undefined where there were none. */
  readonly aside: string | undefined;
}

/**
 * Has the authority begin new chains of records, because its state was put back from a copy and the collector has other records
 * under these numbers; the service must not run. Throws ERR_FLEET_IDENTITY, ERR_FLEET_NODE on a node, ERR_FLEET_LOG, and errors
 * of the system.
 */
export const renewRecords = (
  stateDirectory: string,
  recordsDirectory: string,
  trust: readonly string[],
  nowMs: number,
): Renewed => {
  const { identity, seed } = readIdentity(stateDirectory);
  if (!existsSync(fleetPath(stateDirectory, 'authorityKey'))) {
    throw new AppError('ERR_FLEET_NODE', 'beginning new chains of records: this resolver is a node', {
      hint: 'Move "fleet" and "records" of its state directory away, and have it join anew.',
    });
  }
  const membership = new Membership(trust);
  const { log } = PolicyLog.open(fleetPath(stateDirectory, 'policy'), nowMs);
  for (const { entry } of log.from(1)) membership.take(entry);
  log.close();
  const enrolment = Math.max(identity.enrolment, membership.find(identity.name)?.enrolment ?? 0) + 1;
  const day = new Date(nowMs).toISOString().replaceAll(/[:.]/g, '-');
  const aside = existsSync(recordsDirectory) ? `${recordsDirectory}.before-${day}` : undefined;
  if (aside !== undefined) renameSync(recordsDirectory, aside);
  writeIdentity(stateDirectory, { ...identity, enrolment }, seed);
  return { enrolment, aside };
};
