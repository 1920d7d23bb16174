// Overlays: keys of configuration that the authority sets for all, for a site, or for a node.
//
// Of each `for` the last one holds. The narrowest comes last, so that its keys are those in force.
import type { Identity } from './identity.ts';
import type { Body } from './kinds.ts';
import { readBody } from './policy.ts';
import type { PolicyLog } from './policy-log.ts';

/** The YAML of the overlays that concern a resolver once the one that is being applied holds. */
export const overlaysFor = (
  log: PolicyLog,
  applied: Body<'overlay'> | undefined,
  { name, site }: Identity,
): string[] => {
  const latest = new Map<string, string>();
  for (const { entry, outcome } of log.ofKind('overlay')) {
    // What stands behind an entry at which this version had to stop is not in force.
    if (outcome === 'refused' || outcome === 'waiting') continue;
    const { for: whom, yaml } = readBody('overlay', entry);
    latest.set(whom, yaml);
  }
  if (applied !== undefined) latest.set(applied.for, applied.yaml);
  return ['all', `site:${site ?? ''}`, `node:${name}`]
    .map((whom) => latest.get(whom))
    .filter((yaml) => yaml !== undefined && yaml !== '') as string[];
};
