// cordon log search: queries of the query log, line by line from its files; nothing is kept of them. With a reason the running
// service searches (log-service.ts).
import { readLines } from '../evidence/impact/impact.ts';
import type { InputOf } from './declaration.ts';
import type { LOG_SEARCH } from './declarations/log.ts';
import { searchService } from './log-service.ts';
import { timeFrom } from './log-time.ts';
import { ownLogs } from './own-logs.ts';
import { findService } from './service.ts';
import { UsageError } from './usage-error.ts';

const LIMIT_MAX = 10_000_000;

/** What a line has that people look for. */
interface Line {
  readonly '@timestamp': string;
  readonly dns?: {
    readonly question?: { readonly name?: string; readonly type?: string };
    readonly response_code?: string;
    readonly answers?: readonly { readonly data: string }[];
  };
  readonly source?: { readonly address?: string };
  readonly rule?: { readonly ruleset?: string };
  readonly cordon?: { readonly source?: string; readonly group?: string };
}

type Values = InputOf<typeof LOG_SEARCH>['values'];

/** Prints what fits, the oldest first; returns 1 when nothing does. */
export const searchLog = async ({ values }: InputOf<typeof LOG_SEARCH>): Promise<number> => {
  if (values.reason !== undefined) return searchService(values, values.reason);
  const { json, limit, archived } = values;
  const max = Number(limit);
  if (!Number.isInteger(max) || max < 1 || max > LIMIT_MAX)
    throw new UsageError(`--limit is a whole number from 1 to ${LIMIT_MAX}`);
  const sinceMs = timeFrom(values.since, 'since') ?? 0;
  const untilMs = timeFrom(values.until, 'until') ?? Number.POSITIVE_INFINITY;
  const { config } = await findService(values);
  const fits = filterOf(values, sinceMs, untilMs);
  const enough = new Error('enough');
  let count = 0;
  const paths = values.log.length > 0 ? values.log : ownLogs(config, sinceMs, archived);
  for (const path of paths) {
    await readLines(path, (text) => {
      let written = '';
      for (const one of text.split('\n')) {
        const line = one === '' ? undefined : fits(one);
        if (line === undefined) continue;
        written += json ? `${one}\n` : format(line);
        if (++count >= max) break;
      }
      if (written !== '') process.stdout.write(written);
      if (count >= max) throw enough;
    }).catch((thrown: unknown) => {
      if (thrown !== enough) throw thrown;
    });
    if (count >= max) break;
  }
  return count > 0 ? 0 : 1;
};

/** The line when it fits. Most lines are told apart by a piece of their text, before they are parsed. */
const filterOf = (values: Values, sinceMs: number, untilMs: number): ((text: string) => Line | undefined) => {
  const { name, type, client, rcode, group, list } = values;
  const zone = name?.toLowerCase().replace(/(.)\.$/, '$1');
  const piece = zone ?? client ?? list;
  return (text) => {
    if (piece !== undefined && !text.includes(piece)) return undefined;
    let line: Line;
    try {
      line = JSON.parse(text) as Line;
    } catch {
      // One that a crash cut short.
      return undefined;
    }
    const timeMs = Date.parse(line['@timestamp']);
    if (timeMs < sinceMs || timeMs >= untilMs) return undefined;
    const asked = line.dns?.question?.name ?? '';
    if (zone !== undefined && asked !== zone && !asked.endsWith(`.${zone}`)) return undefined;
    if (type !== undefined && line.dns?.question?.type !== type.toUpperCase()) return undefined;
    if (rcode !== undefined && line.dns?.response_code !== rcode.toUpperCase()) return undefined;
    if (client !== undefined && line.source?.address !== client) return undefined;
    if (group !== undefined && line.cordon?.group !== group) return undefined;
    if (list !== undefined && line.rule?.ruleset !== list) return undefined;
    return line;
  };
};

const format = ({ '@timestamp': time, dns, source, rule, cordon }: Line): string => {
  const data = (dns?.answers ?? []).map((answer) => answer.data).join(', ');
  const parts = [
    ...[time, source?.address ?? '-', dns?.question?.name ?? '-', dns?.question?.type ?? '-'],
    ...[dns?.response_code ?? 'dropped', cordon?.source ?? '-', cordon?.group ?? '-'],
    rule?.ruleset === undefined ? data : `refused by ${rule.ruleset}`,
  ];
  return `${parts.join('  ').trimEnd()}\n`;
};
