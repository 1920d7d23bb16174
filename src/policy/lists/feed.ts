// One way into every format: bytes of a list in, rules out, numbers and diagnostics back.
//
// The text formats stream; the cordon format is parsed whole first, because its header decides whether the file is
// used at all. Nothing that was parsed is referenced after the call.

import type { ListFormat } from '../../base/words/words.ts';
import { MATCH, type RuleSink } from '../policy.ts';
import { feedAdblock } from './adblock-format.ts';
import { readCdnSuffixes } from './cdn-suffixes.ts';
import { findWiderPrefix, NameRules } from './check.ts';
import { feedEntries, type ListEntry, type ListHeader, parseCordonList } from './cordon-format.ts';
import { type Diagnostic, DiagnosticLog, type ListNote, type ReasonCounts } from './diagnostic.ts';
import { feedDnsmasq } from './dnsmasq-format.ts';
import type { ExceptionFacts } from './exception-marks.ts';
import { type ReviewDates, reviewDatesOf } from './freshness.ts';
import type { ListBytes } from './list-file.ts';
import { feedPatterns } from './regex-format.ts';
import { feedRpz, type RpzFacts } from './rpz-format.ts';
import { type Protection, RuleGate } from './rule-gate.ts';
import { PASSTHRU } from './rule-terms.ts';
import { feedStamps } from './stamps-format.ts';
import { feedDomains, feedHosts, feedWildcards } from './text-formats.ts';
import { feedUnbound } from './unbound-format.ts';

/** Bytes that a list of unknown size is read by. */
const PIECE_BYTES = 256 * 1024;

/** How to read a list. */
export interface FeedOptions {
  /** What a plain line of the domains format means; suffix (the name and everything below it) when absent. */
  readonly match?: 'suffix' | 'exact' | undefined;
  /** The name of a response policy zone, in presentation form; its file tells when absent. */
  readonly origin?: string | undefined;
  /** Whether the trigger `*` of a response policy zone is taken; no when absent. */
  readonly takesEverything?: boolean | undefined;
  /** A record of a response policy zone has no longer TTL, seconds; as the file says when absent. */
  readonly recordTtlSecMax?: number | undefined;
  /** Operators whose entries of a list in the cordon format are left out, by decision. */
  readonly withoutOperators?: readonly string[] | undefined;
  /** Whether every rule of the list lets its names pass; no when absent. */
  readonly allow?: boolean | undefined;
  /** Whether the configuration says that the list is a mandate; not known when absent. */
  readonly mandate?: boolean | undefined;
  /** Whether rules for zones hold for their children of CDNs too; absent: what the list says, else no. */
  readonly cdnChildren?: boolean | undefined;
  /** Names that the list may not refuse. */
  readonly guards?: Protection | undefined;
}

type Feeder = (read: ListBytes, sink: RuleSink, log: DiagnosticLog, match: FeedOptions['match']) => void;

/** The formats that tell nothing but rules. */
const FEEDERS: Readonly<Record<Exclude<ListFormat, 'cordon' | 'rpz'>, Feeder>> = {
  adblock: feedAdblock,
  dnsmasq: feedDnsmasq,
  domains: feedDomains,
  hosts: feedHosts,
  regex: feedPatterns,
  stamps: feedStamps,
  unbound: feedUnbound,
  wildcard: feedWildcards,
};

/** What came of reading a list. */
export interface FeedResult {
  /** Rules that the sink was given, without exceptions; of an allowlist all. */
  readonly entries: number;
  readonly exceptions: ExceptionFacts;
  /** Rules for children of CDNs beside them. */
  readonly derived?: number | undefined;
  /** Diagnostics in all; each stands for one rejected name, entry or line. */
  readonly rejected: number;
  /** Those of them that are rules against guard names. */
  readonly guarded: number;
  /** The first DIAGNOSTICS_MAX of them. */
  readonly diagnostics: readonly Diagnostic[];
  /** All of them by reason. */
  readonly reasons: ReasonCounts;
  /** What is to be said of the list as a whole. */
  readonly notes: readonly ListNote[];
  /** When the entries of a list in the cordon format were reviewed. */
  readonly reviewed?: ReviewDates | undefined;
  /** Of the cordon format; undefined for the text formats, and when the file cannot be used. */
  readonly header: ListHeader | undefined;
  /** Of a response policy zone: its name, in presentation form with the final dot. */
  readonly origin?: string | undefined;
  /** Of a response policy zone: the serial of its SOA, when it has one. */
  readonly serial?: number | undefined;
}

/**
 * Streams the rules of a list into `sink`. Never throws for what the bytes hold; `read` and `sink` may throw, and an
 * `origin` that is no name throws ERR_LIST_PARSE.
 */
export const feedRules = (
  format: ListFormat,
  read: ListBytes,
  sink: RuleSink,
  options: FeedOptions = {},
): FeedResult => {
  const list = format === 'cordon' ? parseCordonList(readWhole(read)) : undefined;
  const log = list?.log ?? new DiagnosticLog();
  const { guards, allow = false, mandate = false } = options;
  const isDeriving = options.cdnChildren ?? list?.header?.cdnChildren ?? false;
  const marking = { isAllow: allow, isMandate: mandate };
  const gate = new RuleGate(sink, log, guards, marking, isDeriving ? readCdnSuffixes() : []);
  let zone: RpzFacts | undefined;
  if (list !== undefined) {
    const without = options.withoutOperators ?? [];
    const kept = list.entries.filter(({ operator }) => !without.includes(operator));
    feedEntries(kept, gate);
    // Below a zone that another operator runs, leaving an entry out alone would leave it refused.
    const rules = new NameRules(kept);
    const isCovered = (entry: ListEntry): boolean =>
      (entry.match === MATCH.PREFIX ? findWiderPrefix(entry, kept) : rules.findWider(entry)) !== undefined;
    const left = list.entries.filter((entry) => without.includes(entry.operator) && isCovered(entry));
    feedEntries(left, gate, PASSTHRU);
  } else if (format === 'rpz') zone = feedRpz(read, gate, log, options);
  else if (format !== 'cordon') FEEDERS[format](read, gate, log, options.match);
  if (gate.childless > 0) log.note('cdn-children', gate.childless);
  return {
    entries: gate.entries,
    exceptions: gate.exceptions.facts,
    derived: gate.derived,
    rejected: log.count,
    guarded: gate.guarded,
    diagnostics: log.kept,
    reasons: log.reasons,
    notes: log.notes,
    reviewed: list === undefined ? undefined : reviewDatesOf(list.entries),
    header: list?.header,
    origin: zone?.origin,
    serial: zone?.serial,
  };
};

const readWhole = (read: ListBytes): Uint8Array => {
  const pieces: Uint8Array[] = [];
  for (;;) {
    const piece = Buffer.alloc(PIECE_BYTES);
    const count = read(piece);
    pieces.push(piece.subarray(0, count));
    if (count < piece.length) return Buffer.concat(pieces);
  }
};
