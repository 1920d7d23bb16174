// The mandates of a configuration with their names, as cordon-proof takes them: what Cordon refuses here by its lists as they are.
import { VERSION } from '../../base/base.ts';
import { type Config, demandsOf, isActive } from '../../config/config.ts';
import { buildGeneration, type PathOf } from '../../policy/generation/generation.ts';
import type { RefusalForm } from './judge.ts';
import { readProbeLists } from './lists.ts';
import { BYPASS_LISTS, CANARY_LIST, type Packs, toPack, toPackedLists } from './proof-packs.ts';
import { formsOf } from './server.ts';

/** What is written, and what could not be. */
export interface PackedMandates {
  readonly packs: Packs;
  /** Rules that a name alone does not tell of, lists that cannot be read, and names beyond what is read. */
  readonly left: readonly string[];
  /** How programs refuse, and how these lists do. */
  readonly forms: readonly RefusalForm[];
}

/** Names of canaries and of other resolvers are asked for as well where the configuration has their lists. */
const BESIDE: ReadonlySet<string> = new Set([CANARY_LIST, ...BYPASS_LISTS]);

/** Reads all lists; takes as long as loading them, and throws as that does. */
export const packMandates = (config: Config, pathOf: PathOf, nowMs: number): PackedMandates => {
  const mandates = config.mandates.filter(isActive);
  const needed = new Set([...mandates.flatMap(({ mandate }) => demandsOf(mandate)), ...BESIDE]);
  const lists = config.lists
    .filter(({ id, allow, logOnly }) => needed.has(id) && !allow && !logOnly)
    // Only names of mandates are read as names to ask for.
    .map((list) => ({ ...list, mandate: true }));
  const asked: Config = { ...config, lists };
  const generation = buildGeneration(asked, 1, nowMs, pathOf);
  const read = readProbeLists({ generation, config: asked, seed: 1, keep: new Set() });
  const there = new Set(read.lists.map(({ id }) => id));
  return {
    packs: {
      version: VERSION,
      mandates: mandates.map((one) => toPack(one, demandsOf(one.mandate), there)),
      lists: toPackedLists(read),
    },
    forms: formsOf(read.lists, []),
    left: [
      ...[...read.unasked, ...read.unreadable].map(({ view, reason }) => `${view}: ${reason}`),
      ...(read.isWhole ? [] : ['of large lists a sample is written']),
    ],
  };
};
