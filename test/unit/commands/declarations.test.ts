// The declarations of commands: each has a handler, help with an example, and choices that the program knows as well.
import { expect, onTestFinished, test, vi } from 'vitest';
import { runCommand } from '../../../src/commands/command.ts';
import type { CommandDeclaration } from '../../../src/commands/declaration.ts';
import { ALL_COMMANDS } from '../../../src/commands/declarations/all.ts';
import { CLIENTS_PROFILE, IMPORT } from '../../../src/commands/declarations/clients.ts';
import { RECORDS_LIST, REPORT } from '../../../src/commands/declarations/evidence.ts';
import { EXEMPTIONS_LIST } from '../../../src/commands/declarations/exemptions.ts';
import { LISTS_EXPORT } from '../../../src/commands/declarations/lists.ts';
import { HELP } from '../../../src/commands/declarations/self.ts';
import { HANDLERS } from '../../../src/commands/handlers.ts';
import { EXEMPTION_STATES } from '../../../src/evidence/exemptions/exemptions.ts';
import { RECORD_CLASSES } from '../../../src/evidence/records/records.ts';
import { REPORT_FORMATS } from '../../../src/evidence/report/report.ts';
import { IMPORT_KINDS } from '../../../src/policy/imports/imports.ts';
import { ADDRESS_FORMS, EXPORT_FORMATS } from '../../../src/policy/lists/lists.ts';
import { PROFILE_TARGETS } from '../../../src/resolver/discovery/discovery.ts';

const named = ALL_COMMANDS.map(({ path, command }) => [path.join(' '), command] as const);

test('every command has a handler, and nothing else has one', () => {
  const declared = new Set<CommandDeclaration>();
  for (const [name, command] of named) {
    const isHandled = HANDLERS.has(command) || command === HELP;
    expect(isHandled, name).toBe(command.isCommand);
    declared.add(command);
  }
  for (const command of HANDLERS.keys()) expect(declared.has(command), command.name).toBe(true);
});

test('every handler can be loaded', async () => {
  for (const [command, load] of HANDLERS) expect(await load(), command.name).toBeTypeOf('function');
});

test.each(named)(
  '%s has an example that names it, and no stray words',
  (name, { about, examples, options }) => {
    expect(about).toMatch(/^[a-z].*[^.]$/);
    expect(examples.length).toBeGreaterThan(0);
    const [first = ''] = name.split(' ');
    for (const { command } of examples) expect(command.startsWith(`cordon ${first}`), command).toBe(true);
    for (const { about: text } of Object.values(options)) expect(text).not.toMatch(/\.$/);
  },
);

test.each<[string, readonly string[], readonly string[] | undefined]>([
  ['lists export --format', EXPORT_FORMATS, LISTS_EXPORT.options.format.choices],
  ['lists export --for', ADDRESS_FORMS, LISTS_EXPORT.options.for.choices],
  ['exemptions list --state', EXEMPTION_STATES, EXEMPTIONS_LIST.options.state.choices],
  ['records list --class', RECORD_CLASSES, RECORDS_LIST.options.class.choices],
  ['report --format', REPORT_FORMATS, REPORT.options.format.choices],
  ['clients profile --for', PROFILE_TARGETS, CLIENTS_PROFILE.options.for.choices],
  ['import', IMPORT_KINDS, IMPORT.arguments.kind.choices],
])('the choices of %s are those of the program', (_name, known, choices) => {
  expect([...(choices ?? [])].toSorted()).toEqual([...known].toSorted());
});

test.each(named)('%s --help says how it is used, with its examples', async (name, declaration) => {
  let shown = '';
  const output = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    shown += String(text);
    return true;
  });
  onTestFinished(() => output.mockRestore());
  expect(await runCommand([...name.split(' '), '--help'])).toBe(0);
  expect(shown.startsWith(`Usage: cordon ${name}`), shown).toBe(true);
  for (const { command } of declaration.examples) expect(shown).toContain(command);
  for (const key of Object.keys(declaration.options)) expect(shown).toContain(`--${key}`);
  expect(Math.max(...proseOf(shown).map((line) => line.length)), shown).toBeLessThanOrEqual(110);
});

/** Lines but those of examples, which are to be copied whole. */
const proseOf = (shown: string): string[] =>
  shown.split('\n').filter((line) => !line.startsWith('  cordon '));
