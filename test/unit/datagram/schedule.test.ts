// Short slices of the processor, as the kernel tells them of a thread.
import { readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { expect, test } from 'vitest';
import { askForShortSlices } from '../../../src/wire/datagram/schedule.ts';

/** Length of this thread's slice, nanoseconds; undefined where the kernel does not tell, or has none for each thread. */
const readSlice = (): number | undefined => {
  try {
    const [, text] =
      /^(?:se\.)?slice\s*:\s*([\d.]+)$/m.exec(readFileSync('/proc/thread-self/sched', 'latin1')) ?? [];
    return text === undefined ? undefined : Number(text);
  } catch {
    return undefined;
  }
};

test('a thread asks for short slices, and keeps its priority', () => {
  const priority = getPriority();
  expect(askForShortSlices()).toBe(true);
  expect(getPriority()).toBe(priority);
  expect([100_000, undefined]).toContain(readSlice());
});
