// What the overview tells of exemptions: how many are in force, which end first, and which requests wait.
//
// Found anew when the register has changed, and not at each look: thousands of papers are thousands of dates to read.
import type { ExemptionKeeping, ExemptionPaper } from '../../evidence/exemptions/exemptions.ts';
import type { StateShown } from '../admin/admin.ts';

/** What stands in the register. */
export interface ExemptionsNow {
  /** Another one after each change. */
  readonly version: number;
  /** In force, the first to end before others. */
  readonly active: readonly ExemptionPaper[];
  /** Of these, how many name a group. */
  readonly countOf: ReadonlyMap<string, number>;
  /** Those that wait for an approver, the oldest first. */
  readonly requested: readonly ExemptionPaper[];
}

const NONE: ExemptionsNow = { version: 0, active: [], countOf: new Map(), requested: [] };

/** The exemptions of one program. */
export class OverviewExemptions {
  readonly #keeping: Pick<ExemptionKeeping, 'readRegister'>;
  #now: ExemptionsNow = NONE;
  #from: ReturnType<ExemptionKeeping['readRegister']>;

  constructor(keeping: Pick<ExemptionKeeping, 'readRegister'>) {
    this.#keeping = keeping;
  }

  /** As they stand; none while the register cannot be used. */
  read(): ExemptionsNow {
    const register = this.#keeping.readRegister();
    if (register === undefined) return NONE;
    if (this.#from !== register || this.#now.version !== register.version) {
      const papers = register.entries().map(({ paper }) => paper);
      this.#now = { version: register.version, ...sumUp(papers) };
      this.#from = register;
    }
    return this.#now;
  }
}

const sumUp = (papers: readonly ExemptionPaper[]): Omit<ExemptionsNow, 'version'> => {
  const countOf = new Map<string, number>();
  const byEnd = papers
    .filter(({ state }) => state === 'active')
    .map((paper) => ({ paper, endMs: Date.parse(paper.until) }))
    .sort((a, b) => a.endMs - b.endMs);
  const active = byEnd.map(({ paper }) => paper);
  for (const { groups } of active)
    for (const group of new Set(groups)) countOf.set(group, (countOf.get(group) ?? 0) + 1);
  return { active, countOf, requested: papers.filter(({ state }) => state === 'requested') };
};

/** An exemption as a row; `hitsOf`: what passed under it today. */
export const toRow = (
  { id, groups, clients, grounds, until }: ExemptionPaper,
  hitsOf: ReadonlyMap<string, number>,
): StateShown['exemptions'][number] => ({
  ...{ id, groups, clients, grounds, until, hitsToday: hitsOf.get(id) ?? 0 },
});
