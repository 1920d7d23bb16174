// What one look has: the headline and everything that stands below it, a bounded number of each, and how many there are.
import { z } from 'zod';
import { HEALTH_ISSUE_IDS } from '../../base/words/words.ts';
import { HEADLINE_CAUSES, HEADLINE_STATES, MANDATE_STATES } from '../../telemetry/enforcement/enforcement.ts';
import { listOf } from './operation.ts';

export const time = z.string();
export const orNull = <Schema extends z.ZodType>(schema: Schema) => schema.nullable();

export const span = z
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

export const change = z
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

export const standing = z
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

export const state = z
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

export const networkNow = z
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

/** A network as one look has it, and what one sees of it alone. */
export type NetworkShown = StateShown['networks'][number];
export type NetworkNow = Readonly<z.output<typeof networkNow>>;

/** One look. */
export type StateShown = Readonly<z.output<typeof state>>;
