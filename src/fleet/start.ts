// Starting a fleet on a machine: an authority of certificates, the keys of the authority of policy, and the files of the engine.
//
// What goes into the safe is one text: the second key, and the authority of certificates, without which nobody would believe an
// engine elsewhere once this machine is lost.
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, DIRECTORY_MODE } from '../base/base.ts';
import {
  authorityHash,
  certificatePaths,
  hashOf,
  issueServer,
  makeAuthority,
  putAuthority,
} from './engine-certificates.ts';
import { readEngineSettings, splitAddress } from './engine-files.ts';
import { FLEET_DIRECTORY, fleetPath } from './identity.ts';
import { type EngineOptions, engineUrls, initFleet, type MadeFleet } from './init.ts';
import { shownChain } from './shown-chain.ts';

const CLUSTER_PORT = 6222;
const PEM = /-----BEGIN ([A-Z ]+)-----[^-]+-----END \1-----\n/g;

/** What is asked for. */
export interface StartOptions {
  readonly stateDirectory: string;
  readonly name: string;
  readonly site: string | undefined;
  /** `HOST:PORT` by which others reach the engine of this machine. */
  readonly server: string;
  readonly store: string;
  readonly nowMs: number;
}

/** What was made. */
export interface StartedFleet extends MadeFleet {
  /** For `fleet.ca`. */
  readonly ca: string;
  /** For the safe, and nothing else. */
  readonly safe: string;
}

/** Makes all of it. Throws ERR_FLEET_EXISTS, ERR_FLEET_KEY, ERR_FLEET_CERTIFICATE and ERR_FLEET_ENGINE_FILES. */
export const makeFleet = ({
  stateDirectory,
  name,
  site,
  server,
  store,
  nowMs,
}: StartOptions): StartedFleet => {
  const directory = fleetPath(stateDirectory, 'engine');
  mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODE });
  const authority = makeAuthority(directory, name, nowMs);
  const safeKeyPath = join(stateDirectory, FLEET_DIRECTORY, 'safe-key.pem');
  try {
    const engine = engineOf(directory, server, store, nowMs);
    const made = initFleet({ stateDirectory, name, site, safeKeyPath, ...engine });
    const safe = readFileSync(safeKeyPath, 'utf8') + authority.key + authority.cert;
    return { ...made, ca: engine.tls?.ca ?? '', safe };
  } finally {
    rmSync(safeKeyPath, { force: true });
  }
};

/** The engine of a machine, with a certificate for its address. */
const engineOf = (directory: string, server: string, store: string, nowMs: number): EngineOptions => ({
  servers: [server],
  clusterPort: CLUSTER_PORT,
  leafPort: undefined,
  leafs: {},
  tls: issueServer(directory, [splitAddress(server)[0]], nowMs),
  store,
});

/** The engine of a machine that takes over, by the authority of certificates that lies in the safe. Throws ERR_FLEET_KEY. */
export const engineFromSafe = (
  stateDirectory: string,
  safe: string,
  server: string,
  store: string,
  nowMs: number,
): EngineOptions => {
  const directory = fleetPath(stateDirectory, 'engine');
  const [, key, cert] = [...safe.matchAll(PEM)].map(([text]) => text);
  if (key === undefined || cert === undefined) {
    throw new AppError('ERR_FLEET_KEY', 'taking over: the file from the safe has no certificate authority', {
      hint: 'It was made by "cordon fleet init": name --server, --cert, --key and --ca.',
    });
  }
  putAuthority(directory, { cert, key });
  return engineOf(directory, server, store, nowMs);
};

/** What resolvers have of an engine that is there already. Throws ERR_FLEET_ENGINE_FILES. */
export const readEngine = (stateDirectory: string): { readonly servers: string[]; readonly ca: string } => {
  const directory = fleetPath(stateDirectory, 'engine');
  const settings = readEngineSettings(directory);
  return { servers: engineUrls(settings), ca: settings.tls?.ca ?? certificatePaths(directory).ca };
};

/** Whether an engine with a certificate of that authority answers. */
export const isEngineThere = async (server: string, caPath: string): Promise<boolean> => {
  try {
    const wanted = authorityHash(caPath);
    return (await shownChain(server)).some((one) => hashOf(one) === wanted);
  } catch {
    // It is still starting, or does not; whoever waits says what its log has.
    return false;
  }
};
