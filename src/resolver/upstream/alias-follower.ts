// Asks for the end of aliases that an upstream leaves to the asker.
//
// An Exchange around another one. Stub resolvers do not follow aliases, so an answer with an open end is of no use to
// them. Each further question takes the route of its own name, in the same view and with the same flags. What comes of
// it is one answer, as an upstream that resolves would have sent it: the validator and the lists see all of it.
// Bounded by a number of questions and one deadline. A further question that fails fails the whole, because an alias
// without its end would say that there is nothing (RFC 2308 section 2.2).
import { fail } from 'node:assert/strict';
import { type Clock, Pool, Reusable } from '../../base/base.ts';
import {
  createEde,
  EDE,
  FLAG,
  formatName,
  HEADER_LENGTH,
  MessageBuilder,
  NO_QUESTION,
  OPT_LENGTH,
  OPTION,
  OPTION_HEADER_LENGTH,
  type Question,
  RCODE,
  UDP_LENGTH_MAX,
  writeOpt,
  writeOption,
  writeU16,
} from '../../wire/dns/dns.ts';
import { findDoubtfulEnd, findOpenEnd, joinAnswers, keyOf, type OpenEnd } from './alias-chain.ts';
import type { Exchange, UpstreamOutcome } from './exchange.ts';

/** Each may bring several aliases; BIND and unbound ask eleven times at most. */
const FURTHER_QUESTIONS_MAX = 8;
/** Name, type and class of the longest question, and a sentence. */
const FAILURE_BYTES = 512;

type Answered = Extract<UpstreamOutcome, { readonly kind: 'answer' }>;
type Failed = Extract<UpstreamOutcome, { readonly kind: 'failure' }>;
type Done = (outcome: UpstreamOutcome) => void;

/** Of questions that wait, as many are kept for the next ones as waiters are. */
const FIRSTS_KEPT_MAX = 1024;
/** An exchange calls once; who calls again would answer somebody else's question by then. */
const answeredBefore = (): never => fail('an exchange answered a question twice');

/** What a follower works with. */
export interface AliasFollowerOptions {
  readonly exchange: Exchange;
  /** For a question with all that it leads to. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** True for a question about a folded name that no upstream may see: the aliases end there. */
  readonly isKeptHere: (name: Uint8Array, question: Question) => boolean;
}

/** A question on its way to the first answer; its `take` is made once, and not for each question. */
class FirstAnswer extends Reusable {
  question: Question = NO_QUESTION;
  startedAtMs = 0;
  done: Done = answeredBefore;
  readonly take: Done;

  constructor(take: (first: FirstAnswer, outcome: UpstreamOutcome) => void) {
    super();
    this.take = (outcome) => take(this, outcome);
  }
}

/** Resolves questions by another exchange, each to the end of its aliases. Hot for each miss. */
export class AliasFollower implements Exchange {
  readonly #options: AliasFollowerOptions;
  readonly #firsts = new Pool<FirstAnswer>(FIRSTS_KEPT_MAX);
  readonly #take = (first: FirstAnswer, outcome: UpstreamOutcome): void => {
    const { question, startedAtMs, done } = first;
    first.question = NO_QUESTION;
    first.done = answeredBefore;
    this.#firsts.give(first);
    const find = question.doubtsEnd === true ? findDoubtfulEnd : findOpenEnd;
    const end = outcome.kind === 'answer' ? find(outcome.message, question) : undefined;
    if (outcome.kind === 'failure' || end === undefined) done(outcome);
    else new Pursuit(this.#options, question, startedAtMs, done).take(outcome, end);
  };

  constructor(options: AliasFollowerOptions) {
    this.#options = options;
  }

  resolve(question: Question, done: Done): void {
    const { exchange, clock } = this.#options;
    const first = this.#firsts.take() ?? new FirstAnswer(this.#take);
    first.question = question;
    first.startedAtMs = clock();
    first.done = done;
    exchange.resolve(question, first.take);
  }
}

/** One question whose aliases are followed. */
class Pursuit {
  readonly #options: AliasFollowerOptions;
  readonly #question: Question;
  readonly #done: Done;
  readonly #timer: NodeJS.Timeout;
  readonly #parts: Answered[] = [];
  /** All names on the way, folded. */
  readonly #names = new Set<string>();
  #isOver = false;

  constructor(options: AliasFollowerOptions, question: Question, startedAtMs: number, done: Done) {
    this.#options = options;
    this.#question = question;
    this.#done = done;
    const passedMs = Math.max(0, options.clock() - startedAtMs);
    this.#timer = setTimeout(
      () => this.#fail({ kind: 'failure', reason: 'timeout', message: undefined }),
      Math.max(0, options.timeoutMs - passedMs),
    );
  }

  /** Takes an answer, and asks for its end when that is open. */
  take(answer: Answered, end: OpenEnd | undefined): void {
    this.#parts.push(answer);
    const name = end?.names.at(-1);
    if (end === undefined || name === undefined) {
      this.#finish();
      return;
    }
    if (end.isRound || this.#isMetAgain(end.names)) {
      this.#fail(createFailure(this.#question, 'aliases go round'));
      return;
    }
    const further = { ...this.#question, name: end.name, doubtsEnd: false };
    this.#question.trace?.step('aliases', `left open by the upstream at ${formatName(name)}`);
    if (this.#options.isKeptHere(name, further)) this.#finish();
    else if (this.#parts.length > FURTHER_QUESTIONS_MAX)
      this.#fail(createFailure(this.#question, 'too many aliases'));
    else this.#ask(further);
  }

  /** Notes the names of an answer; true when one was on the way before. */
  #isMetAgain(names: readonly Uint8Array[]): boolean {
    for (const [index, passed] of names.entries()) {
      const key = keyOf(passed);
      // The first name of a further answer is the end of the one before.
      if (index > 0 && this.#names.has(key)) return true;
      this.#names.add(key);
    }
    return false;
  }

  #ask(further: Question): void {
    this.#options.exchange.resolve(further, (outcome) => {
      if (this.#isOver) return;
      if (outcome.kind === 'failure') this.#fail(outcome);
      else this.take(outcome, findOpenEnd(outcome.message, further));
    });
  }

  #finish(): void {
    const parts = this.#parts;
    const [first] = parts;
    const last = parts.at(-1);
    if (first === undefined || last === undefined) return;
    if (first === last) {
      this.#end(first);
      return;
    }
    const message = this.#join();
    if (message === undefined) {
      this.#end(createFailure(this.#question, 'the answer with its aliases cannot be put together'));
      return;
    }
    this.#end({
      kind: 'answer',
      message,
      // Of the servers that answered, the one that is doubted first: it had the data.
      endpoint: last.endpoint,
      rttMs: parts.reduce((sum, part) => sum + part.rttMs, 0),
      isEncrypted: parts.every((part) => part.isEncrypted),
      isOnly: parts.every((part) => part.isOnly),
    });
  }

  #join(): Uint8Array | undefined {
    return joinAnswers(
      this.#question,
      this.#parts.map((part) => part.message),
    );
  }

  /** Ends without an answer: where the aliases led is told, because a list may refuse it. */
  #fail(failure: Failed): void {
    this.#end({ ...failure, aliases: this.#join() });
  }

  #end(outcome: UpstreamOutcome): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#done(outcome);
  }
}

/** A failure as of an upstream that says why (RFC 8914 section 4.25). */
const createFailure = (question: Question, text: string): Failed => {
  const builder = new MessageBuilder(new Uint8Array(FAILURE_BYTES));
  builder.start(0, FLAG.QR | FLAG.RD | FLAG.RA | RCODE.SERVFAIL);
  builder.question(question.name, question.type, question.class);
  const { bytes, length } = builder;
  const ede = createEde(EDE.INVALID_DATA, text);
  writeOpt(bytes, length, UDP_LENGTH_MAX, RCODE.NOERROR, false);
  writeOption(bytes, length, length + OPT_LENGTH, OPTION.EDE, ede);
  writeU16(bytes, HEADER_LENGTH - 2, 1);
  const message = bytes.slice(0, length + OPT_LENGTH + OPTION_HEADER_LENGTH + ede.length);
  return { kind: 'failure', reason: 'servfail', message };
};
