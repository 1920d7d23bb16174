// How each format but RPZ writes one rule, or why it does not.
//
// What the programs do with each line was seen with dnsmasq 2.91 and unbound: `address=/x/` answers NXDOMAIN
// for every type at and below x, `*.x` in its place only below; `local-zone: always_nxdomain` covers at and
// below. The longest name decides in both, so an exception below a refused name is one more line.
import { isIpv4, parsePrefix } from '../../base/base.ts';
import { MATCH, type Match } from '../policy.ts';

/** A rule to write. */
export interface ExportRule {
  readonly match: Match;
  /** A name in presentation form, folded, without the final dot; for MATCH.PREFIX a prefix in CIDR form. */
  readonly text: string;
  /** `list`: the name is refused, as NXDOMAIN where the format lets us choose. */
  readonly action: 'list' | 'passthru';
}

/** What became of a rule. */
export interface Written {
  /** Whole lines; undefined when the rule is left out. */
  readonly text?: string;
  /** What a reader of the file has to know, as words behind "3 rules". */
  readonly note?: string;
}

/** Writes one format. */
export interface ExportFormatWriter {
  /** What begins a comment. */
  readonly comment: string;
  /** True when names may hold any byte, escaped; false: letters, digits, hyphens, underscores. */
  readonly isAnyName: boolean;
  /** Lines before the first rule. */
  begin?(): string;
  writeName(match: Match, name: string, action: 'list' | 'passthru'): Written;
  /** `prefix` is the text of an address prefix. */
  writePrefix(prefix: string, action: 'list' | 'passthru'): Written;
  /** Lines after the last rule. */
  end?(): string;
}

/** What a format cannot say. */
const NO_EXACT: Written = { note: 'left out: the format has no word for one name without those below it' };
const NO_WILDCARD: Written = { note: 'left out: the format has no word for the names below a name only' };
const NO_PASSTHRU: Written = { note: 'left out: the format has no word for an exception' };
const NO_EXACT_PASSTHRU: Written = { note: 'left out: the format has no word for an exception of one name' };
const NO_PREFIX: Written = { note: 'left out: the format has no word for addresses' };
const NO_NAME: Written = { note: 'left out: the format holds addresses only' };
/** The rule of something that is not a prefix. */
export const BAD_PREFIX: Written = { note: 'left out: not an address prefix' };

const noPrefix = (): Written => NO_PREFIX;

/** hosts(5): names one by one, each with the unspecified address of both families. */
export const hostsFormat: ExportFormatWriter = {
  comment: '#',
  isAnyName: false,
  writeName(match, name, action) {
    if (action === 'passthru') return NO_PASSTHRU;
    if (match === MATCH.WILDCARD) return NO_WILDCARD;
    const text = `0.0.0.0 ${name}\n:: ${name}\n`;
    if (match === MATCH.EXACT) return { text };
    return { text, note: 'narrowed: a hosts file has the name itself, and nothing below it' };
  },
  writePrefix: noPrefix,
};

/** One name a line, which means the name and everything below it. */
export const domainsFormat: ExportFormatWriter = {
  comment: '#',
  isAnyName: false,
  writeName(match, name, action) {
    if (action === 'passthru') return NO_PASSTHRU;
    if (match === MATCH.EXACT) return NO_EXACT;
    return { text: match === MATCH.WILDCARD ? `*.${name}\n` : `${name}\n` };
  },
  writePrefix: noPrefix,
};

/** A file for dnsmasq's conf-file; needs 2.86 or later. */
export const dnsmasqFormat: ExportFormatWriter = {
  comment: '#',
  isAnyName: false,
  writeName(match, name, action) {
    if (match === MATCH.EXACT) return action === 'list' ? NO_EXACT : NO_EXACT_PASSTHRU;
    const pattern = match === MATCH.WILDCARD ? `*.${name}` : name;
    return { text: action === 'list' ? `address=/${pattern}/\n` : `server=/${pattern}/#\n` };
  },
  writePrefix(prefix, action) {
    if (action === 'passthru') return NO_PASSTHRU;
    if (parsePrefix(prefix) === undefined) return BAD_PREFIX;
    // An answer with such an address becomes NXDOMAIN.
    return { text: `bogus-nxdomain=${prefix}\n` };
  },
};

/** Lines for the server clause of unbound.conf. */
export class UnboundWriter implements ExportFormatWriter {
  readonly comment = '#';
  readonly isAnyName = false;
  /** The rules for a name and everything below it. */
  readonly #suffix = new Map<string, ExportRule['action']>();

  /** `rules` are all that will be written, each trigger once. */
  constructor(rules: Iterable<ExportRule>) {
    for (const { match, text, action } of rules) {
      if (match === MATCH.SUFFIX) this.#suffix.set(text, action);
    }
  }

  begin(): string {
    return 'server:\n';
  }

  writeName(match: Match, name: string, action: ExportRule['action']): Written {
    if (match === MATCH.WILDCARD) return NO_WILDCARD;
    if (match === MATCH.EXACT) return action === 'passthru' ? NO_EXACT_PASSTHRU : this.#writeExact(name);
    const type = action === 'list' ? 'always_nxdomain' : 'always_transparent';
    return { text: `  local-zone: "${name}." ${type}\n` };
  }

  writePrefix(): Written {
    return { note: 'left out: addresses need the module respip, which not every unbound.conf loads' };
  }

  #writeExact(name: string): Written {
    // A zone of its own would take the names below this one out of the zone that refuses them.
    if (this.#actionOver(name) === 'list') return { note: 'covered by another rule, and not written' };
    if (this.#suffix.has(name)) return NO_EXACT;
    // In a transparent zone a name with data of another type has no data, and names below it are resolved.
    const text = `  local-zone: "${name}." transparent\n  local-data: '${name}. 30 IN HINFO "refused" ""'\n`;
    return { text, note: 'answered with NODATA instead of NXDOMAIN: one name without those below it' };
  }

  /** What the nearest rule at or above a name says. */
  #actionOver(name: string): ExportRule['action'] | undefined {
    for (let at = 0; at >= 0; at = name.indexOf('.', at) + 1 || -1) {
      const action = this.#suffix.get(name.slice(at));
      if (action !== undefined) return action;
    }
    return undefined;
  }
}

/**
 * The syntax that ad blockers and their DNS servers share. An exception wins there over every rule, also over
 * one below it.
 */
export const adblockFormat: ExportFormatWriter = {
  comment: '!',
  isAnyName: false,
  writeName(match, name, action) {
    const anchor = match === MATCH.EXACT ? '|' : match === MATCH.WILDCARD ? '||*.' : '||';
    return { text: `${action === 'list' ? '' : '@@'}${anchor}${name}^\n` };
  },
  writePrefix: noPrefix,
};

/** A list for Pi-hole 6: plain names match exactly, `||name^` with everything below. */
export const piholeFormat: ExportFormatWriter = {
  comment: '#',
  isAnyName: false,
  writeName(match, name, action) {
    if (action === 'passthru') return NO_PASSTHRU;
    if (match === MATCH.WILDCARD) return NO_WILDCARD;
    return { text: match === MATCH.EXACT ? `${name}\n` : `||${name}^\n` };
  },
  writePrefix: noPrefix,
};

/** One prefix in CIDR form a line. */
export const prefixesFormat: ExportFormatWriter = {
  comment: '#',
  isAnyName: false,
  writeName: () => NO_NAME,
  writePrefix(text, action) {
    if (action === 'passthru') return NO_PASSTHRU;
    const prefix = parsePrefix(text);
    if (prefix === undefined) return BAD_PREFIX;
    const full = isIpv4(prefix.words) ? 32 : 128;
    return { text: text.includes('/') ? `${text}\n` : `${text}/${full}\n` };
  },
};
