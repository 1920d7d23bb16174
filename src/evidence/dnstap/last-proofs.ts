// What a resolver was last proven to do, of each mandate and at each address that was asked.
//
// A certificate says nothing of another mandate, nor of an address that it did not ask: a leak is over when a later one of the same
// mandate found it enforced there. One that shows neither (`unproven`, `broken`) ends nothing.
import type { ForeignProof } from '../records/records.ts';

/** As many mandates as may be named, at as many addresses (dnstap-settings.ts). */
const PROOFS_MAX = 256;

/** Of one resolver. */
export class LastProofs {
  /** By mandate and address. */
  readonly #proofs = new Map<string, ForeignProof>();

  /** Takes one, in whatever order they come. */
  take(proof: ForeignProof): void {
    if (proof.verdict !== 'enforced' && proof.verdict !== 'leaking') return;
    for (const asked of proof.asked) {
      const key = `${proof.mandate} ${asked}`;
      const last = this.#proofs.get(key);
      if (last !== undefined && Date.parse(last.ended) > Date.parse(proof.ended)) continue;
      if (last === undefined && this.#proofs.size >= PROOFS_MAX && !this.#makeRoom()) continue;
      this.#proofs.set(key, proof);
    }
  }

  /** Those that found a leak which none has found mended, the latest first. */
  leaking(): readonly ForeignProof[] {
    return [...new Set(this.#proofs.values())]
      .filter(({ verdict }) => verdict === 'leaking')
      .sort((a, b) => Date.parse(b.ended) - Date.parse(a.ended));
  }

  /** Forgets one that found no leak; false where all did: no more can be told than that. */
  #makeRoom(): boolean {
    for (const [key, { verdict }] of this.#proofs)
      if (verdict === 'enforced') return this.#proofs.delete(key);
    return false;
  }
}
