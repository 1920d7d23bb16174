// The configuration of the engine (nats-server), written for operators to read and for the engine to take.
//
//   engine/nats-server.conf      or one for each server of a cluster: nats-server-1.conf, …
//   engine/users.conf            who may connect and what each may do; written again when a resolver comes or goes
//   engine/leaf-SITE.conf        a leaf node for a site: what its resolvers connect to when the way to the cluster is long
//   engine/leaf-SITE-users.conf  who may connect to it: the resolvers of the site
//   engine/engine.json           what it was made of
//
// Every user has a key of its own and may use the subjects that it needs, nothing else. TLS 1.3 only. What a leaf node may
// is what its resolvers may together. It is told when it connects and never again: when that changes, users.conf makes the
// engine close the connections of leaf nodes, which come back a second later with the rights of now (ADR 0097).
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError, DIRECTORY_MODE, errorText, replaceFileNow } from '../base/base.ts';
import type { Member } from './membership.ts';
import { collectorRights, inboxOf, nodeRights, type Rights, tokenRights } from './subjects.ts';
import type { IssuedToken } from './tokens.ts';

/** The largest record of a change has 1 MiB; packed, a block is far below. */
const PAYLOAD_MAX = '4MB';
const FILE_MODE = 0o640;
const USERS_NAME = 'users.conf';
const SETTINGS_NAME = 'engine.json';

const settingsSchema = z.looseObject({
  /** Addresses that clients connect to, `HOST:PORT`, one for each server. */
  servers: z.array(z.string()).min(1),
  /** Of routes between the servers of a cluster, and of leaf nodes; absent for none. */
  clusterPort: z.int().exactOptional(),
  leafPort: z.int().exactOptional(),
  tls: z.looseObject({ cert: z.string(), key: z.string(), ca: z.string() }).exactOptional(),
  store: z.string(),
  /** Public nkeys. */
  authority: z.looseObject({ name: z.string(), key: z.string() }),
  collector: z.looseObject({ name: z.string(), key: z.string() }),
  system: z.looseObject({ key: z.string() }),
  /** Of routes: the servers of a cluster know each other by it. */
  clusterSecret: z.string().exactOptional(),
  /** Public nkeys of the leaf nodes of sites, and where each listens, `HOST:PORT`. */
  leafs: z.record(z.string(), z.string()).exactOptional(),
  leafListens: z.record(z.string(), z.string()).exactOptional(),
  /** Names of the resolvers beside which the servers after the first stand; absent where their files are taken there by hand. */
  hosts: z.array(z.string()).exactOptional(),
  /** The servers read LEAF_COMPRESSION of users.conf; absent where an older version wrote their configuration. */
  renewsLeafs: z.boolean().exactOptional(),
});

/** What the configuration is made of. */
export type EngineSettings = Readonly<z.infer<typeof settingsSchema>>;

/** Reads what a configuration was made of. Throws ERR_FLEET_ENGINE_FILES. */
export const readEngineSettings = (directory: string, name = SETTINGS_NAME): EngineSettings => {
  const path = join(directory, name);
  try {
    return settingsSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new AppError('ERR_FLEET_ENGINE_FILES', `reading ${path}: ${errorText(cause)}`, {
      cause,
      hint: '"cordon fleet init" writes it.',
    });
  }
};

/** Writes the configuration of every server. Throws ERR_FLEET_ENGINE_FILES. */
export const writeEngineFiles = (directory: string, settings: EngineSettings): void =>
  writing(directory, () => {
    mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODE });
    const put = (name: string, text: string): void => replaceFileNow(join(directory, name), text, FILE_MODE);
    put(SETTINGS_NAME, `${JSON.stringify(settings, undefined, 2)}\n`);
    // Of other machines, their resolvers have theirs.
    const isOwnAlone = settings.servers.length === 1 || settings.hosts !== undefined;
    if (isOwnAlone) put('nats-server.conf', serverText(settings, 0));
    else
      for (const index of settings.servers.keys())
        put(`nats-server-${index + 1}.conf`, serverText(settings, index));
    for (const site of Object.keys(settings.leafs ?? {})) {
      const seed = readFileSync(leafSeedPath(directory, site), 'utf8').trim();
      put(`leaf-${site}.conf`, leafText(settings, site, seed));
    }
  });

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
    for (const { path, text } of usersFiles(directory, settings, members, tokens, leafs))
      if (!isWritten(path, text)) replaceFileNow(path, text, FILE_MODE);
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
    written = usersFiles(directory, settings, members, tokens, 'now').every(({ path, text }) =>
      isWritten(path, text),
    );
  });
  return written;
};

/** What the leaf node of a site reads of who may connect to it; undefined for a site that has none. */
export const leafUsersPath = (
  directory: string,
  { leafs = {} }: EngineSettings,
  site: string | undefined,
): string | undefined =>
  site !== undefined && Object.hasOwn(leafs, site) ? join(directory, leafUsersName(site)) : undefined;

const leafUsersName = (site: string): string => `leaf-${site}-users.conf`;

const usersFiles = (
  directory: string,
  settings: EngineSettings,
  members: readonly Member[],
  tokens: readonly IssuedToken[],
  leafs: 'now' | 'later',
): { readonly path: string; readonly text: string }[] => [
  usersFile(join(directory, USERS_NAME), settings, members, tokens, leafs),
  ...Object.keys(settings.leafs ?? {}).map((site) => ({
    path: join(directory, leafUsersName(site)),
    text: leafUsersText(site, members, tokens),
  })),
];

const isWritten = (path: string, text: string): boolean => textOf(path) === text;

const textOf = (path: string): string | undefined =>
  existsSync(path) ? readFileSync(path, 'utf8') : undefined;

const writing = (directory: string, write: () => void): void => {
  try {
    write();
  } catch (cause) {
    throw new AppError('ERR_FLEET_ENGINE_FILES', `writing ${directory}: ${errorText(cause)}`, { cause });
  }
};

const HEAD = (what: string, written: 'once' | 'at each change'): string =>
  `# ${what}\n# Written by Cordon, ${
    written === 'once'
      ? 'once: it may be edited.'
      : 'again when a resolver comes or goes: what is edited here is lost.'
  }\n\n`;

const quote = (text: string): string => JSON.stringify(text);

/** The configuration of one server. */
export const serverText = (settings: EngineSettings, index: number): string => {
  const { servers, clusterPort, leafPort, tls, store, clusterSecret, renewsLeafs } = settings;
  const [host = '', port = ''] = splitAddress(servers[index] ?? '');
  const isCluster = servers.length > 1;
  const name = `cordon-${index + 1}`;
  const block = tlsText(tls);
  const routes = servers
    .filter((_, other) => other !== index)
    .map((server) => `nats://cordon:${clusterSecret ?? ''}@${splitAddress(server)[0]}:${clusterPort ?? ''}`);
  return `${HEAD('An engine for Cordon: carries policy outwards and evidence inwards.', 'once')}server_name: ${name}
listen: ${quote(`${host}:${port}`)}
max_payload: ${PAYLOAD_MAX}

# Nothing that the engine acknowledges has to survive a power cut: resolvers and authority put back what it loses.
jetstream {
  store_dir: ${quote(store)}
}

include ${USERS_NAME}
${block === '' ? '' : `\n${block}`}${
  isCluster
    ? `\ncluster {
  name: cordon
  listen: ${quote(`${host}:${clusterPort ?? ''}`)}
  authorization { user: cordon, password: ${quote(clusterSecret ?? '')} }
  routes: [${routes.map(quote).join(', ')}]
${indent(block)}}\n`
    : ''
}${
  leafPort === undefined
    ? ''
    : `\n# Sites connect here by leaf nodes of their own, which use the streams of this engine.
${SAME_STREAMS}leafnodes {
  listen: ${quote(`${host}:${leafPort}`)}
${renewsLeafs === true ? LEAF_COMPRESSION_LINES : ''}${indent(block)}}\n`
}`;
};

/**
 * Without it, both ends of a leaf node drop what is asked of streams, and what goes to key-value buckets: the engine takes it
 * for possible that the leaf node has streams of its own.
 */
const SAME_STREAMS = 'default_js_domain { CORDON: "" }\n';

const LEAF_COMPRESSION_LINES = `  # Of ${USERS_NAME}: another value has this server close the connections of leaf nodes, which come back with their new rights.
  compression: $LEAF_COMPRESSION
`;

/** Where the seed of a site's leaf node is kept. */
export const leafSeedPath = (directory: string, site: string): string => join(directory, `leaf-${site}.seed`);

/** Where a leaf node listens unless `--leaf SITE=HOST:PORT` says otherwise. */
const LEAF_LISTEN = '0.0.0.0:4222';

const leafText = (settings: EngineSettings, site: string, seed: string): string => {
  const { servers, leafPort, leafListens = {}, tls } = settings;
  const urls = servers.map(
    (server) => `${tls === undefined ? 'nats-leaf' : 'tls'}://${splitAddress(server)[0]}:${leafPort ?? ''}`,
  );
  const block = tlsText(tls);
  const ca = tls === undefined ? '' : `, tls: { ca_file: ${quote(tls.ca)}, min_version: "1.3" }`;
  return `${HEAD(`The leaf node of the site ${site}: its resolvers connect to it, and it to the engine. It keeps nothing.`, 'once')}server_name: cordon-leaf-${site}
listen: ${quote(leafListens[site] ?? LEAF_LISTEN)}
max_payload: ${PAYLOAD_MAX}
${block === '' ? '' : `\n${block}`}
${SAME_STREAMS}leafnodes {
  # This file holds the seed of the leaf: for the eyes of the engine's user only.
  remotes: [{ urls: [${urls.map(quote).join(', ')}], account: CORDON, nkey: ${quote(seed)}${ca} }]
}

include ${leafUsersName(site)}
`;
};

const tlsText = (tls: EngineSettings['tls']): string =>
  tls === undefined
    ? ''
    : `tls {
  cert_file: ${quote(tls.cert)}
  key_file: ${quote(tls.key)}
  ca_file: ${quote(tls.ca)}
  min_version: "1.3"
}
`;

const indent = (text: string): string => text.replaceAll(/^(?=.)/gm, '  ');

const usersFile = (
  path: string,
  settings: EngineSettings,
  members: readonly Member[],
  tokens: readonly IssuedToken[],
  toldLeafs: 'now' | 'later',
): { readonly path: string; readonly text: string } => {
  const { authority, leafs = {}, renewsLeafs = false } = settings;
  const leafUsers = Object.entries(leafs)
    .map(([site, key]) =>
      userText(key, `the leaf node of ${site}`, leafRights(site, authority.name, members, tokens)),
    )
    .join('\n');
  const line = renewsLeafs ? compressionLine(textOf(path) ?? '', leafUsers, toldLeafs) : '';
  return { path, text: usersText(settings, members, tokens, leafUsers, line) };
};

const COMPRESSION_LINE = /^LEAF_COMPRESSION: "(\w+)" # for rights ([0-9a-f]+)\n/m;
const RIGHTS_LENGTH = 16;

/**
 * Another value than what is written when the rights of leaf nodes are others: with it the engine closes their connections,
 * the only way to have it tell a leaf node what it may (nats-server 2.10). It does so from "off" to another value and from
 * any to "off". For which rights it was is written beside it.
 */
const compressionLine = (written: string, leafUsers: string, toldLeafs: 'now' | 'later'): string => {
  const rights = createHash('sha256').update(leafUsers).digest('hex').slice(0, RIGHTS_LENGTH);
  const [line, before, told] = COMPRESSION_LINE.exec(written) ?? [];
  if (line !== undefined && (told === rights || toldLeafs === 'later')) return line;
  return `LEAF_COMPRESSION: ${quote(before === 's2_fast' ? 'off' : 's2_fast')} # for rights ${rights}\n`;
};

const usersText = (
  { authority, collector, system }: EngineSettings,
  members: readonly Member[],
  tokens: readonly IssuedToken[],
  leafUsers: string,
  compression: string,
): string => {
  const users = [
    userText(authority.key, `the authority ${authority.name}`, undefined),
    userText(collector.key, `the collector ${collector.name}`, collectorRights(collector.name)),
    ...memberUsers(members.filter(({ name }) => name !== authority.name)),
    ...tokenUsers(tokens),
    ...(leafUsers === '' ? [] : [leafUsers]),
  ];
  return `${HEAD('Who may connect to the engine, and what each may do.', 'at each change')}${compression}accounts {
  CORDON {
    jetstream: enabled
    users: [
${users.join('\n')}
    ]
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
};

const memberUsers = (members: readonly Member[]): string[] =>
  members
    .filter(({ until }) => until === undefined)
    .map(({ name, key, site }) =>
      userText(key, `${name}${site === undefined ? '' : ` of ${site}`}`, nodeRights(name)),
    );

const tokenUsers = (tokens: readonly IssuedToken[]): string[] =>
  tokens.map(({ name, key, until }) =>
    userText(key, `a token for ${name} until ${until}`, tokenRights(name)),
  );

const isOf =
  (site: string) =>
  (one: { readonly site?: string | undefined }): boolean =>
    one.site === site;

/** What a leaf node has of the users: those of its site, so that a machine there knows of nobody else. */
const leafUsersText = (site: string, members: readonly Member[], tokens: readonly IssuedToken[]): string => {
  const users = [...memberUsers(members.filter(isOf(site))), ...tokenUsers(tokens.filter(isOf(site)))];
  return `${HEAD(`Who may connect to the leaf node of ${site}. Have it read this file again when it changed.`, 'at each change')}accounts {
  CORDON {
    users: [
${users.join('\n')}
    ]
  }
}
`;
};

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

/** Host and port; an IPv6 address stands in brackets. */
export const splitAddress = (text: string): readonly [host: string, port: string] => {
  const at = text.lastIndexOf(':');
  return [text.slice(0, at), text.slice(at + 1)];
};
