// The bundle that packages carry and tests start (deploy/package/bundle.ts).
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { bundleProgram } from '../../deploy/package/bundle.ts';

test('a bundle has ASCII characters alone, and says what its sources say', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bundle-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const words = '["…", `–„`, /^[→\u{1f600}]+$/u.test("→\u{1f600}"), String.raw`a\\n`]';
  writeFileSync(join(folder, 'main.ts'), `export const words = ${words};`);
  const out = join(folder, 'out');
  await bundleProgram({ sources: folder, out, entries: ['main'], isOutside: () => true });
  for (const file of readdirSync(out)) expect(readFileSync(join(out, file), 'utf8')).toMatch(/^[\t-~]*$/);
  const made = (await import(join(out, 'main.js'))) as { words: unknown };
  expect(made.words).toEqual(['…', '–„', true, 'a\\n']);
});
