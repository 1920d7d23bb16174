// What one look tells: the headline with everything that stands below it; what was refused just now; networks; records.
import { z } from 'zod';
import { gives, listOf, operationsOn, ROLES, refuses } from './operation.ts';
import {
  change,
  type NetworkNow,
  type NetworkShown,
  networkNow,
  orNull,
  type StateShown,
  span,
  standing,
  state,
  time,
} from './overview-state.ts';

const NAME_LENGTH_MAX = 253;
const WORD_LENGTH_MAX = 64;
/** Rows of one page. */
const ROWS_MAX = 500;
const ROWS_DEFAULT = 100;
const CURSOR_LENGTH_MAX = 60;

const refusal = z
  .object({
    time,
    /** Of the last of them. */
    until: orNull(time),
    count: z.number(),
    kind: z.enum(['refusal', 'would-refuse', 'exemption-hit', 'bypass']),
    name: z.string(),
    type: z.string(),
    group: z.string(),
    list: orNull(z.string()),
    /** Reference of the client on the day, such as 7Q4K-M2: nobody can tell the address from it. */
    client: z.string(),
    signal: orNull(z.string()),
    exemption: orNull(z.string()),
  })
  .meta({ id: 'FoldedRefusal' });

const network = z
  .object({
    name: z.string(),
    prefixes: listOf(z.string()),
    lists: listOf(z.string()),
    inScope: z.boolean(),
    /** Names of forwarders that ask for clients of it. */
    forwarders: listOf(z.string()),
  })
  .meta({ id: 'Network' });

const found = z
  .object({
    records: listOf(
      z.object({
        class: z.enum(['queries', 'changes']),
        sequence: z.number(),
        record: z.record(z.string(), z.unknown()),
      }),
    ),
    /** Goes into the next request as it is; null: there are no earlier ones. */
    before: orNull(z.string()),
  })
  .meta({ id: 'FoundRecords' });

const top = listOf(z.object({ key: z.string(), count: z.number() }));
const figures = z
  .object({
    from: time,
    /** End of the last step, which goes on. */
    until: time,
    now: time,
    stepSec: z.number(),
    /** Refusals by list and network, one count for each step. */
    series: listOf(z.object({ list: z.string(), group: z.string(), counts: listOf(z.number()) })),
    /** The most asked for. */
    top: z.object({
      names: top,
      types: top,
      networks: top,
      /** References of the day. */
      clients: top,
    }),
    /** Queries that are counted and whose name is not kept: with it, a count of a name is "at least". */
    unnamed: z.number(),
    /** So many days of records are counted, of so many: figures are too low, and asking again gives more. Null: all are. */
    counting: orNull(z.object({ counted: z.number(), of: z.number() })),
    changes: listOf(change),
    spans: listOf(span),
  })
  .meta({ id: 'RefusalFigures' });

const device = z
  .object({
    reference: z.string(),
    /** The UTC day on which it has this reference, at midnight; null: nothing is known of it. */
    day: orNull(time),
    /** Older records were not looked at; `isWhole` is false where that was for want of time. */
    lookedBackTo: time,
    isWhole: z.boolean(),
    /** What it tried, 24 hours of the day each. */
    series: listOf(z.object({ kind: refusal.shape.kind, counts: listOf(z.number()) })),
    names: listOf(
      z.object({
        kind: refusal.shape.kind,
        name: z.string(),
        type: z.string(),
        group: z.string(),
        list: orNull(z.string()),
        exemption: orNull(z.string()),
        count: z.number(),
        first: time,
        last: time,
      }),
    ),
    /** Queries that are in the sums and in no row. */
    unnamed: z.number(),
    groups: top,
    exemptions: top,
    /** Signs of a bypass, and those that nobody watches for in its networks. */
    signs: top,
    unwatched: listOf(z.string()),
  })
  .meta({ id: 'DeviceDay' });

/** What one device tried on a day. */
export type DeviceShown = Readonly<z.output<typeof device>>;

/** Refusals over time. */
export type RefusalFigures = Readonly<z.output<typeof figures>>;

/** Refusals that agree in everything but their times. */
export type RefusalShown = Readonly<z.output<typeof refusal>>;
/** A page of records. */
export type RecordsFound = Readonly<z.output<typeof found>>;

const word = z.string().min(1).max(WORD_LENGTH_MAX);
const name = z.string().min(1).max(NAME_LENGTH_MAX);
const limit = z
  .string()
  .regex(/^\d{1,4}$/)
  .transform(Number)
  .pipe(z.int().min(1).max(ROWS_MAX))
  .optional()
  .transform((rows) => rows ?? ROWS_DEFAULT);
const instant = z.iso.datetime({ offset: true }).optional();
const reference = z
  .string()
  .regex(/^[0-9A-Za-z-]{6,8}$/)
  .optional();
const refusalsWanted = z.strictObject({
  group: word.optional(),
  name: name.optional(),
  list: word.optional(),
  reference,
  limit,
});
const recordsWanted = z.strictObject({
  class: z.enum(['queries', 'changes']).optional(),
  kind: word.optional(),
  from: instant,
  to: instant,
  name: name.optional(),
  group: word.optional(),
  list: word.optional(),
  reference,
  before: z
    .string()
    .max(CURSOR_LENGTH_MAX)
    .regex(/^\d{1,15}-\d{1,15}-\d{1,15}$/)
    .optional(),
  limit,
});

const figuresWanted = z.strictObject({
  days: z
    .enum(['1', '7', '30', '91'])
    .optional()
    .transform((days) => Number(days ?? '1') as 1 | 7 | 30 | 91),
  group: word.optional(),
  list: word.optional(),
});

/** Over how many days, and which of them. */
export type RefusalFiguresWanted = Readonly<z.output<typeof figuresWanted>>;
/** Which refusals are wanted. */
export type RefusalsWanted = Readonly<z.output<typeof refusalsWanted>>;
/** Which records are wanted. */
export type RecordsWanted = Readonly<z.output<typeof recordsWanted>>;

/** What the program shows of itself and of its records. Rejects with ERR_COMPLIANCE_… where records cannot be read. */
export interface OverviewControl {
  state(): Promise<StateShown>;
  refusals(wanted: RefusalsWanted): Promise<readonly RefusalShown[]>;
  figures(wanted: RefusalFiguresWanted): Promise<RefusalFigures>;
  /** Undefined for a text that is no reference. */
  device(reference: string): Promise<DeviceShown | undefined>;
  groups(): readonly z.output<typeof network>[];
  /** All of them, in the order of the configuration. */
  networks(): Promise<readonly NetworkShown[]>;
  /** Undefined for a name that no network has. */
  network(group: string): Promise<NetworkNow | undefined>;
  /** By subject that pages ask for by themselves, something that is another one after each change. */
  versions(): ReadonlyMap<string, string>;
  search(wanted: RecordsWanted): Promise<RecordsFound>;
}

const onOverview = operationsOn<OverviewControl>('overview', { failureStatus: 409 });
const LOOKERS_UP = ['help-desk', 'operator', 'approver', 'auditor'] as const;

/** What one look tells. */
export const OVERVIEW_OPERATIONS = {
  readState: onOverview({
    method: 'GET',
    path: '/v1/state',
    summary:
      'Whether the prohibition is in force, where, proven when, who is exempt, and what needs a person',
    roles: ROLES,
    result: state,
    handle: async (overview) => gives(await overview.state()),
  }),
  listRefusals: onOverview({
    method: 'GET',
    path: '/v1/refusals',
    summary: 'What was refused just now, the newest first; equal ones are one row',
    roles: LOOKERS_UP,
    query: refusalsWanted,
    form: 'group=NAME, name=PART of a name, list=ID, reference=7Q4K-M2, limit=1 to 500',
    result: listOf(refusal),
    handle: async (overview, { query }) => gives(await overview.refusals(query)),
  }),
  readRefusalFigures: onOverview({
    method: 'GET',
    path: '/v1/refusals/figures',
    summary:
      'Refusals over a day, a week, a month or a quarter, with changes and gaps, and what was asked for most',
    roles: LOOKERS_UP,
    query: figuresWanted,
    form: 'days=1, 7, 30 or 91, group=NAME, list=ID',
    result: figures,
    handle: async (overview, { query }) => gives(await overview.figures(query)),
  }),
  readDevice: onOverview({
    method: 'POST',
    path: '/v1/devices/{reference}',
    summary: 'What the device of a reference tried on its day; that somebody looked is recorded',
    roles: LOOKERS_UP,
    parameters: z.object({ reference: z.string().regex(/^[0-9A-Za-z-]{6,8}$/) }),
    body: z.strictObject({}),
    form: '{ }',
    result: device,
    handle: async (overview, { parameters }) => {
      const found = await overview.device(parameters.reference);
      return found === undefined ? refuses(404, 'this is no reference') : gives(found);
    },
  }),
  listGroups: onOverview({
    method: 'GET',
    path: '/v1/groups',
    summary: 'The networks: groups of clients, where they are, and their lists',
    roles: ROLES,
    result: listOf(network),
    handle: (overview) => Promise.resolve(gives(overview.groups())),
  }),
  listNetworks: onOverview({
    method: 'GET',
    path: '/v1/networks',
    summary: 'All networks: what is in force there, proven when, and the last day',
    roles: ROLES,
    result: listOf(standing),
    handle: async (overview) => gives(await overview.networks()),
  }),
  readNetwork: onOverview({
    method: 'GET',
    path: '/v1/networks/{group}',
    summary: 'One network: what is in force there, which mandates reach it, and who is exempt',
    roles: ROLES,
    parameters: z.object({ group: word }),
    result: networkNow,
    handle: async (overview, { parameters }) => {
      const found = await overview.network(parameters.group);
      return found === undefined ? refuses(404, 'there is no such network') : gives(found);
    },
  }),
  searchRecords: onOverview({
    method: 'GET',
    path: '/v1/records/search',
    summary: 'Records, the newest first, a page at a time; clients by their reference of the day',
    roles: LOOKERS_UP,
    query: recordsWanted,
    form: 'class=queries or changes, kind, from, to (RFC 3339), name (a part of it), group, list, reference, before, limit=1 to 500',
    result: found,
    handle: async (overview, { query }) => gives(await overview.search(query)),
  }),
};
