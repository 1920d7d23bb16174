// What pages make of figures: series that add up to what was counted, CSV that no spreadsheet runs, steps that are missing.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RefusalFigures, State } from '../../../pages/api/shapes.ts';
import { firstSteps } from '../../../pages/overview/steps.ts';
import { csvOf, GROUPINGS, seriesBy } from '../../../pages/refusals/series.ts';

const STEPS = 4;
const sum = (rows: readonly { readonly counts: readonly number[] }[]): number[] =>
  Array.from({ length: STEPS }, (_, step) =>
    rows.reduce((total, { counts }) => total + (counts[step] ?? 0), 0),
  );

test('however it is shown, each step adds up to what was counted, in five colors at most', () => {
  const row = fc.record({
    list: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g'),
    group: fc.constantFrom('x', 'y', 'z', 'u', 'v', 'w'),
    counts: fc.array(fc.nat(1_000), { minLength: STEPS, maxLength: STEPS }),
  });
  fc.assert(
    fc.property(fc.array(row, { maxLength: 40 }), fc.constantFrom(...GROUPINGS), (series, grouping) => {
      const shown = seriesBy({ series }, grouping, (list) => (list < 'c' ? 'one' : 'other'), 'rest');
      expect(shown.length).toBeLessThanOrEqual(5);
      expect(sum(shown)).toEqual(sum(series));
    }),
  );
});

test('CSV has a line a count, and nothing that a spreadsheet takes for a formula', () => {
  const figures = {
    ...{ from: '2027-03-28T00:00:00.000Z', stepSec: 21_600 },
    series: [
      { list: '=cmd|calc', group: 'a "quoted", one', counts: [0, 3] },
      { list: 'tiktok', group: 'lab', counts: [1, 0] },
    ],
  } as unknown as RefusalFigures;
  expect(csvOf(figures)).toBe(
    [
      'from,seconds,list,network,refusals',
      `2027-03-28T06:00:00.000Z,21600,'=cmd|calc,"a ""quoted"", one",3`,
      '2027-03-28T00:00:00.000Z,21600,tiktok,lab,1',
      '',
    ].join('\r\n'),
  );
});

test('first steps: what is missing is told, step by step', () => {
  const state = {
    service: { upstreams: { up: 0, total: 1 } },
    counts: { networksWithClients: 0 },
    headline: { networksProven: 0, isProofCurrent: true },
    lists: [{ mandate: true, state: 'missing' }],
    today: { refusedMandate: 0 },
  } as unknown as State;
  expect(firstSteps(state, 1).some(({ isDone }) => isDone)).toBe(false);
  const done = {
    service: { upstreams: { up: 1, total: 1 } },
    counts: { networksWithClients: 1 },
    headline: { networksProven: 1, isProofCurrent: true },
    lists: [{ mandate: true, state: 'in-force' }],
    today: { refusedMandate: 1 },
  } as unknown as State;
  expect(firstSteps(done, 2).every(({ isDone }) => isDone)).toBe(true);
});
