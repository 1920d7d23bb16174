// Whether the prohibition is in force: the one judge.
import { describe, expect, test } from 'vitest';
import {
  describeEnforcement,
  type EnforcementFacts,
  type GroupFacts,
  judgeEnforcement,
  type ListFacts,
  MANDATE_STATES,
  NOT_ENFORCING_CAUSES,
  todoOf,
  worstState,
} from '../../../src/telemetry/enforcement/enforcement.ts';

const mandate = (id: string): ListFacts => ({ id, isMandate: true, isLogOnly: false });
const ordinary = (id: string): ListFacts => ({ id, isMandate: false, isLogOnly: false });
const group = (name: string, chosen: readonly string[], more: Partial<GroupFacts> = {}): GroupFacts => ({
  name,
  chosen,
  outsideHours: [],
  outOfScope: false,
  ...more,
});

const ALL_WELL: EnforcementFacts = {
  isStarted: true,
  isLoaded: true,
  workers: { answering: 2, hung: 0 },
  isPaused: false,
  lists: [mandate('tiktok'), mandate('backend'), ordinary('own')],
  bound: ['tiktok', 'backend'],
  groups: [group('default', ['tiktok', 'backend', 'own'])],
  outOfScope: false,
};

const judge = (changes: Partial<EnforcementFacts>) => judgeEnforcement({ ...ALL_WELL, ...changes });
/** State and cause of the service. */
const brief = (changes: Partial<EnforcementFacts>): string => {
  const { state, cause } = judge(changes);
  return cause === undefined ? state : `${state} ${cause}`;
};
/** Mandate lists of the first group that do not refuse. */
const missed = (changes: Partial<EnforcementFacts>): string[] =>
  (judge(changes).groups[0]?.lists ?? []).map(({ list, standing }) => `${list} ${standing}`);

test('all mandate lists refuse: enforced, without a cause and without lists that do not', () => {
  expect(judge({})).toEqual({ state: 'enforced', groups: [{ group: 'default', state: 'enforced' }] });
});

describe('what stops everything comes first', () => {
  test.each<[string, Partial<EnforcementFacts>, string]>([
    [
      'before the lists',
      { isStarted: false, isLoaded: false, workers: { answering: 0, hung: 0 } },
      'not-ready startup',
    ],
    ['lists that cannot be loaded', { isLoaded: false, lists: [], groups: [] }, 'not-ready no-generation'],
    ['no worker', { workers: { answering: 0, hung: 0 } }, 'not-answering no-worker'],
    ['one worker hangs', { workers: { answering: 2, hung: 1 } }, 'not-answering hung-worker'],
    [
      'no worker, and paused',
      { workers: { answering: 0, hung: 0 }, isPaused: true },
      'not-answering no-worker',
    ],
    ['one worker is gone, another answers', { workers: { answering: 1, hung: 0 } }, 'enforced'],
  ])('%s', (_name, changes, expected) => {
    expect(brief(changes)).toBe(expected);
  });
});

describe('what is chosen', () => {
  test.each<[string, Partial<EnforcementFacts>, string]>([
    ['no list at all', { lists: [], bound: [], groups: [group('default', [])] }, 'no-mandate configuration'],
    [
      'own lists only',
      { lists: [ordinary('own')], bound: [], groups: [group('default', ['own'])] },
      'no-mandate configuration',
    ],
    [
      'all mandates taken out',
      { lists: [ordinary('own')], groups: [group('default', ['own'])] },
      'no-mandate configuration',
    ],
    [
      'one mandate taken out',
      { lists: [mandate('tiktok')], groups: [group('default', ['tiktok'])] },
      'partly configuration',
    ],
    [
      'one group lacks one',
      { groups: [group('default', ['tiktok', 'backend']), group('staff', ['tiktok'])] },
      'partly configuration',
    ],
    [
      'one group has none',
      { groups: [group('default', ['tiktok', 'backend']), group('staff', ['own'])] },
      'no-mandate configuration',
    ],
    [
      'a name was answered as one group',
      {
        groups: [
          group('default', ['tiktok', 'backend']),
          group('staff', ['tiktok', 'backend'], { isLeaking: true }),
        ],
      },
      'leaking leak',
    ],
    [
      'a name was answered, and a mandate is missing',
      { groups: [group('default', ['tiktok'], { isLeaking: true })] },
      'partly configuration',
    ],
    [
      'a name was answered while refusals are suspended',
      { isPaused: true, groups: [group('default', ['tiktok', 'backend'], { isLeaking: true })] },
      'paused operator-pause',
    ],
    [
      'a name was answered where no mandate list is in force',
      { groups: [group('default', ['own'], { isLeaking: true })] },
      'no-mandate configuration',
    ],
    ['paused', { isPaused: true }, 'paused operator-pause'],
    ['paused, with nothing to pause', { isPaused: true, lists: [], bound: [] }, 'no-mandate configuration'],
  ])('%s', (_name, changes, expected) => {
    expect(brief(changes)).toBe(expected);
  });

  test('each mandate list that does not refuse is named with what it does', () => {
    const lists: ListFacts[] = [
      { id: 'tiktok', isMandate: false, isLogOnly: true },
      { id: 'backend', isMandate: false, isLogOnly: false },
      mandate('far'),
      mandate('late'),
    ];
    const groups = [group('default', ['tiktok', 'backend', 'late'], { outsideHours: ['late'] })];
    const bound = ['tiktok', 'backend', 'gone'];
    expect(missed({ lists, groups, bound })).toEqual([
      'far not-chosen',
      'late outside-hours',
      'tiktok watched',
      'backend no-mandate',
      'gone removed',
    ]);
  });

  test('lists that only count, or are outside their hours, say so where nothing refuses', () => {
    const watched = { id: 'tiktok', isMandate: false, isLogOnly: true };
    const scheduled = group('default', ['tiktok'], { outsideHours: ['tiktok'] });
    expect(brief({ lists: [watched], bound: ['tiktok'] })).toBe('watched configuration');
    expect(brief({ lists: [mandate('tiktok')], bound: [], groups: [scheduled] })).toBe(
      'outside-hours schedule',
    );
    expect(brief({ lists: [mandate('tiktok'), watched], bound: ['tiktok'], groups: [scheduled] })).toBe(
      'watched configuration',
    );
  });
});

describe('out of scope', () => {
  const none = { lists: [], bound: [] };
  test.each<[string, Partial<EnforcementFacts>, string]>([
    [
      'a group without any',
      { groups: [group('default', ['tiktok', 'backend']), group('guests', [], { outOfScope: true })] },
      'enforced',
    ],
    ['every group', { ...none, groups: [group('default', [], { outOfScope: true })] }, 'out-of-scope'],
    ['the whole service', { ...none, groups: [group('default', [])], outOfScope: true }, 'out-of-scope'],
    [
      'lists by name, when there are no others',
      { ...none, groups: [group('default', [], { outOfScope: ['tiktok'] })] },
      'no-mandate configuration',
    ],
    [
      'a list that was taken out',
      { lists: [mandate('tiktok')], groups: [group('default', ['tiktok'])], outOfScope: ['backend'] },
      'enforced',
    ],
    [
      'a list that one group does not choose',
      { groups: [group('default', ['tiktok'], { outOfScope: ['backend'] })] },
      'enforced',
    ],
    [
      'another list than the one that is missing',
      { groups: [group('default', ['tiktok'], { outOfScope: ['own'] })] },
      'partly configuration',
    ],
    [
      'all lists by name',
      { groups: [group('default', [], { outOfScope: ['tiktok', 'backend'] })] },
      'out-of-scope',
    ],
    [
      'written, while the group chooses mandates and refusals are suspended',
      { isPaused: true, outOfScope: true },
      'paused operator-pause',
    ],
    [
      'written, and no generation',
      { isLoaded: false, outOfScope: true, groups: [] },
      'not-ready no-generation',
    ],
  ])('%s', (_name, changes, expected) => {
    expect(brief(changes)).toBe(expected);
  });

  test('an empty list of names excuses nothing', () => {
    expect(brief({ ...none, groups: [group('default', [], { outOfScope: [] })] })).toBe(
      'no-mandate configuration',
    );
  });
});

test('the service is as bad as the worst of its groups that are in scope', () => {
  expect(worstState(['enforced', 'out-of-scope'])).toBe('enforced');
  expect(worstState(['out-of-scope', 'out-of-scope'])).toBe('out-of-scope');
  expect(worstState(['partly', 'enforced', 'no-mandate'])).toBe('no-mandate');
  expect(worstState([])).toBe('not-ready');
  for (const [index, state] of MANDATE_STATES.entries()) {
    for (const better of MANDATE_STATES.slice(index)) expect(worstState([better, state])).toBe(state);
  }
});

test('every state and cause has words, and every cause says what to do', () => {
  for (const state of MANDATE_STATES) {
    const text = describeEnforcement({ state, groups: [{ group: 'staff', state }] });
    expect(text).toMatch(/^[a-z].*[^.]$/);
  }
  for (const cause of NOT_ENFORCING_CAUSES) expect(todoOf({ cause })).toMatch(/^[A-Z"].*\.$/);
  expect(todoOf({})).toBeUndefined();
});

test('the sentence names groups and lists, and how many more there are', () => {
  const groups = [group('default', ['tiktok', 'backend']), group('staff', ['tiktok']), group('guests', [])];
  expect(describeEnforcement(judge({ groups }))).toBe(
    'no mandate list is in force; group staff: partly, backend not chosen by the group; group guests: tiktok not chosen by the group, backend not chosen by the group',
  );
  const many = Array.from({ length: 64 }, (_, index) => group(`g${index}`, []));
  expect(describeEnforcement(judge({ groups: many }))).toMatch(/; and 56 more groups$/);
});
