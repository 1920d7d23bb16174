// The states of the headline one by one: each function tells its state when it holds, and nothing otherwise.
import { reasonText } from '../../base/words/words.ts';
import { durationWords } from './duration-words.ts';
import type { Headline, HeadlineCause, HeadlineFacts, HeadlineState } from './headline-facts.ts';
import { AHEAD_MS_MAX, isFresh, type Proof, proofAgeMaxMs } from './headline-proof.ts';
import { describeEnforcement, todoOf } from './texts.ts';
import { isAnswering, worstState } from './words.ts';

/** A start takes seconds; one that lasts is an outage. */
const START_MS_MAX = 60_000;
/** Records that wait to be written for longer are missing. */
const COMMIT_MS_MAX = 60_000;
/** The recorder's thread tells of itself once a second. */
const SILENCE_MS_MAX = 60_000;
/** Groups and names that one sentence names. */
export const NAMES_MAX = 5;

type Say = (
  state: HeadlineState,
  text: string,
  more?: Partial<Pick<Headline, 'cause' | 'sinceMs' | 'detail' | 'todo' | 'groups' | 'lists'>>,
) => Headline;

/** What several states are told with. */
export interface Telling {
  readonly facts: HeadlineFacts;
  readonly proof: Proof;
  readonly say: Say;
  /** `on 1 of 3 networks`. */
  on(count: number): string;
}

export const capital = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;

export const ageText = ({ facts: { nowMs }, proof: { oldestProofMs, isCurrent } }: Telling): string => {
  if (oldestProofMs === null) return 'not proven yet';
  const age = `${durationWords(nowMs - oldestProofMs)} ago`;
  return isCurrent ? `last proven ${age}` : `not proven since the last change, before it ${age}`;
};

export const unaskedText = (groups: readonly string[]): string =>
  groups.length === 0 ? '' : `. The probe cannot ask as ${groups.slice(0, NAMES_MAX).join(', ')}`;

/** Starting, paused, or not in force anywhere. */
export const outage = ({ facts, say }: Telling): Headline | undefined => {
  const { enforcement, enforcementSinceMs, nowMs, upMs, pause } = facts;
  const { state, cause = null } = enforcement;
  const todo = todoOf(enforcement) ?? null;
  const detail = describeEnforcement(enforcement);
  if (state === 'not-ready' && upMs < START_MS_MAX)
    return say('starting', 'Starting: nothing resolves yet', { cause, sinceMs: nowMs - upMs, detail, todo });
  if (pause !== undefined) {
    const { by, reason, until } = pause;
    return say('paused', `Paused until ${until}: listed names resolve`, {
      ...{ cause, sinceMs: enforcementSinceMs, detail: `By ${by}: ${reason}`, todo },
    });
  }
  if (isAnswering(state) && cause !== 'operator-pause') return undefined;
  return say('not-in-force', 'Not in force anywhere', { cause, sinceMs: enforcementSinceMs, detail, todo });
};

export const withoutMandate = ({ facts, say, on }: Telling, inScope: number): Headline | undefined => {
  const { enforcement, enforcementSinceMs: sinceMs } = facts;
  const detail = describeEnforcement(enforcement);
  // What leaks has a headline of its own.
  const without = enforcement.groups.filter(({ state, cause }) => cause !== undefined && state !== 'leaking');
  if (without.length > 0) {
    const groups = without.map(({ group }) => group);
    const lists = [...new Set(without.flatMap(({ lists: missed = [] }) => missed.map(({ list }) => list)))];
    return say('no-mandate-list', `Not in force ${on(groups.length)}: a mandate list is missing`, {
      cause: worstState(without.map(({ state }) => state)),
      ...{ sinceMs, detail, todo: todoOf(enforcement) ?? null, groups, lists },
    });
  }
  if (inScope > 0) return undefined;
  return say('no-mandate-list', 'No mandate concerns any network here, by decision', {
    ...{ cause: 'out-of-scope', sinceMs, detail },
  });
};

export const leak = ({ proof: { leaking }, say, on }: Telling): Headline | undefined => {
  if (leaking.length === 0) return undefined;
  const examples = leaking.flatMap((proof) => proof.examples).slice(0, NAMES_MAX);
  const most = leaking.reduce((sum, { leaked }) => Math.max(sum, leaked), 0);
  const names = most === 1 ? '1 name resolves' : `${most} names resolve`;
  return say('leaking', `Not in force ${on(leaking.length)}: ${names}`, {
    sinceMs: earliest(leaking.map(({ outcomeSinceMs }) => outcomeSinceMs)),
    detail: examples.join(', '),
    groups: leaking.map(({ group }) => group),
    todo: reasonText('todo-leaking'),
  });
};

export const unproven = ({ facts, proof, say, on }: Telling, inScope: number): Headline | undefined => {
  const { asked, inForce } = proof;
  const groups = asked.length === 0 ? inForce : asked.filter((group) => !proof.proven.includes(group));
  if (groups.length === 0) return undefined;
  const reasons = facts.proofs.flatMap(({ unasked }) => unasked ?? []);
  const last = proof.oldestProofMs;
  return say('unproven', `In force, but unproven ${on(asked.length === 0 ? inScope : groups.length)}`, {
    cause: causeOfDoubt(facts, proof, groups),
    sinceMs: doubtSinceMs(facts, proof, groups),
    groups,
    detail:
      asked.length === 0
        ? (reasons[0] ?? 'No probe asked yet.')
        : last === null
          ? 'not proven yet'
          : `last proven ${durationWords(facts.nowMs - last)} ago`,
    todo: facts.probeEveryMs === undefined ? reasonText('todo-no-probe') : reasonText('todo-unproven'),
  });
};

const causeOfDoubt = (facts: HeadlineFacts, proof: Proof, groups: readonly string[]): HeadlineCause => {
  if (facts.probeEveryMs === undefined) return 'no-probe';
  if (proof.asked.length === 0 && proof.unasked.length > 0) return 'unasked';
  const found = groups.map((group) => proof.of(group));
  if (found.some((one) => one?.outcome === 'broken')) return 'broken';
  if (found.some((one) => one?.lastSuccessMs === undefined)) return 'never';
  return found.some((one) => (one?.lastSuccessMs ?? 0) - facts.nowMs > AHEAD_MS_MAX) ? 'clock' : 'old';
};

/** When the first of the groups lost its proof; null where it never had one. */
const doubtSinceMs = (facts: HeadlineFacts, proof: Proof, groups: readonly string[]): number | null => {
  const ageMaxMs = proofAgeMaxMs(facts.probeEveryMs);
  return earliest(
    groups.map((group) => {
      const found = proof.of(group);
      if (found?.outcome === 'broken') return found.outcomeSinceMs;
      const lastMs = found?.lastSuccessMs;
      return lastMs === undefined || lastMs > facts.nowMs ? undefined : lastMs + ageMaxMs;
    }),
  );
};

export const unrecorded = ({ facts, say }: Telling): Headline | undefined => {
  const lost = findLoss(facts);
  if (lost === undefined) return undefined;
  return say('unrecorded', 'In force, but not recorded', {
    ...lost,
    todo: reasonText('todo-unrecorded'),
  });
};

type Loss = Pick<Headline, 'cause' | 'sinceMs' | 'detail'>;

/** Why nothing that happens now can be shown later; undefined while it can. */
const findLoss = ({ records, nowMs }: HeadlineFacts): Loss | undefined => {
  const { isEnabled, failure, lastCommitMs, backlogBytes, lostMs, isVerified, reportedMs } = records;
  const tell = (cause: HeadlineCause, sinceMs: number | undefined, detail: string): Loss => ({
    ...{ cause, sinceMs: sinceMs ?? null, detail },
  });
  if (!isEnabled) return tell('disabled', undefined, 'No records are kept: records.enabled is false.');
  if (failure !== undefined) return tell('failing', lastCommitMs, failure);
  if (reportedMs !== undefined && !isFresh(reportedMs, nowMs, SILENCE_MS_MAX))
    return tell('silent', reportedMs, 'The thread that writes records gives no sign of life.');
  if (backlogBytes > 0 && lastCommitMs !== undefined && !isFresh(lastCommitMs, nowMs, COMMIT_MS_MAX))
    return tell('waiting', lastCommitMs, `Nothing was written for ${durationWords(nowMs - lastCommitMs)}.`);
  if (lostMs !== undefined && nowMs - lostMs <= COMMIT_MS_MAX)
    return tell('lost', lostMs, 'Records are being lost.');
  if (records.unreadable !== undefined) return tell('unreadable', undefined, records.unreadable);
  if (isVerified !== false) return undefined;
  return tell('not-whole', records.verifiedMs, 'The records are not whole: the last check found a fault.');
};

export const stale = (telling: Telling): Headline | undefined => {
  const { facts, proof, say, on } = telling;
  const sinceMs = earliest(facts.staleLists.map((list) => list.sinceMs));
  if (sinceMs === null) return undefined;
  const old = durationWords(facts.nowMs - sinceMs);
  return say('stale', `In force ${on(proof.inForce.length)}, with a list ${old} old`, {
    ...{ sinceMs, detail: ageText(telling), lists: facts.staleLists.map(({ list }) => list) },
    todo: reasonText('todo-stale'),
  });
};

/** The earliest of times that are known; null when one is not, or there is none. */
const earliest = (times: readonly (number | undefined)[]): number | null =>
  times.length === 0 || times.includes(undefined) ? null : Math.min(...times.map((time) => time ?? 0));
