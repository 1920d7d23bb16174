// Coverage: what the lists of a folder answer to the names of public families, and to names with demand. Computed from the
// files of the lists, by a plain reading of their rules; no resolver runs.
import { join } from 'node:path';
import {
  LISTS_DIRECTORY,
  NameRules,
  parseCordonList,
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
      ...{ id, isDefault: list.header?.default === true, rules: NameRules.of(list) },
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

/** One row of the table. */
export interface CoverageRow {
  readonly title: string;
  readonly names: number;
  readonly counts: Readonly<Record<Answer, number>>;
}

/** The rows for families, and for names with demand; `ranks` are names of a rank file. */
export const coverageOf = (
  families: readonly Family[],
  answers: ListAnswers,
  ranks: readonly string[] = [],
): CoverageRow[] => {
  const votes = [...countVotes(families)];
  const named = votes.map(([name]) => name);
  const by = (holds: (count: number) => boolean): string[] =>
    votes.flatMap(([name, count]) => (holds(count) ? [name] : []));
  const rows: (readonly [string, readonly string[]])[] = [
    ['all names', named],
    ['of three families or more', by((count) => count >= 3)],
    ['of two families', by((count) => count === 2)],
    ['of one family', by((count) => count === 1)],
    ['of none that has a vote', by((count) => count === 0)],
    ['that hold a TikTok zone', named.filter((name) => answers.holdsTikTok(name))],
    [
      'with a rank that hold a TikTok zone or its word',
      ranks.filter((name) => name.includes('tiktok') || answers.holdsTikTok(name)),
    ],
  ];
  return rows.flatMap(([title, names]) =>
    names.length === 0 ? [] : [{ title, ...countAnswers(names, answers) }],
  );
};

const countAnswers = (names: readonly string[], answers: ListAnswers): Omit<CoverageRow, 'title'> => {
  const counts = { default: 0, switch: 0, explained: 0, left: 0 };
  for (const name of names) counts[answers.of(name).answer]++;
  return { names: names.length, counts };
};

/** The table in Markdown, and what it was computed from. */
export const coverageText = (families: readonly Family[], rows: readonly CoverageRow[]): string => {
  const percent = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(1)} %`;
  const sources = families.reduce((sum, family) => sum + family.sources.length, 0);
  return [
    `${families.length} families of ${sources} sources, ${clusterFamilies(families).length} votes`,
    '',
    '| names | number | refused by default | with all switches | left out with a reason | without an answer |',
    '|---|---|---|---|---|---|',
    ...rows.map(
      ({ title, names, counts }) =>
        `| ${title} | ${names} | ${percent(counts.default, names)} | ${percent(counts.default + counts.switch, names)} | ${counts.explained} | ${counts.left} |`,
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
