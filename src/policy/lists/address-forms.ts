// Addresses in the forms in which firewalls load them: nftables, ipset, pf, external dynamic lists, and plain.
//
//   nftables   nft -f: a table of its own, replaced as a whole in one transaction, with the sets and two chains
//   ipset      ipset restore: two sets, filled aside and swapped
//   pf         pfctl -t cordon -T replace -f: a prefix a line
//   edl        a prefix a line and, behind a blank, why: as Palo Alto Networks and others poll it
//   plain      a prefix a line
//
// Prefixes are distinct and do not overlap: a set of intervals takes nothing else. Comments begin with "#" in all of them.
import { formatPrefix, isIpv4, MAPPED_BITS, type Prefix } from '../../base/base.ts';

export const ADDRESS_FORMS = ['nftables', 'ipset', 'pf', 'edl', 'plain'] as const;

/** One of ADDRESS_FORMS. */
export type AddressForm = (typeof ADDRESS_FORMS)[number];

/** A prefix and why it is there. */
export interface ExportedAddress {
  readonly prefix: Prefix;
  /** The list and the line of it, or the name that led there. */
  readonly evidence: string;
}

/** Elements of a set on one line: short enough to be read, and diffed. */
const ELEMENTS_PER_LINE = 4;
/** Room of an ipset beside what it holds, so that it is swapped and never too small. */
const IPSET_ROOM_MIN = 65_536;

/** The lines of a file; `header` are lines without the "#". */
export const writeAddresses = (
  form: AddressForm,
  addresses: readonly ExportedAddress[],
  header: readonly string[],
): string => {
  const head = header.map((line) => `# ${line}\n`).join('');
  return `${head}${WRITERS[form](addresses)}`;
};

type Writer = (addresses: readonly ExportedAddress[]) => string;

const linesOf: Writer = (addresses) => addresses.map(({ prefix }) => `${formatPrefix(prefix)}\n`).join('');

/** A line may hold what stands behind the first blank as a comment. */
const withEvidence: Writer = (addresses) =>
  addresses
    .map(({ prefix, evidence }) => `${formatPrefix(prefix)} ${evidence.replace(/[^\x20-\x7e]/g, '?')}\n`)
    .join('');

const toNftables: Writer = (addresses) => {
  const set = (name: string, type: string, isSix: boolean): string => {
    const texts = ofFamily(addresses, isSix);
    const rows: string[] = [];
    for (let at = 0; at < texts.length; at += ELEMENTS_PER_LINE)
      rows.push(`      ${texts.slice(at, at + ELEMENTS_PER_LINE).join(', ')}`);
    const elements = texts.length === 0 ? '' : `    elements = {\n${rows.join(',\n')}\n    }\n`;
    return `  set ${name} {\n    type ${type}\n    flags interval\n${elements}  }\n`;
  };
  const chain = (name: string, hook: string): string =>
    `  chain ${name} {\n    type filter hook ${hook} priority filter; policy accept;\n` +
    '    ip daddr @listed_ipv4 counter reject with icmpx admin-prohibited\n' +
    '    ip6 daddr @listed_ipv6 counter reject with icmpx admin-prohibited\n  }\n';
  // Declared, deleted and declared again: a transaction that works whether the table is there or not.
  return `table inet cordon\ndelete table inet cordon\ntable inet cordon {\n${set('listed_ipv4', 'ipv4_addr', false)}${set('listed_ipv6', 'ipv6_addr', true)}${chain('refuse_forward', 'forward')}${chain('refuse_output', 'output')}}\n`;
};

const toIpset: Writer = (addresses) => {
  const set = (name: string, family: string, isSix: boolean): string => {
    const texts = ofFamily(addresses, isSix);
    const room = Math.max(IPSET_ROOM_MIN, 2 ** Math.ceil(Math.log2(texts.length + 1)));
    const options = `hash:net family ${family} maxelem ${room}`;
    const aside = `${name}-new`;
    return `create ${aside} ${options} -exist\nflush ${aside}\n${texts.map((text) => `add ${aside} ${text}\n`).join('')}create ${name} ${options} -exist\nswap ${aside} ${name}\ndestroy ${aside}\n`;
  };
  return `${set('cordon-listed4', 'inet', false)}${set('cordon-listed6', 'inet6', true)}`;
};

const WRITERS: Readonly<Record<AddressForm, Writer>> = {
  nftables: toNftables,
  ipset: toIpset,
  pf: linesOf,
  edl: withEvidence,
  plain: linesOf,
};

const isSix = ({ words, bits }: Prefix): boolean => bits < MAPPED_BITS || !isIpv4(words);

const ofFamily = (addresses: readonly ExportedAddress[], wantsSix: boolean): string[] =>
  addresses.filter(({ prefix }) => isSix(prefix) === wantsSix).map(({ prefix }) => formatPrefix(prefix));
