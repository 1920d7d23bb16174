// How descriptors are divided: clients get what the limit leaves beside a reserve.
import { expect, test } from 'vitest';
import {
  affordableWorkers,
  budgetDescriptors,
  readDescriptorLimit,
} from '../../../src/resolver/workers/descriptors.ts';
import { configOf } from '../config/support.ts';

const CONFIG = 'upstreams: ["192.0.2.53", "192.0.2.54"]\n';

test('a limit that holds everything leaves the configuration as it is', () => {
  const config = configOf(CONFIG);
  for (const limit of [131_072, undefined]) {
    const budget = budgetDescriptors(config, 4, limit);
    expect(budget).toMatchObject({ limit, isLowered: false, isScarce: false });
    expect(config.tcp).toMatchObject(budget.streams);
    expect(budget.encrypted).toBeUndefined();
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

test('encrypted connections have a share of what is left', () => {
  const config = configOf(`${CONFIG}listen: { dot: ["127.0.0.1"] }\ntls: { cert: c.pem, key: k.pem }\n`);
  expect(config.tls).toMatchObject(budgetDescriptors(config, 2, 131_072).encrypted ?? {});
  const { streams, encrypted, reserve } = budgetDescriptors(config, 2, 2_048);
  const all = streams.connectionsMax + (encrypted?.connectionsMax ?? 0);
  expect(encrypted?.connectionsMax).toBeGreaterThan(streams.connectionsMax);
  expect(reserve + 2 * all).toBeLessThanOrEqual(2_048);
});

test('upstreams are counted once each, wherever they stand', () => {
  const many = `${CONFIG}forward: [{ zones: [a.example], upstreams: ["192.0.2.53", "192.0.2.60"] }]\n`;
  const reserve = (text: string): number => budgetDescriptors(configOf(text), 1, 4_096).reserve;
  expect(reserve(many) - reserve(CONFIG)).toBe(20);
});

test('the limit of this process is known on Linux', () => {
  if (process.platform === 'linux') expect(readDescriptorLimit()).toBeGreaterThan(0);
});

test.each([
  [64, 1],
  [70, 1],
  [76, 2],
  [96, 4],
  [1_024, 8],
  [undefined, 8],
])('a limit of %s lets %i of eight workers live', (limit, workers) => {
  expect(affordableWorkers(8, limit)).toBe(workers);
});
