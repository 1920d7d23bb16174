// What an exemption opens, or would open: what an approver has to see before saying yes.
import type { ExemptionEffect } from '../admin/admin.ts';
import { DAY_MS, isIpv4, parsePrefix, unpackPrefixes } from '../base/base.ts';
import type { Config } from '../config/config.ts';
import type { Draft, ExemptionTerms } from '../exemptions/exemptions.ts';

/** How far back "asked for" goes. */
const ASKED_MS = 30 * DAY_MS;
/** Addresses are kept with 128 bits: those of IPv4 behind 96 of their own. */
const MAPPED = 96;
const BITS = 128;

/** Refusals to groups by lists since a time, milliseconds since the epoch; undefined where no records are kept. */
export type AskedFor = (
  groups: readonly string[],
  lists: readonly string[] | undefined,
  sinceMs: number,
) => Promise<number | undefined>;

/** Everything that terms open. */
export const effectOf = async (
  terms: Draft<ExemptionTerms>,
  config: Config,
  nowMs: number,
  asked: AskedFor,
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
  const hasPeriod = fromMs !== undefined && untilMs !== undefined;
  return {
    ...{ names: names ?? null, lists: lists ?? null, groups, devices, clients },
    addresses: isCounted ? prefixes.reduce((sum, { bits }) => sum + 2 ** (BITS - bits), 0) : null,
    days: hasPeriod ? Math.max(0, Math.ceil((untilMs - fromMs) / DAY_MS)) : null,
    asked30d: isByGroup ? ((await asked(groups, lists, nowMs - ASKED_MS)) ?? null) : null,
  };
};
