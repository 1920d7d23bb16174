// Making a fleet: the keys of an authority and the configuration of its engine, written once.
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createUser } from '@nats-io/nkeys';
import { AppError, DIRECTORY_MODE, replaceFileNow } from '../base/base.ts';
import { makeCountingKey } from './counting-key.ts';
import { type EngineSettings, leafSeedPath, writeEngineFiles } from './engine-files.ts';
import { writeUsers } from './engine-users.ts';
import { FLEET_DIRECTORY, fleetPath, writeIdentity } from './identity.ts';
import { createKeyFile, formatPublicKey } from './key.ts';
import { COLLECTOR_NAME } from './subjects.ts';

const PRIVATE_MODE = 0o600;
const SECRET_BYTES = 24;

/** Which engine is wanted. */
export interface EngineOptions {
  /** `HOST:PORT` of each server. */
  readonly servers: readonly string[];
  readonly clusterPort: number;
  /** Undefined: no leaf nodes. */
  readonly leafPort: number | undefined;
  /** Sites that get a leaf node, and where it listens, `HOST:PORT`; undefined: at port 4222 of all addresses. */
  readonly leafs: Readonly<Record<string, string | undefined>>;
  /** Absent on loopback only. */
  readonly tls: { readonly cert: string; readonly key: string; readonly ca: string } | undefined;
  /** Directory in which the engine keeps its streams. */
  readonly store: string;
}

/** What is asked for. */
export interface InitOptions extends EngineOptions {
  readonly stateDirectory: string;
  /** Of the authority. */
  readonly name: string;
  readonly site: string | undefined;
  /** Where the second key goes, for the safe. */
  readonly safeKeyPath: string;
}

/** What was made. */
export interface MadeFleet {
  readonly engineDirectory: string;
  /** For `fleet.trust`. */
  readonly trust: readonly [authority: string, safe: string];
  readonly servers: readonly string[];
}

/** Makes keys and configuration. Throws ERR_FLEET_EXISTS where there are some, ERR_FLEET_KEY, and errors of the system. */
export const initFleet = (options: InitOptions): MadeFleet => {
  const { stateDirectory, name, site, safeKeyPath } = options;
  const keyPath = fleetPath(stateDirectory, 'authorityKey');
  for (const path of [keyPath, safeKeyPath]) {
    if (!existsSync(path)) continue;
    throw new AppError('ERR_FLEET_EXISTS', `making a fleet: ${path} is there already`, {
      hint: 'A second key would make a second fleet. Move the old one away if that is what you want.',
    });
  }
  // First of all: the medium for the safe is what is most often not there.
  const safe = createKeyFile(safeKeyPath);
  mkdirSync(join(stateDirectory, FLEET_DIRECTORY), { recursive: true, mode: DIRECTORY_MODE });
  const own = createUser();
  writeIdentity(
    stateDirectory,
    { name, ...(site === undefined ? {} : { site }), enrolment: 1 },
    Buffer.from(own.getSeed()).toString('latin1'),
  );
  const settings = makeEngineSettings(stateDirectory, { name, key: own.getPublicKey() }, options);
  // Before the first start, so that the authority counts under it from its first record on.
  makeCountingKey(stateDirectory);
  const authority = createKeyFile(keyPath);
  return {
    engineDirectory: fleetPath(stateDirectory, 'engine'),
    trust: [formatPublicKey(authority.publicKey), formatPublicKey(safe.publicKey)],
    servers: engineUrls(settings),
  };
};

/** Makes the keys and files of an engine that lets nobody in yet but authority and collector. Throws errors of the system. */
export const makeEngineSettings = (
  stateDirectory: string,
  authority: EngineSettings['authority'],
  { servers, clusterPort, leafPort, leafs, tls, store }: EngineOptions,
): EngineSettings => {
  const engineDirectory = fleetPath(stateDirectory, 'engine');
  mkdirSync(engineDirectory, { recursive: true, mode: DIRECTORY_MODE });
  const seedOf = (path: string): string => {
    const pair = createUser();
    replaceFileNow(path, `${Buffer.from(pair.getSeed()).toString('latin1')}\n`, PRIVATE_MODE);
    return pair.getPublicKey();
  };
  const settings: EngineSettings = {
    servers: [...servers],
    ...(servers.length > 1 ? { clusterPort, clusterSecret: randomBytes(SECRET_BYTES).toString('hex') } : {}),
    ...(leafPort === undefined ? {} : { leafPort, renewsLeafs: true }),
    ...(tls === undefined ? {} : { tls }),
    store,
    authority,
    collector: { name: COLLECTOR_NAME, key: seedOf(fleetPath(stateDirectory, 'collectorSeed')) },
    system: { key: seedOf(join(engineDirectory, SYSTEM_SEED_NAME)) },
    leafs: Object.fromEntries(
      Object.keys(leafs).map((site) => [site, seedOf(leafSeedPath(engineDirectory, site))]),
    ),
    leafListens: Object.fromEntries(
      Object.entries(leafs).flatMap(([site, listen]) => (listen === undefined ? [] : [[site, listen]])),
    ),
  };
  writeEngineFiles(engineDirectory, settings);
  writeUsers(engineDirectory, settings, [], []);
  return settings;
};

/** What resolvers connect to, for `fleet.servers`. */
export const engineUrls = ({ servers, tls }: EngineSettings): string[] =>
  servers.map((server) => `${tls === undefined ? 'nats' : 'tls'}://${server}`);

/** Name of the seed of the engine's system user, beside the configuration. */
export const SYSTEM_SEED_NAME = 'system.seed';
