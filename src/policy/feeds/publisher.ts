// Writes a feed for any static web server: the files of a directory, and the metadata of TUF 1.0 over them.
//
//   N.root.json  N.targets.json  N.snapshot.json  timestamp.json  targets/SHA256.NAME      (consistent snapshots)
//
// The timestamp is written last, by a rename: who reads meanwhile sees the feed of before or of after. Roles sign only where
// something changed or would end, so that a machine which renews the timestamp each day needs the keys of timestamp and snapshot
// alone, and those of root stay in safes. What was published and its keys is all the state there is.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join, parse, relative, resolve } from 'node:path';
import { canonicalize } from '@tufjs/canonical-json';
import { z } from 'zod';
import { DAY_MS, errorText, isAppError, replaceFileNow, systemErrorCode } from '../../base/base.ts';
import { readMandate } from '../../config/config.ts';
import { parseCordonList, readListFile } from '../lists/lists.ts';
import { FEED_ROLES, type FeedRole } from './feed-roles.ts';
import {
  createSigner,
  type FeedSigner,
  publishError,
  readSigners,
  saveSigner,
  signCanonical,
} from './keys.ts';
import { parseRelease, RELEASE_NAME } from './release.ts';

/** Keys of a new role, and how many of them have to sign: two of three people for what everything else rests on. */
const NEW_KEYS: Readonly<Record<FeedRole, { readonly count: number; readonly threshold: number }>> = {
  root: { count: 3, threshold: 2 },
  targets: { count: 1, threshold: 1 },
  snapshot: { count: 1, threshold: 1 },
  timestamp: { count: 1, threshold: 1 },
};
/** Days that each vouches for. Renewed in the last half of them, where the keys are there. */
const DAYS: Readonly<Record<FeedRole, number>> = { root: 730, targets: 365, snapshot: 90, timestamp: 14 };
const SPEC_VERSION = '1.0.31';
const FILE_MODE = 0o644;
const DIRECTORY_MODE = 0o755;
/** As a reader takes at most of one list. */
const TARGET_BYTES_MAX = 256 * 1024 * 1024;
const TARGETS_MAX = 1000;
const TARGET_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
/** Folder of the packs of mandates, the only one whose files are published beside those directly in the folder. */
const MANDATES_NAME = 'mandates';
const ROOT_NAME = /^([1-9][0-9]{0,8})\.root\.json$/;

const roleSchema = z.object({ keyids: z.array(z.string()), threshold: z.number() });
const keySchema = z.object({
  keytype: z.literal('ed25519'),
  scheme: z.literal('ed25519'),
  keyval: z.object({ public: z.string() }),
});
const common = { version: z.number(), expires: z.string() };
const rootSchema = z.object({
  ...common,
  keys: z.record(z.string(), keySchema),
  roles: z.record(z.enum(FEED_ROLES), roleSchema),
});
const metaSchema = z.object({ ...common, meta: z.record(z.string(), z.object({ version: z.number() })) });
const targetsSchema = z.object({ ...common, targets: z.record(z.string(), z.unknown()) });

type Root = z.infer<typeof rootSchema>;

/** What to publish. */
export interface PublishOptions {
  /** The folder that a web server has. */
  readonly repository: string;
  /** The files of this one, without those below it. */
  readonly from: string;
  /** Where keys lie; new ones are made in the first. */
  readonly keys: readonly string[];
  /** Roles that get new keys. */
  readonly rotate: readonly FeedRole[];
  /** Days that the timestamp vouches for; 14 when undefined. */
  readonly days: number | undefined;
  readonly nowMs: number;
}

/** What was published. */
export interface Published {
  readonly rootVersion: number;
  readonly rootSha256: string;
  readonly versions: Readonly<Record<FeedRole, number>>;
  readonly expires: Readonly<Record<FeedRole, string>>;
  /** Names of files that came, changed or went. */
  readonly changed: readonly string[];
  readonly files: number;
}

/** Publishes. Throws ERR_FEED_PUBLISH, and errors of a list that cannot be read. */
export const publishFeed = (options: PublishOptions): Published => {
  try {
    return publish(options);
  } catch (thrown) {
    if (systemErrorCode(thrown) === undefined || isAppError(thrown)) throw thrown;
    throw publishError(errorText(thrown), undefined, thrown);
  }
};

const publish = (options: PublishOptions): Published => {
  const { repository, from, keys, rotate, nowMs } = options;
  requireApart(repository, keys);
  requireApart(from, keys);
  const files = readTargets(from);
  mkdirSync(join(repository, 'targets'), { recursive: true, mode: DIRECTORY_MODE });
  const days = { ...DAYS, timestamp: options.days ?? DAYS.timestamp };
  const signers = readSigners(keys);
  const root = writeRoot(options, signers, days.root);
  const targetsOf = Object.fromEntries(
    files.map(({ name, bytes, sha256 }) => [name, { length: bytes.length, hashes: { sha256 } }]),
  );
  const make = (
    role: Exclude<FeedRole, 'root'>,
    file: string | undefined,
    content: object,
    isChanged: boolean,
  ) => {
    const known = file === undefined ? undefined : readSigned(repository, file, z.object(common));
    const { keyids } = root.roles[role];
    const isRenewed = rotate.includes(role) || !isSignedBy(repository, file, keyids);
    const isDue = known === undefined || Date.parse(known.expires) - nowMs < (days[role] / 2) * DAY_MS;
    const canSign = keyids.some((keyid) => signers.has(keyid));
    const isWanted = role === 'timestamp' || isChanged || isRenewed || known === undefined;
    if (!isWanted && !(isDue && canSign)) return { ...known, isNew: false, bytes: undefined };
    const version = (known?.version ?? 0) + 1;
    const expires = expiryOf(nowMs, days[role]);
    const signed = { _type: role, spec_version: SPEC_VERSION, version, expires, ...content };
    return { version, expires, isNew: true, bytes: seal(signed, signersOf(root, role, signers)) };
  };
  const timestamp = readSigned(repository, 'timestamp.json', metaSchema);
  const snapshotFile = nameOf('snapshot', timestamp?.meta['snapshot.json']?.version);
  const snapshot = snapshotFile && readSigned(repository, snapshotFile, metaSchema);
  const targetsFile = nameOf('targets', snapshot ? snapshot.meta['targets.json']?.version : undefined);
  const before = (targetsFile && readSigned(repository, targetsFile, targetsSchema)?.targets) || {};
  const changed = differences(before, targetsOf);

  const nextTargets = make('targets', targetsFile, { targets: targetsOf }, changed.length > 0);
  const nextSnapshot = make(
    'snapshot',
    snapshotFile,
    { meta: { 'targets.json': { version: nextTargets.version } } },
    nextTargets.isNew,
  );
  const nextTimestamp = make(
    'timestamp',
    timestamp === undefined ? undefined : 'timestamp.json',
    { meta: { 'snapshot.json': { version: nextSnapshot.version } } },
    true,
  );
  // Whatever could not be signed has failed by now: keys come before what they signed, and the timestamp last.
  const [place] = keys;
  if (place === undefined) throw publishError('there is no place for new keys', 'Write --keys DIRECTORY.');
  for (const [name, signer] of root.newKeys ?? []) saveSigner(place, name, signer);
  for (const { name, bytes, sha256 } of files) {
    const { dir, base } = parse(name);
    mkdirSync(join(repository, 'targets', dir), { recursive: true, mode: DIRECTORY_MODE });
    write(join(repository, 'targets', dir, `${sha256}.${base}`), bytes);
  }
  if (nextTargets.bytes !== undefined)
    write(join(repository, `${nextTargets.version}.targets.json`), nextTargets.bytes);
  if (nextSnapshot.bytes !== undefined)
    write(join(repository, `${nextSnapshot.version}.snapshot.json`), nextSnapshot.bytes);
  if (root.bytes !== undefined) write(join(repository, `${root.version}.root.json`), root.bytes);
  if (nextTimestamp.bytes !== undefined) write(join(repository, 'timestamp.json'), nextTimestamp.bytes);
  const of = (role: FeedRole) =>
    ({ root, targets: nextTargets, snapshot: nextSnapshot, timestamp: nextTimestamp })[role];
  const current = root.bytes ?? readFileSync(join(repository, `${root.version}.root.json`));
  return {
    rootVersion: root.version,
    rootSha256: sha256Of(current),
    versions: byRole((role) => of(role).version ?? 0),
    expires: byRole((role) => of(role).expires ?? ''),
    changed,
    files: files.length,
  };
};

const byRole = <Value>(of: (role: FeedRole) => Value): Record<FeedRole, Value> => ({
  root: of('root'),
  targets: of('targets'),
  snapshot: of('snapshot'),
  timestamp: of('timestamp'),
});

/** The root to publish under: the last one, or the next where keys or its end ask for it; then with its bytes. */
const writeRoot = (
  { repository, rotate, nowMs }: PublishOptions,
  signers: Map<string, FeedSigner>,
  days: number,
): Root & { readonly bytes?: Buffer; readonly newKeys?: ReadonlyMap<string, FeedSigner> } => {
  const version = lastRoot(repository);
  const known = version === 0 ? undefined : readSigned(repository, `${version}.root.json`, rootSchema);
  const isDue = known !== undefined && Date.parse(known.expires) - nowMs < (days / 2) * DAY_MS;
  const renewed = known === undefined ? FEED_ROLES : FEED_ROLES.filter((role) => rotate.includes(role));
  const canSign = known !== undefined && countOf(known, signers) >= known.roles.root.threshold;
  if (known !== undefined && renewed.length === 0 && !(isDue && canSign)) return known;
  if (known !== undefined) signersOf(known, 'root', signers);
  const next = structuredClone(known) ?? { version: 0, expires: '', keys: {}, roles: byRole(() => NO_ROLE) };
  next.version = version + 1;
  next.expires = expiryOf(nowMs, days);
  const newKeys = new Map<string, FeedSigner>();
  for (const role of renewed) {
    const { count, threshold } = NEW_KEYS[role];
    const made = Array.from({ length: count }, createSigner);
    for (const [index, signer] of made.entries()) {
      newKeys.set(`${role}-${next.version}${count === 1 ? '' : `-${index + 1}`}`, signer);
      signers.set(signer.keyid, signer);
      next.keys[signer.keyid] = signer.key;
    }
    next.roles[role] = { keyids: made.map(({ keyid }) => keyid), threshold };
  }
  const used = new Set(FEED_ROLES.flatMap((role) => next.roles[role].keyids));
  next.keys = Object.fromEntries(Object.entries(next.keys).filter(([keyid]) => used.has(keyid)));
  const signed = { _type: 'root', spec_version: SPEC_VERSION, consistent_snapshot: true, ...next };
  // Those who were trusted before say who is trusted from now on.
  const all = new Set([...(known?.roles.root.keyids ?? []), ...next.roles.root.keyids]);
  return {
    ...next,
    newKeys,
    bytes: seal(
      signed,
      [...all].flatMap((keyid) => signers.get(keyid) ?? []),
    ),
  };
};

const NO_ROLE = { keyids: [] as string[], threshold: 1 };

const countOf = (root: Root, signers: ReadonlyMap<string, FeedSigner>): number =>
  root.roles.root.keyids.filter((keyid) => signers.has(keyid)).length;

const signersOf = (root: Root, role: FeedRole, signers: ReadonlyMap<string, FeedSigner>): FeedSigner[] => {
  const { keyids, threshold } = root.roles[role];
  const found = keyids.flatMap((keyid) => signers.get(keyid) ?? []);
  if (found.length >= threshold) return found;
  throw publishError(
    `${threshold} of the ${keyids.length} keys of ${role} have to sign, ${found.length} are here`,
    `Write --keys with the directory that has them; root ${root.version} names ${keyids.map((id) => id.slice(0, 8)).join(', ')}.`,
  );
};

/** Keys in a folder that is published would be published with it. */
const requireApart = (repository: string, keys: readonly string[]): void => {
  for (const directory of keys) {
    const inside = relative(resolve(repository), resolve(directory));
    if (!inside.startsWith('..'))
      throw publishError(`the keys in ${directory} would be published with ${repository}`);
  }
};

interface TargetBytes {
  readonly name: string;
  readonly bytes: Buffer;
  readonly sha256: string;
}

/** Files of a folder that may be published. */
const namesIn = (from: string): string[] =>
  readdirSync(from, { withFileTypes: true })
    .filter((entry) => entry.isFile() && TARGET_NAME.test(entry.name) && entry.name !== 'README.md')
    .map(({ name }) => name)
    .sort();

const readTargets = (from: string): TargetBytes[] => {
  const packs = existsSync(join(from, MANDATES_NAME)) ? namesIn(join(from, MANDATES_NAME)) : [];
  const names = [...namesIn(from), ...packs.map((name) => `${MANDATES_NAME}/${name}`)];
  if (names.length === 0 || names.length > TARGETS_MAX)
    throw publishError(`${from} has ${names.length} files`, `At least one and at most ${TARGETS_MAX}.`);
  return names.map((name) => {
    const path = join(from, name);
    if (name.endsWith('.pem')) throw publishError(`${path} looks like a key, and would be published`);
    // What nobody could load is not published.
    if (name.startsWith(`${MANDATES_NAME}/`)) requirePack(path);
    else if (name.endsWith('.yaml')) requireList(path);
    const bytes = readFileSync(path);
    if (name === RELEASE_NAME && parseRelease(bytes) === undefined)
      throw publishError(
        `${path} tells of no release`,
        'Write {"version": "0.2.0", "date": "2027-03-01", "notes": "https://…"}.',
      );
    if (bytes.length > TARGET_BYTES_MAX)
      throw publishError(`${path} has more than ${TARGET_BYTES_MAX} bytes`);
    return { name, bytes, sha256: sha256Of(bytes) };
  });
};

const requirePack = (path: string): void => {
  const [problem] = readMandate(path).problems;
  if (problem === undefined) return;
  throw publishError(`${path}:${problem.line}:${problem.column}: ${problem.path} ${problem.text}`);
};

const requireList = (path: string): void => {
  const { header, log } = parseCordonList(readListFile(path));
  const [{ line, column, text } = { line: 1, column: 1, text: 'no list' }] = log.kept;
  if (header === undefined || log.count > 0) throw publishError(`${path}:${line}:${column}: ${text}`);
};

const lastRoot = (repository: string): number =>
  readdirSync(repository).reduce((last, name) => Math.max(last, Number(ROOT_NAME.exec(name)?.[1] ?? 0)), 0);

const nameOf = (role: string, version: number | undefined): string | undefined =>
  version === undefined ? undefined : `${version}.${role}.json`;

/** The signed part of metadata; undefined where there is none. Throws ERR_FEED_PUBLISH. */
const readSigned = <Signed>(
  repository: string,
  name: string,
  schema: z.ZodType<Signed>,
): Signed | undefined => {
  try {
    return schema.parse(z.object({ signed: z.unknown() }).parse(readJson(repository, name)).signed);
  } catch (thrown) {
    if (systemErrorCode(thrown) === 'ENOENT') return undefined;
    throw publishError(`${join(repository, name)} is no metadata that this wrote`, undefined, thrown);
  }
};

/** True where one of the keys that count signed it. */
const isSignedBy = (repository: string, name: string | undefined, keyids: readonly string[]): boolean => {
  if (name === undefined) return false;
  const schema = z.object({ signatures: z.array(z.object({ keyid: z.string() })) });
  return schema.parse(readJson(repository, name)).signatures.some(({ keyid }) => keyids.includes(keyid));
};

const readJson = (repository: string, name: string): unknown =>
  JSON.parse(readFileSync(join(repository, name), 'utf8'));

const differences = (
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): string[] =>
  [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((name) => canonicalize(before[name] ?? null) !== canonicalize(after[name] ?? null))
    .sort();

const seal = (signed: object, signers: readonly FeedSigner[]): Buffer =>
  Buffer.from(
    `${JSON.stringify({ signatures: signers.map((signer) => signCanonical(signed, signer)), signed }, undefined, 1)}\n`,
  );

/** As the specification writes it: seconds, in UTC. */
const expiryOf = (nowMs: number, days: number): string =>
  `${new Date(nowMs + days * DAY_MS).toISOString().slice(0, 19)}Z`;

const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const write = (path: string, bytes: Uint8Array): void => replaceFileNow(path, bytes, FILE_MODE);
