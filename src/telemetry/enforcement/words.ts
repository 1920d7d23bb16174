// The words for being in force or not. They are labels of metrics and members of records: none is ever renamed.

/** What the mandate comes to for a group of clients, or for the whole service; the worst first. */
export const MANDATE_STATES = [
  /** A worker does not answer, or none lives: clients get no answer, listed or not. */
  'not-answering',
  /** No policy is loaded: every query is answered SERVFAIL with EDE 14. */
  'not-ready',
  /** No mandate list refuses anything to the group, and nobody wrote that none concerns it. */
  'no-mandate',
  /** An operator suspended all refusals. */
  'paused',
  /** Its mandate lists only count (`log-only`). */
  'watched',
  /** Its mandate lists are outside the hours of their schedules. */
  'outside-hours',
  /** Its mandate lists refuse by all that is known, and the self-probe got an answer for a name that one of them refuses. */
  'leaking',
  /** Some of its mandate lists refuse; others are missing, only count or are outside their hours. */
  'partly',
  /** All its mandate lists refuse, and nothing shows otherwise. */
  'enforced',
  /** By decision, no mandate concerns it. */
  'out-of-scope',
] as const;

/** One of MANDATE_STATES. */
export type MandateState = (typeof MANDATE_STATES)[number];

/** What one mandate list does for a group. */
export const LIST_STANDINGS = [
  'enforced',
  /** It only counts. */
  'watched',
  'outside-hours',
  /** It is used as a list that is no mandate: allowlists go before it, and nobody proves that it refuses. */
  'no-mandate',
  /** The configuration has it, and the group does not choose it. */
  'not-chosen',
  /** It was in force before, and the configuration has it no longer. */
  'removed',
] as const;

/** One of LIST_STANDINGS. */
export type ListStanding = (typeof LIST_STANDINGS)[number];

/** Why the prohibition is not in force. */
export const NOT_ENFORCING_CAUSES = [
  'startup',
  'no-generation',
  'no-worker',
  /** A worker lives and does not answer. */
  'hung-worker',
  'operator-pause',
  /** What the configuration chooses: lists and groups. */
  'configuration',
  'schedule',
  /** A name of a mandate list was answered to the self-probe. */
  'leak',
  /** The process before this one ended without saying so: from its last sign of life to this start. */
  'crash',
] as const;

/** One of NOT_ENFORCING_CAUSES. */
export type NotEnforcingCause = (typeof NOT_ENFORCING_CAUSES)[number];

/** True when every mandated name is refused. */
export const isInForce = (state: MandateState): boolean => state === 'enforced';

/** True when everything is as it was decided: in force, or out of scope. All else is an alarm, and not ready. */
export const isAsDecided = (state: MandateState): boolean => isInForce(state) || state === 'out-of-scope';

/** True when names are resolved for clients, whatever is refused. */
export const isAnswering = (state: MandateState): boolean =>
  state !== 'not-answering' && state !== 'not-ready';

/** The worst of several states; `not-ready` of none. */
export const worstState = (states: readonly MandateState[]): MandateState =>
  MANDATE_STATES.find((state) => states.includes(state)) ?? 'not-ready';
