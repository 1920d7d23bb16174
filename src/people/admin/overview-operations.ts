// What one look tells: the headline with everything that stands below it; what was refused just now; networks; records.
import { z } from 'zod';
import { HEALTH_ISSUE_IDS } from '../../base/words/words.ts';
import { HEADLINE_CAUSES, HEADLINE_STATES, MANDATE_STATES } from '../../telemetry/enforcement/enforcement.ts';
import { gives, listOf, operationsOn, ROLES, refuses } from './operation.ts';

const NAME_LENGTH_MAX = 253;
const WORD_LENGTH_MAX = 64;
/** Rows of one page. */
const ROWS_MAX = 500;
const ROWS_DEFAULT = 100;
const CURSOR_LENGTH_MAX = 60;

const time = z.string();
const orNull = <Schema extends z.ZodType>(schema: Schema) => schema.nullable();

const span = z
  .object({
    from: time,
    to: time,
    state: z.enum(['paused', 'not-in-force', 'unproven', 'no-evidence']),
    cause: orNull(z.string()),
    by: orNull(z.string()),
    /** Of a gap, counted from the left; null in the strip of one network. */
    number: orNull(z.number()),
  })
  .meta({ id: 'Span' });

const change = z
  .object({
    time,
    kind: z.string(),
    text: z.string(),
    by: orNull(z.string()),
    /** Of the record: what pages say it with in their language. */
    told: z.record(z.string(), z.string()),
  })
  .meta({ id: 'Change' });

const needKind = z.enum([...HEALTH_ISSUE_IDS, 'act-waiting', 'exemption-waiting', 'break-glass']);

const standing = z
  .object({
    group: z.string(),
    state: z.enum(MANDATE_STATES),
    inForce: z.boolean(),
    inScope: z.boolean(),
    prefixes: listOf(z.string()),
    proof: z.object({
      state: z.enum(['proven', 'leaking', 'failing', 'old', 'changed', 'never', 'unasked']),
      time: orNull(time),
      leakedNames: z.number(),
      examples: listOf(z.string()),
      reason: orNull(z.string()),
    }),
    /** By mandate lists, today. */
    refusedToday: z.number(),
    /** An estimate; null while nothing is recorded. */
    clientsToday: orNull(z.number()),
    exempt: z.number(),
    strip: listOf(span),
  })
  .meta({ id: 'NetworkStanding' });

const reach = z.enum(['whole', 'part', 'none']);

const exemption = z.object({
  id: z.string(),
  groups: listOf(z.string()),
  clients: listOf(z.string()),
  grounds: z.string(),
  until: time,
  hitsToday: z.number(),
});

const state = z
  .object({
    time,
    agency: orNull(z.string()),
    version: z.string(),
    generation: z.number(),
    resolver: z.object({ name: z.string(), addresses: listOf(z.string()) }),
    headline: z.object({
      state: z.enum(HEADLINE_STATES),
      /** Why it is in this state; null: the state says it all. */
      cause: orNull(z.enum(HEADLINE_CAUSES)),
      /** One sentence, and one more, in English; pages say both in their language from the members below. */
      text: z.string(),
      detail: z.string(),
      todo: orNull(z.string()),
      sinceTime: orNull(time),
      networks: z.number(),
      networksInForce: z.number(),
      networksProven: z.number(),
      /** Groups that the state is about, the first of them, and how many there are. */
      groups: listOf(z.string()),
      groupCount: z.number(),
      /** Groups that the probe cannot ask as, likewise. */
      unasked: listOf(z.string()),
      unaskedCount: z.number(),
      lists: listOf(z.string()),
      oldestProofTime: orNull(time),
      /** False: some proofs are of what was in force before the last change. */
      isProofCurrent: z.boolean(),
      leakedNames: z.number(),
      examples: listOf(z.string()),
      pause: orNull(z.object({ by: z.string(), reason: z.string(), until: time })),
      /** The last run that asked for all names. */
      sweep: orNull(z.object({ time, names: z.number(), leakedNames: z.number() })),
    }),
    strip: z.object({ from: time, to: time, spans: listOf(span) }),
    /** A bounded number in the order of the configuration, those with trouble before others; `listNetworks` has all. */
    networks: listOf(standing),
    /** How many there are of what is listed here in part. */
    counts: z.object({
      networks: z.number(),
      /** Of these, those that are told apart by where their clients are. */
      networksWithClients: z.number(),
      /** In force. */
      exemptions: z.number(),
      todo: listOf(z.object({ kind: needKind, count: z.number() })),
    }),
    /** The most urgent first, a bounded number of each kind. */
    todo: listOf(
      z.object({
        kind: needKind,
        /** Identifier of the list, exemption or act. */
        subject: z.string(),
        since: orNull(time),
        due: orNull(time),
        text: z.string(),
        to: z.string(),
        /** Of `act-waiting`: which operation, and who asked for it. */
        act: z.object({ operation: z.string(), by: z.string() }).exactOptional(),
      }),
    ),
    today: z.object({
      since: time,
      refusedMandate: z.number(),
      refusedOther: z.number(),
      clients: orNull(z.number()),
      exemptionHits: z.number(),
      bypassSignals: z.number(),
      byList: listOf(
        z.object({ list: z.string(), mandate: z.boolean(), total: z.number(), hours: listOf(z.number()) }),
      ),
      signs: listOf(z.object({ signal: z.string(), count: z.number() })),
      /** Signs that only a list sees, and the networks of the mandate that have none: there, none is no finding. */
      unwatched: listOf(z.object({ signal: z.string(), groups: listOf(z.string()), groupCount: z.number() })),
    }),
    service: z.object({
      queriesPerSec: orNull(z.number()),
      servfailShare: orNull(z.number()),
      p95Ms: orNull(z.number()),
      upstreams: z.object({ up: z.number(), total: z.number() }),
      records: z.object({
        enabled: z.boolean(),
        lastCommitTime: orNull(time),
        verified: orNull(z.boolean()),
        verifiedTime: orNull(time),
        dropped: z.number(),
      }),
    }),
    /** Those in force that end first. */
    exemptions: listOf(exemption),
    /** Which mandate reaches which network. */
    mandates: listOf(
      z.object({
        id: z.string(),
        title: z.string(),
        standing: z.enum(['in-force', 'under-review', 'disputed', 'superseded', 'repealed']),
        /** Some of its sources are known at second hand only. */
        isUnread: z.boolean(),
        /** Of those that `networks` has. */
        networks: listOf(z.object({ group: z.string(), reach, why: z.string() })),
        /** Of all networks. */
        reaches: z.object({ whole: z.number(), part: z.number(), none: z.number() }),
      }),
    ),
    lists: listOf(
      z.object({
        id: z.string(),
        mandate: orNull(z.boolean()),
        rules: orNull(z.number()),
        /** `suspended`: it would be in force, but nothing is, such as in a pause. */
        state: z.enum(['in-force', 'held', 'stale', 'missing', 'suspended']),
        reachedTime: orNull(time),
        restsOn: orNull(z.string()),
      }),
    ),
    changes: listOf(change),
  })
  .meta({ id: 'State' });

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

const networkNow = z
  .object({
    network: standing,
    /** What `strip` of it covers. */
    from: time,
    to: time,
    /** Those that reach it. */
    mandates: listOf(z.object({ id: z.string(), title: z.string(), reach })),
    /** Those in force that name it, the first to end; a bounded number of `network.exempt`. */
    exemptions: listOf(exemption),
  })
  .meta({ id: 'NetworkNow' });

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

/** A network as one look has it, and what one sees of it alone. */
export type NetworkShown = StateShown['networks'][number];
export type NetworkNow = Readonly<z.output<typeof networkNow>>;

/** One look. */
export type StateShown = Readonly<z.output<typeof state>>;
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
