// What is asked and what is listed: the same for every server of a run, made from real names by a seeded source.
//
// Names that pass are hosts of US government sites, asked as often as they are visited; every tenth query is for a
// listed name. A query file knows which of its lines have to be refused, so that a run can tell whether a server did
// the work that it was measured at.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseCordonList, shippedLists } from '../src/policy/lists/lists.ts';
import { MATCH } from '../src/policy/policy.ts';
import { LOCAL, LocalZones } from '../src/resolver/local/local.ts';
import { parseName, TYPE } from '../src/wire/dns/dns.ts';
import { LISTED_VISITED_HOSTS, readVisitedHosts } from '../test/support/government-names.ts';
import { createRandom, type Random } from '../test/support/mutate.ts';

/** Hosts that are asked for: few enough for the cache of every server, so that hits are compared with hits. */
const HOSTS_COUNT = 10_000;
/** Lines of a query file: repeats after more than a second at any rate seen here. */
const QUERIES_COUNT = 200_000;
/** One of so many queries is for a listed name. */
const LISTED_EVERY = 10;
/** One of so many queries is for AAAA, the others for A. */
const AAAA_EVERY = 5;
/** One of so many queries for a listed name is for a name below it. */
const BELOW_LISTED_EVERY = 2;
/** Names of a large list. */
export const MILLION = 1_000_000;
const SEED = 20261124;

const LABEL_LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789';
const LABEL_LENGTH_MIN = 8;
const LABEL_LENGTH_SPREAD = 9;
const ZONES = ['com', 'net', 'org', 'xyz', 'info', 'top', 'online', 'site', 'co.uk', 'com.br'];
/** A host label before a listed name, for one in two: lists hold hosts as well as zones. */
const HOSTS = ['www.', 'cdn.', 'ads.', 'api.', ''];

/** Names of a list, each with everything below it, and where they stand, one a line. */
export interface ListedNames {
  readonly names: readonly string[];
  readonly file: string;
}

/** A file for dnsperf. */
export interface QueryFile {
  readonly path: string;
  readonly count: number;
  /** How many of the first `sent` queries are for listed names, the file being repeated. */
  refusedOf(sent: number): number;
}

/** The names that the shipped lists refuse by default, as far as that is NXDOMAIN for everything below them too. */
export const readShippedNames = (directory: string): ListedNames => {
  const names = new Set<string>();
  for (const { file } of shippedLists()) {
    const { header, entries } = parseCordonList(readFileSync(file));
    if (header?.default !== true || header.answer !== undefined) continue;
    for (const { match, text } of entries) if (match === MATCH.SUFFIX) names.add(text);
  }
  return writeNames(join(directory, 'shipped.txt'), withoutCovered(names));
};

/** One million made-up names that cover none of the hosts. */
export const createMillionNames = (directory: string): ListedNames => {
  const random = createRandom(SEED);
  const names = new Set<string>();
  while (names.size < MILLION) {
    names.add(
      `${HOSTS[random(HOSTS.length)] ?? ''}${createLabel(random)}.${ZONES[random(ZONES.length)] ?? ''}`,
    );
  }
  return writeNames(join(directory, 'million.txt'), [...names]);
};

/** Hosts that are asked for, the most visited first, without what a resolver answers by itself or the lists cover. */
export const readHosts = (listed: readonly ListedNames[]): Host[] => {
  const zones = new LocalZones([]);
  const covered = new Set(listed.flatMap(({ names }) => names));
  const excluded = new Set(LISTED_VISITED_HOSTS);
  const hosts: Host[] = [];
  for (const host of readVisitedHosts()) {
    if (hosts.length === HOSTS_COUNT) break;
    const name = parseName(host.name);
    if (typeof name === 'string' || excluded.has(host.name) || isCovered(host.name, covered)) continue;
    if (zones.find(name, name.length, TYPE.A) === LOCAL.NONE) hosts.push(host);
  }
  return hosts;
};

/** A host and how often it is visited. */
export interface Host {
  readonly name: string;
  readonly visits: number;
}

/** Queries for hosts by their visits and for listed names. */
export const writeQueries = (path: string, hosts: readonly Host[], listed: ListedNames): QueryFile => {
  const random = createRandom(SEED + 1);
  const pickHost = createPicker(hosts, random);
  const lines: string[] = [];
  const refused: boolean[] = [];
  for (let i = 0; i < QUERIES_COUNT; i++) {
    const isListed = random(LISTED_EVERY) === 0;
    const name = isListed ? pickListed(listed.names, random) : pickHost();
    lines.push(`${name} ${random(AAAA_EVERY) === 0 ? 'AAAA' : 'A'}`);
    refused.push(isListed);
  }
  writeFileSync(path, `${lines.join('\n')}\n`);
  return toQueryFile(path, refused);
};

/** Queries for listed names only. */
export const writeListed = (path: string, listed: ListedNames): QueryFile => {
  const random = createRandom(SEED + 2);
  const lines = Array.from(
    { length: QUERIES_COUNT },
    () => `${pickListed(listed.names, random)} ${random(AAAA_EVERY) === 0 ? 'AAAA' : 'A'}`,
  );
  writeFileSync(path, `${lines.join('\n')}\n`);
  return toQueryFile(path, new Array<boolean>(lines.length).fill(true));
};

/** Every query of the hosts once, to fill a cache. */
export const writeWarmUp = (path: string, hosts: readonly Host[]): QueryFile => {
  const lines = hosts.flatMap(({ name }) => [`${name} A`, `${name} AAAA`]);
  writeFileSync(path, `${lines.join('\n')}\n`);
  return toQueryFile(path, new Array<boolean>(lines.length).fill(false));
};

/** Queries for names that nobody has asked for yet: `first` is the number of the first one. */
export const writeNewNames = (
  path: string,
  hosts: readonly Host[],
  first: number,
  count: number,
): QueryFile => {
  const lines: string[] = [];
  for (let i = first; i < first + count; i++) {
    lines.push(`n${i.toString(36)}.${hosts[i % hosts.length]?.name ?? 'example.com'} A`);
  }
  writeFileSync(path, `${lines.join('\n')}\n`);
  return toQueryFile(path, new Array<boolean>(lines.length).fill(false));
};

const toQueryFile = (path: string, refused: readonly boolean[]): QueryFile => {
  const sums = new Uint32Array(refused.length + 1);
  for (const [index, isRefused] of refused.entries())
    sums[index + 1] = (sums[index] ?? 0) + Number(isRefused);
  const count = refused.length;
  return {
    path,
    count,
    refusedOf: (sent) => Math.floor(sent / count) * (sums[count] ?? 0) + (sums[sent % count] ?? 0),
  };
};

const writeNames = (file: string, names: readonly string[]): ListedNames => {
  writeFileSync(file, `${names.join('\n')}\n`);
  return { names, file };
};

/** Without names below other names of the set: some servers refuse a list that says a thing twice. */
const withoutCovered = (names: ReadonlySet<string>): string[] =>
  [...names].filter((name) => !isCovered(name.slice(name.indexOf('.') + 1), names) || !name.includes('.'));

const isCovered = (name: string, covered: ReadonlySet<string>): boolean => {
  for (let rest = name; ; ) {
    if (covered.has(rest)) return true;
    const dot = rest.indexOf('.');
    if (dot < 0) return false;
    rest = rest.slice(dot + 1);
  }
};

const createLabel = (random: Random): string => {
  let label = '';
  for (let left = LABEL_LENGTH_MIN + random(LABEL_LENGTH_SPREAD); left > 0; left--) {
    label += LABEL_LETTERS[random(LABEL_LETTERS.length)] ?? '';
  }
  return label;
};

const pickListed = (names: readonly string[], random: Random): string => {
  const name = names[random(names.length)] ?? '';
  return random(BELOW_LISTED_EVERY) === 0 ? `${createLabel(random)}.${name}` : name;
};

/** Picks hosts with a likelihood that is proportional to their visits. */
const createPicker = (hosts: readonly Host[], random: Random): (() => string) => {
  const sums = new Float64Array(hosts.length);
  let total = 0;
  for (const [index, { visits }] of hosts.entries()) {
    total += visits;
    sums[index] = total;
  }
  return () => {
    const wanted = random(total);
    let [low, high] = [0, hosts.length - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((sums[middle] ?? 0) > wanted) high = middle;
      else low = middle + 1;
    }
    return hosts[low]?.name ?? '';
  };
};
