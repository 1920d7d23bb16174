// One way into every format: bytes of a list in, rules out, numbers and diagnostics back.
//
// The text formats stream; the cordon format is parsed whole first, because its header decides whether the file is
// used at all. Nothing that was parsed is referenced after the call.
import type { RuleSink } from '../policy/policy.ts';
import { feedEntries, type ListHeader, parseCordonList } from './cordon-format.ts';
import { type Diagnostic, DiagnosticLog } from './diagnostic.ts';
import type { Guards } from './guard.ts';
import type { ListBytes } from './list-file.ts';
import { RuleGate } from './rule-gate.ts';
import { feedDomains, feedHosts } from './text-formats.ts';

/** The formats that lists come in. */
export const LIST_FORMATS = ['cordon', 'domains', 'hosts'] as const;

/** Bytes that a list of unknown size is read by. */
const PIECE_BYTES = 256 * 1024;

/** One of LIST_FORMATS. */
export type ListFormat = (typeof LIST_FORMATS)[number];

/** How to read a list. */
export interface FeedOptions {
  /** What a plain line of the domains format means; suffix (the name and everything below it) when absent. */
  readonly match?: 'suffix' | 'exact' | undefined;
  /** Names that the list may not refuse. */
  readonly guards?: Guards | undefined;
}

/** What came of reading a list. */
export interface FeedResult {
  /** Rules that the sink was given. */
  readonly entries: number;
  /** Diagnostics in all; each stands for one rejected name, entry or line. */
  readonly rejected: number;
  /** The first DIAGNOSTICS_MAX of them. */
  readonly diagnostics: readonly Diagnostic[];
  /** Of the cordon format; undefined for the text formats, and when the file cannot be used. */
  readonly header: ListHeader | undefined;
}

/** Streams the rules of a list into `sink`. Never throws for what the bytes hold; `read` and `sink` may throw. */
export const feedRules = (
  format: ListFormat,
  read: ListBytes,
  sink: RuleSink,
  options: FeedOptions = {},
): FeedResult => {
  const list = format === 'cordon' ? parseCordonList(readWhole(read)) : undefined;
  const log = list?.log ?? new DiagnosticLog();
  const gate = new RuleGate(sink, log, options.guards);
  if (list !== undefined) feedEntries(list.entries, gate);
  else if (format === 'hosts') feedHosts(read, gate, log);
  else feedDomains(read, gate, log, options.match);
  return { entries: gate.entries, rejected: log.count, diagnostics: log.kept, header: list?.header };
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
