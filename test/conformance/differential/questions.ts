// Questions made of what stands in the zones: by a seeded generator, so that a run can be repeated.
//
// Most are about names that exist, with a type that they have; the others miss by a little: another type, a label more or
// less, another letter. How a question is asked varies with it: letters, flags, EDNS, transport, class.
import {
  EDNS_DO,
  FLAG,
  formatName,
  formatType,
  nameFrom,
  parseRecord,
  type ResourceRecord,
} from '../../../src/wire/dns/dns.ts';
import type { Random } from '../../support/mutate.ts';
import { DATA_TYPES } from './zones.ts';

/** One question and how it is asked. */
export interface Asked {
  /** As buildQuery() reads it. */
  readonly text: string;
  readonly type: string;
  /** IN when the text has none. */
  readonly class: string;
  readonly flags: number;
  /** Undefined asks without EDNS. */
  readonly edns: { readonly udpLength: number; readonly ttl: number } | undefined;
  readonly transport: 'udp' | 'tcp';
}

/** Types that are asked of names that may not have them, the usual ones more often. */
const OTHER_TYPES = [
  ...['A', 'A', 'A', 'A', 'AAAA', 'AAAA', 'TXT', 'MX', 'NS', 'SOA', 'HTTPS', 'CNAME', 'DNAME'],
  ...['DS', 'DS', 'DNSKEY', 'NSEC', 'NSEC3', 'NSEC3PARAM', 'RRSIG', 'CDS', 'CDNSKEY', 'CSYNC', 'ZONEMD'],
  ...DATA_TYPES,
];
/** Types that no zone can have data of (RFC 6895 section 3.1). */
const META_TYPES = [
  'ANY',
  'AXFR',
  'IXFR',
  'MAILA',
  'MAILB',
  'TKEY',
  'TSIG',
  'OPT',
  'TYPE0',
  'TYPE128',
  'TYPE65535',
];
const CLASSES = ['CH', 'HS', 'ANY', 'NONE', 'CLASS0', 'CLASS65280'];
const SIZES = [0, 512, 512, 1232, 1232, 1232, 4096, 4096, 65_535];
const EXTRA_LABELS = ['x', 'x', 'nothing', '*', 'a.b', '_x', '\\000', 'ns'];

const pick = <Value>(all: readonly Value[], random: Random): Value => {
  const value = all[random(all.length)];
  if (value === undefined) throw new RangeError('there is nothing to choose from');
  return value;
};

/** The names of zones with the types of each. */
const collectTypes = (files: ReadonlyMap<string, readonly string[]>): Map<string, string[]> => {
  const types = new Map<string, string[]>();
  for (const lines of files.values()) {
    for (const line of lines) {
      const record = parseRecord(line);
      const owner = formatName(record.owner);
      types.set(owner, [...(types.get(owner) ?? []), typeOf(record)]);
    }
  }
  return types;
};

/** Of a signature the type that it signs: RRSIGs themselves are asked for as one of the other types. */
const typeOf = (record: ResourceRecord): string => formatType(record.type);

/** Makes questions without end. */
export class QuestionSource {
  readonly #random: Random;
  readonly #types: ReadonlyMap<string, readonly string[]>;
  readonly #owners: readonly string[];

  constructor(files: ReadonlyMap<string, readonly string[]>, random: Random) {
    this.#random = random;
    this.#types = collectTypes(files);
    // Hashes are names as well, but there are as many as of all others.
    this.#owners = [...this.#types.keys()].filter(
      (owner) => !(this.#types.get(owner) ?? []).includes('NSEC3') || random(20) === 0,
    );
  }

  /** The next question. */
  next(): Asked {
    const random = this.#random;
    const owner = pick(this.#owners, random);
    const name = this.#name(owner);
    const type = this.#type(owner);
    const questionClass = random(60) === 0 ? pick(CLASSES, random) : 'IN';
    const text = questionClass === 'IN' ? `${name} ${type}` : `${name} ${questionClass} ${type}`;
    return { text, type, class: questionClass, ...this.#envelope() };
  }

  #name(owner: string): string {
    const random = this.#random;
    const way = random(20);
    let name = owner;
    if (way < 4) name = joinName(pick(EXTRA_LABELS, random), owner);
    else if (way === 4) name = joinName(pick(EXTRA_LABELS, random), parentOf(owner));
    else if (way === 5) name = parentOf(owner);
    else if (way === 6) name = owner.replace(/^([a-z])/, '$1$1');
    if (!isName(name)) name = owner;
    return random(4) === 0 ? name.replaceAll(/(?<!\\)[a-z]/gi, (letter) => this.#flip(letter)) : name;
  }

  #flip(letter: string): string {
    return this.#random(2) === 0 ? letter.toUpperCase() : letter.toLowerCase();
  }

  #type(owner: string): string {
    const random = this.#random;
    const way = random(40);
    if (way === 0) return pick(META_TYPES, random);
    if (way === 1) return 'ANY';
    const own = (this.#types.get(owner) ?? []).filter((type) => type !== 'RRSIG' && type !== 'NSEC');
    if (way < 22 && own.length > 0 && !own.includes('NSEC3')) return pick(own, random);
    return pick(OTHER_TYPES, random);
  }

  #envelope(): Pick<Asked, 'flags' | 'edns' | 'transport'> {
    const random = this.#random;
    const flags =
      (random(20) === 0 ? 0 : FLAG.RD) | (random(4) === 0 ? FLAG.AD : 0) | (random(6) === 0 ? FLAG.CD : 0);
    const edns =
      random(8) === 0 ? undefined : { udpLength: pick(SIZES, random), ttl: random(2) === 0 ? EDNS_DO : 0 };
    return { flags, edns, transport: random(5) < 2 ? 'tcp' : 'udp' };
  }
}

const parentOf = (name: string): string => {
  const end = /^(?:\\.|[^.\\])+\./.exec(name);
  return (end === null ? '' : name.slice(end[0].length)) || '.';
};

const joinName = (label: string, name: string): string => (name === '.' ? `${label}.` : `${label}.${name}`);

const isName = (text: string): boolean => {
  try {
    nameFrom(text);
    return true;
  } catch {
    return false;
  }
};
