// Who may ask, where others write it with exceptions: 10.0.0.0/8 but not 10.1.0.0/16. Cordon's `access.allow` has no
// exceptions, so the prefixes that are left are written instead.
import {
  distinctPrefixes,
  formatPrefix,
  MAPPED_BITS,
  maskWords,
  type Prefix,
  parsePrefix,
  withoutPrefix,
} from '../../base/base.ts';

/** Prefixes that an exception may leave: 128 for a single address in all of IPv6, and some exceptions. */
const PREFIXES_MAX = 4096;

/** The prefix that a text is, bits behind its length cleared as others allow them. */
export const readLoosePrefix = (text: string): Prefix | undefined => {
  const exact = parsePrefix(text);
  if (exact !== undefined) return exact;
  const [address = '', bits = ''] = text.split('/');
  const alone = parsePrefix(address);
  if (alone === undefined || !/^\d{1,3}$/.test(bits)) return undefined;
  const length = Number(bits) + (address.includes(':') ? 0 : MAPPED_BITS);
  if (length > 128) return undefined;
  return { words: maskWords(alone.words, length), bits: length };
};

/** One rule of a list in which the longest prefix decides. */
export interface AccessRule {
  readonly prefix: Prefix;
  readonly allows: boolean;
}

/** The prefixes that the rules allow, each once; undefined when they are too many. */
export const allowedPrefixes = (rules: readonly AccessRule[]): string[] | undefined => {
  const ordered = [...rules].sort((a, b) => a.prefix.bits - b.prefix.bits);
  let allowed: Prefix[] = [];
  for (const { prefix, allows } of ordered) {
    allowed = allows
      ? distinctPrefixes([...allowed, prefix])
      : allowed.flatMap((one) => withoutPrefix(one, prefix));
    if (allowed.length > PREFIXES_MAX) return undefined;
  }
  return allowed.map(formatPrefix).sort();
};
