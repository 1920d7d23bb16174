// Children of shared CDNs: a CDN that names its hosts after the customer's own zone (tiktokcdn.com.edgesuite.net) has a
// child for each of its customers, so that the children of a listed zone are derived from one table and need not be
// collected one by one after somebody saw them.
//
// Derived is what a rule for a whole zone says, when the list is read: names in the hash of names already, so that a
// query costs the same. A child carries the whole zone in its name, and no other customer of the CDN has one below it.
import { join } from 'node:path';
import { nameFrom, parseName } from '../../wire/dns/dns.ts';
import { LISTS_DIRECTORY } from './catalog.ts';
import { zonesOf } from './guard.ts';
import { listError, readListFile } from './list-file.ts';

/** The shipped table. */
export const CDN_SUFFIXES_FILE = join(LISTS_DIRECTORY, 'cdn-suffixes.tsv');

/** Each costs a rule for each zone of each list that derives: as many as 4,000 zones make 512,000 rules. */
const SUFFIXES_MAX = 128;
const COLUMNS = 4;

/** A zone below which a CDN has its customers by their own zones. */
export interface CdnSuffix {
  /** Folded, without the final dot. */
  readonly text: string;
  readonly wire: Uint8Array;
  /** Whose CDN it is. */
  readonly cdn: string;
  /** Which children were seen, and where. */
  readonly evidence: string;
  /** YYYY-MM-DD. */
  readonly reviewed: string;
  /** From 1. */
  readonly line: number;
}

/** Where a name that a derived rule matched comes from. */
export interface Derivation {
  /** The listed zone. */
  readonly zone: string;
  readonly suffix: CdnSuffix;
}

/** Reads the table; throws ERR_LIST_READ, or ERR_LIST_PARSE with the line. */
export const readCdnSuffixes = (path = CDN_SUFFIXES_FILE): readonly CdnSuffix[] => {
  const suffixes: CdnSuffix[] = [];
  const known = new Set<string>();
  for (const [index, line] of Buffer.from(readListFile(path)).toString('utf8').split('\n').entries()) {
    if (line === '' || line.startsWith('#')) continue;
    const cells = line.split('\t');
    const [text = '', cdn = '', evidence = '', reviewed = ''] = cells;
    const isName = text.includes('.') && text === text.toLowerCase() && typeof parseName(text) !== 'string';
    const isWhole = cells.length === COLUMNS && !cells.includes('');
    if (!isName || !isWhole || known.has(text) || suffixes.length === SUFFIXES_MAX)
      throw listError('ERR_LIST_PARSE', `reading suffixes of CDNs of ${path}:${index + 1}: ${line}`);
    known.add(text);
    suffixes.push({ text, wire: nameFrom(text), cdn, evidence, reviewed, line: index + 1 });
  }
  return suffixes;
};

/** True for a name at or below a suffix: no children are derived from a child. `name` is folded wire form. */
export const isCdnChild = (suffixes: readonly CdnSuffix[], name: Uint8Array, length: number): boolean =>
  suffixes.some(({ wire }) => {
    const start = length - wire.length;
    if (start < 0) return false;
    for (let i = 0; i < wire.length; i++) if (name[start + i] !== wire[i]) return false;
    return isLabelStart(name, start);
  });

const isLabelStart = (name: Uint8Array, offset: number): boolean => {
  let at = 0;
  while (at < offset) at += (name[at] ?? 0) + 1;
  return at === offset;
};

/** Of which zone a folded name is a derived child, when `isListed` says that the zone is listed; undefined: of none. */
export const derivationOf = (
  suffixes: readonly CdnSuffix[],
  name: string,
  isListed: (zone: string) => boolean,
): Derivation | undefined => {
  for (const suffix of suffixes) {
    if (!name.endsWith(`.${suffix.text}`)) continue;
    for (const zone of zonesOf(name.slice(0, -suffix.text.length - 1)))
      if (isListed(zone)) return { zone, suffix };
  }
  return undefined;
};
