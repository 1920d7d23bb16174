// Who is named as the author of a configuration: who put it in force last from the control room, and nobody for a text of before.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { ConfigurationTexts, configAuthor } from '../../../src/people/configuration/configuration.ts';

const directory = mkdtempSync(join(tmpdir(), 'cordon-author-'));
afterAll(() => rmSync(directory, { recursive: true }));
const file = join(directory, 'cordon.yaml');
const BOTH = { by: 'Anna Meier, confirmed by Ben Roth', reason: 'drill on 1 March, one day' };
const ANNA = { by: 'Anna Meier', reason: 'the drill is over' };

let nowMs = Date.parse('2026-03-01T09:00:00Z');
let count = 0;
let texts: ConfigurationTexts;

beforeEach(() => {
  texts = new ConfigurationTexts(join(directory, `state-${count++}`), () => nowMs);
});

const apply = async (text: string, author: typeof ANNA): Promise<() => Promise<void>> => {
  nowMs += 3_600_000;
  const takeBack = await texts.keepVersion(text, author);
  writeFileSync(file, text);
  return takeBack;
};
/** As a start and a reload do. */
const read = () => configAuthor(file, (sha256) => texts.author(sha256));

test('what was put in force last from the control room is of who did that, at each start', async () => {
  await texts.keepVersion('by hand', { by: '', reason: 'was in the file before' });
  await apply('loose', BOTH);
  expect(read()).toEqual(BOTH);
  await apply('tight', ANNA);
  expect(read()).toEqual(ANNA);
  await apply('loose', ANNA);
  expect(read()).toEqual(ANNA);
});

test('a text of before that was copied back on the host names nobody as who did it', async () => {
  await apply('loose', BOTH);
  await apply('tight', ANNA);
  writeFileSync(file, 'loose');
  const { by, reason } = read();
  expect(by).toMatch(/^not known; .+ belongs to /);
  expect(reason).toMatch(
    /was put in force from the control room before, last on 2026-03-01T\S+Z by Anna Meier, /,
  );
  expect(reason).not.toContain(BOTH.reason);
  writeFileSync(file, 'written by hand');
  expect(read().by).toMatch(/^not known; /);
});

test('a text that came to nothing leaves the author of the one before', async () => {
  await apply('tight', ANNA);
  const takeBack = await apply('wrong', BOTH);
  writeFileSync(file, 'tight');
  await takeBack();
  expect(read()).toEqual(ANNA);
  await (await apply('tight', BOTH))();
  expect(read()).toEqual(ANNA);
});
