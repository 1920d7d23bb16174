// All stages, what they may cost, and what is said of one that costs more.
import { DNSSEC_STAGES } from './dnssec-stages.ts';
import { FRAME_STAGES } from './frame-stages.ts';
import { formatGenome } from './genome.ts';
import { MESSAGE_STAGES } from './message-stages.ts';
import type { Findings, Found, Stage } from './search.ts';
import { LIST_STAGES } from './text-stages.ts';

export const STAGES: readonly Stage[] = [
  ...MESSAGE_STAGES,
  ...DNSSEC_STAGES,
  ...FRAME_STAGES,
  ...LIST_STAGES,
];

/** What a message may hold the loop for, in bytes of the plain loop: 5 ms where one takes 1.1 ns. */
export const TURN_UNITS = 4_500_000;
/** What twice the bytes may cost at most: linear is 2, and sorting a little more. */
export const GROWTH_MAX = 2.6;
/** Below this, growth is noise: nanoseconds. */
const GROWTH_NS_MIN = 300e3;

/** A search and what its dearest came to. */
export interface Judged extends Findings {
  readonly growth: number | undefined;
}

/** What is wrong with a stage, each in a line. `unitNs` is what a byte of the plain loop takes, `allowance` a multiple of all bounds. */
export const breachesOf = (
  { stage, worst, longest, growth }: Judged,
  unitNs: number,
  allowance = 1,
): string[] => {
  const breaches: string[] = [];
  const perByte = worst.perByteNs / unitNs;
  if (perByte > stage.bound * allowance)
    breaches.push(
      `${stage.name}: a byte costs ${perByte.toFixed(0)} of at most ${stage.bound}: ${show(stage, worst)}`,
    );
  if (stage.isTurn && longest.turnNs / unitNs > TURN_UNITS * allowance)
    breaches.push(
      `${stage.name}: ${(longest.turnNs / 1e6).toFixed(1)} ms in one turn: ${show(stage, longest)}`,
    );
  if (growth !== undefined && growth > GROWTH_MAX && worst.ns > GROWTH_NS_MIN)
    breaches.push(
      `${stage.name}: twice the bytes cost ${growth.toFixed(1)} times as much: ${show(stage, worst)}`,
    );
  return breaches;
};

const show = (stage: Stage, { genome, bytes, ns }: Found): string =>
  `${bytes} bytes, ${(ns / 1e6).toFixed(2)} ms, ${formatGenome(stage.genes, genome)}`;
