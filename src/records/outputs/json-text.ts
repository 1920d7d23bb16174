// A record as one JSON object with its place: what JSON lines hold, and what dnstap carries beside its own fields.
import type { PlacedRecord } from '../record-output.ts';

/** The record's own text with its chain and place first; no line break in it. */
export const toJsonText = ({ text, sequence, class: chain }: PlacedRecord): string =>
  `{"chain":"${chain}","seq":${sequence},${text.slice(1)}`;
