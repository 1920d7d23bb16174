// A resolver that joined an authority of an older version has no key to count by yet: it asks for it.
import { existsSync } from 'node:fs';
import { errorText, isAppError } from '../base/base.ts';
import type { FleetLog } from './acts.ts';
import type { MessageBus } from './bus.ts';
import { keepCountingKey, parseCountingKey } from './counting-key.ts';
import { fleetPath, readIdentity } from './identity.ts';
import { parsePublicKey } from './key.ts';
import type { Membership } from './membership.ts';
import { countingSubject } from './subjects.ts';

/** How long the authority may take to give the key to count by, milliseconds. */
const COUNTING_MS = 10_000;

/** What is needed to ask. */
export interface CountingKeyFetch {
  readonly stateDirectory: string;
  readonly membership: Membership;
  /** Which keys make policy is known. */
  readonly caughtUp: Promise<void>;
  readonly log: FleetLog;
}

/** Asks for the key where there is none. */
export const fetchCountingKey = async (
  engine: MessageBus,
  { stateDirectory, membership, caughtUp, log }: CountingKeyFetch,
): Promise<void> => {
  if (existsSync(fleetPath(stateDirectory, 'countingKey'))) return;
  await caughtUp;
  try {
    const { identity, seed } = readIdentity(stateDirectory);
    const { name } = identity;
    const given = parseCountingKey(await engine.ask(countingSubject(name), '', COUNTING_MS));
    const keys = membership.keys.flatMap((text) => parsePublicKey(text) ?? []);
    if (given !== undefined && keepCountingKey(stateDirectory, given, name, seed, keys)) return;
    log.warn({}, 'fleet: what was given as the key to count by is not of the authority');
  } catch (thrown) {
    if (!isAppError(thrown)) throw thrown;
    // An authority that is away, or does not know of it: it is asked at the next connection.
    log.info({ cause: errorText(thrown) }, 'fleet: there is no key to count by yet');
  }
};
