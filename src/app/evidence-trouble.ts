// What is wrong with the evidence and needs a person: exemptions that the records do not bear out, and the witnesses.
import type { ExemptionFacts } from '../exemptions/exemptions.ts';
import { type WatchedWitness, type WitnessTrouble, witnessTrouble } from './witness-trouble.ts';

/** Rows of one kind; more say no more. */
const ROWS_MAX = 5;

/** One thing that is wrong. */
export type EvidenceTrouble =
  | WitnessTrouble
  | { readonly kind: 'exemptions-unproven'; readonly subject: string; readonly text: string };

/** What is looked at. */
export interface WatchedEvidence {
  readonly exemptions?: Pick<ExemptionFacts, 'unproven'> | undefined;
  readonly records?: { readonly witnesses: readonly WatchedWitness[] } | undefined;
}

/** `needed` of the witnesses have to cosign; undefined: all. */
export const evidenceTrouble = (
  { exemptions, records }: WatchedEvidence,
  needed: number | undefined,
  nowMs: number,
): EvidenceTrouble[] => [
  ...[...(exemptions?.unproven ?? [])].slice(0, ROWS_MAX).map(
    ([id, why]): EvidenceTrouble => ({
      kind: 'exemptions-unproven',
      subject: id,
      text: `${id} is suspended: the register grants it, and ${why}`,
    }),
  ),
  ...(records === undefined ? [] : witnessTrouble(records, needed, nowMs)),
];
