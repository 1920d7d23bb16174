// What the findings of the probe come to: on which networks it is shown, and not only so, that the prohibition is in force.
import type { HeadlineFacts, ProofFacts } from './headline-facts.ts';
import { isInForce } from './words.ts';

/** Intervals of the probe after which a proof is old. */
const PROOF_INTERVALS_MAX = 3;
/** Without a probe there is no proof to grow old. */
const PROOF_MS_MIN = 60_000;
/** What is so much in the future was written by another clock: it proves nothing. Steps below are noise. */
export const AHEAD_MS_MAX = 5_000;

/** What the probe's findings come to. */
export interface Proof {
  /** Groups on which it is in force. */
  readonly inForce: readonly string[];
  /** Of these, those that can be asked as, and of these those with a proof that holds. */
  readonly asked: readonly string[];
  readonly proven: readonly string[];
  readonly unasked: readonly string[];
  readonly oldestProofMs: number | null;
  readonly isCurrent: boolean;
  readonly leaking: readonly ProofFacts[];
  of(group: string): ProofFacts | undefined;
}

/** Weighs what the probe knows of each group against what is in force. */
export const weighProofs = ({ enforcement, proofs, probeEveryMs, nowMs }: HeadlineFacts): Proof => {
  const known = new Map(proofs.map((proof) => [proof.group, proof]));
  const ageMaxMs = proofAgeMaxMs(probeEveryMs);
  const inForce = enforcement.groups.filter(({ state }) => isInForce(state)).map(({ group }) => group);
  const asked = inForce.filter((group) => known.get(group)?.unasked === undefined);
  const isProven = (group: string): boolean => {
    const { lastSuccessMs, outcome } = known.get(group) ?? {};
    if (outcome !== 'enforced' || lastSuccessMs === undefined) return false;
    return isFresh(lastSuccessMs, nowMs, ageMaxMs);
  };
  const times = asked.map((group) => known.get(group)?.lastSuccessMs);
  return {
    ...{ inForce, asked, proven: asked.filter(isProven) },
    unasked: inForce.filter((group) => known.get(group)?.unasked !== undefined),
    oldestProofMs:
      times.length === 0 || times.includes(undefined)
        ? null
        : Math.min(...times.map((time) => time ?? nowMs)),
    isCurrent: asked.every((group) => known.get(group)?.isOutdated !== true),
    leaking: proofs.filter(({ leaked }) => leaked > 0),
    of: (group) => known.get(group),
  };
};

/** How old a proof may be, milliseconds. */
export const proofAgeMaxMs = (probeEveryMs: number | undefined): number =>
  Math.max(PROOF_MS_MIN, PROOF_INTERVALS_MAX * (probeEveryMs ?? 0));

/** True for a time that is not too old, and not of a clock that was ahead of this one. */
export const isFresh = (timeMs: number, nowMs: number, ageMaxMs: number): boolean =>
  nowMs - timeMs <= ageMaxMs && timeMs - nowMs <= AHEAD_MS_MAX;
