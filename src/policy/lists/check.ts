// The checker of the shipped lists: what a reviewer would have to look for in every change, done by the machine.
//
// A list that refuses a government site, a CDN's shared zone or a public suffix does more harm than a list that
// misses a name, so such an entry is refused outright. The rest keeps the files honest: reasons and review dates
// on each entry, one switch per name, sorted for small diffs.
import { basename } from 'node:path';
import { getPublicSuffix } from 'tldts';
import { DAY_MS, isIpv4, MAPPED_BITS, matchesPrefix, type Prefix, parsePrefix } from '../../base/base.ts';
import { nameFrom } from '../../wire/dns/dns.ts';
import { MATCH, type Match } from '../policy.ts';
import { shippedLists } from './catalog.ts';
import { type CdnSuffix, isCdnChild, readCdnSuffixes } from './cdn-suffixes.ts';
import { type CordonList, type ListEntry, parseCordonList, prefixOf } from './cordon-format.ts';
import type { DiagnosticCode } from './diagnostic.ts';
import { type Guards, zonesOf } from './guard.ts';
import { readListFile } from './list-file.ts';

/** A year and a month: an entry that nobody looked at since then is no evidence any more. */
const REVIEW_AGE_DAYS_MAX = 400;
/** Wider than any block of the listed networks: one digit lost from a prefix must not refuse a continent. */
const IPV4_BITS_MIN = 16;
const IPV6_BITS_MIN = 29;

/** Special-purpose address blocks (RFC 6890 and its IANA registries) and multicast: never a service's address. */
export const SPECIAL_PREFIXES: readonly Prefix[] = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/8',
  '100::/64',
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '3fff::/20',
  '5f00::/16',
  'fc00::/7',
  'fe80::/10',
  'ff00::/8',
].flatMap((text) => parsePrefix(text) ?? []);

const MATCH_ORDER: readonly Match[] = [MATCH.SUFFIX, MATCH.WILDCARD, MATCH.EXACT, MATCH.PREFIX];

/** What is wrong with an entry or a file. */
export type ProblemCode =
  | DiagnosticCode
  | 'covered'
  | 'duplicate'
  | 'file-name'
  | 'government'
  | 'guard'
  | 'prefix-short'
  | 'prefix-special'
  | 'public-suffix'
  | 'review-future'
  | 'review-old'
  | 'unsorted';

/** One refusal of the checker. */
export interface Problem {
  /** File name without its folder. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  readonly code: ProblemCode;
  readonly text: string;
}

/** What the checker measures against. */
export interface CheckOptions {
  /** Milliseconds since the epoch, for review dates. */
  readonly nowMs: number;
  readonly guards: Guards;
  /** Names that no list may refuse, folded, without the final dot. */
  readonly governmentNames: Iterable<string>;
}

/** The name rules of one list, asked one name at a time: a plain reading of the rules, independent of the table. */
export class NameRules {
  readonly #exact = new Map<string, ListEntry>();
  readonly #suffixes = new Map<string, ListEntry>();
  readonly #wildcards = new Map<string, ListEntry>();
  /** By child of a CDN, the entry that it is derived from; apart, so that an entry for the child does not hide it. */
  readonly #children = new Map<string, ListEntry>();

  /** `suffixes` are those below which a rule for a zone holds too. */
  constructor(entries: readonly ListEntry[], suffixes: readonly CdnSuffix[] = []) {
    for (const entry of entries) {
      if (entry.match === MATCH.EXACT) this.#exact.set(entry.text, entry);
      else if (entry.match === MATCH.SUFFIX) this.#suffixes.set(entry.text, entry);
      else if (entry.match === MATCH.WILDCARD) this.#wildcards.set(entry.text, entry);
      else continue;
      if (entry.match !== MATCH.EXACT) this.#addChildren(entry, suffixes);
    }
  }

  /** The rules of a list of the cordon format, with those that it derives; throws as readCdnSuffixes(). */
  static of({ header, entries }: Pick<CordonList, 'header' | 'entries'>): NameRules {
    return new NameRules(entries, header?.cdnChildren === true ? readCdnSuffixes() : []);
  }

  /** The entry that refuses the folded name, or undefined; `zones` is what zonesOf() gives for it. */
  find(name: string, zones: Iterable<string> = zonesOf(name)): ListEntry | undefined {
    return this.#exact.get(name) ?? this.#findAbove(name, zones);
  }

  /** Another entry that refuses everything that the entry refuses, or undefined. */
  findWider(entry: ListEntry): ListEntry | undefined {
    return this.#findAbove(entry.text, zonesOf(entry.text), entry);
  }

  #addChildren(entry: ListEntry, suffixes: readonly CdnSuffix[]): void {
    const name = nameFrom(entry.text);
    if (suffixes.length === 0 || isCdnChild(suffixes, name, name.length)) return;
    for (const { text } of suffixes) {
      const child = `${entry.text}.${text}`;
      if (!this.#children.has(child)) this.#children.set(child, entry);
    }
  }

  #findAbove(name: string, zones: Iterable<string>, except?: ListEntry): ListEntry | undefined {
    for (const zone of zones) {
      const suffix = this.#suffixes.get(zone);
      if (suffix !== undefined && suffix !== except) return suffix;
      const wildcard = zone === name ? undefined : this.#wildcards.get(zone);
      if (wildcard !== undefined) return wildcard;
      const child = this.#children.get(zone);
      if (child !== undefined && (zone !== name || child.match === MATCH.SUFFIX)) return child;
    }
    return undefined;
  }
}

/** Checks every list of a folder; an empty result means that all may ship. Throws ERR_LIST_READ. */
export const checkLists = (directory: string, options: CheckOptions): readonly Problem[] => {
  const seen = new Map<string, string>();
  const lists = shippedLists(directory).map(({ id, file }) => new ListCheck(id, file, options, seen));
  for (const name of options.governmentNames) {
    const zones = [...zonesOf(name)];
    for (const list of lists) list.checkGovernmentName(name, zones);
  }
  return lists.flatMap((list) => list.problems);
};

class ListCheck {
  readonly problems: Problem[] = [];
  readonly #file: string;
  readonly #options: CheckOptions;
  readonly #rules: NameRules;

  /** `seen` knows the place of every text that a list before this one holds. */
  constructor(id: string, path: string, options: CheckOptions, seen: Map<string, string>) {
    this.#file = basename(path);
    this.#options = options;
    const { header, entries, log } = parseCordonList(readListFile(path));
    for (const found of log.kept) this.problems.push({ file: this.#file, ...found });
    if (header !== undefined && header.id !== id) {
      this.#refuse('file-name', { line: 1, column: 1 }, `the list ${header.id} belongs in ${header.id}.yaml`);
    }
    this.#rules = NameRules.of({ header, entries });
    for (const [index, entry] of entries.entries()) {
      this.#checkReview(entry);
      this.#checkUnique(entry, seen);
      const before = entries[index - 1];
      if (before !== undefined && compareEntries(before, entry) > 0) {
        this.#refuse('unsorted', entry, `${entry.text} belongs before ${before.text}`);
      }
      if (entry.match === MATCH.PREFIX) this.#checkPrefix(entry, entries);
      else this.#checkName(entry);
    }
  }

  checkGovernmentName(name: string, zones: readonly string[]): void {
    const entry = this.#rules.find(name, zones);
    if (entry !== undefined) this.#refuse('government', entry, `${entry.text} refuses ${name}`);
  }

  #checkName(entry: ListEntry): void {
    const name = nameFrom(entry.text);
    const guard = this.#options.guards.protects(entry.match, name, name.length);
    if (guard !== undefined) this.#refuse('guard', entry, `${entry.text} harms ${guard} (never-block.txt)`);
    if (isPublicSuffix(entry.text)) {
      this.#refuse('public-suffix', entry, `${entry.text} is where others register names`);
    }
    const wider = this.#rules.findWider(entry);
    // What another operator runs below a zone stands by itself: decisions are about operators.
    if (wider !== undefined && wider.operator === entry.operator) {
      this.#refuse('covered', entry, `${entry.text} is covered by ${wider.text} in line ${wider.line}`);
    }
  }

  #checkPrefix(entry: ListEntry, entries: readonly ListEntry[]): void {
    const prefix = prefixOf(entry);
    const minimum = isIpv4(prefix.words) ? MAPPED_BITS + IPV4_BITS_MIN : IPV6_BITS_MIN;
    if (prefix.bits < minimum) {
      const text = `${entry.text} is wider than /${IPV4_BITS_MIN} (IPv4) or /${IPV6_BITS_MIN} (IPv6)`;
      this.#refuse('prefix-short', entry, text);
    }
    if (SPECIAL_PREFIXES.some((block) => sameFamily(block, prefix) && overlaps(block, prefix))) {
      this.#refuse(
        'prefix-special',
        entry,
        `${entry.text} is a special-purpose block (RFC 6890) or holds one`,
      );
    }
    const wide = findWiderPrefix(entry, entries);
    if (wide !== undefined && wide.operator === entry.operator)
      this.#refuse('covered', entry, `${entry.text} is covered by ${wide.text} in line ${wide.line}`);
  }

  #checkReview(entry: ListEntry): void {
    const ageMs = this.#options.nowMs - Date.parse(entry.reviewed);
    if (ageMs < 0) this.#refuse('review-future', entry, `${entry.text} was reviewed on ${entry.reviewed}`);
    if (ageMs > REVIEW_AGE_DAYS_MAX * DAY_MS) {
      const text = `${entry.text} was last reviewed on ${entry.reviewed}, over ${REVIEW_AGE_DAYS_MAX} days ago`;
      this.#refuse('review-old', entry, text);
    }
  }

  #checkUnique(entry: ListEntry, seen: Map<string, string>): void {
    const place = seen.get(entry.text);
    if (place === undefined) seen.set(entry.text, `${this.#file}:${entry.line}`);
    else this.#refuse('duplicate', entry, `${entry.text} stands in ${place} already`);
  }

  #refuse(code: ProblemCode, place: { line: number; column: number }, text: string): void {
    this.problems.push({ file: this.#file, line: place.line, column: place.column, code, text });
  }
}

/** Another prefix of a list that holds the prefix of the entry; undefined: none does. */
export const findWiderPrefix = (entry: ListEntry, entries: readonly ListEntry[]): ListEntry | undefined => {
  const { words, bits } = prefixOf(entry);
  return entries.find((other) => {
    if (other === entry || other.match !== MATCH.PREFIX) return false;
    const wide = prefixOf(other);
    return wide.bits < bits && matchesPrefix(words, wide.words, wide.bits);
  });
};

/** True for a public suffix, and for the parent of a wildcard of the Public Suffix List. */
const isPublicSuffix = (name: string): boolean => {
  const suffix = getPublicSuffix(`probe.${name}`, {
    allowPrivateDomains: true,
    extractHostname: false,
    validateHostname: false,
    detectIp: false,
  });
  return suffix !== null && suffix.length >= name.length;
};

/** The order of entries in a file: suffixes, wildcards, exact names, prefixes; each sorted. */
export const compareEntries = (a: ListEntry, b: ListEntry): number => {
  if (a.match !== b.match) return MATCH_ORDER.indexOf(a.match) - MATCH_ORDER.indexOf(b.match);
  return a.match === MATCH.PREFIX ? comparePrefixes(prefixOf(a), prefixOf(b)) : compareTexts(a.text, b.text);
};

const compareTexts = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1);

const comparePrefixes = (a: Prefix, b: Prefix): number => {
  for (const [index, word] of a.words.entries()) {
    const other = b.words[index] ?? 0;
    if (word !== other) return word - other;
  }
  return a.bits - b.bits;
};

/** IPv4 lies inside ::/8 in the mapped form; the two families are compared apart. */
const sameFamily = (a: Prefix, b: Prefix): boolean => isIpv4(a.words) === isIpv4(b.words);

const overlaps = (a: Prefix, b: Prefix): boolean => matchesPrefix(a.words, b.words, Math.min(a.bits, b.bits));
