// How descriptors are divided: clients get what the limit leaves beside a reserve.
import { expect, test } from 'vitest';
import { budgetDescriptors, readDescriptorLimit } from '../../../src/app/descriptors.ts';
import { configOf } from '../config/support.ts';

const CONFIG = 'upstreams: ["192.0.2.53", "192.0.2.54"]\n';

test('a limit that holds everything leaves the configuration as it is', () => {
  const config = configOf(CONFIG);
  for (const limit of [131_072, undefined]) {
    const budget = budgetDescriptors(config, 4, limit);
    expect(budget).toMatchObject({ limit, isLowered: false, isScarce: false });
    expect(budget.streams).toEqual(config.tcp);
  }
});

test.each([1, 2, 8])(
  'with %i workers, connections and reserve together never exceed the limit',
  (workers) => {
    const config = configOf(CONFIG);
    for (let limit = 1_024; limit < 12_000; limit += 331) {
      const { streams, reserve, isScarce } = budgetDescriptors(config, workers, limit);
      if (isScarce) continue;
      expect(reserve + workers * streams.connectionsMax).toBeLessThanOrEqual(limit);
      expect(streams.connectionsPerClientMax).toBeLessThanOrEqual(streams.connectionsMax);
      expect(streams.connectionsPerNetworkMax).toBeLessThanOrEqual(streams.connectionsMax);
    }
  },
);

test('a limit below the reserve leaves one connection, and is scarce', () => {
  const { streams, isScarce, isLowered } = budgetDescriptors(configOf(CONFIG), 2, 64);
  expect([streams.connectionsMax, isScarce, isLowered]).toEqual([1, true, true]);
});

test('upstreams are counted once each, wherever they stand', () => {
  const many = `${CONFIG}forward: [{ zones: [a.example], upstreams: ["192.0.2.53", "192.0.2.60"] }]\n`;
  const reserve = (text: string): number => budgetDescriptors(configOf(text), 1, 4_096).reserve;
  expect(reserve(many) - reserve(CONFIG)).toBe(20);
});

test('the limit of this process is known on Linux', () => {
  if (process.platform === 'linux') expect(readDescriptorLimit()).toBeGreaterThan(0);
});
