// What is kept of a configuration in force: it reads back to the same, without what is withheld and without its files.
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import {
  configHash,
  effectiveConfig,
  IN_FORCE_NAME,
  keepInForce,
  loadConfig,
  readInForce,
  withhold,
  writtenState,
} from '../../../src/config/config.ts';
import { configOf, FACTS, readGolden } from './support.ts';

const directory = mkdtempSync(join(tmpdir(), 'cordon-in-force-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

it.each(['every-key.in', 'acme.in', 'defaults.out'])('reads back to the same: %s', async (name) => {
  const config = configOf(readGolden(name));
  await keepInForce(directory, config, 'cordon.yaml');
  const kept = readInForce(directory);
  expect(kept).toMatchObject({ file: join(process.cwd(), 'cordon.yaml'), sha256: configHash(config) });
  if (kept === undefined) return;
  const proposal = { text: kept.yaml, files: 'unread' } as const;
  const { config: read, problems } = loadConfig(undefined, {}, { ...FACTS, proposal });
  expect(problems).toEqual([]);
  // A file of prefixes is not read, and stands in no form.
  const withoutFiles = (text: string): string =>
    text.replaceAll(/^ *(?:- )?(?:allow|clients)-file: .*\n/gm, '');
  expect(withoutFiles(read === undefined ? '' : effectiveConfig(read))).toBe(
    withoutFiles(withhold(effectiveConfig(config))),
  );
  expect(statSync(join(directory, IN_FORCE_NAME)).mode & 0o777).toBe(
    config.admin.socket === 'group' ? 0o640 : 0o600,
  );
});

it.each([
  ['nothing', undefined],
  ['no JSON', '{'],
  ['another form', '{"yaml":1}'],
])('is nothing where there is %s', (_, text) => {
  rmSync(join(directory, IN_FORCE_NAME), { force: true });
  if (text !== undefined) writeFileSync(join(directory, IN_FORCE_NAME), text);
  expect(readInForce(directory)).toBeUndefined();
});

it.each([
  ['state: /var/lib/cordon\ncache: { sze: 1 }\n', '/var/lib/cordon'],
  ['cache: {{{\nstate: "a b"\n', 'a b'],
  ['state: "a b"\ncache: {{{\n', 'a b'],
  ['records: { state: x }\n', undefined],
  ['state: 7\n', undefined],
])('the state of a file with faults is told as far as it can be read: %j', (text, state) => {
  const path = join(directory, 'cordon.yaml');
  writeFileSync(path, text);
  expect(writtenState(path)).toBe(state);
});
