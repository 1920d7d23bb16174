// The names that must never be refused: hosts of US government sites and .gov delegations (test/data/README.md).
import { readFileSync } from 'node:fs';
import { zstdDecompressSync } from 'node:zlib';

/** A host with its visits in 30 days. */
export interface VisitedHost {
  readonly name: string;
  readonly visits: number;
}

/** Hosts of the visit data that belong to those whom lists are about, not to a government: copies of government pages. */
export const LISTED_VISITED_HOSTS: readonly string[] = [
  'accounts.feishu.cn',
  'br.shein.com',
  'cl.shein.com',
  'kaspersky.com',
  'm.shein.com',
  'p3-flow-sign.byteimg.com',
  'p6-flow-sign.byteimg.com',
  'pe.shein.com',
  'ph.shein.com',
  'seclink.bytedance.com',
  'threats.kaspersky.com',
  'tosv.byted.org',
  'us.shein.com',
];

/** Popular names that the lists refuse because they are what the lists are about. */
export const OWN_POPULAR_NAMES: readonly string[] = ['tiktok.com'];

/** 500 names that most other sites link to. */
export const readPopularNames = (): string[] =>
  readFileSync(new URL('../data/popular-names.txt', import.meta.url), 'utf8')
    .trim()
    .split('\n');

/** 98,175 hosts, the most visited first. */
export const readVisitedHosts = (): VisitedHost[] =>
  readLines('hosts-by-visits.tsv.zst').map((line) => {
    const [name = '', visits = ''] = line.split('\t');
    return { name, visits: Number(visits) };
  });

/** 16,536 names delegated below .gov. */
export const readGovDelegations = (): string[] => readLines('gov-delegations.txt.zst');

const readLines = (file: string): string[] =>
  zstdDecompressSync(readFileSync(new URL(`../data/${file}`, import.meta.url)))
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '');
