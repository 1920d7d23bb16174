// Listens while one question is decided, and keeps what was said of it as plain data that crosses threads.
//
// It decides nothing. A question that waits for an answer is judged again when that comes, so that what the lists say of
// the question begins anew each time; a step that only repeats the one before is not told twice.
import { createAddress, formatAddress } from '../../base/base.ts';
import { ACTION, type Verdict } from '../../policy/policy.ts';
import { formatName, formatRcode, formatType, type Targets, TRIGGER, TYPE } from '../../wire/dns/dns.ts';
import type { Answer } from '../cache/cache.ts';
import {
  type Alias,
  DROP,
  type PipelineObserver,
  type PipelineTrace,
  type Resolution,
  SOURCE,
  type TracedQuery,
} from '../pipeline/pipeline.ts';

/** Steps that are kept: a question with all tries at a dozen upstreams, and its aliases, has fewer. */
const STEPS_MAX = 200;

/** A rule that a question or an answer met. Numbers are those of the generation that judged. */
export interface RuleHit {
  /** Index of the list. */
  readonly list: number;
  readonly line: number;
  readonly match: number;
  readonly trigger: number;
  readonly action: number;
  /** What a rule with data answers with. */
  readonly records: readonly { readonly type: number; readonly rdata: Uint8Array }[];
  /** The name or address that the rule matched; empty when it is the QNAME or the client. */
  readonly target: string;
}

/** Something that happened. */
export interface TracedStep {
  /** After the question was asked, milliseconds. */
  readonly atMs: number;
  readonly stage: string;
  readonly outcome: string;
  readonly rule?: RuleHit | undefined;
  /** Number of the exemption because of which the rule does not count. */
  readonly exemption?: number | undefined;
}

/** What was said of one question. */
export interface Findings {
  /** SOURCE of the answer; -1: there is none. */
  readonly source: number;
  /** SOURCE of the failure that was remembered; -1: none was. */
  readonly remembered: number;
  readonly isRebinding: boolean;
  readonly isDropped: boolean;
  /** The rule that refuses, or that answers in place of what was asked for. */
  readonly refusal: RuleHit | undefined;
  /** The rule by which it passes. */
  readonly passedBy: RuleHit | undefined;
  readonly watched: RuleHit | undefined;
  readonly exempted: readonly { readonly exemption: number; readonly rule: RuleHit }[];
  /** What the last verdict is on. */
  readonly judged: 'question' | 'answer';
  readonly steps: readonly TracedStep[];
}

/** One question's listener. */
export class Tracing implements PipelineObserver, PipelineTrace {
  readonly #startedMs: number;
  readonly #now: () => number;
  readonly #steps: TracedStep[] = [];
  #source = -1;
  #remembered = -1;
  #isRebinding = false;
  #isDropped = false;
  #refusal: RuleHit | undefined;
  #passedBy: RuleHit | undefined;
  #watched: RuleHit | undefined;
  #exempted: { exemption: number; rule: RuleHit }[] = [];
  /** Of the judging that is under way. */
  #exempting: { exemption: number; rule: RuleHit }[] = [];
  #judged: 'question' | 'answer' = 'question';

  /** `now` gives milliseconds that never step back. */
  constructor(now: () => number) {
    this.#now = now;
    this.#startedMs = now();
  }

  /** All that was said until now. */
  findings(): Findings {
    return {
      source: this.#source,
      remembered: this.#remembered,
      isRebinding: this.#isRebinding,
      isDropped: this.#isDropped,
      refusal: this.#refusal,
      passedBy: this.#passedBy,
      watched: this.#watched,
      exempted: [...this.#exempted],
      judged: this.#judged,
      steps: [...this.#steps],
    };
  }

  step(stage: string, outcome: string): void {
    this.#add({ stage, outcome });
  }

  judged({ verdict, alias }: TracedQuery, targets: Targets | undefined): void {
    const isQuestion = targets === undefined;
    const rule = verdict.list < 0 ? undefined : toRuleHit(verdict, targets, alias?.target);
    if (isQuestion) {
      this.#exempted = [];
      this.#watched = undefined;
    }
    for (const one of this.#exempting.splice(0)) {
      if (!this.#exempted.some((other) => isSameExemption(one, other))) this.#exempted.push(one);
    }
    this.#judged = isQuestion ? 'question' : 'answer';
    if (verdict.refused) {
      this.#refusal = rule;
      this.#passedBy = undefined;
    } else if (alias !== undefined) {
      this.#refusal = ruleOfAlias(alias);
      this.#judged = alias.isOfQuestion ? 'question' : 'answer';
    } else {
      this.#refusal = undefined;
      // A rule that lets the question pass leaves only the lists before its own a say on the answer.
      this.#passedBy = isQuestion ? rule : (rule ?? this.#passedBy);
    }
    const stage = isQuestion ? 'question' : alias === undefined ? 'answer' : 'alias';
    this.#add({ stage, outcome: verdictWords(verdict), rule });
  }

  judgedNamed({ verdict }: TracedQuery, target: Uint8Array): void {
    this.#refusal = toRuleHit(verdict, undefined, target);
    this.#add({ stage: 'alias', outcome: verdictWords(verdict), rule: this.#refusal });
  }

  watched({ watched }: TracedQuery, targets: Targets | undefined): void {
    this.#watched = toRuleHit(watched, targets, undefined);
    this.#add({ stage: 'watched', outcome: 'would be refused', rule: this.#watched });
  }

  takenOut({ verdict }: TracedQuery, targets: Targets | undefined, exemption: number): void {
    const rule = toRuleHit(verdict, targets, undefined);
    this.#exempting.push({ exemption, rule });
    this.#add({ stage: 'exemption', outcome: 'the rule does not count', rule, exemption });
  }

  found({ nowMs }: TracedQuery, source: number, answer: Answer): void {
    if (source === SOURCE.UPSTREAM) return;
    const ageSec = Math.max(0, Math.floor((nowMs - answer.storedAtMs) / 1000));
    const age = `${ageSec} s old, kept for ${answer.lifetimeSec} s`;
    this.#add({ stage: 'cache', outcome: source === SOURCE.STALE ? `stale: ${age}` : `hit: ${age}` });
  }

  remembered(source: number): void {
    this.#remembered = source;
    this.#add({ stage: 'cache', outcome: 'failed a moment ago, which is remembered' });
  }

  /** The resolver was asked. */
  asked(name: Uint8Array, type: number): void {
    this.#add({ stage: 'resolver', outcome: `asked for ${formatName(name)} ${formatType(type)}` });
  }

  /** What the resolver says. */
  resolved(resolution: Resolution): void {
    const outcome =
      resolution.kind === 'failure'
        ? `failure: ${resolution.reason}`
        : resolution.kind === 'bogus'
          ? `bogus: ${resolution.text}`
          : 'answer';
    this.#add({ stage: 'resolver', outcome });
  }

  answer(source: number, rcode: number): void {
    this.#source = source;
    this.#add({
      stage: 'answered',
      outcome: `${formatRcode(rcode)} by ${SOURCE_WORDS[source] ?? 'unknown'}`,
    });
  }

  dropped(reason: number): void {
    this.#isDropped = reason === DROP.POLICY;
    this.#add({ stage: 'answered', outcome: 'not at all: dropped' });
  }

  overBounds(): void {
    this.#add({ stage: 'bounds', outcome: 'more names than are looked at' });
  }

  rebindingRefused(): void {
    this.#isRebinding = true;
    this.#add({ stage: 'rebinding', outcome: 'private addresses for a public name' });
  }

  cacheMiss(): void {
    this.#add({ stage: 'cache', outcome: 'miss' });
  }

  prefetched(): void {
    this.#add({ stage: 'cache', outcome: 'fetched anew behind the client' });
  }

  clientShed(): void {}
  zoneShed(): void {}
  gaveWay(): void {}
  repeated(): void {}
  heldLoop(): void {}
  exempted(): void {}
  query(): void {}
  probed(): void {}
  policyAnswer(): void {}
  refusal(): void {}
  cacheHit(): void {}
  coalesced(): void {}
  reported(): void {}
  inflight(): void {}
  missDuration(): void {}
  bypass(): void {}

  #add(step: Omit<TracedStep, 'atMs'>): void {
    const last = this.#steps.findLast(({ stage }) => stage === step.stage);
    const isRepeated = step.rule !== undefined || step.stage === 'question';
    if (isRepeated && last !== undefined && isSameStep(last, step)) return;
    if (this.#steps.length < STEPS_MAX) this.#steps.push({ atMs: this.#now() - this.#startedMs, ...step });
  }
}

const SOURCE_WORDS: Readonly<Record<number, string>> = {
  [SOURCE.CACHE]: 'the cache',
  [SOURCE.UPSTREAM]: 'what upstreams said',
  [SOURCE.POLICY]: 'policy',
  [SOURCE.LOCAL]: 'the resolver itself',
  [SOURCE.ACCESS]: 'access.allow',
  [SOURCE.PROTOCOL]: 'the protocol',
  [SOURCE.NOT_READY]: 'a resolver that has no lists yet',
  [SOURCE.SHED]: 'a resolver with too much to do',
  [SOURCE.STALE]: 'the cache, stale',
};

const verdictWords = (verdict: Verdict): string => {
  if (verdict.refused) return verdict.action === ACTION.DATA ? 'answered by a rule' : 'refused';
  return verdict.list < 0 ? 'no list has a rule for it' : 'passes by a rule';
};

const toRuleHit = (
  { list, line, match, trigger, action, records, targetStart, targetLength }: Verdict,
  targets: Targets | undefined,
  alias: Uint8Array | undefined,
): RuleHit => {
  let target = '';
  if (trigger === TRIGGER.QNAME && alias !== undefined) target = formatName(alias);
  else if (targets !== undefined && trigger !== TRIGGER.QNAME && trigger !== TRIGGER.CLIENT_IP) {
    target =
      targetLength > 0
        ? formatName(targets.names.subarray(targetStart, targetStart + targetLength))
        : addressAt(targets, targetStart);
  }
  return {
    list,
    line,
    match,
    trigger,
    action,
    records: records.map(({ type, rdata }) => ({ type, rdata: rdata.slice() })),
    target,
  };
};

const ruleOfAlias = ({ list, line, match, trigger, target }: Alias): RuleHit => ({
  list,
  line,
  match,
  trigger,
  action: ACTION.DATA,
  records: [{ type: TYPE.CNAME, rdata: target.slice() }],
  target: '',
});

const addressAt = ({ addresses }: Targets, start: number): string => {
  const words = createAddress();
  for (let i = 0; i < words.length; i++) words[i] = addresses[start + 1 + i] ?? 0;
  return formatAddress(words);
};

const isSameHit = (a: RuleHit | undefined, b: RuleHit | undefined): boolean =>
  a?.list === b?.list && a?.line === b?.line && a?.action === b?.action;

const isSameStep = (a: Omit<TracedStep, 'atMs'>, b: Omit<TracedStep, 'atMs'>): boolean =>
  a.outcome === b.outcome && a.exemption === b.exemption && isSameHit(a.rule, b.rule);

const isSameExemption = (
  a: { readonly exemption: number; readonly rule: RuleHit },
  b: { readonly exemption: number; readonly rule: RuleHit },
): boolean => a.exemption === b.exemption && isSameHit(a.rule, b.rule);
