// Searches by the thread: one after the other, no more than wait, and an end to what no disk answers.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { LogSearcher } from '../../../src/evidence/query-log/query-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'cordon-searcher-'));
const path = join(directory, 'queries.jsonl');
const searcher = new LogSearcher();
afterAll(() => {
  searcher.close();
  rmSync(directory, { recursive: true, force: true });
});

const PLACE = { recordsDirectory: directory, hasOtherNames: false };
const WANTED = {
  path,
  filter: { fromMs: Number.NEGATIVE_INFINITY, untilMs: Number.POSITIVE_INFINITY },
  bounds: { rows: 10, bytes: 1 << 20, ms: 1_000 },
};
const LINE = `{"@timestamp":"2026-11-30T10:00:00.123Z","dns":{"question":{"name":"a.example","type":"A","class":"IN"},"type":"answer","header_flags":[],"response_code":"NOERROR"},"event":{"duration":0},"source":{"address":"p:1:x"},"cordon":{"source":"cache","validation":"none","transport":"udp"}}\n`;

test('ten searches wait, one more is refused, and each gets what it asked for', async () => {
  writeFileSync(path, LINE.repeat(3));
  const asked = Array.from({ length: 10 }, () => searcher.search(PLACE, WANTED));
  await expect(searcher.search(PLACE, WANTED)).rejects.toMatchObject({ code: 'ERR_QUERY_LOG_SEARCH' });
  for (const found of await Promise.all(asked))
    expect(found).toMatchObject({ end: 'whole', queries: [{ name: 'a.example' }, {}, {}] });
});

test('another log, or the end of the program, ends what was asked of the one before', async () => {
  const before = searcher.search(PLACE, WANTED);
  const after = searcher.search({ ...PLACE, hasOtherNames: true }, WANTED);
  await expect(before).rejects.toMatchObject({ code: 'ERR_QUERY_LOG_SEARCH' });
  expect((await after).queries).toHaveLength(3);
  const last = searcher.search(PLACE, WANTED);
  searcher.close();
  await expect(last).rejects.toThrow(/the program ends/);
});

test('what cannot be read is a fault that is told, and the next search works', async () => {
  const nowhere = { ...PLACE, recordsDirectory: path };
  await expect(searcher.search(nowhere, WANTED)).rejects.toMatchObject({ code: 'ERR_QUERY_LOG_SEARCH' });
  expect((await searcher.search(PLACE, WANTED)).queries).toHaveLength(3);
});
