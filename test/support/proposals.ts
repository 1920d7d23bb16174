// Proposals out of public families: what a maintainer may add to a folder of lists, with evidence, and what to leave out
// with which reason. Nothing enters by itself: the outcome is a copy of the lists, a patch, and a page for a person to
// judge.
//
// A host is folded to its zone, and a child of a CDN to the CDN's suffix. A vote is a cluster of families; demand is a
// rank. Two votes ask for an entry, or one with a rank or the spelling of a service; one vote alone for a row that says so.
import { getDomain } from 'tldts';
import { Guards, LISTS_DIRECTORY, NEVER_BLOCK_FILE } from '../../src/policy/lists/lists.ts';
import { MATCH } from '../../src/policy/policy.ts';
import { nameFrom } from '../../src/wire/dns/dns.ts';
import { type ListAnswers, OWN_WORDS } from './coverage.ts';
import { clusterFamilies, type Family, zonesOf } from './families.ts';
import { readGovDelegations, readPopularNames, readVisitedHosts } from './government-names.ts';

/** What a person is asked about. */
export interface Proposal {
  /** `entry` of a list, `suffix` of a CDN, `row` of not-listed.tsv. */
  readonly kind: 'entry' | 'suffix' | 'row';
  readonly name: string;
  /** Id of a list, or code of a row; of a suffix nothing. */
  readonly place: string;
  readonly votes: number;
  /** Sources that name it. */
  readonly sources: readonly string[];
  /** The best rank of a name in it; undefined: it has none. */
  readonly rank: number | undefined;
  /** Names that ask for it, the first of them. */
  readonly names: readonly string[];
  readonly nameCount: number;
  /** Who would be harmed; a proposal that harms is never an entry. */
  readonly harms: readonly string[];
}

const NAMES_SHOWN = 5;
const HARMS_SHOWN = 3;
const VOTES_MIN = 2;
/** One zone below a suffix may be anybody's; a CDN, and a client that appends its search suffix, have more. */
const SUFFIX_ZONES_MIN = 2;

/** Where a zone goes by its spelling: a person moves what is spelled otherwise than it is. */
const SWITCHES: readonly (readonly [RegExp, string])[] = [
  [/tiktok|musical|tokcdn/, 'tiktok-unconfirmed'],
  [/feishu|lark/, 'lark'],
  [/volc|byteplus|^ve/, 'volcengine-byteplus'],
  [/doubao|coze|trae|cici/, 'ai-products'],
  [/capcut|jianying|lemon8|faceu/, 'capcut-lemon8'],
  [/pangle|pangolin|oceanengine/, 'pangle'],
  [/douyin|toutiao|xigua|huoshan|amemv|qishui/, 'bytedance-china'],
  [/^byte|zijie/, 'bytedance-corporate'],
];
/** Where a person has to say it. */
const UNDECIDED = 'tiktok-unconfirmed';

/** One zone, suffix or network name that names were folded to. */
interface Folded {
  readonly kind: 'suffix' | 'zone';
  readonly name: string;
  readonly names: Set<string>;
  /** Listed zones that stand before a suffix. */
  readonly zones: Set<string>;
}

/** What names without an answer ask for; `ranks` are names, the most asked for first. */
export const proposalsOf = (
  families: readonly Family[],
  answers: ListAnswers,
  ranks: readonly string[],
): Proposal[] => {
  const rankOf = new Map(ranks.map((name, index) => [name, index + 1]));
  const wanted = new Set([
    ...families.flatMap(({ names }) => [...names]),
    ...ranks.filter((name) => answers.holdsTikTok(name)),
  ]);
  const left = [...wanted].filter((name) => answers.of(name).answer === 'left');
  const folded = new Map<string, Folded>();
  for (const name of left) {
    const found = fold(name, answers);
    const known = folded.get(`${found.kind} ${found.name}`) ?? {
      ...found,
      names: new Set(),
      zones: new Set(),
    };
    known.names.add(name);
    if (found.zone !== undefined) known.zones.add(found.zone);
    folded.set(`${found.kind} ${found.name}`, known);
  }
  const clusters = clusterFamilies(families);
  const harm = new Harm();
  return [...folded.values()]
    .map((one) => toProposal(one, families, clusters, rankOf, harm))
    .sort(
      (a, b) =>
        b.votes - a.votes || (a.rank ?? Infinity) - (b.rank ?? Infinity) || (a.name < b.name ? -1 : 1),
    );
};

const fold = (name: string, answers: ListAnswers): { kind: Folded['kind']; name: string; zone?: string } => {
  const zone = answers.zoneIn(name);
  if (zone !== undefined && !name.endsWith(zone)) {
    return { kind: 'suffix', name: name.slice(name.indexOf(`${zone}.`) + zone.length + 1), zone };
  }
  return { kind: 'zone', name: getDomain(name, { allowPrivateDomains: true }) ?? name };
};

const toProposal = (
  { kind, name, names, zones }: Folded,
  families: readonly Family[],
  clusters: readonly (readonly Family[])[],
  rankOf: ReadonlyMap<string, number>,
  harm: Harm,
): Proposal => {
  const holds = (family: Family): boolean => [...names].some((one) => family.names.has(one));
  const votes = clusters.filter((cluster) => cluster.some(holds)).length;
  const best = Math.min(...[...names].map((one) => rankOf.get(one) ?? Infinity));
  const rank = Number.isFinite(best) ? best : undefined;
  const isAsked = votes >= VOTES_MIN || rank !== undefined;
  const harms = kind === 'zone' ? harm.of(name) : [];
  const isOpaque = !OWN_WORDS.test(name) && harm.isShared(name);
  return {
    ...decide({ kind, name, isAsked, isOpaque, harms, zones: zones.size, names: names.size }),
    ...{ name, votes, rank, harms, nameCount: names.size },
    sources: families.filter(holds).flatMap(({ sources }) => sources),
    names: [...names].slice(0, NAMES_SHOWN),
  };
};

interface Facts {
  readonly kind: Folded['kind'];
  readonly name: string;
  readonly isAsked: boolean;
  /** A host below a shared zone, whose name does not say whose it is. */
  readonly isOpaque: boolean;
  readonly harms: readonly string[];
  readonly zones: number;
  readonly names: number;
}

const decide = ({
  kind,
  name,
  isAsked,
  isOpaque,
  harms,
  zones,
  names,
}: Facts): Pick<Proposal, 'kind' | 'place'> => {
  if (kind === 'suffix') {
    // What has no vote of two and no rank, and stands behind many zones, is what one client appended.
    const isAppended = !name.includes('.') || (!isAsked && names > 1);
    if (isAppended) return { kind: 'row', place: 'search-suffix' };
    return zones >= SUFFIX_ZONES_MIN || isAsked
      ? { kind: 'suffix', place: '' }
      : { kind: 'row', place: 'one-opinion' };
  }
  if (harms.length > 0) return { kind: 'row', place: 'other-owner' };
  if (isOpaque) return { kind: 'row', place: 'recycled-host' };
  const place = SWITCHES.find(([words]) => words.test(name))?.[1] ?? UNDECIDED;
  // Names of TikTok are what people invent.
  return isAsked || place !== UNDECIDED ? { kind: 'entry', place } : { kind: 'row', place: 'one-opinion' };
};

/** Who would be refused with a zone. */
class Harm {
  readonly #guards = Guards.load(NEVER_BLOCK_FILE);
  readonly #below = new Map<string, string[]>();

  constructor() {
    const hosts = readVisitedHosts().map(({ name }) => name);
    for (const name of new Set([...readPopularNames(), ...hosts, ...readGovDelegations()]))
      for (const zone of zonesOf(name)) {
        const known = this.#below.get(zone);
        if (known === undefined) this.#below.set(zone, [name]);
        else if (known.length < HARMS_SHOWN) known.push(name);
      }
  }

  /** Whether a zone above the name is one that others share. */
  isShared(name: string): boolean {
    return zonesOf(name)
      .slice(1)
      .some((zone) => this.#guards.names.includes(zone) && zone.includes('.'));
  }

  of(zone: string): string[] {
    const wire = nameFrom(zone);
    const guard = this.#guards.protects(MATCH.SUFFIX, wire, wire.length);
    return [...(guard === undefined ? [] : [`${guard} (never-block.txt)`]), ...(this.#below.get(zone) ?? [])];
  }
}

/** What a proposal rests on, in the words of an entry. */
export const evidenceText = ({ votes, sources, rank, names }: Proposal): string =>
  [
    `named by ${votes} families that were written apart (${sources.slice(0, NAMES_SHOWN).join(', ')})`,
    ...(rank === undefined ? [] : [`rank ${rank}`]),
    `as ${names[0] ?? ''}`,
  ].join('; ');

/** The page for the person who judges. */
export const proposalPage = (
  proposals: readonly Proposal[],
  refused: readonly string[],
  directory = LISTS_DIRECTORY,
): string => {
  const rowsOf = (kind: Proposal['kind']): string[] =>
    proposals
      .filter((one) => one.kind === kind)
      .map(
        ({ name, place, votes, rank, nameCount, names, sources, harms }) =>
          `| ${name} | ${place} | ${votes} | ${rank ?? ''} | ${nameCount} | ${names.slice(0, 2).join(' ')} | ${sources.join(', ')} | ${harms.slice(0, HARMS_SHOWN).join(' ')} |`,
      );
  const section = (title: string, kind: Proposal['kind']): string[] => {
    const rows = rowsOf(kind);
    const head = [
      '| name | where | votes | rank | names | as | sources | harms |',
      '|---|---|---|---|---|---|---|---|',
    ];
    return [`## ${title}: ${rows.length}`, '', ...(rows.length === 0 ? ['None.'] : [...head, ...rows]), ''];
  };
  return [
    '# Proposals',
    '',
    `For ${directory}. Votes and ranks say what people ask for, not whose it is: each entry needs an owner, a service and a`,
    'second kind of sign, or goes. A name with its evidence enters; no list is copied, and licences differ.',
    '',
    ...section('Entries', 'entry'),
    ...section('Suffixes of CDNs', 'suffix'),
    ...section('Left out, with a reason', 'row'),
    `## What the checker refused: ${refused.length}`,
    '',
    ...refused.map((text) => `- ${text}`),
    '',
  ].join('\n');
};
