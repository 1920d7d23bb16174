// cordon fleet: making a fleet, who is in it, and what all of it looks like.
//
// init, join and rotate of a node work without the service; everything else asks the authority's.
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { AppError, errorText } from '../base/base.ts';
import { type EngineOptions, initFleet, isWord, joinFleet, rotateNode } from '../fleet/fleet.ts';
import { OPERATIONS } from '../people/admin/admin.ts';
import { askService } from './control-client.ts';
import type { InputOf } from './declaration.ts';
import type {
  FLEET_INIT,
  FLEET_INVITE,
  FLEET_JOIN,
  FLEET_OVERLAY,
  FLEET_REMOVE,
  FLEET_ROTATE,
  FLEET_STATUS,
} from './declarations/fleet.ts';
import { requireFleet, requireName, requirePort } from './fleet-input.ts';
import { formatFleet, needsPerson, UNPROVEN } from './fleet-text.ts';
import { asOwner } from './machine.ts';
import { print } from './output.ts';
import { findService, stateToMake } from './service.ts';
import { DONE, PROBLEM } from './statuses.ts';
import { UsageError } from './usage-error.ts';

const SERVER = /^(?:\[[0-9a-f:.]+\]|[A-Za-z0-9.-]+):\d{1,5}$/;

const requireReason = (reason: string): string => {
  if (reason !== '') return reason;
  throw new UsageError('--reason TEXT is needed: it goes into the log of policy');
};

/** What is said of an engine, as init and take-over are told it. */
interface EngineValues {
  readonly server: readonly string[];
  readonly 'cluster-port': string;
  readonly 'leaf-port'?: string | undefined;
  readonly leaf: readonly string[];
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly ca?: string | undefined;
  readonly store: string;
}

/** `SITE` or `SITE=HOST:PORT`. */
const readLeaf = (text: string): [site: string, listen: string | undefined] => {
  const at = text.indexOf('=');
  if (at < 0) return [requireName(text), undefined];
  const listen = text.slice(at + 1);
  if (!SERVER.test(listen)) throw new UsageError(`"${listen.slice(0, 60)}" is not HOST:PORT`);
  return [requireName(text.slice(0, at)), listen];
};

/** Which engine is wanted. Throws a UsageError. */
export const readEngine = (values: EngineValues): EngineOptions => {
  const { server: servers, cert, key, ca, leaf } = values;
  const wrong = servers.find((server) => !SERVER.test(server));
  if (servers.length !== 1 && servers.length !== 3)
    throw new UsageError('--server HOST:PORT stands once or three times');
  if (wrong !== undefined) throw new UsageError(`"${wrong.slice(0, 60)}" is not HOST:PORT`);
  const isLoopback = servers.every((one) => /^(?:127\.|\[::1\]|localhost:)/.test(one));
  // Whole paths: the engine is started from elsewhere.
  const tls =
    cert === undefined || key === undefined || ca === undefined
      ? undefined
      : { cert: resolve(cert), key: resolve(key), ca: resolve(ca) };
  if (tls === undefined && !isLoopback)
    throw new UsageError('--cert, --key and --ca are needed beyond loopback');
  const leafPort = values['leaf-port'];
  if (leaf.length > 0 && leafPort === undefined) throw new UsageError('--leaf goes with --leaf-port');
  return {
    servers,
    clusterPort: requirePort(values['cluster-port']),
    leafPort: leafPort === undefined ? undefined : requirePort(leafPort),
    leafs: Object.fromEntries(leaf.map(readLeaf)),
    tls,
    store: resolve(values.store),
  };
};

/** Makes keys and the configuration of the engine. */
export const init = async ({ values, words }: InputOf<typeof FLEET_INIT>): Promise<number> => {
  const { ca, safe, site } = values;
  const engine = readEngine(values);
  if (safe === undefined)
    throw new UsageError('--safe FILE is needed: the key for a take-over, which is kept elsewhere');
  const stateDirectory = stateToMake(values);
  const made = await initFleet({
    stateDirectory,
    name: requireName(words.name),
    site: site === undefined ? undefined : requireName(site),
    ...engine,
    safeKeyPath: safe,
  });
  const missing = [engine.tls?.cert, engine.tls?.key].filter(
    (path) => path !== undefined && !existsSync(path),
  );
  print(
    values.json,
    made,
    () => `The engine's configuration is in ${made.engineDirectory}; start nats-server with it, as a user who can read it.
${missing.map((path) => `${path} is not here: the engine needs it under this name on its machine.\n`).join('')}\
The key for the safe is in ${safe}: put it there, and delete it here.
The collector's key is ${join(stateDirectory, 'fleet/collector.seed')}.

The configuration of this resolver gets
${fleetYaml(made.servers, made.trust, 'authority', ca)}`,
  );
  return DONE;
};

/** The key `fleet` of a configuration. */
export const fleetYaml = (
  servers: readonly string[],
  trust: readonly string[],
  role: string,
  ca: string | undefined,
): string => `
fleet:
  servers: ${JSON.stringify(servers)}
${ca === undefined ? '' : `  ca: ${JSON.stringify(resolve(ca))}\n`}  trust:
${trust.map((key) => `    - ${JSON.stringify(key)}\n`).join('')}  role: ${role}
`;

/** Makes a token. */
export const invite = async ({ values, words }: InputOf<typeof FLEET_INVITE>): Promise<number> => {
  const { site } = values;
  const body = { name: requireName(words.name), ...(site === undefined ? {} : { site: requireName(site) }) };
  const made = await askService(await findService(values), OPERATIONS.inviteResolver, { body });
  const where = (await isWord(made.token)) ? '' : 'tls://HOST:PORT --ca FILE ';
  const hint =
    made.reloaded === 0
      ? 'The engine has not read its users yet. It is told again every 15 seconds; the token is of use then.\n'
      : '';
  print(
    values.json,
    made,
    () => `${hint}On the other machine, once, until ${made.until}:

cordon fleet join ${where}${made.token}
${leafHint(made.leafUsers)}`,
  );
  return DONE;
};

const leafHint = (leafUsers: string | null): string =>
  leafUsers === null
    ? ''
    : `The site has a leaf node: copy ${leafUsers} there and reload it, and again once the resolver has joined.\n`;

const NOT_YET =
  'The engine does not let it in yet: reload it, or copy the new leaf-SITE-users.conf to the leaf node and reload that.';

/** Joins this resolver. */
export const joinTo = async ({ values, words }: InputOf<typeof FLEET_JOIN>): Promise<number> => {
  const { token } = words;
  if (token === undefined) {
    if (words.word.includes('://')) throw new UsageError('behind the address of the engine stands the token');
    return (await import('./fleet-join.ts')).joinMachine(words.word, values);
  }
  const stateDirectory = stateToMake(values);
  const options = { servers: [words.word], caPath: values.ca, token, stateDirectory };
  const joined = await asOwner(stateDirectory, () => joinFleet(options));
  print(
    values.json,
    joined,
    () =>
      `This resolver is ${joined.name}${joined.site === undefined ? '' : ` of ${joined.site}`} now.${
        joined.isConnected ? '' : `\n${NOT_YET}`
      }${joined.unproven.length === 0 ? '' : `\n${UNPROVEN}`}\nIts configuration gets\n${fleetYaml(joined.servers, joined.trust, 'node', values.ca)}`,
  );
  return joined.isConnected && joined.unproven.length === 0 ? DONE : PROBLEM;
};

/** Another key. */
export const rotate = async ({ values }: InputOf<typeof FLEET_ROTATE>): Promise<number> => {
  const service = await findService(values);
  if (values.authority) {
    const made = await askService(service, OPERATIONS.rotateFleetKey, {});
    print(
      values.json,
      made,
      () =>
        `Policy is signed by ${made.trust} from here on. All resolvers and the collector take that from the log, which the key before signed: no configuration has to be changed.\nLeave the keys of "fleet.trust" as they are: who fetches the log anew needs the first one for the entries until now; it signs nothing more.\n`,
    );
    return DONE;
  }
  const { servers, caPath } = requireFleet(service.config);
  const { stateDirectory } = service;
  const { isConnected } = await asOwner(stateDirectory, () =>
    rotateNode({ servers, caPath, stateDirectory }),
  );
  print(values.json, { isConnected }, () =>
    isConnected ? 'This resolver has another key.\n' : `This resolver has another key. ${NOT_YET}\n`,
  );
  return isConnected ? DONE : PROBLEM;
};

/** Takes a resolver out. */
export const remove = async ({ values, words }: InputOf<typeof FLEET_REMOVE>): Promise<number> => {
  const body = {
    name: requireName(words.name),
    reason: requireReason(values.reason),
  };
  const made = await askService(await findService(values), OPERATIONS.removeResolver, { body });
  const leaf =
    made.leafUsers === null
      ? ''
      : `The leaf node of its site still lets it in: copy ${made.leafUsers} there and reload it.\n`;
  const engine =
    made.server === null
      ? ''
      : `A server of the engine stands beside it, ${made.server}, and lets in whom it will. Here: cordon fleet engines --one, then --here; three again have another secret.\n`;
  print(values.json, made, () =>
    made.reloaded === 0
      ? `${words.name} is removed. The engine has not read that yet and still lets it in: it is told again every 15 seconds; or reload it.\n${leaf}${engine}`
      : `${words.name} is removed.\n${leaf}${engine}`,
  );
  return DONE;
};

/** Every resolver. */
export const status = async ({ values }: InputOf<typeof FLEET_STATUS>): Promise<number> => {
  const fleet = await askService(await findService(values), OPERATIONS.readFleet, {});
  print(values.json, fleet, () => formatFleet(fleet));
  return needsPerson(fleet).length === 0 ? DONE : PROBLEM;
};

/** Keys of configuration from the authority. */
export const overlay = async ({ values, words }: InputOf<typeof FLEET_OVERLAY>): Promise<number> => {
  const body = {
    for: words.for,
    yaml: readText(words.file),
    reason: requireReason(values.reason),
  };
  const end = await askService(await findService(values), OPERATIONS.setOverlay, { body });
  print(values.json, end, () => `entry ${end.number}: "cordon fleet status" shows who has it\n`);
  return DONE;
};

const readText = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new AppError('ERR_CLI_OUTPUT', `reading ${path}: ${errorText(cause)}`, { cause });
  }
};
