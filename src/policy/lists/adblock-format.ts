// The format `adblock`: the part of the rule language of ad blockers that speaks of names.
//
//   ||name^  ||name|  ||name the name and everything below it (a suffix)
//   ||*.name^  .name^        everything below it only
//   |name^  |name|           the name only
//   name                     the name only, as AdGuard reads it; an address with names is a hosts line
//   /expression/             see pattern.ts
//   @@ before a rule         passthru instead of the list's action
//   $important, $badfilter, $dnstype, $denyallow, $client (addresses and prefixes) behind a rule
//
// What else the language has is refused with a reason of its own: rules for web pages, rules that answer with an
// address of the list's choosing, rules for names that only an ad blocker knows, and patterns that match more than
// their author may have meant. A `$badfilter` concerns lines before it and behind it, so these lines are collected
// first: the bytes of the list are held while it is read, and read twice. The usual line (`||name^`) costs no string.
import { type Prefix, parsePrefix } from '../../base/base.ts';
import { NAME_LENGTH_MAX, parseType } from '../../wire/dns/dns.ts';
import {
  MATCH,
  type Match,
  type RuleClients,
  type RuleSink,
  type RuleTerms,
  type RuleTypes,
} from '../policy.ts';
import { type DiagnosticCode, DiagnosticLog } from './diagnostic.ts';
import { beforeComment, type ContentEnd, fieldEnd, forEachLine, isBlank, textOf } from './lines.ts';
import type { ListBytes } from './list-file.ts';
import { readListName } from './list-name.ts';
import { PatternReader } from './pattern.ts';
import { PASSTHRU } from './rule-terms.ts';
import { HostsLines } from './text-formats.ts';

/** Rules that `$badfilter` can switch off: far above the handful of any list. */
const BADFILTER_COUNT_MAX = 10_000;
/** Different terms that are kept to be shared: rules of one list repeat a few. */
const TERMS_COUNT_MAX = 4_096;
/** Bytes that the list is held by. */
const PIECE_BYTES = 256 * 1024;

const HASH = 0x23;
const DOLLAR = 0x24;
const STAR = 0x2a;
const BRACKET = 0x5b;
const BRACKET_END = 0x5d;
const CARET = 0x5e;
const PIPE = 0x7c;

/** What stands between a site and a rule for its pages: `##`, `#@#`, `#$#`, `#?#`, `#%#` and their mixtures. */
const COSMETIC = /#@?(?:\$\??|[?%])?#|\$@?\$/;
/** A `##` that begins a rule for all pages, and no line of a comment's frame. */
const COSMETIC_START = /^#(?:@|@?[$?%]\??)?#[^#\s]/;

/** Modifiers that make a rule one for a browser's requests; without them it would refuse more than it says. */
const BROWSER_MODIFIERS: ReadonlySet<string> = new Set(
  `1p 3p all app content cookie csp css doc document domain ehide elemhide empty extension first-party font frame from
  generichide genericblock ghide header hls image inline-font inline-script jsinject jsonprune match-case media method
  mp4 network noop object object-subrequest other path permissions ping popunder popup redirect redirect-rule
  referrerpolicy removeheader removeparam replace script shide specifichide stealth strict-first-party
  strict-third-party stylesheet subdocument third-party to urlblock urltransform webrtc websocket xhr xmlhttprequest
  xmlprune`.split(/\s+/),
);

/** Streams the rules of an `adblock` list into the sink. */
export const feedAdblock = (read: ListBytes, sink: RuleSink, log: DiagnosticLog): void => {
  const readAgain = hold(read);
  const switchedOff = collectBadfilters(readAgain(), log);
  const rules = new AdblockRules(sink, log, switchedOff);
  const visit = (bytes: Uint8Array, start: number, end: number, line: number, lineStart: number): void => {
    rules.take(bytes, start, end, line, lineStart);
  };
  forEachLine(readAgain(), log, visit, contentEnd);
};

/** Comments as everywhere, but rules for all web pages begin with `##` as well: those have to be told. */
const contentEnd: ContentEnd = (bytes, start, lineEnd) => {
  if (bytes[start] !== HASH || !COSMETIC_START.test(textOf(bytes, start, Math.min(lineEnd, start + 5)))) {
    return beforeComment(bytes, start, lineEnd);
  }
  let end = lineEnd;
  while (end > start && isBlank(bytes[end - 1])) end--;
  return end;
};

/** Takes all bytes of a list; each call of the result reads them from the start. */
const hold = (read: ListBytes): (() => ListBytes) => {
  const pieces: Uint8Array[] = [];
  let count: number;
  do {
    const piece = new Uint8Array(PIECE_BYTES);
    count = read(piece);
    pieces.push(piece.subarray(0, count));
  } while (count === PIECE_BYTES);
  return () => {
    let index = 0;
    let at = 0;
    return (into) => {
      let length = 0;
      while (length < into.length && index < pieces.length) {
        const part = pieces[index]?.subarray(at, at + into.length - length) ?? into.subarray(0, 0);
        into.set(part, length);
        length += part.length;
        at += part.length;
        if (at < (pieces[index]?.length ?? 0)) continue;
        index++;
        at = 0;
      }
      return length;
    };
  };
};

/** A rule in its parts, as they stand in the line. */
interface RuleText {
  readonly isException: boolean;
  readonly isExpression: boolean;
  /** What the rule matches, without `@@`; of an expression the text between the slashes. */
  readonly trigger: string;
  /** Characters before the trigger. */
  readonly triggerAt: number;
  /** Undefined when the rule has no `$`. */
  readonly modifiers: readonly string[] | undefined;
  /** Characters before the first modifier. */
  readonly modifiersAt: number;
}

const splitRule = (text: string): RuleText => {
  const isException = text.startsWith('@@');
  const ruleAt = isException ? 2 : 0;
  const slash = text[ruleAt] === '/' ? lastDelimiter(text, ruleAt) : -1;
  const isExpression = slash > 0;
  const dollar = isExpression ? (slash + 1 < text.length ? slash + 1 : -1) : text.indexOf('$', ruleAt);
  const triggerEnd = isExpression ? slash : dollar < 0 ? text.length : dollar;
  const triggerAt = isExpression ? ruleAt + 1 : ruleAt;
  return {
    isException,
    isExpression,
    trigger: text.slice(triggerAt, triggerEnd),
    triggerAt,
    // A comma inside a value is written with a backslash.
    modifiers: dollar < 0 ? undefined : text.slice(dollar + 1).split(/(?<!\\),/),
    modifiersAt: dollar + 1,
  };
};

/** The slash that ends an expression: the last one with nothing or a `$` behind it; -1 when there is none. */
const lastDelimiter = (text: string, start: number): number => {
  let at = text.length - 1;
  while (at > start + 1 && !(text[at] === '/' && (at + 1 === text.length || text[at + 1] === '$'))) at--;
  return at > start + 1 ? at : -1;
};

/** The same for rules that AdGuard takes for the same: letters folded but in expressions, modifiers in any order. */
const keyOf = (rule: RuleText): string => {
  const modifiers = (rule.modifiers ?? []).filter((modifier) => modifier !== 'badfilter').sort();
  const trigger = rule.isExpression ? `/${rule.trigger}/` : rule.trigger.toLowerCase();
  return `${rule.isException ? '@@' : ''}${trigger}$${modifiers.join(',')}`;
};

const collectBadfilters = (read: ListBytes, log: DiagnosticLog): ReadonlySet<string> => {
  const switchedOff = new Set<string>();
  const visit = (bytes: Uint8Array, start: number, end: number, line: number, lineStart: number): void => {
    let at = start;
    while (at < end && bytes[at] !== DOLLAR) at++;
    if (at === end) return;
    const text = textOf(bytes, start, end);
    if (!text.includes('badfilter')) return;
    const rule = splitRule(text);
    if (rule.modifiers?.includes('badfilter') !== true) return;
    if (switchedOff.size < BADFILTER_COUNT_MAX) switchedOff.add(keyOf(rule));
    else log.add('badfilter-count', line, start - lineStart + 1, text);
  };
  // The second reading reports what is wrong with the lines.
  forEachLine(read, new DiagnosticLog(), visit, contentEnd);
  return switchedOff;
};

/** A diagnostic without its line; `at` counts characters from the start of the text that is read. */
interface Fault {
  readonly code: DiagnosticCode;
  readonly at: number;
}

/** Reads one line after the other. */
class AdblockRules {
  readonly #sink: RuleSink;
  readonly #log: DiagnosticLog;
  readonly #switchedOff: ReadonlySet<string>;
  readonly #hosts: HostsLines;
  readonly #patterns = new PatternReader();
  readonly #terms = new Map<string, RuleTerms>();
  readonly #name = new Uint8Array(NAME_LENGTH_MAX);

  constructor(sink: RuleSink, log: DiagnosticLog, switchedOff: ReadonlySet<string>) {
    this.#sink = sink;
    this.#log = log;
    this.#switchedOff = switchedOff;
    this.#hosts = new HostsLines(sink, log);
  }

  take(bytes: Uint8Array, start: number, end: number, line: number, lineStart: number): void {
    if (bytes[start] === BRACKET && bytes[end - 1] === BRACKET_END) return;
    if (this.#switchedOff.size === 0 && this.#takeSuffix(bytes, start, end, line)) return;
    const text = textOf(bytes, start, end);
    const rule = splitRule(text);
    if (!rule.isExpression && COSMETIC.test(text)) {
      this.#log.add('adblock-cosmetic', line, start - lineStart + 1, text);
      return;
    }
    const isRule = rule.isExpression || /^(?:@@|\|)/.test(text);
    const firstEnd = fieldEnd(bytes, start, end);
    if (!isRule && firstEnd < end) {
      this.#takeFields(bytes, start, firstEnd, end, line, lineStart);
      return;
    }
    if (rule.modifiers?.includes('badfilter') === true) return;
    if (this.#switchedOff.size > 0 && this.#switchedOff.has(keyOf(rule))) return;
    const fault = this.#takeRule(rule, line);
    if (fault === undefined) return;
    const column = start - lineStart + 1 + Buffer.byteLength(text.slice(0, fault.at));
    this.#log.add(fault.code, line, column, text);
  }

  /** Takes `||name^` straight from the bytes; false for every other line, and for what is no name. */
  #takeSuffix(bytes: Uint8Array, start: number, end: number, line: number): boolean {
    if (bytes[start] !== PIPE || bytes[start + 1] !== PIPE || bytes[end - 1] !== CARET) return false;
    if (bytes[start + 2] === STAR) return false;
    const length = readListName(bytes, start + 2, end - 1, this.#name);
    if (typeof length === 'string') return false;
    this.#sink.addName(MATCH.SUFFIX, this.#name, length, line);
    return true;
  }

  #takeFields(
    bytes: Uint8Array,
    start: number,
    firstEnd: number,
    end: number,
    line: number,
    lineStart: number,
  ): void {
    const isName = typeof readListName(bytes, start, firstEnd, this.#name) === 'number';
    if (isName) this.#log.add('extra-text', line, firstEnd - lineStart + 1, textOf(bytes, start, end));
    else this.#hosts.take(bytes, start, end, line, lineStart);
  }

  #takeRule(rule: RuleText, line: number): Fault | undefined {
    const terms = this.#termsOf(rule);
    if (terms !== undefined && 'code' in terms) return terms;
    const { trigger, triggerAt } = rule;
    if (rule.isExpression) {
      const pattern = this.#patterns.read(trigger);
      if (typeof pattern === 'string') return { code: pattern, at: triggerAt };
      this.#sink.addPattern(pattern, line, terms);
      return undefined;
    }
    const found = readTrigger(trigger, rule.isException || rule.modifiers !== undefined);
    if (typeof found === 'string') return { code: found, at: triggerAt };
    const bytes = Buffer.from(trigger.slice(found.start, found.end), 'utf8');
    const length = readListName(bytes, 0, bytes.length, this.#name);
    if (typeof length === 'string') {
      return { code: length === 'wildcard-place' ? 'adblock-wildcard' : length, at: triggerAt + found.start };
    }
    this.#sink.addName(found.match, this.#name, length, line, terms);
    return undefined;
  }

  /** The terms of a rule; undefined for a plain one. */
  #termsOf(rule: RuleText): RuleTerms | undefined | Fault {
    if (rule.modifiers === undefined) return rule.isException ? PASSTHRU : undefined;
    const key = `${rule.isException ? '@@' : ''}${rule.modifiers.join(',')}`;
    const known = this.#terms.get(key);
    if (known !== undefined) return known;
    const terms = readTerms(rule, this.#name);
    if (!('code' in terms) && this.#terms.size < TERMS_COUNT_MAX) this.#terms.set(key, terms);
    return terms;
  }
}

/** Where the name stands in a trigger, and how it matches; a code for triggers that are not taken. */
const readTrigger = (
  trigger: string,
  isRule: boolean,
): { match: Match; start: number; end: number } | DiagnosticCode => {
  const anchor = trigger.startsWith('||') ? 2 : trigger.startsWith('|') ? 1 : 0;
  const tail = /(?:\^\|?|\|)$/.exec(trigger.slice(anchor))?.[0].length ?? 0;
  const end = trigger.length - tail;
  const isPlain = anchor === 0 && tail === 0 && !isRule;
  // A dot where a name could begin stands for what is before it, as a star with its dot does.
  const skipped = trigger.startsWith('*.', anchor)
    ? 2
    : anchor === 0 && tail > 0 && trigger.startsWith('.')
      ? 1
      : 0;
  const hasStar = skipped > 0;
  const start = anchor === 1 ? anchor : anchor + skipped;
  // Publishers leave out the end of a name and mean it; a dot there says that more of the name follows.
  const isEnded = tail > 0 || (anchor === 2 && /[^.|^-]$/.test(trigger));
  if (trigger.slice(start, end).includes('*')) return 'adblock-wildcard';
  if (/[/:]/.test(trigger)) return trigger.includes('/') ? 'url' : 'port';
  if (!isPlain && (!isEnded || (anchor === 0 && !hasStar))) return 'adblock-open';
  if (hasStar) return isPlain ? 'adblock-open' : { match: MATCH.WILDCARD, start, end };
  return { match: anchor === 2 ? MATCH.SUFFIX : MATCH.EXACT, start, end };
};

/** Reads the modifiers of a rule. `scratch` has NAME_LENGTH_MAX bytes. */
const readTerms = (rule: RuleText, scratch: Uint8Array): RuleTerms | Fault => {
  let isImportant = false;
  let types: RuleTypes | undefined;
  let clients: RuleClients | undefined;
  let exceptBelow: Uint8Array[] | undefined;
  let at = rule.modifiersAt;
  for (const modifier of rule.modifiers ?? []) {
    const equals = modifier.indexOf('=');
    const key = (equals < 0 ? modifier : modifier.slice(0, equals)).replace(/^~/, '');
    const values = equals < 0 ? [] : modifier.slice(equals + 1).split('|');
    let code: DiagnosticCode | undefined;
    if (modifier === 'important') isImportant = true;
    else if (modifier.startsWith('dnstype=')) {
      const read = readTypes(values);
      if (typeof read === 'string') code = read;
      else types = read;
    } else if (modifier.startsWith('client=')) {
      const read = readClients(values);
      if (typeof read === 'string') code = read;
      else clients = read;
    } else if (modifier.startsWith('denyallow=')) {
      const read = readNames(values, scratch);
      if (typeof read === 'string') code = read;
      else exceptBelow = read;
    } else code = modifierFault(key);
    if (code !== undefined) return { code, at };
    at += modifier.length + 1;
  }
  return {
    action: { kind: rule.isException ? 'passthru' : 'list' },
    ...(isImportant && { isImportant }),
    ...(types !== undefined && { types }),
    ...(clients !== undefined && { clients }),
    ...(exceptBelow !== undefined && { exceptBelow }),
  };
};

const modifierFault = (key: string): DiagnosticCode => {
  if (key === 'ctag') return 'adblock-ctag';
  if (key === 'dnsrewrite') return 'adblock-rewrite';
  return BROWSER_MODIFIERS.has(key) ? 'adblock-browser' : 'adblock-modifier';
};

/** The values without and with a `~`. */
const splitSigns = (
  values: readonly string[],
): { wanted: readonly string[]; unwanted: readonly string[] } => ({
  wanted: values.filter((value) => !value.startsWith('~')),
  unwanted: values.filter((value) => value.startsWith('~')).map((value) => value.slice(1)),
});

/** A type that is wanted leaves out all that are not, so beside it an unwanted one says nothing more. */
const readTypes = (values: readonly string[]): RuleTypes | DiagnosticCode => {
  const { wanted, unwanted } = splitSigns(values);
  const numbers = (wanted.length > 0 ? wanted.filter((value) => !unwanted.includes(value)) : unwanted).map(
    parseType,
  );
  if ([...wanted, ...unwanted].some((value) => parseType(value) === undefined)) return 'unknown-type';
  const types = [...new Set(numbers.filter((type) => type !== undefined))].sort((a, b) => a - b);
  return types.length === 0 ? 'adblock-modifier' : { types, isExcluding: wanted.length === 0 };
};

/** A prefix with addresses cut out of it is more than a rule can say. */
const readClients = (values: readonly string[]): RuleClients | DiagnosticCode => {
  const { wanted, unwanted } = splitSigns(values);
  if (wanted.length > 0 && unwanted.length > 0) return 'adblock-client';
  const prefixes: Prefix[] = [];
  for (const value of [...wanted, ...unwanted]) {
    const prefix = parsePrefix(value);
    if (prefix === undefined) return 'adblock-client';
    prefixes.push(prefix);
  }
  return { prefixes, isExcluding: wanted.length === 0 };
};

const readNames = (values: readonly string[], scratch: Uint8Array): Uint8Array[] | DiagnosticCode => {
  const names: Uint8Array[] = [];
  for (const value of values) {
    const bytes = Buffer.from(value, 'utf8');
    const length = readListName(bytes, 0, bytes.length, scratch);
    if (typeof length === 'string') return length;
    names.push(scratch.slice(0, length));
  }
  return names;
};
