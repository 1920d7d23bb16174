// The room for young objects grows under many questions, and only then. In threads of their own, whose heaps begin small.
import { once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';

const MIB = 1024 * 1024;
const FILE = new URL('../../../src/app/young-generation.ts', import.meta.url).href;

/** Bytes of the young generation of a thread that keeps 4 MB of 64 MB of objects alive, between ticks with so many questions each. */
const grow = async (askedPerSec: number): Promise<number> => {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--min-semi-space-size=1');
  const code = `
    const { getHeapSpaceStatistics } = require('node:v8');
    const { parentPort } = require('node:worker_threads');
    import(${JSON.stringify(FILE)}).then(({ YoungGeneration }) => {
      const young = new YoungGeneration();
      const kept = [];
      for (let tick = 1; tick <= 4; tick++) {
        young.tick(tick * ${askedPerSec});
        for (let i = 0; i < 200_000; i++) kept[i % 20_000] = { a: i, b: [i], c: { i } };
      }
      const space = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space');
      parentPort.postMessage(space.space_size);
    });`;
  const thread = new Worker(code, { eval: true, resourceLimits: { maxYoungGenerationSizeMb: 48 } });
  const [bytes] = (await once(thread, 'message')) as [number];
  await thread.terminate();
  return bytes;
};

test('the young generation grows while many questions are asked, and stays small otherwise', async () => {
  expect(await grow(1_999)).toBeLessThanOrEqual(2 * MIB);
  expect(await grow(2_000)).toBeGreaterThanOrEqual(8 * MIB);
  setFlagsFromString('--semi-space-growth-factor=2');
});
