// Who is left out by many scopes, told by witnesses, compared with what merging all of them says.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DueTimes } from '../../../src/evidence/exemptions/due-times.ts';
import type { ExemptionPaper } from '../../../src/evidence/exemptions/paper.ts';
import { PaperSet } from '../../../src/evidence/exemptions/paper-set.ts';
import { blanketReason, type Network, type Scope } from '../../../src/evidence/exemptions/scope.ts';
import { prefix } from './setup.ts';

const NETWORKS: readonly Network[] = [
  {
    groups: [
      { name: 'default', clients: [] },
      { name: 'hall', clients: [prefix('10.0.0.0/29'), prefix('2001:db8::/126')] },
    ],
    allow: ['10.0.0.0/29', '127.0.0.0/8', '2001:db8::/126'].map(prefix),
    lists: [],
  },
  {
    groups: [
      { name: 'hall', clients: ['10.0.0.0/30'].map(prefix) },
      { name: 'lab', clients: ['10.0.0.4/31'].map(prefix) },
    ],
    allow: ['10.0.0.0/28', '::1/128'].map(prefix),
    lists: [],
  },
  { groups: [{ name: 'default', clients: [] }], allow: ['10.0.0.0/30', '::1/128'].map(prefix), lists: [] },
];

const clientOf = fc.oneof(
  fc
    .record({ at: fc.nat(15), bits: fc.integer({ min: 28, max: 32 }) })
    .map(({ at, bits }) => `10.0.0.${at & ~((1 << (32 - bits)) - 1)}/${bits}`),
  fc.nat(3).map((at) => `2001:db8::${at}/128`),
  fc.constantFrom('0.0.0.0/0', '0.0.0.0/1', '128.0.0.0/1', '::/0', '127.0.0.0/8'),
);
const scopeOf: fc.Arbitrary<Scope> = fc.record({
  groups: fc.array(fc.constantFrom('default', 'hall', 'lab', 'gone'), { maxLength: 1 }),
  clients: fc.array(clientOf, { maxLength: 3 }),
});

describe('PaperSet.leavesOut()', () => {
  test('never says that somebody is left out by what is a blanket', () => {
    let certain = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(...NETWORKS),
        fc.array(fc.record({ scope: scopeOf, isTaken: fc.boolean() }), { maxLength: 12 }),
        (network, acts) => {
          const set = new PaperSet();
          const held = new Map<string, Scope>();
          for (const [index, { scope, isTaken }] of acts.entries()) {
            const isCertain = set.leavesOut(scope, network);
            const reason = blanketReason([scope, ...held.values()], network);
            if (isCertain) {
              certain++;
              expect(reason).toBeUndefined();
            }
            const paper = { id: `ex-${index}`, ...scope } as unknown as ExemptionPaper;
            set.put(paper);
            held.set(paper.id, scope);
            if (!isTaken) continue;
            const [first = ''] = held.keys();
            set.delete(first);
            held.delete(first);
          }
        },
      ),
      { numRuns: 300 },
    );
    // Else it would be of no use.
    expect(certain).toBeGreaterThan(100);
  });
});

describe('DueTimes', () => {
  test('gives what a search through all would find', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            number: fc.nat(8),
            timeMs: fc.option(fc.nat(20), { nil: undefined }),
            nowMs: fc.nat(20),
          }),
        ),
        (acts) => {
          const due = new DueTimes();
          const model = new Map<number, number>();
          for (const { number, timeMs, nowMs } of acts) {
            due.set(number, timeMs);
            if (timeMs === undefined) model.delete(number);
            else model.set(number, timeMs);
            expect(due.firstMs).toBe(model.size === 0 ? undefined : Math.min(...model.values()));
            const found = [...model].filter(([, ms]) => ms <= nowMs).map(([one]) => one);
            expect(due.dueAt(nowMs)).toEqual(found.sort((a, b) => a - b));
          }
        },
      ),
    );
  });
});
