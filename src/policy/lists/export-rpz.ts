// Rules as a response policy zone (draft-vixie-dnsop-dns-rpz), a master file that any name server loads.
//
// A name server finds a wildcard by the closest encloser (RFC 4592 section 2.2.1): `*.example.com` does not
// match `a.b.example.com` once any owner at or below `b.example.com` exists, as it does when
// `x.b.example.com` is an exception. BIND 9.20 answers such names as if there were no rule. So every name
// between a rule and a wildcard above it, and what is below them, is written out with the action of that
// wildcard.
import { parsePrefix } from '../../base/base.ts';
import { formatName, NAME_LENGTH_MAX, parseName } from '../../wire/dns/dns.ts';
import { MATCH, type Match } from '../policy.ts';
import { BAD_PREFIX, type ExportFormatWriter, type ExportRule, type Written } from './export-formats.ts';
import { formatRpzPrefix } from './rpz-prefix.ts';

/** Of every record: as long as a refusal of Cordon is kept by default. */
const TTL_SEC = 30;
/** SOA timers for those who transfer the zone: an hour, ten minutes, thirty days. */
const REFRESH_SEC = 3600;
const RETRY_SEC = 600;
const EXPIRE_SEC = 2_592_000;
/** Bytes of the label `*`. */
const WILDCARD_LENGTH = 2;

type Action = ExportRule['action'];

const TARGETS: Readonly<Record<Action, string>> = { list: '.', passthru: 'rpz-passthru.' };

/** Writes the records of one zone. Throws a TypeError when `origin` is not a name. */
export class RpzWriter implements ExportFormatWriter {
  readonly comment = ';';
  readonly isAnyName = true;
  readonly #origin: string;
  readonly #originLength: number;
  readonly #serial: number;
  /** The rules by name, each name in its one presentation form. */
  readonly #exact = new Map<string, Action>();
  readonly #wildcard = new Map<string, Action>();
  readonly #suffix = new Map<string, Action>();

  /** `rules` are all that will be written, each trigger once. */
  constructor(rules: Iterable<ExportRule>, origin: string, serial: number) {
    const apex = parseName(origin);
    if (typeof apex === 'string') throw new TypeError(`"${origin}" is not a domain name: ${apex}`);
    this.#origin = formatName(apex);
    this.#originLength = apex.length;
    this.#serial = serial;
    for (const { match, text, action } of rules) {
      if (match === MATCH.PREFIX || this.#faultOf(match, text) !== undefined) continue;
      this.#rulesOf(match).set(ownerOf(text), action);
    }
  }

  begin(): string {
    const timers = `${REFRESH_SEC} ${RETRY_SEC} ${EXPIRE_SEC} ${TTL_SEC}`;
    return [
      `$ORIGIN ${this.#origin}`,
      `$TTL ${TTL_SEC}`,
      `@ IN SOA localhost. hostmaster.invalid. ${this.#serial} ${timers}`,
      '@ IN NS localhost.',
      '',
    ].join('\n');
  }

  writeName(match: Match, name: string, action: Action): Written {
    const fault = this.#faultOf(match, name);
    if (fault !== undefined) return { note: fault };
    const owner = ownerOf(name);
    if (match === MATCH.EXACT) return { text: recordOf(owner, action) };
    if (match === MATCH.WILDCARD) return { text: recordOf(`*.${owner}`, action) };
    // A rule for the name alone, or for what is below it alone, says more than this one.
    const self = this.#exact.has(owner) ? '' : recordOf(owner, action);
    const below = this.#wildcard.has(owner) ? '' : recordOf(`*.${owner}`, action);
    return { text: self + below };
  }

  writePrefix(text: string, action: Action): Written {
    const prefix = parsePrefix(text);
    if (prefix === undefined || prefix.bits === 0) return BAD_PREFIX;
    return { text: recordOf(`${formatRpzPrefix(prefix)}.rpz-ip`, action) };
  }

  /** The records that keep names covered whose wildcard other owners hide. */
  end(): string {
    const done = new Set<string>();
    let text = '';
    let count = 0;
    for (const rules of [this.#exact, this.#wildcard, this.#suffix]) {
      for (const name of rules.keys()) {
        for (let owner = name; !done.has(owner); owner = parentOf(owner)) {
          const action = this.#actionAbove(owner);
          if (action === undefined) break;
          done.add(owner);
          if (this.#exact.get(owner) === undefined && !this.#suffix.has(owner)) {
            text += recordOf(owner, action);
            count++;
          }
          const hasBelow = this.#wildcard.has(owner) || this.#suffix.has(owner);
          if (!hasBelow && this.#fits(owner, WILDCARD_LENGTH)) {
            text += recordOf(`*.${owner}`, action);
            count++;
          }
        }
      }
    }
    const why = 'that other owners would take out of the wildcards above them (RFC 4592)';
    return count === 0 ? '' : `; ${count} more for names ${why}\n${text}`;
  }

  #rulesOf(match: Match): Map<string, Action> {
    if (match === MATCH.EXACT) return this.#exact;
    return match === MATCH.WILDCARD ? this.#wildcard : this.#suffix;
  }

  /** What the nearest rule above a name says about the names below itself. */
  #actionAbove(name: string): Action | undefined {
    for (let above = parentOf(name); above !== ''; above = parentOf(above)) {
      const action = this.#wildcard.get(above) ?? this.#suffix.get(above);
      if (action !== undefined) return action;
    }
    return undefined;
  }

  #faultOf(match: Match, text: string): string | undefined {
    const name = parseName(text);
    if (typeof name === 'string') return 'left out: not a domain name';
    if (text.startsWith('*.') || text === '*')
      return 'left out: a name with an asterisk is a wildcard in a zone';
    if (/(?:^|\.)rpz-[^.]*$/.test(text))
      return 'left out: a name that a response policy zone gives a meaning';
    const more = match === MATCH.EXACT ? 0 : WILDCARD_LENGTH;
    return this.#fits(text, more) ? undefined : 'left out: too long below the origin of the zone';
  }

  /** True when the name with `more` bytes before it can stand below the origin. */
  #fits(text: string, more: number): boolean {
    const name = parseName(text);
    return typeof name !== 'string' && name.length + more + this.#originLength - 1 <= NAME_LENGTH_MAX;
  }
}

const recordOf = (owner: string, action: Action): string => `${owner} CNAME ${TARGETS[action]}\n`;

/** The one presentation form of a name, without the final dot. */
const ownerOf = (text: string): string => {
  const name = parseName(text);
  return typeof name === 'string' ? text : formatName(name).slice(0, -1);
};

/** The name without its first label; empty when it has one only. */
const parentOf = (name: string): string => /^(?:\\\d{3}|\\.|[^\\.])*\.(.*)$/.exec(name)?.[1] ?? '';
