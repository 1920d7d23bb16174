// The plan of the probe: whatever lists, views and workers there are, a sweep asks every name in every view with every
// type, and every way of asking; a sample keeps to its bound and says what it leaves out.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ProbePlan } from '../../src/evidence/probe/plan.ts';
import type { ListedName, PlanFacts, ProbeQuestion, ProbeView } from '../../src/evidence/probe/plan-facts.ts';
import { formatType, TYPE } from '../../src/wire/dns/dns.ts';

const TYPES = [TYPE.A, TYPE.AAAA, TYPE.HTTPS, TYPE.ANY];
const LISTS_MAX = 3;

const matches = ['suffix', 'exact', 'wildcard'] as const;

const facts = fc
  .record({
    sizes: fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: LISTS_MAX }),
    match: fc.array(fc.constantFrom(...matches), { minLength: 1, maxLength: 8 }),
    groups: fc.array(fc.subarray([0, 1, 2]), { minLength: 1, maxLength: 4 }),
    workers: fc.integer({ min: 1, max: 5 }),
    prefixes: fc.integer({ min: 0, max: 5 }),
  })
  .map(({ sizes, match, groups, workers, prefixes }): PlanFacts => {
    const names: ListedName[] = sizes.flatMap((size, list) =>
      Array.from({ length: size }, (_, index) => ({
        name: `n${index}.l${list}.example`,
        list,
        line: index + 1,
        match: match[index % match.length] ?? 'suffix',
      })),
    );
    return {
      generation: 7,
      lists: sizes.map((size, list) => ({
        id: `list-${list}`,
        forms: [{ kind: 'nxdomain' }],
        names: size,
        prefixes: list === 0 ? prefixes : 0,
      })),
      names,
      prefixes: Array.from({ length: prefixes }, (_, index) => ({
        prefix: { words: Uint32Array.of(0, 0, 0xffff, (0xc6336400 + 16 * index) >>> 0), bits: 124 },
        list: 0,
        line: index + 1,
      })),
      views: groups.map(
        (lists, index): ProbeView => ({
          id: `group:g${index}`,
          kind: 'group',
          lists: lists.filter((list) => list < sizes.length),
          transports: ['udp', 'tcp'],
          isAllowed: true,
        }),
      ),
      controls: ['example.com'],
      workers,
    };
  });

const ruleName = ({ rule }: ProbeQuestion): string => (rule !== undefined && 'name' in rule ? rule.name : '');

const spellingOf = ({ name, rule }: ProbeQuestion): string => {
  if (rule === undefined || !('name' in rule)) return '';
  if (name.toLowerCase() !== rule.name) return 'below';
  return name === rule.name ? 'plain' : 'mixed';
};

test('a sweep asks every name in every view with every type, and its aliases', () => {
  fc.assert(
    fc.property(facts, fc.nat(), (given, seed) => {
      const plan = new ProbePlan(given, { questionsMax: 1_000_000, isSweep: true, seed });
      const asked = new Set<string>();
      const aliased = new Set<string>();
      const prefixes = new Set<string>();
      for (const question of plan.questions()) {
        const { view, purpose, rule } = question;
        if (purpose === 'listed') asked.add(`${view} ${ruleName(question)} ${formatType(question.type)}`);
        if (purpose === 'alias') aliased.add(`${view} ${ruleName(question)}`);
        if (purpose === 'prefix') prefixes.add(`${view} ${rule?.line} ${formatType(question.type)}`);
      }
      for (const view of given.views) {
        for (const { name } of given.names.filter(({ list }) => view.lists.includes(list))) {
          for (const type of TYPES) expect(asked).toContain(`${view.id} ${name} ${formatType(type)}`);
          expect(aliased).toContain(`${view.id} ${name}`);
        }
        for (const { line } of view.lists.includes(0) ? given.prefixes : []) {
          expect(prefixes).toContain(`${view.id} ${line} A`);
          expect(prefixes).toContain(`${view.id} ${line} HTTPS`);
        }
      }
      expect(plan.coverage.share).toBe(1);
    }),
    { numRuns: 60 },
  );
});

test('a sweep asks each type in each way in each view, and at each worker', () => {
  fc.assert(
    fc.property(facts, fc.nat(), (given, seed) => {
      const plan = new ProbePlan(given, { questionsMax: 1_000_000, isSweep: true, seed });
      const ways = new Set<string>();
      const workers = new Set<string>();
      for (const question of plan.questions()) {
        if (question.purpose !== 'listed') continue;
        const { view, type, transport, dnssecOk, checkingDisabled, worker } = question;
        const way = `${formatType(type)} ${transport} ${dnssecOk} ${checkingDisabled}`;
        ways.add(`${view} ${way}`);
        workers.add(`${way} ${worker}`);
      }
      const bits = [true, false];
      const all = TYPES.flatMap((type) =>
        ['udp', 'tcp'].flatMap((transport) =>
          bits.flatMap((dnssecOk) => bits.map((cd) => `${formatType(type)} ${transport} ${dnssecOk} ${cd}`)),
        ),
      );
      const asking = given.views.filter(({ lists }) => given.names.some(({ list }) => lists.includes(list)));
      for (const way of all) {
        for (const view of asking) expect(ways).toContain(`${view.id} ${way}`);
        for (let worker = 0; asking.length > 0 && worker < given.workers; worker++) {
          expect(workers).toContain(`${way} ${worker}`);
        }
      }
    }),
    { numRuns: 40 },
  );
});

test('names are asked as their rules match: exact ones themselves, wildcards below, the others both', () => {
  fc.assert(
    fc.property(facts, fc.nat(), (given, seed) => {
      const spellings = new Map<string, Set<string>>();
      for (const question of new ProbePlan(given, {
        questionsMax: 1_000_000,
        isSweep: true,
        seed,
      }).questions()) {
        if (question.purpose !== 'listed' || question.rule === undefined || !('match' in question.rule))
          continue;
        const { match } = question.rule;
        spellings.set(match, (spellings.get(match) ?? new Set()).add(spellingOf(question)));
      }
      expect(spellings.get('exact')?.has('below') ?? false).toBe(false);
      expect([...(spellings.get('wildcard') ?? ['below'])]).toEqual(['below']);
    }),
    { numRuns: 40 },
  );
});

test('no more is asked than is said, and the same plan asks the same', () => {
  fc.assert(
    fc.property(
      facts,
      fc.nat(),
      fc.integer({ min: 1, max: 300 }),
      fc.boolean(),
      (given, seed, questionsMax, isSweep) => {
        const options = { questionsMax, isSweep, seed };
        const plan = new ProbePlan(given, options);
        const questions = [...plan.questions()];
        expect(questions.length).toBeLessThanOrEqual(plan.countMax);
        expect([...new ProbePlan(given, options).questions()]).toEqual(questions);
        const asked = new Set(questions.map(ruleName));
        asked.delete('');
        expect(plan.coverage.asked).toBe(asked.size);
        expect(plan.coverage.share).toBeLessThanOrEqual(1);
      },
    ),
    { numRuns: 60 },
  );
});
