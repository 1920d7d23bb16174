// Address match lists of named.conf: the first element that matches decides, and `!` says no.
import { type Prefix, parsePrefix, withoutPrefix } from '../../base/base.ts';
import type { Statement } from './bind-syntax.ts';
import type { Findings } from './findings.ts';
import { allowedPrefixes, readLoosePrefix } from './prefix-holes.ts';

/** Named lists in each other. */
const DEPTH_MAX = 16;

/** One element. */
export type AddressMatch = { readonly isNot: boolean } & (
  | { readonly kind: 'prefix'; readonly prefix: Prefix }
  | { readonly kind: 'any' | 'none' | 'localhost' | 'localnets' | 'other' }
);

/** As many as `access.allow` may have. */
const PREFIXES_MAX = 4096;

const prefixesOf = (...texts: readonly string[]): readonly Prefix[] =>
  texts.flatMap((text) => parsePrefix(text) ?? []);
/** All of IPv6, which holds IPv4 as mapped addresses: split, so that either may be left alone. */
const EVERYBODY = [
  ...prefixesOf('0.0.0.0/0'),
  ...prefixesOf('::/0').flatMap((all) => prefixesOf('0.0.0.0/0').flatMap((ipv4) => withoutPrefix(all, ipv4))),
];
const LOOPBACK = prefixesOf('127.0.0.0/8', '::1/128');

/** The named lists of a configuration. */
export class AccessLists {
  readonly #findings: Findings;
  readonly #named = new Map<string, readonly Statement[]>();

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  define(name: string, block: readonly Statement[]): void {
    this.#named.set(name, block);
    this.#findings.take('acl', 'prefixes where it is used');
  }

  /** The elements of a list, named ones put in. */
  read(block: readonly Statement[], isNot = false, depth = 0): AddressMatch[] {
    return block.flatMap(({ words, block: below, where }): AddressMatch[] => {
      const text = words.join(' ');
      const isNotHere = text.startsWith('!') !== isNot;
      const element = text.replace(/^!\s*/, '');
      if (below !== undefined && depth < DEPTH_MAX) return this.read(below, isNotHere, depth + 1);
      const named = this.#named.get(element);
      if (named !== undefined && depth < DEPTH_MAX) return this.read(named, isNotHere, depth + 1);
      if (element === 'any' || element === 'none' || element === 'localhost' || element === 'localnets')
        return [{ kind: element, isNot: isNotHere }];
      // BIND writes 10/8 as well.
      const prefix = readLoosePrefix(
        element.replace(
          /^(\d+(?:\.\d+){0,2})(\/\d+)$/,
          (_whole, address: string, bits: string) =>
            `${address}${'.0'.repeat(3 - address.split('.').length + 1)}${bits}`,
        ),
      );
      if (prefix !== undefined) return [{ kind: 'prefix', prefix, isNot: isNotHere }];
      this.#findings.leave(
        where,
        text,
        /^key\b/.test(element) ? 'clients are not told by keys' : 'it is no address, prefix or list',
        'write the addresses under access.allow',
      );
      return [{ kind: 'other', isNot: isNotHere }];
    });
  }

  /** The prefixes that all lists allow, without a last one; undefined when they are too many. */
  allowed(
    lists: readonly (readonly AddressMatch[])[],
    without: readonly AddressMatch[],
  ): string[] | undefined {
    let allowed: readonly Prefix[] = EVERYBODY;
    for (const list of lists) {
      // What a list does not allow is taken out, which leaves what all of them allow.
      const outside = subtract(EVERYBODY, this.#prefixesOf(list));
      allowed = subtract(allowed, outside);
    }
    const left = subtract(allowed, this.#prefixesOf(without));
    return left.length > PREFIXES_MAX
      ? undefined
      : allowedPrefixes(left.map((prefix) => ({ prefix, allows: true })));
  }

  /** The first match decides, so that the list is gone through from behind: each element overrules those after it. */
  #prefixesOf(list: readonly AddressMatch[]): readonly Prefix[] {
    let allowed: readonly Prefix[] = [];
    for (const match of [...list].reverse()) {
      if (match.kind === 'other') continue;
      if (match.kind === 'localnets')
        this.#findings.leave(
          'options',
          'localnets',
          'the networks of the interfaces are not known here',
          'write them under access.allow',
        );
      const isNot = match.kind === 'none' ? !match.isNot : match.isNot;
      const prefixes =
        match.kind === 'prefix'
          ? [match.prefix]
          : match.kind === 'any' || match.kind === 'none'
            ? EVERYBODY
            : LOOPBACK;
      allowed = isNot ? subtract(allowed, prefixes) : [...subtract(allowed, prefixes), ...prefixes];
    }
    return allowed;
  }
}

const subtract = (prefixes: readonly Prefix[], holes: readonly Prefix[]): readonly Prefix[] => {
  let left = prefixes;
  for (const hole of holes) {
    left = left.flatMap((prefix) => withoutPrefix(prefix, hole));
    if (left.length > 4 * PREFIXES_MAX) break;
  }
  return left;
};
