// Every text format, read as a file with its edge cases: the rules and the rejected places stand in a golden file.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { feedRules, type ListFormat } from '../../../src/policy/lists/lists.ts';
import { RuleLog, readerOf } from './rule-log.ts';

const folder = join(import.meta.dirname, '../../golden/lists');
const { UPDATE_GOLDEN } = process.env;
/** The shipped lists and their own tests lock the cordon format. */
const FORMATS = ['adblock', 'dnsmasq', 'domains', 'hosts', 'regex', 'unbound', 'wildcard'] as const;

const describeReading = (format: ListFormat, bytes: Uint8Array): string => {
  const log = new RuleLog();
  const { entries, exceptions, rejected, diagnostics } = feedRules(format, readerOf(bytes), log);
  const remarks = diagnostics.map(({ line, column, code, text }) => `${line}:${column} ${code} ${text}`);
  return [
    '# rules',
    ...log.rules,
    '# rejected',
    ...remarks,
    `# ${entries} rules, ${exceptions.count} exceptions, ${rejected} rejected`,
    '',
  ].join('\n');
};

it.each(FORMATS)('feedRules() reads %s as its golden file says', (format) => {
  const actual = describeReading(format, readFileSync(join(folder, `${format}.in`)));
  const path = join(folder, `${format}.out`);
  if (UPDATE_GOLDEN === '1') writeFileSync(path, actual);
  expect(actual).toBe(readFileSync(path, 'utf8'));
});

it('each golden input belongs to a format that is read here', () => {
  const formats: readonly string[] = FORMATS;
  const inputs = readdirSync(folder).filter((name) => name.endsWith('.in'));
  expect(inputs.filter((name) => !formats.includes(name.replace('.in', '')))).toEqual([]);
});
