// What a handler of messages throws, wherever it throws it, is told and ends nothing.
import { expect, test } from 'vitest';
import { guarded, leave } from '../../../src/fleet/handler.ts';

const AWAITS = 6;

/** Throws before its first await, at each of them, or behind the last. */
const throwingAt = (place: number) => async (): Promise<string> => {
  for (let at = 0; at < AWAITS; at++) {
    if (at === place) throw new Error(`at ${at}`);
    await (at % 2 === 0 ? Promise.resolve() : new Promise((resolve) => setImmediate(resolve)));
  }
  if (place === AWAITS) throw new Error(`at ${place}`);
  return 'done';
};

test.each(Array.from({ length: AWAITS + 1 }, (_, place) => place))(
  'a handler that throws at await %i neither throws nor rejects, and is told once',
  async (place) => {
    const faults: string[] = [];
    const handle = guarded(
      'a test',
      (doing, thrown) => faults.push(`${doing}: ${String(thrown)}`),
      throwingAt(place),
    );
    await expect(handle()).resolves.toBeUndefined();
    expect(faults).toEqual([`a test: Error: at ${place}`]);
  },
);

test.each([
  ['an error', new Error('e')],
  ['a text', 'e'],
  ['nothing', undefined],
  ['what answers for itself', { toString: 1 }],
])('a handler that throws %s at once, or rejects with it, is told as well', async (_, thrown) => {
  const faults: unknown[] = [];
  const told = (__: string, fault: unknown): void => void faults.push(fault);
  await guarded('a test', told, () => {
    throw thrown as Error;
  })();
  await guarded('a test', told, () => Promise.reject(thrown as Error))();
  expect(faults).toEqual([thrown, thrown]);
});

test('work that is left to itself and rejects is logged', async () => {
  const logged: string[] = [];
  leave(Promise.reject(new Error('e')), 'resting', { error: (_, text) => void logged.push(text) });
  await new Promise((resolve) => setImmediate(resolve));
  expect(logged).toEqual(['fleet: resting failed']);
});
