// What one row of the table of metrics is. The tables are in metrics.ts and evidence-metrics.ts.
import type { EvidenceFacts } from './evidence-facts.ts';
import type { MetricsSource } from './metrics-source.ts';
import type { Family, Snapshot } from './totals.ts';

/** One row of the table of metrics, as the reference shows it. */
export interface MetricDescription {
  readonly name: string;
  readonly type: string;
  readonly labels: readonly string[];
  readonly help: string;
  /** When to alarm, in PromQL or in words; empty: a figure to look at. */
  readonly alarm: string;
}

/** One value with its label values in the order of the label names. */
export type Sample = readonly [labels: readonly string[], value: number];

/** What the metrics of one scrape are read from. */
export interface Scrape {
  readonly sums: Snapshot;
  readonly source: MetricsSource;
  readonly evidence: EvidenceFacts;
}

/** A metric: where it is read, or what it is summed from. */
export type Metric = Omit<MetricDescription, 'type'> &
  (
    | { readonly type: 'counter' | 'gauge'; read(scrape: Scrape): readonly Sample[] }
    | { readonly type: 'histogram'; readonly family: Family; readonly boundsMs: readonly number[] }
  );

/** Reads the series of a family that have one value each. */
export const summed =
  (family: Family) =>
  ({ sums }: Scrape): readonly Sample[] =>
    Array.from(sums.series(family), ({ labels, values }) => [labels, values[0] ?? 0] as const);

/** A metric without labels. */
export const single = (value: number): readonly Sample[] => [[[], value]];

/** A metric without labels that is there only while it is known. */
export const maybe = (value: number | undefined): readonly Sample[] =>
  value === undefined ? [] : single(value);
