// What changed between two configurations, key by key, for records and people: without secrets, bounded for records. Who confirms
// a change reads whole values.
//
// Compared are the effective forms, so that a default that is written out is no change. Items of a list that have an id or
// a name are told apart by it, wherever they stand.
import { effectiveValues, prefixFilesOf } from './effective.ts';
import type { Config } from './schema.ts';
import { withholdValue } from './withheld.ts';

/** Differences that are told one by one: more of them are another configuration. */
const DIFFERENCES_MAX = 50;
/** Characters of a value on the record, and of a name that is made of values. */
const LENGTH_MAX = 160;
/** Keys whose value may be secret, by the last word; `public-key` and times of rotation are not. */
const SECRET_KEY = /(?:^|[.-])(?:secret|token|password|passphrase|private-key|psk)$/;
const MASK = '***';

/** One key; a value that is absent was or is not set. */
export interface ConfigDifference {
  /** `lists[tiktok].mandate` */
  readonly key: string;
  readonly from?: string;
  readonly to?: string;
}

/** The keys that differ, by name; `more` of them are not told: beyond `max`. Values are cut after `lengthMax` characters. */
export const configDifferences = (
  before: Config,
  after: Config,
  { max = DIFFERENCES_MAX, lengthMax = LENGTH_MAX } = {},
): { readonly differences: readonly ConfigDifference[]; readonly more: number } => {
  const old = flatConfig(before);
  const now = flatConfig(after);
  for (const [key, from] of orders(effectiveValues(before), effectiveValues(after))) {
    old.set(`${key} (order)`, from[0]);
    now.set(`${key} (order)`, from[1]);
  }
  const keys = [...new Set([...old.keys(), ...now.keys()])]
    .filter((key) => old.get(key) !== now.get(key))
    .sort();
  const differences = keys.slice(0, max).map((key) => {
    const [from, to] = [old.get(key), now.get(key)];
    return {
      key,
      ...(from === undefined ? {} : { from: cut(mask(key, from), lengthMax) }),
      ...(to === undefined ? {} : { to: cut(mask(key, to), lengthMax) }),
    };
  });
  return { differences, more: keys.length - differences.length };
};

/** The values of a configuration by their keys, with the files of prefixes that it was read with. */
export const flatConfig = (config: Config): Map<string, string> =>
  withFiles(flatten(effectiveValues(config)), config);

/** Lists whose items stand in another order, which decides among lists: key, items before and after. */
function* orders(before: unknown, after: unknown, key = ''): Generator<[string, [string, string]]> {
  if (Array.isArray(before) && Array.isArray(after)) {
    const [old, now] = [before.map(nameOf), after.map(nameOf)];
    const kept = old.filter((name) => name !== undefined && now.includes(name));
    const keptNow = now.filter((name) => name !== undefined && old.includes(name));
    if (kept.join('\n') !== keptNow.join('\n')) yield [key, [kept.join(', '), keptNow.join(', ')]];
  } else if (isMap(before) && isMap(after)) {
    for (const [name, member] of Object.entries(before))
      yield* orders(member, after[name], key === '' ? name : `${key}.${name}`);
  }
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

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
    const named = new Map<string, number>();
    for (const [index, item] of value.entries()) {
      const name = nameOf(item) ?? String(index);
      const nth = (named.get(name) ?? 0) + 1;
      named.set(name, nth);
      // Names are cut, and withheld in part: where two have one, neither stands for the other.
      flatten(item, `${key}[${nth === 1 ? name : `${name} (${nth})`}]`, found);
    }
  } else if (typeof value === 'object' && !Array.isArray(value)) {
    for (const [name, member] of Object.entries(value))
      flatten(member, key === '' ? name : `${key}.${name}`, found);
  } else {
    found.set(
      key,
      Array.isArray(value) ? value.map((item) => withholdValue(key, String(item))).join(', ') : String(value),
    );
  }
  return found;
};

const nameOf = (item: unknown): string | undefined => {
  const { id, name, to, owner, type, data } = (item ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof owner === 'string') return `${owner} ${String(type)} ${String(data)}`.slice(0, LENGTH_MAX);
  const found = [id, name, to].find((one) => typeof one === 'string');
  return typeof found === 'string' ? withholdValue('', found) : undefined;
};

/** A value as people may read it. */
const mask = (key: string, value: string): string =>
  SECRET_KEY.test(key) ? MASK : withholdValue(key, value);

const cut = (text: string, lengthMax: number): string =>
  text.length <= lengthMax ? text : `${text.slice(0, lengthMax - 1)}…`;
