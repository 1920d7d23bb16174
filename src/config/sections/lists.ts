// Lists: where each comes from, how it is read, what it refuses with, and the decision that it rests on.

import { z } from 'zod';
import { LIST_FORMATS, type ListFormat } from '../../base/words/words.ts';
import { EDE } from '../../wire/dns/dns.ts';
import { apex, type HostAddress, hostAddress } from '../address-leaf.ts';
import {
  durationMs,
  durationSec,
  formatDurationMs,
  formatShare,
  formatSize,
  share,
  sizeBytes,
} from '../amount.ts';
import { blockAnswer } from '../answer-leaf.ts';
import { sentence } from '../evidence-leaf.ts';
import { type FormContext, type FormOf, orNone, toForm, withForm } from '../form.ts';
import { boolean, choice, edeText, identifier, integer, numberChoice, path } from '../leaf.ts';
import { paperTime } from '../schedule-leaf.ts';
import { publicKey, sha256, target, url } from '../source-leaf.ts';
import { key, keyAs, list } from '../value.ts';
import type { feedItem } from './feeds.ts';
import { structuredErrorOfList } from './structured-errors.ts';

/** A set of lists is one 32-bit word in the policy table. */
export const LISTS_MAX = 32;
/** Operators of one list: the shipped ones have a handful. */
const OPERATORS_MAX = 16;
/** Addresses of one host: as many as upstreams. */
const HOST_ADDRESSES_MAX = 16;

/** As many as two contents are compared by. */
const EXCEPTIONS_MAX = 10_000;

const MATCHES = ['suffix', 'exact'] as const;
/** Blocked, Censored, Filtered, Prohibited (RFC 8914 section 4). */
const EDE_CODES = [EDE.BLOCKED, EDE.CENSORED, EDE.FILTERED, EDE.PROHIBITED];

/** How the text of a list is read. */
export interface ListReading {
  readonly format: ListFormat;
  /** What a name of a `domains` file covers; the other formats state it themselves. */
  readonly match: 'suffix' | 'exact';
  /** The apex of an `rpz` file in presentation form, folded, with the final dot; undefined when the file tells. */
  readonly origin: string | undefined;
  /** Whether the trigger `*` of an `rpz` file is taken, which refuses all names but those of guarded trees. */
  readonly takesEverything: boolean;
  /** A record of an `rpz` file lives no longer in an answer, seconds; undefined: as long as the file says. */
  readonly recordTtlSecMax: number | undefined;
}

/** A list that is fetched. */
export interface UrlSource extends ListReading {
  readonly kind: 'url';
  /** The shipped list that it is a newer version of: that one is in force until there is a newer one. */
  readonly shipped?: string | undefined;
  /** The feed that it comes from, which proves it; then `url` is the address of the feed. */
  readonly feed?: string | undefined;
  /** Its path in that feed. */
  readonly target?: string | undefined;
  /** HTTP or HTTPS, without user, password and fragment; a query may hold a token. */
  readonly url: string;
  readonly refreshMs: number;
  /** Of the list's signer: a minisign key, or 32 bytes of an Ed25519 key in Base64. */
  readonly publicKey: string | undefined;
  /** Undefined for the address beside the list's; only there with a key. */
  readonly signatureUrl: string | undefined;
  /** The only content that is taken: 64 hexadecimal digits, lower case. */
  readonly sha256: string | undefined;
  /** Of the unpacked content. */
  readonly sizeBytesMax: number;
  /** Addresses of the list's host; empty when it is looked up. */
  readonly addresses: readonly HostAddress[];
  /** From when on a difference between two contents is held for a person to see; shares are of 1. */
  readonly review: {
    readonly shrinkShareMax: number;
    readonly growthShareMax: number;
    readonly rejectedShareMax: number;
    /** A number, not a share. */
    readonly exceptionsMax: number;
  };
}

/** Where a list comes from. */
export type ListSource =
  | { readonly kind: 'shipped'; readonly id: string }
  | ({
      readonly kind: 'file';
      /** Absolute. */
      readonly path: string;
      /** True: all files of the directory are read as one list. */
      readonly isDirectory: boolean;
      /** Of the signer of the file, whose signature lies beside it; undefined: it is not signed. */
      readonly publicKey?: string | undefined;
      /** The shipped list that it is a newer version of. */
      readonly shipped?: string | undefined;
    } & ListReading)
  | UrlSource;

/** What holds for a list with `url` that does not say otherwise. */
const URL_DEFAULTS = {
  refreshMs: 4 * 3_600_000,
  /** About two million names, as many as the largest public lists have. */
  sizeBytesMax: 64 * 2 ** 20,
  /** Lists that people keep change by a few per cent a day. */
  review: { shrinkShareMax: 0.2, growthShareMax: 2, rejectedShareMax: 0.05, exceptionsMax: 0 },
} as const satisfies Partial<UrlSource>;

const inCode = (text: string): string => `\`${text}\``;

/** The decision that a mandate list rests on. */
const decision = z.strictObject({
  authority: key(sentence(), 'Who decided, such as `Office of Management and Budget`.'),
  reference: key(sentence(), 'Number or title of the decision, such as `M-23-13`.'),
  text: key(sentence().optional(), 'What it says, for reports.', 'nothing'),
  'in-force-from': keyAs('inForceFromMs', paperTime(), 'Day on which it takes effect.'),
  review: keyAs(
    'reviewMs',
    paperTime().optional(),
    'Day by which it has to be reviewed. After it there is an alarm; nothing ends.',
    'none',
  ),
  ends: keyAs(
    'endsMs',
    paperTime().optional(),
    'Day on which it ends by its own words. After it there is an alarm; the list stays in force until an operator removes it.',
    'none',
  ),
});

/** The decision of an authority that a mandate list rests on. */
export type DecisionConfig = FormOf<typeof decision>;

const listKeys = z.strictObject({
  id: key(identifier(), 'Name of the list in groups, metrics and logs; unique.'),
  shipped: key(
    identifier().optional(),
    'Name of a list that Cordon ships; exactly one of `shipped`, `file`, `directory` and `url`. Beside `url` or `file` with `public-key`: what is there is a newer version of it.',
  ),
  file: key(path().optional(), 'File of the list; exactly one of `shipped`, `file`, `directory` and `url`.'),
  directory: key(
    path().optional(),
    'Directory whose files are read as one list; exactly one of `shipped`, `file`, `directory` and `url`.',
  ),
  url: key(
    url().optional(),
    'Address that the list is fetched from; exactly one of `shipped`, `file`, `directory` and `url`.',
  ),
  feed: key(
    identifier().optional(),
    'Feed of `feeds` that the list comes from, instead of `file`, `directory` or `url`; beside `shipped`: what is there is a newer version of it.',
  ),
  target: key(
    target().optional(),
    'Path of the list in its feed.',
    'the `id` (beside `shipped`, its name) with `.yaml` for the format `cordon`, else `.txt`',
  ),
  refresh: keyAs(
    'refreshMs',
    durationMs('5m', '7d').optional(),
    'How often the list is fetched.',
    inCode(formatDurationMs(URL_DEFAULTS.refreshMs)),
  ),
  'public-key': key(
    publicKey().optional(),
    'Public key of the signer of the list; content that is not signed with it is rejected.',
    'the list is not signed',
  ),
  signature: keyAs(
    'signatureUrl',
    url().optional(),
    'Address of the signature.',
    'the address of the list with `.minisig` behind its path, for an Ed25519 key `.sig`',
  ),
  sha256: key(sha256().optional(), 'Hash of the only content that is accepted.', 'any content'),
  'max-size': keyAs(
    'sizeBytesMax',
    sizeBytes('1KiB', '256MiB').optional(),
    'A list that is larger when unpacked is rejected.',
    inCode(formatSize(URL_DEFAULTS.sizeBytesMax)),
  ),
  resolve: keyAs(
    'addresses',
    orNone(list(hostAddress(), 1, HOST_ADDRESSES_MAX)),
    "Addresses of the list's host, for a host that cannot be looked up before the list is there.",
    'the host is looked up',
  ),
  review: key(
    z
      .strictObject({
        shrink: keyAs(
          'shrinkShareMax',
          share('0%', '100%').optional(),
          'Rules that may disappear.',
          inCode(formatShare(URL_DEFAULTS.review.shrinkShareMax)),
        ),
        grow: keyAs(
          'growthShareMax',
          share('0%', '10000%').optional(),
          'Rules that may be added.',
          inCode(formatShare(URL_DEFAULTS.review.growthShareMax)),
        ),
        rejected: keyAs(
          'rejectedShareMax',
          share('0%', '100%').optional(),
          'Lines of the list that may be rejected.',
          inCode(formatShare(URL_DEFAULTS.review.rejectedShareMax)),
        ),
        exceptions: keyAs(
          'exceptionsMax',
          integer(0, EXCEPTIONS_MAX).optional(),
          'Rules that let names pass (of an allowlist, any rules) that may be added, as a number.',
          inCode(String(URL_DEFAULTS.review.exceptionsMax)),
        ),
      })
      .optional(),
    'Limits of change, most in percent of the current rules, above which a fetched list waits for approval.',
    'the defaults of its keys',
  ),
  format: key(
    choice(LIST_FORMATS).optional(),
    'Format of `file`, `directory` or `url`; `cordon` and `rpz` are never a `directory`.',
    '`domains`',
  ),
  origin: key(apex().optional(), 'Name of the zone of an `rpz` file.', 'what the file says'),
  everything: keyAs(
    'takesEverything',
    boolean().optional(),
    'Whether the trigger `*` of an `rpz` file is accepted. It refuses every name except those of guarded trees (`*.gov`).',
    '`false`: such a rule is left out and reported',
  ),
  'max-policy-ttl': keyAs(
    'recordTtlSecMax',
    durationSec('0s', '7d').optional(),
    'Longest TTL with which records of an `rpz` file are answered.',
    'what the file says',
  ),
  match: key(
    choice(MATCHES).optional(),
    'Whether a name of a `domains` file covers the names below it.',
    '`suffix`',
  ),
  mandate: key(
    boolean().optional(),
    'Whether the list is a legal mandate: Cordon is not ready without it, and no allowlist beats it.',
    "the list's own header, else `false`",
  ),
  allow: key(
    boolean().prefault(false),
    'Whether this is an allowlist: its names pass, whatever other lists say, except mandate lists.',
  ),
  'log-only': key(
    boolean().prefault(false),
    'Whether the list only counts what it would refuse, in `cordon_would_refuse_total`, and lets it pass.',
  ),
  answer: key(
    blockAnswer().optional(),
    'How names of this list are answered.',
    "the list's own header, else `block`",
  ),
  ede: key(
    z
      .strictObject({
        code: key(numberChoice(EDE_CODES), 'Blocked 15, Censored 16, Filtered 17, Prohibited 18.'),
        text: key(edeText().optional(), 'Sentence that clients may show.', 'no text'),
      })
      .optional(),
    'Extended DNS Error of the refusal (RFC 8914).',
    "the list's own header, else code 15",
  ),
  category: key(identifier().optional(), 'Metric label.', "the list's own header, else the `id`"),
  'cdn-children': keyAs(
    'cdnChildren',
    boolean().optional(),
    'Whether a rule for a zone also covers its children at shared CDNs, such as `example.com.edgesuite.net`; `lists/cdn-suffixes.tsv` names the CDNs.',
    "the list's own header, else `false`",
  ),
  operators: key(
    orNone(
      list(
        z.strictObject({
          name: key(sentence(), 'Operator, as the entries of the list name it.'),
          refuse: key(boolean(), 'Whether the list refuses what this operator runs.'),
          decision: key(decision, 'The decision that says so.'),
        }),
        1,
        OPERATORS_MAX,
      ),
    ),
    'Decisions about single operators, for a shipped list or one of the format `cordon`. Entries of an operator with `refuse: false` are left out; either decision is on record.',
    'none; every entry refuses',
  ),
  decision: key(
    decision.optional(),
    'The decision that a mandate list is based on, for reports and alarms. None of its dates ends a refusal.',
    'none',
  ),
  'structured-error': key(
    structuredErrorOfList,
    'What clients are told that ask for structured errors, beside what `structured-errors` says.',
    'nothing else',
  ),
});

export const listItem = withForm(listKeys, {
  into: (written) => {
    const { id, mandate, allow, logOnly, answer, ede, category, cdnChildren, operators, decision } = written;
    const { structuredError } = written;
    const source = toSource(written);
    return {
      id,
      source,
      mandate,
      allow,
      logOnly,
      answer,
      ede,
      category,
      cdnChildren,
      operators,
      decision,
      structuredError,
      /** Mandates that ask for it, by the `id` of their packs. */
      mandates: [] as readonly string[],
    };
  },
  from: ({ source, mandates: _, ...list }) => ({ ...list, ...fromSource(source) }),
});

/** A list that ships, with nothing said about it. */
export const shippedList = (id: string, context: FormContext): FormOf<typeof listItem> =>
  toForm(listItem, listItem.parse({ id, shipped: id }), context);

/** The checks saw to it that exactly one of `shipped`, `file`, `directory` and `url` is there. */
const toSource = (written: FormOf<typeof listKeys>): ListSource => {
  const { id, shipped, file, directory, url, feed } = written;
  const reading: ListReading = {
    format: written.format ?? 'domains',
    match: written.match ?? 'suffix',
    origin: written.origin,
    takesEverything: written.takesEverything ?? false,
    recordTtlSecMax: written.recordTtlSecMax,
  };
  // A newer version of a shipped list is what that one is.
  const read: ListReading = shipped === undefined ? reading : { ...reading, format: 'cordon' };
  if (url !== undefined) return { kind: 'url', shipped, ...toFetching(url, written), ...read };
  if (feed !== undefined) {
    const target = written.target ?? targetOf(shipped ?? id, read.format);
    return { kind: 'url', shipped, feed, target, ...toFetching(NOWHERE, written), ...read };
  }
  const path = file ?? directory;
  if (path === undefined) return { kind: 'shipped', id: shipped ?? id };
  const { publicKey } = written;
  return { kind: 'file', path, isDirectory: directory !== undefined, publicKey, shipped, ...read };
};

/** A list of a feed, before it is known where the feed is: see withFeeds(). */
const NOWHERE = '';

const targetOf = (name: string, format: ListFormat): string =>
  `${name}.${format === 'cordon' ? 'yaml' : 'txt'}`;

/**
 * The lists with the addresses of their feeds. Shipped lists without another source come from the first feed that has
 * newer versions of them.
 */
export const withFeeds = (
  lists: readonly FormOf<typeof listItem>[],
  feeds: readonly FormOf<typeof feedItem>[],
  context: FormContext,
): readonly FormOf<typeof listItem>[] => {
  const newer = feeds.find(({ isForShipped }) => isForShipped)?.id;
  return lists.map((list) => {
    const { id, source } = list;
    const name = source.kind === 'shipped' ? newer : source.kind === 'url' ? source.feed : undefined;
    const feed = feeds.find((one) => one.id === name);
    if (feed === undefined || source.kind === 'file') return list;
    const { url, refreshMs, addresses } = feed;
    const own =
      source.kind === 'url'
        ? source
        : toForm(listItem, listItem.parse({ id, shipped: source.id, feed: name }), context).source;
    return { ...list, source: { ...own, url, refreshMs, addresses } };
  });
};

const toFetching = (
  url: string,
  written: FormOf<typeof listKeys>,
): Omit<UrlSource, 'kind' | keyof ListReading> => ({
  url,
  refreshMs: written.refreshMs ?? URL_DEFAULTS.refreshMs,
  publicKey: written.publicKey,
  signatureUrl: written.signatureUrl,
  sha256: written.sha256,
  sizeBytesMax: written.sizeBytesMax ?? URL_DEFAULTS.sizeBytesMax,
  addresses: written.addresses,
  review: {
    shrinkShareMax: written.review?.shrinkShareMax ?? URL_DEFAULTS.review.shrinkShareMax,
    growthShareMax: written.review?.growthShareMax ?? URL_DEFAULTS.review.growthShareMax,
    rejectedShareMax: written.review?.rejectedShareMax ?? URL_DEFAULTS.review.rejectedShareMax,
    exceptionsMax: written.review?.exceptionsMax ?? URL_DEFAULTS.review.exceptionsMax,
  },
});

/** What a file writes of a source. */
type WrittenSource = ListSource | Omit<UrlSource, 'url' | 'refreshMs' | 'addresses'>;

/** Some keys go with the formats that read them. */
const fromSource = (source: ListSource): Partial<FormOf<typeof listKeys>> => {
  if (source.kind === 'shipped') return { shipped: source.id };
  if (source.kind === 'url' && source.feed !== undefined) {
    // Where it is and how often it is asked, the feed says.
    const { url: _, refreshMs: __, addresses: ___, ...own } = source;
    return fromReading(own);
  }
  return fromReading(source);
};

const fromReading = (
  source: Exclude<WrittenSource, { readonly kind: 'shipped' }>,
): Partial<FormOf<typeof listKeys>> => {
  const { match, takesEverything, format, ...others } = source;
  return {
    ...others,
    format: source.shipped === undefined ? format : undefined,
    match: source.format === 'domains' ? match : undefined,
    takesEverything: takesEverything || undefined,
    ...(source.kind === 'file' && { [source.isDirectory ? 'directory' : 'file']: source.path }),
  };
};
