// What an exemption opens, or would open: what an approver has to see before saying yes.

import { DAY_MS, isIpv4, parsePrefix, unpackPrefixes } from '../../base/base.ts';
import type { Config } from '../../config/config.ts';
import type { Draft, ExemptionTerms } from '../../evidence/exemptions/exemptions.ts';
import type { ExemptionEffect } from '../admin/admin.ts';
import type { AskedCounts } from './asked-counts.ts';

/** Names of a paper that are counted; a paper may have more. */
const NAMES_MAX = 200;
/** Addresses are kept with 128 bits: those of IPv4 behind 96 of their own. */
const MAPPED = 96;
const BITS = 128;

/** Everything that terms open. */
export const effectOf = async (
  terms: Draft<ExemptionTerms>,
  config: Config,
  asked: AskedCounts | undefined,
): Promise<ExemptionEffect> => {
  const { groups = [], clients = [], devices = [], names, lists, fromMs, untilMs } = terms;
  const ofGroups = config.groups.filter(({ name }) => groups.includes(name));
  const prefixes = [
    ...clients.flatMap((text) => parsePrefix(text) ?? []),
    ...ofGroups.flatMap((group) => [...unpackPrefixes(group.clients)]),
  ];
  const isCounted = prefixes.every(({ words, bits }) => isIpv4(words) && bits >= MAPPED);
  // Records have no addresses to compare with, and hours are counted by group and list.
  const isByGroup = groups.length > 0 && clients.length === 0 && devices.length === 0 && names === undefined;
  const all = isByGroup ? await asked?.refusals(groups, lists) : undefined;
  const hasPeriod = fromMs !== undefined && untilMs !== undefined;
  return {
    ...{ names: names ?? null, lists: lists ?? null, groups, devices, clients },
    addresses: isCounted ? prefixes.reduce((sum, { bits }) => sum + 2 ** (BITS - bits), 0) : null,
    days: hasPeriod ? Math.max(0, Math.ceil((untilMs - fromMs) / DAY_MS)) : null,
    asked30d: all ?? null,
    askedNames: (names && asked && (await countNames(names, { groups, lists }, asked))) ?? null,
  };
};

/** How often each of the names was asked for: by clients of the groups, or by everybody where none are named. */
const countNames = async (
  names: readonly string[],
  { groups, lists }: { readonly groups: readonly string[]; readonly lists: readonly string[] | undefined },
  asked: AskedCounts,
): Promise<ExemptionEffect['askedNames']> => {
  const found = await asked.names();
  const part = found.of({ groups: groups.length > 0 ? groups : undefined, lists });
  return {
    since: new Date(found.sinceMs).toISOString(),
    ...{ isWhole: found.isWhole, unnamed: part.unnamed, groups: [...groups] },
    names: names
      .slice(0, NAMES_MAX)
      .map((name) => ({ name, queries: part.queriesBelow(name.toLowerCase().replace(/\.$/, '')) })),
  };
};
