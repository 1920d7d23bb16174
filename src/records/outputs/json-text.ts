// A record as one JSON object with its place: what JSON lines hold, and what dnstap carries beside its own fields.
import type { PlacedRecord } from '../record-output.ts';

/** The record with its chain and place first; no line break in it. */
export const toJsonText = ({ record, sequence, class: chain }: PlacedRecord): string =>
  JSON.stringify({ chain, seq: sequence, ...record });
