// Exemptions in a running pipeline against a plain reading of what lists and exemptions say.
//
// Clients of several groups ask while time passes, exemptions change and answers come late. The plain reading takes
// the lists in their order: one that refuses and is exempted for this client, this QNAME and this moment is passed
// over, everything else counts. It does not know which way an answer took: waited for, from the cache, or from the cache
// without being judged because no rule concerns it.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { matchesPrefix, parsePrefix } from '../../src/base/base.ts';
import {
  compileExemptions,
  formatExemption,
  isInForce,
  type SharedExemption,
} from '../../src/policy/policy.ts';
import { RCODE } from '../../src/wire/dns/dns.ts';
import { runsInTwo } from '../support/night.ts';
import { type ParsedMessage, parseMessage } from '../support/records.ts';
import { answerAsked, Bench, CLIENT, createRules, prefixes, rcodeOf } from '../unit/pipeline/setup.ts';
import { foldedName } from '../unit/policy/setup.ts';

const RUNS = 200;
const TTL_SEC = 600;
const BLOCK_TTL_SEC = 30;
const START_MS = Date.UTC(2026, 10, 25, 11, 59, 50);

/** Where each name leads, in order: names of aliases, then one address. */
const WORLD: Readonly<Record<string, readonly string[]>> = {
  'plain.test': ['198.51.100.1'],
  'tiktok.test': ['203.0.113.1'],
  'www.tiktok.test': ['cdn.edge.test', '203.0.113.1'],
  'portal.test': ['www.tiktok.test', 'cdn.edge.test', '203.0.113.1'],
  'cdn.edge.test': ['203.0.113.1'],
  'hosted.test': ['203.0.113.1'],
  'vital.test': ['tiktok.test', '203.0.113.1'],
};
const NAMES = Object.keys(WORLD);
const CLIENTS: Readonly<Record<string, number>> = { [CLIENT.DEFAULT]: 0, [CLIENT.LAB]: 1, [CLIENT.STAFF]: 2 };
const GROUPS = ['default', 'lab', 'staff'];

interface Rule {
  readonly subject: string;
  readonly isPassing: boolean;
}

type Step =
  | { readonly kind: 'ask'; readonly name: string; readonly client: string }
  | { readonly kind: 'answer' }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'exemptions'; readonly exemptions: readonly SharedExemption[] };

const rule: fc.Arbitrary<Rule> = fc.record({
  subject: fc.constantFrom('tiktok.test', 'edge.test', 'vital.test', 'www.tiktok.test', '203.0.113.0/24'),
  isPassing: fc.nat(4).map((number) => number === 0),
});
/** One rule for each subject: which of equal ones decides is no matter of exemptions. */
const list = fc.uniqueArray(rule, { minLength: 1, maxLength: 3, selector: ({ subject }) => subject });

const exemption: fc.Arbitrary<SharedExemption> = fc.record({
  number: fc.integer({ min: 1, max: 99 }),
  fromMs: fc.integer({ min: -40_000, max: 5_000 }).map((ms) => START_MS + ms),
  untilMs: fc.integer({ min: -5_000, max: 120_000 }).map((ms) => START_MS + ms),
  groups: fc.subarray([...GROUPS, 'gone'], { maxLength: 2 }),
  clients: fc
    .subarray(['192.0.2.1/32', '192.0.2.0/24', '192.0.2.128/25', '2001:db8::/32', '::/0'], { maxLength: 2 })
    .map((texts) => prefixes(...texts)),
  lists: fc.option(fc.subarray(['list-0', 'list-1', 'list-2', 'gone'], { minLength: 1 }), {
    nil: undefined,
    freq: 1,
  }),
  names: fc.option(
    fc
      .subarray(['tiktok.test', 'portal.test', 'edge.test', 'k.test'], { minLength: 1 })
      .map((texts) => texts.map(foldedName)),
    { nil: undefined, freq: 1 },
  ),
  schedule: fc.option(fc.constant({ hours: { fromMin: 12 * 60, untilMin: 13 * 60 }, timeZone: 'UTC' }), {
    nil: undefined,
    freq: 3,
  }),
});
const exemptions = fc.array(exemption, { minLength: 1, maxLength: 4 });

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('ask' as const),
      name: fc.constantFrom(...NAMES),
      client: fc.constantFrom(...Object.keys(CLIENTS)),
    }),
  },
  { weight: 4, arbitrary: fc.constant({ kind: 'answer' as const }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(8000) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('exemptions' as const), exemptions }) },
);

/** What the rules say of one question and its answer. */
interface Reading {
  readonly outcome: 'refused' | 'passes';
  readonly list: number;
  /** Each exemption that counted, once, with the list that it took out first. */
  readonly hits: readonly { readonly index: number; readonly list: number }[];
  readonly ttlSecMax: number;
}

/** The whole of what is in force. */
interface Setting {
  readonly lists: readonly (readonly Rule[])[];
  readonly masks: readonly number[];
  readonly exemptions: readonly SharedExemption[];
  readonly nowMs: number;
  /** The time that schedules were looked at. */
  readonly scheduleMs: number;
}

const isAt = (name: string, zone: string): boolean => name === zone || name.endsWith(`.${zone}`);

const read = (setting: Setting, name: string, client: string, targets: readonly string[]): Reading => {
  const group = CLIENTS[client] ?? 0;
  const mask = setting.masks[group] ?? 0;
  const hits: { index: number; list: number }[] = [];
  const excused = new Set<number>();
  let ttlSecMax = Number.POSITIVE_INFINITY;
  let end = setting.lists.length;
  let refusedBy = -1;
  const judge = (places: readonly string[]): void => {
    for (let index = 0; index < end; index++) {
      if ((mask & (1 << index)) === 0 || excused.has(index)) continue;
      const matched = places
        .map((place) => bestRule(setting.lists[index] ?? [], place))
        .find((found) => found !== undefined);
      if (matched === undefined) continue;
      if (matched.isPassing) {
        end = index;
        return;
      }
      const by = exemptionFor(setting, `list-${index}`, name, client, group);
      if (by < 0) {
        refusedBy = index;
        return;
      }
      excused.add(index);
      const leftSec = Math.floor(((setting.exemptions[by]?.untilMs ?? 0) - setting.nowMs) / 1000);
      ttlSecMax = Math.min(ttlSecMax, leftSec, BLOCK_TTL_SEC);
      if (!hits.some((hit) => hit.index === by)) hits.push({ index: by, list: index });
    }
  };
  judge([name]);
  if (refusedBy < 0) judge(targets);
  if (refusedBy >= 0) return { outcome: 'refused', list: refusedBy, hits: [], ttlSecMax: 0 };
  return { outcome: 'passes', list: -1, hits, ttlSecMax };
};

/** The rule with the longest subject that is about a name or an address. */
const bestRule = (rules: readonly Rule[], place: string): Rule | undefined =>
  rules
    .filter(({ subject }) => (subject.includes('/') ? place.startsWith('203.0.113.') : isAt(place, subject)))
    .toSorted((a, b) => b.subject.length - a.subject.length)[0];

const exemptionFor = (setting: Setting, id: string, name: string, client: string, group: number): number =>
  setting.exemptions.findIndex(({ fromMs, untilMs, groups, clients, lists, names, schedule }) => {
    const address = parsePrefix(client)?.words ?? new Uint32Array(4);
    const isTheirs =
      groups.includes(GROUPS[group] ?? '') ||
      clients.some(({ words, bits }) => matchesPrefix(address, words, bits));
    const zones = names?.map((wire) => NAMED.get(Buffer.from(wire).toString('hex')) ?? '?');
    return (
      isTheirs &&
      fromMs <= setting.nowMs &&
      setting.nowMs < untilMs &&
      (schedule === undefined || isInForce(schedule, setting.scheduleMs)) &&
      (lists === undefined || lists.includes(id)) &&
      (zones === undefined || zones.some((zone) => isAt(name, zone)))
    );
  });

const NAMED = new Map(
  ['tiktok.test', 'portal.test', 'edge.test', 'k.test'].map((text) => [
    Buffer.from(foldedName(text)).toString('hex'),
    text,
  ]),
);

const recordsOf = (name: string): string[] => {
  let owner = name;
  return (WORLD[name] ?? []).map((target) => {
    const isAddress = /^\d/.test(target);
    const record = `${owner}. ${TTL_SEC} IN ${isAddress ? 'A' : 'CNAME'} ${isAddress ? target : `${target}.`}`;
    owner = target;
    return record;
  });
};

const isResolved = (message: ParsedMessage): boolean => rcodeOf(message) === RCODE.NOERROR;

for (const [options, runs] of runsInTwo(RUNS))
  test(
    `whoever asks, whenever, gets what lists and exemptions say, and every hit is told once: ${runs} runs`,
    options,
    () => {
      let hitCount = 0;
      let waiterCount = 0;
      fc.assert(
        fc.property(
          fc.array(list, { minLength: 1, maxLength: 3 }),
          fc.tuple(fc.nat(7), fc.nat(7), fc.nat(7)),
          exemptions,
          fc.array(step, { minLength: 5, maxLength: 40 }),
          (lists, masks, first, steps) => {
            const text = lists.map((rules) =>
              rules.map(({ subject, isPassing }) => `${subject}${isPassing ? ' => passthru' : ''}`),
            );
            const bench = new Bench(createRules({ lists: text, masks, forwarded: ['test'] }));
            bench.nowMs = START_MS;
            bench.pipeline.setExemptions(compileExemptions(first));
            let current: readonly SharedExemption[] = first;
            let scheduleMs = START_MS;
            const stored = new Map<string, number>();
            const waiting: { name: string; client: string; answers: Uint8Array[] }[] = [];
            const expected: string[] = [];
            let asks = 0;
            const check = (name: string, client: string, answers: readonly Uint8Array[]): void => {
              const setting = { lists, masks, exemptions: current, nowMs: bench.nowMs, scheduleMs };
              const reading = read(setting, name, client, WORLD[name] ?? []);
              expect(answers).toHaveLength(1);
              const message = parseMessage(answers[0] ?? new Uint8Array(0));
              expect(isResolved(message) ? 'passes' : 'refused', `${name} by ${client}`).toBe(
                reading.outcome,
              );
              if (reading.outcome === 'refused') {
                expected.push(`refusal ${reading.list} ${name}`);
                return;
              }
              for (const { index, list } of reading.hits) {
                expected.push(
                  `exemption-hit ${list} ${name} ${formatExemption(current[index]?.number ?? 0)}`,
                );
                hitCount++;
              }
              const ageSec = Math.floor((bench.nowMs - (stored.get(name) ?? bench.nowMs)) / 1000);
              const ttlSec = Math.min(TTL_SEC - ageSec, reading.ttlSecMax);
              for (const record of message.answer) expect(Number(record.split(' ')[1])).toBe(ttlSec);
            };
            for (const action of steps) {
              switch (action.kind) {
                case 'ask': {
                  const { name, client } = action;
                  // Each with an ID of its own: the same datagram twice is one question.
                  const answers = bench.ask(`${name}. A`, { id: ++asks }, client);
                  if (answers.length > 0) check(name, client, answers);
                  else waiting.push({ name, client, answers });
                  break;
                }
                case 'answer':
                  for (const asked of bench.asked.splice(0)) {
                    const name = Buffer.from(asked.question.name.subarray(1, -1))
                      .toString('latin1')
                      .replaceAll(/[^a-z0-9]/g, '.');
                    stored.set(name, bench.nowMs);
                    answerAsked(asked, `${name}. A`, { answer: recordsOf(name) });
                  }
                  for (const { name, client, answers } of waiting.splice(0)) {
                    waiterCount++;
                    check(name, client, answers);
                  }
                  break;
                case 'pass':
                  bench.nowMs += action.ms;
                  if (action.ms % 2 === 0) {
                    scheduleMs = bench.nowMs;
                    bench.pipeline.setTime(bench.nowMs);
                  }
                  break;
                default:
                  current = action.exemptions;
                  scheduleMs = bench.nowMs;
                  bench.pipeline.setExemptions(compileExemptions(current));
              }
            }
            const told = bench.events.map((line) => {
              const [kind = '', place = '', , qname = ''] = line.split(' ');
              const number = / ex=(\d+)$/.exec(line)?.[1];
              const words = [kind, place.split(':')[0], qname.slice(0, -1)];
              return [...words, ...(number === undefined ? [] : [formatExemption(Number(number))])].join(' ');
            });
            expect(told.toSorted()).toEqual(expected.toSorted());
            const counted = bench.counts.filter((line) => line.startsWith('exempted'));
            expect(counted).toHaveLength(expected.filter((line) => line.startsWith('exemption-hit')).length);
          },
        ),
        { numRuns: runs },
      );
      expect(hitCount).toBeGreaterThan(runs / 8);
      expect(waiterCount).toBeGreaterThan(runs / 2);
    },
  );
