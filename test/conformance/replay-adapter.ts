// Configures Cordon for one replay scenario and becomes it: node src/launch.mjs test/conformance/replay-adapter.ts
// SCENARIO.json WORKDIR. The scenario's JSON is the neutral form of an unbound configuration that the replay runner
// writes. What this version of Cordon has no switch for ends the program with status 77 and the reason: such a
// scenario says nothing about Cordon, and running it without the switch would pass or fail by luck.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { z } from 'zod';

/** The runner counts the scenario as not applicable. */
const STATUS_NOT_APPLICABLE = 77;
/** A server that the scenario does not script: for scenarios whose answers need no upstream. */
const UNSCRIPTED_UPSTREAM = '192.0.2.53';
/** For scenarios that refuse everybody: clients that do not occur. */
const NOBODY = '192.0.2.0/24';
/** The TTL of records of a zone file that states none. */
const UNBOUND_TTL_SEC = 3600;
/** The one name of the list, so that a policy is in force: no scenario asks for it. */
const LISTED_NAME = 'listed.invalid';

/** Features of scenarios that need a part of a resolver that this version does not have. */
const UNSUPPORTED_FEATURES = new Set([
  'authzone',
  'autotrust',
  'dns64',
  'dnssec',
  'exotic-module',
  'internal-state',
  'local-data',
  'response-ip',
  'serve-expired',
  'tags',
]);
/** Options of the scenario's server that change the messages and have no counterpart. */
const UNSUPPORTED_OPTIONS = new Set(['edns-client-string']);
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
  server: z.record(z.string(), z.array(z.string())),
});

type Scenario = z.infer<typeof scenarioFile>;

const findObstacles = ({ features, forwardZones, rpz, server }: Scenario): string[] => [
  ...rpz.flatMap((zone) => [
    ...(zone.signalNxdomainRa ? ['rpz-signal-nxdomain-ra'] : []),
    ...(zone.zonefile === null ? ['transfer of policy zones'] : []),
  ]),
  ...features.filter((feature) => UNSUPPORTED_FEATURES.has(feature)),
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

const toConfig = ({ listen, forwardZones, rpz, server }: Scenario): object => {
  const seconds = (option: string): string | undefined =>
    server[option]?.[0] === undefined ? undefined : `${server[option][0]}s`;
  const isRoot = ({ name }: { name: string }): boolean => name === '.';
  return {
    listen: { dns: [toEndpoint(`${listen.addr}@${listen.port}`)], admin: false },
    workers: 1,
    state: './state',
    upstreams: forwardZones.find(isRoot)?.addrs.map(toEndpoint) ?? [UNSCRIPTED_UPSTREAM],
    forward: forwardZones
      .filter((zone) => !isRoot(zone))
      .map(({ name, addrs }) => ({ zones: [name], upstreams: addrs.map(toEndpoint) })),
    lists: [
      { id: 'listed', file: 'listed.txt', format: 'domains' },
      ...rpz.map(({ name, actionOverride }, index) => ({
        id: `zone-${index}`,
        file: zoneFile(index),
        format: 'rpz',
        origin: name,
        'log-only': actionOverride === 'disabled',
      })),
    ],
    access: { allow: toAllowed(server['access-control'] ?? []) },
    cache: {
      ttl: {
        min: seconds('cache-min-ttl'),
        max: seconds('cache-max-ttl'),
        'negative-max': seconds('cache-max-negative-ttl'),
      },
    },
  };
};

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

const [scenarioPath, directory] = process.argv.slice(2);
if (scenarioPath === undefined || directory === undefined) {
  process.stderr.write('usage: replay-adapter.ts SCENARIO.json WORKDIR\n');
  process.exit(2);
}
const scenario = scenarioFile.parse(JSON.parse(readFileSync(scenarioPath, 'utf8')));
const obstacles = findObstacles(scenario);
if (obstacles.length > 0) {
  process.stdout.write(`this version has no ${obstacles.join(', ')}\n`);
  process.exit(STATUS_NOT_APPLICABLE);
}
const configPath = join(directory, 'cordon.yaml');
writeFileSync(configPath, stringify(toConfig(scenario), { keepUndefined: false }));
writeFileSync(join(directory, 'listed.txt'), `${LISTED_NAME}\n`);
for (const [index, zone] of scenario.rpz.entries()) {
  const text = zone.zonefile === null ? '' : readFileSync(zone.zonefile, 'utf8');
  writeFileSync(join(directory, zoneFile(index)), toZoneText(text, zone));
}
const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
assert(process.execve !== undefined, 'execve is part of Node.js on Linux and macOS');
process.execve(process.execPath, [process.execPath, main, 'serve', '--config', configPath], process.env);
