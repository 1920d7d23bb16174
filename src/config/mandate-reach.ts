// Whom mandates reach: for each group, whether the lists of a mandate are in force, and why not.
import { reasonText } from '../base/words/words.ts';
import { isActive } from './mandate-effect.ts';
import { listsOf } from './mandate-pack.ts';
import type { Config } from './schema.ts';

/** Whom a mandate of the configuration reaches: one row a mandate and group. */
export interface MandateReach {
  readonly mandate: string;
  readonly group: string;
  /** `whole`: all its lists are in force for the group; `part`: some; `none`. */
  readonly reach: 'whole' | 'part' | 'none';
  /** Why not whole. */
  readonly why: string;
}

/** Groups and mandates. */
export const matrixOf = ({
  mandates,
  groups,
}: Pick<Config, 'mandates' | 'groups'>): readonly MandateReach[] =>
  mandates.flatMap((one) =>
    groups.map(({ name, lists, outOfScope }): MandateReach => {
      const wanted = listsOf(one.mandate);
      const missing = wanted.filter((id) => !lists.includes(id));
      const row = { mandate: one.mandate.id, group: name };
      if (!isActive(one)) return { ...row, reach: 'none', why: reasonText('lifted') };
      if (missing.length === 0) return { ...row, reach: 'whole', why: '' };
      const why =
        outOfScope === true
          ? reasonText('scope-none')
          : reasonText('scope-without', { lists: missing.join(', ') });
      return { ...row, reach: missing.length === wanted.length ? 'none' : 'part', why };
    }),
  );
