// Where those who waited are answered: each is decided again, by the rules now in force. Hot file: runs for each miss.
//
// Rules or the client's group may have changed while it waited. The responder has a context of its own, so that answers which
// come while decide() is at work, from a resolver that answers at once, do not touch the query there.

import { SOURCE } from '../../base/words/words.ts';
import { FLAG, MESSAGE_LENGTH_MAX, UDP_LENGTH_MAX } from '../../wire/dns/dns.ts';
import { KEY_FLAG, STALE_RECHECK_MS } from '../cache/cache.ts';
import { type Asked, createAsked, keyTextOf } from './asked.ts';
import { conclude } from './conclusion.ts';
import { readAgain } from './envelope.ts';
import { findAnswer, findStale, findTarget, judgeStale, refresh } from './from-cache.ts';
import { InFlightQueries, type Responder } from './in-flight-queries.ts';
import type { InForce } from './in-force.ts';
import { judgeAliases, judgeAnswer } from './judgement.ts';
import { isStillLedTo } from './local-data.ts';
import { decideQuestion } from './order.ts';
import { asStale, type Outcome, OVER_SHARE, OVERLOAD, RULES_CHANGED, UNREACHABLE } from './outcome.ts';
import type { Parts } from './parts.ts';
import { NEXT, QueryContext, REFRESH } from './query-context.ts';
import { logQuery } from './query-log.ts';
import { readResolution } from './reading.ts';
import type { Resolution } from './resolver.ts';
import { endWaiter, ledTo, type Waiter } from './waiter.ts';

/** What one message may hold the loop for: bounds on what it may hold see to it, and here is seen whether they do. */
const HELD_MS_MAX = 5;

/** Knows what answers mean for those who wait. */
export class WaiterResponder implements Responder {
  readonly room: InFlightQueries;
  readonly context: QueryContext;
  readonly #parts: Parts;
  #rules: InForce;
  readonly #out = Buffer.alloc(MESSAGE_LENGTH_MAX);
  /**
   * The first bytes of it, by their number, made when first needed: a view is 100 bytes of garbage for each answer. Those of
   * answers that fit UDP, 130 KB at most.
   */
  readonly #views: Buffer[] = [];
  /** Waiters whose answer leads elsewhere. */
  readonly #followers: Waiter[] = [];

  constructor(parts: Parts, rules: InForce) {
    this.#parts = parts;
    this.#rules = rules;
    this.context = new QueryContext(parts);
    const { clock, observer } = parts;
    const { resolver, fairness: limit } = rules;
    this.room = new InFlightQueries({ responder: this, resolver, clock, observer, limit });
    this.enforce(rules);
  }

  /** Puts other rules in force, also for those who wait. */
  enforce(rules: InForce): void {
    this.#rules = rules;
    this.room.setLimit(rules.fairness);
    this.room.setStaleAfter(rules.stale?.afterMs ?? 0);
  }

  hasStale(asked: Asked, nowMs: number): boolean {
    return findStale(this.context, asked, nowMs) !== undefined;
  }

  read(asked: Asked, resolution: Resolution, nowMs: number, isKept: boolean): Outcome {
    const sinceMs = performance.now();
    const outcome = readResolution(this.#parts, this.#rules, asked, resolution, nowMs, isKept);
    if (performance.now() - sinceMs > HELD_MS_MAX) this.#parts.observer.heldLoop();
    if (!('ede' in outcome) || !outcome.mayBeStale || this.#rules.stale === undefined) return outcome;
    if (!this.hasStale(asked, nowMs)) return outcome;
    if (isKept && outcome.source !== SOURCE.SHED)
      this.#parts.failures.set(keyTextOf(asked), outcome, nowMs, STALE_RECHECK_MS);
    return asStale(outcome);
  }

  answer(waiter: Waiter, outcome: Outcome): void {
    const context = this.#takeUp(waiter);
    const rules = this.#rules;
    let end = decideQuestion(context, rules);
    if (end === NEXT) {
      const last = isStillLedTo(context, rules, waiter.alias) ? outcome : RULES_CHANGED;
      const { alias } = context;
      if (!('ede' in last)) {
        context.nowMs = last.storedAtMs;
        end = judgeAnswer(context, rules, last, SOURCE.UPSTREAM);
      } else {
        end = judgeAliases(context, rules, last);
        if (end !== NEXT || context.alias !== alias) {
          // A list has decided by where the aliases of the failure lead.
        } else if (last.source === SOURCE.STALE) end = this.#answerStale();
        else if (last.source !== SOURCE.SHED && this.#mayAskUnchecked(waiter)) {
          this.#followers.push(ledTo(waiter, undefined, true));
          return;
        } else end = context.answerEmpty(last.source, last.rcode, last.ede);
      }
    }
    if (end === NEXT) this.#followers.push(ledTo(waiter, context.alias, waiter.isUnchecked));
    else this.#reply(waiter, end, outcome !== OVERLOAD && outcome !== OVER_SHARE);
  }

  answered(): void {
    while (this.#followers.length > 0) {
      const follower = this.#followers.shift();
      if (follower !== undefined) this.#follow(follower);
    }
  }

  #takeUp({ peer, port, transport, listener, shown, bytes, length }: Waiter): QueryContext {
    const { context } = this;
    context.begin(peer, port, transport, listener, this.#out, shown);
    context.nowMs = this.#parts.clock();
    readAgain(context, this.#rules, bytes, length);
    return context;
  }

  /** Answers a waiter whose answer leads elsewhere, or that wants what failed, or lets it wait for what that is. */
  #follow(waiter: Waiter): void {
    const { alias } = waiter;
    const context = this.#takeUp(waiter);
    const rules = this.#rules;
    let end = decideQuestion(context, rules);
    if (end === NEXT) {
      const answer =
        alias === undefined
          ? findAnswer(context, rules, context.query.qnameLength)
          : findTarget(context, rules, alias);
      if (answer === undefined || !isStillLedTo(context, rules, alias)) {
        this.room.enter(waiter, createAsked(context, rules, alias, waiter));
        return;
      }
      end = judgeAnswer(context, rules, answer, SOURCE.CACHE);
    }
    if (end === NEXT) this.#followers.push(ledTo(waiter, context.alias, waiter.isUnchecked));
    else this.#reply(waiter, end, true);
    endWaiter(waiter);
  }

  /** True when what failed shall be given, or asked for, without validation: CD, and not tried yet. */
  #mayAskUnchecked({ alias, isUnchecked }: Waiter): boolean {
    const { context } = this;
    const { flags, qnameLength, qtype } = context.query;
    if ((flags & FLAG.CD) === 0 || isUnchecked || alias !== undefined || context.alias !== undefined)
      return false;
    if (this.#rules.resolver.joinsVariants?.(qtype) !== true) return false;
    findAnswer(context, this.#rules, qnameLength);
    return (context.key.flags & KEY_FLAG.CHECKING_DISABLED) !== 0;
  }

  /** Answers with what is stale; NEXT when a rule leads elsewhere. It was there a moment ago: otherwise a failure. */
  #answerStale(): number {
    const { context } = this;
    const rules = this.#rules;
    const { alias } = context;
    const fresh =
      alias === undefined
        ? findAnswer(context, rules, context.query.qnameLength)
        : findTarget(context, rules, alias);
    if (fresh === undefined) {
      const end = judgeStale(context, rules, true);
      if (end !== NEXT || context.alias !== undefined) return end;
    }
    return context.answerEmpty(UNREACHABLE.source, UNREACHABLE.rcode, UNREACHABLE.ede);
  }

  /** Gives a waiter the answer of `written` bytes, or none; `hasWaited` unless there was no room to wait. */
  #reply({ reply, sinceMs }: Waiter, written: number, hasWaited: boolean): void {
    const { context } = this;
    const length = context.fitted(written);
    const rules = this.#rules;
    conclude(context, rules, length);
    const tookMs = Math.max(0, this.#parts.clock() - sinceMs);
    if (length > 0 && hasWaited) context.observer.missDuration(tookMs);
    if (rules.queryLog !== undefined) logQuery(context, rules, rules.queryLog, length, tookMs);
    if (context.refresh !== REFRESH.NO) refresh(context, rules, this.room);
    reply(this.#firstOf(length));
  }

  #firstOf(length: number): Buffer {
    if (length > UDP_LENGTH_MAX) return this.#out.subarray(0, length);
    this.#views[length] ??= this.#out.subarray(0, length);
    return this.#views[length];
  }
}
