// What was changed, when and by whom: configuration, lists, exemptions, decisions, and what operators did.

import { describeEnforcement } from '../../telemetry/enforcement/enforcement.ts';
import type {
  AdminRecord,
  ChangeRecord,
  ConfigurationDifference,
  ExemptionRecord,
} from '../records/records.ts';
import type { PlacedChange } from './evidence.ts';
import type { ChangeEntry } from './model.ts';
import { timeWords } from './words.ts';

/** Hexadecimal digits of a hash that people compare. */
const HASH_DIGITS = 12;

/** The entry for a record; undefined for what is told elsewhere. Exemptions are filtered by the caller. */
export const toChangeEntry = ({ sequence, record }: PlacedChange): ChangeEntry | undefined => {
  const told = tell(record);
  if (told === undefined) return undefined;
  const { event, subject = null, detail = null, differences = [] } = told;
  return {
    time: record.time,
    sequence,
    kind: record.kind,
    event,
    subject,
    by: ('by' in record ? record.by : undefined) ?? null,
    reason: ('reason' in record ? record.reason : undefined) ?? null,
    detail,
    differences,
  };
};

interface Told {
  readonly event: string;
  readonly subject?: string | undefined;
  readonly detail?: string | undefined;
  readonly differences?: ChangeEntry['differences'];
}

const tell = (record: ChangeRecord): Told | undefined => {
  switch (record.kind) {
    case 'configuration':
      return {
        event: record.event,
        subject: short(record.sha256),
        detail: join(
          record.cause,
          record.code,
          ...(record.differences ?? []).map(differenceText),
          record.more && `and ${record.more} more keys`,
          record.previous && `before: ${short(record.previous)}`,
        ),
        differences: (record.differences ?? []).map(({ key, from = null, to = null }) => ({ key, from, to })),
      };
    case 'exemption':
      return { event: record.event, subject: record.id, detail: roleOf(record) };
    case 'decision':
      return { event: record.event, subject: record.list };
    case 'admin':
      return {
        event: record.action,
        detail: adminDetail(record),
      };
    case 'list':
      // Fetches are the program's, and stand with the list.
      if (record.event === 'fetched' || record.event === 'fetch-failed') return undefined;
      return { event: record.event, subject: record.list, detail: join(short(record.sha256), record.code) };
    case 'enforcement':
      // What only happened is in the section about it.
      if (record.by === undefined) return undefined;
      return record.event === 'state'
        ? { event: record.state, subject: record.cause, detail: describeEnforcement(record) }
        : { event: record.event, subject: record.cause };
    case 'records':
      if (record.event !== 'reidentified' && record.event !== 'pseudonym-key') return undefined;
      return { event: record.event, subject: record.file, detail: record.text };
    case 'fleet':
      return {
        event: record.event,
        subject: record.subject,
        detail: join(
          record.entry && `entry ${record.number}: ${record.entry}`,
          record.code,
          record.authorityTime && `made ${timeWords(record.authorityTime)}`,
        ),
      };
    case 'service':
    case 'probe':
    case 'foreign':
    case 'later':
      return undefined;
  }
};

/** `block.ttl: 30s → 60s` */
const differenceText = ({ key, from, to }: ConfigurationDifference): string =>
  from === undefined
    ? `${key}: ${to} (new)`
    : to === undefined
      ? `${key}: was ${from} (gone)`
      : `${key}: ${from} → ${to}`;

/** Keys of one change of a configuration that people read, and characters of a value. */
const KEYS_SHOWN_MAX = 3;
const VALUE_LENGTH_MAX = 60;

/** The detail of a change for people: a few of the keys that it changed, and how many there are beside them. */
export const briefDetail = (
  { detail, differences }: ChangeEntry,
  more: (count: number) => string,
): string | null => {
  if (detail === null || differences.length === 0) return detail;
  const parts = differences.map(({ key, from, to }) => ({
    key,
    ...(from === null ? {} : { from }),
    ...(to === null ? {} : { to }),
  }));
  const short = (value: string): string =>
    value.length > VALUE_LENGTH_MAX ? `${value.slice(0, VALUE_LENGTH_MAX).trimEnd()}…` : value;
  const brief = parts.slice(0, KEYS_SHOWN_MAX).map(({ key, from, to }) =>
    differenceText({
      key: short(key),
      ...(from === undefined ? {} : { from: short(from) }),
      ...(to === undefined ? {} : { to: short(to) }),
    }),
  );
  const rest = parts.length - brief.length;
  const all = parts.map(differenceText).join('; ');
  // Not as a pattern, in which a value could have a meaning.
  const at = detail.indexOf(all);
  if (at < 0) return detail;
  const told = [...brief, ...(rest > 0 ? [more(rest)] : [])].join('; ');
  return `${detail.slice(0, at)}${told}${detail.slice(at + all.length)}`;
};

/** What an operator did, for people: who and why stand beside it. */
const adminDetail = ({ detail, by, reason }: AdminRecord): string | undefined => {
  const { isPaused, until, ...rest } = (detail ?? {}) as Readonly<Record<string, unknown>>;
  const told = Object.entries(rest).filter(
    ([name, value]) => !(name === 'by' && value === by) && !(name === 'reason' && value === reason),
  );
  return join(
    isPaused === true ? `refusals suspended until ${timeWords(String(until))}` : undefined,
    isPaused === false ? 'refusals given again' : undefined,
    ...told.map(
      ([name, value]) => `${name}: ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`,
    ),
  );
};

const roleOf = (record: ExemptionRecord): string | undefined => record.role && `as ${record.role}`;

const short = (hash: string | undefined): string | undefined => hash?.slice(0, HASH_DIGITS);

const join = (...parts: (string | number | undefined)[]): string | undefined =>
  parts.filter((part) => part !== undefined && part !== '' && part !== 0).join('; ') || undefined;
