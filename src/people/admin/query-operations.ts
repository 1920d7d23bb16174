// Queries of the query log, where it is on: looked for, and followed while they come. Each search is on the record, with its reason
// and what was looked for, before anything is told.
import { z } from 'zod';
import { type Actor, gives, listOf, type Outcome, operationsOn, refuses } from './operation.ts';

const NAME_LENGTH_MAX = 253;
const WORD_LENGTH_MAX = 64;
const REASON_LENGTH_MAX = 500;
/** A pseudonym of a device has some 200. */
const CLIENT_LENGTH_MAX = 300;
const ROWS_MAX = 500;
const ROWS_DEFAULT = 100;
/** When the first query of a file came, and a number of bytes. */
const PLACE = /^\d{1,15}-\d{1,15}$/;

const time = z.string();
const word = z.string().min(1).max(WORD_LENGTH_MAX);

const query = z
  .object({
    time,
    name: z.string(),
    type: z.string(),
    /** Null: it was dropped. */
    rcode: z.string().nullable(),
    /** What made the answer, in the words of the log. */
    source: z.string(),
    validation: z.string(),
    transport: z.string(),
    tookMs: z.number(),
    group: z.string().nullable(),
    /** The list that refused it. */
    list: z.string().nullable(),
    /** The forwarder that says who asks. */
    reportedBy: z.string().nullable(),
    /** The reference of the client on that day; null: the log does not say who. */
    client: z.string().nullable(),
    /** The first of the answer, as text. */
    answers: listOf(z.string()),
    /** Further records of the answer. */
    more: z.number(),
  })
  .meta({ id: 'LoggedQuery' });

const queriesFound = z
  .object({
    /** The newest first. */
    queries: listOf(query),
    /** `whole`: nothing older is there, or the period begins there; else what ended it: rows, bytes or time. */
    end: z.enum(['whole', 'rows', 'bytes', 'time']),
    /** When the oldest query that was looked at came; null: there was none. */
    readBackTo: time.nullable(),
    /** What the next page is asked for with; null: there is none. */
    before: z.string().nullable(),
    /** From where on new ones are followed. */
    newest: z.string(),
    /** What new ones are followed by; null: nobody asked for it. */
    search: z.string().nullable(),
    /** Files that could not be read, such as those that an earlier version packed. */
    unread: z.number(),
  })
  .meta({ id: 'QueriesFound' });

const newQueries = z
  .object({
    /** The newest first. */
    queries: listOf(query),
    newest: z.string(),
    /** What fits as well, and found no row. */
    leftOut: z.number(),
    /** False: there was more than could be looked at. */
    isWhole: z.boolean(),
  })
  .meta({ id: 'NewQueries' });

const log = z
  .object({
    /** `receivers`: it goes only where Cordon cannot read it; `closed`: nobody decided that it may be searched. */
    state: z.enum(['off', 'receivers', 'closed', 'files']),
    /** How it names clients. */
    identity: z.enum(['address', 'prefix', 'pseudonym', 'none']),
    /** One query of how many. */
    sample: z.number(),
    /** How long queries are found, seconds. */
    searchableSec: z.number(),
    /** Queries that an output took since the start, and those that some output is missing. */
    written: z.number(),
    lost: z.number(),
    /** Without records nobody searches: it would not be on the record. */
    isRecorded: z.boolean(),
  })
  .meta({ id: 'QueryLogState' });

/** What a search finds. */
export type QueriesFound = Readonly<z.output<typeof queriesFound>>;
/** What came since. */
export type NewQueries = Readonly<z.output<typeof newQueries>>;
/** The log. */
export type QueryLogShown = Readonly<z.output<typeof log>>;

const reason = z.string().trim().min(1).max(REASON_LENGTH_MAX);
const instant = z.iso.datetime({ offset: true }).exactOptional();
const name = z.string().trim().min(1).max(NAME_LENGTH_MAX).exactOptional();
const wanted = {
  reason,
  /** This name and all below it. */
  name,
  /** Part of a name. */
  part: name,
  type: word.exactOptional(),
  rcode: word.exactOptional(),
  verdict: z.enum(['refused', 'passed']).exactOptional(),
  source: word.exactOptional(),
  group: word.exactOptional(),
  list: word.exactOptional(),
  from: instant,
  to: instant,
  before: z.string().regex(PLACE).exactOptional(),
  limit: z.int().min(1).max(ROWS_MAX).default(ROWS_DEFAULT),
};
const searchBody = z.strictObject({
  ...wanted,
  reference: z
    .string()
    .regex(/^[0-9A-Za-z-]{6,8}$/)
    .exactOptional(),
  /** New ones are followed as well, for an hour at most. */
  follow: z.boolean().default(false),
});
const client = z.string().trim().min(1).max(CLIENT_LENGTH_MAX).exactOptional();
const clientBody = z
  .strictObject({ ...wanted, address: client, device: client })
  .refine(({ address, device }) => (address === undefined) !== (device === undefined), {
    message: 'one of address and device is needed',
  });

/** What is looked for; `address` and `device` only of who asked for a second person. */
export type QueriesWanted = Readonly<
  Omit<z.output<typeof searchBody>, 'follow'> &
    Partial<Pick<z.output<typeof searchBody>, 'follow'>> &
    Pick<z.output<typeof clientBody>, 'address' | 'device'>
>;

/** The query log, as the program implements it. Rejects with ERR_QUERY_LOG_SEARCH and ERR_COMPLIANCE_RECORDS. */
export interface QueryControl {
  log(): QueryLogShown;
  /** Why nothing can be searched; undefined: it can. */
  obstacle(): string | undefined;
  search(wanted: QueriesWanted, actor: Actor): Promise<QueriesFound>;
  /** Undefined for a search that is not known, is somebody else's or is over. */
  follow(search: string, after: string, actor: Actor): Promise<NewQueries | undefined>;
}

const onQueries = operationsOn<QueryControl>('queries', { failureStatus: 409 });
const LOOKERS_UP = ['help-desk', 'operator', 'approver', 'auditor'] as const;
const FILTER =
  '"name" (it and all below it), "part" of a name, "type", "rcode", "verdict": "refused" or "passed", "source", "group", "list", "from" and "to" (RFC 3339), "before", "limit": 1 to 500';

const searched = async (
  queries: QueryControl,
  body: QueriesWanted,
  actor: Actor,
): Promise<Outcome<QueriesFound>> => {
  const obstacle = queries.obstacle();
  return obstacle === undefined ? gives(await queries.search(body, actor)) : refuses(409, obstacle);
};

/** Queries of the query log. No identity is told: clients stand as their reference of the day. */
export const QUERY_OPERATIONS = {
  readQueryLog: onQueries({
    method: 'GET',
    path: '/v1/queries',
    summary: 'Whether queries are logged where they can be searched, and how clients are named there',
    roles: LOOKERS_UP,
    result: log,
    handle: (queries) => Promise.resolve(gives(queries.log())),
  }),
  searchQueries: onQueries({
    method: 'POST',
    path: '/v1/queries/search',
    summary:
      'Queries of the query log, the newest first, a page at a time; recorded first, with what was looked for',
    roles: LOOKERS_UP,
    body: searchBody,
    form: `{ "reason": text } and any of ${FILTER}, "reference", "follow": true`,
    result: queriesFound,
    handle: (queries, { body }, actor) => searched(queries, body, actor),
  }),
  searchQueriesOf: onQueries({
    method: 'POST',
    path: '/v1/queries/search-client',
    summary: 'Queries of an address or of a device by its name; recorded first',
    roles: ['auditor'],
    body: clientBody,
    form: `{ "address" or "device": text, "reason": text } and any of ${FILTER}`,
    result: queriesFound,
    handle: (queries, { body }, actor) => searched(queries, body, actor),
  }),
  followQueries: onQueries({
    method: 'GET',
    path: '/v1/queries/{search}/new',
    summary: 'What came since, and fits a search that is followed',
    roles: LOOKERS_UP,
    parameters: z.object({ search: z.string().regex(/^[0-9a-f]{24}$/) }),
    query: z.strictObject({ after: z.string().regex(PLACE) }),
    form: 'after=newest of what was found before',
    result: newQueries,
    handle: async (queries, { parameters, query: { after } }, actor) => {
      const found = await queries.follow(parameters.search, after, actor);
      return found === undefined
        ? refuses(404, 'this search is over: search again, with a reason')
        : gives(found);
    },
  }),
};
