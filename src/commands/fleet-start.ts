// cordon fleet start: from a resolver that runs to the authority of a fleet, with its engine and its collector, in one command.
//
// Everything is looked at before anything is changed. Each step can be done again, and goes on where it stands; what a step
// that fails leaves behind is taken back or named. No key is shown: the one for the safe goes into a file for root alone.
import { lookup } from 'node:dns/promises';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { AppError, errorText, systemClock } from '../base/base.ts';
import type { Config } from '../config/config.ts';
import { engineTools, fleetPath, makeFleet } from '../fleet/fleet.ts';
import type { InputOf } from './declaration.ts';
import type { FLEET_START } from './declarations/fleet.ts';
import { requireName, requirePort } from './fleet-input.ts';
import {
  configure,
  type FleetKeys,
  lookAtOwnClock,
  requireFile,
  requireInstalled,
  restartService,
  STATE,
  startUnit,
} from './fleet-machine.ts';
import { type Did, Steps } from './fleet-steps.ts';
import { asOwner, makeState, openPort, succeeds, tool, unfit } from './machine.ts';
import { print } from './output.ts';
import { lookAtPort, ownAddresses } from './setup-look.ts';
import { DONE, PROBLEM } from './statuses.ts';

/** As cordon-engine.service has it made. */
export const STORE = '/var/lib/cordon-engine';
/** Of the engine on a machine. */
export const ENGINE_UNIT = 'cordon-engine.service';
export const COLLECTOR_UNIT = 'cordon-collector.service';
/** Debian starts one when it is installed, on the same port. */
const OTHER_UNIT = 'nats-server.service';
const ENGINE = '/usr/sbin/nats-server';
/** How long an engine may take to answer, milliseconds. */
export const ENGINE_MS = 20_000;
const SAFE_MODE = 0o600;

/** Makes this machine the authority. */
export const start = async ({ values, words }: InputOf<typeof FLEET_START>): Promise<number> => {
  const steps = new Steps(values.json);
  const { safe } = values;
  const name = requireName(words.name ?? hostname().split('.')[0]?.toLowerCase() ?? '');
  const site = values.site === undefined ? undefined : requireName(values.site);
  const port = requirePort(values.port);
  let config: Config | undefined;
  let server = '';
  let keys: FleetKeys | undefined;
  await steps.take('machine', async () => {
    config = await lookAtMachine();
    server = `${await hostOf(values.address)}:${port}`;
    return {
      text: `Cordon and nats-server are as they have to be; the others reach it at ${server}`,
    };
  });
  await steps.take('clock', lookAtOwnClock);
  await steps.take('port', () => freePort(server));
  await steps.take('keys', async () => {
    const did = await keysOf(config, { name, site, server, safe });
    keys = did.keys;
    return did;
  });
  if (keys === undefined) throw new RangeError('fleet start: no keys');
  await startEngine(steps, keys);
  const { undo } = await steps.take('configuration', () => configure(keys));
  await steps.take('service', () => restartService('authority', undo !== undefined));
  // From here on this is a fleet, whose keys others may have been given.
  steps.keep();
  await steps.take('collector', () => startUnit(COLLECTOR_UNIT, () => Promise.resolve(true), 0));
  print(values.json, { steps: steps.told, servers: keys.servers, trust: keys.trust, safe }, () =>
    endText(name, safe),
  );
  return steps.isWhole ? DONE : PROBLEM;
};

const endText = (name: string, safe: string): string => `
${name} is the authority of a fleet.
${existsSync(safe) ? `Take ${safe} off this machine and into a safe: with it a node takes over when this machine is lost.\n` : ''}\
For each other resolver, here: cordon fleet invite NAME --site SITE
`;

/** What engine and authority need of a machine. Throws ERR_FLEET_MACHINE. */
const lookAtMachine = async (): Promise<Config> => {
  const config = await requireInstalled();
  if (config.fleet?.role === 'node')
    throw unfit(
      'it is a node of a fleet',
      'cordon fleet leave first; or cordon fleet take-over, where its authority is lost.',
    );
  await requireEngine();
  return config;
};

/** Throws ERR_FLEET_MACHINE where no engine can be started. */
export const requireEngine = async (): Promise<void> => {
  requireFile(ENGINE, 'apt-get install nats-server');
  for (const unit of [ENGINE_UNIT, COLLECTOR_UNIT])
    if (!(await succeeds('systemctl', 'cat', unit)))
      throw unfit(
        `systemd has no ${unit}`,
        'It is in deploy/engine: copy it to /etc/systemd/system, then systemctl daemon-reload.',
      );
};

/** Starts the engine, and lets others reach it. */
export const startEngine = async (steps: Steps, { servers, ca }: FleetKeys): Promise<void> => {
  const { isEngineThere } = await engineTools();
  const [server = ''] = servers;
  await steps.take('engine', () => startUnit(ENGINE_UNIT, () => isEngineThere(server, ca ?? ''), ENGINE_MS));
  await steps.take('firewall', async () => {
    const { text, isLeft, undo } = await openPort(Number(server.slice(server.lastIndexOf(':') + 1)));
    return { text, isWhole: !isLeft, undo };
  });
};

/** The host by which others reach this machine: an address or a name of it. Throws ERR_FLEET_MACHINE. */
export const hostOf = async (named: string | undefined): Promise<string> => {
  const own = ownAddresses().map(({ address }) => address);
  const host = named?.replaceAll(/[[\]]/g, '') ?? onlyOf(own);
  const found = await lookup(host, { all: true }).catch((thrown: unknown) => {
    throw unfit(
      `${host} leads nowhere: ${errorText(thrown)}`,
      'Name an address of this machine, or a name that leads to it: --address',
    );
  });
  const addresses = found.map(({ address }) => address);
  if (addresses.some((address) => /^(?:127\.|::1$)/.test(address)))
    throw unfit(
      `${host} is ${addresses.join(', ')} here, which nobody else reaches`,
      'Debian writes that into /etc/hosts. Name an address: --address',
    );
  if (!addresses.some((address) => own.includes(address)))
    throw unfit(
      `${host} is no address of it, which has ${own.join(', ') || 'none'}`,
      'Name one of these, or a name that leads to one: --address',
    );
  return host.includes(':') ? `[${host}]` : host;
};

const onlyOf = (own: readonly string[]): string => {
  const old = own.filter((address) => !address.includes(':'));
  const [only, ...others] = old.length > 0 ? old : own;
  if (only !== undefined && others.length === 0) return only;
  throw unfit(
    only === undefined ? 'it has no address but loopback' : `it has several addresses: ${own.join(', ')}`,
    'Name the one by which the others reach it: --address ADDRESS',
  );
};

/** Debian's own service of the engine gives way, unless somebody has configured it. */
export const freePort = async (server: string): Promise<Did> => {
  if (await succeeds('systemctl', 'is-active', '--quiet', ENGINE_UNIT))
    return { text: `${ENGINE_UNIT} has it already` };
  const isActive = await succeeds('systemctl', 'is-active', '--quiet', OTHER_UNIT);
  const isOther = isActive || (await succeeds('systemctl', 'is-enabled', '--quiet', OTHER_UNIT));
  if (isOther && !(await succeeds('dpkg', '--verify', 'nats-server')))
    throw unfit(
      `${OTHER_UNIT} has another configuration than Debian's`,
      `Something uses it. If nothing does: systemctl disable --now ${OTHER_UNIT}`,
    );
  if (isOther) await tool('systemctl', 'disable', '--quiet', '--now', OTHER_UNIT);
  const undo = isOther
    ? async (): Promise<void> =>
        void (await tool('systemctl', 'enable', '--quiet', ...(isActive ? ['--now'] : []), OTHER_UNIT))
    : undefined;
  const at = server.lastIndexOf(':');
  const address = server.slice(0, at).replaceAll(/[[\]]/g, '');
  const family = address.includes(':') ? 6 : 4;
  const { state, text } = await lookAtPort({ family, address, port: Number(server.slice(at + 1)) });
  if (state === 'bad') {
    await undo?.();
    throw unfit(text, 'Stop what has it, or name another with --port.');
  }
  return { text: `${server} is free${isOther ? `; ${OTHER_UNIT}, as Debian starts it, is off` : ''}`, undo };
};

/** Makes keys, certificates and the files of the engine, or reads what is there. */
const keysOf = async (
  config: Config | undefined,
  { name, site, server, safe }: { name: string; site: string | undefined; server: string; safe: string },
): Promise<Did & { readonly keys: FleetKeys }> => {
  if (existsSync(fleetPath(STATE, 'authorityKey'))) {
    const { fleet } = config ?? {};
    if (fleet === undefined)
      throw new AppError(
        'ERR_FLEET_EXISTS',
        `starting a fleet: ${STATE}/fleet has one, which the configuration does not know`,
        {
          hint: `Put back the "fleet:" that it had; to begin anew, move ${STATE}/fleet away.`,
        },
      );
    const { servers, ca } = (await engineTools()).readEngine(STATE);
    return {
      text: 'are there already',
      keys: { servers, ca: fleet.caPath ?? ca, trust: fleet.trust, role: 'authority' },
    };
  }
  if (existsSync(join(STATE, 'fleet')))
    throw new AppError('ERR_FLEET_EXISTS', `starting a fleet: ${STATE}/fleet is there already`, {
      hint: 'It is of a fleet that this resolver was in. Move it away to begin anew.',
    });
  if (existsSync(safe))
    throw new AppError('ERR_FLEET_EXISTS', `starting a fleet: ${safe} is there already`, {
      hint: 'It may be the key of another fleet. Name another file with --safe.',
    });
  requireFile(dirname(safe), 'Name a file in a directory that is there: --safe FILE');
  makeState(STATE);
  const options = { stateDirectory: STATE, name, site, server, store: STORE, nowMs: systemClock() };
  const undo = (): void => {
    rmSync(join(STATE, 'fleet'), { recursive: true, force: true });
    rmSync(safe, { force: true });
  };
  try {
    const { safe: text, servers, ca, trust } = await asOwner(STATE, () => makeFleet(options));
    writeFileSync(safe, text, { flag: 'wx', mode: SAFE_MODE });
    return {
      text: `keys and certificates are in ${STATE}/fleet, and the one for the safe in ${safe}`,
      keys: { servers, ca, trust, role: 'authority' },
      undo,
    };
  } catch (thrown) {
    undo();
    throw thrown;
  }
};
