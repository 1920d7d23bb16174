// An answer in the form in which answers are compared: sections as sets, names in small letters, TTLs apart.
import { EDNS_DO, FLAG, formatRcode } from '../../../src/wire/dns/dns.ts';
import type { Reply } from '../../support/client.ts';

/** What two answers can differ in. */
export type Aspect =
  | 'silence'
  | 'RCODE'
  | 'question'
  | 'AA'
  | 'TC'
  | 'RD'
  | 'RA'
  | 'AD'
  | 'CD'
  | 'EDNS'
  | 'DO'
  | 'answer'
  | 'authority'
  | 'additional'
  | 'order'
  | 'TTL'
  | 'EDE';

/** Records by their text without the TTL. */
export type RecordSet = ReadonlyMap<string, number>;

/** An answer, ready to be compared. */
export interface Canonical {
  readonly rcode: string;
  readonly question: string;
  readonly flags: ReadonlySet<string>;
  readonly hasEdns: boolean;
  readonly answer: RecordSet;
  readonly authority: RecordSet;
  readonly additional: RecordSet;
  /** Owners of the aliases of ANSWER as they come, and the rest: a client follows them in this order. */
  readonly order: readonly string[];
  readonly ede: number | undefined;
  readonly isSound: boolean;
  readonly length: number;
}

/** Types whose RDATA is, or begins with, names: their letters mean nothing (RFC 4343 section 3). */
const FOLDED_TYPES = new Set([
  ...[
    'NS',
    'CNAME',
    'SOA',
    'PTR',
    'MX',
    'RP',
    'AFSDB',
    'KX',
    'SRV',
    'DNAME',
    'NSEC',
    'RRSIG',
    'NAPTR',
    'NSEC3',
  ],
  ...['SVCB', 'HTTPS'],
]);

/** The canonical form of an answer. */
export const toCanonical = (reply: Reply): Canonical => {
  const flags = (['AA', 'TC', 'RD', 'RA', 'AD', 'CD'] as const).filter(
    (name) => (reply.flags & FLAG[name]) !== 0,
  );
  const hasDo = reply.opt !== undefined && (reply.opt.ttl & EDNS_DO) !== 0;
  return {
    rcode: formatRcode(reply.rcode),
    question: reply.question,
    flags: new Set([...flags, ...(hasDo ? ['DO'] : [])]),
    hasEdns: reply.opt !== undefined,
    answer: toSet(reply.answer),
    authority: toSet(reply.authority),
    additional: toSet(reply.additional),
    order: orderOf(reply.answer),
    ede: reply.ede?.infoCode,
    isSound: reply.isSound,
    length: reply.bytes.length,
  };
};

const toSet = (records: readonly string[]): RecordSet => {
  const set = new Map<string, number>();
  for (const record of records) {
    const [owner = '', ttl = '', recordClass = '', type = '', ...rdata] = record.split(' ');
    const text = rdata.join(' ');
    const key = [owner.toLowerCase(), recordClass, type, isFolded(type, text) ? text.toLowerCase() : text];
    set.set(key.join(' '), Number(ttl));
  }
  return set;
};

const isFolded = (type: string, rdata: string): boolean => FOLDED_TYPES.has(type) && !rdata.startsWith('\\#');

/** Signatures and records of one set have no order. */
const orderOf = (records: readonly string[]): string[] => {
  const order = records
    .map((record) => record.split(' '))
    .filter(([, , , type]) => type !== 'RRSIG')
    .map(([owner = '', , , type = '']) => `${owner.toLowerCase()} ${type}`);
  return order.filter((one, index) => one !== order[index - 1]);
};

const FLAGS = ['AA', 'TC', 'RD', 'RA', 'AD', 'CD', 'DO'] as const;

/** What the answers differ in. TTLs may differ by `slackSec`, the time in which caches may have been filled. */
export const compare = (replies: readonly (Canonical | undefined)[], slackSec: number): Set<Aspect> => {
  const differing = new Set<Aspect>();
  const given = replies.filter((reply) => reply !== undefined);
  const first = given[0];
  if (given.length < replies.length) {
    if (first !== undefined) differing.add('silence');
    return differing;
  }
  if (first === undefined) return differing;
  for (const other of given.slice(1)) {
    if (other.rcode !== first.rcode) differing.add('RCODE');
    if (other.question !== first.question) differing.add('question');
    for (const flag of FLAGS) if (other.flags.has(flag) !== first.flags.has(flag)) differing.add(flag);
    if (other.hasEdns !== first.hasEdns) differing.add('EDNS');
    for (const section of ['answer', 'authority', 'additional'] as const)
      if (!isEqual(other[section], first[section])) differing.add(section);
    if (isEqual(other.answer, first.answer) && other.order.join() !== first.order.join())
      differing.add('order');
  }
  if (!areTtlsClose(given, slackSec)) differing.add('TTL');
  const codes = new Set(given.map(({ ede }) => ede).filter((code) => code !== undefined));
  if (codes.size > 1) differing.add('EDE');
  return differing;
};

const isEqual = (a: RecordSet, b: RecordSet): boolean =>
  a.size === b.size && [...a.keys()].every((key) => b.has(key));

/** Of each record that more than one of them gave. */
const areTtlsClose = (replies: readonly Canonical[], slackSec: number): boolean =>
  (['answer', 'authority', 'additional'] as const).every((section) => {
    const least = new Map<string, number>();
    const most = new Map<string, number>();
    for (const reply of replies) {
      for (const [key, ttl] of reply[section]) {
        least.set(key, Math.min(ttl, least.get(key) ?? ttl));
        most.set(key, Math.max(ttl, most.get(key) ?? ttl));
      }
    }
    return [...most].every(([key, ttl]) => ttl - (least.get(key) ?? 0) <= slackSec);
  });

/** The answer on one line per part, for people. */
export const describe = (reply: Canonical | undefined): string[] => {
  if (reply === undefined) return ['no answer'];
  const section = (name: string, set: RecordSet): string[] => {
    const lines = [...set].slice(0, 12).map(([key, ttl]) => `${name} ${key} (${ttl})`.slice(0, 220));
    return set.size > 12 ? [...lines, `${name} and ${set.size - 12} more`] : lines;
  };
  return [
    `${reply.rcode} [${[...reply.flags].join(' ')}]${reply.hasEdns ? '' : ' no OPT'}${reply.ede === undefined ? '' : ` EDE ${reply.ede}`} ${reply.length} bytes`,
    ...section('AN', reply.answer),
    ...section('AU', reply.authority),
    ...section('AD', reply.additional),
  ];
};
