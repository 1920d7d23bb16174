// The index of exemptions against a plain scan of them: whoever asks what, whenever, the first that covers is found.
//
// Few names, prefixes and lists and many exemptions, so that sets are large, overlap, and become rows of bits.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createAddress, matchesPrefix, parseAddress } from '../../src/base/base.ts';
import { ExemptionTable } from '../../src/policy/exemption.ts';
import { compileExemptions, isInForce, type SharedExemption } from '../../src/policy/policy.ts';
import { prefixes } from '../unit/pipeline/setup.ts';
import { foldedName, policyList } from '../unit/policy/setup.ts';

const RUNS = 300;
const START_MS = Date.UTC(2026, 10, 25, 11);
const GROUPS = ['default', 'lab', 'staff'];
const LISTS = ['mandate', 'feed', 'other'];
const ZONES = ['example', 'tiktok.example', 'www.tiktok.example', 'a.b.c.example', 'k.example', '.'];
const QNAMES = [...ZONES, 'x.www.tiktok.example', 'tiktok.test', 'ok.example', 'b.c.example'];
const CLIENTS = ['192.0.2.1', '192.0.2.130', '198.51.100.1', '2001:db8::1', '::1'];

const exemption: fc.Arbitrary<SharedExemption> = fc.record({
  number: fc.integer({ min: 1, max: 1e9 }),
  fromMs: fc.integer({ min: -100, max: 100 }).map((ms) => START_MS + ms),
  untilMs: fc.integer({ min: -50, max: 400 }).map((ms) => START_MS + ms),
  groups: fc.subarray([...GROUPS, 'gone'], { maxLength: 2 }),
  clients: fc
    .subarray(['192.0.2.1/32', '192.0.2.0/24', '192.0.2.128/25', '192.0.2.0/24', '2001:db8::/32', '::/0'], {
      maxLength: 3,
    })
    .map((texts) => prefixes(...texts)),
  lists: fc.option(fc.subarray([...LISTS, 'gone'], { minLength: 1 }), { nil: undefined, freq: 3 }),
  names: fc.option(
    fc.array(fc.constantFrom(...ZONES), { minLength: 1, maxLength: 4 }).map((zones) => zones.map(foldedName)),
    { nil: undefined, freq: 4 },
  ),
  schedule: fc.option(fc.constant({ hours: { fromMin: 12 * 60, untilMin: 13 * 60 }, timeZone: 'UTC' }), {
    nil: undefined,
    freq: 3,
  }),
});

const isBelow = (qname: Uint8Array, zone: Uint8Array): boolean => {
  for (let at = 0; at < qname.length; at += (qname[at] ?? 0) + 1) {
    if (Buffer.compare(qname.subarray(at), zone) === 0) return true;
  }
  return false;
};

interface Asked {
  readonly list: number;
  readonly group: number;
  readonly client: Uint32Array;
  readonly qname: Uint8Array;
}

/** The first exemption that covers, by going through all of them. */
const scan = (
  exemptions: readonly SharedExemption[],
  { list, group, client, qname }: Asked,
  nowMs: number,
  scheduleMs: number,
): number =>
  exemptions.findIndex(
    ({ fromMs, untilMs, groups, clients, lists, names, schedule }) =>
      (groups.includes(GROUPS[group] ?? '') ||
        clients.some(({ words, bits }) => matchesPrefix(client, words, bits))) &&
      fromMs <= nowMs &&
      nowMs < untilMs &&
      (schedule === undefined || isInForce(schedule, scheduleMs)) &&
      (lists === undefined || lists.includes(LISTS[list] ?? '')) &&
      (names === undefined || names.some((zone) => isBelow(qname, zone))),
  );

const addressOf = (text: string): Uint32Array => {
  const words = createAddress();
  parseAddress(text, words);
  return words;
};

const asked: fc.Arbitrary<Asked & { readonly passMs: number; readonly looksAtHours: boolean }> = fc.record({
  list: fc.nat(LISTS.length - 1),
  group: fc.nat(GROUPS.length - 1),
  client: fc.constantFrom(...CLIENTS).map(addressOf),
  qname: fc.constantFrom(...QNAMES).map(foldedName),
  // The clock goes back, too.
  passMs: fc.oneof(
    { weight: 12, arbitrary: fc.integer({ min: -20, max: 30 }) },
    { weight: 1, arbitrary: fc.constantFrom(3_600_000, -3_600_000) },
  ),
  looksAtHours: fc.boolean(),
});

test('find() gives what a scan of all exemptions gives', () => {
  let found = 0;
  fc.assert(
    fc.property(
      fc.array(exemption, { maxLength: 40 }),
      fc.integer({ min: 1, max: 12 }),
      fc.array(asked, { minLength: 5, maxLength: 25 }),
      (few, times, questions) => {
        // Many of a kind: sets of more than 128 are kept as bits.
        const exemptions = Array.from({ length: times }, () => few).flat();
        let nowMs = START_MS;
        let scheduleMs = nowMs;
        const lists = LISTS.map((id) => policyList(id));
        const groups = GROUPS.map((name) => ({ name }));
        const table = new ExemptionTable(compileExemptions(exemptions), lists, groups, () => nowMs);
        for (const question of questions) {
          nowMs += question.passMs;
          if (question.looksAtHours) {
            scheduleMs = nowMs;
            table.setTime(nowMs);
          }
          const { list, client, group, qname } = question;
          const expected = scan(exemptions, question, nowMs, scheduleMs);
          const index = table.find(list, client, group, qname, qname.length);
          expect(index).toBe(expected);
          if (index < 0) continue;
          found++;
          expect(table.numberOf(index)).toBe(exemptions[index]?.number);
          expect(table.untilMsOf(index)).toBe(exemptions[index]?.untilMs);
        }
      },
    ),
    { numRuns: RUNS },
  );
  expect(found).toBeGreaterThan(RUNS);
});
