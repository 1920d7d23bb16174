// cordon log search --reason, and cordon log tail: queries of the query log as the running service tells them: on the record first,
// and clients by their reference of the day.
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../base/base.ts';
import { OPERATIONS, type QueriesFound, type QueriesWanted } from '../people/admin/admin.ts';
import { askService } from './control-client.ts';
import type { InputOf } from './declaration.ts';
import type { LOG_SEARCH, LOG_TAIL } from './declarations/log.ts';
import { timeFrom } from './log-time.ts';
import { findService } from './service.ts';
import { DONE } from './statuses.ts';
import { UsageError } from './usage-error.ts';

/** What the service gives in one page. */
const LIMIT_MAX = 500;
const REFERENCE = /^[0-9A-Za-z]{4}-?[0-9A-Za-z]{2}$/;
const FOLLOW_MS = 2_000;
/** What is shown first of what there is already. */
const FIRST_ROWS = 20;

type Query = QueriesFound['queries'][number];
type Values = InputOf<typeof LOG_SEARCH>['values'];

const filterOf = (
  { name, type, group, rcode, list }: Pick<Values, 'name' | 'type' | 'group' | 'rcode' | 'list'>,
  reason: string,
) => {
  if (reason.trim() === '') throw new UsageError('--reason TEXT is needed: it goes into the records');
  return {
    reason,
    ...(name !== undefined && { name }),
    ...(type !== undefined && { type }),
    ...(group !== undefined && { group }),
    ...(rcode !== undefined && { rcode }),
    ...(list !== undefined && { list }),
  } satisfies Partial<QueriesWanted>;
};

/** Lets the service search, and prints a page, the newest first; returns 1 when nothing fits. */
export const searchService = async (values: Values, reason: string): Promise<number> => {
  const { client, json, limit, before, log, archived } = values;
  if (log.length > 0 || archived)
    throw new UsageError('--reason has the service search its own files: not with --log and --archived');
  const time = (text: string | undefined, name: string): string | undefined => {
    const ms = timeFrom(text, name);
    return ms === undefined ? undefined : new Date(ms).toISOString();
  };
  const from = time(values.since, 'since');
  const to = time(values.until, 'until');
  const wanted = {
    ...filterOf(values, reason),
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(before !== undefined && { before }),
    limit: Math.min(LIMIT_MAX, Number(limit) || 0),
  };
  const service = await findService(values);
  const found =
    client === undefined || REFERENCE.test(client)
      ? await askService(service, OPERATIONS.searchQueries, {
          body: { ...wanted, ...(client !== undefined && { reference: client }) },
        })
      : await askService(service, OPERATIONS.searchQueriesOf, { body: { ...wanted, address: client } });
  print(found.queries, json);
  process.stderr.write(endText(found));
  return found.queries.length > 0 ? 0 : 1;
};

const endText = ({ end, readBackTo, before, unread }: QueriesFound): string => {
  const back = readBackTo === null ? 'no query was there to look at' : `read back to ${readBackTo}`;
  const rest =
    end === 'whole' || before === null ? 'nothing older fits' : `older ones not yet: --before ${before}`;
  const missing = unread === 0 ? '' : `; ${unread} files could not be read`;
  return `${back}; ${rest}${missing}\n`;
};

/** Prints queries as they come, until somebody has seen enough or the search is over; returns DONE. */
export const followLog = async ({ values }: InputOf<typeof LOG_TAIL>): Promise<number> => {
  const { client, json, reason } = values;
  if (client !== undefined && !REFERENCE.test(client))
    throw new UsageError('--client is a reference of today, such as 7Q4K-M2');
  const service = await findService(values);
  const first = await askService(service, OPERATIONS.searchQueries, {
    body: {
      ...filterOf(values, reason),
      ...(client !== undefined && { reference: client }),
      ...{ limit: FIRST_ROWS, follow: true },
    },
  });
  print(first.queries.toReversed(), json);
  const { search } = first;
  if (search === null) throw new AppError('ERR_CLI_CONTROL', 'following the query log: the service does not');
  for (let after = first.newest; ; ) {
    await sleep(FOLLOW_MS);
    const found = await askService(service, OPERATIONS.followQueries, {
      parameters: { search },
      query: { after },
    }).catch((thrown: unknown) => {
      if (thrown instanceof AppError && /\(status 404\)$/.test(thrown.message)) return undefined;
      throw thrown;
    });
    if (found === undefined) break;
    print(found.queries.toReversed(), json);
    if (found.leftOut > 0) process.stderr.write(`${found.leftOut} more fit, and are not shown\n`);
    if (!found.isWhole) process.stderr.write('more came than could be looked at\n');
    after = found.newest;
  }
  process.stderr.write('this search is over: start again, with a reason\n');
  return DONE;
};

const print = (queries: readonly Query[], json: boolean): void => {
  const text = queries.map((query) => `${json ? JSON.stringify(query) : lineOf(query)}\n`).join('');
  if (text !== '') process.stdout.write(text);
};

const lineOf = ({ time, client, name, type, rcode, source, group, list, answers, more }: Query): string =>
  [
    ...[time, client ?? '-', name, type, rcode ?? 'dropped', source, group ?? '-'],
    list === null ? [...answers, ...(more > 0 ? [`${more} more`] : [])].join(', ') : `refused by ${list}`,
  ]
    .join('  ')
    .trimEnd();
