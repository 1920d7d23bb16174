// What a resolver keeps of its fleet: who it is there, its key, and where the rest lies in the state directory.
//
//   STATE/fleet/identity.json       name, site, enrolment
//   STATE/fleet/node.seed           its key, in the engine's form
//   STATE/fleet/node.seed.next      the key that it asked for in its place, until the engine lets that in
//   STATE/fleet/ca.pem              of a node that joined by a word: the certificate by which it believes the engine
//   STATE/fleet/policy.sqlite       the log of policy
//   STATE/fleet/joining.json        until a join is answered: the key that it asks with, and the hash of its token's secret
//   STATE/fleet/register.sqlite     of a node: the exemptions of the fleet
//   STATE/fleet/overlays.json       keys of configuration that the authority set
//   STATE/fleet/lists/ID            of a node: the content of a list, for a `file:` of the configuration
//   STATE/fleet/lists/ID.SHA256     of the authority: what it gave, to be put back
//   STATE/fleet/counting-key        under which all resolvers of the fleet count distinct clients
//   STATE/fleet/sequence            which numbers of its messages are used
//   STATE/fleet/heard.json          the last number that it heard of each sender; confirmed.json: of the collector, by class
//   STATE/fleet/witness/            its key as a witness of the others, and what it said last of each
//   STATE/fleet/authority-key.pem   of the authority
//   STATE/fleet/tokens.json         of the authority: hashes of tokens that were given out
//   STATE/fleet/engine/             of the authority: the configuration of the engine
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError, DIRECTORY_MODE, errorText, replaceFileNow } from '../base/base.ts';
import { NODE_NAME } from './subjects.ts';

/** Name of the directory in the state directory. */
export const FLEET_DIRECTORY = 'fleet';
/** Names in that directory. */
export const FLEET_FILES = {
  identity: 'identity.json',
  seed: 'node.seed',
  nextSeed: 'node.seed.next',
  joining: 'joining.json',
  ca: 'ca.pem',
  policy: 'policy.sqlite',
  register: 'register.sqlite',
  lists: 'lists',
  overlays: 'overlays.json',
  countingKey: 'counting-key',
  witness: 'witness',
  authorityKey: 'authority-key.pem',
  collectorSeed: 'collector.seed',
  sequence: 'sequence',
  heard: 'heard.json',
  confirmed: 'confirmed.json',
  tokens: 'tokens.json',
  engine: 'engine',
} as const;

/** Of keys. */
export const PRIVATE_MODE = 0o600;

const identitySchema = z.looseObject({
  name: z.string().regex(NODE_NAME),
  site: z.string().max(40).exactOptional(),
  enrolment: z.int().min(1),
});

/** Who a resolver is in its fleet. */
export interface Identity {
  readonly name: string;
  readonly site?: string;
  /** Counts from 1 by name. */
  readonly enrolment: number;
}

/** Path of a file of a fleet in the state directory. */
export const fleetPath = (stateDirectory: string, file: keyof typeof FLEET_FILES): string =>
  join(stateDirectory, FLEET_DIRECTORY, FLEET_FILES[file]);

/** Reads who this resolver is and its key. Throws ERR_FLEET_IDENTITY when it was never taken in. */
export const readIdentity = (
  stateDirectory: string,
): { readonly identity: Identity; readonly seed: string } => {
  try {
    const identity = identitySchema.parse(
      JSON.parse(readFileSync(fleetPath(stateDirectory, 'identity'), 'utf8')),
    );
    return { identity, seed: readFileSync(fleetPath(stateDirectory, 'seed'), 'utf8').trim() };
  } catch (cause) {
    throw new AppError(
      'ERR_FLEET_IDENTITY',
      `reading ${fleetPath(stateDirectory, 'identity')}: ${errorText(cause)}`,
      {
        cause,
        hint: 'Take the resolver in: "cordon fleet init" for an authority, "cordon fleet join" for a node.',
      },
    );
  }
};

/** Writes who this resolver is and its key. Throws errors of the system. */
export const writeIdentity = (stateDirectory: string, identity: Identity, seed: string): void => {
  mkdirSync(join(stateDirectory, FLEET_DIRECTORY), { recursive: true, mode: DIRECTORY_MODE });
  replaceFileNow(fleetPath(stateDirectory, 'seed'), `${seed.trim()}\n`, PRIVATE_MODE);
  replaceFileNow(fleetPath(stateDirectory, 'identity'), `${JSON.stringify(identity)}\n`, PRIVATE_MODE);
};
