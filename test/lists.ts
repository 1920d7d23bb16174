// npm run lists: the steps of lists/README.md for one name. Looks at guards, government names and popular names before
// anything is written, and writes evidence and day of that entry alone.
//
//   npm run lists -- add NAME --list ID --service TEXT --owner TEXT --evidence TEXT [--operator TEXT] [--match suffix]
//   npm run lists -- review NAME [--evidence TEXT]
//   npm run lists -- review
//   npm run lists -- due
//   npm run lists -- propose DIRECTORY --out FOLDER [--ranks FILE] [--networks FILE] [--lists FOLDER] [--against FOLDER]
//   npm run lists -- coverage DIRECTORY [--ranks FILE] [--lists FOLDER] [--left] [--keep]
//   npm run lists -- refused FILE… [--lists FOLDER]
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isAppError } from '../src/base/base.ts';
import { type Coverage, LISTS_DIRECTORY } from '../src/policy/lists/lists.ts';
import { MATCH } from '../src/policy/policy.ts';
import {
  coverageOf,
  coverageTable,
  coverageText,
  ListAnswers,
  readRanks,
  withCoverage,
} from './support/coverage.ts';
import { countVotes, readFamilies, withFamilies } from './support/families.ts';
import { findOverdue } from './support/list-ages.ts';
import { addEntry, type Edit, matchOf, oldestReviews, reviewEntry } from './support/list-editing.ts';
import { readSnapshot } from './support/prefix-proposals.ts';
import { measureText, writeProposals } from './support/proposal-files.ts';
import { proposalsOf } from './support/proposals.ts';

/** Entries that `review` without a name shows. */
const SHOWN = 20;
const DAY_LENGTH = 'YYYY-MM-DD'.length;
const USAGE = `usage: npm run lists -- add NAME --list ID --service TEXT --owner TEXT --evidence TEXT [--operator TEXT] [--match suffix|wildcard|exact|prefix]
       npm run lists -- review NAME [--evidence TEXT]   this entry was looked at today
       npm run lists -- review                          what was looked at longest ago
       npm run lists -- due                             what is out of date; status 1 when anything is
       npm run lists -- coverage DIRECTORY [--ranks FILE] [--lists FOLDER] [--left] [--keep]
                                                        what the lists answer to the families of a directory; --keep
                                                        writes it into coverage.tsv and README.md of the lists
       npm run lists -- refused FILE… [--lists FOLDER]  what of whole lists of names is refused by default, by entry
       npm run lists -- propose DIRECTORY --out FOLDER [--ranks FILE] [--networks FILE] [--lists FOLDER] [--against FOLDER]
                                                        a patch and a page for a person; --against measures proposals
                                                        by what a person added
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    list: { type: 'string' },
    match: { type: 'string', default: 'suffix' },
    service: { type: 'string' },
    owner: { type: 'string' },
    operator: { type: 'string' },
    evidence: { type: 'string' },
    ranks: { type: 'string' },
    lists: { type: 'string' },
    networks: { type: 'string' },
    out: { type: 'string' },
    against: { type: 'string' },
    left: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
});

const tell = (edit: Edit, name: string): number => {
  if (edit.kind === 'refused') {
    process.stderr.write(`${name} is not written:\n${edit.problems.map((text) => `  ${text}\n`).join('')}`);
    return 1;
  }
  writeFileSync(edit.file, edit.text);
  process.stdout.write(`${name} is in ${edit.file}; now run npm test -- test/unit/lists\n`);
  return 0;
};

/** What the shipped evidence says of a name. */
const evidenceOf = (name: string): string => {
  const rows = readFileSync(join(LISTS_DIRECTORY, 'evidence.tsv'), 'utf8').split('\n');
  const [, count, , families] = rows.find((row) => row.startsWith(`${name}\t`))?.split('\t') ?? [];
  if (count === undefined) return 'no row in evidence.tsv: no family that was read names it';
  return `evidence.tsv: counted by ${count} of 21 families, read in ${families}`;
};

/** The table, or with --left the names without an answer and how many families name each. */
const tellCoverage = (directory: string, today: string): number => {
  const families = readFamilies(directory);
  const answers = new ListAnswers(values.lists);
  if (!values.left) {
    const ranks = values.ranks === undefined ? [] : readRanks(values.ranks);
    const coverage = coverageOf(families, answers, ranks, today);
    process.stdout.write(coverageText(coverage));
    if (values.keep) keepCoverage(coverage, directory);
    return 0;
  }
  for (const [left, votes] of countVotes(families))
    if (answers.of(left).answer === 'left') process.stdout.write(`${votes}\t${left}\n`);
  return 0;
};

const keepCoverage = (coverage: Coverage, directory: string): void => {
  const readme = join(LISTS_DIRECTORY, 'README.md');
  const families = join(LISTS_DIRECTORY, 'families.tsv');
  writeFileSync(families, withFamilies(readFileSync(families, 'utf8'), directory));
  writeFileSync(join(LISTS_DIRECTORY, 'coverage.tsv'), coverageTable(coverage));
  writeFileSync(readme, withCoverage(readFileSync(readme, 'utf8'), coverage));
};

/** By file of names, how many are refused by default, and by which entries. */
const tellRefused = (files: readonly string[]): number => {
  const answers = new ListAnswers(values.lists);
  for (const file of files) {
    const names = readRanks(file);
    const rows = answers.refusedOf(names);
    const count = rows.reduce((sum, row) => sum + row.names, 0);
    process.stdout.write(`${file}: ${names.length} names, ${count} refused by ${rows.length} entries\n`);
    for (const { names: refused, list, entry, owner } of rows)
      process.stdout.write(`  ${refused}\t${list}\t${entry}\t${owner}\n`);
  }
  return 0;
};

/** Writes proposals beside the lists, never into them. */
const tellProposals = (directory: string, out: string): number => {
  const base = values.lists ?? LISTS_DIRECTORY;
  const ranks = values.ranks === undefined ? [] : readRanks(values.ranks);
  const proposals = proposalsOf(readFamilies(directory), new ListAnswers(base), ranks);
  const networks =
    values.networks === undefined ? undefined : readSnapshot(readFileSync(values.networks, 'utf8'));
  const { files, refused } = writeProposals(proposals, base, out, Date.now(), {
    networks,
    families: directory,
  });
  for (const file of files) process.stdout.write(`${file}\n`);
  process.stdout.write(`${proposals.length} proposals, ${refused.length} refused by the checker\n`);
  if (values.against !== undefined) process.stdout.write(measureText(proposals, base, values.against));
  return 0;
};

const run = (): number => {
  const [command, name] = positionals;
  const nowMs = Date.now();
  const today = new Date(nowMs).toISOString().slice(0, DAY_LENGTH);
  if (command === 'due') {
    const due = findOverdue(nowMs);
    process.stdout.write(
      due.length === 0 ? 'nothing is out of date\n' : due.map((text) => `${text}\n`).join(''),
    );
    return due.length === 0 ? 0 : 1;
  }
  if (command === 'review' && name === undefined) {
    for (const { list, text, reviewed } of oldestReviews(LISTS_DIRECTORY).slice(0, SHOWN)) {
      process.stdout.write(`${reviewed}  ${list}  ${text}\n`);
    }
    return 0;
  }
  if (command === 'review' && name !== undefined) {
    process.stdout.write(`${evidenceOf(name)}\n`);
    return tell(reviewEntry(LISTS_DIRECTORY, name, today, values.evidence, nowMs), name);
  }
  if (command === 'coverage' && name !== undefined) return tellCoverage(name, today);
  if (command === 'refused' && name !== undefined) return tellRefused(positionals.slice(1));
  if (command === 'propose' && name !== undefined && values.out !== undefined)
    return tellProposals(name, values.out);
  const { list, service, owner, evidence, operator = owner } = values;
  const match = matchOf(values.match) ?? MATCH.SUFFIX;
  if (command !== 'add' || name === undefined || list === undefined || matchOf(values.match) === undefined)
    return usage();
  if (service === undefined || owner === undefined || operator === undefined || evidence === undefined)
    return usage();
  process.stdout.write(`${evidenceOf(name)}\n`);
  const draft = { match, text: name, service, owner, operator, evidence, reviewed: today };
  return tell(addEntry(LISTS_DIRECTORY, list, draft, nowMs), name);
};

const usage = (): number => {
  process.stderr.write(USAGE);
  return 2;
};

try {
  process.exitCode = run();
} catch (thrown) {
  if (!isAppError(thrown)) throw thrown;
  process.stderr.write(`${thrown.message} [${thrown.code}]\n`);
  process.exitCode = 1;
}
