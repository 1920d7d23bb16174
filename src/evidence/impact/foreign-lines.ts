// Lines of other resolvers' logs of queries: unbound, BIND and AdGuard Home.
//
// unbound and BIND write more into their logs than queries: a line that is none is passed over. Their times may be those
// of the clock on the wall, without a zone: nobody guesses which, when a time matters.
import { type Logged, NO_RECORDS, type ReadingOf } from './logged.ts';
import { readMessageText, textOfRecords } from './message-text.ts';

/** Reads a line; undefined: it is older, or no query. Throws what `fail` makes. */
export type LineReader = (text: string, how: ReadingOf, fail: Fail) => Logged | undefined;
/** Says what is wrong with the line at hand. */
export type Fail = (text: string, hint?: string) => Error;

/** `[1700000000.123] unbound[1:0] info: 192.0.2.1 www.example.com. A IN`, of log-queries and of log-replies. */
const UNBOUND =
  /^(?:\[(\d{9,11})(?:\.(\d{1,6}))?\]|(\S.*?)) unbound\[\d+:[\da-f]+\] (?:info|query|reply): ([\da-fA-F.:]+)(?:@\d+)? (\S+) (\S+) (\S+)(?: |$)/;
/** `30-Nov-2026 05:39:25.123 queries: info: client @0x7f 192.0.2.1#5353 (www.example.com): query: www.example.com IN A +E(0)K (10.0.0.1)`. */
const BIND =
  /^(?:(\S+(?: \d\d:\d\d:\d\d(?:\.\d+)?)?) )?(?:queries: )?(?:info: )?client (?:@0x[\da-f]+ )?([\da-fA-F.:]+)#\d+ .*?: query: (\S+) (\S+) (\S+) /;
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const LOCAL_HINT =
  'Say what the clock of that machine was ahead of UTC, such as --zone +01:00, or leave --against out.';

const atMs = (text: string, parts: readonly (string | undefined)[], how: ReadingOf, fail: Fail): number => {
  const [y, mo, d, h, mi, s, ms] = parts.map((part) => Number(part ?? 0));
  const wall = Date.UTC(y ?? 0, (mo ?? 1) - 1, d, h, mi, s, ms);
  if (Number.isNaN(wall) || (mo ?? 0) < 1) throw fail(`"${text.slice(0, 40)}" is no time`);
  if (how.zoneMs === undefined) throw fail(`"${text.slice(0, 40)}" is a time without a zone`, LOCAL_HINT);
  return wall - how.zoneMs;
};

/** BIND's `30-Nov-2026 05:39:25.123`, or its ISO forms. */
const bindTime = (text: string, how: ReadingOf, fail: Fail): number => {
  if (/^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)$/.test(text)) return Date.parse(text);
  const [, d, month, y, h, mi, s, ms] =
    /^(\d\d)-(\w{3})-(\d{4}) (\d\d):(\d\d):(\d\d)(?:\.(\d{3}))?$/.exec(text) ?? [];
  const iso = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{3}))?$/.exec(text);
  if (iso !== null) return atMs(text, iso.slice(1), how, fail);
  return atMs(text, [y, String(MONTHS.indexOf((month ?? '').toLowerCase()) + 1), d, h, mi, s, ms], how, fail);
};

const question = (timeMs: number | undefined, client: string, name: string, type: string): Logged => ({
  ...{ timeMs, client, name, type },
  group: undefined,
  answers: '',
  records: () => NO_RECORDS,
});

/** True when a question is older than anybody asks for. */
const isOld = (timeMs: number | undefined, { sinceMs }: ReadingOf): boolean =>
  timeMs !== undefined && timeMs < sinceMs;

/** A line of unbound. */
export const readUnboundLine: LineReader = (text, how, fail) => {
  const [found, sec, fraction, wall, client = '', name = '', type = '', qclass] = UNBOUND.exec(text) ?? [];
  if (found === undefined || qclass !== 'IN') return undefined;
  let timeMs: number | undefined;
  if (sec !== undefined) timeMs = Number(sec) * 1000 + Math.floor(Number(`0.${fraction ?? '0'}`) * 1000);
  else if (how.sinceMs > 0) {
    // `Nov 30 05:39:25` says neither year nor zone; ISO 8601 says both.
    timeMs = Date.parse(/^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)$/.test(wall ?? '') ? (wall ?? '') : '');
    if (Number.isNaN(timeMs))
      throw fail(
        `"${(wall ?? '').slice(0, 40)}" is a time without year and zone`,
        'Let unbound write seconds (log-time-ascii: no), or leave --against out.',
      );
  }
  return isOld(timeMs, how) ? undefined : question(timeMs, client, name, type);
};

/** A line of BIND's category `queries`. */
export const readBindLine: LineReader = (text, how, fail) => {
  const [found, time, client = '', name = '', qclass, type = ''] = BIND.exec(text) ?? [];
  if (found === undefined || qclass !== 'IN') return undefined;
  if (how.sinceMs === 0) return question(undefined, client, name, type);
  if (time === undefined)
    throw fail('it has no time', 'Let BIND write times (print-time yes), or leave --against out.');
  const timeMs = bindTime(time, how, fail);
  return isOld(timeMs, how) ? undefined : question(timeMs, client, name, type);
};

/** A line of AdGuard Home's querylog.json. */
export const readAdguardLine: LineReader = (text, how, fail) => {
  let line: Readonly<Record<string, unknown>>;
  try {
    line = JSON.parse(text) as Readonly<Record<string, unknown>>;
  } catch {
    throw fail('it is no JSON');
  }
  const { T: time, QH: name, QT: type, IP: client, Answer: answer } = line ?? {};
  if (typeof name !== 'string' || typeof type !== 'string') throw fail('it has no question');
  const timeMs = typeof time === 'string' ? Date.parse(time) : Number.NaN;
  if (how.sinceMs > 0 && Number.isNaN(timeMs)) throw fail('its time is none');
  if (isOld(timeMs, how)) return undefined;
  const asked = question(timeMs, typeof client === 'string' ? client : '', name, type);
  const message = typeof answer === 'string' ? readMessageText(Buffer.from(answer, 'base64')) : undefined;
  if (message === undefined) return asked;
  const { records } = message;
  return { ...asked, answers: textOfRecords(records), records: () => records };
};
