// On how many servers each stream of the engine is, and whether all of them have all of it: asked once, beside a service that runs.
import { jetstreamManager } from '@nats-io/jetstream';
import { AppError, errorText } from '../base/base.ts';
import { connectOnce } from './engine-connection.ts';
import { readIdentity } from './identity.ts';
import { inboxOf, STREAM } from './subjects.ts';

/** How long the engine may take, milliseconds. */
const ANSWER_MS = 10_000;

/** What the engine says of one stream. */
export interface StreamCopies {
  readonly name: string;
  readonly copies: number;
  /** A leader is there, and every copy has all of it. */
  readonly isCurrent: boolean;
}

/** Asks with the key of the authority. Rejects with ERR_FLEET_ENGINE, and with ERR_FLEET_IDENTITY. */
export const streamCopies = async (
  stateDirectory: string,
  servers: readonly string[],
  caPath: string | undefined,
): Promise<StreamCopies[]> => {
  const { identity, seed } = readIdentity(stateDirectory);
  try {
    const connection = await connectOnce({
      ...{ servers, caPath, seed, inboxPrefix: inboxOf(identity.name), timeoutMs: ANSWER_MS },
      name: `cordon ${identity.name} looks`,
    });
    try {
      const manager = await jetstreamManager(connection, { checkAPI: false, timeout: ANSWER_MS });
      const found: StreamCopies[] = [];
      for (const name of Object.values(STREAM)) {
        const { config, cluster } = await manager.streams.info(name);
        const followers = cluster?.replicas ?? [];
        const isCurrent =
          followers.length === config.num_replicas - 1 &&
          followers.every(({ current, offline }) => current && offline !== true);
        found.push({ name, copies: config.num_replicas, isCurrent: isCurrent && cluster?.leader !== '' });
      }
      return found;
    } finally {
      await connection.close();
    }
  } catch (cause) {
    throw new AppError('ERR_FLEET_ENGINE', `asking the engine for its streams: ${errorText(cause)}`, {
      cause,
    });
  }
};
