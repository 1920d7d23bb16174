// What the probe expects of exemptions: the papers read plainly, for whom, what and when.
import { expect, test } from 'vitest';
import { type AddressWords, parsePrefix } from '../../../src/base/base.ts';
import { isExemptedBy } from '../../../src/evidence/probe/exemption.ts';
import type { SharedExemption } from '../../../src/policy/policy.ts';
import { nameFrom } from '../../../src/wire/dns/dns.ts';

const prefix = (text: string) => {
  const found = parsePrefix(text);
  if (found === undefined) throw new TypeError(text);
  return found;
};
const client: AddressWords = prefix('192.0.2.9').words;
const question = { qname: 'www.TikTok.example', list: 'tiktok', group: 'lab', client };

const PAPER: SharedExemption = { number: 1, fromMs: 1_000, untilMs: 2_000, groups: ['lab'], clients: [] };

test.each<[string, Partial<SharedExemption>, number, boolean]>([
  ['of its group', {}, 1_500, true],
  ['of another group', { groups: ['press'] }, 1_500, false],
  ['of its network', { groups: [], clients: [prefix('192.0.2.0/28')] }, 1_500, true],
  ['of another network', { groups: [], clients: [prefix('192.0.2.16/28')] }, 1_500, false],
  ['of its first moment', {}, 1_000, true],
  ['that has not begun', {}, 999, false],
  ['that has ended', {}, 2_000, false],
  ['of its list', { lists: ['tiktok'] }, 1_500, true],
  ['of another list', { lists: ['bytedance'] }, 1_500, false],
  ['of a name above', { names: [nameFrom('tiktok.example')] }, 1_500, true],
  ['of the name itself', { names: [nameFrom('www.tiktok.example')] }, 1_500, true],
  ['of a name below', { names: [nameFrom('a.www.tiktok.example')] }, 1_500, false],
  ['of a name that only ends alike', { names: [nameFrom('tok.example')] }, 1_500, false],
  ['at its hours', { schedule: { hours: { fromMin: 0, untilMin: 1 }, timeZone: 'UTC' } }, 1_500, true],
  ['at other hours', { schedule: { hours: { fromMin: 60, untilMin: 120 }, timeZone: 'UTC' } }, 1_500, false],
])('an exemption %s', (_title, changes, nowMs, expected) => {
  expect(isExemptedBy([{ ...PAPER, ...changes }], question, nowMs)).toBe(expected);
});

test('any of several is enough, none is none', () => {
  expect(isExemptedBy([{ ...PAPER, groups: ['press'] }, PAPER], question, 1_500)).toBe(true);
  expect(isExemptedBy([], question, 1_500)).toBe(false);
});
