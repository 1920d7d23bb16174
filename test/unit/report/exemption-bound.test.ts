// How long exemptions hold where a node does not hear its authority stands in its report, in every language.
import { expect, test } from 'vitest';
import type { PlacedChange } from '../../../src/evidence/report/evidence.ts';
import { ExemptionHistory } from '../../../src/evidence/report/exemption-history.ts';
import { noteText } from '../../../src/evidence/report/notes.ts';
import { REPORT_TEXTS } from '../../../src/evidence/report/texts/dictionaries.ts';

const FROM_MS = Date.parse('2026-11-01T00:00:00Z');
const DAY_MS = 86_400_000;

type Bound = number | null | undefined;

const boundOf = (...configurations: readonly (readonly [day: number, bound: Bound, event?: string])[]) => {
  const history = new ExemptionHistory(FROM_MS, FROM_MS + 30 * DAY_MS);
  for (const [day, suspendAfterMs, event = 'in-force'] of configurations) {
    const time = new Date(FROM_MS + day * DAY_MS).toISOString();
    const record = { kind: 'configuration', time, event, cause: 'start', suspendAfterMs };
    history.add({ record } as unknown as PlacedChange);
  }
  const { code, values } = history.bound ?? { code: undefined, values: [] };
  return [code, ...values];
};

test('the longest bound of the period is told, with that with which it begins', () => {
  expect(boundOf()).toEqual([undefined]);
  expect(boundOf([-9, DAY_MS])).toEqual(['bound-exemptions', DAY_MS]);
  expect(boundOf([-9, 3 * DAY_MS], [-2, DAY_MS])).toEqual(['bound-exemptions', DAY_MS]);
  expect(boundOf([-2, DAY_MS], [4, 2 * DAY_MS], [8, DAY_MS])).toEqual(['bound-exemptions', 2 * DAY_MS]);
  expect(boundOf([-2, DAY_MS], [4, null], [8, DAY_MS])).toEqual(['bound-none']);
  expect(boundOf([-2, DAY_MS], [4, null, 'refused'], [31, null])).toEqual(['bound-exemptions', DAY_MS]);
  // By itself again.
  expect(boundOf([-9, null], [-2, undefined])).toEqual([undefined]);
});

test.each(Object.entries(REPORT_TEXTS))('in %s the way to choose otherwise stands beside it', (_, texts) => {
  for (const [code, ...values] of [['bound-exemptions', DAY_MS], ['bound-none']] as const) {
    const text = noteText({ code, values: values as number[], text: '' }, texts);
    expect(text).toContain('fleet.suspend-exemptions-after');
    if (code === 'bound-exemptions') expect(text).toMatch(/\b1\s\S/);
  }
});
