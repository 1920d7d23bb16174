// Pauses of the fleet: the authority suspends refusals for all, a site or a node, until a time.
//
// Of the entries that concern a resolver the last one holds: a pause takes the place of the one before, wider or narrower, and an
// entry without `until` ends it. So nobody has to know what stands in the log to say that refusals are given again.
import { AppError, formatDuration } from '../base/base.ts';
import type { Done, FleetActs, FleetPause } from './acts.ts';
import type { PolicyEntry } from './entry.ts';
import type { Body } from './kinds.ts';
import { readBody } from './policy.ts';
import type { PolicyLog } from './policy-log.ts';
import { type Place, pauseSubject } from './signed-contents.ts';

/** What the last entry of a scope says; without `until` refusals are given there, whatever a wider pause says. Plain data. */
export type ScopeOfPause = Pick<Body<'pause'>, 'by' | 'reason' | 'for'> & { readonly until: string | null };

const ALL = 'all';
const nodeScope = (name: string): string => `node:${name}`;
const siteScope = (site: string | null | undefined): string | undefined =>
  site === null || site === undefined ? undefined : `site:${site}`;

/** Whether an entry is for a resolver. */
const concerns = (whom: string, { name, site }: Place): boolean =>
  whom === ALL || whom === nodeScope(name) || whom === siteScope(site);

/** Throws ERR_FLEET_UNKNOWN for a scope in which nobody is. */
export const requireScope = (
  whom: string,
  resolvers: readonly {
    readonly name: string;
    readonly site: string | null;
    readonly removed: string | null;
  }[],
): void => {
  const isThere = resolvers.some(
    ({ name, site, removed }) => removed === null && concerns(whom, { name, site: site ?? undefined }),
  );
  if (!isThere)
    throw new AppError('ERR_FLEET_UNKNOWN', `deciding for ${whom}: no resolver of the fleet is there`, {
      hint: '"cordon fleet status" shows who is, and at which site.',
    });
};

/** Throws ERR_FLEET_PAUSE for a pause that is longer than may be. */
export const requireLength = (ms: number, msMax: number): void => {
  if (ms > msMax)
    throw new AppError(
      'ERR_FLEET_PAUSE',
      `suspending refusals for ${formatDuration(ms)}: at most ${formatDuration(msMax)} are allowed here`,
      { hint: 'The key compliance.pause-max of the configuration says how long.' },
    );
};

/** A resolver, with what it has of policy. */
interface PausedResolver {
  readonly log: Pick<PolicyLog, 'ofKind'>;
  readonly identity: Place;
  readonly acts: FleetActs;
}

/** The pause of a resolver, and the entry that says it, once the entry that is being applied holds; undefined: refusals are given. */
const pauseFor = (
  applied: PolicyEntry | undefined,
  { log, identity, acts }: PausedResolver,
): { readonly pause: FleetPause; readonly entry: PolicyEntry } | undefined => {
  const entries = log
    .ofKind('pause')
    .filter(({ outcome }) => outcome === 'applied')
    .map(({ entry }) => entry);
  const last = [...entries, ...(applied === undefined ? [] : [applied])]
    .filter((entry) => concerns(readBody('pause', entry).for, identity))
    .toSorted((one, other) => one.number - other.number)
    .at(-1);
  if (last === undefined) return undefined;
  const { until, ...body } = readBody('pause', last);
  if (until === undefined || Date.parse(until) <= acts.clock()) return undefined;
  const untilMs = Date.parse(until);
  const pause = {
    ...{ for: body.for, by: body.by, reason: body.reason, number: last.number },
    ...{ untilMs, forMs: untilMs - Date.parse(last.time) },
  };
  return { pause, entry: last };
};

/** Puts in force what holds here once an entry does: one that is over meanwhile, and one for others, change nothing. */
export const applyPause = async (entry: PolicyEntry, resolver: PausedResolver): Promise<Done> => {
  const whom = readBody('pause', entry).for;
  const subject = pauseSubject(whom);
  if (!concerns(whom, resolver.identity)) return { isApplied: true, subject };
  return { subject, ...(await resolver.acts.pause(pauseFor(entry, resolver)?.pause)) };
};

/** At a start, puts in force what holds: what came of that, for the entry that says it; undefined where nothing holds. */
export const resumePause = async (
  resolver: PausedResolver,
): Promise<{ readonly entry: PolicyEntry; readonly done: Done } | undefined> => {
  const held = pauseFor(undefined, resolver);
  if (held === undefined) return undefined;
  const done = await resolver.acts.pause(held.pause);
  return { entry: held.entry, done: { subject: pauseSubject(held.pause.for), ...done } };
};

/**
 * The scopes in which refusals are suspended, and those that were taken out of a wider one, as pauseFor() judges each of these
 * resolvers: of several scopes of one resolver the narrowest holds.
 */
export const pausesOf = (
  log: Pick<PolicyLog, 'ofKind'>,
  nowMs: number,
  resolvers: readonly { readonly name: string; readonly site: string | null }[],
): ScopeOfPause[] => {
  const scopes = new Map<string, ScopeOfPause>();
  const siteOf = new Map(resolvers.map(({ name, site }) => [nodeScope(name), site]));
  for (const { entry } of log.ofKind('pause')) {
    const { for: whom, until, by, reason } = readBody('pause', entry);
    // The last entry that concerns a resolver holds there: this one takes the place of narrower ones.
    for (const narrower of [...scopes.keys()])
      if (whom === ALL || whom === siteScope(siteOf.get(narrower))) scopes.delete(narrower);
    scopes.delete(whom);
    const isOver = until === undefined || Date.parse(until) <= nowMs;
    scopes.set(whom, { for: whom, until: isOver ? null : until, by, reason });
  }
  const isPaused = (whom: string | undefined): boolean => (scopes.get(whom ?? '')?.until ?? null) !== null;
  // That refusals are given is worth a word where a wider pause says something else.
  return [...scopes.values()].filter(
    ({ for: whom, until }) => until !== null || isPaused(ALL) || isPaused(siteScope(siteOf.get(whom))),
  );
};
