// The heap of one of two workers fills up, as by a defect that keeps what it should let go: the clients of both, and of the
// one in its place, have to get their answers.
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Arena, type Attack, clientsOf, type Running } from './attack.ts';

const HANG = pathToFileURL(fileURLToPath(new URL('../../support/hang.mjs', import.meta.url))).href;
const CLIENTS = 32;
const RATE = 200;

const readCounter = (metrics: string, name: string): string =>
  new RegExp(`^${name} (\\d+)`, 'm').exec(metrics)?.[1] ?? 'none';

/** Whole at once: the worker looks for it all the time. */
const exhaust = ({ directory, metricsUrl = '' }: Arena): Running => {
  writeFileSync(join(directory, 'next'), 'leak');
  renameSync(join(directory, 'next'), join(directory, 'hang-1'));
  return {
    stop: async () => {
      const metrics = await fetch(metricsUrl).then(
        (response) => response.text(),
        () => '',
      );
      const [restarts, workers] = ['cordon_worker_restarts_total', 'cordon_workers'].map((name) =>
        readCounter(metrics, name),
      );
      return `workers: ${workers}, replaced: ${restarts}`;
    },
  };
};

/** One attack; the kernel spreads clients over both workers by their addresses and ports. */
export const heap: readonly Attack[] = [
  {
    name: 'heap',
    title: 'the heap of one of two workers is exhausted',
    within: { workers: 2, preload: HANG },
    start: (arena) => Promise.resolve(exhaust(arena)),
    kinds: [
      { name: '*.good.example', about: 'new names', goalMs: 1000, net: 2 },
      { name: 'kept.good.example', about: 'a cached name', goalMs: 1000, net: 3 },
    ].map(({ name, about, goalMs, net }) => ({
      about,
      goalMs,
      queries: { clients: clientsOf(net, CLIENTS), rate: RATE, names: [name] },
    })),
  },
];
