// Getting another key: the node's side, from the command line.
//
// The new key is on the disk before it is asked for, because the answer may never come: as soon as the engine reads its users
// again it ends the connection of the key before, that of this command as well. What came of it is what the engine says to the
// new key. A command that was interrupted is taken up by the next one.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { createUser, fromSeed } from '@nats-io/nkeys';
import { AppError, isAppError, replaceFileNow } from '../base/base.ts';
import { rotationText } from './enrolment.ts';
import { fleetPath, PRIVATE_MODE, readIdentity, writeIdentity } from './identity.ts';
import { askOnce, canConnect, type JoinOptions, parseJson } from './join.ts';
import { toSeedKey } from './key.ts';
import { rotateSubject } from './subjects.ts';

/** Gets another key for this resolver. Rejects with ERR_FLEET_IDENTITY, ERR_FLEET_TOKEN, ERR_FLEET_ENGINE, errors of the system. */
export const rotateNode = async ({
  servers,
  caPath,
  stateDirectory,
}: Omit<JoinOptions, 'token'>): Promise<{ isConnected: boolean }> => {
  const { identity, seed } = readIdentity(stateDirectory);
  const { name } = identity;
  const path = fleetPath(stateDirectory, 'nextSeed');
  const isResumed = existsSync(path);
  const next = isResumed ? readFileSync(path, 'utf8').trim() : newSeed();
  if (!isResumed) replaceFileNow(path, `${next}\n`, PRIVATE_MODE);
  const adopt = (isConnected: boolean): { isConnected: boolean } => {
    writeIdentity(stateDirectory, identity, next);
    rmSync(path, { force: true });
    return { isConnected };
  };
  if (isResumed && (await canConnect(servers, caPath, name, next, 1))) return adopt(true);
  const key = fromSeed(Buffer.from(next)).getPublicKey();
  const request = JSON.stringify({ key, signature: toSeedKey(seed).sign(rotationText(name, key)) });
  let answer: unknown;
  try {
    answer = parseJson(await askOnce(servers, caPath, name, seed, rotateSubject(name), request));
  } catch (thrown) {
    if (!isAppError(thrown)) throw thrown;
    if (await canConnect(servers, caPath, name, next)) return adopt(true);
    throw thrown;
  }
  const { refused } = (answer ?? { refused: 'no answer' }) as { refused?: unknown };
  if (refused !== undefined) {
    // One that was asked for before may be the key of this resolver already.
    if (!isResumed) rmSync(path, { force: true });
    throw new AppError('ERR_FLEET_TOKEN', `getting another key: ${String(refused)}`);
  }
  return adopt(await canConnect(servers, caPath, name, next));
};

const newSeed = (): string => Buffer.from(createUser().getSeed()).toString('latin1');
