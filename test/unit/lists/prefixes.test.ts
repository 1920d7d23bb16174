// The listed prefixes against what the two networks announce: test/data/network-prefixes.tsv, a dated copy of a named
// source. The test fails when the copy is newer than the review of a listed prefix, or much older, when it announces what
// no list covers, and when a list touches clouds with other tenants. That both age is told by `npm run lists -- due`.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { isIpv4, MAPPED_BITS } from '../../../src/base/base.ts';
import { parseCordonList, shippedLists } from '../../../src/policy/lists/lists.ts';
import { MATCH } from '../../../src/policy/policy.ts';
import { dayOfLists, PREFIXES_FILE } from '../../support/list-ages.ts';
import {
  isInside,
  OWN_NETWORKS,
  overlaps,
  prefixFrom,
  prefixProposals,
  readSnapshot,
  type Snapshot,
} from '../../support/prefix-proposals.ts';

/** A network announces a new block every few weeks: three times a year somebody has to look. */
const REVIEW_INTERVAL_DAYS = 120;
const DAY_MS = 86_400_000;
/** Announced by no own network in the copy: seen by others, with a reason in the entry. */
const SEEN_ELSEWHERE = ['101.45.203.0/24', '2404:9dc0:c002::/48'];

interface Listed {
  readonly text: string;
  readonly operator: string;
  readonly reviewed: string;
}

/** What is wrong between a snapshot and the listed prefixes at a time. */
const faultsOf = (snapshot: Snapshot, listed: readonly Listed[], nowMs: number): string[] => {
  const faults: string[] = [];
  const retrievedMs = Date.parse(snapshot.retrieved);
  const ageDays = Math.floor((nowMs - retrievedMs) / DAY_MS);
  if (!(ageDays <= REVIEW_INTERVAL_DAYS)) {
    faults.push(`the snapshot of ${snapshot.retrieved} is ${ageDays} days old: retrieve it again`);
  }
  const ranges = listed.map(({ text }) => prefixFrom(text));
  for (const { text, reviewed } of listed) {
    // Entries from before the first dated snapshot say so by their date, and are held against it all the same.
    if (Date.parse(reviewed) + REVIEW_INTERVAL_DAYS * DAY_MS < nowMs) {
      faults.push(`${text} was reviewed on ${reviewed}`);
    }
    if (retrievedMs - Date.parse(reviewed) > SNAPSHOT_AHEAD_DAYS * DAY_MS) {
      faults.push(`${text} was reviewed on ${reviewed}, before the snapshot of ${snapshot.retrieved}`);
    }
  }
  const own = snapshot.rows.filter(({ asn }) => OWN_NETWORKS.has(asn));
  for (const { asn, text, prefix } of own) {
    if (!ranges.some((range) => isInside(prefix, range))) faults.push(`${asn} announces ${text}: not listed`);
  }
  for (const { asn, text, prefix } of snapshot.rows) {
    if (OWN_NETWORKS.has(asn)) continue;
    if (ranges.some((range) => overlaps(range, prefix))) faults.push(`${asn} announces ${text}: listed`);
  }
  return faults;
};

/** A snapshot may be taken some days before the lists are reviewed against it, not longer. */
const SNAPSHOT_AHEAD_DAYS = 7;

const snapshotText = readFileSync(PREFIXES_FILE, 'utf8');
const snapshot = readSnapshot(snapshotText);
/** Of every list that names networks of the two; resolvers of others have addresses as well. */
const listed: readonly Listed[] = shippedLists().flatMap(({ file }) => {
  const { header, entries } = parseCordonList(readFileSync(file));
  return header?.category === 'foreign-doh' ? [] : entries.filter(({ match }) => match === MATCH.PREFIX);
});

const ranges = listed.map(({ text, operator }) => ({ text, operator }));

const addressesOf = (texts: readonly string[]): number =>
  texts
    .map(prefixFrom)
    .filter(({ words }) => isIpv4(words))
    .reduce((sum, { bits }) => sum + 2 ** (32 - (bits - MAPPED_BITS)), 0);

it('the listed prefixes cover what the two networks announce, and no cloud with other tenants', () => {
  const own = snapshot.rows.filter(({ asn }) => OWN_NETWORKS.has(asn));
  console.log(
    `prefixes: ${listed.length} listed, ${own.length} announced by ${[...OWN_NETWORKS.keys()].join(' and ')}` +
      ` with ${addressesOf(own.map(({ text }) => text))} IPv4 addresses, of ${snapshot.retrieved}`,
  );
  expect(faultsOf(snapshot, listed, dayOfLists())).toEqual([]);
  expect(own.length).toBeGreaterThan(150);
});

it('the snapshot names its source, licence, day and commits', () => {
  expect(snapshot.source).toMatch(/^ipverse\/as-ip-blocks/);
  expect(snapshot.licence).toBe('CC0-1.0');
  expect([...snapshot.commits.keys()]).toEqual(['AS138699', 'AS396986', 'AS11983', 'AS150436']);
});

it('a listed prefix lies where an own network announces, or says where else it was seen', () => {
  const own = snapshot.rows.filter(({ asn }) => OWN_NETWORKS.has(asn));
  const alone = listed.filter(({ text }) => !own.some(({ prefix }) => overlaps(prefix, prefixFrom(text))));
  const stale = alone.filter(({ text }) => !SEEN_ELSEWHERE.includes(text));
  // What was announced in January and is not now stays for one review: blocks come back.
  console.log(`listed and not announced in the snapshot: ${stale.map(({ text }) => text).join(', ')}`);
  expect(stale.every(({ text }) => /^(?:139\.177|147\.160|192\.64)\./.test(text))).toBe(true);
});

it.each<[string, string, string, RegExp]>([
  ['three months newer than the review', '2026-11-25', '2027-02-25', /before the snapshot of 2027-02-25/],
  ['older than its review interval', '2026-11-25', '2026-07-01', /days old: retrieve it again/],
  ['without a date', '2026-11-25', 'soon', /retrieve it again/],
])('a snapshot %s fails', (_, before, after, fault) => {
  const planted = readSnapshot(snapshotText.replace(`# retrieved: ${before}`, `# retrieved: ${after}`));
  const nowMs = Math.max(Date.parse('2026-11-26'), Date.parse(after) || 0);
  expect(faultsOf(planted, listed, nowMs)).toContainEqual(expect.stringMatching(fault));
});

it.each([
  ['AS138699\t198.18.4.0/24', 'AS138699 announces 198.18.4.0/24: not listed'],
  ['AS137718\t71.18.5.0/24', 'AS137718 announces 71.18.5.0/24: listed'],
])('a snapshot with %s fails', (row, fault) => {
  expect(faultsOf(readSnapshot(`${snapshotText}${row}\n`), listed, Date.parse('2026-11-26'))).toEqual([
    fault,
  ]);
});

it('proposes nothing of the table that the lists were reviewed against, but to look at what is not announced', () => {
  const found = prefixProposals(snapshot, ranges);
  expect(found.filter(({ kind }) => kind === 'entry')).toEqual([]);
  expect(found.every(({ reason }) => reason.startsWith('no network of the table'))).toBe(true);
});

it.each([
  [
    'what an own network announces and nobody lists',
    'AS138699\t198.18.4.0/24',
    'entry 198.18.4.0/24: announced, and in no list',
  ],
  [
    'what the joint venture announces inside a block of another operator',
    'AS11983\t71.18.1.0/24',
    'entry 71.18.1.0/24: inside 71.18.0.0/17 of Bytedance Inc.',
  ],
  [
    'a cloud inside a listed prefix, to look at',
    'AS150436\t71.18.5.0/24',
    'look 71.18.0.0/17: AS150436, a cloud with tenants, announces 71.18.5.0/24: the list refuses its customers',
  ],
  [
    'what is announced by both, to look at',
    'AS138699\t198.18.4.0/23\nAS150436\t198.18.5.0/24',
    'look 198.18.4.0/23: announced by AS138699, and 198.18.5.0/24 in it by AS150436, a cloud with tenants',
  ],
])('proposes %s', (_, rows, expected) => {
  const found = prefixProposals(readSnapshot(`${snapshotText}${rows}\n`), ranges);
  const told = found.map(({ kind, text, reason }) => `${kind} ${text}: ${reason}`);
  expect(told.filter((line) => !line.includes(': no network of the table'))).toEqual([expected]);
});
