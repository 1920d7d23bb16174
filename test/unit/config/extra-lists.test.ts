// Lists beside the shipped defaults, and changes of these, without a copy of them; what is written out of scope.
import { describe, expect, it } from 'vitest';
import { configOf, problemsOf } from './support.ts';

const idsOf = (text: string): string[] => configOf(text).lists.map(({ id }) => id);

describe('extra-lists', () => {
  it('stand behind the defaults, in the order in which they are written', () => {
    const text = 'extra-lists: [{ id: own, file: own.txt }, { id: capcut-lemon8, shipped: capcut-lemon8 }]';
    expect(idsOf(text)).toEqual(['tiktok', 'bytedance-backend', 'own', 'capcut-lemon8']);
    expect(configOf(text).groups[0]?.lists).toEqual(idsOf(text));
  });

  it('take the place of the default with the same id, and leave the others', () => {
    const ede = '{ code: 16, text: "by order" }';
    const { lists } = configOf(
      `extra-lists: [{ id: bytedance-backend, shipped: bytedance-backend, ede: ${ede} }]`,
    );
    expect(lists.map(({ id }) => id)).toEqual(['tiktok', 'bytedance-backend']);
    expect(lists[1]).toMatchObject({ ede: { code: 16, text: 'by order' }, source: { kind: 'shipped' } });
    expect(lists[0]?.ede).toBeUndefined();
  });

  it('stand beside lists that are written as well', () => {
    expect(idsOf('lists: [{ id: a, file: a.txt }]\nextra-lists: [{ id: b, file: b.txt }]')).toEqual([
      'a',
      'b',
    ]);
  });

  it('are known to groups, and are checked as lists are', () => {
    const group = 'groups: [{ name: default, lists: [tiktok, own] }]';
    expect(configOf(`extra-lists: [{ id: own, file: own.txt }]\n${group}`).groups[0]?.lists).toEqual([
      'tiktok',
      'own',
    ]);
    expect(
      problemsOf('extra-lists: [{ id: own, file: a }, { id: own, file: b }, { id: x, mandate: true }]'),
    ).toEqual([
      expect.stringContaining('"own" is the id already at extra-lists[0].id'),
      expect.stringContaining('has no source'),
    ]);
  });

  it('are what a group without its list is told to write: "lists" would take the defaults away', () => {
    expect(problemsOf('groups: [{ name: default, lists: [capcut-lemon8] }]')[0]).toContain(
      'add { id: capcut-lemon8, shipped: capcut-lemon8 } to "extra-lists"',
    );
  });

  it('make no more lists with the defaults than there can be', () => {
    const many = Array.from({ length: 31 }, (_, index) => `{ id: l${index}, file: l.txt }`).join(', ');
    expect(problemsOf(`extra-lists: [${many}]`)).toEqual([
      expect.stringContaining('makes 33 lists, at most 32'),
    ]);
  });
});

describe('out-of-scope', () => {
  it.each([
    ['true', true],
    ['false', false],
    ['[tiktok, gone]', ['tiktok', 'gone']],
  ])('%s is taken for a group and for all', (text, expected) => {
    const config = configOf(
      `compliance: { out-of-scope: ${text} }\ngroups: [{ name: default, lists: [], out-of-scope: ${text} }]`,
    );
    expect(config.compliance.outOfScope).toEqual(expected);
    expect(config.groups[0]?.outOfScope).toEqual(expected);
  });

  it.each([
    ['[]', 'has 0 items, 1 to 32 allowed'],
    ['[TikTok]', '"TikTok" is not an identifier'],
    ['[a, a]', '"a" is named already'],
    ['[1]', 'expected an identifier'],
    ['tiktok', 'expected a boolean or list'],
  ])('%s is refused', (text, expected) => {
    expect(problemsOf(`compliance: { out-of-scope: ${text} }`)).toEqual([expect.stringContaining(expected)]);
  });
});
