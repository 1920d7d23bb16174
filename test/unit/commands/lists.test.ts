// cordon lists without a running program: wrong usage, what the state directory tells, and comparisons.
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { cordon, expectGolden } from './setup.ts';

const CONFIG = `state: state
lists:
  - { id: own, file: own.txt }
  - { id: feed, url: "https://lists.example.com/feed.txt?token=letmein" }
  - { id: late, url: "https://lists.example.com/late.txt" }
`;
const OLD = 'a.example\nb.example\nc.example\n';
const NEW = 'b.example\nc.example\nd.example\n*.e.example\nd.example\n';
const shaOf = (text: string): string => createHash('sha256').update(text).digest('hex');

const facts = (text: string) => ({
  entries: text.split('\n').length - 1,
  rejected: 0,
  guarded: 0,
  sizeBytes: text.length,
  isMarkup: false,
  endsInLineBreak: true,
  isLengthKnown: true,
});
const stored = (text: string) => ({
  sha256: shaOf(text),
  storedAtMs: Date.UTC(2020, 0, 1),
  facts: facts(text),
});
const decision = (sequence: number, action: string, reason: string, text?: string) => ({
  sequence,
  time: `2020-01-0${sequence}T00:00:00.000Z`,
  action,
  sha256: text === undefined ? null : shaOf(text),
  entries: text === undefined ? null : facts(text).entries,
  reason,
  by: 'review',
});
const record = (held: string | undefined) => ({
  version: 1,
  sequence: 4,
  current: stored(OLD),
  previous: [stored(NEW)],
  held:
    held === undefined ? null : { ...stored(held), reasons: ['grown: 5 entries after 3, at most 0 % more'] },
  dismissed: [],
  validators: null,
  checkedAtMs: Date.UTC(2020, 0, 1),
  failures: 2,
  unwritten: [],
});
const HISTORY = [
  decision(1, 'fetched', '', OLD),
  decision(2, 'accepted', '', OLD),
  decision(3, 'held', 'grown: 5 entries after 3, at most 0 % more', NEW),
  decision(4, 'rejected', 'fetching list https://lists.example.com/feed.txt?***: HTTP status 404'),
];

const FILES = {
  'cordon.yaml': CONFIG,
  'own.txt': 'own.example\n',
  'state/lists/feed/record.json': JSON.stringify(record(NEW)),
  'state/lists/feed/history.jsonl': HISTORY.map((line) => `${JSON.stringify(line)}\n`).join(''),
  [`state/lists/feed/${shaOf(OLD)}.list`]: OLD,
  [`state/lists/feed/${shaOf(NEW)}.list`]: NEW,
};

test.each([
  [[], 'cordon lists: one of status, diff'],
  [['stats'], 'cordon lists: "stats" is none of status, diff'],
  [['constructor'], 'cordon lists: "constructor" is none of'],
  [['status', 'x'], 'cordon lists status: "x" is not understood: it takes no argument'],
  [['diff'], 'cordon lists diff: one ID is needed'],
  [['history', 'a', 'b'], 'cordon lists history: "b" is not understood: it takes ID only'],
  [['accept', 'feed'], 'cordon lists accept: one SHA256 is needed'],
  [['accept', 'feed', 'xyz'], 'cordon lists accept: "xyz" is no SHA-256'],
  [['accept', 'feed', 'abc'], 'cordon lists accept: "abc" is no SHA-256'],
  [['refresh', 'feed', 'late'], 'cordon lists refresh: "late" is not understood: it takes ID only'],
  [['status', '--jsn'], 'cordon lists status: unknown option "--jsn"; did you mean --json?'],
])('%j is wrong usage', async (args, text) => {
  const { code, stdout, stderr } = await cordon(['lists', ...args], FILES);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr.startsWith(text), stderr).toBe(true);
});

test('status tells what the state directory keeps, and what to do', async () => {
  const { code, stdout, stderr } = await cordon(['lists', 'status'], FILES);
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
  // Ages count from now.
  expectGolden('lists-status.out', stdout.replace(/\d+ days ago/g, 'N days ago'));
  expect(stdout).not.toContain('letmein');
});

test('status as JSON has the same, with whole times', async () => {
  const { stdout } = await cordon(['lists', 'status', '--json'], FILES);
  const { running, lists } = JSON.parse(stdout) as { running: boolean; lists: unknown[] };
  expect(running).toBe(false);
  expect(lists).toMatchObject([
    { id: 'own', kind: 'file', kept: null, held: null },
    {
      id: 'feed',
      kind: 'url',
      source: 'https://lists.example.com/feed.txt?***',
      kept: {
        current: { sha256: shaOf(OLD), entries: 3, since: '2020-01-01T00:00:00.000Z' },
        checkedAt: '2020-01-01T00:00:00.000Z',
        failures: 2,
        lastFailure: 'fetching list https://lists.example.com/feed.txt?***: HTTP status 404',
        isStale: true,
        refreshSec: 14_400,
      },
      held: { sha256: shaOf(NEW), reasons: ['grown: 5 entries after 3, at most 0 % more'] },
    },
    { id: 'late', kept: { current: null, checkedAt: null, isStale: true } },
  ]);
});

test('history tells the decisions', async () => {
  const { code, stdout } = await cordon(['lists', 'history', 'feed'], FILES);
  expect(code).toBe(0);
  expectGolden('lists-history.out', stdout);
});

test('diff tells what the held content adds and removes, each rule once', async () => {
  const { code, stdout } = await cordon(['lists', 'diff', 'feed'], FILES);
  expect(code).toBe(0);
  expectGolden('lists-diff.out', stdout);
});

test.each([
  ['the one before when nothing is held', [], record(undefined), { isHeld: false }],
  ['the one that is named', [shaOf(NEW).slice(0, 8)], record(NEW), { isHeld: true }],
])('diff compares %s', async (_name, args, of, expected) => {
  const files = { ...FILES, 'state/lists/feed/record.json': JSON.stringify(of) };
  const { stdout } = await cordon(['lists', 'diff', 'feed', ...args, '--json'], files);
  expect(JSON.parse(stdout)).toMatchObject({
    ...expected,
    list: 'feed',
    from: { sha256: shaOf(OLD) },
    to: { sha256: shaOf(NEW) },
    added: { count: 2, rules: ['d.example', '*.e.example'] },
    removed: { count: 1, rules: ['a.example'] },
  });
});

test.each([
  [['diff', 'own'], 'none are kept', 'ERR_LIST_ABSENT'],
  [['diff', 'late'], 'nothing is held and nothing was in force before', 'ERR_LIST_ABSENT'],
  [['diff', 'feed', '00000000'], '00000000 is not kept', 'ERR_LIST_ABSENT'],
  [['diff', 'none'], 'the configuration has none', 'ERR_LIST_UNKNOWN'],
  [['history', 'none'], 'The configuration has own, feed, late.', 'ERR_LIST_UNKNOWN'],
  [['accept', 'feed', shaOf(NEW)], 'it does not run', 'ERR_CLI_NO_SERVICE'],
  [['refresh'], 'it does not run', 'ERR_CLI_NO_SERVICE'],
])('%j is an error of one line', async (args, text, errorCode) => {
  const { code, stdout, stderr } = await cordon(['lists', ...args], FILES);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toContain(text);
  expect(stderr).toContain(`[${errorCode}]`);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
});
