// The engine's own side: has its servers read their configuration again, so that who may connect is as it was last written.

import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { AppError, errorText } from '../base/base.ts';
import { connectOnce } from './engine-connection.ts';

/** How long servers have to say who they are, and to read again, milliseconds. */
const ANSWER_MS = 2_000;
/** Servers of a cluster. */
const SERVERS_MAX = 16;

const pingSchema = z.looseObject({
  server: z.looseObject({ id: z.string().regex(/^N[A-Z0-9]+$/), name: z.string() }),
  /** How many servers it knows of, itself among them: fewer than there are while it has just started. */
  statsz: z.looseObject({ active_servers: z.int().min(1).exactOptional() }).exactOptional(),
});

const answerSchema = z.looseObject({ error: z.unknown().optional() });

/** Where the engine is, and the seed of its system user. */
export interface SystemAccess {
  readonly servers: readonly string[];
  readonly caPath: string | undefined;
  readonly seedPath: string;
  /** Servers that there should be: when so many have said who they are, and as many as they know of, no more are waited for. */
  readonly serverCount: number;
}

/** Has all servers read their configuration again; gives which did, by what each is called since its start. Rejects with ERR_FLEET_ENGINE. */
export const reloadServers = async ({
  servers,
  caPath,
  seedPath,
  serverCount,
}: SystemAccess): Promise<string[]> => {
  try {
    const seed = readFileSync(seedPath, 'utf8');
    const connection = await connectOnce({
      ...{ servers, caPath, seed, name: 'cordon system', timeoutMs: ANSWER_MS },
    });
    try {
      const found = await connection.requestMany('$SYS.REQ.SERVER.PING', '', {
        strategy: 'stall',
        maxWait: ANSWER_MS,
        stall: ANSWER_MS / 4,
        maxMessages: SERVERS_MAX,
      });
      const ids = new Set<string>();
      let expected = serverCount;
      for await (const message of found) {
        const told = pingSchema.safeParse(message.json());
        // Leaf nodes have users of their own files: they are read again where they run.
        if (told.success && !told.data.server.name.startsWith('cordon-leaf-')) ids.add(told.data.server.id);
        expected = Math.max(expected, told.data?.statsz?.active_servers ?? SERVERS_MAX);
        if (ids.size >= expected) break;
      }
      // Together: one that is slow, or whose death was not noticed yet, keeps no other one from reading.
      const answers = await Promise.allSettled([...ids].map((id) => readAgain(connection, id)));
      const failed = answers.find((answer) => answer.status === 'rejected');
      const read = [...ids].filter((_, index) => answers[index]?.status === 'fulfilled');
      if (read.length === 0 && failed !== undefined) throw failed.reason;
      return read;
    } finally {
      await connection.close();
    }
  } catch (cause) {
    throw new AppError(
      'ERR_FLEET_ENGINE',
      `having the engine read its configuration again: ${errorText(cause)}`,
      {
        cause,
        hint: 'Reload it by hand: systemctl reload cordon-engine.',
      },
    );
  }
};

/** Rejects where the server does not answer, or could not read it. */
const readAgain = async (connection: Awaited<ReturnType<typeof connectOnce>>, id: string): Promise<void> => {
  const answer = await connection.request(`$SYS.REQ.SERVER.${id}.RELOAD`, '', { timeout: ANSWER_MS });
  const { error } = answerSchema.parse(answer.json());
  if (error !== undefined) throw new RangeError(`a server could not: ${JSON.stringify(error).slice(0, 200)}`);
};
