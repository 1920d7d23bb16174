// The screens of status and top as docs/explain.md shows them: made from one example by the code that makes real ones.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { HEALTH_ISSUES } from '../../../src/base/words/words.ts';
import { formatStatus } from '../../../src/commands/status-text.ts';
import { formatTop, ratesOf } from '../../../src/commands/top-text.ts';
import type { FoundRecord } from '../../../src/evidence/records/records.ts';
import type { ServiceFigures, ServiceStatus } from '../../../src/people/admin/admin.ts';

const PAGE = fileURLToPath(new URL('../../../docs/explain.md', import.meta.url));
const { UPDATE_GOLDEN } = process.env;
const NOW = Date.UTC(2026, 10, 26, 3, 0, 0);
const ago = (minutes: number): string => new Date(NOW - minutes * 60_000).toISOString();

const STATUS: ServiceStatus = {
  ...{
    version: '0.1.0',
    node: '24.21.0',
    pid: 812,
    time: ago(0),
    startedAt: ago(9_000),
    ready: true,
    causes: [],
  },
  enforcement: {
    ...{ state: 'enforced', text: 'every mandate list is in force', todo: null, since: ago(9_000) },
    groups: [
      { group: 'default', state: 'enforced' },
      { group: 'lab', state: 'out-of-scope' },
    ],
  },
  pause: null,
  ...{ generation: 14, loadedAt: ago(180), configSha256: '68227839c48f'.padEnd(64, '0'), dnssec: 'validate' },
  reloads: { success: 13, failure: 0 },
  workers: { wanted: 4, alive: 4, hung: 0, restarts: 0, hangs: 0 },
  listeners: [
    { kind: 'dns', address: '192.0.2.10:53' },
    { kind: 'dot', address: '192.0.2.10:853' },
    { kind: 'admin', address: '127.0.0.1:9153' },
  ],
  lists: [
    {
      id: 'tiktok',
      mandate: true,
      mandates: ['us-federal-tiktok'],
      entries: 206,
      state: 'good',
      checkedAt: null,
    },
    { id: 'bytedance-prefixes', mandate: true, mandates: [], entries: 49, state: 'good', checkedAt: null },
    { id: 'partner', mandate: false, mandates: [], entries: 1204, state: 'held', checkedAt: ago(20) },
  ],
  upstreams: [
    {
      ...{ upstream: 'tls://198.51.100.53#dns.example.net', route: '.', up: true, untrusted: '' },
      ...{ certificateEnds: ago(-86_400), queries: 81_022, answers: 81_000, failures: 22, meanMs: 11.4 },
    },
    {
      ...{ upstream: '192.0.2.56', route: 'corp.example.', up: true, untrusted: null },
      ...{ certificateEnds: null, queries: 4_100, answers: 4_100, failures: 0, meanMs: 0.6 },
    },
  ],
  exemptions: { active: 2, waiting: 1, nextEnd: ago(-4_320) },
  records: { lastCommit: ago(0.05), dropped: 0, verified: true, freeBytes: 61 * 2 ** 30 },
  outputs: [{ name: 'syslog+tls', written: 91_204, dropped: 0, waiting: 0, trouble: null }],
  certificate: { ends: ago(-60_480), isEnding: false, isRefused: false },
  acme: null,
  probe: { lastRun: ago(41), leakedNames: 0, failed: 0, unbelieved: [] },
  leftOut: null,
  problems: ['list partner is held: cordon lists status'],
  issues: [
    {
      ...{ id: 'list-held', severity: 'warning', subject: 'partner', since: ago(20), due: null },
      ...{ text: 'list partner is held: cordon lists status', do: HEALTH_ISSUES['list-held'].do },
    },
  ],
};

const figures = (queries: number, atMs: number): ServiceFigures => ({
  ...{ time: ago(0), atMs, queries, refusals: queries / 50, wouldRefuse: 0, dropped: 0 },
  answers: { cache: queries * 0.8, upstream: queries * 0.18, policy: queries * 0.02 },
  ...{
    cacheHits: queries * 0.8,
    cacheMisses: queries * 0.18,
    inflight: 7,
    tcpConnections: 31,
    tlsConnections: 112,
  },
  answerTimes: {
    boundsMs: [0.032, 0.064, 0.128, 8.2, 33],
    counts: [0, queries * 0.8, queries * 0.02, queries * 0.18, 0, 0],
  },
  ...{ residentBytes: 312 * 2 ** 20, cpuMs: atMs * 0.22, state: 'enforced' },
  upstreams: [
    {
      ...{ upstream: 'tls://198.51.100.53#dns.example.net', up: true, failures: 0 },
      ...{ queries: queries * 0.17, answers: queries * 0.17, totalMs: queries * 1.94 },
    },
    {
      ...{ upstream: '192.0.2.56', up: true, failures: 0 },
      ...{ queries: queries * 0.01, answers: queries * 0.01, totalMs: queries * 0.006 },
    },
  ],
});

const refusal = (seconds: number, qname: string, group: string, list: string): FoundRecord => ({
  class: 'queries',
  sequence: 1,
  record: {
    ...{ kind: 'refusal', time: ago(seconds / 60), qname, qtype: 'A', client: '192.0.2.0/24', group, list },
  } as FoundRecord['record'],
});

const SCREENS = {
  status: formatStatus(STATUS, NOW, 100),
  top: formatTop(
    {
      time: ago(0),
      rates: ratesOf(figures(10_000_000, 1_000_000), figures(10_004_200, 1_002_000)),
      refusals: [
        refusal(1, 'www.tiktok.com', 'default', 'tiktok'),
        refusal(3, 'mon.tiktokv.com', 'default', 'tiktok'),
        refusal(4, 'p16.ibyteimg.com', 'lab', 'bytedance-backend'),
      ],
    },
    { rows: 24, columns: 100 },
  ),
};

test.each(['status', 'top'] as const)('docs/explain.md shows the screen of %s', (name) => {
  const block = new RegExp(`(^## ${name}\\n[^]*?\`\`\`console\\n\\$ cordon ${name}\\n)[^]*?(\`\`\`\\n)`, 'm');
  const page = readFileSync(PAGE, 'utf8');
  const shown = `$1${SCREENS[name]}$2`;
  if (UPDATE_GOLDEN === '1') writeFileSync(PAGE, page.replace(block, shown));
  expect(block.test(page)).toBe(true);
  expect(readFileSync(PAGE, 'utf8'), 'UPDATE_GOLDEN=1 writes it').toBe(page.replace(block, shown));
});

test.each(['status', 'top'] as const)('the screen of %s is no wider than the terminal', (name) => {
  const table = SCREENS[name].split('\n').filter((line) => !line.startsWith('IN FORCE'));
  expect(Math.max(...table.map((line) => line.length))).toBeLessThanOrEqual(100);
});
