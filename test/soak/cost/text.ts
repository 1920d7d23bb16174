// Lists of a genome: lines whose names, parts and repeats grow, in every format that is read.
import type { ListFormat } from '../../../src/base/words/words.ts';
import { choice, count, type Genes, type Genome, geneOf, length } from './genome.ts';
import type { Subject } from './message.ts';

/** Lists of this size tell how cost grows; longer ones take the search too long. */
const BYTES_MAX = 256 * 1024;

/** The genes of a list. */
export const LIST_GENES: Genes = {
  lines: count(20_000, 1),
  labels: length(128, 1),
  label: length(63, 1),
  parts: count(4_000),
  part: length(200),
  blanks: length(60_000),
  form: choice(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10),
  /** Names: each its own, one for all, each below the one before, different at the end only. */
  names: choice(0, 1, 2, 3),
  wrong: choice(0, 1),
};

type Values = (name: string) => number;
type Line = (name: string, values: Values, i: number) => string;

const nameOf = (values: Values, i: number): string => {
  const kind = values('names');
  const label = values('label');
  const own = kind === 1 ? 'x' : i.toString(36);
  const labels = Array.from({ length: values('labels') - 1 }, (_, at) =>
    'abcdefghij'[at % 10]?.repeat(label),
  );
  if (kind === 3) return [...labels, `${own.padStart(label, 'z').slice(-63)}`, 'test'].join('.');
  const first = own.padStart(label, 'x').slice(-63);
  return [first, ...labels, 'test'].join('.').slice(-253);
};

const repeat = (values: Values, text: string, separator: string): string =>
  Array.from({ length: Math.max(1, values('parts')) }, () => text).join(separator);

const filler = (values: Values): string => 'a'.repeat(values('part'));

const ADBLOCK: readonly Line[] = [
  (name) => `||${name}^`,
  (name) => `@@||${name}^$important`,
  (name, values) => `||${name}^$denyallow=${repeat(values, `${filler(values)}.${name}`, '|')}`,
  (name, values) => `||${name}^$dnstype=${repeat(values, 'A', '|')}`,
  (name, values) => `||${name}^$client=${repeat(values, '192.0.2.1', '|')}`,
  (name) => `||${name}^$badfilter`,
  (_name, values, i) => `/${repeat(values, `(a|b${i}).*`, '')}/`,
  (_name, values, i) => `/${'('.repeat(values('parts'))}${i}${')?'.repeat(values('parts'))}/`,
  (name, values) => `${name}${repeat(values, '##', filler(values))}`,
  (name, values) => `0.0.0.0 ${repeat(values, name, ' ')}`,
];

const REGEX: readonly Line[] = [
  (_name, values, i) => `${filler(values)}${i}`,
  (_name, values, i) => repeat(values, `(a|b${i})`, ''),
  (_name, values, i) => `^${repeat(values, 'a?', '')}${i}$`,
  (_name, values, i) => `${'('.repeat(values('parts'))}${i}${')'.repeat(values('parts'))}`,
  (_name, values, i) => `[${repeat(values, 'a-z', '')}]${i}`,
  (_name, values, i) => `${i}${repeat(values, `a{${values('part')}}`, '')}`,
  (_name, values, i) => `(${repeat(values, 'a', '|')})${i}`,
  (_name, values, i) => `${i}${repeat(values, '.*', '')}`,
  (_name, values, i) => `${i}${repeat(values, '(?:a*)', '')}`,
  (_name, values, i) => `(${repeat(values, '^a', '|')})${i}`,
];

const RPZ: readonly Line[] = [
  (name) => `${name} CNAME .`,
  (name, values, i) => `${i === 0 ? name : ''} TXT ${repeat(values, `"${filler(values)}"`, ' ')}`,
  (name, values) => `${name} ( ${repeat(values, '\n', ' ')} ) CNAME .`,
  (_name, values, i) => `${(i & 255) + 1}.${i >> 8}.2.10.rpz-ip CNAME ${filler(values)}.`,
  (name, _values, i) => `${i % 2 === 0 ? name : ''} 60 IN A 192.0.2.${i % 256}`,
  (name) => `$ORIGIN ${name}.`,
  (name, values) => `${name} HTTPS 1 . ${repeat(values, 'alpn=h2', ' ')}`,
  (name, values) => `${name} TYPE65300 \\# ${values('parts')} ${repeat(values, '00', '')}`,
  (name, values) => `${repeat(values, '\\097', '')}.${name} CNAME .`,
  (name, _values, i) => `${i % 3 === 0 ? '*.' : ''}${name} CNAME rpz-passthru.`,
  // Of one owner, each another one.
  (_name, _values, i) => `x A 10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`,
];

const UNBOUND: readonly Line[] = [
  (name) => `local-zone: "${name}" always_null`,
  (name) => `local-data: "${name} A 0.0.0.0"`,
  (name, values) => `local-zone: ${'"'.repeat(values('parts'))}${name} static`,
  (name, values) => `local-zone:${' '.repeat(values('part'))}"${name}" static # ${filler(values)}`,
];

const CORDON: readonly Line[] = [
  (name) => `  - { suffix: ${name}, service: S, owner: O, operator: P, evidence: "e", reviewed: 2026-11-24 }`,
  (name, values) =>
    `  - { suffix: ${name}, service: "${filler(values)}", owner: O, operator: P, evidence: "${repeat(values, 'e', ' ')}", reviewed: 2026-11-24 }`,
  (_name, values) => `  - ${'['.repeat(values('parts'))}`,
  (_name, values, i) => `  - &a${i} { ${repeat(values, `k${i}: *a${Math.max(0, i - 1)}`, ', ')} }`,
  (name, values) => `  - ${repeat(values, '- ', '')}${name}`,
];

const FORMS: Readonly<Record<ListFormat, readonly Line[]>> = {
  adblock: ADBLOCK,
  regex: REGEX,
  rpz: RPZ,
  unbound: UNBOUND,
  cordon: CORDON,
  dnsmasq: [
    (name) => `address=/${name}/0.0.0.0`,
    (name, values) => `address=/${repeat(values, name, '/')}/`,
    (name, values) => `server=/${name}/${filler(values)}`,
    (_name, values) => `address=${repeat(values, '/', '')}`,
  ],
  domains: [(name) => name, (name, values) => `${name} # ${filler(values)}`, (name) => `*.${name}`],
  hosts: [
    (name) => `0.0.0.0 ${name}`,
    (name, values) => `::1 ${repeat(values, name, ' ')}`,
    (_name, values) => `0.0.0.0 ${repeat(values, 'localhost', ' ')}`,
  ],
  stamps: [
    (_name, values) => `sdns://${Buffer.alloc(values('part'), 1).toString('base64url')}`,
    (_name, values) =>
      `sdns://${Buffer.concat([Buffer.alloc(9, 2), Buffer.alloc(values('parts'), 129)]).toString('base64url')}`,
    (name) => name,
  ],
  wildcard: [(name) => `*.${name}`, (name) => name],
};

const HEADS: Partial<Record<ListFormat, string>> = {
  cordon: 'id: fuzz\ntitle: T\ncategory: other\nmandate: false\ndefault: false\nentries:\n',
  rpz: '$ORIGIN policy.test.\n$TTL 300\n@ IN SOA a. b. 1 2 3 4 5\n',
};

/** The list of a genome. */
export const buildList = (format: ListFormat, genome: Genome): Subject => {
  const values = (name: string): number => geneOf(LIST_GENES, genome, name);
  const forms = FORMS[format];
  const form = forms[values('form') % forms.length] ?? ((name: string) => name);
  const blanks = ' '.repeat(values('blanks'));
  const mark = values('wrong') === 1 ? '\u0001' : '';
  const lines: string[] = [];
  let size = 0;
  for (let i = 0; i < values('lines') && size < BYTES_MAX; i++) {
    const line = `${form(nameOf(values, i), values, i)}${mark}${blanks}`;
    lines.push(line);
    size += line.length + 1;
  }
  const bytes = Buffer.from(`${HEADS[format] ?? ''}${lines.join('\n')}\n`);
  return { bytes, counts: { lines: lines.length, parts: lines.length * values('parts') } };
};
