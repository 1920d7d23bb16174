// Reading what somebody wrote about an exemption: from a YAML file, from a command, over the control socket.
//
// One form for all of them. Every field is read whatever is wrong with the others, so that one answer shows all
// faults; what a field has to say is not judged here but by the rules of the profile. Each text and list is bounded.
import { createHash } from 'node:crypto';
import { type Account, formatPrefix, holdsDevices, parsePrefix, suggestPrefix } from '../../base/base.ts';
import { formatName, readWrittenName } from '../../wire/dns/dns.ts';
import {
  type Mitigation,
  parseExemptionId,
  parseHours,
  type ScheduleText,
  toWireName,
  WEEKDAYS,
} from './paper.ts';
import type { ExemptionProblemCode, Fault, FieldPath } from './problem.ts';

/** Characters of a name, a role, a reference. */
const LINE_LENGTH_MAX = 200;
/** Characters of a justification and the like: two pages. */
const PROSE_LENGTH_MAX = 4000;
/** A handful of measures, each with a sentence. */
const MITIGATIONS_MAX = 32;
/** With CLIENTS_MAX, DEVICES_MAX and NAMES_MAX as many as policy takes for one exemption. */
const GROUPS_MAX = 50;
/** As many as a configuration may have. */
const LISTS_MAX = 32;
/** More clients than these are a group; compared one by one for each refusal. */
export const CLIENTS_MAX = 100;
/** More devices than these are a group. */
const DEVICES_MAX = 50;
/** More names than these are a list. */
export const NAMES_MAX = 100;
/** Names of time zones are short; the longest of the IANA has 32 letters. */
const TIME_ZONE_LENGTH_MAX = 64;
/** Characters of an offending value that a message repeats. */
const QUOTE_LENGTH_MAX = 60;

/** What is asked for. */
export interface ExemptionTerms {
  readonly requestedBy: string;
  readonly grounds: string;
  readonly justification: string;
  readonly alternatives: string;
  readonly mitigations: readonly Mitigation[];
  readonly groups: readonly string[];
  /** Prefixes, each in one spelling. */
  readonly clients: readonly string[];
  /** Names of devices; undefined where none is named, so that texts without the field keep their hash. */
  readonly devices: readonly string[] | undefined;
  readonly lists: readonly string[] | undefined;
  /** Presentation form, letters folded, without the final dot. */
  readonly names: readonly string[] | undefined;
  readonly schedule: ScheduleText | undefined;
  readonly fromMs: number;
  readonly untilMs: number;
  /** Number of the exemption that this one follows. */
  readonly renews: number | undefined;
}

/** Who grants it. */
export interface Approval {
  readonly by: string;
  /** Undefined: of a text, or nobody can tell. */
  readonly account: Account | undefined;
  readonly role: string | undefined;
  readonly delegation: string | undefined;
}

/** Of a value, the parts that could be read. */
export type Draft<Whole> = { readonly [Field in keyof Whole]?: Whole[Field] | undefined };

/** What was written. */
export interface WrittenExemption {
  readonly terms: Draft<ExemptionTerms>;
  readonly approval: Draft<Approval>;
  /** Tells texts of one file apart. */
  readonly key: string | undefined;
  readonly faults: readonly Fault[];
}

/** Fields of the form, and those that only a text with its approval has. */
const REQUEST_FIELDS = [
  ...['requested-by', 'grounds', 'justification', 'alternatives', 'mitigations', 'groups', 'clients'],
  ...['devices', 'lists', 'names', 'schedule', 'from', 'until', 'renews'],
];
const TEXT_FIELDS = [...REQUEST_FIELDS, 'approved-by', 'role', 'delegation', 'key'];

/** Reads a request: no approval, and `from` may be left out. */
export const readRequest = (raw: unknown): WrittenExemption => new Reader(raw).read(REQUEST_FIELDS);

/** Reads a text that stands for its own approval. */
export const readApproved = (raw: unknown): WrittenExemption => new Reader(raw).read(TEXT_FIELDS);

/** SHA-256 of what a text says, 64 hexadecimal digits: the same for another layout or order of fields. */
export const hashOf = ({ terms, approval }: WrittenExemption): string =>
  createHash('sha256')
    .update(JSON.stringify([terms, approval]))
    .digest('hex');

/** A text in quotes, bounded, with control characters escaped. */
export const quote = (text: string): string =>
  JSON.stringify(text.length > QUOTE_LENGTH_MAX ? `${text.slice(0, QUOTE_LENGTH_MAX)}…` : text);

/** RFC 3339 section 5.6 without leap seconds, or a date, whose midnight in UTC is meant. */
const TIME =
  /^(2[01]\d\d-\d\d-\d\d)(?:T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,3})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d))?$/;

/** Milliseconds since the epoch of a date or a time; undefined when it is none, or the calendar does not have it. */
export const parseTime = (text: string): number | undefined => {
  const [, day = ''] = TIME.exec(text) ?? [];
  const midnight = Date.parse(day);
  if (Number.isNaN(midnight) || !new Date(midnight).toISOString().startsWith(day)) return undefined;
  return Date.parse(text);
};

/** Reads the fields of one map and collects what is wrong with them. */
class Reader {
  readonly #fields: ReadonlyMap<string, unknown>;
  readonly #faults: Fault[] = [];
  readonly #isMap: boolean;

  constructor(raw: unknown) {
    this.#isMap = isMap(raw);
    this.#fields = new Map(isMap(raw) ? Object.entries(raw) : []);
  }

  read(known: readonly string[]): WrittenExemption {
    const isText = known.includes('approved-by');
    if (!this.#isMap) this.#report('ERR_EXEMPTION_FIELD', [], 'expected a map of fields');
    for (const name of this.#fields.keys()) {
      if (known.includes(name)) continue;
      this.#report('ERR_EXEMPTION_FIELD', [name], 'unknown field', `fields are ${known.join(', ')}`);
    }
    const terms: Draft<ExemptionTerms> = {
      requestedBy: this.#required('requested-by', (value, path) => this.#line(value, path)),
      grounds: this.#required('grounds', (value, path) => this.#line(value, path)),
      justification: this.#required('justification', (value, path) => this.#prose(value, path)),
      alternatives: this.#required('alternatives', (value, path) => this.#prose(value, path)),
      mitigations: this.#required('mitigations', (value, path) =>
        this.#list(value, path, MITIGATIONS_MAX, (item, at) => this.#mitigation(item, at)),
      ),
      groups: this.#isAbsent('groups') ? [] : this.#lines('groups', GROUPS_MAX),
      clients: this.#isAbsent('clients')
        ? []
        : this.#optional('clients', (value, path) =>
            this.#set(value, path, CLIENTS_MAX, (item, at) => this.#prefix(item, at)),
          ),
      devices: this.#lines('devices', DEVICES_MAX),
      lists: this.#lines('lists', LISTS_MAX),
      names: this.#optional('names', (value, path) =>
        this.#set(value, path, NAMES_MAX, (item, at) => this.#name(item, at)),
      ),
      schedule: this.#optional('schedule', (value, path) => this.#schedule(value, path)),
      fromMs: isText
        ? this.#required('from', (value, path) => this.#time(value, path))
        : this.#optional('from', (value, path) => this.#time(value, path)),
      untilMs: this.#required('until', (value, path) => this.#time(value, path)),
      renews: this.#optional('renews', (value, path) => this.#id(value, path)),
    };
    const approval: Draft<Approval> = isText
      ? {
          by: this.#required('approved-by', (value, path) => this.#line(value, path)),
          role: this.#optional('role', (value, path) => this.#line(value, path)),
          delegation: this.#optional('delegation', (value, path) => this.#line(value, path)),
        }
      : {};
    const key = isText ? this.#optional('key', (value, path) => this.#line(value, path)) : undefined;
    return { terms, approval, key, faults: this.#faults };
  }

  #report(code: ExemptionProblemCode, path: FieldPath, text: string, hint?: string): undefined {
    this.#faults.push({ code, path, text, ...(hint === undefined ? {} : { hint }) });
    return undefined;
  }

  #isAbsent(name: string): boolean {
    return this.#fields.get(name) === undefined;
  }

  #required<Value>(name: string, read: (value: unknown, path: FieldPath) => Value | undefined) {
    const value = this.#fields.get(name);
    if (!isEmpty(value)) return read(value, [name]);
    return this.#report('ERR_EXEMPTION_MISSING', [name], this.#isAbsent(name) ? 'is missing' : 'is empty');
  }

  #optional<Value>(name: string, read: (value: unknown, path: FieldPath) => Value | undefined) {
    const value = this.#fields.get(name);
    if (value === undefined) return undefined;
    if (!isEmpty(value)) return read(value, [name]);
    return this.#report('ERR_EXEMPTION_MISSING', [name], 'is empty', 'fill it or remove it');
  }

  #lines(name: string, max: number): string[] | undefined {
    return this.#optional(name, (value, path) =>
      this.#set(value, path, max, (item, at) => this.#line(item, at)),
    );
  }

  #wrongKind(path: FieldPath, wanted: string): undefined {
    return this.#report('ERR_EXEMPTION_FIELD', path, `expected ${wanted}`);
  }

  /** One line of printable text, its blanks made single. */
  #line(value: unknown, path: FieldPath): string | undefined {
    if (typeof value !== 'string') return this.#wrongKind(path, 'a text');
    const text = value.trim().replace(/\s+/g, ' ');
    if (text === '' || /\p{C}/u.test(text)) {
      return this.#report('ERR_EXEMPTION_FIELD', path, `${quote(value)} is no printable text`);
    }
    if (text.length <= LINE_LENGTH_MAX) return text;
    return this.#tooLong(path, text.length, LINE_LENGTH_MAX);
  }

  /** Printable text of several lines. */
  #prose(value: unknown, path: FieldPath): string | undefined {
    if (typeof value !== 'string') return this.#wrongKind(path, 'a text');
    const text = value.trim();
    if (/[^\P{C}\n\t]/u.test(text)) {
      return this.#report(
        'ERR_EXEMPTION_FIELD',
        path,
        `${quote(value)} has characters that cannot be printed`,
      );
    }
    return text.length <= PROSE_LENGTH_MAX ? text : this.#tooLong(path, text.length, PROSE_LENGTH_MAX);
  }

  #tooLong(path: FieldPath, length: number, max: number): undefined {
    return this.#report('ERR_EXEMPTION_LIMIT', path, `has ${length} characters, at most ${max} allowed`);
  }

  #list<Item>(
    value: unknown,
    path: FieldPath,
    max: number,
    read: (item: unknown, at: FieldPath) => Item | undefined,
  ): Item[] | undefined {
    if (!Array.isArray(value)) return this.#wrongKind(path, 'a list');
    if (value.length > max) {
      return this.#report('ERR_EXEMPTION_LIMIT', path, `has ${value.length} items, at most ${max} allowed`);
    }
    const items = value.map((item: unknown, index) => read(item, [...path, index]));
    const whole = items.filter((item) => item !== undefined);
    return whole.length === items.length ? whole : undefined;
  }

  /** A list whose order says nothing: sorted, each item once. */
  #set(
    value: unknown,
    path: FieldPath,
    max: number,
    read: (item: unknown, at: FieldPath) => string | undefined,
  ): string[] | undefined {
    const items = this.#list(value, path, max, read);
    return items === undefined ? undefined : [...new Set(items)].sort();
  }

  #mitigation(value: unknown, path: FieldPath): Mitigation | undefined {
    if (typeof value === 'string') {
      const text = this.#prose(value, path);
      return text === undefined ? undefined : { text };
    }
    if (!isMap(value)) return this.#wrongKind(path, 'a text, or a map of "item" and "text"');
    const { item, text, ...rest } = value;
    for (const name of Object.keys(rest))
      this.#report('ERR_EXEMPTION_FIELD', [...path, name], 'unknown field');
    const known = item === undefined ? undefined : this.#line(item, [...path, 'item']);
    const prose = this.#prose(text ?? '', [...path, 'text']);
    if (prose === undefined || (item !== undefined && known === undefined)) return undefined;
    return known === undefined ? { text: prose } : { item: known, text: prose };
  }

  #prefix(value: unknown, path: FieldPath): string | undefined {
    if (typeof value !== 'string') return this.#wrongKind(path, 'an address prefix');
    const prefix = value.includes('%') ? undefined : parsePrefix(value.trim());
    if (prefix !== undefined && holdsDevices(prefix)) {
      const hint = 'name devices by the field "devices"';
      return this.#report('ERR_EXEMPTION_FIELD', path, `${quote(value)} is no prefix of clients`, hint);
    }
    if (prefix !== undefined) return formatPrefix(prefix);
    const meant = suggestPrefix(value);
    const hint =
      meant === undefined
        ? 'write it such as "192.0.2.8/29" or "2001:db8:0:1::/64"; bits after the length are zero'
        : `did you mean "${meant}"? Bits after the length are zero`;
    return this.#report('ERR_EXEMPTION_FIELD', path, `${quote(value)} is not an address prefix`, hint);
  }

  #name(value: unknown, path: FieldPath): string | undefined {
    if (typeof value !== 'string') return this.#wrongKind(path, 'a domain name');
    const read = readWrittenName(value.trim());
    if (typeof read === 'string') return this.#report('ERR_EXEMPTION_FIELD', path, read);
    const name = toWireName(formatName(read.name));
    if (name === undefined) {
      return this.#report('ERR_EXEMPTION_FIELD', path, `${quote(value)} is not a domain name below the root`);
    }
    const text = formatName(name).slice(0, -1);
    if (read.reading === undefined) return text;
    // A paper says what it opens: nobody signs what was read out of something else.
    return this.#report(
      'ERR_EXEMPTION_FIELD',
      path,
      `${quote(value)} is not a domain name`,
      `write ${quote(text)}`,
    );
  }

  #time(value: unknown, path: FieldPath): number | undefined {
    const ms = typeof value === 'string' ? parseTime(value.trim()) : undefined;
    if (ms !== undefined) return ms;
    const hint = 'write it such as "2026-12-01" (midnight in UTC) or "2026-12-01T08:00:00+01:00"';
    const found = typeof value === 'string' ? quote(value) : 'the value';
    return this.#report('ERR_EXEMPTION_FIELD', path, `${found} is not a date or a time`, hint);
  }

  #id(value: unknown, path: FieldPath): number | undefined {
    const number = typeof value === 'string' ? parseExemptionId(value.trim()) : undefined;
    if (number !== undefined) return number;
    return this.#report('ERR_EXEMPTION_FIELD', path, 'is not the id of an exemption, such as "ex-000001"');
  }

  #schedule(value: unknown, path: FieldPath): ScheduleText | undefined {
    if (!isMap(value)) return this.#wrongKind(path, 'a map of "weekdays", "hours" and "timezone"');
    const { weekdays, hours, timezone = 'UTC', ...rest } = value;
    const before = this.#faults.length;
    for (const name of Object.keys(rest))
      this.#report('ERR_EXEMPTION_FIELD', [...path, name], 'unknown field');
    const days =
      weekdays === undefined
        ? undefined
        : this.#list(weekdays, [...path, 'weekdays'], WEEKDAYS.length, (item, at) => {
            const day = WEEKDAYS.find((word) => word === item);
            return day ?? this.#report('ERR_EXEMPTION_FIELD', at, `is none of ${WEEKDAYS.join(', ')}`);
          });
    if (hours !== undefined && (typeof hours !== 'string' || parseHours(hours) === undefined)) {
      this.#report('ERR_EXEMPTION_FIELD', [...path, 'hours'], 'are not hours such as "08:00-18:00"');
    }
    if (!isTimeZone(timezone)) {
      const hint = 'write its name, such as "Europe/Brussels"';
      this.#report('ERR_EXEMPTION_FIELD', [...path, 'timezone'], 'is not a time zone', hint);
    }
    if ((weekdays === undefined || isEmpty(weekdays)) && hours === undefined) {
      this.#report('ERR_EXEMPTION_MISSING', path, 'has neither weekdays nor hours');
    }
    if (this.#faults.length > before || typeof timezone !== 'string') return undefined;
    return {
      ...(days === undefined ? {} : { weekdays: WEEKDAYS.filter((day) => days.includes(day)) }),
      ...(typeof hours === 'string' ? { hours } : {}),
      timezone,
    };
  }
}

const isTimeZone = (value: unknown): boolean => {
  // Offsets such as +01:00 are known to Intl, but do not follow the clocks of a place.
  if (typeof value !== 'string' || value.length > TIME_ZONE_LENGTH_MAX || !/^[A-Za-z]/.test(value))
    return false;
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: value });
    return true;
  } catch (thrown) {
    if (thrown instanceof RangeError) return false;
    throw thrown;
  }
};

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  (typeof value === 'string' && value.trim() === '') ||
  (Array.isArray(value) && value.length === 0);
