// Manual pages and docs/commands.md: there is one for every command, mandoc finds nothing to say, and the page is in step.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { commandsPage } from '../../../src/commands/commands-page.ts';
import { ALL_COMMANDS } from '../../../src/commands/declarations/all.ts';
import { manualPages } from '../../../src/commands/man.ts';
import { manualPage } from '../../../src/commands/manual.ts';
import { requireProgram, run } from '../../support/process.ts';

const PAGE = fileURLToPath(new URL('../../../docs/commands.md', import.meta.url));
const pages = manualPages('2026-11-25');

/** What mandoc says of pages, style included. */
const lint = async (texts: ReadonlyMap<string, string>): Promise<string> => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-man-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  for (const [name, text] of texts) writeFileSync(join(directory, name), text);
  const { stdout, stderr } = await run('mandoc', ['-T', 'lint', ...texts.keys()], { cwd: directory });
  return stdout + stderr;
};

test('docs/commands.md is what the declarations say', () => {
  expect(readFileSync(PAGE, 'utf8'), 'run npm run gen').toBe(commandsPage());
});

test('there is a page for the program, for every command and for the configuration', () => {
  const names = ALL_COMMANDS.map(({ path }) => `cordon-${path.join('-')}.1`);
  expect([...pages.keys()].toSorted()).toEqual(['cordon.1', 'cordon.yaml.5', ...names].toSorted());
});

test('mandoc -T lint says nothing of any page', async (context) => {
  requireProgram(context, 'mandoc');
  expect(await lint(pages)).toBe('');
});

test('mandoc -T lint would say something', async (context) => {
  requireProgram(context, 'mandoc');
  const broken = manualPage({ name: 'x', section: 1, about: 'x', date: '2026-11-25' }, '').concat('.XX\n');
  expect(await lint(new Map([['x.1', broken]]))).toContain('x.1');
});

test('a reader sees what the declarations say', async (context) => {
  requireProgram(context, 'mandoc');
  const directory = mkdtempSync(join(tmpdir(), 'cordon-man-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const names = ALL_COMMANDS.map(({ path }) => `cordon-${path.join('-')}.1`);
  for (const name of names) writeFileSync(join(directory, name), pages.get(name) ?? '');
  // One run for all, with a line between two pages: mandoc starts for longer than it reads.
  const { stdout } = await run('mandoc', ['-T', 'utf8', '-O', 'width=250', ...names], { cwd: directory });
  // Bold letters are written twice, with a backspace between.
  const texts = stdout.replace(new RegExp(`.${String.fromCharCode(8)}`, 'g'), '').split(/^-{250}$/m);
  expect(texts).toHaveLength(ALL_COMMANDS.length);
  for (const [index, { path, command }] of ALL_COMMANDS.entries()) {
    const text = texts[index] ?? '';
    expect(text).toContain(`CORDON-${path.join('-').toUpperCase()}(1)`);
    for (const key of Object.keys(command.options)) expect(text).toContain(`--${key}`);
    for (const example of command.examples) expect(text).toContain(example.command);
  }
});
