// Page one in English.
import type { FrontTexts } from './front-texts.ts';

const plural = (count: string | number, one: string, many: string): string =>
  `${count} ${String(count) === '1' ? one : many}`;

/** English. */
export const frontEn: FrontTexts = {
  labels: {
    mandate: 'Mandate',
    enforcement: 'In force',
    lists: 'Lists',
    exempt: 'Exempt',
    attempts: 'Attempts',
    probe: 'Proof',
    evidence: 'Signed',
    unknown: 'Not known',
  },
  more: (count, section, title) => `${count} more in section ${section}, “${title}”.`,
  answer: {
    inForce: (share) => `in force ${share}`,
    notInForce: (share) => `not in force ${share}`,
    noEvidence: (share) => `no evidence ${share}`,
    networks: (all, inForce, less, unknown) =>
      `Of ${plural(all, 'network', 'networks')}, ${inForce} had it in force for at least 99.9 % of the time that there is evidence of, ${less} for less, and of ${unknown} there is no evidence.`,
  },
  needs: 'Attention',
  findings: (count) => `The records are not whole: ${plural(count, 'finding', 'findings')}`,
  mandate: {
    none: 'There was no mandate list: nothing was prohibited here.',
    undecided: (count) => `No decision is recorded for ${plural(count, 'mandate list', 'mandate lists')}.`,
    from: (day) => `in force from ${day}`,
    review: (day) => `to be looked at by ${day}`,
    provisional: 'provisional',
    lists: (names) => `for ${names}`,
    others: (count) => `${count} more`,
  },
  enforcement: {
    never: 'No record says that it was in force.',
    first: (time) => `First recorded in force at ${time}.`,
    since: (time) => `At the end of the period it was in force without a gap since ${time}.`,
    notAtEnd: 'At the end of the period it was not in force.',
    gaps: (count, length, missing) =>
      `${plural(count, 'time', 'times')} it was not shown in force: ${length} not in force, ${missing} without evidence. The longest first:`,
    noGaps: 'At no time in the period was it not in force.',
  },
  lists: {
    none: 'No list was in force.',
    counts: (mandates, others) =>
      `${plural(mandates, 'mandate list', 'mandate lists')} and ${plural(others, 'other', 'others')}.`,
    overdue: (count) => `The review of ${count} is overdue.`,
    oldest: (age) => `The oldest mandate content is in force for ${age}.`,
    failing: (count) => `The last fetch of ${count} failed.`,
    fetched: (time) => `fetched ${time}`,
    reviewed: (day) => `reviewed ${day}`,
    ended: (time) => `until ${time}`,
  },
  feeds: {
    none: (day) => `The lists that ship are of ${day}; no feed is configured.`,
    state: (feed, state, since, version, until) =>
      `Feed ${feed}: ${state} since ${since}, version ${version}, vouches until ${until}.`,
    behind: (count, list, since, why) => `Not in force of it: ${count}, ${list} since ${since}: ${why}`,
    more: (count) => `Further feeds, in the section of lists: ${count}.`,
  },
  exempt: {
    none: 'Nobody was exempt: refusals held for every client.',
    counts: (count, passed) =>
      `${plural(count, 'exemption was', 'exemptions were')} in force at some time; ${passed} queries passed. Those that let most pass first:`,
    goesOn: 'goes on',
  },
  attempts: {
    none: 'No query for a name or address of a mandate list is recorded.',
    counts: (count, clients) => `${count} refused queries for prohibited names, by ${clients} clients.`,
    before: (count, change) => `In the period before: ${count} (${change}).`,
    most: (names) => `Most in ${names}.`,
    beside: (passed, signs, others) =>
      `Apart from these: ${passed} passed under exemptions, ${signs} signs of a bypass, ${others} refused by other lists.`,
  },
  probe: {
    none: 'The self-probe tested nothing.',
    runs: (questions, runs, views, last) =>
      `${questions} questions in ${plural(runs, 'run', 'runs')} over ${plural(views, 'view', 'views')}, as clients ask, the last at ${last}.`,
    clean: 'No listed name resolved outside of a pause.',
    leaks: (count, view, time) =>
      `Listed names resolved ${plural(count, 'time', 'times')} outside of a pause, first in ${view} at ${time}.`,
    longest: (length) => `The longest time without proof of a view: ${length}.`,
  },
  evidence: {
    never: 'Nothing is signed.',
    signed: (until, records) => `Signed until ${until}; ${records} records were checked.`,
    unsigned: (count) => `${count} records behind that are not signed, and no evidence.`,
    nothingBehind: 'Nothing behind that is counted.',
    checkpoint: (blocks, root) => `Checkpoint: ${blocks} blocks, root ${root}`,
    key: (key) => `Public key: ${key}`,
    head: (number, time, key) => `Last signed head of the period: number ${number} of ${time}, key ${key}.`,
    witnessed: (needed, all, until, names) =>
      `Witnessed until ${until} by the ${needed} that are needed, of ${all}: ${names}.`,
    notWitnessed: (needed, cosigned) =>
      `Not witnessed: ${cosigned} of the ${needed} that are needed have cosigned.`,
    noWitness: 'No witness is configured: nobody else remembers how far the records had come.',
  },
  unknown: {
    always: 'Whether what was recorded is true, and what never came to this resolver, no record can tell.',
    also: 'Nor is known:',
  },
  unknowns: {
    doubtful: (count) => `what stands in ${count} records in doubt`,
    missing: () => 'what was in the records that were changed or are missing',
    'no-evidence': (length) => `whether it was in force for ${length}`,
    unsigned: (count) => `whether ${count} records behind the last signature are true to what was written`,
    'never-signed': () => 'whether any record is what was written: nothing is signed',
    'no-checkpoint': () => 'whether the end was cut off: there is no checkpoint, only signed heads',
    'signed-less': (time) => `what was written after ${time}, when the last signature was made`,
    'no-witness': () => 'whether the holder of the key wrote all anew: there is no witness',
    'witness-short': (cosigned, needed) =>
      `whether all was written anew: ${cosigned} of ${needed} witnesses cosigned`,
    'witnessed-less': (time) => `whether what is newer than ${time} was written anew: no witness saw it`,
    dropped: (count) => `${count} events that could not be recorded`,
    'unclean-ends': (count) =>
      `the last moments before ${plural(count, 'unexpected end', 'unexpected ends')} of the program`,
    'no-probe': () =>
      'whether clients were refused as the records say: no test of the probe shows it for every network',
    unproven: (length) => `whether a view was enforced in the ${length} without proof of it`,
    'no-queries': () => 'how many attempts there were: there are no records of queries',
    deleted: (time) => `attempts before ${time}: these records have been deleted`,
    'clock-back': (length, time) => `true times around ${time}: the clock was set back by ${length}`,
    'clock-forward': (length, time) => `true times around ${time}: the clock was set forward by ${length}`,
    'no-decision': (count) =>
      `what ${plural(count, 'mandate list rests', 'mandate lists rest')} on: no decision is recorded`,
    'list-age': (count) => `how old the entries of ${plural(count, 'mandate list', 'mandate lists')} are`,
    nameless: (count) => `who asked for or approved ${plural(count, 'exemption', 'exemptions')}`,
  },
  timesLead: 'Each time without the prohibition, what needs a person, and the period before.',
  seeSection: (number) => `See section ${number}.`,
  need: ([lead, rest]) => `${lead} ${rest}`,
  cut: (count) => `… (${count} more characters in CSV and JSON)`,
  moreKeys: (count) => `and ${plural(count, 'more key', 'more keys')}, in CSV and JSON`,
  captions: {
    attention: 'What needs attention',
    checkpoint: 'The checkpoint that this report was made from',
    witnesses: 'Witnesses',
    unknown: 'What is not known',
  },
  empty: {
    attention: 'Nothing in these records needs a person.',
    checkpoint: 'There is none: heads alone are signed.',
    witnesses: 'None is configured.',
    unknown: 'Nothing that these records would show.',
    gaps: 'At no time.',
    comparison: 'The records do not reach back over the whole period before.',
  },
  columns: {
    what: 'What',
    requested_by: 'Requested by',
    began: 'From, UTC',
    planned_end: 'Planned end, UTC',
    real_end: 'Ended, UTC',
    version: 'Version',
    since: 'In force since, UTC',
    fresh: 'Fresh as of',
    due: 'Review due',
    name: 'Name',
    state: 'State',
    size: 'Blocks',
    cosigned_at: 'Cosigned, UTC',
    member: 'Member',
    value: 'Value',
  },
};
