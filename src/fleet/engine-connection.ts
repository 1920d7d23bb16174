// A connection to the engine for one question, such as a command's: made again where the engine ended it in its handshake.
//
// A server that reads its users again ends each connection that has not said yet who it is, with the words for one whom it does
// not know ("Authorization Violation"), also where nothing changed. Nothing was asked by then, so that no token is spent. Which of
// both it was only the next try tells. Resolvers, which connect for as long as they run, try again by themselves (nats-bus.ts).
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  AuthorizationError,
  ConnectionError,
  connect,
  type NatsConnection,
  nkeyAuthenticator,
} from '@nats-io/transport-node';

/** How often it is tried: an authority that takes in many has the engine read them once a second at most. */
const TRIES = 6;
/** Before the second try, milliseconds; twice as long before each further one, and up to as much again by chance. All: 1.6 to 3.1 s. */
const PAUSE_MS = 50;

/** Who asks whom. */
export interface QuestionAccess {
  readonly servers: readonly string[];
  /** File of certificates; undefined: those of the system. */
  readonly caPath: string | undefined;
  /** As the engine shows it. */
  readonly name: string;
  readonly seed: string;
  readonly inboxPrefix?: string;
  /** How long the engine may take to let it in, milliseconds. */
  readonly timeoutMs: number;
}

/** Connects. Rejects with what the library says, or the system of the file of certificates. */
export const connectOnce = async (access: QuestionAccess): Promise<NatsConnection> => {
  const { servers, caPath, name, seed, inboxPrefix, timeoutMs } = access;
  const isTls = servers.some((server) => server.startsWith('tls://'));
  for (let tries = 1, pauseMs = PAUSE_MS; ; tries++, pauseMs *= 2) {
    try {
      return await connect({
        ...{ servers: [...servers], name, reconnect: false, timeout: timeoutMs },
        ...(inboxPrefix === undefined ? {} : { inboxPrefix }),
        authenticator: nkeyAuthenticator(Buffer.from(seed.trim())),
        ...(isTls ? { tls: caPath === undefined ? {} : { ca: readFileSync(caPath, 'utf8') } } : {}),
      });
    } catch (thrown) {
      if (tries === TRIES || !isEnded(thrown)) throw thrown;
      await sleep(pauseMs * (1 + Math.random()));
    }
  }
};

/**
 * Ended by the engine: it said so, or was gone before the client had said who it is. Where it went without a word the library knows no
 * cause; of one that does not listen it does.
 */
const isEnded = (thrown: unknown): boolean =>
  thrown instanceof AuthorizationError ||
  (thrown instanceof ConnectionError && thrown.cause === undefined) ||
  (thrown instanceof Error && 'code' in thrown && (thrown.code === 'EPIPE' || thrown.code === 'ECONNRESET'));
