// A program as the metrics see it, and what a scrape of it reads.
import { EnforcementClock } from '../../../src/telemetry/enforcement/enforcement.ts';
import { CounterTotals, createMetrics, type MetricsSource } from '../../../src/telemetry/observe/observe.ts';

/** A program with one list that runs on a clock of its own. */
export const createSource = (changes: Partial<MetricsSource> = {}): MetricsSource => ({
  version: '1.2.3',
  totals: new CounterTotals(),
  enforcement: new EnforcementClock(() => 0),
  lists: () => [
    {
      id: 'tiktok',
      category: 'tiktok',
      mandate: true,
      sha256: 'ab'.repeat(32),
      entries: 12,
      rejectedEntries: 1,
      lastSuccessMs: 1_700_000_000_000,
    },
  ],
  generation: () => 3,
  configSha256: () => 'cd'.repeat(32),
  reloads: () => ({ success: 2, failure: 1 }),
  workers: () => 2,
  isUdpBatched: () => true,
  workerRestarts: () => 1,
  workerHangs: () => 0,
  ...changes,
});

/** Every series of a metrics page: its text to its value. */
export const parsePage = (page: string): Map<string, number> =>
  new Map(
    page
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => {
        const space = line.lastIndexOf(' ');
        return [line.slice(0, space), Number(line.slice(space + 1))];
      }),
  );

/** The series of one scrape. */
export const scrape = async (source: MetricsSource): Promise<Map<string, number>> =>
  parsePage(await createMetrics(source).render());
