// The whole configuration as text: every default written out, every path absolute.
//
// Loading the text gives the same configuration, except that no configuration has a key for "the system's
// resolvers": there `upstreams` stays away. The configuration has no secrets; a key that holds one has to be masked
// here. The query of a list's address may hold a token; it is shown, because the text could not be read back.
import { createHash } from 'node:crypto';
import { stringify } from 'yaml';
import { z } from 'zod';
import { countPrefixes, type PrefixList } from '../base/base.ts';
import { fromForm } from './form.ts';
import { type Config, configSchema, type RawConfig } from './schema.ts';
import type { PrefixFile } from './sections/prefixes.ts';

/** YAML of the effective configuration. */
export const effectiveConfig = (config: Config): string =>
  stringify(effectiveValues(config), { lineWidth: 0, aliasDuplicateObjects: false });

/** SHA-256 of the effective configuration and its files of prefixes, in hex: equal for equal behavior, however it is written. */
export const configHash = (config: Config): string => {
  let hash = hashes.get(config);
  if (hash === undefined) {
    const digest = createHash('sha256').update(effectiveConfig(config));
    for (const { key, sha256 } of prefixFilesOf(config)) digest.update(`${key} ${sha256}\n`);
    for (const { mandate, sha256 } of config.mandates) digest.update(`mandates ${mandate.id} ${sha256}\n`);
    hash = digest.digest('hex');
    hashes.set(config, hash);
  }
  return hash;
};

/** Metrics ask at each scrape, and a configuration never changes. */
const hashes = new WeakMap<Config, string>();

/** A file of prefixes that a configuration names, and what was in it. */
export interface PrefixFileFacts {
  /** `groups[lab].clients-file` */
  readonly key: string;
  readonly path: string;
  readonly count: number;
  /** Of its prefixes, in hex; comments do not count. */
  readonly sha256: string;
}

/** The files of prefixes that a configuration was read with. */
export const prefixFilesOf = ({ access, groups }: Config): PrefixFileFacts[] => [
  ...factsOf('access.allow-file', access.allow, access.allowFile),
  ...groups.flatMap(({ name, clients, clientsFile }) =>
    factsOf(`groups[${name}].clients-file`, clients, clientsFile),
  ),
];

const factsOf = (key: string, list: PrefixList, file: PrefixFile | undefined): PrefixFileFacts[] => {
  if (file === undefined) return [];
  const { path, count } = file;
  const words = list.words.subarray(list.words.length - (list.words.length / countPrefixes(list)) * count);
  return [{ key, path, count, sha256: createHash('sha256').update(words).digest('hex') }];
};

/** The effective configuration as values, as a file would write them. */
export const effectiveValues = (config: Config): RawConfig =>
  z.encode(configSchema, fromForm(configSchema, config));
