// What the program does to itself, as records.
import { beforeEach, expect, test } from 'vitest';
import { ChangeJournal } from '../../../src/evidence/recording/change-journal.ts';
import type { ChangeRecord } from '../../../src/evidence/records/records.ts';
import type { FeedState } from '../../../src/policy/feeds/feeds.ts';
import { buildGeneration } from '../../../src/policy/generation/build.ts';
import { configOf } from '../app/setup.ts';

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

test('a configuration is recorded with the keys that changed; lists that change nothing of it are not', () => {
  const url = (query: string) =>
    `lists: [{ id: a, url: "https://lists.example/a.txt?token=${query}", format: domains }]`;
  const author = { by: 'not known; cordon.yaml belongs to root (uid 0)', reason: 'SIGHUP came' };
  const first = configOf(url('1'), FILES);
  journal.configuration(first, 'start');
  journal.configuration(first, 'lists');
  journal.configuration(configOf(`${url('2')}\nblock: { ttl: 60s }`, FILES), 'reload', author);
  journal.refused('ERR_LIST_EMPTY', 'reload');
  expect(records).toMatchObject([
    { event: 'in-force', cause: 'start' },
    {
      ...{ event: 'in-force', cause: 'reload', ...author },
      differences: expect.arrayContaining([
        { key: 'block.ttl', from: '30s', to: '1m' },
        {
          key: 'lists[a].url',
          from: 'https://lists.example/a.txt?***',
          to: 'https://lists.example/a.txt?***',
        },
      ]),
    },
    { event: 'refused', code: 'ERR_LIST_EMPTY', cause: 'reload' },
  ]);
  expect(JSON.stringify(records)).not.toContain('token');
});

test('a configuration with very many differences names some of them and counts the rest', () => {
  const groups = (clients: number) =>
    `${ONE}\ngroups: [{ name: default, lists: [a] }${Array.from({ length: 60 }, (_, index) => `, { name: g${index}, clients: ["192.0.2.${index + clients}"], lists: [a] }`).join('')}]`;
  journal.configuration(configOf(groups(0), FILES), 'start');
  journal.configuration(configOf(groups(100), FILES), 'reload');
  const [, record] = records;
  const { differences = [], more = 0 } = record?.kind === 'configuration' ? record : {};
  expect(differences).toHaveLength(50);
  expect(more).toBeGreaterThanOrEqual(10);
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

test('how feeds are is recorded when it changes, and that there is none once', () => {
  const feed = (more: Partial<FeedState> = {}): FeedState => ({
    ...{ id: 'project', url: 'https://lists.example/', state: 'current', reason: null, since: null },
    ...{ checkedAt: '2026-11-25T11:00:00.000Z', root: 1, timestamp: 7 },
    ...{ expires: '2026-12-09T00:00:00.000Z', behind: [], release: null },
    ...more,
  });
  journal.feeds([], '2026-11-24');
  journal.feeds([], '2026-11-24');
  expect(records).toMatchObject([{ kind: 'service', event: 'feed', state: 'none', reviewed: '2026-11-24' }]);
  expect(records[0]).not.toHaveProperty('feed');
  records = [];
  journal.feeds([feed()], '2026-11-24');
  // Looked at again, and nothing new.
  journal.feeds([feed({ checkedAt: '2026-11-25T12:00:00.000Z' })], '2026-11-24');
  expect(records).toMatchObject([
    { feed: 'project', state: 'current', timestamp: 7, until: '2026-12-09T00:00:00.000Z' },
  ]);
  records = [];
  const behind = [{ list: 'tiktok', since: '2026-11-25T10:00:00.000Z', reason: 'held: shrunk' }];
  journal.feeds([feed({ timestamp: 8, behind })], '2026-11-24');
  journal.feeds([feed({ state: 'expired', reason: 'its timestamp is over', behind })], '2026-11-24');
  journal.feeds([], '2026-11-24');
  journal.feeds([feed()], '2026-11-24');
  expect(records).toMatchObject([
    { feed: 'project', state: 'current', timestamp: 8, behind },
    { feed: 'project', state: 'expired', reason: 'its timestamp is over', behind },
    { feed: 'project', state: 'none' },
    { state: 'none', reviewed: '2026-11-24' },
    { feed: 'project', state: 'current' },
  ]);
});

test('a node of a fleet records for how long exemptions hold without its authority', () => {
  const of = (role: string, bound = '') =>
    configOf(
      `fleet: { servers: ["tls://a.test:4222"], trust: ["ed25519:${'A'.repeat(43)}="], role: ${role}${bound} }`,
    );
  journal.configuration(of('node'), 'start');
  journal.configuration(of('node', ', suspend-exemptions-after: never'), 'reload');
  journal.configuration(of('authority'), 'reload');
  expect(records.map((record) => ('suspendAfterMs' in record ? record.suspendAfterMs : undefined))).toEqual([
    86_400_000,
    null,
    undefined,
  ]);
});
