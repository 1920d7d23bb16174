// The fleet on the control socket: what all resolvers look like, and what the authority's operators do to it.
import { z } from 'zod';
import { FLEET_NEEDS } from '../../base/words/words.ts';
import { gives, listOf, namesOf, operationsOn, ROLES } from './operation.ts';

const REASON_LENGTH_MAX = 500;

const name = z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/);
const scope = z.string().regex(/^(?:all|(?:site|node):[a-z0-9-]{1,40})$/);
const reason = z
  .string()
  .trim()
  .min(1)
  .max(REASON_LENGTH_MAX)
  .regex(/^\P{C}*$/u);
const counts = z.object({ queries: z.number(), changes: z.number() });

const refusedEntry = z.object({
  number: z.number(),
  subject: z.string().optional(),
  code: z.string(),
  reason: z.string(),
});
const probeOutcome = z.enum(['enforced', 'leaking', 'broken']);
const probed = z
  .object({
    /** The identifier of the request. */
    request: z.string(),
    began: z.string(),
    ended: z.string(),
    generation: z.number(),
    outcome: probeOutcome,
    asked: z.number(),
    leakedNames: z.number(),
    failingNames: z.number(),
    examples: listOf(z.string()),
  })
  .meta({ id: 'FleetProbed' });
const need = z
  .object({
    kind: z.enum(FLEET_NEEDS),
    /** Since when; null of `unheard`: it was never heard. */
    since: z.string().nullable(),
    /** Names that resolve, the number of an entry, milliseconds, messages or records: as the kind has it. */
    count: z.number().nullable(),
    text: z.string(),
  })
  .meta({ id: 'FleetNeed' });
const asked = z.object({ id: z.string(), time: z.string(), by: z.string() });
const resolver = z
  .object({
    name: z.string(),
    site: z.string().nullable(),
    role: z.enum(['authority', 'node', 'collector']),
    /** Counts from 1: a resolver that was taken in anew has begun new chains of records. */
    enrolment: z.number(),
    removed: z.string().nullable(),
    /** When it last said how it is, and how long ago; null: never. */
    heard: z.string().nullable(),
    heardSec: z.number().nullable(),
    version: z.string().nullable(),
    generation: z.number().nullable(),
    /** Whether the prohibition is in force there, in words. */
    state: z.string().nullable(),
    /** The closed word of it; null of a version that does not say it. */
    enforcement: z.string().nullable(),
    /** By how much its clock is ahead of the authority's. */
    offsetMs: z.number().nullable(),
    /** The last entry of policy that it has, and how many it is behind. */
    policy: z.number().nullable(),
    behind: z.number().nullable(),
    cutOffSince: z.string().nullable(),
    isSuspended: z.boolean(),
    /** How long exemptions hold there when it does not hear the authority; null: until their own ends, as far as is known. */
    suspendAfterMs: z.number().nullable(),
    isForked: z.boolean(),
    /** An authority in whose place another one is. */
    isReplaced: z.boolean(),
    stopped: z.number().nullable(),
    refused: listOf(refusedEntry),
    lists: z.record(z.string(), z.string()),
    /** Number of the last record of each chain, and up to where the collector has them. */
    records: counts.nullable(),
    confirmed: counts.nullable(),
    /** Of a collector: whether it keeps what it is sent; null of others, and of a version that does not say it. */
    isKeeping: z.boolean().nullable(),
    /** Of a collector: what it refused, by kind. */
    alarms: z.record(z.string(), z.number()),
    /** Of a collector: what is wrong with resolvers that are not Cordon's, by the id of the health issue. */
    foreign: listOf(z.object({ id: z.string(), subject: z.string(), text: z.string(), since: z.string() })),
    /** What its probe was answered when all were asked the last time; null: never. */
    probe: probed.nullable(),
    /** What needs a person, the most urgent first. */
    needs: listOf(need),
  })
  .meta({ id: 'FleetResolver' });
const status = z
  .object({
    name: z.string(),
    role: z.enum(['authority', 'node']),
    isConnected: z.boolean(),
    policy: z.object({ number: z.number(), hash: z.string() }),
    unpublished: z.number().nullable(),
    holdMs: z.number(),
    authorityHeard: z.string().nullable(),
    /** Those that need a person first, the unheard before all others. */
    resolvers: listOf(resolver),
    /** When all were asked for a probe, and by whom; null: not since the start. */
    probe: asked.nullable(),
    /** What was signed last of each thing, and how many resolvers say by hash that they have just that in force. */
    contents: listOf(
      z.object({
        subject: z.string(),
        time: z.string(),
        inForce: z.number(),
        of: z.number(),
        without: listOf(z.string()),
      }),
    ),
    /** Where the authority has suspended refusals; with `until` null those that it took out of a wider scope. */
    pauses: listOf(
      z.object({ for: z.string(), until: z.string().nullable(), by: z.string(), reason: z.string() }),
    ),
    /** The last entry about each exemption. */
    exemptions: z.record(z.string(), z.object({ number: z.number(), event: z.string(), time: z.string() })),
  })
  .meta({ id: 'FleetStatus' });

const probeRow = z.object({
  view: z.string(),
  transport: z.string(),
  qtype: z.string(),
  outcome: probeOutcome,
  asked: z.number(),
  leaked: z.number(),
  failed: z.number(),
});
const matrix = z
  .object({
    asked: asked.nullable(),
    resolvers: listOf(
      z.object({
        name: z.string(),
        site: z.string().nullable(),
        /** Null: it never answered. */
        probe: probed.extend({ results: listOf(probeRow) }).nullable(),
      }),
    ),
  })
  .meta({ id: 'FleetProbe' });

/** What became of who may connect. */
const LET_IN = {
  /** Servers of the engine that read it. */
  reloaded: z.number(),
  /** A file to be copied to the leaf node of the resolver's site, which is then started anew; null where there is none. */
  leafUsers: z.string().nullable(),
};
type LetIn = z.output<z.ZodObject<typeof LET_IN>>;

/** The fleet of the program. All reject with an AppError; what changes something does so with ERR_FLEET_NODE on a node. */
export interface FleetControl {
  status(): z.output<typeof status>;
  matrix(): z.output<typeof matrix>;
  probe(by: string): { readonly id: string; readonly time: string };
  invite(name: string, site: string | undefined): Promise<LetIn & { token: string; until: string }>;
  remove(name: string, by: string, reason: string): Promise<LetIn & { server: string | null }>;
  overlay(body: {
    for: string;
    yaml: string;
    by: string;
    reason?: string;
  }): Promise<{ number: number; hash: string }>;
  pause(whom: string, ms: number, by: string, reason: string): Promise<{ number: number; hash: string }>;
  resume(whom: string, by: string, reason: string): Promise<{ number: number; hash: string }>;
  rotateKey(): Promise<{ trust: string }>;
}

const onFleet = operationsOn<FleetControl>('fleet', { failureStatus: 409 });

/** What can be asked of a fleet. */
export const FLEET_OPERATIONS = {
  readFleet: onFleet({
    method: 'GET',
    path: '/v1/fleet',
    summary: 'Every resolver of the fleet; on a node, itself',
    roles: ROLES,
    result: status,
    handle: (fleet) => Promise.resolve(gives(fleet.status())),
  }),
  readFleetProbe: onFleet({
    method: 'GET',
    path: '/v1/fleet/probe',
    summary: 'What the probe of each resolver was answered, by network, transport and type',
    roles: ROLES,
    result: matrix,
    handle: (fleet) => Promise.resolve(gives(fleet.matrix())),
  }),
  probeFleet: onFleet({
    method: 'POST',
    path: '/v1/fleet/probe',
    summary:
      'Asks every resolver for its own probe; what each is answered is signed and comes within minutes',
    roles: ['operator', 'auditor'],
    body: z.strictObject({}),
    form: '{ }',
    result: z.object({ id: z.string(), time: z.string() }),
    handle: (fleet, _, { name: by }) => {
      const { id, time } = fleet.probe(by);
      return Promise.resolve(gives({ id, time }));
    },
  }),
  inviteResolver: onFleet({
    method: 'POST',
    path: '/v1/fleet/invite',
    summary: 'Makes a token with which a resolver is taken in once, within a day',
    roles: ['administrator'],
    needsProof: true,
    body: z.strictObject({ name, site: name.optional() }),
    form: '{ "name": NAME, "site": NAME }',
    result: z.object({ token: z.string(), until: z.string(), ...LET_IN }),
    handle: async (fleet, { body }) => gives(await fleet.invite(body.name, body.site)),
  }),
  removeResolver: onFleet({
    method: 'POST',
    path: '/v1/fleet/remove',
    summary: 'Takes a resolver out of the fleet; what it uploads afterwards is refused',
    roles: ['administrator'],
    needsProof: true,
    body: z.strictObject({ name, reason }),
    form: '{ "name": NAME, "reason": text }',
    result: z.object({
      ...LET_IN,
      /** Of the engine, beside it, which lets in whom it will while it is one of them; null where there is none. */
      server: z.string().nullable(),
    }),
    handle: async (fleet, { body }, actor) =>
      gives(await fleet.remove(body.name, namesOf(actor), body.reason)),
  }),
  setOverlay: onFleet({
    method: 'POST',
    path: '/v1/fleet/overlay',
    summary: 'Sets keys of configuration for all resolvers, a site or a node; without text takes them away',
    roles: ['administrator'],
    needsProof: true,
    body: z.strictObject({
      for: scope,
      yaml: z.string().max(50_000),
      reason: reason.exactOptional(),
    }),
    form: '{ "for": "all" | "site:NAME" | "node:NAME", "yaml": text, "reason": text }',
    result: z.object({ number: z.number(), hash: z.string() }),
    handle: async (fleet, { body }, actor) => gives(await fleet.overlay({ ...body, by: namesOf(actor) })),
  }),
  pauseFleet: onFleet({
    method: 'POST',
    path: '/v1/fleet/pause',
    summary: 'Suspends all refusals of all resolvers, a site or a node for so many milliseconds',
    roles: ['operator'],
    needsProof: true,
    body: z.strictObject({ for: scope, ms: z.int().positive(), reason }),
    form: '{ "for": "all" | "site:NAME" | "node:NAME", "ms": milliseconds, "reason": text }',
    result: z.object({ number: z.number(), hash: z.string() }),
    handle: async (fleet, { body }, actor) =>
      gives(await fleet.pause(body.for, body.ms, namesOf(actor), body.reason)),
  }),
  resumeFleet: onFleet({
    method: 'POST',
    path: '/v1/fleet/resume',
    summary: 'Gives refusals again for all resolvers, a site or a node before that time has passed',
    roles: ['operator', 'approver'],
    body: z.strictObject({ for: scope, reason: reason.or(z.literal('')).default('') }),
    form: '{ "for": "all" | "site:NAME" | "node:NAME", "reason": text }',
    result: z.object({ number: z.number(), hash: z.string() }),
    handle: async (fleet, { body }, actor) =>
      gives(await fleet.resume(body.for, namesOf(actor), body.reason)),
  }),
  rotateFleetKey: onFleet({
    method: 'POST',
    path: '/v1/fleet/rotate-key',
    summary: 'Makes another key of the authority, signed by the one in use',
    roles: ['administrator'],
    needsProof: true,
    result: z.object({ trust: z.string() }),
    handle: async (fleet) => gives(await fleet.rotateKey()),
  }),
};
