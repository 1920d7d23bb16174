// The file of the key by which an authority signs, while it is replaced as well.
//
// The entry by which another key signs is in the log before that key is in the place of the one before: a crash between the two
// leaves a key that nobody trusts any more, which is no sign that somebody else has taken over.
import { existsSync, renameSync } from 'node:fs';
import { fleetPath } from './identity.ts';
import { createKeyFile, formatPublicKey, readKeyFile, type SigningKey } from './key.ts';
import type { Membership } from './membership.ts';

const nextOf = (path: string): string => `${path}.next`;

/** Reads the key; the one that was made last where the log says so. Throws ERR_FLEET_KEY and errors of the system. */
export const readAuthorityKey = (stateDirectory: string, membership: Membership): SigningKey => {
  const path = fleetPath(stateDirectory, 'authorityKey');
  const key = readKeyFile(path);
  if (membership.hasKey(key.keyId) || !existsSync(nextOf(path))) return key;
  const next = readKeyFile(nextOf(path));
  if (!membership.hasKey(next.keyId)) return key;
  renameSync(nextOf(path), path);
  return next;
};

/** Makes another key; `sign` has the one in use say so. Rejects as that does, with ERR_FLEET_KEY and errors of the system. */
export const replaceAuthorityKey = async (
  stateDirectory: string,
  before: SigningKey,
  sign: (body: { readonly add: string; readonly remove: string }, key: SigningKey) => Promise<unknown>,
): Promise<SigningKey> => {
  const path = fleetPath(stateDirectory, 'authorityKey');
  const key = createKeyFile(nextOf(path));
  await sign({ add: formatPublicKey(key.publicKey), remove: formatPublicKey(before.publicKey) }, key);
  renameSync(nextOf(path), path);
  return key;
};
