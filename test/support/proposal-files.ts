// What proposals become on the disk: a copy of the lists with the entries and rows in their places, a patch of the two, and
// the page. And how good they are: against what a person added to another folder.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../src/base/base.ts';
import {
  checkLists,
  Guards,
  NEVER_BLOCK_FILE,
  parseCordonList,
  shippedLists,
} from '../../src/policy/lists/lists.ts';
import { MATCH } from '../../src/policy/policy.ts';
import { readTsv, withFamilies } from './families.ts';
import { LISTED_VISITED_HOSTS, readGovDelegations, readVisitedHosts } from './government-names.ts';
import { insertEntry } from './list-editing.ts';
import {
  type ListedPrefix,
  OWN_NETWORKS,
  type PrefixProposal,
  prefixEvidence,
  prefixPage,
  prefixProposals,
  type Snapshot,
} from './prefix-proposals.ts';
import { evidenceText, type Proposal, proposalPage } from './proposals.ts';

const DAY_LENGTH = 'YYYY-MM-DD'.length;
const NOT_ESTABLISHED = 'not established';
/** A patch of the lists of November 2026 has 0.5 MiB. */
const PATCH_BYTES_MAX = 64 * 1024 * 1024;

/** Writes everything below `out`, which must not be there; the lists stay as they are. */
export const writeProposals = (
  proposals: readonly Proposal[],
  lists: string,
  out: string,
  nowMs: number,
  {
    networks,
    families,
  }: { readonly networks?: Snapshot | undefined; readonly families?: string | undefined } = {},
): { readonly files: readonly string[]; readonly refused: readonly string[] } => {
  const copy = join(out, 'lists');
  makeNew(out);
  cpSync(lists, copy, { recursive: true });
  const reviewed = new Date(nowMs).toISOString().slice(0, DAY_LENGTH);
  const entries = proposals.filter(({ kind }) => kind === 'entry');
  const prefixes = networks === undefined ? [] : prefixProposals(networks, listedPrefixes(lists));
  putEntries(copy, entries, reviewed);
  putPrefixes(copy, prefixes, networks, reviewed);
  const refused = problemsOf(copy, nowMs);
  // The machine takes back what the checker of the lists would: a person reads it on the page.
  const bad = entries.filter(({ name }) => refused.some((text) => text.includes(` ${name} `)));
  if (bad.length > 0) {
    cpSync(lists, copy, { recursive: true });
    putEntries(
      copy,
      entries.filter((entry) => !bad.includes(entry)),
      reviewed,
    );
    putPrefixes(copy, prefixes, networks, reviewed);
  }
  addRows(join(copy, 'cdn-suffixes.tsv'), proposals, 'suffix', (one) => [
    one.name,
    NOT_ESTABLISHED,
    evidenceText(one),
    reviewed,
  ]);
  addRows(join(copy, 'not-listed.tsv'), proposals, 'row', (one) => [one.name, one.place, evidenceText(one)]);
  if (families !== undefined) {
    const file = join(copy, 'families.tsv');
    writeFileSync(file, withFamilies(readFileSync(file, 'utf8'), families));
  }
  const patch = join(out, 'lists.patch');
  const diff = spawnSync('git', ['diff', '--no-index', '--', lists, copy], {
    encoding: 'utf8',
    maxBuffer: PATCH_BYTES_MAX,
  });
  writeFileSync(patch, diff.stdout);
  const page = join(out, 'proposals.md');
  const more = networks === undefined ? '' : `\n${prefixPage(prefixes)}`;
  writeFileSync(page, `${proposalPage(proposals, refused, lists)}${more}`);
  return { files: [page, patch], refused };
};

/** Prefixes of the lists of a folder; resolvers of others have addresses as well, which are not ours to compare. */
const listedPrefixes = (directory: string): ListedPrefix[] =>
  shippedLists(directory).flatMap(({ file }) => {
    const { header, entries } = parseCordonList(readFileSync(file));
    return header?.category === 'foreign-doh' ? [] : entries.filter(({ match }) => match === MATCH.PREFIX);
  });

const putPrefixes = (
  copy: string,
  proposals: readonly PrefixProposal[],
  networks: Snapshot | undefined,
  reviewed: string,
): void => {
  const file = join(copy, 'bytedance-prefixes.yaml');
  for (const one of proposals) {
    const facts = OWN_NETWORKS.get(one.asn);
    if (one.kind !== 'entry' || facts === undefined || networks === undefined) continue;
    const draft = { match: MATCH.PREFIX, text: one.text, ...facts, reviewed };
    const evidence = prefixEvidence(networks, one);
    writeFileSync(file, insertEntry(readFileSync(file, 'utf8'), { ...draft, evidence }));
  }
};

const makeNew = (out: string): void => {
  try {
    mkdirSync(out);
  } catch (thrown) {
    const text = `writing proposals to ${out}: ${thrown instanceof Error ? thrown.message : 'it cannot be made'}`;
    throw new AppError('ERR_LIST_READ', text, { hint: 'Name a folder that is not there.', cause: thrown });
  }
};

const putEntries = (copy: string, entries: readonly Proposal[], reviewed: string): void => {
  for (const entry of entries) {
    const file = join(copy, `${entry.place}.yaml`);
    const draft = {
      match: MATCH.SUFFIX,
      text: entry.name,
      service: 'what stops',
      owner: NOT_ESTABLISHED,
      operator: NOT_ESTABLISHED,
    };
    writeFileSync(
      file,
      insertEntry(readFileSync(file, 'utf8'), { ...draft, evidence: evidenceText(entry), reviewed }),
    );
  }
};

const problemsOf = (directory: string, nowMs: number): string[] => {
  const hosts = readVisitedHosts().map(({ name }) => name);
  const governmentNames = [...hosts, ...readGovDelegations()].filter(
    (name) => !LISTED_VISITED_HOSTS.includes(name),
  );
  const guards = Guards.load(NEVER_BLOCK_FILE);
  return checkLists(directory, { nowMs, guards, governmentNames }).map(
    ({ file, line, text }) => `${file}:${line} ${text}`,
  );
};

const addRows = (
  file: string,
  proposals: readonly Proposal[],
  kind: Proposal['kind'],
  cells: (proposal: Proposal) => readonly string[],
): void => {
  // A folder from before the table of suffixes has none.
  const lines = (existsSync(file) ? readFileSync(file, 'utf8') : '').trimEnd().split('\n');
  const rows = [
    ...lines.filter((line) => !line.startsWith('#')),
    ...proposals.filter((one) => one.kind === kind).map((one) => cells(one).join('\t')),
  ];
  rows.sort((a, b) => ((a.split('\t')[0] ?? '') < (b.split('\t')[0] ?? '') ? -1 : 1));
  writeFileSync(file, `${[...lines.filter((line) => line.startsWith('#')), ...rows].join('\n')}\n`);
};

/** How many proposals a person followed, and how much of what a person added was proposed. */
export const measureText = (proposals: readonly Proposal[], before: string, after: string): string => {
  const rows = (['entry', 'suffix', 'row'] as const).map((kind) => {
    const own = namesOf(kind, before);
    const added = [...namesOf(kind, after)].filter((name) => !own.has(name));
    const proposed = proposals.filter((one) => one.kind === kind).map(({ name }) => name);
    const hits = proposed.filter((name) => added.includes(name)).length;
    const percent = (part: number, whole: number): string =>
      whole === 0 ? '-' : `${((100 * part) / whole).toFixed(0)} %`;
    return `| ${kind} | ${proposed.length} | ${added.length} | ${hits} | ${percent(hits, proposed.length)} | ${percent(hits, added.length)} |`;
  });
  return [
    '| kind | proposed | added by a person | both | precision | recall |',
    '|---|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
};

const namesOf = (kind: Proposal['kind'], directory: string): Set<string> => {
  if (kind === 'row') return firstCells(join(directory, 'not-listed.tsv'));
  if (kind === 'suffix') return firstCells(join(directory, 'cdn-suffixes.tsv'));
  const lists = shippedLists(directory).map(({ file }) => parseCordonList(readFileSync(file)));
  return new Set(
    lists.flatMap(({ entries }) =>
      entries.filter(({ match }) => match !== MATCH.PREFIX).map(({ text }) => text),
    ),
  );
};

const firstCells = (file: string): Set<string> =>
  new Set(existsSync(file) ? readTsv(file).map(([name = '']) => name) : []);
