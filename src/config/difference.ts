// What changed between two configurations, key by key, for records and people: bounded, and without secrets.
//
// Compared are the effective forms, so that a default that is written out is no change. Items of a list that have an id or
// a name are told apart by it, wherever they stand.
import { effectiveValues, prefixFilesOf } from './effective.ts';
import type { Config } from './schema.ts';

/** Differences that are told one by one: more of them are another configuration. */
const DIFFERENCES_MAX = 50;
/** Characters of a value. */
const VALUE_LENGTH_MAX = 160;
/** Keys whose value may be secret, by the last word; `public-key` and times of rotation are not. */
const SECRET_KEY = /(?:^|[.-])(?:secret|token|password|passphrase|private-key|psk)$/;
/** An address with a user, a password or a query, in which a token may stand. */
const ADDRESS = /^([a-z][a-z0-9+.-]*:\/\/)([^/@?#]*@)?([^?#]*)(\?[^#]*)?(#.*)?$/i;
const MASK = '***';

/** One key; a value that is absent was or is not set. */
export interface ConfigDifference {
  /** `lists[tiktok].mandate` */
  readonly key: string;
  readonly from?: string;
  readonly to?: string;
}

/** The keys that differ, by name; `more` of them are not told. */
export const configDifferences = (
  before: Config,
  after: Config,
): { readonly differences: readonly ConfigDifference[]; readonly more: number } => {
  const old = withFiles(flatten(effectiveValues(before)), before);
  const now = withFiles(flatten(effectiveValues(after)), after);
  const keys = [...new Set([...old.keys(), ...now.keys()])]
    .filter((key) => old.get(key) !== now.get(key))
    .sort();
  const differences = keys.slice(0, DIFFERENCES_MAX).map((key) => {
    const [from, to] = [old.get(key), now.get(key)];
    return {
      key,
      ...(from === undefined ? {} : { from: mask(key, from) }),
      ...(to === undefined ? {} : { to: mask(key, to) }),
    };
  });
  return { differences, more: keys.length - differences.length };
};

/** Of a file of prefixes, what was in it counts as well. */
const withFiles = (values: Map<string, string>, config: Config): Map<string, string> => {
  for (const { key, path, count, sha256 } of prefixFilesOf(config)) {
    values.set(key, `${path} (${count} prefixes, SHA-256 ${sha256.slice(0, 16)})`);
  }
  return values;
};

/** Values by their keys; a list of plain values is one value. */
const flatten = (value: unknown, key = '', found = new Map<string, string>()): Map<string, string> => {
  if (value === undefined || value === null) return found;
  if (Array.isArray(value) && value.some((item) => typeof item === 'object')) {
    for (const [index, item] of value.entries()) flatten(item, `${key}[${nameOf(item) ?? index}]`, found);
  } else if (typeof value === 'object' && !Array.isArray(value)) {
    for (const [name, member] of Object.entries(value))
      flatten(member, key === '' ? name : `${key}.${name}`, found);
  } else {
    found.set(key, Array.isArray(value) ? value.map(maskAddress).join(', ') : String(value));
  }
  return found;
};

const nameOf = (item: unknown): string | undefined => {
  const { id, name, to, owner, type, data } = (item ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof owner === 'string') return `${owner} ${String(type)} ${String(data)}`.slice(0, VALUE_LENGTH_MAX);
  const found = [id, name, to].find((one) => typeof one === 'string');
  return typeof found === 'string' ? maskAddress(found) : undefined;
};

const mask = (key: string, value: string): string => {
  if (SECRET_KEY.test(key)) return MASK;
  const shown = maskAddress(value);
  return shown.length <= VALUE_LENGTH_MAX ? shown : `${shown.slice(0, VALUE_LENGTH_MAX - 1)}…`;
};

const maskAddress = (value: unknown): string =>
  String(value).replace(
    ADDRESS,
    (_, scheme: string, user: string | undefined, place: string, query?: string, fragment = '') =>
      `${scheme}${user === undefined ? '' : `${MASK}@`}${place}${query === undefined ? '' : `?${MASK}`}${fragment}`,
  );
