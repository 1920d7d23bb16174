// Coming into a fleet: the node's side, from the command line.

import { createHash, randomInt } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createUser, fromSeed, type KeyPair } from '@nats-io/nkeys';
import { z } from 'zod';
import { AppError, DIRECTORY_MODE, errorText, isAppError, replaceFileNow } from '../base/base.ts';
import { keepCountingKey } from './counting-key.ts';
import { hashOf } from './engine-certificates.ts';
import { connectOnce } from './engine-connection.ts';
import { joinAnswerSchema, joinedSchema, trustText } from './enrolment.ts';
import { bodyOf, isEntrySignedBy, parseEntry } from './entry.ts';
import {
  FLEET_DIRECTORY,
  fleetPath,
  type Identity,
  PRIVATE_MODE,
  readIdentity,
  writeIdentity,
} from './identity.ts';
import { fingerprintOf, isSignature, parsePublicKey } from './key.ts';
import { type Body, KINDS } from './kinds.ts';
import { NatsBus } from './nats-bus.ts';
import { shownChain } from './shown-chain.ts';
import { inboxOf, joinSubject } from './subjects.ts';
import { readToken, type Token } from './tokens.ts';

/** The authority writes an entry and has the engine read its users again, milliseconds. */
const ANSWER_MS = 20_000;
/** How often, and how long after, the engine is tried with the new key: a cluster reads it one server after the other. */
const TRIES = 20;
const TRY_MS = 500;

/** The collector beside a resolver reads it as well. */
const CA_MODE = 0o640;

/** What is needed to join. */
export interface JoinOptions {
  readonly servers: readonly string[];
  readonly caPath: string | undefined;
  readonly token: string;
  readonly stateDirectory: string;
}

/** What came of it. */
export interface Joined extends Identity {
  /** For `fleet.trust` and `fleet.servers`. */
  readonly trust: readonly string[];
  /** Keys that were named beside these, and that an authority of an older version did not sign: anybody may have named them. */
  readonly unproven: readonly string[];
  readonly servers: readonly string[];
  /** The engine let the new key in. */
  readonly isConnected: boolean;
}

/**
 * Joins a fleet. Rejects with ERR_FLEET_TOKEN for a token that does not do, ERR_FLEET_ENGINE when engine or authority are not
 * reached, ERR_FLEET_SIGNATURE for what the token's authority did not sign for this resolver, ERR_FLEET_EXISTS where a fleet was joined.
 */
export const joinFleet = async ({
  servers,
  caPath,
  token: text,
  stateDirectory,
}: JoinOptions): Promise<Joined> => {
  const token = readToken(text);
  requireAlone(stateDirectory);
  const pair = pairFor(stateDirectory, token.secret);
  const seed = Buffer.from(pair.getSeed()).toString('latin1');
  const request = JSON.stringify({ secret: token.secret, key: pair.getPublicKey() });
  const answer = joinAnswerSchema.safeParse(
    parseJson(await askOnce(servers, caPath, token.name, token.seed, joinSubject(token.name), request)),
  );
  if (!answer.success) throw unanswered('the authority answered what this version does not know');
  if ('refused' in answer.data) {
    throw new AppError('ERR_FLEET_TOKEN', `joining the fleet: ${String(answer.data.refused)}`, {
      hint: 'If nobody of yours used it, tell the operators of the authority: somebody else has the token.',
    });
  }
  const given = joinedSchema.parse(answer.data);
  const { counting, servers: others = [] } = given;
  const { name, site, enrolment } = readOwnEntry(given.entry, given.trust, token, pair.getPublicKey());
  const identity = { name, ...(site === undefined ? {} : { site }), enrolment };
  const { trust, unproven } = provenKeys(given, name, pair.getPublicKey());
  writeIdentity(stateDirectory, identity, seed);
  rmSync(fleetPath(stateDirectory, 'joining'), { force: true });
  const [first = ''] = trust;
  const key = parsePublicKey(first);
  if (counting !== undefined && key !== undefined)
    keepCountingKey(stateDirectory, counting, name, seed, [key]);
  // The one that was reached first, then those that the authority names.
  const all = [...new Set([...servers, ...others])];
  const isConnected = await canConnect(servers, caPath, name, seed);
  return { ...identity, trust, unproven, servers: all, isConnected };
};

/**
 * The entry by which the authority of the token took in this key under the name of the token: what else stands in an answer the
 * engine may have written. Throws ERR_FLEET_SIGNATURE.
 */
const readOwnEntry = (
  text: string,
  [first = '']: readonly string[],
  { name, site, authority }: Token,
  publicKey: string,
): Body<'node'> => {
  const key = fingerprintOf(first) === authority ? parsePublicKey(first) : undefined;
  const entry = parseEntry(Buffer.from(text));
  if (key === undefined || entry === undefined || !isEntrySignedBy(entry, key))
    throw forged('who answered is not the authority of the token');
  const body = entry.kind === 'node' ? KINDS.node.safeParse(bodyOf(entry)).data : undefined;
  if (body?.name !== name || body.site !== site || body.key !== publicKey)
    throw forged(`the entry in the answer does not take in this key as ${name}`);
  return body;
};

/** Of the keys in an answer those that the first signed, beside it. Throws ERR_FLEET_SIGNATURE where it says that it did. */
const provenKeys = (
  { trust, trustSignature }: z.infer<typeof joinedSchema>,
  name: string,
  publicKey: string,
): Pick<Joined, 'trust' | 'unproven'> => {
  if (trustSignature === undefined) return { trust: trust.slice(0, 1), unproven: trust.slice(1) };
  const key = parsePublicKey(trust[0] ?? '');
  if (key === undefined || !isSignature(key, trustText(name, publicKey, trust), trustSignature))
    throw forged('the authority did not sign the keys in the answer');
  return { trust, unproven: [] };
};

const forged = (text: string): AppError =>
  new AppError('ERR_FLEET_SIGNATURE', `joining the fleet: ${text}`, {
    hint: 'Somebody else answers at this address. Ask the operators of the authority.',
  });

/** The key with which a token is used: the one of before, where the answer was lost on the way. */
const pairFor = (stateDirectory: string, secret: string): KeyPair => {
  const path = fleetPath(stateDirectory, 'joining');
  const hash = createHash('sha256').update(secret).digest('hex');
  const before = existsSync(path)
    ? joiningSchema.safeParse(parseJson(readFileSync(path, 'utf8')))
    : undefined;
  const kept = before?.success && before.data.token === hash ? readPair(before.data.seed) : undefined;
  if (kept !== undefined) return kept;
  const pair = createUser();
  const seed = Buffer.from(pair.getSeed()).toString('latin1');
  mkdirSync(join(stateDirectory, FLEET_DIRECTORY), { recursive: true, mode: DIRECTORY_MODE });
  replaceFileNow(path, `${JSON.stringify({ token: hash, seed })}\n`, PRIVATE_MODE);
  return pair;
};

/** Undefined where the file was written to by somebody else: another key does as well while the token is not used. */
const readPair = (seed: string): KeyPair | undefined => {
  try {
    return fromSeed(Buffer.from(seed));
  } catch {
    return undefined;
  }
};

const joiningSchema = z.looseObject({ token: z.string(), seed: z.string().max(100) });

/** Where a word leads, and what came of it. */
export interface JoinedByWord extends Joined {
  /** For `fleet.ca`. */
  readonly caPath: string | undefined;
}

/**
 * Joins by a word alone: it says where the engine is and by which certificate it is believed. Rejects as joinFleet() does, with
 * ERR_FLEET_TOKEN for a token without an address or one that is over, and ERR_FLEET_SIGNATURE when another engine answers.
 */
export const joinByWord = async (
  word: string,
  stateDirectory: string,
  nowMs: number,
): Promise<JoinedByWord> => {
  const { servers, ca, until } = readToken(word);
  if (servers === undefined) {
    throw new AppError('ERR_FLEET_TOKEN', 'joining the fleet: the token does not say where the engine is', {
      hint: 'Its engine is on loopback, or its site has a leaf node: cordon fleet join URL TOKEN --ca FILE.',
    });
  }
  if (until !== undefined && Date.parse(until) < nowMs) {
    throw new AppError('ERR_FLEET_TOKEN', `joining the fleet: the token was for use until ${until}`, {
      hint: `By the clock of this machine it is ${new Date(nowMs).toISOString()}. If that is right, ask for another: cordon fleet invite.`,
    });
  }
  requireAlone(stateDirectory);
  const caPath = ca === undefined ? undefined : fleetPath(stateDirectory, 'ca');
  if (ca !== undefined && caPath !== undefined) {
    const authority = await findAuthority(servers, ca);
    mkdirSync(join(stateDirectory, FLEET_DIRECTORY), { recursive: true, mode: DIRECTORY_MODE });
    replaceFileNow(caPath, authority, CA_MODE);
  }
  return { ...(await joinFleet({ servers, caPath, token: word, stateDirectory })), caPath };
};

/** PEM of the certificate with a hash, as a server of the engine shows it; the first server that is reached says. */
const findAuthority = async (servers: readonly string[], sha256: string): Promise<string> => {
  let unreached: unknown;
  for (const server of servers) {
    try {
      const found = (await shownChain(server)).find((one) => hashOf(one) === sha256);
      if (found !== undefined) return found.toString();
      throw new AppError(
        'ERR_FLEET_SIGNATURE',
        `joining the fleet: ${server} is not the engine of the token`,
        {
          hint: 'Somebody else answers there, or the certificates were made anew since: ask for another token, and tell the operators of the authority if that fails as well. An engine that does not show the certificate of its authority is joined by URL, with --ca.',
        },
      );
    } catch (thrown) {
      if (!isAppError(thrown) || thrown.code !== 'ERR_FLEET_ENGINE') throw thrown;
      unreached = thrown;
    }
  }
  throw unreached;
};

const requireAlone = (stateDirectory: string): void => {
  try {
    const { identity } = readIdentity(stateDirectory);
    throw new AppError(
      'ERR_FLEET_EXISTS',
      `joining a fleet: this resolver is ${identity.name} of one already`,
      {
        hint: 'Move the directory "fleet" of the state directory away to begin anew.',
      },
    );
  } catch (thrown) {
    if (!isAppError(thrown) || thrown.code !== 'ERR_FLEET_IDENTITY') throw thrown;
  }
};

/**
 * Asks the authority, by a connection for it alone: over one server of the engine after the other, as one that is cut off from the
 * others lets in and does not reach the authority. Rejects with ERR_FLEET_ENGINE.
 */
export const askOnce = async (
  servers: readonly string[],
  caPath: string | undefined,
  name: string,
  seed: string,
  subject: string,
  request: string,
): Promise<string> => {
  let unreached: unknown;
  for (const server of inAnyOrder(servers)) {
    try {
      const connection = await connectOnce({
        ...{ servers: [server], caPath, seed, inboxPrefix: inboxOf(name), timeoutMs: ANSWER_MS },
        name: `cordon ${name} asks to join`,
      });
      try {
        return (await connection.request(subject, request, { timeout: ANSWER_MS })).string();
      } finally {
        await connection.close();
      }
    } catch (cause) {
      unreached = cause;
    }
  }
  throw unanswered(errorText(unreached), unreached);
};

/** A thousand that join at once come to all servers alike. */
const inAnyOrder = (servers: readonly string[]): string[] => {
  const first = randomInt(Math.max(1, servers.length));
  return [...servers.slice(first), ...servers.slice(0, first)];
};

const unanswered = (text: string, cause?: unknown): AppError =>
  new AppError('ERR_FLEET_ENGINE', `asking the authority: ${text}`, {
    cause,
    hint: hintOf(text),
  });

const hintOf = (text: string): string => {
  if (text.includes('ENOENT')) return 'Name the file of certificates with --ca.';
  if (/authorization/i.test(text))
    return 'The engine does not let the token in: it is used, over or withdrawn, or the engine has not read its users since. Ask for another: cordon fleet invite.';
  if (text.includes('not yet valid')) return 'Look at the clock of this machine: timedatectl.';
  if (text.includes('certificate'))
    return 'The certificate of the engine is none of --ca, or has another name than the one in the address.';
  return 'The engine and the authority have to run, and the engine, or the leaf node of the site, has to have read its users since the invitation.';
};

/** Whether the engine lets a key in, soon. */
export const canConnect = async (
  servers: readonly string[],
  caPath: string | undefined,
  name: string,
  seed: string,
  triesMax = TRIES,
): Promise<boolean> => {
  const silent = { onUp: () => undefined, onDown: () => undefined, onFault: () => undefined };
  for (let tries = 0; tries < triesMax; tries++) {
    try {
      const engine = await NatsBus.connect({ servers, caPath, name, seed: () => seed }, silent, false);
      await engine.close();
      return true;
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      await new Promise((resolve) => setTimeout(resolve, TRY_MS));
    }
  }
  return false;
};

/** Undefined for what is no JSON. */
export const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
