// Who may connect to the engine, written again whenever a resolver comes or goes, and as often as once a second while many come.
//
// The text grows with the fleet: 1.4 MB with 1,000 resolvers and the tokens by which they came. So it is made in pieces, one for each user,
// of which none is kept: as a whole it would outlive the young objects, and the heap would grow by it until all of that is collected.
import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { fileIdentity, holdsNow, replaceFileNow } from '../base/base.ts';
import {
  type EngineSettings,
  FILE_MODE,
  HEAD,
  leafUsersName,
  quote,
  USERS_NAME,
  writing,
} from './engine-files.ts';
import type { Member } from './membership.ts';
import { collectorRights, inboxOf, nodeRights, type Rights, tokenRights } from './subjects.ts';
import type { IssuedToken } from './tokens.ts';

/**
 * Writes who may connect. Leaf nodes whose rights are others come back with them once the engine has read it, unless it is
 * `later`: then this is called again. Throws ERR_FLEET_ENGINE_FILES.
 */
export const writeUsers = (
  directory: string,
  settings: EngineSettings,
  members: readonly Member[],
  tokens: readonly IssuedToken[],
  leafs: 'now' | 'later' = 'now',
): void =>
  writing(directory, () => {
    const { path, pieces } = usersFile(directory, settings, members, tokens, leafs);
    // Nearly always another one: comparing would make all of it twice.
    replaceFileNow(path, pieces(), FILE_MODE);
    // Who copies one to its site sees by its time that there is something to copy.
    for (const leaf of leafUsersFiles(directory, settings, members, tokens))
      if (!holdsNow(leaf.path, leaf.pieces())) replaceFileNow(leaf.path, leaf.pieces(), FILE_MODE);
  });

/** Whether it is written already who may connect, and leaf nodes are told. Throws ERR_FLEET_ENGINE_FILES. */
export const areUsersWritten = (
  directory: string,
  settings: EngineSettings,
  members: readonly Member[],
  tokens: readonly IssuedToken[],
): boolean => {
  let written = false;
  writing(directory, () => {
    const users = usersFile(directory, settings, members, tokens, 'now');
    written = [users, ...leafUsersFiles(directory, settings, members, tokens)].every(({ path, pieces }) =>
      holdsNow(path, pieces()),
    );
  });
  return written;
};

/** Says the same of who may connect for as long as it is not written again. */
export const usersVersion = (directory: string): string => fileIdentity(join(directory, USERS_NAME));

/** What has the engine close the connections of leaf nodes when it is another one, as it is written now, and for which rights. */
export const leafsTold = (
  directory: string,
): { readonly value: string; readonly rights: string } | undefined => {
  const [, value, rights] = COMPRESSION_LINE.exec(headOf(join(directory, USERS_NAME))) ?? [];
  return value === undefined || rights === undefined ? undefined : { value, rights };
};

/** Has the engine close them once more when it reads this, whatever their rights are. Throws ERR_FLEET_ENGINE_FILES. */
export const tellLeafsAgain = (directory: string): void =>
  writing(directory, () => {
    const path = join(directory, USERS_NAME);
    const text = readFileSync(path, 'utf8').replace(COMPRESSION_LINE, (_, value: string, rights: string) =>
      compressionText(otherThan(value), rights),
    );
    replaceFileNow(path, text, FILE_MODE);
  });

/** What the leaf node of a site reads of who may connect to it; undefined for a site that has none. */
export const leafUsersPath = (
  directory: string,
  { leafs = {} }: EngineSettings,
  site: string | undefined,
): string | undefined =>
  site !== undefined && Object.hasOwn(leafs, site) ? join(directory, leafUsersName(site)) : undefined;

/** A file that may be as long as the fleet is large. */
interface PiecedFile {
  readonly path: string;
  /** Its text, made anew each time. */
  readonly pieces: () => Iterable<string>;
}

const leafUsersFiles = (
  directory: string,
  { leafs = {} }: EngineSettings,
  members: readonly Member[],
  tokens: readonly IssuedToken[],
): PiecedFile[] =>
  Object.keys(leafs).map((site) => ({
    path: join(directory, leafUsersName(site)),
    pieces: () => leafUsersText(site, members, tokens),
  }));

const usersFile = (
  directory: string,
  settings: EngineSettings,
  members: readonly Member[],
  tokens: readonly IssuedToken[],
  toldLeafs: 'now' | 'later',
): PiecedFile => {
  const path = join(directory, USERS_NAME);
  const { authority, leafs = {}, renewsLeafs = false } = settings;
  const leafUsers = Object.entries(leafs).map(([site, key]) =>
    userText(key, `the leaf node of ${site}`, leafRights(site, authority.name, members, tokens)),
  );
  const line = renewsLeafs ? compressionLine(headOf(path), leafUsers.join('\n'), toldLeafs) : '';
  return { path, pieces: () => usersText(settings, members, tokens, leafUsers, line) };
};

const COMPRESSION_LINE = /^LEAF_COMPRESSION: "(\w+)" # for rights ([0-9a-f]+)\n/m;
const RIGHTS_LENGTH = 16;
/** Of a file, so that the line above, which is the first behind the comment, is in it. */
const HEAD_BYTES = 4_096;

/** How a file begins; empty where there is none. */
const headOf = (path: string): string => {
  if (!existsSync(path)) return '';
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(HEAD_BYTES);
    return bytes.toString('utf8', 0, readSync(file, bytes, 0, HEAD_BYTES, 0));
  } finally {
    closeSync(file);
  }
};

/**
 * Another value than what is written when the rights of leaf nodes are others: with it the engine closes their connections,
 * the only way to have it tell a leaf node what it may (nats-server 2.10). It does so from "off" to another value and from
 * any to "off". For which rights it was is written beside it.
 */
const compressionLine = (written: string, leafUsers: string, toldLeafs: 'now' | 'later'): string => {
  const rights = createHash('sha256').update(leafUsers).digest('hex').slice(0, RIGHTS_LENGTH);
  const [line, before, told] = COMPRESSION_LINE.exec(written) ?? [];
  if (line !== undefined && (told === rights || toldLeafs === 'later')) return line;
  return compressionText(otherThan(before), rights);
};

const otherThan = (value: string | undefined): string => (value === 's2_fast' ? 'off' : 's2_fast');

const compressionText = (value: string, rights: string): string =>
  `LEAF_COMPRESSION: ${quote(value)} # for rights ${rights}\n`;

function* usersText(
  { authority, collector, system }: EngineSettings,
  members: readonly Member[],
  tokens: readonly IssuedToken[],
  leafUsers: readonly string[],
  compression: string,
): Generator<string> {
  yield `${HEAD('Who may connect to the engine, and what each may do.', 'at each change')}${compression}accounts {
  CORDON {
    jetstream: enabled
    users: [
`;
  yield `${userText(authority.key, `the authority ${authority.name}`, undefined)}\n`;
  yield `${userText(collector.key, `the collector ${collector.name}`, collectorRights(collector.name))}\n`;
  yield* memberUsers(members, ({ name }) => name !== authority.name);
  yield* tokenUsers(tokens);
  for (const user of leafUsers) yield `${user}\n`;
  yield `    ]
  }
  SYSTEM {
    users: [
      # has the engine read this file again
      { nkey: ${system.key} }
    ]
  }
}
system_account: SYSTEM
`;
}

function* memberUsers(members: readonly Member[], isIn: (member: Member) => boolean): Generator<string> {
  for (const member of members) {
    const { name, key, site, until } = member;
    if (until !== undefined || !isIn(member)) continue;
    yield `${userText(key, `${name}${site === undefined ? '' : ` of ${site}`}`, nodeRights(name))}\n`;
  }
}

function* tokenUsers(tokens: readonly IssuedToken[]): Generator<string> {
  for (const { name, key, until } of tokens)
    yield `${userText(key, `a token for ${name} until ${until}`, tokenRights(name))}\n`;
}

const isOf =
  (site: string) =>
  (one: { readonly site?: string | undefined }): boolean =>
    one.site === site;

/** What a leaf node has of the users: those of its site, so that a machine there knows of nobody else. */
function* leafUsersText(
  site: string,
  members: readonly Member[],
  tokens: readonly IssuedToken[],
): Generator<string> {
  yield `${HEAD(`Who may connect to the leaf node of ${site}. Have it read this file again when it changed.`, 'at each change')}accounts {
  CORDON {
    users: [
`;
  const users = [...memberUsers(members, isOf(site)), ...tokenUsers(tokens.filter(isOf(site)))];
  yield `${users.length === 0 ? '\n' : users.join('')}    ]
  }
}
`;
}

/**
 * A leaf may what the resolvers of its site may, together. What they answer when the authority asks them needs a right of its
 * own: the leaf's server knows nothing of the right to answer.
 */
const leafRights = (
  site: string,
  authority: string,
  members: readonly Member[],
  tokens: readonly IssuedToken[],
): Rights => {
  const rights = [
    ...members
      .filter(({ until }) => until === undefined)
      .filter(isOf(site))
      .map(({ name }) => nodeRights(name)),
    ...tokens.filter(isOf(site)).map(({ name }) => tokenRights(name)),
  ];
  const all = (of: 'publish' | 'subscribe'): string[] => [...new Set(rights.flatMap((one) => one[of]))];
  const answers = `${inboxOf(authority)}.>`;
  return { publish: [...all('publish'), answers], subscribe: all('subscribe'), answers: false };
};

const userText = (key: string, comment: string, rights: Rights | undefined): string => {
  if (rights === undefined) return `      # ${comment}\n      { nkey: ${key} }`;
  const subjects = (of: readonly string[]): string => of.map(quote).join(', ');
  return `      # ${comment}
      { nkey: ${key}, permissions: {
          publish: { allow: [${subjects(rights.publish)}] }
          subscribe: { allow: [${subjects(rights.subscribe)}] }${
            rights.answers ? '\n          allow_responses: { max: 1, expires: "10s" }' : ''
          }
      } }`;
};
