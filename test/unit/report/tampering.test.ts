// Reports over records that somebody changed: what is printed was recorded, nothing that was put in is repeated, the
// findings stand on top, and the exit status tells.
//
// Every statement of the report over a changed directory has to be one of the report over the true one: the truth may be
// missing, because what nothing proves is left out, but it is never another.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { report as runReport } from '../../../src/commands/report.ts';
import type { Report } from '../../../src/evidence/report/model.ts';
import { inTwo } from '../../support/night.ts';
import { CHANGES_1, FALSIFY, LIAR, live, sql, WAYS } from './tampered.ts';

const FROM = '2026-11-25';
const TO = '2026-11-28';
/** A while after the last record: the period is over, and what nobody recorded of it stays open. */
const MADE_AT = '2026-12-02T09:00:00.000Z';

let root = '';
/** A state directory as the program left it. */
let original = '';
let truth: Report;

beforeAll(async () => {
  vi.stubEnv('SOURCE_DATE_EPOCH', String(Date.parse(MADE_AT) / 1_000));
  root = mkdtempSync(join(tmpdir(), 'cordon-tampering-'));
  original = join(root, 'original');
  mkdirSync(original);
  await live(original);
  writeFileSync(join(original, 'cordon.yaml'), 'state: .\ngroups: [{ name: default, lists: [tiktok] }]\n');
  const made = await makeReport(original);
  expect(made.code).toBe(0);
  truth = made.report as Report;
  expect(truth.integrity).toEqual({ isIntact: true, findings: [], doubtful: [], mayConcernPeriod: false });
  expect(truth.exemptions[0]?.paper).toMatchObject({ approvedBy: 'A. Head', state: 'active' });
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true, force: true });
});

interface Made {
  readonly code: number;
  readonly error: string;
  readonly report: Report | undefined;
  /** All forms after each other. */
  readonly text: string;
}

/** What a person gets from the command in each form. */
const makeReport = async (state: string): Promise<Made> => {
  let text = '';
  let report: Report | undefined;
  const codes = new Set<number>();
  let error = '';
  for (const format of ['json', 'html', 'csv']) {
    const out = join(state, `out.${format}`);
    const values = {
      ...{ config: join(state, 'cordon.yaml'), from: FROM, to: TO, format, out, unsigned: true },
      ...{ group: undefined, table: undefined, language: undefined, author: undefined },
      ...{ heads: undefined, checkpoint: undefined, witness: [], 'state-directory': undefined },
    };
    const silenced = silence();
    try {
      codes.add(await runReport({ values, words: {} }));
      const made = readFileSync(out, 'utf8');
      text += made;
      if (format === 'json') report = JSON.parse(made) as Report;
    } catch (thrown) {
      // What main() turns into status 1.
      codes.add(1);
      error = String(thrown) + JSON.stringify(thrown);
    } finally {
      silenced();
      rmSync(out, { force: true });
    }
  }
  expect(codes.size).toBe(1);
  return { code: [...codes][0] ?? -1, error, report, text };
};

const silence = (): (() => void) => {
  const { write: before } = process.stderr;
  process.stderr.write = () => true;
  return () => {
    process.stderr.write = before;
  };
};

const keysOf = (items: readonly object[]): Set<string> => new Set(items.map((item) => JSON.stringify(item)));

/** Each interval of one state lies in intervals of that state of the truth. */
const expectWithin = (
  found: readonly { from: string; until: string }[],
  known: readonly { from: string; until: string }[],
): void => {
  for (const { from, until } of found)
    expect(
      known.some((one) => one.from <= from && one.until >= until),
      `${from} to ${until}`,
    ).toBe(true);
};

/** Nothing is said that the true report does not say as well. */
const expectNothingFalse = (found: Report): void => {
  expect([truth.resolver, '']).toContain(found.resolver);
  const changes = keysOf(truth.changes);
  for (const change of keysOf(found.changes)) expect(changes).toContain(change);
  const inForce = (report: Report) =>
    report.enforcement.intervals.filter(({ state }) => state === 'in-force');
  expectWithin(inForce(found), inForce(truth));
  for (const { view, intervals, runs } of found.probes.views) {
    const known = truth.probes.views.find((one) => one.view === view);
    expect(runs).toBeLessThanOrEqual(known?.runs ?? 0);
    const enforced = (all: typeof intervals) => all.filter(({ outcome }) => outcome === 'enforced');
    expectWithin(enforced(intervals), enforced(known?.intervals ?? []));
  }
  for (const { list, versions } of found.lists) {
    const known = truth.lists.find((one) => one.list === list);
    for (const { sha256 } of versions) expect(known?.versions.map((one) => one.sha256)).toContain(sha256);
    expectWithin(versions, known?.versions ?? []);
  }
  for (const row of found.attempts.rows) {
    const known = truth.attempts.rows.find(
      (one) =>
        one.day === row.day && one.kind === row.kind && one.group === row.group && one.list === row.list,
    );
    expect(row.count, JSON.stringify(row)).toBeLessThanOrEqual(known?.count ?? 0);
    expect([known?.purpose, 'unknown']).toContain(row.purpose === 'bypass' ? known?.purpose : row.purpose);
  }
  expect(found.signals.total).toBeLessThanOrEqual(truth.signals.total);
  const isLess = found.attempts.refusals < truth.attempts.refusals;
  expect(!isLess || found.attempts.isLowerBound).toBe(true);
  for (const { id, paper: foundPaper, events } of found.exemptions) {
    const known = truth.exemptions.find((one) => one.id === id);
    const { approvedBy = 'A. Head' } = foundPaper as { approvedBy?: string };
    expect(known?.paper ?? {}).toMatchObject({ approvedBy });
    const knownEvents = keysOf(known?.events ?? []);
    for (const event of keysOf(events)) expect(knownEvents).toContain(event);
  }
  const heads = keysOf(truth.records.heads.map(({ hash }) => ({ hash })));
  expect(heads.size).toBeGreaterThan(0);
};

test('there are thirty ways and more', () => expect(WAYS.length).toBeGreaterThanOrEqual(30));

for (const [options, ways] of inTwo(WAYS, (_, index) => index % 3 === 0))
  test.each(ways)('%s: nothing false is printed, and the status tells', options, async (_, change) => {
    const state = mkdtempSync(join(root, 'copy-'));
    cpSync(original, state, { recursive: true });
    change(state);
    const { code, error, report, text } = await makeReport(state);
    expect(code).toBe(1);
    // A finding may say what a table counts that the records do not; nothing else repeats what was put in.
    const {
      integrity: _findings,
      records: __,
      ...facts
    } = report ?? { integrity: undefined, records: undefined };
    expect((text + error).includes(LIAR), 'the falsified name is repeated').toBe(false);
    expect(JSON.stringify(facts).includes('evil'), 'what was put in is repeated').toBe(false);
    expect((text + error).includes('Nothing has been recorded yet')).toBe(false);
    if (report === undefined) {
      expect(error).toMatch(/ERR_COMPLIANCE_(?:REPORT_PERIOD|NO_RECORDS)/);
      return;
    }
    expectNothingFalse(report);
    expect(report.integrity.isIntact).toBe(false);
    expect(report.integrity.findings.length).toBeGreaterThan(0);
    // On top: before the summary of the page, and in the first table of the CSV.
    const page = text.slice(text.indexOf('<!doctype'));
    expect(page.indexOf('The records are not whole')).toBeGreaterThan(0);
    expect(page.indexOf('The records are not whole')).toBeLessThan(page.indexOf('id="answer"'));
  });

test('records in a changed block are marked where they stood', async () => {
  const state = mkdtempSync(join(root, 'copy-'));
  cpSync(original, state, { recursive: true });
  sql(CHANGES_1, FALSIFY)(state);
  const { report, text } = await makeReport(state);
  expect(report?.integrity.doubtful.map((one) => one.class)).toContain('changes');
  expect(report?.integrity.mayConcernPeriod).toBe(true);
  expect(text).toContain('in doubt');
});
