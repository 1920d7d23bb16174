// What the charts of the service's history show, out of the counts of the server, and the same counts as CSV. Pure.
import type { ServiceHistory, HistoryStep as Step } from '../api/shapes.ts';
import { csvText } from '../parts/csv.ts';
import { COLORS } from '../parts/step-series.ts';

/** One value a step; null: nothing was observed, or there is nothing to divide by. */
type Values = readonly (number | null)[];
export interface Line {
  readonly name: string;
  readonly values: Values;
}

const DAY_MS = 86_400_000;

const share = (part: number, whole: number): number | null => (whole > 0 ? part / whole : null);

/** The upper bound of the bucket that the quantile falls into; what is beyond all bounds counts as the last of them. */
export const quantileMs = (
  times: readonly number[],
  boundsMs: readonly number[],
  quantile: number,
): number | null => {
  const total = times.reduce((sum, count) => sum + count, 0);
  if (total <= 0) return null;
  let seen = 0;
  for (const [index, count] of times.entries()) {
    seen += count;
    if (seen >= quantile * total) return boundsMs[index] ?? boundsMs.at(-1) ?? null;
  }
  return null;
};

/** Steps as one value each. */
const of = ({ steps }: ServiceHistory, read: (step: Step) => number | null): Values =>
  steps.map((step) => (step === null ? null : read(step)));

/** A line for each name, those with the most first; what is beyond the colors stands together under `rest`. */
const byName = <Row extends { readonly name: string }>(
  { steps }: ServiceHistory,
  rowsOf: (step: Step) => readonly Row[],
  weightOf: (row: Row) => number,
  read: (rows: readonly Row[]) => number | null,
  rest: string,
): Line[] => {
  const weights = new Map<string, number>();
  for (const step of steps)
    for (const row of step === null ? [] : rowsOf(step))
      weights.set(row.name, (weights.get(row.name) ?? 0) + weightOf(row));
  // The empty name is what the server put together.
  const named = [...weights]
    .filter(([name]) => name !== '')
    .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  const hasRest = weights.has('') || named.length > COLORS;
  const own = named.slice(0, hasRest ? COLORS - 1 : COLORS).map(([name]) => name);
  const line = (name: string, isOf: (row: Row) => boolean): Line => ({
    name,
    values: steps.map((step) => {
      const rows = step === null ? [] : rowsOf(step).filter(isOf);
      return rows.length === 0 ? null : read(rows);
    }),
  });
  return [
    ...own.map((name) => line(name, (row) => row.name === name)),
    ...(hasRest ? [line(rest, (row) => !own.includes(row.name))] : []),
  ];
};

const sum = <Row>(rows: readonly Row[], of: (row: Row) => number): number =>
  rows.reduce((total, row) => total + of(row), 0);

/** Every line by the key of its chart; names of lines are given by who writes them. */
export const linesOf = (history: ServiceHistory, rest: string) => {
  const { boundsMs, stepSec, now } = history;
  const daysLeft = (ends: string | null, step: Step): number | null => {
    const atMs = Math.min(Date.parse(step.from) + stepSec * 1000, Date.parse(now));
    return ends === null ? null : (Date.parse(ends) - atMs) / DAY_MS;
  };
  return {
    queries: of(history, ({ queries, seconds }) => share(queries, seconds)),
    refusals: of(history, ({ refusals, seconds }) => share(refusals, seconds)),
    median: of(history, ({ times }) => quantileMs(times, boundsMs, 0.5)),
    p95: of(history, ({ times }) => quantileMs(times, boundsMs, 0.95)),
    servfail: of(history, ({ servfail, answers }) => share(servfail, answers)),
    cache: of(history, ({ cacheHits, cacheMisses }) => share(cacheHits, cacheHits + cacheMisses)),
    upstreamMs: byName(
      history,
      ({ upstreams }) => upstreams,
      ({ answers }) => answers,
      (rows) =>
        share(
          sum(rows, ({ totalMs }) => totalMs),
          sum(rows, ({ answers }) => answers),
        ),
      rest,
    ),
    upstreamFailures: byName(
      history,
      ({ upstreams }) => upstreams,
      ({ failures }) => failures,
      (rows) => sum(rows, ({ failures }) => failures),
      rest,
    ),
    lost: byName(
      history,
      ({ outputs, recordsLost }) => [{ name: 'records', written: 0, lost: recordsLost }, ...outputs],
      ({ lost }) => lost,
      (rows) => sum(rows, ({ lost }) => lost),
      rest,
    ),
    workers: of(history, ({ workers }) => workers.alive - workers.hung),
    wanted: of(history, ({ workers }) => workers.wanted),
    resident: of(history, ({ residentBytes }) => residentBytes),
    cpu: of(history, ({ cpuMs, seconds }) => share(cpuMs / 1000, seconds)),
    free: of(history, ({ freeBytes }) => freeBytes),
    certificate: of(history, (step) => daysLeft(step.certificateEnds, step)),
    roomCertificate: of(history, (step) => daysLeft(step.roomCertificateEnds, step)),
  };
};

/** Every count of the history, a line for each step that was observed; names of upstreams and outputs stand in their columns. */
export const historyCsv = ({ steps, boundsMs }: ServiceHistory): string => {
  const known = steps.filter((step) => step !== null);
  const names = (rowsOf: (step: Step) => readonly { readonly name: string }[]): string[] => [
    ...new Set(known.flatMap((step) => rowsOf(step).map(({ name }) => name))),
  ];
  const upstreams = names((step) => step.upstreams);
  const outputs = names((step) => step.outputs);
  return csvText([
    [
      ...['from', 'seconds', 'queries', 'answers', 'servfail', 'refusals', 'cache hits', 'cache misses'],
      ...['records lost', 'cpu ms', 'workers wanted', 'workers alive', 'workers hung', 'resident bytes'],
      ...['free bytes', 'certificate ends', 'certificate of the control room ends'],
      ...[...boundsMs.map((bound) => `answers within ${bound} ms`), 'answers beyond'],
      ...upstreams.flatMap((name) => [`answers of ${name}`, `failures of ${name}`, `ms of ${name}`]),
      ...outputs.flatMap((name) => [`written to ${name}`, `lost of ${name}`]),
    ],
    ...known.map((step) => [
      ...[step.from, step.seconds, step.queries, step.answers, step.servfail, step.refusals],
      ...[step.cacheHits, step.cacheMisses, step.recordsLost, step.cpuMs],
      ...[step.workers.wanted, step.workers.alive, step.workers.hung, step.residentBytes],
      ...[step.freeBytes ?? '', step.certificateEnds ?? '', step.roomCertificateEnds ?? ''],
      ...step.times,
      ...upstreams.flatMap((name) => {
        const row = step.upstreams.find((one) => one.name === name);
        return [row?.answers ?? '', row?.failures ?? '', row?.totalMs ?? ''];
      }),
      ...outputs.flatMap((name) => {
        const row = step.outputs.find((one) => one.name === name);
        return [row?.written ?? '', row?.lost ?? ''];
      }),
    ]),
  ]);
};
