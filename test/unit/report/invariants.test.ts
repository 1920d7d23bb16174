// What holds for any records: intervals cover the period once, and sums are those of what was counted.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ChangeRecord } from '../../../src/evidence/records/record.ts';
import type { HourCount } from '../../../src/evidence/records/records-reader.ts';
import { buildReport } from '../../../src/evidence/report/build.ts';
import type { Period } from '../../../src/evidence/report/model.ts';
import { formatReport } from '../../../src/evidence/report/produce.ts';
import { createSource, FROM_MS } from './quarter.ts';

const HOUR_MS = 3_600_000;
const RUNS = { numRuns: 60 };

/** Milliseconds of two weeks around a period of one. */
const moment = fc.integer({ min: FROM_MS - 72 * HOUR_MS, max: FROM_MS + 240 * HOUR_MS });
const time = moment.map((ms) => new Date(ms).toISOString());
const cause = fc.constantFrom('startup', 'no-worker', 'operator-pause');
const view = fc.constantFrom('group:a', 'group:b', 'listener:127.0.0.1');

const change: fc.Arbitrary<ChangeRecord> = fc.oneof(
  fc.record({ kind: fc.constant('service' as const), time, event: fc.constantFrom('start', 'stop') }),
  fc.record({
    kind: fc.constant('service' as const),
    time,
    event: fc.constant('unclean-end' as const),
    lastWritten: time,
  }),
  fc.record({
    kind: fc.constant('enforcement' as const),
    time,
    event: fc.constantFrom('gap-begin', 'gap-end'),
    cause,
    ms: fc.integer({ min: 0, max: HOUR_MS }),
  }),
  fc.tuple(time, view, fc.constantFrom('enforced', 'leaking', 'broken')).map(
    ([at, name, outcome]): ChangeRecord => ({
      ...{ kind: 'probe', time: at, event: 'sample', generation: 1, began: at, outcome },
      results: [
        { view: name, transport: 'udp', qtype: 'A', outcome, asked: 1, leaked: 0, failed: 0, examples: [] },
      ],
    }),
  ),
);

const count: fc.Arbitrary<HourCount> = fc.record({
  hourMs: fc.integer({ min: -72, max: 240 }).map((hour) => FROM_MS + hour * HOUR_MS),
  kind: fc.constantFrom('refusal', 'would-refuse', 'exemption-hit', 'bypass', 'sketch'),
  group: fc.constantFrom('a', 'b', '__proto__'),
  list: fc.constantFrom('x', 'y'),
  category: fc.constantFrom('c', 'constructor'),
  trigger: fc.constantFrom('qname', 'cname'),
  signal: fc.constantFrom('', 'canary', 'ddr'),
  exemption: fc.constantFrom('ex-000001', 'ex-000002'),
  count: fc.integer({ min: 1, max: 1_000_000 }),
});

const scope = fc
  .tuple(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 1, max: 100 }))
  .map(([from, hours]) => ({
    fromMs: FROM_MS + from * HOUR_MS,
    untilMs: FROM_MS + (from + hours) * HOUR_MS,
  }));

const expectPartition = (
  intervals: readonly (Period & { ms: number })[],
  fromMs: number,
  untilMs: number,
): void => {
  let atMs = fromMs;
  for (const { from, until, ms } of intervals) {
    expect(Date.parse(from)).toBe(atMs);
    expect(ms).toBeGreaterThan(0);
    atMs += ms;
    expect(Date.parse(until)).toBe(atMs);
  }
  expect(atMs).toBe(untilMs);
};

const sum = (numbers: Iterable<number>): number => [...numbers].reduce((total, number) => total + number, 0);

test('intervals of any records cover the period without gap or overlap, and add up to it', async () => {
  const property = fc.asyncProperty(
    fc.array(change, { maxLength: 40 }),
    scope,
    async (changes, { fromMs, untilMs }) => {
      // One record far before and one far behind, so that every period has records around it.
      const frame = [FROM_MS - 100 * HOUR_MS, FROM_MS + 300 * HOUR_MS].map(
        (ms): ChangeRecord => ({
          ...{ kind: 'admin', time: new Date(ms).toISOString(), action: 'look', by: 'kim' },
        }),
      );
      const all = [frame[0] ?? [], changes, frame[1] ?? []].flat();
      const { enforcement, probes } = await buildReport(createSource({ changes: all }), { fromMs, untilMs });
      expectPartition(enforcement.intervals, fromMs, untilMs);
      expect(sum(Object.values(enforcement.ms))).toBe(untilMs - fromMs);
      const causeMs = sum(enforcement.causes.map(({ ms }) => ms));
      expect(causeMs + enforcement.ms['in-force']).toBe(untilMs - fromMs);
      for (const { intervals, ms } of probes.views) {
        expectPartition(intervals, fromMs, untilMs);
        expect(sum(Object.values(ms))).toBe(untilMs - fromMs);
      }
    },
  );
  await fc.assert(property, RUNS);
});

test('sums of any counts are those of the hours of the period, however they are split', async () => {
  const property = fc.asyncProperty(
    fc.array(count, { minLength: 1, maxLength: 60 }),
    scope,
    async (counts, period) => {
      const changes: ChangeRecord[] = [
        { kind: 'admin', time: new Date(period.fromMs).toISOString(), action: 'look', by: 'kim' },
      ];
      const inside = counts.filter(({ hourMs }) => hourMs >= period.fromMs && hourMs < period.untilMs);
      const of = (kind: string): number =>
        sum(inside.filter((one) => one.kind === kind).map((one) => one.count));
      const { attempts, signals, exemptions } = await buildReport(createSource({ changes, counts }), period);
      expect(attempts.refusals).toBe(of('refusal'));
      expect(attempts.wouldRefuse).toBe(of('would-refuse'));
      const signs = inside.filter((one) => one.kind === 'refusal' && one.signal !== '');
      expect(signals.total).toBe(of('bypass') + sum(signs.map((one) => one.count)));
      expect(sum(Object.values(attempts.byPurpose))).toBe(attempts.refusals);
      for (const totals of [attempts.byGroup, attempts.byCategory, attempts.byList, attempts.byTrigger])
        expect(sum(totals.map((total) => total.count))).toBe(attempts.refusals);
      expect(sum(attempts.byDay.map(({ refusals }) => refusals))).toBe(attempts.refusals);
      const { mandate } = attempts;
      for (const counts of [mandate.byGroup, mandate.byList, mandate.series.points])
        expect(sum(counts.map((one) => one.count))).toBe(attempts.byPurpose.mandate);
      expect(sum(attempts.rows.map((row) => row.count))).toBe(attempts.refusals + attempts.wouldRefuse);
      expect(sum(signals.rows.map((row) => row.count))).toBe(signals.total);
      expect(exemptions).toEqual([]);
      const groups = await Promise.all(
        ['a', 'b', '__proto__'].map((group) =>
          buildReport(createSource({ changes, counts }), { ...period, group }),
        ),
      );
      expect(sum(groups.map((one) => one.attempts.refusals))).toBe(attempts.refusals);
    },
  );
  await fc.assert(property, RUNS);
});

test('no text of a record becomes markup, a formula or another row', async () => {
  const property = fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 60 }), async (text) => {
    const changes: ChangeRecord[] = [
      { kind: 'admin', time: new Date(FROM_MS).toISOString(), action: text, by: text, reason: text },
    ];
    const report = await buildReport(createSource({ changes }), {
      fromMs: FROM_MS,
      untilMs: FROM_MS + HOUR_MS,
    });
    const plain = await buildReport(
      createSource({ changes: [{ ...changes[0], action: 'x', by: 'x', reason: 'x' } as ChangeRecord] }),
      { fromMs: FROM_MS, untilMs: FROM_MS + HOUR_MS },
    );
    const tags = async (made: typeof report): Promise<number> =>
      Buffer.from(await formatReport(made, 'html'))
        .toString()
        // Where a long word may be broken depends on its letters.
        .replaceAll('<wbr>', '')
        .split('<').length;
    expect(await tags(report)).toBe(await tags(plain));
    const csv = Buffer.from(await formatReport(report, 'csv', 'changes')).toString();
    const rows = readCsv(csv);
    expect(rows).toHaveLength(2);
    for (const cell of rows[1] ?? []) expect(cell).not.toMatch(/^\s*[=+\-@]/);
  });
  await fc.assert(property, RUNS);
});

/** A reader of RFC 4180 that is not ours to trust: quotes, commas, CRLF. */
const readCsv = (text: string): string[][] => {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = '';
  let isQuoted = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i] ?? '';
    if (isQuoted) {
      if (character === '"' && text[i + 1] === '"') cell += text[++i] ?? '';
      else if (character === '"') isQuoted = false;
      else cell += character;
    } else if (character === '"') isQuoted = true;
    else if (character === ',' || (character === '\r' && text[i + 1] === '\n')) {
      row.push(cell);
      cell = '';
      if (character === '\r') {
        rows.push(row);
        row = [];
        i++;
      }
    } else cell += character;
  }
  return rows;
};
