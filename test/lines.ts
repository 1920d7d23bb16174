// `npm run -s lines`: how much there is to read. Lines by folder of what Cordon is made of, the share of the tests, and
// the words of the documents that people write. Files that git ignores or that are generated do not count, nor does what
// a program writes into a page.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './tidy/sources.ts';

/** Source text of these folders, by the folders in them. */
const FOLDERS = ['src', 'pages', 'proof', 'deploy', 'bench', 'test'];
const SOURCE = /\.(?:ts|tsx|mjs|py|sh|css|html)$/;
/** What `npm run gen` and `npm start` write. */
const GENERATED =
  /^(?:pages\/api\/shapes\.ts|deploy\/grafana\/|docs\/(?:acts|commands|configuration|fields|mandate-format|metrics)\.md$)/;

/** What tests, attacks and bench/report.ts write into pages. */
const WRITTEN =
  /<!-- (written by npm run|tamperings: begin|differences: begin)[\s\S]*?<!-- (until here|tamperings: end|differences: end) -->|^# Performance\n[\s\S]*?(?=^## What stands in the way$)/gm;
/** Dashes and bars of a table are none. */
const WORD = /\S*[\p{L}\p{N}]\S*/gu;

/** References that tests compare with the code: a row for each error code, a paragraph for each alert. */
const COMPARED = ['docs/errors.md', 'docs/runbooks.md'];

const files = (
  spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  }).stdout ?? ''
)
  .split('\n')
  .filter((path) => path !== '' && !GENERATED.test(path));
const textOf = (path: string): string => {
  const text = readFileSync(join(root, path), 'utf8');
  return path.endsWith('.md') ? text.replace(WRITTEN, '') : text;
};
const count = (paths: readonly string[], what: RegExp): number =>
  paths.reduce((sum, path) => sum + (textOf(path).match(what)?.length ?? 0), 0);
const number = (value: number): string => value.toLocaleString('en-US').padStart(9);

const lines: string[] = [];
const totals = new Map<string, number>();
for (const folder of FOLDERS) {
  const sources = files.filter((path) => path.startsWith(`${folder}/`) && SOURCE.test(path));
  const groups = Map.groupBy(sources, (path) => path.split('/').slice(0, 2).join('/'));
  const rows = [...groups].map(([name, paths]) => [name, count(paths, /\n/g)] as const);
  const total = rows.reduce((sum, [, value]) => sum + value, 0);
  totals.set(folder, total);
  lines.push(`${folder.padEnd(24)} ${number(total)}`);
  // Files beside each other are one row.
  const loose = rows.filter(([name]) => groups.get(name)?.[0] === name);
  const inFolders = rows.filter(([name]) => groups.get(name)?.[0] !== name).sort((a, b) => b[1] - a[1]);
  if (inFolders.length > 0)
    for (const [name, value] of [
      ...inFolders,
      ['(files)', loose.reduce((sum, [, own]) => sum + own, 0)] as const,
    ])
      lines.push(`  ${name.padEnd(22)} ${number(value)}`);
}
const tests = totals.get('test') ?? 0;
const all = [...totals.values()].reduce((sum, value) => sum + value, 0);
lines.push(`${'all'.padEnd(24)} ${number(all)}`, `of which tests ${((100 * tests) / all).toFixed(0)} %`);

const documents = files.filter((path) => path.endsWith('.md') && /^(?:docs\/)?[^/]+$/.test(path));
const words = documents.map((path) => [path, count([path], WORD)] as const).sort((a, b) => b[1] - a[1]);
lines.push(
  '',
  `${'documents, words'.padEnd(24)} ${number(words.reduce((sum, [, value]) => sum + value, 0))}`,
);
const FENCED = /^ *```[\s\S]*?^ *```/gm;
const ROW = /^ *\|.*$/gm;
const ALL = documents.map((path) => textOf(path)).join('\n');
const wordsOf = (text: string): number => text.match(WORD)?.length ?? 0;
const sentences = wordsOf(ALL.replace(FENCED, '').replace(ROW, ''));
const tables = wordsOf(ALL.replace(FENCED, '')) - sentences;
lines.push(
  `${'in sentences'.padEnd(24)} ${number(sentences)}`,
  `${'in tables'.padEnd(24)} ${number(tables)}`,
  `${'what is typed, printed'.padEnd(24)} ${number(wordsOf(ALL) - tables - sentences)}`,
);
const compared = words.filter(([path]) => COMPARED.includes(path));
lines.push(
  `${'of which tests compare'.padEnd(24)} ${number(compared.reduce((sum, [, value]) => sum + value, 0))}`,
);
for (const [path, value] of words) lines.push(`  ${path.padEnd(22)} ${number(value)}`);
const decisions = files.filter((path) => path.startsWith('docs/adr/') && path.endsWith('.md'));
lines.push(`${'decisions, words'.padEnd(24)} ${number(count(decisions, WORD))}`);
process.stdout.write(`${lines.join('\n')}\n`);
