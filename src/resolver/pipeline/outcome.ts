// What comes of a question: an answer, or a failure in the words in which clients are told (RFC 8914).

import { SOURCE } from '../../base/words/words.ts';
import {
  BOGUS_MS,
  createEde,
  EDE,
  type FailureReason,
  findEde,
  optionLength,
  RCODE,
  readU16,
} from '../../wire/dns/dns.ts';
import { type Answer, copyAnswer } from '../cache/cache.ts';

/** How long an answer that was refused for its addresses is remembered, milliseconds. */
const REBINDING_MS = 30_000;
/**
 * Aliases of a failure that are remembered, bytes: of the 10,000 failures that there may be 20 MB. Eight aliases with
 * long names; a failure with more stays one, and says as little of a listed name.
 */
const ALIASES_BYTES_MAX = 2048;
/** Longer EDE data of an upstream's failure is not passed on. */
const EDE_LENGTH_MAX = 130;

/** Why a question has no answer, as clients are told. */
export interface Failure {
  readonly source: number;
  readonly rcode: number;
  readonly ede: Uint8Array;
  /** For those who ask again at once (RFC 9520). */
  readonly cachedEde: Uint8Array;
  /** True when a stale answer is better than this. */
  readonly mayBeStale: boolean;
  /** How long it is remembered, milliseconds; undefined: as the cache of failures does. */
  readonly lifetimeMs: number | undefined;
  /** An answer with the aliases that were found before it failed: for lists to judge, and for nobody to be given. */
  readonly aliases?: Answer | undefined;
}

/** What became of a question; the answer is valid until the next one is made. */
export type Outcome = Answer | Failure;

/** A failure of the resolver: SERVFAIL. A client that asks again gets EDE 13 and what it was. */
const createFailure = (source: number, code: number, text: string): Failure => ({
  source,
  rcode: RCODE.SERVFAIL,
  ede: createEde(code, text),
  cachedEde: createEde(EDE.CACHED_ERROR, text),
  mayBeStale: true,
  lifetimeMs: undefined,
});

/** A client that asks again is told the same: what counts is validation, not that it failed a moment ago. */
export const createBogus = (code: number, text: string): Failure => {
  const ede = createEde(code, text);
  const rcode = RCODE.SERVFAIL;
  return { source: SOURCE.UPSTREAM, rcode, ede, cachedEde: ede, mayBeStale: false, lifetimeMs: BOGUS_MS };
};

/** A failure with the EDE that the upstream's answer gives, if it gives one (RFC 8914 section 3). */
export const withEdeOf = (failure: Failure, message: Uint8Array | undefined): Failure => {
  const offset = message === undefined ? -1 : findEde(message);
  if (message === undefined || offset < 0) return failure;
  const length = optionLength(message, offset);
  if (length > EDE_LENGTH_MAX) return failure;
  const { source, rcode, cachedEde, lifetimeMs } = failure;
  const ede = Uint8Array.prototype.slice.call(message, offset, offset + length);
  // What an upstream found bogus is not covered by what it said before, no more than what was found so here.
  const code = readU16(ede, 0);
  const mayBeStale = failure.mayBeStale && (code < EDE.DNSSEC_BOGUS || code > EDE.NSEC_MISSING);
  return { source, rcode, ede, cachedEde, mayBeStale, lifetimeMs };
};

/** A failure with the aliases that lead to it, unless they cannot be read or are too long to be remembered. */
export const withAliases = (failure: Failure, aliases: Answer | undefined): Failure =>
  aliases === undefined || aliases.targets.overflow || aliases.sizeBytes > ALIASES_BYTES_MAX
    ? failure
    : { ...failure, aliases: copyAnswer(aliases) };

/** What stands for a failure while a stale answer is given; remembered longer (RFC 8767 section 5). */
export const asStale = ({ aliases }: Failure): Failure =>
  aliases === undefined ? STALE : { ...STALE, aliases };

export const INVALID = createFailure(SOURCE.UPSTREAM, EDE.INVALID_DATA, '');
/** Names, aliases or addresses beyond a bound, or so many pointers that to read them costs many times the bytes. */
export const OVER_BOUNDS = createFailure(SOURCE.UPSTREAM, EDE.INVALID_DATA, 'more names than are looked at');
export const OVERLOAD = createFailure(SOURCE.SHED, EDE.OTHER, 'too many queries wait for upstreams');
export const OVER_SHARE = createFailure(SOURCE.SHED, EDE.OTHER, 'too many queries of this client wait');
export const OVER_ZONE_SHARE = createFailure(SOURCE.SHED, EDE.OTHER, 'too many queries of this zone wait');
/** Given up while upstreams were silent, so that others could be asked. */
export const GIVEN_WAY = createFailure(SOURCE.SHED, EDE.OTHER, 'gave way to queries of others');
/** The answer that was waited for is not the one that the lists now in force ask for: the client has to ask again. */
export const RULES_CHANGED = createFailure(SOURCE.POLICY, EDE.OTHER, 'the lists have changed: ask again');
export const UNREACHABLE = createFailure(SOURCE.UPSTREAM, EDE.NO_REACHABLE_AUTHORITY, '');
/** Stands for the stale answer, which is judged for each waiter. */
export const STALE = createFailure(SOURCE.STALE, EDE.STALE_ANSWER, '');
const EDE_REBINDING = createEde(EDE.FILTERED, 'private address for a public name');
/** No data instead of a failure: a client would only ask another resolver, which may give it the addresses. */
export const REBINDING: Failure = {
  source: SOURCE.POLICY,
  rcode: RCODE.NOERROR,
  ede: EDE_REBINDING,
  cachedEde: EDE_REBINDING,
  mayBeStale: false,
  lifetimeMs: REBINDING_MS,
};
/** RFC 8914: 22 when nobody could be reached or helped, 23 when the network itself reported an error. */
export const FAILURES: Record<FailureReason, Failure> = {
  timeout: UNREACHABLE,
  network: createFailure(SOURCE.UPSTREAM, EDE.NETWORK_ERROR, ''),
  servfail: UNREACHABLE,
  refused: UNREACHABLE,
  overload: OVERLOAD,
  costly: OVER_BOUNDS,
};
