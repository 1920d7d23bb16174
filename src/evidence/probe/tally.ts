// What the answers of one run of the self-probe come to: counts by view, transport and type, and what of failures is kept.
import { formatType } from '../../wire/dns/dns.ts';
import type { ProbeResult } from '../records/records.ts';
import type { Judgement } from './judge.ts';
import { describeQuestion } from './plan.ts';
import type { ProbeQuestion } from './plan-facts.ts';

/** Examples of each result: enough to see what the failures have in common. */
const EXAMPLES_MAX = 5;
/** Failed questions that are kept to be asked again, beside the first EXAMPLES_MAX of each view, transport and type. */
const FAILURES_MAX = 1_000;

/** A question whose answer was not what it should be. */
export interface ProbeFailure {
  readonly question: ProbeQuestion;
  readonly verdict: 'leaked' | 'failed';
  /** What came, for people. */
  readonly text: string;
}

interface Cell {
  readonly view: string;
  readonly transport: string;
  readonly qtype: string;
  asked: number;
  leaked: number;
  failed: number;
  readonly examples: string[];
}

/** By view: the rules that leaked there, or the name where no rule was asked for. */
export type LeakedByView = ReadonlyMap<string, ReadonlySet<unknown>>;

/** Of one attempt. */
export class ProbeTally {
  /** The first FAILURES_MAX of them, and some of each view: none of them is forgotten for what others had before it. */
  readonly failures: ProbeFailure[] = [];
  /** Rules with an answer that was not what it should be, and those of them that leaked. */
  readonly failing = new Set<unknown>();
  readonly leaking = new Set<unknown>();
  /** All of them, unlike `failures`: as many as there are rules in a view. */
  readonly leakedByView = new Map<string, Set<unknown>>();
  /** Questions without the answer that they should have. */
  failed = 0;
  readonly #cells = new Map<string, Cell>();

  /** By view, transport and type. */
  results(): ProbeResult[] {
    return [...this.#cells.values()].map(toResult).sort(compareResults);
  }

  /** Takes the judgement of a question. */
  count(question: ProbeQuestion, { verdict, text }: Judgement): void {
    const { view, transport } = question;
    const qtype = formatType(question.type);
    const key = `${view} ${transport} ${qtype}`;
    let cell = this.#cells.get(key);
    if (cell === undefined) {
      cell = { view, transport, qtype, asked: 0, leaked: 0, failed: 0, examples: [] };
      this.#cells.set(key, cell);
    }
    cell.asked++;
    if (verdict === 'passed') return;
    cell[verdict]++;
    if (verdict === 'failed') this.failed++;
    const example = `${describeQuestion(question)}: ${text}`;
    // Leaks say more than whatever else went wrong: they stand first.
    if (verdict === 'leaked') cell.examples.splice(cell.leaked - 1, 0, example);
    else cell.examples.push(example);
    if (cell.examples.length > EXAMPLES_MAX) cell.examples.pop();
    if (question.rule !== undefined) this.failing.add(question.rule);
    if (verdict === 'leaked') this.#countLeak(question);
    const isExample = cell.leaked + cell.failed <= EXAMPLES_MAX;
    if (isExample || this.failures.length < FAILURES_MAX) this.failures.push({ question, verdict, text });
  }

  #countLeak({ view, rule, name }: ProbeQuestion): void {
    if (rule !== undefined) this.leaking.add(rule);
    const leaked = this.leakedByView.get(view) ?? new Set();
    this.leakedByView.set(view, leaked.add(rule ?? name));
  }
}

const toResult = (cell: Cell): ProbeResult => ({ ...cell, outcome: outcomeOf(cell) });

const outcomeOf = ({ leaked, failed }: Pick<Cell, 'leaked' | 'failed'>): ProbeResult['outcome'] => {
  if (leaked > 0) return 'leaking';
  return failed > 0 ? 'broken' : 'enforced';
};

const compareResults = (a: ProbeResult, b: ProbeResult): number =>
  compareTexts(a.view, b.view) || compareTexts(a.transport, b.transport) || compareTexts(a.qtype, b.qtype);

const compareTexts = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1);

/** Leaking when anything leaks, else broken when anything is, or nothing was asked. */
export const worstOf = (results: readonly Pick<ProbeResult, 'outcome'>[]): ProbeResult['outcome'] => {
  if (results.some(({ outcome }) => outcome === 'leaking')) return 'leaking';
  return results.length === 0 || results.some(({ outcome }) => outcome === 'broken') ? 'broken' : 'enforced';
};
