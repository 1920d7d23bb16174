// The one sentence about the prohibition: whether it is in force, where, and when that was last proven.
//
// Computed here and nowhere else: console, API and live stream show what this says. The states are tried in the order of
// the table below, and the first that holds is told; "in force" is what is left when nothing else can be said, so that
// silence is never green. A pause stands before a leak, because a pause leaks by design.
import { durationWords } from './duration-words.ts';
import type { Enforcement } from './judge.ts';
import { describeEnforcement, todoOf } from './texts.ts';
import { isAnswering, isInForce } from './words.ts';

/** In the order in which they are tried. */
export const HEADLINE_STATES = [
  'starting',
  'paused',
  'not-in-force',
  'no-mandate-list',
  'leaking',
  'unproven',
  'unrecorded',
  'stale',
  'in-force',
] as const;

/** One of HEADLINE_STATES. */
export type HeadlineState = (typeof HEADLINE_STATES)[number];

/** A start takes seconds; one that lasts is an outage. */
const START_MS_MAX = 60_000;
/** Intervals of the probe after which a proof is old. */
const PROOF_INTERVALS_MAX = 3;
/** Without a probe there is no proof to grow old. */
const PROOF_MS_MIN = 60_000;
/** Records that wait to be written for longer are missing. */
const COMMIT_MS_MAX = 60_000;
/** Groups and names that one sentence names. */
const NAMES_MAX = 5;

/** What the probe knows of one group. */
export interface ProofFacts {
  readonly group: string;
  /** When all of it was last found refused; undefined: never since the start. */
  readonly lastSuccessMs: number | undefined;
  /** Of the last run that asked. */
  readonly outcome: 'enforced' | 'leaking' | 'broken' | undefined;
  readonly leaked: number;
  readonly failed: number;
  readonly examples: readonly string[];
  /** Why it cannot be asked. */
  readonly unasked: string | undefined;
}

/** Everything that decides. */
export interface HeadlineFacts {
  readonly nowMs: number;
  /** Since the start of the program. */
  readonly upMs: number;
  readonly enforcement: Enforcement;
  readonly pause: { readonly by: string; readonly reason: string; readonly until: string } | undefined;
  /** Milliseconds between two samples; undefined: no probe runs. */
  readonly probeEveryMs: number | undefined;
  readonly proofs: readonly ProofFacts[];
  readonly records: {
    readonly isEnabled: boolean;
    readonly failure: string | undefined;
    readonly lastCommitMs: number | undefined;
    readonly backlogBytes: number;
    /** When records were last lost. */
    readonly lostMs: number | undefined;
    readonly isVerified: boolean | undefined;
  };
  /** Mandate lists whose source was not reached for too long. */
  readonly staleLists: readonly { readonly list: string; readonly sinceMs: number }[];
}

/** The headline. Plain data. */
export interface Headline {
  readonly state: HeadlineState;
  readonly text: string;
  /** Another sentence. */
  readonly detail: string;
  readonly todo: string | null;
  /** Groups that a mandate concerns; those on which it is in force; of these, those with a proof that is not old. */
  readonly networks: number;
  readonly networksInForce: number;
  readonly networksProven: number;
  /** Groups that the state is about. */
  readonly groups: readonly string[];
  /** The oldest of the last proofs of all groups, milliseconds since the epoch; null while one has none. */
  readonly oldestProofMs: number | null;
  readonly leakedNames: number;
  readonly examples: readonly string[];
  readonly lists: readonly string[];
}

/** Judges. */
export const judgeHeadline = (facts: HeadlineFacts): Headline => {
  const { enforcement, nowMs, proofs, probeEveryMs } = facts;
  const inScope = enforcement.groups
    .filter(({ state }) => state !== 'out-of-scope')
    .map(({ group }) => group);
  const inForce = enforcement.groups.filter(({ state }) => isInForce(state)).map(({ group }) => group);
  const known = new Map(proofs.map((proof) => [proof.group, proof]));
  const asked = inForce.filter((group) => known.get(group)?.unasked === undefined);
  const isProven = (group: string): boolean => {
    const { lastSuccessMs, outcome } = known.get(group) ?? {};
    const ageMax = Math.max(PROOF_MS_MIN, PROOF_INTERVALS_MAX * (probeEveryMs ?? 0));
    return outcome === 'enforced' && lastSuccessMs !== undefined && nowMs - lastSuccessMs <= ageMax;
  };
  const proven = asked.filter(isProven);
  const times = asked.map((group) => known.get(group)?.lastSuccessMs);
  const oldestProofMs =
    times.length === 0 || times.includes(undefined) ? null : Math.min(...times.map((time) => time ?? nowMs));
  const leaking = proofs.filter(({ leaked }) => leaked > 0);
  const common = {
    networks: inScope.length,
    networksInForce: inForce.length,
    networksProven: proven.length,
    oldestProofMs,
    leakedNames: leaking.reduce((sum, { leaked }) => Math.max(sum, leaked), 0),
    examples: leaking.flatMap(({ examples }) => examples).slice(0, NAMES_MAX),
  };
  const on = (count: number): string =>
    `on ${count} of ${inScope.length} ${inScope.length === 1 ? 'network' : 'networks'}`;
  const age =
    oldestProofMs === null ? 'not proven yet' : `last proven ${durationWords(nowMs - oldestProofMs)} ago`;
  const todo = todoOf(enforcement) ?? null;
  const say = (
    state: HeadlineState,
    text: string,
    more: Partial<Pick<Headline, 'detail' | 'todo' | 'groups' | 'lists'>> = {},
  ): Headline => ({ state, text, detail: '', todo: null, groups: [], lists: [], ...common, ...more });

  const { state, cause } = enforcement;
  if (state === 'not-ready' && facts.upMs < START_MS_MAX)
    return say('starting', 'Starting: nothing resolves yet', {
      detail: describeEnforcement(enforcement),
      todo,
    });
  if (facts.pause !== undefined) {
    const { by, reason, until } = facts.pause;
    return say('paused', `Paused until ${until}: listed names resolve`, {
      detail: `By ${by}: ${reason}`,
      todo,
    });
  }
  if (!isAnswering(state) || cause === 'operator-pause')
    return say('not-in-force', 'Not in force anywhere', { detail: describeEnforcement(enforcement), todo });
  const without = enforcement.groups.filter((group) => group.cause !== undefined);
  if (without.length > 0) {
    const groups = without.map(({ group }) => group);
    const lists = [...new Set(without.flatMap(({ lists: missed = [] }) => missed.map(({ list }) => list)))];
    return say('no-mandate-list', `Not in force ${on(groups.length)}: a mandate list is missing`, {
      ...{ detail: describeEnforcement(enforcement), todo, groups, lists },
    });
  }
  if (inScope.length === 0)
    return say('no-mandate-list', 'No mandate concerns any network here, by decision', {
      detail: describeEnforcement(enforcement),
    });
  if (leaking.length > 0) {
    const names = common.leakedNames === 1 ? '1 name resolves' : `${common.leakedNames} names resolve`;
    return say('leaking', `Not in force ${on(leaking.length)}: ${names}`, {
      ...{ detail: common.examples.join(', '), groups: leaking.map(({ group }) => group) },
      todo: 'Explain one of the names for a client of this network; look at exemptions, lists and what answers there.',
    });
  }
  const unproven = asked.filter((group) => !isProven(group));
  if (unproven.length > 0 || asked.length === 0) {
    const reasons = proofs.flatMap(({ unasked }) => unasked ?? []);
    return say(
      'unproven',
      `In force, but unproven ${on(asked.length === 0 ? inScope.length : unproven.length)}`,
      {
        ...{
          groups: asked.length === 0 ? inForce : unproven,
          detail: asked.length === 0 ? (reasons[0] ?? 'No probe asked yet.') : age,
        },
        todo:
          probeEveryMs === undefined
            ? 'Turn the probe on: probe.interval.'
            : 'Probe now; look at the network under Proof.',
      },
    );
  }
  const lost = unrecorded(facts);
  if (lost !== undefined)
    return say('unrecorded', 'In force, but not recorded', {
      detail: lost,
      todo: 'Look at the disk and at the last lines of the log.',
    });
  const [stale] = facts.staleLists;
  if (stale !== undefined) {
    const old = durationWords(nowMs - stale.sinceMs);
    return say('stale', `In force ${on(inForce.length)}, with a list ${old} old`, {
      ...{ detail: age, lists: facts.staleLists.map(({ list }) => list) },
      todo: 'Fetch the list; its status says why the last fetch failed.',
    });
  }
  return say('in-force', `In force ${on(inForce.length)}`, {
    detail: `${age.charAt(0).toUpperCase()}${age.slice(1)}`,
  });
};

/** Why nothing that happens now can be shown later; undefined while it can. */
const unrecorded = ({ records, nowMs }: HeadlineFacts): string | undefined => {
  const { isEnabled, failure, lastCommitMs, backlogBytes, lostMs, isVerified } = records;
  if (!isEnabled) return 'No records are kept: records.enabled is false.';
  if (failure !== undefined) return failure;
  if (backlogBytes > 0 && lastCommitMs !== undefined && nowMs - lastCommitMs > COMMIT_MS_MAX)
    return `Nothing was written for ${durationWords(nowMs - lastCommitMs)}.`;
  if (lostMs !== undefined && nowMs - lostMs <= COMMIT_MS_MAX) return 'Records are being lost.';
  return isVerified === false ? 'The records are not whole: the last check found a fault.' : undefined;
};
