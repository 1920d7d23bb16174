// The service's own history: every number of its charts is what an independent script makes of the readings, over changes of the
// clock, restarts of what counts, and gaps; and it takes no more room after a year.
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { linesOf } from '../../../pages/health/series.ts';
import { showHistory } from '../../../src/people/controls/service-past.ts';
import {
  ANSWER_BOUNDS_MS,
  HISTORY_SPANS,
  type HistorySpan,
  ServiceHistory,
  type ServiceReading,
} from '../../../src/telemetry/observe/observe.ts';
import { inTwo } from '../../support/night.ts';
import { needing } from '../../support/process.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const START_MS = Date.parse('2027-03-27T22:00:00Z');
const SPANS = Object.keys(HISTORY_SPANS) as HistorySpan[];

/** A service that counts, by a sequence that is the same each time. */
class Counting {
  nowMs = START_MS;
  monotonicMs = 5_000;
  readonly startedMono = 5_000;
  readonly readings: (readonly [number, number, ServiceReading])[] = [];
  readonly history: ServiceHistory;
  #seed = 7;
  #reading: ServiceReading = {
    counts: {
      ...{ queries: 0, answers: 0, servfail: 0, refusals: 0, cacheHits: 0, cacheMisses: 0 },
      ...{ recordsLost: 0, cpuMs: 0 },
    },
    times: new Array<number>(ANSWER_BOUNDS_MS.length + 1).fill(0),
    upstreams: [
      { name: 'one', counts: [0, 0, 0] },
      { name: 'two', counts: [0, 0, 0] },
    ],
    outputs: [{ name: 'file', counts: [0, 0] }],
    workers: { wanted: 4, alive: 4, hung: 0 },
    residentBytes: 1e8,
    freeBytes: 1e10,
    certificateEndMs: START_MS + 40 * 24 * HOUR_MS,
    roomCertificateEndMs: undefined,
  };

  constructor() {
    this.history = new ServiceHistory(
      () => {
        this.readings.push([this.nowMs, this.monotonicMs, this.#reading]);
        return this.#reading;
      },
      () => this.nowMs,
      () => this.monotonicMs,
    );
  }

  #some(max: number): number {
    this.#seed = (this.#seed * 48_271) % 2_147_483_647;
    return this.#seed % max;
  }

  /** So much time passes, of which each look sees a second. */
  run(ms: number, everyMs = 10 * SECOND_MS): void {
    for (let past = 0; past < ms; past += everyMs) {
      this.nowMs += everyMs;
      this.monotonicMs += everyMs;
      this.#grow();
      this.history.look();
    }
  }

  #grow(): void {
    const { counts, times, upstreams, outputs } = this.#reading;
    const answers = this.#some(20);
    this.#reading = {
      ...this.#reading,
      counts: {
        queries: counts.queries + answers + this.#some(3),
        answers: counts.answers + answers,
        servfail: counts.servfail + (answers === 0 ? 0 : this.#some(answers)),
        refusals: counts.refusals + this.#some(5),
        cacheHits: counts.cacheHits + this.#some(9),
        cacheMisses: counts.cacheMisses + this.#some(4),
        recordsLost: counts.recordsLost + (this.#some(40) === 0 ? 1 : 0),
        cpuMs: counts.cpuMs + this.#some(4_000),
      },
      times: times.map((count) => count + (this.#some(3) === 0 ? this.#some(4) : 0)),
      upstreams: upstreams.map(({ name, counts: of }) => ({
        name,
        counts: of.map((count) => count + this.#some(6)),
      })),
      // A recorder that was started anew begins at nothing.
      outputs: outputs.map(({ name, counts: of }) => ({
        name,
        counts: this.#some(50) === 0 ? [0, 0] : of.map((count) => count + this.#some(2)),
      })),
      workers: { wanted: 4, alive: 4 - (this.#some(10) === 0 ? 1 : 0), hung: 0 },
      freeBytes: 1e10 - this.#some(1_000_000),
    };
  }
}

type Recomputed = Readonly<Record<string, unknown>> | null;

const recompute = (counting: Counting, span: HistorySpan): readonly Recomputed[] => {
  const { from, now, stepSec, steps, boundsMs } = showHistory(counting.history, span);
  const { readings, startedMono } = counting;
  const input = { ...{ from, now, stepSec, boundsMs, startedMono, readings }, steps: steps.length };
  const text = execFileSync('python3', ['test/support/recompute-history.py'], {
    input: JSON.stringify(input),
    env: { ...process.env, TZ: 'Europe/Brussels' },
  });
  return JSON.parse(text.toString()) as Recomputed[];
};

/** What the charts have for each step. */
const shown = (counting: Counting, span: HistorySpan): readonly Recomputed[] => {
  const history = showHistory(counting.history, span);
  const lines = linesOf(history, 'others');
  const named = (key: 'upstreamMs' | 'upstreamFailures' | 'lost', step: number): object =>
    Object.fromEntries(lines[key].map(({ name, values }) => [name, values[step] ?? null]));
  return history.steps.map((known, step) =>
    known === null
      ? null
      : {
          ...Object.fromEntries(
            (['queries', 'refusals', 'median', 'p95', 'servfail', 'cache', 'workers', 'free'] as const).map(
              (key) => [key, lines[key][step]],
            ),
          ),
          certificate: lines.certificate[step],
          upstreamMs: named('upstreamMs', step),
          upstreamFailures: named('upstreamFailures', step),
          lost: named('lost', step),
        },
  );
};

test('every number of the charts is what a script makes of the readings', needing('python3'), () => {
  const counting = new Counting();
  counting.run(7 * MINUTE_MS);
  for (const span of SPANS) expect(shown(counting, span)).toEqual(recompute(counting, span));
  // Over the night in which clocks at home go forward, and a gap in which the machine slept.
  counting.run(9 * HOUR_MS);
  counting.nowMs += 40 * MINUTE_MS;
  counting.monotonicMs += 40 * MINUTE_MS;
  counting.run(22 * MINUTE_MS);
  for (const span of SPANS) expect(shown(counting, span)).toEqual(recompute(counting, span));
});

for (const [options, shifts] of inTwo([-25, 120, -180], (minutes) => minutes === -180))
  test.each(shifts)(
    'a clock that is set by %i minutes makes no number wrong',
    { ...needing('python3'), ...options },
    (minutes) => {
      const counting = new Counting();
      counting.run(2 * HOUR_MS);
      counting.nowMs += minutes * MINUTE_MS;
      counting.run(11 * MINUTE_MS);
      for (const span of SPANS) {
        const theirs = recompute(counting, span);
        const ours = shown(counting, span);
        expect(ours.at(-1)).not.toBeNull();
        ours.forEach((step, index) => {
          if (step !== null) expect([span, index, step]).toEqual([span, index, theirs[index]]);
        });
      }
    },
  );

test('the sum over an hour is what was counted, and what is older than its span is gone', () => {
  const counting = new Counting();
  counting.run(20 * MINUTE_MS);
  const sumOf = (span: HistorySpan): number =>
    showHistory(counting.history, span).steps.reduce((sum, step) => sum + (step?.queries ?? 0), 0);
  const counted = counting.readings.at(-1)?.[2].counts.queries;
  expect(SPANS.map(sumOf)).toEqual([counted, counted, counted]);
  counting.run(8 * 24 * HOUR_MS, HOUR_MS);
  const week = showHistory(counting.history, 'week');
  expect(week.steps).toHaveLength(84);
  expect(sumOf('week')).toBeLessThan(counting.readings.at(-1)?.[2].counts.queries ?? 0);
  expect(showHistory(counting.history, 'hour').steps.filter((step) => step !== null)).toHaveLength(1);
});

test('names of upstreams and outputs are bounded; what is beyond is one sum', () => {
  const reading = (times: number): ServiceReading => ({
    counts: {
      ...{ queries: 0, answers: 0, servfail: 0, refusals: 0, cacheHits: 0, cacheMisses: 0 },
      ...{ recordsLost: 0, cpuMs: 0 },
    },
    times: [],
    upstreams: Array.from({ length: 200 }, (_, index) => ({ name: `u${index}`, counts: [times, 0, times] })),
    outputs: [],
    workers: { wanted: 1, alive: 1, hung: 0 },
    residentBytes: 1,
    freeBytes: undefined,
    certificateEndMs: undefined,
    roomCertificateEndMs: undefined,
  });
  let looks = 0;
  const history = new ServiceHistory(
    () => reading(++looks),
    () => START_MS,
    () => looks * 10_000,
  );
  for (let look = 0; look < 5; look++) history.read('hour');
  const { upstreams } = showHistory(history, 'hour').steps.at(-1) ?? { upstreams: [] };
  expect(upstreams).toHaveLength(17);
  expect(upstreams.reduce((sum, { answers }) => sum + answers, 0)).toBe(200 * looks);
});
