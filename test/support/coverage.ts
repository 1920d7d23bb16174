// Coverage: what the lists of a folder answer to the names of public families, and to names with demand. Computed from the
// files of the lists, by a plain reading of their rules; no resolver runs.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  type CdnSuffix,
  type Coverage,
  type CoverageRow,
  LISTS_DIRECTORY,
  NameRules,
  parseCordonList,
  readCdnSuffixes,
  readListFile,
  shippedLists,
} from '../../src/policy/lists/lists.ts';
import { MATCH } from '../../src/policy/policy.ts';
import { clusterFamilies, countVotes, type Family, readTsv, zonesOf } from './families.ts';

/** `default` and `switch`: refused; `explained`: left out with a reason in not-listed.tsv; `left`: no answer. */
export type Answer = 'default' | 'switch' | 'explained' | 'left';

/** Below a row of these a name has its reason as well: the whole zone is what the row is about. */
const WHOLE_ZONES = new Set([
  'lookalike',
  'misspelling',
  'no-service',
  'one-opinion',
  'other-owner',
  'other-service',
  'search-suffix',
]);
/** Below a row of these a name has its reason when nothing in it says whose it is. */
const SHARED_ZONES = new Set(['government', 'recycled-host', 'shared-zone']);
/** Words that say whose a name is. */
export const OWN_WORDS = /tiktok|musical|byte|snssdk|pstatp|amemv|ixigua|toutiao|douyin|ttcdn|ttlive/;

/** Whose zones make a name one of TikTok, wherever they stand in it. */
const ZONES_OF = ['bytedance-backend', 'tiktok'];

/** Names that one entry refuses by default. */
export interface RefusedByDefault {
  readonly names: number;
  readonly list: string;
  readonly entry: string;
  readonly owner: string;
}

/** The suffixes of CDNs of a folder; one from before the table has none. */
const suffixesOf = (directory: string): readonly CdnSuffix[] => {
  const file = join(directory, 'cdn-suffixes.tsv');
  return existsSync(file) ? readCdnSuffixes(file) : [];
};

/** What a folder of lists answers to a name. */
export class ListAnswers {
  readonly #lists: readonly { id: string; isDefault: boolean; rules: NameRules }[];
  readonly #zones: ReadonlySet<string>;
  readonly #reasons: ReadonlyMap<string, string>;

  constructor(directory: string = LISTS_DIRECTORY) {
    const lists = shippedLists(directory).map(({ id, file }) => ({
      id,
      list: parseCordonList(readListFile(file)),
    }));
    this.#lists = lists.map(({ id, list }) => ({
      ...{ id, isDefault: list.header?.default === true },
      rules: new NameRules(list.entries, list.header?.cdnChildren === true ? suffixesOf(directory) : []),
    }));
    const own = lists.filter(({ id }) => ZONES_OF.includes(id)).flatMap(({ list }) => list.entries);
    this.#zones = new Set(own.filter(({ match }) => match === MATCH.SUFFIX).map(({ text }) => text));
    const rows = readTsv(join(directory, 'not-listed.tsv'));
    this.#reasons = new Map(rows.map(([subject = '', code = '']) => [subject, code]));
  }

  /** With the list or the reason that gives the answer. */
  of(name: string): { readonly answer: Answer; readonly by: string } {
    const refusing = this.#lists.filter(({ rules }) => rules.find(name) !== undefined);
    const byDefault = refusing.find(({ isDefault }) => isDefault);
    if (byDefault !== undefined) return { answer: 'default', by: byDefault.id };
    if (refusing[0] !== undefined) return { answer: 'switch', by: refusing[0].id };
    const reason = this.#reasonOf(name);
    return reason === undefined ? { answer: 'left', by: '' } : { answer: 'explained', by: reason };
  }

  /** Who of some names is refused by default, by list and entry: a person judges whether each is whose the entry says. */
  refusedOf(names: readonly string[]): RefusedByDefault[] {
    const found = names.flatMap((name) => {
      for (const { id, isDefault, rules } of this.#lists) {
        const entry = isDefault ? rules.find(name) : undefined;
        if (entry !== undefined) return [{ list: id, entry: entry.text, owner: entry.owner }];
      }
      return [];
    });
    const groups = Map.groupBy(found, ({ list, entry }) => `${list} ${entry}`);
    return [...groups]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([, [first, ...others]]) =>
        first === undefined ? [] : [{ names: 1 + others.length, ...first }],
      );
  }

  #reasonOf(name: string): string | undefined {
    const own = this.#reasons.get(name);
    if (own !== undefined) return own;
    for (const zone of zonesOf(name).slice(1)) {
      const code = this.#reasons.get(zone) ?? '';
      if (WHOLE_ZONES.has(code)) return code;
      if (SHARED_ZONES.has(code) && !OWN_WORDS.test(name.slice(0, -zone.length)) && !this.holdsTikTok(name))
        return code;
    }
    return undefined;
  }

  /** Whether a zone that TikTok works through stands in the name, wherever. */
  holdsTikTok(name: string): boolean {
    return this.zoneIn(name) !== undefined;
  }

  /** The first such zone. */
  zoneIn(name: string): string | undefined {
    const labels = name.split('.');
    for (let begin = 0; begin < labels.length; begin++)
      for (let end = begin + 2; end <= labels.length; end++) {
        const zone = labels.slice(begin, end).join('.');
        if (this.#zones.has(zone)) return zone;
      }
    return undefined;
  }
}

/** Titles of rows. */
const TITLES: Readonly<Record<CoverageRow['of'], string>> = {
  all: 'all names',
  three: 'of three families or more',
  two: 'of two families',
  one: 'of one family',
  'no-vote': 'of none that has a vote',
  tiktok: 'that hold a TikTok zone',
  ranked: 'with a rank that hold a TikTok zone or its word',
};

/** The rows for families, and for names with demand; `ranks` are names of a rank file. */
export const coverageOf = (
  families: readonly Family[],
  answers: ListAnswers,
  ranks: readonly string[],
  measured: string,
): Coverage => {
  const votes = [...countVotes(families)];
  const named = votes.map(([name]) => name);
  const by = (holds: (count: number) => boolean): string[] =>
    votes.flatMap(([name, count]) => (holds(count) ? [name] : []));
  const rows: readonly (readonly [CoverageRow['of'], readonly string[]])[] = [
    ['all', named],
    ['three', by((count) => count >= 3)],
    ['two', by((count) => count === 2)],
    ['one', by((count) => count === 1)],
    ['no-vote', by((count) => count === 0)],
    ['tiktok', named.filter((name) => answers.holdsTikTok(name))],
    ['ranked', ranks.filter((name) => name.includes('tiktok') || answers.holdsTikTok(name))],
  ];
  return {
    measured,
    families: families.length,
    sources: families.reduce((sum, family) => sum + family.sources.length, 0),
    votes: clusterFamilies(families).length,
    rows: rows.flatMap(([of, names]) => (names.length === 0 ? [] : [countAnswers(of, names, answers)])),
  };
};

const countAnswers = (of: CoverageRow['of'], names: readonly string[], answers: ListAnswers): CoverageRow => {
  const counts = { default: 0, switch: 0, explained: 0, left: 0 };
  for (const name of names) counts[answers.of(name).answer]++;
  return {
    of,
    names: names.length,
    refusedByDefault: counts.default,
    refusedBySwitch: counts.switch,
    explained: counts.explained,
    unanswered: counts.left,
  };
};

/** The measurement as lists/coverage.tsv keeps it. */
export const coverageTable = ({ measured, families, sources, votes, rows }: Coverage): string =>
  [
    '# What these lists answered to public families of names: written by npm run lists -- coverage DIRECTORY --keep.',
    '#',
    `# measured: ${measured}, ${families} families of ${sources} sources, ${votes} votes`,
    '#',
    '#   NAMES <tab> number <tab> refused by default <tab> with switches <tab> left out with a reason <tab> without an answer',
    '#',
    ...rows.map((row) =>
      [row.of, row.names, row.refusedByDefault, row.refusedBySwitch, row.explained, row.unanswered].join(
        '\t',
      ),
    ),
    '',
  ].join('\n');

/** A text with the last measurement in the place of the one before. */
export const withCoverage = (text: string, coverage: Coverage): string =>
  text.replace(
    /On \d{4}-\d\d-\d\d:\n\n\d+ families of [^|]*\n(?:\|.*\n)+/,
    () => `On ${coverage.measured}:\n\n${coverageText(coverage)}`,
  );

/** The table in Markdown, and what it was computed from. */
export const coverageText = ({ families, sources, votes, rows }: Coverage): string => {
  // Down, so that nothing is told to be reached that is not.
  const percent = (part: number, whole: number): string =>
    `${(Math.floor((1000 * part) / whole) / 10).toFixed(1)} %`;
  return [
    `${families} families of ${sources} sources, ${votes} votes`,
    '',
    '| names | number | refused by default | with all switches | left out with a reason | without an answer |',
    '|---|---|---|---|---|---|',
    ...rows.map(
      ({ of, names, refusedByDefault, refusedBySwitch, explained, unanswered }) =>
        `| ${TITLES[of]} | ${names} | ${percent(refusedByDefault, names)} | ${percent(refusedByDefault + refusedBySwitch, names)} | ${explained} | ${unanswered} |`,
    ),
    '',
  ].join('\n');
};

/** The names of a rank file: one a line, or `RANK,NAME` or `RANK<tab>NAME`. */
export const readRanks = (path: string): string[] =>
  Buffer.from(readListFile(path))
    .toString('utf8')
    .split('\n')
    .flatMap((line) =>
      line === '' || line.startsWith('#') ? [] : [line.split(/[,\t]/).at(-1)?.trim() ?? ''],
    );
