// What is known of each view, over runs that ask in all of them or in one.
import { expect, test } from 'vitest';
import { parsePrefix } from '../../../src/base/base.ts';
import type { ProbeRun } from '../../../src/evidence/probe/run.ts';
import { ProbeTally } from '../../../src/evidence/probe/tally.ts';
import { ViewFindings } from '../../../src/evidence/probe/view-findings.ts';
import type { ProbeResult } from '../../../src/evidence/records/records.ts';
import { TYPE } from '../../../src/wire/dns/dns.ts';

const PREFIX = parsePrefix('192.0.2.0/24');
if (PREFIX === undefined) throw new TypeError('prefix');
const RULE = { prefix: PREFIX, list: 0, line: 1 };

const result = (view: string, outcome: ProbeResult['outcome'], transport = 'udp'): ProbeResult => ({
  ...{ view, outcome, transport, qtype: 'A', asked: 2, failed: outcome === 'broken' ? 1 : 0 },
  leaked: outcome === 'leaking' ? 2 : 0,
  examples: outcome === 'enforced' ? [] : [`${view} ${transport}`],
});

const runOf = (endedMs: number, results: readonly ProbeResult[], more: Partial<ProbeRun> = {}): ProbeRun => ({
  ...{ generation: 1, beganMs: endedMs - 1, endedMs, outcome: 'enforced', results, failures: [] },
  ...{ failingNames: 0, leakedNames: 0, asked: 1, exempted: 0, exemptedViews: [], isSilent: false },
  leakedByView: new Map(),
  ...{ isCutShort: false, coverage: { names: 1, asked: 1, share: 1 } },
  ...more,
});

/** One name that leaked. */
const leaksOf = (view: string): Pick<ProbeRun, 'leakedByView'> => ({
  leakedByView: new Map([[view, new Set([RULE])]]),
});

test('a run of one group leaves what was found in the others', () => {
  const views = new ViewFindings();
  const leaking = [result('group:lab', 'leaking'), result('group:lab', 'leaking', 'tcp')];
  views.take(runOf(1_000, [result('group:hq', 'enforced'), ...leaking], leaksOf('group:lab')), [], false);
  expect(views.of('group:lab')).toMatchObject({ outcome: 'leaking', sinceMs: 1_000, leakedNames: 1 });
  views.take(runOf(2_000, [result('group:hq', 'enforced')]), [], true);
  expect(views.of('group:lab')).toMatchObject({ outcome: 'leaking', sinceMs: 1_000, leakedNames: 1 });
  expect(views.of('group:hq')).toMatchObject({ outcome: 'enforced', sinceMs: 1_000, lastSuccessMs: 2_000 });
});

test('an outcome that lasts keeps its beginning; the last success stays known', () => {
  const views = new ViewFindings();
  views.take(runOf(1_000, [result('group:hq', 'enforced')]), [], false);
  views.take(runOf(2_000, [result('group:hq', 'broken')]), [], false);
  views.take(runOf(3_000, [result('group:hq', 'broken')]), [], false);
  expect(views.of('group:hq')).toMatchObject({
    outcome: 'broken',
    sinceMs: 2_000,
    lastSuccessMs: 1_000,
    failed: 1,
  });
  views.take(runOf(4_000, [result('group:hq', 'enforced')]), [], false);
  expect(views.of('group:hq')).toMatchObject({ outcome: 'enforced', sinceMs: 4_000, lastSuccessMs: 4_000 });
});

test('views that exemptions let pass are no success, and views that are gone are forgotten', () => {
  const views = new ViewFindings();
  views.take(runOf(1_000, [result('group:hq', 'enforced')], { exemptedViews: ['group:hq'] }), [], false);
  expect(views.of('group:hq')?.lastSuccessMs).toBeUndefined();
  const unasked = [{ view: 'group:lab', reason: 'nobody belongs to it' }];
  views.take(runOf(2_000, [result('group:new', 'enforced')]), unasked, false);
  expect(views.of('group:hq')).toBeUndefined();
  expect(views.whyUnasked('group:lab')).toBe('nobody belongs to it');
});

test('a run that was cut short forgets nothing', () => {
  const views = new ViewFindings();
  views.take(runOf(1_000, [result('group:hq', 'leaking')], leaksOf('group:hq')), [], false);
  views.take(runOf(2_000, [result('group:lab', 'broken')], { isCutShort: true }), [], false);
  expect(views.of('group:hq')?.outcome).toBe('leaking');
});

test('however much leaked before it, no view is forgotten', () => {
  const tally = new ProbeTally();
  const groups = ['group:a', 'group:b', 'group:c'];
  for (const view of groups)
    for (let line = 0; line < 940; line++)
      tally.count(
        {
          ...{ view, worker: 0, transport: 'udp', name: `n${line}.test`, type: TYPE.A, purpose: 'listed' },
          ...{ edns: true, dnssecOk: false, checkingDisabled: false },
          rule: { name: `n${line}.test`, list: 0, line, match: 'suffix' },
          expected: { kind: 'refused', forms: [], needsEde: true, listed: undefined },
        },
        { verdict: 'leaked', text: 'NOERROR' },
      );
  const views = new ViewFindings();
  const { leakedByView, failures } = tally;
  views.take(runOf(1_000, tally.results(), { leakedByView, failures }), [], false);
  expect(views.leaking).toEqual(groups);
  expect(groups.map((view) => views.of(view)?.leakedNames)).toEqual([940, 940, 940]);
  expect(new Set(failures.map(({ question }) => question.view))).toEqual(new Set(groups));
});
