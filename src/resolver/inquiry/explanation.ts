// What was said of a name's questions, in the words of people: which list and line decide, on what evidence, and what a
// client is answered.
//
// The status of an explanation is that of its worst answer: what could not be judged is never said to pass.
import { basename } from 'node:path';
import { isAppError } from '../../base/base.ts';
import {
  derivationText,
  type ListLine,
  type LoadedList,
  lineOf,
  placeOfRule,
} from '../../policy/lists/lists.ts';
import { ACTION, formatExemption, MATCH_NAMES } from '../../policy/policy.ts';
import {
  findEde,
  formatEde,
  formatMessage,
  formatName,
  formatRcode,
  formatRdata,
  formatType,
  optionLength,
  RCODE,
  readU16,
} from '../../wire/dns/dns.ts';
import type { Asked, RuleHit, Traced, TracedAnswer, TracedStep } from '../explain/explain.ts';
import { SOURCE } from '../pipeline/pipeline.ts';

/** Characters of a rule's line: a line of a hosts file may hold hundreds of names. */
const LINE_LENGTH_MAX = 500;

/** The rule that decides about a name or an answer. */
export interface Reason {
  readonly list: string;
  readonly title: string;
  readonly mandate: boolean;
  /** Mandates that ask for the list, by the `id` of their packs. */
  readonly mandates: readonly string[];
  /** What led to it: `qname`, `cname`, `response-ip`, `client-ip`, …. */
  readonly trigger: string;
  /** The name or address that the rule matched, where that is not the name asked for. */
  readonly target: string | undefined;
  /** How the rule matches: `suffix`, `exact`, `wildcard`, `prefix`, `pattern`. */
  readonly match: string;
  /** What is done, in the words of RPZ or, where the rule leaves it to the list, in those of `block.mode`. */
  readonly action: string;
  /** The answer of a rule that states one: `TYPE RDATA`. */
  readonly data: readonly string[];
  readonly file: string;
  /** Of the file. */
  readonly line: number;
  /** The name of the file among those of a directory; undefined for a list that is one file. */
  readonly part: string | undefined;
  /** The rule's line as it stands in the list, at most 500 characters of it; empty when the file is another one now. */
  readonly text: string;
  readonly service: string | undefined;
  readonly owner: string | undefined;
  readonly operator: string | undefined;
  readonly evidence: string | undefined;
  /** What of the evidence a reader can check. */
  readonly check: string | undefined;
  /** Of which listed zone the name is a child at a CDN, where no line names the child. */
  readonly derived: string | undefined;
  readonly reviewed: string | undefined;
}

/** A rule that does not count for the client, and why. */
export interface Exempted {
  /** `ex-000001`. */
  readonly exemption: string;
  readonly reason: Reason;
}

/** Whether clients get what they ask for; `failed`: it could not be judged. */
export type Outcome = 'refused' | 'failed' | 'local' | 'passes';

/** One step, as it is shown. */
export interface Step {
  /** After the question was asked, milliseconds. */
  readonly atMs: number;
  readonly stage: string;
  readonly outcome: string;
  readonly reason: Reason | undefined;
  readonly exemption: string | undefined;
}

/** What a client gets for one type. */
export interface ExplainedAnswer {
  readonly type: string;
  readonly status: Outcome;
  /**
   * `refused`, `local`, `passes`, `passes by passthru of list ID line N` (of a directory: `… of FILE`), `… by exemption
   * ID`, or `failed: ` and why.
   */
  readonly outcome: string;
  /** Who refuses it: a rule of a list, `access.allow`, the guard against private addresses, or the protocol. */
  readonly refusedBy: 'list' | 'access' | 'rebinding' | 'protocol' | undefined;
  /** The rule by which it is refused. */
  readonly reason: Reason | undefined;
  /** The rule by which it passes, if any. */
  readonly passedBy: Reason | undefined;
  /** What a list that is only watched would refuse it by. */
  readonly watched: Reason | undefined;
  /** The rules that would refuse it and that exemptions take out, of the question and of its answer. */
  readonly exempted: readonly Exempted[];
  /** What decided: the question of this type, or what its answer leads to. */
  readonly judged: 'question' | 'answer';
  /** Of the answer; undefined: there is none, because a rule drops the query or no upstream was asked. */
  readonly rcode: string | undefined;
  /** The extended error of the answer: INFO-CODE and text (RFC 8914). */
  readonly ede: { readonly code: number; readonly text: string } | undefined;
  /** The answer's records, one a line. */
  readonly records: readonly string[];
  /** False: an upstream would have to be asked, and was not. */
  readonly followed: boolean;
  readonly tookMs: number;
  readonly steps: readonly Step[];
}

/** Everything that decides. */
export interface Explanation {
  readonly name: string;
  readonly client: string;
  /** False: the client is outside access.allow and gets REFUSED for everything. */
  readonly allowed: boolean;
  readonly group: string;
  /** The prefix that put the client there; undefined: it is the default group. */
  readonly groupPrefix: string | undefined;
  /** The listener that put the client there, which goes before every prefix. */
  readonly groupListener: string | undefined;
  /** What of that which the client shows put it there, before listener and prefix. */
  readonly groupBy: 'certificate' | 'token' | 'server-name' | 'device' | undefined;
  /** Name of the forwarder that says who the client is. */
  readonly via: string | undefined;
  /** False: what the forwarder says opens nothing, for want of `overwrites: true`. */
  readonly isProven: boolean | undefined;
  /** Name of the device that the client is. */
  readonly device: string | undefined;
  readonly lists: readonly string[];
  /** That of the worst answer. */
  readonly outcome: Outcome;
  /** Why the question itself is refused: for all types by the same rule. */
  readonly reason: Reason | undefined;
  /** Every rule by which an answer is refused, of the question and of what it leads to, those of mandates first. */
  readonly rules: readonly Reason[];
  /** The rule by which the question passes; undefined when no list has one for it. */
  readonly passedBy: Reason | undefined;
  /** What a list that is only watched would refuse it by, for any of the types. */
  readonly watched: Reason | undefined;
  /** The rules that would refuse and that exemptions take out, for any of the types. */
  readonly exempted: readonly Exempted[];
  /** One for each type. */
  readonly answers: readonly ExplainedAnswer[];
}

/** What is known of a list, by its index. */
export interface ExplainedList {
  readonly id: string;
  readonly title: string;
  readonly mandate: boolean;
  readonly mandates?: readonly string[];
  /** How it refuses, where its rule says nothing. */
  readonly mode: string;
  readonly loaded: LoadedList;
}

/** What the numbers of a Traced stand for. */
export interface Setting {
  readonly lists: readonly ExplainedList[];
  readonly group: string;
  readonly groupPrefix: string | undefined;
  readonly groupListener: string | undefined;
  /** Ids of the lists of the group. */
  readonly groupLists: readonly string[];
  /** Words of triggers, by number. */
  readonly triggers: readonly string[];
}

/** In the order of BY. */
const BY_WORDS = ['certificate', 'token', 'server-name', 'device'] as const;

/** Explains what was traced. Reads the files of lists. */
export const createExplanation = (asked: Asked, traced: Traced, setting: Setting): Explanation => {
  const name = formatName(asked.name);
  const answers = traced.answers.map((answer) => explainAnswer(name, answer, setting));
  const [first] = answers;
  const isOfQuestion = answers.every(({ judged }) => judged === 'question');
  const isSame = (of: (answer: ExplainedAnswer) => Reason | undefined): boolean =>
    answers.every((answer) => isSameRule(of(answer), first && of(first)));
  const exempted = answers.flatMap((answer) => answer.exempted);
  return {
    name,
    client: asked.client,
    allowed: traced.allowed,
    group: setting.group,
    groupPrefix: setting.groupPrefix,
    groupListener: setting.groupListener,
    groupBy: traced.by === undefined ? undefined : BY_WORDS[traced.by],
    device: traced.device,
    via: asked.via?.name,
    isProven: asked.via?.overwrites,
    lists: setting.groupLists,
    outcome: OUTCOMES.find((outcome) => answers.some(({ status }) => status === outcome)) ?? 'failed',
    reason: isOfQuestion && isSame(({ reason }) => reason) ? first?.reason : undefined,
    rules: rulesOf(answers),
    passedBy: isSame(({ passedBy }) => passedBy) ? first?.passedBy : undefined,
    watched: answers.find(({ watched }) => watched !== undefined)?.watched,
    exempted: exempted.filter(
      (one, index) => exempted.findIndex((other) => isSameExempted(one, other)) === index,
    ),
    answers,
  };
};

/** The worst first. */
const OUTCOMES: readonly Outcome[] = ['refused', 'failed', 'passes', 'local'];

const rulesOf = (answers: readonly ExplainedAnswer[]): Reason[] => {
  const rules = answers.flatMap(({ reason }) => (reason === undefined ? [] : [reason]));
  return rules
    .filter((rule, index) => rules.findIndex((other) => isSameRule(rule, other)) === index)
    .sort((a, b) => Number(b.mandate) - Number(a.mandate));
};

const isSameRule = (a: Reason | undefined, b: Reason | undefined): boolean =>
  a?.list === b?.list && a?.file === b?.file && a?.line === b?.line && a?.action === b?.action;

const isSameExempted = (a: Exempted, b: Exempted): boolean =>
  a.exemption === b.exemption && isSameRule(a.reason, b.reason);

const explainAnswer = (name: string, traced: TracedAnswer, setting: Setting): ExplainedAnswer => {
  const toReason = (hit: RuleHit | undefined): Reason | undefined => hit && reasonOf(name, hit, setting);
  const { message } = traced;
  const rcode = message.length === 0 ? undefined : rcodeOf(message);
  const ede = message.length === 0 ? undefined : edeOf(message);
  const refusedBy = refuserOf(traced, rcode);
  const status = statusOf(traced, rcode, refusedBy);
  const passedBy = status === 'passes' ? toReason(traced.passedBy) : undefined;
  const exempted = traced.exempted.flatMap(({ exemption, rule }) => {
    const reason = toReason(rule);
    return reason === undefined ? [] : [{ exemption: formatExemption(exemption), reason }];
  });
  return {
    type: formatType(traced.type),
    status,
    outcome:
      status === 'failed'
        ? `failed: ${failureText(rcode, ede)}`
        : status === 'passes'
          ? passingText(passedBy, exempted)
          : status,
    refusedBy,
    reason: refusedBy === 'list' ? toReason(traced.refusal) : undefined,
    passedBy,
    watched: toReason(traced.watched),
    exempted,
    judged: traced.judged,
    rcode: rcode === undefined ? undefined : formatRcode(rcode),
    ede,
    records: message.length === 0 ? [] : recordsOf(message),
    followed: traced.isFollowed,
    tookMs: traced.tookMs,
    steps: traced.steps.map((step) => toStep(step, toReason)),
  };
};

const toStep = (
  { atMs, stage, outcome, rule, exemption }: TracedStep,
  toReason: (hit: RuleHit | undefined) => Reason | undefined,
): Step => ({
  atMs,
  stage,
  outcome,
  reason: toReason(rule),
  exemption: exemption === undefined ? undefined : formatExemption(exemption),
});

const refuserOf = (traced: TracedAnswer, rcode: number | undefined): ExplainedAnswer['refusedBy'] => {
  const { source, remembered, refusal, isRebinding, isDropped } = traced;
  if (isDropped || source === SOURCE.POLICY) return isRebinding ? 'rebinding' : refusal && 'list';
  if (source === SOURCE.ACCESS) return 'access';
  if (source === SOURCE.PROTOCOL) return 'protocol';
  if (source === SOURCE.CACHE && remembered === SOURCE.POLICY) return 'rebinding';
  // A rule that leads elsewhere answers with what is there, when that can be had.
  return refusal?.action === ACTION.DATA && rcode !== RCODE.SERVFAIL ? 'list' : undefined;
};

const statusOf = (
  { source, isFollowed }: TracedAnswer,
  rcode: number | undefined,
  refusedBy: ExplainedAnswer['refusedBy'],
): Outcome => {
  if (refusedBy !== undefined) return 'refused';
  if (!isFollowed) return 'passes';
  if (rcode === undefined || rcode === RCODE.SERVFAIL) return 'failed';
  return source === SOURCE.LOCAL ? 'local' : 'passes';
};

const failureText = (rcode: number | undefined, ede: ExplainedAnswer['ede']): string => {
  const word = rcode === undefined ? 'no answer' : formatRcode(rcode);
  if (ede === undefined) return word;
  return `${word}, ${formatEde(ede.code)}${ede.text === '' ? '' : ` (${ede.text})`}`;
};

const passingText = (passedBy: Reason | undefined, exempted: readonly Exempted[]): string => {
  const exemptions = new Set(exempted.map(({ exemption }) => exemption));
  if (exemptions.size > 0) return `passes by exemption ${[...exemptions].join(', ')}`;
  if (passedBy === undefined) return 'passes';
  const { list, line, part } = passedBy;
  return `passes by passthru of list ${list} line ${line}${part === undefined ? '' : ` of ${part}`}`;
};

const reasonOf = (name: string, hit: RuleHit, { lists, triggers }: Setting): Reason | undefined => {
  const list = lists[hit.list];
  if (list === undefined) return undefined;
  const source = readEntry(list, hit.line);
  const place = placeOfRule(list.loaded, hit.line);
  const matched = hit.target === '' ? name : hit.target;
  return {
    list: list.id,
    title: list.title,
    mandate: list.mandate,
    mandates: list.mandates ?? [],
    trigger: triggers[hit.trigger] ?? 'unknown',
    target: hit.target === '' ? undefined : hit.target,
    match: MATCH_NAMES[hit.match as keyof typeof MATCH_NAMES],
    action: hit.action === ACTION.LIST ? list.mode : (ACTION_WORDS[hit.action] ?? 'unknown'),
    data: hit.records.map(({ type, rdata }) => `${formatType(type)} ${formatRdata(type, rdata)}`),
    file: place.path,
    line: place.line,
    part: list.loaded.files === undefined ? undefined : basename(place.path),
    text: source?.text.trim().slice(0, LINE_LENGTH_MAX) ?? '',
    service: source?.entry?.service,
    owner: source?.entry?.owner,
    operator: source?.entry?.operator,
    evidence: source?.entry?.evidence,
    check: source?.check,
    derived: source && derivationText(list.loaded, matched.toLowerCase().replace(/\.$/, ''), source),
    reviewed: source?.entry?.reviewed,
  };
};

/** What is in force is explained also after somebody has edited or removed the file that it came from. */
const readEntry = (list: ExplainedList, line: number): ListLine | undefined => {
  try {
    return lineOf(list.loaded, line);
  } catch (thrown) {
    if (!isAppError(thrown)) throw thrown;
    return undefined;
  }
};

/** The words of RPZ by number: `tcp-only` of TCP_ONLY. */
const ACTION_WORDS: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(ACTION).map(([word, number]) => [number, word.toLowerCase().replace('_', '-')]),
);

const recordsOf = (message: Uint8Array): string[] =>
  formatMessage(message)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith(';'));

/** Of all that is answered here only BADVERS and BADCOOKIE are longer than the header's four bits. */
const rcodeOf = (message: Uint8Array): number => (message[3] ?? 0) & 0xf;

const edeOf = (message: Uint8Array): ExplainedAnswer['ede'] => {
  const offset = findEde(message);
  if (offset < 0) return undefined;
  const text = message.subarray(offset + 2, offset + optionLength(message, offset));
  return { code: readU16(message, offset), text: new TextDecoder().decode(text).replace(/\0+$/, '') };
};
