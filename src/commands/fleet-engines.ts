// cordon fleet engines: from one engine to three, or back, machine by machine; run again, each step goes on where it stands.
//
// The plan is made at the authority, whose service gives the files to the resolvers beside which the other servers stand. There
// the engine is started by --here, at the authority last: from then on the engine is that of the plan.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, systemClock } from '../base/base.ts';
import {
  type ChangedEngine,
  type EnginePlanTools,
  enginePlanTools,
  engineTools,
  fleetPath,
} from '../fleet/fleet.ts';
import { OPERATIONS } from '../people/admin/admin.ts';
import { askService } from './control-client.ts';
import type { InputOf } from './declaration.ts';
import type { FLEET_ENGINES } from './declarations/fleet.ts';
import { requireFleet, requireName, requirePort } from './fleet-input.ts';
import { configure, requireInstalled, restartService, STATE, startUnit } from './fleet-machine.ts';
import { COLLECTOR_UNIT, ENGINE_MS, ENGINE_UNIT, freePort, requireEngine } from './fleet-start.ts';
import { type Did, Steps, until } from './fleet-steps.ts';
import { asOwner, openPort, succeeds, tool, unfit } from './machine.ts';
import { print } from './output.ts';
import { DONE, PROBLEM } from './statuses.ts';
import { UsageError } from './usage-error.ts';

/** A stream of 16 GiB that nobody has collected is not copied meanwhile: it is begun anew. */
const COPIES_MS = 120_000;

/** Plans, changes over, or shows. */
export const engines = async ({ values, words }: InputOf<typeof FLEET_ENGINES>): Promise<number> => {
  const isPlan = words.server.length > 0 || values.one;
  if (isPlan && values.here)
    throw new UsageError('--here goes without servers: it is what is planned that begins');
  const steps = new Steps(values.json);
  const tools = await enginePlanTools();
  const directory = fleetPath(STATE, 'engine');
  let isAuthority = false;
  await steps.take('machine', async () => {
    const fleet = requireFleet(await requireInstalled());
    isAuthority = fleet.role === 'authority';
    if (isPlan && !isAuthority) throw unfit('it is a node', 'Plan at the authority.');
    if (values.here) await requireEngine();
    return { text: `Cordon is as it has to be; this is ${isAuthority ? 'the authority' : 'a node'}` };
  });
  let end: readonly string[];
  if (isPlan) end = await plan(steps, tools, directory, words.server);
  else if (!values.here) end = show(tools, directory, isAuthority);
  else end = isAuthority ? await changeOver(steps, tools, directory) : await begin(steps, tools, directory);
  print(values.json, { steps: steps.told, next: end }, () => ['', ...end, ''].join('\n'));
  return steps.isWhole ? DONE : PROBLEM;
};

const plan = async (
  steps: Steps,
  tools: EnginePlanTools,
  directory: string,
  named: readonly string[],
): Promise<string[]> => {
  await steps.take('plan', async () => {
    const { servers } = tools.readEngineSettings(directory);
    const port = (servers[0] ?? '').slice((servers[0] ?? '').lastIndexOf(':') + 1);
    const hosts = named.map((text) => hostOf(text, port));
    if (hosts.length > 0) await requireNodes(hosts.map(({ name }) => name));
    const planned = await asOwner(STATE, () =>
      Promise.resolve(tools.planEngine(directory, hosts, systemClock())),
    );
    const { servers: all } = planned;
    return {
      text: all.length > 1 ? `${all.join(', ')}, with a certificate for each` : `${all.join()} alone`,
    };
  });
  const hosts = tools.hostsOf(directory);
  return hosts.length === 0
    ? ['At the authority: cordon fleet engines --here']
    : [
        `The service gives ${hosts.map(({ name }) => name).join(' and ')} their files within 15 seconds. Then, as root:`,
        ...hosts.map(({ name }) => `at ${name}: apt-get install nats-server && cordon fleet engines --here`),
        'at the authority, last: cordon fleet engines --here',
      ];
};

/** Nobody would give files to one that was removed, or that nobody took in: the plan could not be carried out. */
const requireNodes = async (names: readonly string[]): Promise<void> => {
  const { resolvers } = await askService({ stateDirectory: STATE }, OPERATIONS.readFleet, {});
  const nodes = resolvers.filter(({ role, removed }) => role !== 'collector' && removed === null);
  for (const name of names)
    if (!nodes.some((node) => node.name === name))
      throw unfit(`${name} is not in the fleet`, '"cordon fleet status" shows who is.');
};

/** NAME=HOST or NAME=HOST:PORT. */
const hostOf = (text: string, port: string): { name: string; server: string } => {
  const [name = '', host = ''] = text.split('=');
  const [, address = '', named = port] =
    /^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+)(?::(\d{1,5}))?$/.exec(host) ?? [];
  if (address === '') throw new UsageError(`"${text.slice(0, 80)}" is not NAME=HOST`);
  return { name: requireName(name), server: `${address}:${requirePort(named)}` };
};

/** The engine beside a node, which waits for the others. */
const begin = async (steps: Steps, tools: EnginePlanTools, directory: string): Promise<string[]> => {
  const here = tools.readEngineHere(directory);
  if (here === undefined)
    throw unfit(
      'the authority has given it no files of an engine',
      'There: cordon fleet engines NAME=HOST NAME=HOST; they come within 15 seconds while both services run.',
    );
  const url = `tls://${here.server}`;
  await steps.take('port', () => freePort(here.server));
  const { isEngineThere } = await engineTools();
  await steps.take('engine', async () => {
    // What it was started with may be another plan.
    if (await succeeds('systemctl', 'is-active', '--quiet', ENGINE_UNIT))
      await tool('systemctl', 'restart', ENGINE_UNIT);
    return startUnit(ENGINE_UNIT, () => isEngineThere(url, join(directory, 'ca.pem')), ENGINE_MS);
  });
  await openPorts(steps, here.server, here.clusterPort);
  return ['When the engine of the other node runs as well, at the authority: cordon fleet engines --here'];
};

const openPorts = async (steps: Steps, server: string, clusterPort: number | undefined): Promise<void> => {
  const ports = [Number(server.slice(server.lastIndexOf(':') + 1)), clusterPort];
  for (const port of ports)
    if (port !== undefined)
      await steps.take('firewall', async (): Promise<Did> => {
        const { text, isLeft, undo } = await openPort(port);
        return { text: `port ${port}: ${text}`, isWhole: !isLeft, undo };
      });
};

/** The authority's own: the engine is that of the plan from here on. */
const changeOver = async (steps: Steps, tools: EnginePlanTools, directory: string): Promise<string[]> => {
  const planned = tools.readPlan(directory);
  const settings = planned ?? tools.readEngineSettings(directory);
  const [own = '', ...others] = settings.servers;
  const { isEngineThere } = await engineTools();
  const ca = settings.tls?.ca ?? '';
  await steps.take('others', async () => {
    for (const server of others)
      if (!(await isEngineThere(`tls://${server}`, ca)))
        throw unfit(
          `no engine with a certificate of the fleet answers at ${server}`,
          'There, first: cordon fleet engines --here. Look at the firewall as well.',
        );
    return { text: others.length === 0 ? 'there are none' : `${others.join(' and ')} answer` };
  });
  if (others.length > 0) await openPorts(steps, own, settings.clusterPort);
  const servers = settings.servers.map((server) => `tls://${server}`);
  const isOne = servers.length === 1;
  let changed: ChangedEngine | undefined;
  await steps.take('engine', async () => {
    if (planned === undefined)
      return startUnit(ENGINE_UNIT, () => isEngineThere(`tls://${own}`, ca), ENGINE_MS);
    const made = await asOwner(STATE, () => Promise.resolve(tools.changeEngine(directory)));
    changed = made;
    const undo = async (): Promise<void> => {
      await asOwner(STATE, () => Promise.resolve(made.undo()));
      await tool('systemctl', 'restart', ENGINE_UNIT);
    };
    try {
      await tool('systemctl', 'restart', ENGINE_UNIT);
      await until(
        () => isEngineThere(`tls://${own}`, ca),
        ENGINE_MS,
        () => unfit('the engine does not come back', `journalctl -u ${ENGINE_UNIT}`),
      );
    } catch (thrown) {
      await undo();
      throw thrown;
    }
    return { text: `${ENGINE_UNIT} is ${isOne ? 'the only one' : `one of ${servers.length}`}`, undo };
  });
  const { undo } = await steps.take('configuration', () => configure({ servers }));
  await steps.take('service', () => restartService('authority', undo !== undefined || planned !== undefined));
  await steps.take('streams', async () => {
    const look = (): Promise<boolean> => areCopied(tools, servers, ca, settings.servers.length);
    await until(look, COPIES_MS, () =>
      unfit('the streams are not on every server', 'cordon fleet engines; journalctl -u cordon-engine there'),
    );
    return { text: `each is ${isOne ? 'there' : `on ${servers.length} of them`}, with all that is in it` };
  });
  // From here on resolvers may have what only this engine has.
  steps.keep();
  await steps.take('collector', async () => {
    await tool('systemctl', 'try-restart', COLLECTOR_UNIT);
    return { text: 'runs with it' };
  });
  if (changed !== undefined) await forget(changed, settings.store);
  // It ends an engine of before there as well.
  return [`At each other resolver: cordon fleet engine ${servers.join(' ')}`];
};

/** What the engine kept before, which resolvers and authority have put back, and certificates of machines that have no engine now. */
const forget = async (changed: ChangedEngine, store: string): Promise<void> => {
  await asOwner(STATE, () => Promise.resolve(changed.forget()));
  const { storeBefore } = changed;
  if (storeBefore !== store) rmSync(join(storeBefore, 'jetstream'), { recursive: true, force: true });
};

const areCopied = async (
  { streamCopies }: EnginePlanTools,
  servers: readonly string[],
  ca: string,
  count: number,
): Promise<boolean> => {
  try {
    const found = await streamCopies(STATE, servers, ca);
    return found.every(({ copies, isCurrent }) => copies === count && isCurrent);
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown;
    return false;
  }
};

const show = (tools: EnginePlanTools, directory: string, isAuthority: boolean): string[] => {
  if (!isAuthority) {
    const here = tools.readEngineHere(directory);
    return [here === undefined ? 'No engine stands here.' : `The engine here is to be ${here.server}.`];
  }
  const planned = tools.readPlan(directory);
  return [
    `The engine is ${tools.readEngineSettings(directory).servers.join(', ')}.`,
    ...(planned === undefined
      ? []
      : [`Planned is ${planned.servers.join(', ')}: cordon fleet engines --here`]),
  ];
};
