// app: the composition root. It alone knows all rooms, and nothing but the commands import it.
//
// The main thread holds configuration, lists, metrics and admin; worker threads resolve. Invariants: a reload puts
// everything in force or nothing; a worker's death costs its own queries only; no policy, no answers.
import { isInstalled } from '../../base/base.ts';
import {
  type Config,
  type ConfigFacts,
  type ConfigResult,
  type InForce,
  loadConfig,
  type Proposal,
} from '../../config/config.ts';
import { readOverlays } from '../../fleet/fleet.ts';
import { readPackagedRoot } from '../../policy/feeds/feeds.ts';
import { shippedDefaults, shippedLists, shippedOperators } from '../../policy/lists/lists.ts';

export { judgeConfiguration } from '../../evidence/recording/recording.ts';
export { requireFips } from './fips.ts';
export { readQuic } from './quic.ts';
export { Service } from './service.ts';

/** Mandate lists that ship and are on by default, and that a configuration has under no name. */
export const unchosenMandates = ({ lists }: Config): readonly string[] =>
  shippedDefaults()
    .filter(
      ({ id, mandate }) =>
        mandate &&
        !lists.some(({ source }) => (source.kind === 'shipped' ? source.id : source.shipped) === id),
    )
    .map(({ id }) => id);

/** What loading knows of the program. */
const facts = (): ConfigFacts => ({
  workingDirectory: process.cwd(),
  overlays: readOverlays,
  shippedIds: shippedLists().map((list) => list.id),
  shippedOperators,
  // Read when something asks.
  get shippedDefault() {
    return shippedDefaults().map((header) => header.id);
  },
  get feedRoot() {
    return readPackagedRoot();
  },
});

/**
 * Loads a configuration with what the program knows of its own lists; undefined: defaults and environment. A proposal
 * is taken in place of the file.
 */
export const loadConfiguration = (path: string | undefined, proposal?: Proposal): ConfigResult =>
  loadConfig(path, process.env, Object.assign(facts(), { isInstalled }, proposal && { proposal }));

/** What is kept of a configuration in force, as it was: neither the environment nor a fleet has a say any more. */
export const loadInForce = ({ yaml }: InForce): ConfigResult =>
  loadConfig(undefined, {}, Object.assign(facts(), { proposal: { text: yaml, files: 'unread' } as const }));
