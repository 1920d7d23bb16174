// Whether the prohibition was in force, in one word, by rules that page one and docs/reports.md tell.
//
//   no          not in force for more than a thousandth, or a listed name resolved outside of a pause
//   not-shown   what would show it is missing: time without evidence, records that are not whole, a network of which no run of the
//               probe found everything blocked
//   yes-but     not in force for some time, all of it recorded
//   yes         all of the time
import type { EnforcementInterval, NetworkEntry, ProbeSection, ProbeView, Verdict } from './model.ts';
import type { LeakTime } from './probe-history.ts';

/** Of a period, for "yes, but": 0.1 %. */
const SHARE_MIN = 0.999;

/** What the verdict follows from. */
export interface VerdictFacts {
  readonly intervals: readonly EnforcementInterval[];
  readonly probes: ProbeSection;
  /** Outside of pauses. */
  readonly leaks: readonly LeakTime[];
  readonly networks: readonly NetworkEntry[];
  /** Records that may be of the period are missing or in doubt. */
  readonly isDoubtful: boolean;
  readonly isSoFar: boolean;
}

/** The verdict. */
export const judgePeriod = (facts: VerdictFacts): Verdict => {
  const { intervals, probes, leaks, networks, isDoubtful, isSoFar } = facts;
  const msOf = (state: string): number =>
    intervals.reduce((sum, one) => sum + (one.state === state ? one.ms : 0), 0);
  const allMs = intervals.reduce((sum, { ms }) => sum + ms, 0);
  const reasons: string[] = [];
  if (msOf('not-in-force') > allMs * (1 - SHARE_MIN)) reasons.push('not-in-force');
  const leaking = new Set(leaks.map(({ view }) => view));
  if (leaking.size > 0) reasons.push('leak');
  const isNo = reasons.length > 0;
  if (msOf('no-evidence') > 0) reasons.push('no-evidence');
  if (isDoubtful) reasons.push('records');
  if (!isProven(probes, networks)) reasons.push('no-probe');
  const isShown = reasons.length === 0;
  return {
    answer: isNo ? 'no' : !isShown ? 'not-shown' : msOf('not-in-force') > 0 ? 'yes-but' : 'yes',
    isSoFar,
    reasons,
    networks: {
      inForce: networks.filter((one) => isMostlyInForce(one) && !leaking.has(`group:${one.group}`)).length,
      all: networks.length,
      unknown: networks.filter(({ ms }) => ms['in-force'] + ms['not-in-force'] === 0).length,
    },
    leaks: leaks.length,
    questions: probes.views.reduce((sum, { questions }) => sum + questions, 0),
  };
};

const isMostlyInForce = ({ ms }: NetworkEntry): boolean => {
  const told = ms['in-force'] + ms['not-in-force'];
  return told > 0 && ms['in-force'] >= told * SHARE_MIN;
};

/**
 * That it was asked is no proof: of each network that was there, and of which the probe ever asked, a run within the period has to
 * have found everything blocked, or a leak, which is a reason of its own. A network that was removed before is none.
 */
export const isProven = (
  { views }: Pick<ProbeSection, 'views'>,
  networks: readonly NetworkEntry[],
): boolean => {
  const isTold = ({ lastSuccess, ms }: ProbeView): boolean => lastSuccess !== null || ms.leaking > 0;
  const there = new Set(networks.filter(({ ms }) => ms['in-force'] > 0).map(({ group }) => `group:${group}`));
  const isWanted = ({ view, runs }: ProbeView): boolean =>
    view.startsWith('group:') && (runs > 0 || there.has(view));
  return views.some(isTold) && views.filter(isWanted).every(isTold);
};
