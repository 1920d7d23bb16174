// Reads what the resolver said of a question: an answer, which is kept in the cache, or why there is none. Hot file.

import { SOURCE } from '../../base/words/words.ts';
import { BOGUS_MS } from '../../wire/dns/dns.ts';
import { createAnswer, KEY_FLAG, NOT_VALIDATED, type Validation } from '../cache/cache.ts';
import { type Asked, keyTextOf } from './asked.ts';
import type { InForce } from './in-force.ts';
import {
  createBogus,
  FAILURES,
  INVALID,
  type Outcome,
  OVER_BOUNDS,
  REBINDING,
  withAliases,
  withEdeOf,
} from './outcome.ts';
import type { Parts } from './parts.ts';
import type { Resolution } from './resolver.ts';

/**
 * Bytes of a bogus message that is kept: what an honest zone that signs wrongly sends is shorter. To go through 64 KiB of an
 * attacker's takes 3 ms, of which nobody has anything but a client that asks for it with CD, and that gets it anew.
 */
const BOGUS_BYTES_MAX = 4096;

/** Reads a resolution. An answer is valid until the next one is read. `isKept` unless the resolver was replaced meanwhile. */
export const readResolution = (
  parts: Parts,
  rules: InForce,
  asked: Asked,
  resolution: Resolution,
  nowMs: number,
  isKept: boolean,
): Outcome => {
  const outcome = toOutcome(parts, rules, asked, resolution, nowMs);
  if (!('ede' in outcome)) {
    if (isKept) parts.cache.set(outcome, asked.flags);
    return outcome;
  }
  if (!isKept) return outcome;
  if (resolution.kind === 'bogus' && resolution.message !== undefined && isForAll(asked))
    keepBogus(parts, rules, asked, resolution.message, nowMs);
  if (outcome.source !== SOURCE.SHED)
    parts.failures.set(keyTextOf(asked), outcome, nowMs, outcome.lifetimeMs);
  return outcome;
};

/** True when one answer serves clients with and without DO. */
const isForAll = ({ flags, question }: Asked): boolean =>
  question.dnssecOk && (flags & KEY_FLAG.DNSSEC_OK) === 0;

const toOutcome = (
  { observer }: Parts,
  { ttlLimits, rebinding }: InForce,
  asked: Asked,
  resolution: Resolution,
  nowMs: number,
): Outcome => {
  if (resolution.kind === 'failure') {
    const { reason, message, aliases } = resolution;
    if (reason === 'costly') observer.overBounds();
    const failure = withEdeOf(FAILURES[reason], message);
    return aliases === undefined
      ? failure
      : withAliases(failure, createAnswer(aliases, asked.qname, false, ttlLimits, nowMs));
  }
  if (resolution.kind === 'bogus') return createBogus(resolution.code, resolution.text);
  const { message, security, ttlMaxSec = Number.POSITIVE_INFINITY } = resolution;
  const validation: Validation =
    security === undefined ? NOT_VALIDATED : { isSecure: security === 'secure', ttlMaxSec };
  const { qname, question } = asked;
  const isShared = isForAll(asked);
  const answer = createAnswer(message, qname, question.dnssecOk, ttlLimits, nowMs, validation, isShared);
  if (answer === undefined) return INVALID;
  if (answer.targets.overflow) {
    observer.overBounds();
    return OVER_BOUNDS;
  }
  if (resolution.isOwn === true || rebinding?.isForbidden(answer.targets, qname, qname.length) !== true)
    return answer;
  observer.rebindingRefused();
  return REBINDING;
};

/** Keeps what is bogus for clients that want it all the same (CD), for as long as it is remembered as bogus. */
const keepBogus = (
  { cache }: Parts,
  { ttlLimits, rebinding }: InForce,
  { flags, qname }: Asked,
  message: Uint8Array,
  nowMs: number,
): void => {
  if (message.length > BOGUS_BYTES_MAX) return;
  const validation = { isSecure: false, ttlMaxSec: BOGUS_MS / 1000 };
  const answer = createAnswer(message, qname, true, ttlLimits, nowMs, validation, true);
  if (answer === undefined || answer.targets.overflow) return;
  if (rebinding?.isForbidden(answer.targets, qname, qname.length) === true) return;
  cache.set(answer, flags | KEY_FLAG.CHECKING_DISABLED);
};
