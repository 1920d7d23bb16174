// Whom a proposed configuration would take a mandate from: by the clients who would notice, not by the keys that change.
//
// A prefix that moves to another group, a group that goes, a list that is only watched from then on: each lifts a mandate
// without a word that says so. So every prefix of either configuration is looked up in both, and everybody else as well.
import { countPrefixes, createAddress, formatPrefix, type Prefix, PrefixTable } from '../../base/base.ts';
import type { Config, GroupConfig } from '../../config/config.ts';
import { excuses } from '../../telemetry/enforcement/enforcement.ts';

/** Prefixes that are told one by one. */
const PREFIXES_MAX = 20;

/** Clients for whom a mandate holds now and would not hold. */
export interface LiftedMandate {
  /** The group that they are in now. */
  readonly group: string;
  /** Of the clients; empty: all of the group, or everybody whom no prefix names. */
  readonly prefixes: readonly string[];
  /** Prefixes that are not told one by one. */
  readonly more: number;
  readonly list: string;
  /** True: its names would be answered. False: they would still be refused, and no mandate would stand behind it. */
  readonly passes: boolean;
}

/** Compares; `isMandate` tells of the lists that are in force. */
export const liftedMandates = (
  before: Config,
  after: Config,
  isMandate: (list: string) => boolean,
): readonly LiftedMandate[] => {
  const [now, then] = [readScopes(before, isMandate), readScopes(after, isMandate)];
  const lifted = new Map<string, { group: string; list: string; passes: boolean; prefixes: string[] }>();
  const compare = (from: GroupConfig | undefined, to: GroupConfig | undefined, prefixes: string[]): void => {
    for (const list of from?.lists ?? []) {
      if (from === undefined || !now.isUnderMandate(from, list) || then.isUnderMandate(to, list)) continue;
      const passes = !then.isRefused(to, list);
      const key = `${from.name}\n${list}\n${passes}`;
      const known = lifted.get(key) ?? { group: from.name, list, passes, prefixes: [] };
      known.prefixes.push(...prefixes);
      lifted.set(key, known);
    }
  };
  const seen = new Set<string>();
  for (const prefix of [...now.prefixes(), ...then.prefixes()]) {
    const text = formatPrefix(prefix);
    if (!seen.has(text)) compare(now.groupAt(prefix), then.groupAt(prefix), [text]);
    seen.add(text);
  }
  // Whoever is put into a group by something else than an address, and everybody else.
  for (const group of before.groups) {
    if (countPrefixes(group.clients) > 0) continue;
    compare(group, after.groups.find(({ name }) => name === group.name) ?? after.groups[0], []);
  }
  return [...lifted.values()].map(({ prefixes, ...rest }) => ({
    ...rest,
    prefixes: prefixes.slice(0, PREFIXES_MAX),
    more: Math.max(0, prefixes.length - PREFIXES_MAX),
  }));
};

/** Who is where, and what is refused there. The first group is that of everybody whom no other names. */
const readScopes = (config: Config, isMandate: (list: string) => boolean) => {
  const table = PrefixTable.buildOf(config.groups.map(({ clients }) => clients));
  const lists = new Map(config.lists.map((list) => [list.id, list]));
  const address = createAddress();
  const isRefused = (group: GroupConfig | undefined, list: string): boolean =>
    group?.lists.includes(list) === true && lists.get(list)?.logOnly !== true;
  return {
    isRefused,
    isUnderMandate: (group: GroupConfig | undefined, list: string): boolean =>
      group !== undefined &&
      isRefused(group, list) &&
      (lists.get(list)?.mandate ?? isMandate(list)) &&
      !excuses(group.outOfScope, list) &&
      !excuses(config.compliance.outOfScope, list),
    prefixes: (): Generator<Prefix, void> => table.prefixes(),
    groupAt: ({ words, bits }: Prefix): GroupConfig | undefined => {
      address.set(words);
      let row = table.find(address);
      // A longer prefix that begins at the same address is another one.
      while (row >= 0 && table.bits(row) > bits) row = table.next(row);
      return row < 0 ? config.groups[0] : config.groups[table.value(row)];
    },
  };
};
