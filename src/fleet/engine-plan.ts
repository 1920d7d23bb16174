// From one engine to several, and back: what is planned, what each machine gets of it, and the change of this machine's own.
//
//   engine/engine-next.json    what the engine is to be made of, until this machine has changed over
//   engine/nats-server.conf    of this machine, in each case
//   engine/engine-here.json    on the machine of another server: which server it is
//
// The first server is that of the authority. A server on another machine stands beside a resolver of the fleet, whose program gets
// its files (engine-delivery.ts). An engine of several keeps its streams in a directory of its own: what one server alone kept,
// several do not take over, and nothing of it is needed (docs/fleet.md, "Engine").
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { AppError, errorText, replaceFileNow } from '../base/base.ts';
import {
  certificatePaths,
  hasAuthority,
  issueServer,
  readCertificates,
  removeServer,
} from './engine-certificates.ts';
import {
  type EngineSettings,
  readEngineSettings,
  serverText,
  splitAddress,
  writeEngineFiles,
} from './engine-files.ts';
import { engineUrls } from './init.ts';
import { NODE_NAME } from './subjects.ts';

const NEXT_NAME = 'engine-next.json';
/** Of routes, unless the configuration has another port. */
const CLUSTER_PORT = 6222;
const CLUSTER_STORE = 'cluster';
const SECRET_BYTES = 24;
const FILE_MODE = 0o640;
/** One engine, or three: two lose what one loses, and more than three nobody tried. */
const OTHERS = [0, 2] as const;

/** A server on another machine. */
export interface EngineHost {
  /** Name of the resolver beside which it stands. */
  readonly name: string;
  /** `HOST:PORT`. */
  readonly server: string;
}

const hereSchema = z.looseObject({
  server: z.string().max(300),
  clusterPort: z.int().min(1).max(65_535),
  name: z.string().regex(NODE_NAME),
});

/** Which server of the engine a machine has. */
export type EngineHere = Readonly<z.infer<typeof hereSchema>>;

/** Names of the files that a machine of another server gets. */
export const HOST_FILES = [
  'nats-server.conf',
  'users.conf',
  'server.pem',
  'server.key',
  'ca.pem',
  'engine-here.json',
] as const;
/** One of HOST_FILES. */
export type HostFile = (typeof HOST_FILES)[number];

const refused = (text: string, hint: string): AppError =>
  new AppError('ERR_FLEET_ENGINE_FILES', `planning the engine: ${text}`, { hint });

/** Plans an engine of this machine and of those hosts, or of this machine alone. Throws ERR_FLEET_ENGINE_FILES and ERR_FLEET_CERTIFICATE. */
export const planEngine = (
  directory: string,
  hosts: readonly EngineHost[],
  nowMs: number,
): EngineSettings => {
  const settings = readEngineSettings(directory);
  const [own = ''] = settings.servers;
  if (!hasAuthority(directory))
    throw refused(
      'its certificates are not of the authority of the fleet',
      '"cordon fleet start" makes one; with certificates of your own: "By hand" in docs/fleet.md.',
    );
  if (!OTHERS.some((count) => count === hosts.length))
    throw refused(`${hosts.length + 1} servers`, 'Name two others, for three, or none, for one.');
  const names = hosts.map(({ name }) => name);
  const addresses = [own, ...hosts.map(({ server }) => server)].map((server) => splitAddress(server)[0]);
  if (new Set(names).size < names.length || new Set(addresses).size < addresses.length)
    throw refused('two servers of one resolver, or at one address', 'Each stands on a machine of its own.');
  const { clusterPort, clusterSecret, hosts: _, ...rest } = settings;
  const base = basename(settings.store) === CLUSTER_STORE ? dirname(settings.store) : settings.store;
  const cluster =
    hosts.length === 0
      ? { store: base }
      : {
          store: join(base, CLUSTER_STORE),
          hosts: names,
          clusterPort: clusterPort ?? CLUSTER_PORT,
          clusterSecret: clusterSecret ?? randomBytes(SECRET_BYTES).toString('hex'),
        };
  const next: EngineSettings = { ...rest, ...cluster, servers: [own, ...hosts.map(({ server }) => server)] };
  const known = readCertificates(directory);
  for (const { server } of hosts) {
    const host = hostOf(server);
    const { cert } = certificatePaths(directory, host);
    if (!known.some(({ path }) => path === cert)) issueServer(directory, [host], nowMs, host);
  }
  write(join(directory, NEXT_NAME), next);
  return next;
};

/** What is planned; undefined where the engine is as it is to be. Throws ERR_FLEET_ENGINE_FILES. */
export const readPlan = (directory: string): EngineSettings | undefined =>
  existsSync(join(directory, NEXT_NAME)) ? readEngineSettings(directory, NEXT_NAME) : undefined;

/** Whose machines have servers now, or will have. Throws ERR_FLEET_ENGINE_FILES. */
export const hostsOf = (directory: string): EngineHost[] => {
  const { hosts = [], servers } = readPlan(directory) ?? readEngineSettings(directory);
  return hosts.map((name, index) => ({ name, server: servers[index + 1] ?? '' }));
};

/** The files of the server beside a resolver. Throws ERR_FLEET_ENGINE_FILES. */
export const filesOfHost = (directory: string, name: string): Record<HostFile, string> => {
  const settings = readPlan(directory) ?? readEngineSettings(directory);
  const index = (settings.hosts ?? []).indexOf(name) + 1;
  const server = settings.servers[index] ?? '';
  const { cert, key, ca } = certificatePaths(directory, hostOf(server));
  const here: EngineHere = { name, server, clusterPort: settings.clusterPort ?? CLUSTER_PORT };
  const read = (path: string): string => readFileSync(path, 'utf8');
  try {
    return {
      'nats-server.conf': serverText(settings, index),
      'users.conf': read(join(directory, 'users.conf')),
      ...{ 'server.pem': read(cert), 'server.key': read(key), 'ca.pem': read(ca) },
      'engine-here.json': `${JSON.stringify(here)}\n`,
    };
  } catch (cause) {
    throw new AppError('ERR_FLEET_ENGINE_FILES', `reading the files of ${server}: ${errorText(cause)}`, {
      cause,
      hint: `Have its certificate issued again: cordon fleet certificates --server ${hostOf(server)}`,
    });
  }
};

/** Which server this machine has beside a node; undefined for none. Throws ERR_FLEET_ENGINE_FILES. */
export const readEngineHere = (directory: string): EngineHere | undefined => {
  const path = join(directory, 'engine-here.json');
  if (!existsSync(path)) return undefined;
  try {
    return hereSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new AppError('ERR_FLEET_ENGINE_FILES', `reading ${path}: ${errorText(cause)}`, { cause });
  }
};

/** What changing over changed. */
export interface ChangedEngine {
  readonly servers: readonly string[];
  /** Where the engine kept its streams before. */
  readonly storeBefore: string;
  /** Puts back what was there before. */
  readonly undo: () => void;
  /** When it stays: takes away the certificates of machines on which no server stands any more. Throws ERR_FLEET_CERTIFICATE. */
  readonly forget: () => void;
}

/** This machine's engine becomes that of the plan, with its next start. Throws ERR_FLEET_ENGINE_FILES. */
export const changeEngine = (directory: string): ChangedEngine => {
  const before = readEngineSettings(directory);
  const next = readPlan(directory) ?? before;
  writeEngineFiles(directory, next);
  rmSync(join(directory, NEXT_NAME), { force: true });
  return {
    servers: engineUrls(next),
    storeBefore: before.store,
    undo: () => {
      write(join(directory, NEXT_NAME), next);
      writeEngineFiles(directory, before);
    },
    forget: () => {
      const left = new Set(next.servers.map(hostOf));
      for (const host of before.servers.slice(1).map(hostOf))
        if (!left.has(host)) removeServer(directory, host);
    },
  };
};

/** The certificates that the service gives to resolvers, by path: which one gets it. Throws ERR_FLEET_ENGINE_FILES. */
export const givenCertificates = (directory: string): ReadonlyMap<string, string> =>
  new Map(
    hostsOf(directory).map(({ name, server }) => [certificatePaths(directory, hostOf(server)).cert, name]),
  );

const write = (path: string, settings: EngineSettings): void => {
  try {
    replaceFileNow(path, `${JSON.stringify(settings, undefined, 2)}\n`, FILE_MODE);
  } catch (cause) {
    throw new AppError('ERR_FLEET_ENGINE_FILES', `writing ${path}: ${errorText(cause)}`, { cause });
  }
};

/** Of `HOST:PORT`, without the brackets of IPv6. */
const hostOf = (server: string): string => splitAddress(server)[0].replaceAll(/[[\]]/g, '');
