// The configuration of the engine (nats-server), written for operators to read and for the engine to take.
//
//   engine/nats-server.conf      or one for each server of a cluster: nats-server-1.conf, …
//   engine/users.conf            who may connect and what each may do (engine-users.ts)
//   engine/leaf-SITE.conf        a leaf node for a site: what its resolvers connect to when the way to the cluster is long
//   engine/leaf-SITE-users.conf  who may connect to it: the resolvers of the site
//   engine/engine.json           what it was made of
//
// Every user has a key of its own and may use the subjects that it needs, nothing else. TLS 1.3 only. What a leaf node may
// is what its resolvers may together. It is told when it connects and never again: when that changes, users.conf makes the
// engine close the connections of leaf nodes, which come back a second later with the rights of now (ADR 0097).
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError, DIRECTORY_MODE, errorText, replaceFileNow } from '../base/base.ts';

/** The largest record of a change has 1 MiB; packed, a block is far below. */
const PAYLOAD_MAX = '4MB';
/** The engine runs as another user of the group. */
export const FILE_MODE = 0o640;
export const USERS_NAME = 'users.conf';
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

/** Who may connect to the leaf node of a site. */
export const leafUsersName = (site: string): string => `leaf-${site}-users.conf`;

/** Writes files of an engine. Throws ERR_FLEET_ENGINE_FILES. */
export const writing = (directory: string, write: () => void): void => {
  try {
    write();
  } catch (cause) {
    throw new AppError('ERR_FLEET_ENGINE_FILES', `writing ${directory}: ${errorText(cause)}`, { cause });
  }
};

/** How each file begins. */
export const HEAD = (what: string, written: 'once' | 'at each change'): string =>
  `# ${what}\n# Written by Cordon, ${
    written === 'once'
      ? 'once: it may be edited.'
      : 'again when a resolver comes or goes: what is edited here is lost.'
  }\n\n`;

/** A text as the engine reads it. */
export const quote = (text: string): string => JSON.stringify(text);

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

/** Host and port; an IPv6 address stands in brackets. */
export const splitAddress = (text: string): readonly [host: string, port: string] => {
  const at = text.lastIndexOf(':');
  return [text.slice(0, at), text.slice(at + 1)];
};
