// Where what was signed is in force, as all resolvers of the fleet say: for status, by hash and not by number.

import type { Member } from './membership.ts';
import type { Presence } from './presence.ts';
import type { LastContact } from './presence-table.ts';
import { hasInForce, type SignedContents } from './signed-contents.ts';
import type { ContentStatus } from './status.ts';

/** What was signed last of each thing, with who has just that in force; `own` is what this resolver says of itself. */
export const contentStatus = (
  signed: SignedContents,
  members: readonly Member[],
  contacts: ReadonlyMap<string, LastContact>,
  own: Presence,
): ContentStatus[] => {
  const status = new Map<string, { time: string; of: number; without: string[] }>();
  for (const { name, site, until, isAuthority } of members) {
    if (until !== undefined) continue;
    const known = contacts.get(name);
    const presence = name === own.name ? own : known?.isSigned === true ? known.presence : undefined;
    // An authority in whose place another one is has lists of its own, and needs attention for that.
    if (isAuthority && name !== own.name && presence?.isReplaced === true) continue;
    for (const content of signed.of(
      { name, site: presence?.site ?? site },
      Date.parse((presence ?? own).time),
    )) {
      const { subject, time } = content;
      const one = status.get(subject) ?? { time, of: 0, without: [] };
      one.of++;
      if (time > one.time) one.time = time;
      if (presence === undefined || hasInForce(presence, content) !== true) one.without.push(name);
      status.set(subject, one);
    }
  }
  return [...status].map(([subject, { time, of, without }]) => {
    return { subject, time, inForce: of - without.length, of, without };
  });
};
