// Addresses for firewalls: the prefixes that lists refuse, and on wish the addresses to which listed names lead.
//
// What DNS cannot stop, because nobody asks a resolver for it, a firewall can. It can also do more harm: an address on a
// content delivery network is the site of many. So guarded addresses are cut out whatever a list says, and a name's
// address counts only where the name and every alias of it is listed; the rest is told with its reason.
import { createHash } from 'node:crypto';
import {
  AppError,
  createAddress,
  distinctPrefixes,
  formatPrefix,
  type Prefix,
  parseAddress,
  parsePrefix,
  VERSION,
  withoutHoles,
} from '../../base/base.ts';
import type { Config, ListConfig } from '../../config/config.ts';
import {
  type AddressForm,
  AddressGuards,
  type CdnSuffix,
  type CutAddress,
  derivationOf,
  type ExportedAddress,
  isException,
  NEVER_BLOCK_ADDRESSES_FILE,
  readCdnSuffixes,
  writeAddresses,
} from '../lists/lists.ts';
import { MATCH, type Match, type RuleSink, type RuleTerms } from '../policy.ts';
import { collectRules, type ExportMark, nextSerial } from './export.ts';
import type { PathOf } from './read-list.ts';

/** Prefixes of one export: what a set of a firewall holds with ease. */
const ADDRESSES_MAX = 131_072;
/** Names that are looked up for one export, each with two questions. */
export const RESOLVED_NAMES_MAX = 5000;
/** How the evidence of a name's address begins. */
const OF_NAME = 'address of ';
/** Cut parts that the header tells one by one. */
const CUTS_TOLD_MAX = 50;

/** Where a name leads. */
export interface NameAddresses {
  readonly name: string;
  /** Names on the way in presentation form, folded, without the final dot; the last has the addresses. */
  readonly aliases: readonly string[];
  readonly addresses: readonly string[];
}

/** What is to be exported. */
export interface AddressRequest {
  readonly form: AddressForm;
  /** Lists by id; when empty, those of an export without names: see ExportRequest. */
  readonly lists: readonly string[];
  readonly isMandateOnly: boolean;
  /** Undefined: of the day, after that of the file before. */
  readonly serial: number | undefined;
  readonly nowMs: number;
  readonly previous: ExportMark | undefined;
  /** Undefined: names are left out. */
  readonly resolve: ((names: readonly string[]) => Promise<readonly NameAddresses[]>) | undefined;
}

/** What an export holds. */
export interface AddressFacts extends ExportMark {
  readonly form: AddressForm;
  readonly prefixes: number;
  /** Addresses of names among them. */
  readonly ofNames: number;
  readonly lists: readonly { readonly id: string; readonly sha256: string; readonly entries: number }[];
  /** Guarded parts that were cut out: what the lists would have hit. */
  readonly cut: readonly (CutAddress & { readonly evidence: string })[];
  /** Names that were asked for and whose addresses are left out, with the reason. */
  readonly leftNames: readonly { readonly name: string; readonly why: string }[];
  readonly skipped: readonly { readonly id: string; readonly reason: string }[];
}

/** An export that is ready to be written. */
export interface AddressExport {
  readonly facts: AddressFacts;
  readonly text: string;
  /** The same addresses in another form, or with another serial. */
  textAs(form: AddressForm, serial: number): string;
}

/** Makes the export; throws as exportLists() does, and ERR_APP_EXPORT when nothing is left or there is too much. */
export const exportAddresses = async (
  config: Config,
  request: AddressRequest,
  pathOf: PathOf = () => undefined,
): Promise<AddressExport> => {
  const witnesses: Witness[] = [];
  const { rules, read, skipped } = collectRules(
    config,
    { ...request, format: 'prefixes' },
    pathOf,
    (sink, list) => {
      const witness = new Witness(sink, list, request.resolve !== undefined);
      witnesses.push(witness);
      return witness;
    },
  );
  const listed: RankedAddress[] = [];
  const holes: Hole[] = [];
  for (const [rank, { list, index, isMandate }] of read.entries()) {
    for (const { prefix, line, isPassing } of witnesses[index]?.prefixes ?? []) {
      if (isPassing) holes.push({ prefix, rank, isOfMandate: isMandate });
      else listed.push({ prefix, rank, isOfName: false, evidence: `${list.id} line ${line}` });
    }
  }
  const isDeriving = read.some(({ loaded }) => loaded.derived > 0);
  const { found, leftNames } = await resolveNames(rules, request, isDeriving ? readCdnSuffixes() : []);
  const resolved = found.map(({ prefix, evidence, list }) => {
    const rank = read.findIndex(({ index }) => index === list);
    return { prefix, evidence, rank, isOfName: true };
  });
  const { kept, cut } = guard([...listed, ...resolved], holes, ownServers(config));
  if (kept.length === 0)
    throw new AppError(
      'ERR_APP_EXPORT',
      `exporting addresses of ${read.map(({ list }) => list.id).join(', ') || 'no list'}: none is left`,
      {
        hint:
          request.resolve === undefined
            ? 'Lists of names have addresses with --resolve only.'
            : 'Every address is guarded, or no name has one.',
      },
    );
  if (kept.length > ADDRESSES_MAX)
    throw new AppError(
      'ERR_APP_EXPORT',
      `exporting addresses: ${kept.length} prefixes, at most ${ADDRESSES_MAX}`,
      { hint: 'Name fewer lists with --list.' },
    );
  const sha256 = createHash('sha256')
    .update(kept.map(({ prefix }) => `${formatPrefix(prefix)}\n`).join(''))
    .digest('hex');
  const facts: AddressFacts = {
    form: request.form,
    serial: request.serial ?? nextSerial(request.nowMs, sha256, request.previous),
    sha256,
    prefixes: kept.length,
    ofNames: kept.filter(({ evidence: why }) => why.startsWith(OF_NAME)).length,
    lists: read.map(({ list, loaded }) => ({ id: list.id, sha256: loaded.sha256, entries: loaded.entries })),
    cut,
    leftNames,
    skipped,
  };
  const textAs: AddressExport['textAs'] = (form, serial) =>
    writeAddresses(form, kept, headerOf({ ...facts, form, serial }));
  return { facts, text: textAs(facts.form, facts.serial), textAs };
};

/** A prefix or address that is refused. */
interface RankedAddress extends ExportedAddress {
  /** Of its list in the order of precedence. */
  readonly rank: number;
  readonly isOfName: boolean;
}

/** A prefix that a list lets pass. */
interface Hole {
  readonly prefix: Prefix;
  readonly rank: number;
  readonly isOfMandate: boolean;
}

/**
 * True when a list lets pass what another rule refuses, as the policy judges it: the list before the other one, but what a
 * mandate list lets pass ends its own rules only; within a list the longer prefix.
 */
const isFreedBy = ({ prefix, rank, isOfName }: RankedAddress, hole: Hole): boolean =>
  hole.rank === rank ? isOfName || hole.prefix.bits > prefix.bits : hole.rank < rank && !hole.isOfMandate;

/** Keeps the prefixes of a list with their lines, each as the first rule for it has it. */
class Witness implements RuleSink {
  readonly prefixes: { readonly prefix: Prefix; readonly line: number; readonly isPassing: boolean }[] = [];
  readonly #known = new Set<string>();
  readonly #sink: RuleSink;
  readonly #isAllow: boolean;
  /** Names that nobody looks up are not kept: there may be millions. */
  readonly #keepsNames: boolean;

  constructor(sink: RuleSink, { allow }: ListConfig, keepsNames: boolean) {
    this.#sink = sink;
    this.#isAllow = allow;
    this.#keepsNames = keepsNames;
  }

  addName(match: Match, name: Uint8Array, length: number, line: number, terms?: RuleTerms): void {
    if (this.#keepsNames) this.#sink.addName(match, name, length, line, terms);
  }

  addPrefix(prefix: Prefix, line: number, terms?: RuleTerms): void {
    this.#sink.addPrefix(prefix, line, terms);
    const text = formatPrefix(prefix);
    if (this.#known.has(text)) return;
    this.#known.add(text);
    const isPassing = this.#isAllow || isException(terms);
    // An answer of its own gives no address away, and says nothing of who else has it.
    if (isPassing || terms?.action.kind !== 'data') this.prefixes.push({ prefix, line, isPassing });
  }

  addClientPrefix(prefix: Prefix, line: number, terms?: RuleTerms): void {
    this.#sink.addClientPrefix(prefix, line, terms);
  }

  addPattern(pattern: RegExp, line: number, terms?: RuleTerms): void {
    this.#sink.addPattern(pattern, line, terms);
  }
}

type Rules = ReturnType<typeof collectRules>['rules'];

/**
 * Looks up the refused names, and keeps addresses to which listed names alone lead. Nobody saw most of the children that
 * `cdns` give: they are listed names, and are not looked up.
 */
const resolveNames = async (
  rules: Rules,
  { resolve }: AddressRequest,
  cdns: readonly CdnSuffix[],
): Promise<{
  found: (ExportedAddress & { list: number })[];
  leftNames: { name: string; why: string }[];
}> => {
  if (resolve === undefined) return { found: [], leftNames: [] };
  const refused = rules.filter(
    ({ match, action }) => action === 'list' && (match === MATCH.SUFFIX || match === MATCH.EXACT),
  );
  const exact = new Map<string, number>();
  for (const { text, list } of refused) if (!exact.has(text)) exact.set(text, list);
  const suffixes = new Set(refused.filter(({ match }) => match === MATCH.SUFFIX).map(({ text }) => text));
  const asked = [...exact.keys()].filter(
    (name) => derivationOf(cdns, name, (zone) => suffixes.has(zone)) === undefined,
  );
  if (asked.length > RESOLVED_NAMES_MAX)
    throw new AppError(
      'ERR_APP_EXPORT',
      `exporting addresses: ${asked.length} names, at most ${RESOLVED_NAMES_MAX} are looked up`,
      { hint: 'Name fewer lists with --list.' },
    );
  const isListed = (name: string): boolean => {
    if (exact.has(name)) return true;
    for (let at = name.indexOf('.'); at >= 0; at = name.indexOf('.', at + 1))
      if (suffixes.has(name.slice(at + 1))) return true;
    return false;
  };
  const leftNames: { name: string; why: string }[] = [];
  const found = (await resolve(asked)).flatMap(({ name, aliases, addresses }) => {
    const foreign = aliases.find((alias) => !isListed(alias));
    if (addresses.length === 0 || foreign !== undefined) {
      leftNames.push({
        name,
        why:
          foreign === undefined
            ? 'it has no address'
            : `it leads to ${foreign}, which is not listed and may serve others`,
      });
      return [];
    }
    return addresses.flatMap((text) => {
      const words = createAddress();
      return parseAddress(text, words)
        ? [{ prefix: { words, bits: 128 }, evidence: `${OF_NAME}${name}`, list: exact.get(name) ?? -1 }]
        : [];
    });
  });
  return { found, leftNames };
};

/** Cuts out what is guarded or let pass, and what another prefix covers. */
const guard = (
  addresses: readonly RankedAddress[],
  holes: readonly Hole[],
  own: readonly Prefix[],
): { kept: ExportedAddress[]; cut: (CutAddress & { evidence: string })[] } => {
  const guards = AddressGuards.load(NEVER_BLOCK_ADDRESSES_FILE, own);
  const cut = new Map<string, CutAddress & { evidence: string }>();
  const unguarded = addresses.flatMap((address) => {
    const found = guards.cut(address.prefix);
    for (const one of found.cut) {
      const key = `${one.prefix} ${one.whose}`;
      if (!cut.has(key)) cut.set(key, { ...one, evidence: address.evidence });
    }
    return found.left.map((prefix) => ({ prefix, address }));
  });
  const parts = withoutHoles(
    unguarded.map(({ prefix }) => prefix),
    holes.map(({ prefix }) => prefix),
    (index, at) => {
      const [part, hole] = [unguarded[index], holes[at]];
      return part !== undefined && hole !== undefined && isFreedBy(part.address, hole);
    },
  );
  const left = unguarded.flatMap(({ address: { evidence } }, index) =>
    (parts[index] ?? []).map((prefix): ExportedAddress => ({ prefix, evidence })),
  );
  // The first list that says so.
  const byText = new Map(left.toReversed().map((address) => [formatPrefix(address.prefix), address]));
  return {
    kept: distinctPrefixes(left.map(({ prefix }) => prefix)).flatMap(
      (prefix) => byText.get(formatPrefix(prefix)) ?? [],
    ),
    cut: [...cut.values()],
  };
};

/** The servers that this resolver asks: a firewall that stopped them would take its names away. */
const ownServers = ({ upstreams = [], fallback, bootstrap, forward, groups }: Config): Prefix[] => {
  const servers = [
    ...upstreams,
    ...fallback,
    ...forward.flatMap((rule) => rule.upstreams),
    ...groups.flatMap((group) => [...(group.upstreams ?? []), ...group.fallback]),
  ];
  const addresses = [
    ...servers.flatMap(({ host }) => (host.kind === 'address' ? [host.endpoint.address] : [])),
    ...bootstrap.map(({ address }) => address),
  ];
  return addresses.flatMap((text) => parsePrefix(text) ?? []);
};

const headerOf = ({
  form,
  serial,
  sha256,
  prefixes,
  ofNames,
  lists,
  cut,
  leftNames,
}: AddressFacts): string[] => [
  `Title: addresses that Cordon ${VERSION} refuses: ${lists.map(({ id }) => id).join(', ')}`.slice(0, 200),
  `Format: ${form}`,
  `Serial: ${serial}`,
  `SHA-256: ${sha256}`,
  `Prefixes: ${prefixes}, of them ${ofNames} addresses of names`,
  ...lists.map(
    ({ id, entries, sha256: digest }) =>
      `List: ${id}, ${entries} ${entries === 1 ? 'rule' : 'rules'}, SHA-256 ${digest}`,
  ),
  ...cut
    .slice(0, CUTS_TOLD_MAX)
    .map(({ prefix, whose, evidence }) => `Left out: ${prefix} (${evidence}): ${whose}`),
  ...(cut.length > CUTS_TOLD_MAX ? [`Left out: ${cut.length - CUTS_TOLD_MAX} more`] : []),
  ...(leftNames.length > 0 ? [`Names without an address of their own here: ${leftNames.length}`] : []),
];
