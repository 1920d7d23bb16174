// Families: public lists of TikTok and ByteDance names, read from a directory with a manifest. For measuring and for
// proposals: a family is an opinion, and none is copied.
//
// DIRECTORY/families.tsv has a row for each file:
//
//   FAMILY <tab> SOURCE <tab> FILE <tab> FORM <tab> LICENCE, and whatever a person adds behind it
//
// FORM is `v2fly`, `rules` (of proxies: DOMAIN-SUFFIX,name), or a format of Cordon's. Sources of one family are one vote,
// and so are families whose names are mostly the same; `~` before a family takes its vote away.
import { join } from 'node:path';
import { AppError, isAppError } from '../../src/base/base.ts';
import {
  isMarkup,
  LIST_FORMATS,
  type ListFormat,
  loadList,
  readListFile,
} from '../../src/policy/lists/lists.ts';
import type { RuleSink } from '../../src/policy/policy.ts';
import { formatName } from '../../src/wire/dns/dns.ts';

/** What one family names. */
export interface Family {
  /** Without `~`. */
  readonly id: string;
  readonly hasVote: boolean;
  readonly sources: readonly string[];
  readonly names: ReadonlySet<string>;
}

const MANIFEST = 'families.tsv';
const CELLS_MIN = 5;
/**
 * Families copy each other when this much of both together is in both: forks share nine tenths, families that were written
 * apart at most a third. What a large family took out of small ones is not seen so; the manifest has to say it.
 */
const COPY_SHARE_MIN = 0.5;
/** Below that, sharing is chance: every list of five names has tiktok.com. */
const COPY_NAMES_MIN = 10;

/** The rows of a table: cells between tabs, without comments. */
export const readTsv = (path: string): string[][] =>
  Buffer.from(readListFile(path))
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split('\t'));

/** A name and its parents, the longest first. */
export const zonesOf = (name: string): string[] => {
  const labels = name.split('.');
  return labels.map((_, index) => labels.slice(index).join('.'));
};

/** Reads the families of a directory; throws an AppError for a file that is not what the manifest says. */
export const readFamilies = (directory: string): Family[] => {
  const files = readTsv(join(directory, MANIFEST)).map((cells, index) => {
    const [family = '', source = '', file = '', form = ''] = cells;
    if (cells.length < CELLS_MIN || [family, source, file, form].includes(''))
      throw new AppError(
        'ERR_LIST_PARSE',
        `reading families of ${directory}: row ${index + 1} is incomplete`,
      );
    return { family, source, names: readNames(join(directory, file), form) };
  });
  return [...Map.groupBy(files, ({ family }) => family)].map(([family, own]) => ({
    id: family.replace(/^~/, ''),
    hasVote: !family.startsWith('~'),
    sources: [...new Set(own.map(({ source }) => source))],
    names: new Set(own.flatMap(({ names }) => [...names])),
  }));
};

/** Cells of a row of families.tsv of the lists that say of a file which zones it has; "-" where nobody took it apart. */
const ZONES_CELL = 6;
const NOT_TAKEN_APART = '-';
const COMMIT = /^[0-9a-f]{40}$/;

/**
 * families.tsv of the lists with the files of a directory in the place of those that were read before: what follows is FAMILY,
 * REPOSITORY, PATH, COMMIT, DATE, LICENCE. Rows of files that were taken apart by zone stay.
 */
export const withFamilies = (text: string, directory: string): string => {
  const before = text.trimEnd().split('\n');
  const kept = before.filter(
    (line) => line.startsWith('#') || line.split('\t')[ZONES_CELL] !== NOT_TAKEN_APART,
  );
  const rows = readTsv(join(directory, MANIFEST)).flatMap(
    ([family = '', , , , licence = '', repository = '', path = '', commit = '']) =>
      COMMIT.test(commit)
        ? [[family, repository, path, commit, '-', licence, NOT_TAKEN_APART, NOT_TAKEN_APART].join('\t')]
        : [],
  );
  return `${[...kept, ...rows.sort()].join('\n')}\n`;
};

/** Families by vote: those that copy each other are together; without those that have none. */
export const clusterFamilies = (families: readonly Family[]): Family[][] => {
  const clusters: Family[][] = [];
  for (const family of families.filter(({ hasVote }) => hasVote)) {
    const like = clusters.filter((cluster) => cluster.some((other) => areCopies(family, other)));
    for (const cluster of like) clusters.splice(clusters.indexOf(cluster), 1);
    clusters.push([...like.flat(), family]);
  }
  return clusters;
};

const areCopies = (a: Family, b: Family): boolean => {
  const [small, large] = a.names.size < b.names.size ? [a.names, b.names] : [b.names, a.names];
  if (small.size < COPY_NAMES_MIN) return false;
  const shared = [...small].filter((name) => large.has(name)).length;
  return shared >= (small.size + large.size - shared) * COPY_SHARE_MIN;
};

/** By name: how many clusters name it; 0 where only families without a vote do. */
export const countVotes = (families: readonly Family[]): Map<string, number> => {
  const votes = new Map<string, number>();
  for (const { names } of families) for (const name of names) votes.set(name, 0);
  for (const cluster of clusterFamilies(families)) {
    const names = new Set(cluster.flatMap((family) => [...family.names]));
    for (const name of names) votes.set(name, (votes.get(name) ?? 0) + 1);
  }
  return votes;
};

const readNames = (path: string, form: string): ReadonlySet<string> => {
  const bytes = readListFile(path);
  if (isMarkup(bytes))
    throw new AppError('ERR_LIST_PARSE', `reading family ${path}: a web page instead of a list`);
  const names =
    form === 'v2fly' || form === 'rules'
      ? readRules(Buffer.from(bytes).toString('utf8'), form)
      : readFormat(path, form);
  if (names.size === 0)
    throw new AppError('ERR_LIST_EMPTY', `reading family ${path}: no name in it as ${form}`);
  return names;
};

const readFormat = (path: string, form: string): ReadonlySet<string> => {
  const format = LIST_FORMATS.find((known): known is ListFormat => known === form);
  if (format === undefined)
    throw new AppError('ERR_LIST_PARSE', `reading family ${path}: no form is ${form}`);
  const names = new Set<string>();
  const sink: RuleSink = {
    addName: (_match, name, length) => names.add(formatName(name.subarray(0, length)).replace(/\.$/, '')),
    addPrefix: () => undefined,
    addClientPrefix: () => undefined,
    addPattern: () => undefined,
  };
  try {
    loadList({ kind: 'file', path, format, isDirectory: false }, sink);
  } catch (thrown) {
    // What holds nothing is told by its caller.
    if (!isAppError(thrown) || thrown.code !== 'ERR_LIST_EMPTY') throw thrown;
  }
  return names;
};

const NAME = /^(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)+[a-z0-9-]*[a-z0-9]$/;

/** `full:host @tag # why` of v2fly/domain-list-community, and `DOMAIN-SUFFIX,name,policy` of proxies. */
const readRules = (text: string, form: 'rules' | 'v2fly'): ReadonlySet<string> =>
  new Set(
    text.split('\n').flatMap((line) => {
      const rule = line.replace(/#.*/, '').trim().toLowerCase();
      const name =
        form === 'v2fly'
          ? (rule.split(/\s/)[0] ?? '').replace(/^(?:full|domain):/, '')
          : (/^(?:-\s+)?(?:domain(?:-suffix)?|host(?:-suffix)?)\s*,\s*([^,\s]+)/.exec(rule)?.[1] ?? '');
      return NAME.test(name) ? [name] : [];
    }),
  );
