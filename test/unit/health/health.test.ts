// Each issue of the table is planted once, and all who say what is wrong say it: needs, readiness, metric, the log at its begin
// and its end, an alert, a runbook and the pages. What makes each happen is in health-rows.test.ts; the running program is in
// health-matrix.test.ts and headlines.test.ts of test/integration.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { de } from '../../../pages/text/de.ts';
import { en } from '../../../pages/text/en.ts';
import { fr } from '../../../pages/text/fr.ts';
import { nl } from '../../../pages/text/nl.ts';
import { type FoundIssue, HEALTH_ISSUE_IDS, HEALTH_ISSUES } from '../../../src/base/words/words.ts';
import { readinessOf } from '../../../src/host/app/program-facts.ts';
import { needsOf } from '../../../src/people/controls/overview-needs.ts';
import { Health } from '../../../src/people/health/health.ts';
import type { Enforcement } from '../../../src/telemetry/enforcement/enforcement.ts';
import { configOf } from '../app/setup.ts';
import { createSource, scrape } from '../observe/scrape.ts';

const NOW_MS = Date.parse('2026-11-26T12:00:00Z');
const ENFORCED: Enforcement = { state: 'enforced', groups: [{ group: 'default', state: 'enforced' }] };
const LEVELS = { critical: 'error', warning: 'warn', info: 'info' } as const;

type Line = { readonly level: string; readonly fields: Record<string, unknown>; readonly msg: string };

/** A healthy program on clocks of its own, in which issues can be planted. */
const program = () => {
  const lines: Line[] = [];
  const planted: FoundIssue[] = [];
  const listReads = { count: 0 };
  const config = configOf('upstreams: ["192.0.2.53"]');
  let elapsedMs = 0;
  const write = (level: string) => (fields: object, msg: string) => {
    lines.push({ level, fields: { ...fields }, msg });
  };
  const proof = {
    ...{ lastSuccessMs: NOW_MS, outcome: 'enforced' as const, sinceMs: NOW_MS, leakedNames: 0, failed: 0 },
    examples: [],
  };
  const health = new Health({
    log: { error: write('error'), warn: write('warn'), info: write('info') } as never,
    clock: () => NOW_MS + elapsedMs,
    monotonic: () => elapsedMs,
    upMs: () => 10_000_000,
    enforcement: () => ENFORCED,
    enforcementMs: () => 60_000,
    evidence: {
      proofOf: () =>
        ({ found: { ...proof, lastSuccessMs: NOW_MS + elapsedMs }, unasked: undefined }) as never,
      facts: () => ({ decisions: [], exemptions: { ends: new Map(), unproven: new Map() } }) as never,
      recordingFacts: () => undefined,
      incompleteExemptions: () => new Set(),
      losses: { lastMs: undefined } as never,
    },
    pause: { status: () => ({ isPaused: false, state: 'enforced', text: '' }) },
    facts: () => ({
      ...{
        config,
        stateTrouble: undefined,
        workers: { count: 1, alive: 1 },
        upstreams: planted,
        forwarders: [],
      },
      ...{ fleet: undefined, tls: undefined, acme: undefined, refused: undefined, feeds: [] },
      standings: new Map(),
      ...{ roomCertificateEndMs: undefined, hasAdministrator: true, outlets: {} },
    }),
    lists: () => {
      listReads.count++;
      return Promise.resolve([]);
    },
    unreadable: () => Promise.resolve(undefined),
  });
  /** So much later, as the program looks. */
  const look = (laterMs = 1_000): void => {
    elapsedMs += laterMs;
    health.look();
  };
  return { health, lines, planted, look, listReads };
};

const alerts = (
  parse(readFileSync(new URL('../../../deploy/alerts.yml', import.meta.url), 'utf8')) as {
    groups: { rules: { alert?: string; labels?: { severity?: string } }[] }[];
  }
).groups.flatMap(({ rules }) => rules);
const runbooks = readFileSync(new URL('../../../docs/runbooks.md', import.meta.url), 'utf8');

test('a healthy program says nothing', () => {
  const { health, lines, look } = program();
  look();
  expect([health.issues, health.headline.state, lines]).toEqual([[], 'in-force', []]);
});

test('lists that somebody has read are judged, and not read again', async () => {
  const { health, listReads } = program();
  const held = { sha256: 'a'.repeat(64), entries: 1, since: '2026-11-26T11:00:00Z', reasons: ['size: more'] };
  const none = { mandate: false, inForce: null, kept: null };
  const list = {
    ...none,
    id: 'extra',
    kind: 'url' as const,
    source: 'https://lists.example.com/extra',
    held,
  };
  expect((await health.refresh([list])).map(({ id, subject }) => [id, subject])).toContainEqual([
    'list-held',
    'extra',
  ]);
  expect(listReads.count).toBe(0);
  expect((await health.refresh()).map(({ id }) => id)).not.toContain('list-held');
  expect(listReads.count).toBe(1);
});

test.each(HEALTH_ISSUE_IDS)('%s is said by all, from its begin to its end', async (id) => {
  const { severity, title, do: todo, alert } = HEALTH_ISSUES[id];
  const { health, lines, planted, look } = program();
  look();
  planted.push({ id, subject: 'one', text: 'it is so' });
  look();
  const told = { id, subject: 'one', text: 'it is so', severity, sinceMs: NOW_MS + 2_000, do: todo };
  expect(health.issues).toEqual([told]);
  look();
  // Since it began, not since somebody looked.
  expect(health.issues).toEqual([told]);
  const {
    todo: [need],
  } = needsOf({ issues: health.issues, acts: [], requested: [] }, 'in-force');
  expect(need).toMatchObject({ kind: id, subject: 'one', since: '2026-11-26T12:00:02.000Z' });
  expect(readinessOf(true, ENFORCED, undefined, health.issues).issues).toEqual(
    severity === 'info' ? [] : [id],
  );
  const series = await scrape(createSource({ health: () => health.issues }));
  expect(series.get(`cordon_health_issue{id="${id}",subject="one"}`)).toBe(1);
  planted.pop();
  look(20_000);
  expect(health.issues).toEqual([]);
  expect(lines).toEqual([
    {
      level: LEVELS[severity],
      fields: { issue: id, subject: 'one', text: 'it is so', hint: todo, changes: 1 },
      msg: title,
    },
    {
      level: 'info',
      fields: { issue: id, subject: 'one', afterSec: 21, changes: 1 },
      msg: `no longer: ${title}`,
    },
  ]);
  const rules = alerts.filter((rule) => rule.alert === alert);
  // Without the prohibition nothing else matters as much, and the rule is older than the table.
  expect(rules.map(({ labels }) => labels?.severity)).toEqual([severity]);
  expect(runbooks).toContain(`\n## ${alert}\n`);
  for (const texts of [en, de, fr, nl]) expect(texts[`need-${id}` as keyof typeof en]).toBeTypeOf('string');
});

test('no two ids share an alert', () => {
  const names = HEALTH_ISSUE_IDS.map((id) => HEALTH_ISSUES[id].alert);
  expect(new Set(names).size).toBe(names.length);
});

test('of one id a hundred are told, each subject once, and the most urgent id comes first', () => {
  const { health, planted, look } = program();
  for (let count = 0; count < 150; count++)
    planted.push({ id: 'list-held', subject: `l${count >> 1}`, text: '' });
  for (let count = 0; count < 150; count++)
    planted.push({ id: 'upstream-down', subject: `u${count}`, text: '' });
  look();
  expect(health.issues.map(({ subject }) => subject)).toEqual([
    ...Array.from({ length: 100 }, (_, at) => `u${at}`),
    ...Array.from({ length: 75 }, (_, at) => `l${at}`),
  ]);
});

test('what flaps has a line at most every ten seconds, and says how often it changed', () => {
  const { lines, planted, look } = program();
  const issue = { id: 'upstream-down', subject: '192.0.2.53', text: '' } as const;
  for (let second = 0; second < 60; second++) {
    if (second % 2 === 0) planted.push(issue);
    else planted.pop();
    look();
  }
  expect(lines.length).toBeLessThanOrEqual(7);
  expect(Math.max(...lines.map(({ fields }) => Number(fields['changes'])))).toBeGreaterThan(5);
});

test('what others wrote cannot move the cursor of who reads it, nor fill the page', () => {
  const { health, planted, look } = program();
  planted.push({
    ...{ id: 'certificate-unobtained', subject: 'a\nb' },
    text: `the authority says: \u001b[2J\u009b2J\n${'x'.repeat(5_000)}`,
  });
  look();
  const [issue] = health.issues;
  expect(issue?.subject).toBe('a b');
  expect(issue?.text).toMatch(/^the authority says: {2}\[2J 2J x+…$/);
  expect(issue?.text.length).toBeLessThanOrEqual(1_000);
});

test.each([
  ['mandate-standing', 'be-federal-tiktok', '/'],
  ['mandate-review', 'mandate be-federal-tiktok', '/'],
  ['mandate-review', 'tiktok', '/lists/tiktok'],
  ['mandate-review', 'tiktok (TikTok USDS Joint Venture LLC: not refused)', '/lists/tiktok'],
  ['list-missing', 'tiktok', '/lists/tiktok'],
] as const)('%s leads to a page that knows its subject', (id, subject, to) => {
  const issues = [{ id, subject, text: '', sinceMs: NOW_MS }] as never;
  const { todo: needs } = needsOf({ issues, acts: [], requested: [] }, 'in-force');
  expect(needs).toMatchObject([{ kind: id, to }]);
});
