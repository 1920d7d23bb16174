// Who hangs and who only had no processor: beats, looks and the kernel's times of a thread, by a clock of the test's.
import { expect, test } from 'vitest';
import {
  createHeartbeats,
  HeartbeatWatch,
  type ThreadTimes,
} from '../../../src/resolver/workers/heartbeat.ts';

const LOOK_MS = 100;

const setUp = (timesOf: (nowMs: number) => ThreadTimes | undefined = () => undefined) => {
  const memory = createHeartbeats(2);
  const cells = new Int32Array(memory);
  const hung: string[] = [];
  let nowMs = 5000;
  const watch = new HeartbeatWatch({
    memory,
    clock: () => nowMs,
    readTimes: () => timesOf(nowMs),
    onHung: (worker, { silentMs }) => void hung.push(`${worker} after ${silentMs}`),
    onExhausted: (worker, percent) => void hung.push(`${worker} has ${percent} %`),
  });
  watch.begin(0);
  watch.begin(1);
  /** Looks so many times; the workers that are named beat before each look. */
  const look = (times: number, beating: readonly number[], everyMs = LOOK_MS): void => {
    for (let i = 0; i < times; i++) {
      nowMs += everyMs;
      for (const worker of beating) cells[worker * 3] = (cells[worker * 3] ?? 0) + 1;
      watch.look();
    }
  };
  return { watch, cells, hung, look };
};

test('a worker that gives no sign of life for a second hangs, is named once, and the others are not', () => {
  const { hung, look } = setUp();
  look(20, [0, 1]);
  look(9, [0]);
  expect(hung).toEqual([]);
  look(20, [0]);
  expect(hung).toEqual(['1 after 1000']);
});

test('one beat forgets the silence before it', () => {
  const { hung, look } = setUp();
  for (let i = 0; i < 5; i++) {
    look(9, [0]);
    look(1, [0, 1]);
  }
  expect(hung).toEqual([]);
});

test('a look that comes late accuses nobody: the main thread was busy, or the machine was suspended', () => {
  const { hung, look } = setUp();
  look(3, [], 60_000);
  look(1, [0, 1]);
  look(3, [], 60_000);
  expect(hung).toEqual([]);
});

test('a thread that waited for a processor is starved, not hung, for ten seconds at most', () => {
  const { hung, look } = setUp((nowMs) => ({ ranMs: nowMs * 0.03, waitedMs: nowMs * 0.9 }));
  look(99, [0]);
  expect(hung).toEqual([]);
  look(1, [0]);
  expect(hung).toEqual(['1 after 10000']);
});

test('a thread that spins hangs although it shares its processor', () => {
  const { hung, look } = setUp((nowMs) => ({ ranMs: nowMs * 0.3, waitedMs: nowMs * 0.7 }));
  look(15, [0]);
  expect(hung).toEqual([]);
  look(5, [0]);
  expect(hung).toEqual(['1 after 1800']);
});

test('a thread that neither runs nor waits hangs', () => {
  const { hung, look } = setUp(() => ({ ranMs: 7, waitedMs: 7 }));
  look(10, [0]);
  expect(hung).toEqual(['1 after 1000']);
});

test('a worker that ended is watched no longer', () => {
  const { watch, hung, look } = setUp();
  watch.end(1);
  look(30, [0]);
  expect(hung).toEqual([]);
});

test('a worker whose heap is nearly full is named once, though it gives signs of life', () => {
  const { cells, hung, look } = setUp();
  cells[5] = 600;
  look(10, [0, 1]);
  expect(hung).toEqual([]);
  cells[5] = 601;
  look(10, [0, 1]);
  expect(hung).toEqual(['1 has 60.1 %']);
});
