// Proposals for prefixes: a fresh table of what networks announce against the listed prefixes. What an own network announces
// and no entry covers becomes an entry; what a cloud announces inside of a listed prefix, and what nobody of ours announces any
// more, is for a person to look at. Nothing enters by itself.
//
// A table is one as test/data/network-prefixes.tsv: a head with source, day and commits, then NETWORK <tab> PREFIX.
import { matchesPrefix, type Prefix, parsePrefix } from '../../src/base/base.ts';

/** What networks announce, as of a day. */
export interface Snapshot {
  readonly source: string;
  readonly licence: string;
  /** YYYY-MM-DD. */
  readonly retrieved: string;
  /** By network, where it is recorded. */
  readonly commits: ReadonlyMap<string, string>;
  readonly rows: readonly { readonly asn: string; readonly text: string; readonly prefix: Prefix }[];
}

/** Whose networks the list of prefixes stands for; every other network of a table is a cloud with tenants. */
export const OWN_NETWORKS: ReadonlyMap<string, { service: string; owner: string; operator: string }> =
  new Map([
    [
      'AS11983',
      {
        service: 'TikTok network in the US',
        owner: 'Tiktok U.S. Data Security Inc.',
        operator: 'TikTok USDS Joint Venture LLC',
      },
    ],
    ['AS138699', { service: 'TikTok network', owner: 'TikTok Pte. Ltd.', operator: 'TikTok Pte. Ltd.' }],
    ['AS396986', { service: 'ByteDance network', owner: 'Bytedance Inc.', operator: 'Bytedance Inc.' }],
  ]);

/** A listed prefix and who runs it. */
export interface ListedPrefix {
  readonly text: string;
  readonly operator: string;
}

/** What a person is asked about. */
export interface PrefixProposal {
  /** `entry` of the list of prefixes; `look`: nothing is proposed, and somebody has to judge. */
  readonly kind: 'entry' | 'look';
  readonly text: string;
  /** Whose network; of what nobody announces, none. */
  readonly asn: string;
  readonly reason: string;
}

/** Throws a TypeError for what is no prefix. */
export const prefixFrom = (text: string): Prefix => {
  const prefix = parsePrefix(text);
  if (prefix === undefined) throw new TypeError(`"${text}" is not a prefix`);
  return prefix;
};

export const readSnapshot = (text: string): Snapshot => {
  const lines = text.trim().split('\n');
  const head = lines.filter((line) => line.startsWith('#'));
  const fact = (name: string) =>
    head.find((line) => line.startsWith(`# ${name}: `))?.slice(name.length + 4) ?? '';
  return {
    source: fact('source'),
    licence: fact('licence'),
    retrieved: fact('retrieved'),
    commits: new Map(
      head.flatMap((line) => {
        const [, asn, commit] = /^# commit (AS\d+): ([0-9a-f]{40})$/.exec(line) ?? [];
        return asn === undefined || commit === undefined ? [] : [[asn, commit] as const];
      }),
    ),
    rows: lines
      .filter((line) => !line.startsWith('#'))
      .map((line) => {
        const [asn = '', prefix = ''] = line.split('\t');
        return { asn, text: prefix, prefix: prefixFrom(prefix) };
      }),
  };
};

export const isInside = (inner: Prefix, outer: Prefix): boolean =>
  inner.bits >= outer.bits && matchesPrefix(inner.words, outer.words, outer.bits);
export const overlaps = (a: Prefix, b: Prefix): boolean =>
  matchesPrefix(a.words, b.words, Math.min(a.bits, b.bits));

/** What a table asks of the listed prefixes. */
export const prefixProposals = (
  { rows }: Snapshot,
  listed: readonly ListedPrefix[],
): readonly PrefixProposal[] => {
  const ranges = listed.map((one) => ({ ...one, prefix: prefixFrom(one.text) }));
  const own = rows.filter(({ asn }) => OWN_NETWORKS.has(asn));
  const clouds = rows.filter(({ asn }) => !OWN_NETWORKS.has(asn));
  const found: PrefixProposal[] = [];
  for (const { asn, text, prefix } of own) {
    const operator = OWN_NETWORKS.get(asn)?.operator ?? '';
    const covering = ranges.filter((range) => isInside(prefix, range.prefix));
    const [narrowest] = covering.sort((a, b) => b.prefix.bits - a.prefix.bits);
    const isFiner = narrowest !== undefined && asn === 'AS11983' && narrowest.operator !== operator;
    if (narrowest !== undefined && !isFiner) continue;
    const tenant = clouds.find((cloud) => overlaps(cloud.prefix, prefix));
    if (tenant !== undefined) {
      const reason = `announced by ${asn}, and ${tenant.text} in it by ${tenant.asn}, a cloud with tenants`;
      found.push({ kind: 'look', text, asn, reason });
    } else if (narrowest === undefined)
      found.push({ kind: 'entry', text, asn, reason: 'announced, and in no list' });
    else
      found.push({ kind: 'entry', text, asn, reason: `inside ${narrowest.text} of ${narrowest.operator}` });
  }
  for (const { text, prefix } of ranges) {
    for (const cloud of clouds.filter((one) => overlaps(one.prefix, prefix))) {
      const reason = `${cloud.asn}, a cloud with tenants, announces ${cloud.text}: the list refuses its customers`;
      found.push({ kind: 'look', text, asn: cloud.asn, reason });
    }
    if (!own.some((one) => overlaps(one.prefix, prefix)))
      found.push({
        kind: 'look',
        text,
        asn: '',
        reason: 'no network of the table that is ByteDance’s announces it',
      });
  }
  return found;
};

/** What an entry rests on. */
export const prefixEvidence = (
  { source, retrieved, commits }: Snapshot,
  { asn, reason }: PrefixProposal,
): string =>
  `${asn}, ${source.split(',')[0] ?? ''}${commits.has(asn) ? ` at ${commits.get(asn)?.slice(0, 8)}` : ''}, retrieved ${retrieved}; ${reason}`;

/** Of the page for the person who judges. */
export const prefixPage = (proposals: readonly PrefixProposal[]): string => {
  const rowsOf = (kind: PrefixProposal['kind']): string[] => {
    const rows = proposals.filter((one) => one.kind === kind);
    const head = ['| prefix | network | why |', '|---|---|---|'];
    const body = rows.map(({ text, asn, reason }) => `| ${text} | ${asn} | ${reason} |`);
    return [String(rows.length), '', ...(rows.length === 0 ? ['None.'] : [...head, ...body]), ''];
  };
  return [
    `## Prefixes: ${rowsOf('entry').join('\n')}`,
    `## Prefixes to look at: ${rowsOf('look').join('\n')}`,
  ].join('\n');
};
