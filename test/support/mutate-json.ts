// Changed JSON, the same for the same seed: values of other types, members gone, doubled and new, and what programs trip over.
import type { Random } from './mutate.ts';

/** Values that somebody would try. Made anew each time: a change of one must not change the next. */
const INTERESTING: readonly (() => unknown)[] = [
  () => null,
  () => true,
  () => 0,
  () => -1,
  () => -5_000,
  () => 0.5,
  () => 1e308,
  () => 2 ** 53,
  () => 9_007_199_254_740_991,
  () => -0,
  () => '',
  () => '0',
  () => 'yesterday, I think so',
  () => '2026-02-31T12:00:00.000Z',
  () => '0000-01-01T00:00:00.000Z',
  () => '+275760-09-13T00:00:00.000Z',
  () => '2026-11-25T12:00:00.000Z',
  () => '2026-11-25',
  () => '\u0000\u001b[2J',
  () => '\ud800',
  () => 'x'.repeat(5_000),
  () => '../../etc/passwd',
  () => '__proto__',
  () => [],
  () => [null],
  () => {},
  () => ({}),
  () => ({ toString: 1, valueOf: 1 }),
  () => JSON.parse('{"__proto__":{"kind":"refusal"}}'),
  () => JSON.parse(`${'['.repeat(200)}${']'.repeat(200)}`),
  () => Array.from({ length: 1_000 }, () => 1),
  () => 'refusal',
  () => 'state',
  () => 'enforced',
];

/** A value that somebody would try. */
export const interesting = (random: Random): unknown => INTERESTING[random(INTERESTING.length)]?.() ?? null;

type Holder = Record<string, unknown> | unknown[];

/** Every object and list in a value. */
const holdersIn = (value: unknown, found: Holder[] = []): Holder[] => {
  if (typeof value !== 'object' || value === null) return found;
  found.push(value as Holder);
  for (const member of Object.values(value)) holdersIn(member, found);
  return found;
};

/** A changed copy: one to three changes, anywhere in it. */
export const mutateJson = (value: unknown, random: Random): unknown => {
  const copy = { root: structuredClone(value) };
  for (let changes = 1 + random(3); changes > 0; changes--) {
    const holders = holdersIn(copy);
    const holder = holders[random(holders.length)] ?? copy;
    const names = Object.keys(holder);
    const name = names[random(names.length)] ?? 'new';
    const at = holder as Record<string, unknown>;
    switch (random(5)) {
      case 0:
        if (holder !== copy) delete at[name];
        break;
      case 1:
        if (!Array.isArray(holder) && holder !== (copy as unknown))
          at[['new', 'kind', 'count', 'time'][random(4)] ?? ''] = interesting(random);
        break;
      case 2:
        // What another place has.
        at[name] = structuredClone(Object.values(holders[random(holders.length)] ?? {})[0] ?? null);
        break;
      default:
        at[name] = interesting(random);
    }
  }
  return copy.root;
};
