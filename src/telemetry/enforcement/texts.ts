// The states in words for people, and what to do about each: the same sentences in the log, in /readyz, in the probe's
// headline, and when a configuration is checked.
import { reasonText } from '../../base/words/words.ts';
import type { Enforcement, GroupEnforcement, UnenforcedList } from './judge.ts';
import type { ListStanding, MandateState, NotEnforcingCause } from './words.ts';

/** Groups and lists that one sentence names; the records and `--json` have all. */
const NAMES_MAX = 8;

const STATES: Readonly<Record<MandateState, string>> = {
  'not-answering': 'queries are not answered',
  'not-ready': 'no lists are loaded: every query is answered SERVFAIL (EDE 14, Not Ready)',
  'no-mandate': 'no mandate list is in force',
  paused: 'an operator suspended all refusals: listed names resolve',
  watched: 'mandate lists only count what they would refuse: listed names resolve',
  'outside-hours': 'mandate lists are outside the hours of their schedules: listed names resolve',
  leaking: 'the self-probe got answers for names that a mandate list refuses',
  partly: 'some mandate lists are not in force',
  enforced: 'every mandate list is in force',
  'out-of-scope': 'no mandate concerns these clients, by decision',
};

const STANDINGS: Readonly<Record<ListStanding, string>> = {
  enforced: 'in force',
  watched: 'only counts (log-only)',
  'outside-hours': 'outside its hours',
  'no-mandate': 'used as a list that is no mandate',
  'not-chosen': 'not chosen by the group',
  removed: 'no longer in the configuration',
};

/** As it is known: in records, the cause may be absent. */
type Described = Pick<Enforcement, 'state' | 'groups'> & { readonly cause?: NotEnforcingCause | undefined };

/** One sentence without a full stop: the state, and where it is not that of everything, for which groups and lists. */
export const describeEnforcement = ({ state, cause, groups }: Described): string => {
  const why = cause === undefined ? '' : (CAUSES[cause] ?? '');
  if (state === 'enforced' || state === 'not-ready' || state === 'not-answering')
    return `${STATES[state]}${why}`;
  const concerned = groups.filter((group) => group.state !== 'enforced' && group.state !== 'out-of-scope');
  if (concerned.length === 0) return STATES[state];
  const details = concerned.slice(0, NAMES_MAX).map((group) => describeGroup(group, state));
  const more = concerned.length - details.length;
  return `${STATES[state]}; ${details.join('; ')}${more > 0 ? `; and ${more} more groups` : ''}`;
};

const CAUSES: Readonly<Partial<Record<NotEnforcingCause, string>>> = {
  'no-worker': ': no worker lives',
  'hung-worker': ': a worker does not answer',
};

/** `group staff: tiktok not chosen by the group`. */
const describeGroup = ({ group, state, lists = [] }: GroupEnforcement, worst: MandateState): string => {
  const parts = [...(state === worst ? [] : [state]), ...describeLists(lists)];
  return parts.length === 0 ? `group ${group}` : `group ${group}: ${parts.join(', ')}`;
};

const describeLists = (lists: readonly UnenforcedList[]): string[] => {
  const shown = lists.slice(0, NAMES_MAX).map(({ list, standing }) => `${list} ${STANDINGS[standing]}`);
  const more = lists.length - shown.length;
  return more > 0 ? [...shown, `and ${more} more`] : shown;
};

/** What to do, in one or two sentences; undefined when all is as decided. */
export const todoOf = ({ cause }: Pick<Enforcement, 'cause'>): string | undefined =>
  cause === undefined ? undefined : reasonText(`todo-${cause}`);
