// The one sentence about the prohibition: whether it is in force, where, and when that was last proven.
//
// Computed here and nowhere else: console, API and live stream show what this says. The states are tried in the order of
// the table below, and the first that holds is told; "in force" is what is left when nothing else can be said, so that
// silence is never green. A pause stands before a leak, because a pause leaks by design. How long a state has held
// follows from facts, not from when somebody first looked: the first look at an outage of two hours says two hours.
import type { Headline, HeadlineFacts } from './headline-facts.ts';
import { weighProofs } from './headline-proof.ts';
import {
  ageText,
  capital,
  leak,
  NAMES_MAX,
  outage,
  stale,
  type Telling,
  unaskedText,
  unproven,
  unrecorded,
  withoutMandate,
} from './headline-states.ts';

/** All that holds at once, the headline first: what a pause or an outage stands before is no better for that. */
export const judgeHeadlines = (facts: HeadlineFacts): readonly [Headline, ...Headline[]] => {
  const { groups } = facts.enforcement;
  const inScope = groups.filter(({ state }) => state !== 'out-of-scope');
  const proof = weighProofs(facts);
  const { inForce, proven, oldestProofMs, leaking, unasked, isCurrent } = proof;
  const common = {
    networks: inScope.length,
    networksInForce: inForce.length,
    networksProven: proven.length,
    unasked,
    oldestProofMs,
    isProofCurrent: isCurrent,
    leakedNames: leaking.reduce((sum, { leaked }) => Math.max(sum, leaked), 0),
    examples: leaking.flatMap(({ examples }) => examples).slice(0, NAMES_MAX),
  };
  const nothing = { cause: null, sinceMs: null, detail: '', todo: null, groups: [], lists: [] };
  const telling: Telling = {
    ...{ facts, proof },
    say: (state, text, more = {}) => ({ state, text, ...nothing, ...common, ...more }),
    on: (count) => `on ${count} of ${inScope.length} ${inScope.length === 1 ? 'network' : 'networks'}`,
  };
  const [first, ...others] = [
    outage(telling),
    withoutMandate(telling, inScope.length),
    leak(telling),
    unproven(telling, inScope.length),
    unrecorded(telling),
    stale(telling),
  ].filter((told) => told !== undefined);
  if (first !== undefined) return [first, ...others];
  return [
    telling.say('in-force', `In force ${telling.on(inForce.length)}`, {
      sinceMs: facts.enforcementSinceMs,
      detail: `${capital(ageText(telling))}${unaskedText(unasked)}`,
    }),
  ];
};
