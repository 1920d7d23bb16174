// cordon mandates export: the mandates of a configuration with their names, which cordon-proof asks any resolver for.
import { packMandates } from '../evidence/probe/probe.ts';
import { readKeptPaths, withoutMissing } from '../policy/keeping/keeping.ts';
import type { InputOf } from './declaration.ts';
import type { MANDATES_EXPORT } from './declarations/mandates.ts';
import { findService } from './service.ts';

/** Writes them to standard output, and to standard error what is not in them; returns 0. */
export const exportMandates = async ({ values }: InputOf<typeof MANDATES_EXPORT>): Promise<number> => {
  const { config } = await findService(values);
  const pathOf = await readKeptPaths(config, Date.now);
  const { packs, left } = packMandates(withoutMissing(config, pathOf), pathOf, Date.now());
  process.stdout.write(`${JSON.stringify(packs)}\n`);
  for (const { id, lists } of packs.mandates)
    process.stderr.write(`mandate ${id}: ${lists.join(', ') || 'none of its lists is here'}\n`);
  for (const text of left) process.stderr.write(`not asked for: ${text}\n`);
  return 0;
};
