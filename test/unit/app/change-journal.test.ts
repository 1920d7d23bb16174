// What the program does to itself, as records.
import { beforeEach, expect, test } from 'vitest';
import { ChangeJournal } from '../../../src/app/change-journal.ts';
import { buildGeneration } from '../../../src/app/generation.ts';
import type { ChangeRecord } from '../../../src/records/records.ts';
import { configOf } from './setup.ts';

const START_MS = Date.UTC(2026, 10, 25, 12);
const FILES = { 'a.txt': 'one.example\ntwo.example\n', 'b.txt': 'three.example\n' };
const BOTH =
  'lists: [{ id: a, file: a.txt, format: domains, mandate: true }, { id: b, file: b.txt, format: domains }]';
const ONE = 'lists: [{ id: a, file: a.txt, format: domains, mandate: true }]';

let records: ChangeRecord[];
let journal: ChangeJournal;

beforeEach(() => {
  records = [];
  journal = new ChangeJournal({
    note: (record) => records.push(record),
    clock: () => START_MS,
  });
});

const generationOf = (text: string, number: number, files: Record<string, string> = FILES) =>
  buildGeneration(configOf(text, files), number, START_MS);

const brief = (record: ChangeRecord): string =>
  [record.kind, 'event' in record ? record.event : '', 'list' in record ? record.list : ''].join(' ').trim();

test('lists are recorded when they come into force, change, and go', () => {
  journal.generation(generationOf(BOTH, 1));
  expect(records.map(brief)).toEqual(['list in-force a', 'list in-force b']);
  expect(records[0]).toMatchObject({ mandate: true, entries: 2, generation: 1, category: 'a' });
  expect(records[0]).not.toHaveProperty('added');
  records = [];
  journal.generation(generationOf(BOTH, 2));
  expect(records).toEqual([]);
  journal.generation(generationOf(BOTH, 3, { ...FILES, 'a.txt': 'one.example\n' }));
  expect(records).toMatchObject([{ event: 'in-force', list: 'a', entries: 1, added: 0, removed: 1 }]);
  expect(journal.entriesChange('a')).toBe(-1);
  records = [];
  journal.generation(generationOf(ONE, 4, { ...FILES, 'a.txt': 'one.example\n' }));
  expect(records).toMatchObject([{ event: 'out-of-force', list: 'b', generation: 4, mandate: false }]);
});

test('a configuration is recorded with the one before; lists that change nothing of it are not', () => {
  journal.configuration('aa', 'start');
  journal.configuration('aa', 'lists');
  journal.configuration('bb', 'reload');
  journal.refused('ERR_LIST_EMPTY', 'reload');
  expect(records).toMatchObject([
    { event: 'in-force', sha256: 'aa', cause: 'start' },
    { event: 'in-force', sha256: 'bb', previous: 'aa', cause: 'reload' },
    { event: 'refused', code: 'ERR_LIST_EMPTY', cause: 'reload' },
  ]);
});

test('fetches and decisions about lists are recorded, and what operators did is counted', () => {
  const result = { list: 'a', reasons: ['HTTP status 500'], sha256: null, entries: null };
  journal.fetched({ ...result, outcome: 'failed' });
  journal.fetched({ ...result, outcome: 'unchanged' });
  journal.decided('accepted', 'a', 'ff', { by: 'ann', reason: 'looked at it' });
  journal.admin('pause', 'ann', 'incident 7', { until: 'later' });
  expect(records).toMatchObject([
    { kind: 'list', event: 'fetch-failed', reason: 'HTTP status 500', code: 'failed' },
    { kind: 'list', event: 'accepted', by: 'ann', sha256: 'ff' },
    { kind: 'admin', action: 'pause', by: 'ann', detail: { until: 'later' } },
  ]);
  expect(Object.fromEntries(journal.actions)).toEqual({ 'list-accepted': 1, pause: 1 });
});
