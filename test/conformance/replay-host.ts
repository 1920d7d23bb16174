// Plays scenarios of unbound against Cordon: node replay-host.ts SOCKET PYTHON RUNNER [ARG …], in a network namespace of its
// own, starts the runner, which starts replay-adapter.mjs for each scenario, which asks here for a resolver.
//
// A scenario wants a fresh resolver, not a fresh process: each gets a service in this one, with workers and sockets of its
// own, for a third of the processor's time. The clock is the machine's plus the seconds that stand in a file, which
// libfaketime reads each time: it is a link, and leads to the file of the scenario.
//
// The scenario's JSON is the neutral form of an unbound configuration that the runner writes. What nothing of Cordon's
// configuration stands for is answered with status 77 and the reason: such a scenario says nothing about Cordon, and running
// it without would pass or fail by luck.
//
// Cordon listens before its lists are in force, and answers SERVFAIL until then. The runner asks as soon as it can
// connect, so Cordon listens elsewhere first and gets the address that the runner waits for by a reload.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { linkSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { z } from 'zod';
import { type Config, formatProblem } from '../../src/config/config.ts';
import type * as App from '../../src/host/app/app.ts';
import { createLog } from '../../src/telemetry/observe/observe.ts';
import { roomOf } from '../support/program.ts';

/** The runner counts the scenario as not applicable. */
const STATUS_NOT_APPLICABLE = 77;
/** A server that the scenario does not script: for scenarios whose answers need no upstream. */
const UNSCRIPTED_UPSTREAM = '192.0.2.53';
/** For scenarios that refuse everybody: clients that do not occur. */
const NOBODY = '192.0.2.0/24';
/** Where Cordon listens until it is ready. */
const NOWHERE = '127.0.0.1:0';
/** The TTL of records of a zone file that states none. */
const UNBOUND_TTL_SEC = 3600;
/** The one name of the list, so that a policy is in force: no scenario asks for it. */
const LISTED_NAME = 'listed.invalid';

/** What unbound assumes where a scenario does not say: how long answers are stale, when, and with which TTL. */
const UNBOUND_STALE = { maxSec: 86_400, afterMs: 1800, ttlSec: 30 };
/** `serve-expired-ttl: 0` is without an end; this is the longest that Cordon has. */
const STALE_SEC_MAX = 7 * 86_400;
/**
 * The shortest wait for a fresh answer, unless it is none at all, milliseconds. Time stands still in a scenario while its
 * servers answer, so that it may say 1 ms; the runner takes some real ones for each answer.
 */
const STALE_AFTER_MS_MIN = 300;
/** `msg-cache-size` of a scenario that wants answers to fall out at once: too small for any, bytes. */
const CACHE_BYTES_NONE = 64;

/** Features of scenarios that this version does not have, or that no scenario of the suites has. */
const UNSUPPORTED_FEATURES = new Set([
  'authzone',
  'autotrust',
  'dns64',
  'exotic-module',
  'internal-state',
  'local-data',
  'response-ip',
  'tags',
]);
/** Options of the scenario's server that change the messages and have no counterpart. */
const UNSUPPORTED_OPTIONS = new Set(['edns-client-string', 'serve-original-ttl']);
/** RSASHA1 and RSASHA1-NSEC3-SHA1, which Cordon treats as unknown (RFC 9905): nothing that they sign is validated. */
const SHA1_ALGORITHMS = new Set(['5', '7']);
/** DSA, which nobody validates with any more (RFC 8624). */
const DSA_ANCHOR = /\sDS\s+\d+\s+(?:3|6|DSA)\s/;
/** `val-override-date: -1`: the dates of signatures are not looked at. */
const ANY_DATE = -1;
/** 10 November 2012. The scenarios that look at no dates were signed between October and November 2012. */
const ANY_DATE_SEC = Date.UTC(2012, 10, 10) / 1000;
/** Fewest queries in flight that a scenario may ask for: `resolver.inflight` starts at 16, so one cannot be too many. */
const INFLIGHT_MIN = 2;

const forwardZone = z.object({
  name: z.string(),
  addrs: z.array(z.string()),
  hosts: z.array(z.string()).default([]),
  first: z.boolean().default(false),
  noCache: z.boolean().default(false),
  tcp: z.boolean().default(false),
});

const policyZone = z.object({
  name: z.string(),
  zonefile: z.string().nullable(),
  /** `disabled`, or what every rule of the zone does instead. */
  actionOverride: z.string().nullable(),
  cnameOverride: z.string().nullable(),
  signalNxdomainRa: z.boolean(),
});

const scenarioFile = z.object({
  listen: z.object({ addr: z.string(), port: z.number() }),
  features: z.array(z.string()),
  forwardZones: z.array(forwardZone),
  rpz: z.array(policyZone).default([]),
  trustAnchors: z.array(z.string()).default([]),
  domainInsecure: z.array(z.string()).default([]),
  /** Seconds since the epoch; the runner sets the clock to it. */
  valOverrideEpoch: z.number().nullable().default(null),
  server: z.record(z.string(), z.array(z.string())),
});

type Scenario = z.infer<typeof scenarioFile>;

const findObstacles = ({ features, forwardZones, rpz, server, trustAnchors }: Scenario): string[] => [
  ...rpz.flatMap((zone) => [
    ...(zone.signalNxdomainRa ? ['rpz-signal-nxdomain-ra'] : []),
    ...(zone.zonefile === null ? ['transfer of policy zones'] : []),
  ]),
  ...features.filter((feature) => UNSUPPORTED_FEATURES.has(feature)),
  ...(algorithmsOf(features).some((algorithm) => SHA1_ALGORITHMS.has(algorithm))
    ? ['validation of signatures with SHA-1']
    : []),
  ...(trustAnchors.some((anchor) => DSA_ANCHOR.test(anchor)) ? ['a trust anchor of DSA'] : []),
  ...Object.keys(server).filter((option) => UNSUPPORTED_OPTIONS.has(option)),
  ...(Number(server['num-queries-per-thread']?.[0] ?? INFLIGHT_MIN) < INFLIGHT_MIN
    ? ['limit of one query in flight']
    : []),
  ...forwardZones.flatMap((zone) => [
    ...(zone.noCache ? ['forward-no-cache'] : []),
    ...(zone.first ? ['forward-first'] : []),
    ...(zone.tcp ? ['forward-tcp-upstream'] : []),
    ...(zone.hosts.length > 0 ? ['forward-host'] : []),
  ]),
];

/** The feature `algs=5+7` lists the algorithms of the scenario's signatures. */
const algorithmsOf = (features: readonly string[]): string[] =>
  features
    .filter((feature) => feature.startsWith('algs='))
    .flatMap((feature) => feature.slice('algs='.length).split('+'));

/** `10.0.0.2@5353` is an address with a port there. */
const toEndpoint = (address: string): string => {
  const [host = '', port = '53'] = address.split('@');
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
};

/** Everybody may ask, unless the scenario is about refusing. */
const toAllowed = (rules: readonly string[]): string[] => {
  const words = rules.map((rule) => rule.split(/\s+/));
  if (words.every(([, action = '']) => action.startsWith('allow'))) return ['0.0.0.0/0', '::/0'];
  const allowed = words
    .filter(([, action = '']) => action.startsWith('allow'))
    .map(([prefix = '']) => prefix);
  return allowed.length > 0 ? allowed : [NOBODY];
};

/** Who may ask without RD. */
const toReaders = (rules: readonly string[]): string[] =>
  rules.flatMap((rule) => {
    const [prefix = '', action] = rule.split(/\s+/);
    return action === 'allow_snoop' ? [prefix] : [];
  });

/** Nothing is stale unless the scenario says so. */
const toStale = (server: Scenario['server']): object => {
  if (server['serve-expired']?.[0] !== 'yes') return { max: '0s' };
  const number = (option: string, byDefault: number): number => Number(server[option]?.[0] ?? byDefault);
  const maxSec = number('serve-expired-ttl', UNBOUND_STALE.maxSec);
  const afterMs = number('serve-expired-client-timeout', UNBOUND_STALE.afterMs);
  return {
    max: `${maxSec === 0 ? STALE_SEC_MAX : maxSec}s`,
    after: `${afterMs === 0 ? 0 : Math.max(afterMs, STALE_AFTER_MS_MIN)}ms`,
    ttl: `${number('serve-expired-reply-ttl', UNBOUND_STALE.ttlSec)}s`,
  };
};

/** Without anchors nothing is validated: with the built-in ones Cordon would ask the scripted servers for the root. */
const toDnssec = ({ trustAnchors, domainInsecure, server }: Scenario, directory: string): object =>
  trustAnchors.length === 0
    ? { mode: 'off' }
    : {
        mode: 'validate',
        anchors: join(directory, ANCHORS_FILE),
        'negative-anchors': domainInsecure,
        'aggressive-nsec': server['aggressive-nsec']?.[0] !== 'no',
      };

const toConfig = (scenario: Scenario, endpoint: string, directory: string): object => {
  const { forwardZones, rpz, server } = scenario;
  const seconds = (option: string): string | undefined =>
    server[option]?.[0] === undefined ? undefined : `${server[option][0]}s`;
  const isRoot = ({ name }: { name: string }): boolean => name === '.';
  return {
    listen: { dns: [endpoint], admin: false },
    workers: 1,
    state: join(directory, 'state'),
    upstreams: forwardZones.find(isRoot)?.addrs.map(toEndpoint) ?? [UNSCRIPTED_UPSTREAM],
    forward: forwardZones
      .filter((zone) => !isRoot(zone))
      .map(({ name, addrs }) => ({ zones: [name], upstreams: addrs.map(toEndpoint) })),
    lists: [
      { id: 'listed', file: join(directory, LIST_FILE), format: 'domains' },
      ...rpz.map(({ name, actionOverride }, index) => ({
        id: `zone-${index}`,
        file: join(directory, zoneFile(index)),
        format: 'rpz',
        everything: true,
        origin: name,
        'log-only': actionOverride === 'disabled',
      })),
    ],
    access: {
      allow: toAllowed(server['access-control'] ?? []),
      'read-cache': toReaders(server['access-control'] ?? []),
    },
    cache: {
      ...(Number(server['msg-cache-size']?.[0] ?? Infinity) <= CACHE_BYTES_NONE ? { size: '0KiB' } : {}),
      ttl: {
        min: seconds('cache-min-ttl'),
        max: seconds('cache-max-ttl'),
        'negative-max': seconds('cache-max-negative-ttl'),
      },
      stale: toStale(server),
      prefetch: server['prefetch']?.[0] === 'yes',
    },
    dnssec: toDnssec(scenario, directory),
  };
};

const ANCHORS_FILE = 'anchors.txt';
const LIST_FILE = 'listed.txt';

const zoneFile = (index: number): string => `zone-${index}.zone`;

const OVERRIDES: Readonly<Record<string, string>> = {
  nxdomain: '.',
  nodata: '*.',
  passthru: 'rpz-passthru.',
  drop: 'rpz-drop.',
  'tcp-only': 'rpz-tcp-only.',
};

/** A record with its owner at the start of the line; SOA and NS follow in lines of their own. */
const TRIGGER_LINE = /^([^\s;$@]\S*)\s+(?:\d+\s+)?(?:IN\s+)?(?:A|AAAA|TXT|CNAME|MX|SRV)\s.*$/gim;

/**
 * The text of a policy zone for Cordon, which has no override for the actions of a zone: it stands in the records then,
 * as a publisher would write it. A TTL that no record states is unbound's.
 */
const toZoneText = (text: string, { actionOverride, cnameOverride }: z.infer<typeof policyZone>): string => {
  const target =
    actionOverride === 'cname' ? `${cnameOverride?.replace(/\.$/, '')}.` : OVERRIDES[actionOverride ?? ''];
  const rules =
    target === undefined
      ? text
      : text.replace(TRIGGER_LINE, (_, owner: string) => `${owner} CNAME ${target}`);
  return `$TTL ${UNBOUND_TTL_SEC}\n${rules}`;
};

const { FAKETIME_TIMESTAMP_FILE: clockLink = '' } = process.env;

/** Leads the clock of this process to a file; undefined: to that of the machine. */
const setClock = (path: string | undefined): void => {
  symlinkSync(path ?? `${clockLink}.machine`, `${clockLink}.next`);
  renameSync(`${clockLink}.next`, clockLink);
};

/** The clock of a scenario is the runner's, unless the dates of signatures are not to matter. */
const clockOf = (
  { valOverrideEpoch, features }: Scenario,
  directory: string,
  runnersClock: string | undefined,
): string | undefined => {
  if (valOverrideEpoch !== ANY_DATE || runnersClock === undefined || features.includes('time'))
    return runnersClock;
  const path = join(directory, 'clock-any-date');
  setClock(undefined);
  writeFileSync(path, `${ANY_DATE_SEC - Date.now() / 1000}\n`);
  return path;
};

/** What the adapter asks for in a line of JSON. */
const order = z.object({ scenario: z.string(), directory: z.string(), clock: z.string().optional() });

const { loadConfiguration, Service } = (await roomOf('host/app/app')) as typeof App;

const readConfig = (path: string): Config => {
  const { config, problems } = loadConfiguration(path);
  if (config === undefined) throw new Error(problems.map(formatProblem).join('\n'));
  return config;
};

/** Runs a resolver until the adapter has nothing more to say; gives the adapter's status, and why. */
const serve = async (text: string, ended: Promise<unknown>): Promise<{ status: number; why: string }> => {
  const { scenario: path, directory, clock } = order.parse(JSON.parse(text));
  const scenario = scenarioFile.parse(JSON.parse(readFileSync(path, 'utf8')));
  const obstacles = findObstacles(scenario);
  if (obstacles.length > 0)
    return { status: STATUS_NOT_APPLICABLE, why: `nothing here stands for ${obstacles.join(', ')}` };
  const configPath = join(directory, 'cordon.yaml');
  const writeConfig = (endpoint: string): void => {
    const config = toConfig(scenario, endpoint, directory);
    writeFileSync(configPath, stringify(config, { keepUndefined: false }));
  };
  writeConfig(NOWHERE);
  writeFileSync(join(directory, LIST_FILE), `${LISTED_NAME}\n`);
  writeFileSync(join(directory, ANCHORS_FILE), `${scenario.trustAnchors.join('\n')}\n`);
  for (const [index, zone] of scenario.rpz.entries()) {
    const rules = zone.zonefile === null ? '' : readFileSync(zone.zonefile, 'utf8');
    writeFileSync(join(directory, zoneFile(index)), toZoneText(rules, zone));
  }
  setClock(clockOf(scenario, directory, clock));
  const source = {
    readConfig: () => readConfig(configPath),
    configPath,
    checkProposal: () => loadConfiguration(configPath),
    defaults: () => readConfig(configPath),
  };
  const service = await Service.start(source, ({ log }) => createLog(log));
  writeConfig(toEndpoint(`${scenario.listen.addr}@${scenario.listen.port}`));
  await service.reload();
  await ended;
  await service.stop();
  return { status: 0, why: '' };
};

/**
 * The adapter writes its order, and later ends its side; what comes back, when all is closed, ends it. On a loaded machine the
 * runner does not wait so long, and the next one comes before the last is gone, whose sockets it would meet.
 */
const attend = async (socket: Socket, before: Promise<void>): Promise<void> => {
  socket.on('error', () => undefined);
  const ended = once(socket, 'end').catch(() => undefined);
  let text = '';
  while (!text.endsWith('\n')) text += String((await once(socket, 'data'))[0]);
  await before;
  const outcome = await serve(text, ended).catch((error: unknown) => ({ status: 1, why: String(error) }));
  socket.end(JSON.stringify(outcome));
};

const [socketPath, program = '', ...args] = process.argv.slice(2);
linkSync(clockLink, `${clockLink}.machine`);
let attended = Promise.resolve();
const server = createServer({ allowHalfOpen: true }, (socket) => {
  attended = attend(socket, attended).catch(() => undefined);
});
server.listen(socketPath);
await once(server, 'listening');
// The runner is in its namespace already, and has the clock of the machine.
const { FAKETIME_TIMESTAMP_FILE: _own, LD_PRELOAD: _library, ...others } = process.env;
const env = { ...others, RPL_NETNS: '1' };
const runner = spawn(program, args, { env, stdio: ['ignore', 'inherit', 'inherit'] });
const [code] = (await once(runner, 'exit')) as [number | null];
process.exit(code ?? 1);
