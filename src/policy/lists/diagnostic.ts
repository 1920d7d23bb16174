// What is wrong with a line of a list, as values: lists come from many hands, and a bad line must neither stop a
// list nor vanish. Every rejection is counted; the first ones are kept with their place. Texts quote bytes of
// foreign origin, so the quotation is short and its control characters are escaped.
import { reasonText } from '../../base/words/words.ts';
import { RPZ_WORDS } from '../policy.ts';

/** Diagnostics that a list keeps: one screen of an editor or of a dashboard, whatever the list's size. */
export const DIAGNOSTICS_MAX = 100;
/** Characters of the source that a text quotes: a name is recognized by fewer. */
const EXCERPT_LENGTH_MAX = 60;

const MESSAGES = {
  'adblock-browser': 'a modifier for the requests of a browser: the rule is not about names',
  'adblock-client': 'clients are given by addresses and prefixes, either those meant or those not meant',
  'adblock-cosmetic': 'a rule for what web pages show',
  'adblock-ctag': 'client tags are only known to the program that gives them',
  'adblock-modifier': 'a modifier that is unknown, empty or without its value',
  'adblock-open': 'a rule that also matches longer names: a name stands between || or | and ^',
  'adblock-rewrite': 'an answer of the list: a list refuses, it does not choose what clients are sent to',
  'adblock-wildcard': 'a wildcard is only possible as the first label (||*.example.com^)',
  'bad-character': 'a character that no host name has',
  'bad-date': 'a date is written YYYY-MM-DD',
  'bad-prefix': 'not an address prefix, or bits below its length are set',
  'bad-value': 'not one of the allowed values',
  'badfilter-count': 'a list switches off at most 10000 rules by $badfilter',
  'condition-cost':
    'conditions that could take too long together with those of other rules for the name, or of other expressions',
  'dnsmasq-address': 'behind the last slash stands an address, # or nothing',
  'dnsmasq-option': 'only address=/NAME/, server=/NAME/ and local=/NAME/ refuse names',
  'dnsmasq-server': 'a server for the names: that forwards them, and does not refuse them',
  'empty-label': 'two dots in a row, or a dot at the start',
  'extra-text': 'a line holds one name and nothing else',
  guarded: 'a name that no list may refuse (never-block.txt)',
  'guarded-pattern': 'the pattern matches it, and no list may refuse it (never-block.txt)',
  'hosts-address': 'a hosts line starts with an address',
  'ip-address': 'an address where a name belongs',
  'label-too-long': 'a label has at most 63 bytes',
  'line-too-long': 'a line has at most 65536 bytes',
  markup: 'markup: a web page instead of a list',
  'match-count': 'an entry has exactly one of suffix, exact, wildcard and prefix',
  'missing-key': 'a required key is missing',
  'name-too-long': 'a name has at most 255 bytes',
  'not-idna': 'not an internationalized domain name',
  nul: 'a NUL byte',
  'pattern-character': 'a character that no host name has',
  'pattern-construct':
    'backreferences, lookaround, flags, unknown classes and possessive quantifiers are not read',
  'pattern-cost': 'an expression that could take too long for some name, or all of the list together could',
  'pattern-count': 'a list has at most 1000 expressions',
  'pattern-length': 'an expression has at most 500 bytes',
  'pattern-option': 'behind an expression only ;querytype= is read',
  'pattern-syntax': 'not a regular expression',
  port: 'a port after a name',
  'rpz-action': `no action of RPZ: ${new Intl.ListFormat('en-GB').format(RPZ_WORDS.map((word) => `rpz-${word}.`))} are known, each with its final dot`,
  'rpz-apex': 'only SOA and NS have a place at the apex of a response policy zone',
  'rpz-cname': 'a CNAME beside other records of one owner: the first record stands',
  'rpz-dname': 'a DNAME of a response policy zone redirects nothing: its owner counts as a name without data',
  'rpz-everything': 'a trigger for every name that there is, which is taken with "everything: true"',
  'rpz-name-server':
    'a trigger on name servers (rpz-nsdname, rpz-nsip), which a forwarding resolver does not see',
  'rpz-prefix':
    'not LENGTH.REVERSED-ADDRESS in its canonical form (zz for ::), or bits below the length are set',
  'rpz-records': 'a name or prefix has at most 4096 records: no answer holds more',
  'rpz-trigger': 'no trigger of RPZ: rpz-ip and rpz-client-ip are read, each as one label with a hyphen',
  'single-label': 'a name has at least two labels',
  stamp: 'not a DNS stamp, or one of a protocol that is not known',
  syntax: 'not valid YAML',
  'too-large': 'a file in the cordon format has at most 8 MiB',
  'unbound-data': 'only records with 0.0.0.0, 127.0.0.1, :: or ::1 refuse a name',
  'unbound-option': 'only local-zone and local-data speak of names to refuse',
  'unbound-syntax': 'local-zone: "NAME" TYPE or local-data: "RECORD"',
  'unbound-zone-type': 'a zone type that neither refuses names nor lets them through',
  'unknown-key': 'an unknown key',
  'unknown-type': 'not a type of records',
  url: 'a URL or path where a name belongs',
  'wildcard-place':
    'a wildcard is only possible as the first label (*.example.com), and only in some formats',
  'zone-class': 'a record of another class than IN',
  'zone-directive': 'a directive that is not read here: only $ORIGIN and $TTL are, and $INCLUDE is refused',
  'zone-escape': 'an escape is a backslash with a character, or with three digits up to 255',
  'zone-not-ascii': 'a name in a zone file is ASCII; an internationalized name stands in A-labels',
  'zone-outside': 'an owner outside the zone',
  'zone-owner': 'a record without an owner, and no owner stands before it',
  'zone-parenthesis': 'a parenthesis without its partner in the same record of 65536 bytes and 4096 fields',
  'zone-quote': 'a quotation mark without its partner in the same line',
  'zone-rdata': 'not the data that a record of this type has',
  'zone-soa': 'a second SOA, or one below the apex',
  'zone-too-long': 'a record has at most 65536 bytes and 4096 fields',
  'zone-ttl': 'a TTL is 0 to 2147483647 seconds, and one must be known',
  'zone-type': 'not a type that records have',
} as const;

/** What is said of a list as a whole: nothing of it is rejected, and a person should look. */
/** What a diagnostic is about. */
export type DiagnosticCode = keyof typeof MESSAGES;

/** What a note can be about. */
export const NOTE_CODES = ['cdn-children', 'stamp-shared', 'wildcard-plain'] as const;

/** One of NOTE_CODES. */
export type NoteCode = (typeof NOTE_CODES)[number];

/** One remark about a list as a whole. */
export interface ListNote {
  readonly code: NoteCode;
  readonly text: string;
}

/** How many places of a list were rejected for each reason, by its code, the most frequent first. */
export type ReasonCounts = Readonly<Record<string, number>>;

/** One remark about one place of a list. */
export interface Diagnostic {
  /** From 1. */
  readonly line: number;
  /** From 1, in bytes for text formats and in characters for the cordon format. */
  readonly column: number;
  readonly code: DiagnosticCode;
  readonly text: string;
}

/** Collects diagnostics: counts all and each reason, keeps the first DIAGNOSTICS_MAX. */
export class DiagnosticLog {
  readonly kept: Diagnostic[] = [];
  readonly notes: ListNote[] = [];
  /** As many as there are codes. */
  readonly #counts = new Map<DiagnosticCode, number>();
  #count = 0;

  /** All diagnostics, kept or not. */
  get count(): number {
    return this.#count;
  }

  /** All diagnostics by reason, kept or not. */
  get reasons(): ReasonCounts {
    return Object.fromEntries(
      [...this.#counts].sort(([a, some], [b, others]) => others - some || (a < b ? -1 : 1)),
    );
  }

  /** Says something about the list as a whole: of how many, and of how many in all. */
  note(code: NoteCode, count: number, of = count): void {
    const id = code === 'stamp-shared' && count === 1 ? 'stamp-shared-one' : code;
    this.notes.push({ code, text: reasonText(id, { count, of }) });
  }

  /** Records a diagnostic; `subject` is the offending text, quoted in part. */
  add(code: DiagnosticCode, line: number, column: number, subject = ''): void {
    this.#count++;
    this.#counts.set(code, (this.#counts.get(code) ?? 0) + 1);
    if (this.kept.length >= DIAGNOSTICS_MAX) return;
    const text = subject === '' ? MESSAGES[code] : `${quote(subject)}: ${MESSAGES[code]}`;
    this.kept.push({ line, column, code, text });
  }
}

/** As it stands in the file, but for characters that nobody sees or that would break the line. */
const quote = (subject: string): string => {
  const excerpt = subject.length > EXCERPT_LENGTH_MAX ? `${subject.slice(0, EXCERPT_LENGTH_MAX)}…` : subject;
  const toEscape = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return `"${excerpt.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, toEscape)}"`;
};
