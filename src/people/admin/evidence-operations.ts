// The self-probe and the records on the control socket.
import { z } from 'zod';
import { MANDATE_STATES } from '../../telemetry/enforcement/enforcement.ts';
import { gives, listOf, namesOf, type Outcome, operationsOn, ROLES, refuses } from './operation.ts';

/** Characters of a group's name. */
const NAME_LENGTH_MAX = 64;
/** Characters of who asks and why; a pseudonym has some 40. */
const TEXT_LENGTH_MAX = 500;

const probeEvent = z.enum(['sweep', 'sample', 'change']);
const probeOutcome = z.enum(['enforced', 'leaking', 'broken']);
const probeSummary = z
  .object({
    run: z.number(),
    event: probeEvent,
    /** Absent: all groups. */
    group: z.string().exactOptional(),
    began: z.string(),
    ended: z.string(),
    generation: z.number(),
    outcome: probeOutcome,
    asked: z.number(),
    exempted: z.number(),
    leakedNames: z.number(),
    failingNames: z.number(),
    coverage: z.object({ names: z.number(), asked: z.number(), share: z.number() }),
  })
  .meta({ id: 'ProbeSummary' });
const probeRun = probeSummary
  .extend({
    results: listOf(
      z.object({
        view: z.string(),
        transport: z.string(),
        qtype: z.string(),
        outcome: probeOutcome,
        asked: z.number(),
        leaked: z.number(),
        failed: z.number(),
        examples: listOf(z.string()),
      }),
    ),
    unasked: listOf(z.object({ view: z.string(), reason: z.string() })),
    /** What the encrypted listeners proved with; `faults` are what a client refuses. */
    certificates: listOf(
      z.object({
        view: z.string(),
        transport: z.string(),
        /** The name that clients are told. */
        name: z.string(),
        /** subjectAltName; none where nothing was seen. */
        names: listOf(z.string()),
        fingerprint: z.string().exactOptional(),
        ends: z.string().exactOptional(),
        daysLeft: z.number().exactOptional(),
        faults: listOf(z.string()),
        notes: listOf(z.string()),
      }),
    ),
    /** Whether the prohibition was in force when the run ended, for all groups or for the one that was asked for. */
    enforcement: z.object({
      state: z.enum(MANDATE_STATES),
      text: z.string(),
      todo: z.string().exactOptional(),
    }),
  })
  .meta({ id: 'ProbeRun' });
const probeStatus = z
  .object({
    /** `total` is no less than what will be asked. */
    running: z
      .object({ run: z.number(), event: probeEvent, began: z.string(), asked: z.number(), total: z.number() })
      .nullable(),
    /** RFC 3339; null when nothing is scheduled. */
    nextSample: z.string().nullable(),
    nextSweep: z.string().nullable(),
    /** Numbers of sweeps that wait. */
    waiting: listOf(z.number()),
    /** The latest first. */
    runs: listOf(probeSummary),
    last: probeRun.nullable(),
  })
  .meta({ id: 'ProbeStatus' });

/** The self-probe, as the program implements it. */
export interface ProbeControl {
  status(): z.output<typeof probeStatus>;
  /** Undefined for a run that is not kept. */
  run(number: number): z.output<typeof probeRun> | undefined;
  /** Throws ERR_APP_PROBE when there is no such group, or too many ask. */
  requestSweep(group: string | undefined): { readonly run: number };
}

const onProbe = operationsOn<ProbeControl>('probe', { failureStatus: 409 });

/** The self-probe. */
export const PROBE_OPERATIONS = {
  readProbe: onProbe({
    method: 'GET',
    path: '/v1/probe',
    summary: 'What runs, when the next runs are due, and what the last ones found',
    roles: ROLES,
    result: probeStatus,
    handle: (probe) => Promise.resolve(gives(probe.status())),
  }),
  requestSweep: onProbe({
    method: 'POST',
    path: '/v1/probe',
    summary: 'Asks for a sweep now, of one group or of everything; gives its number',
    roles: ['operator', 'auditor'],
    body: z.strictObject({ group: z.string().min(1).max(NAME_LENGTH_MAX).optional() }),
    form: '{ "group": text } or { }',
    result: z.object({ run: z.number() }),
    handle: (probe, { body }) => Promise.resolve(gives(probe.requestSweep(body.group))),
  }),
  readProbeRun: onProbe({
    method: 'GET',
    path: '/v1/probe/{run}',
    summary: 'One run with all its results',
    roles: ROLES,
    parameters: z.object({ run: z.string().regex(/^\d{1,9}$/) }),
    result: probeRun,
    handle: (probe, { parameters: { run } }) => {
      const found = probe.run(Number(run));
      return Promise.resolve(found === undefined ? refuses(404, `run ${run} is not kept`) : gives(found));
    },
  }),
};

const count = z.number();
const counts = z.record(z.string(), z.number());
/** Times in milliseconds since the epoch; what is absent is not known, or never was. */
const recorder = z
  .object({
    isAlive: z.boolean(),
    restarts: count,
    reportedMs: count.optional(),
    written: counts,
    sequence: counts,
    dropped: count,
    droppedOfRings: listOf(count),
    backlogBytes: count,
    lastCommitMs: count.optional(),
    /** Why nothing can be written. */
    failure: z.string().optional(),
    oldestSearchableMs: count.optional(),
    isVerified: z.boolean().optional(),
    verifiedMs: count.optional(),
    isClockTrusted: z.boolean(),
    clockStepMs: count,
    crashMs: count.optional(),
    partitions: count,
    bytes: count,
    freeBytes: count.optional(),
    reserveBytes: count.optional(),
    /** Since the start of the recorder, by the record that tells of them. */
    queries: counts,
    outputs: listOf(
      z.object({
        name: z.string(),
        written: count,
        dropped: count,
        queued: count,
        trouble: z.string().optional(),
      }),
    ),
    /** Blocks that are signed, until when, and the key that verifies it. */
    checkpoint: z.object({ size: count, signedMs: count, verifier: z.string() }).optional(),
    witnesses: listOf(
      z.object({
        name: z.string(),
        url: z.string(),
        /** Blocks that it has cosigned. */
        size: count.optional(),
        cosignedMs: count.optional(),
        trouble: z.string().optional(),
        /** What it knows that is not what is here. */
        finding: z.string().optional(),
      }),
    ),
    /** Today, by group; `*`: all. */
    distinctClients: counts,
  })
  .meta({ id: 'RecorderStatus' });

/** The state of the recorder. Plain data. */
export type RecorderStatus = Readonly<z.output<typeof recorder>>;

/** The recorder, as the program implements it. */
export interface RecordControl {
  /** Undefined when no records are kept. */
  status(): RecorderStatus | undefined;
  /** Undefined when no records are kept. Rejects with an AppError when it cannot be undone or recorded. */
  reidentify(pseudonym: string, by: string, reason: string): Promise<string | undefined>;
  /** As reidentify(), the other way; the pseudonyms are separated by blanks. */
  pseudonyms(
    sought: { readonly kind: 'address' | 'device'; readonly text: string },
    by: string,
    reason: string,
  ): Promise<string | undefined>;
  /** That somebody opens a pseudonym of another resolver with the key from the safe; false when no records are kept. */
  opened(pseudonym: string, resolver: string, by: string, reason: string): Promise<boolean>;
  /** The check of all records that was asked for last; `start` begins one, unless one is under way. */
  check(start: boolean): RecordsChecked;
}

const checked = z
  .object({
    state: z.enum(['never', 'running', 'whole', 'not-whole', 'failed']),
    /** When it began or ended. */
    time: z.string().nullable(),
    records: z.number(),
    /** The first of them, as the command writes them. */
    findings: listOf(z.string()),
    fault: z.string().nullable(),
  })
  .meta({ id: 'RecordsChecked' });

/** What a check of all records that somebody asked for found. */
export type RecordsChecked = Readonly<z.output<typeof checked>>;

const onRecords = operationsOn<RecordControl>('records', { failureStatus: 409 });
const text = z.string().trim().min(1).max(TEXT_LENGTH_MAX);

const unlessAbsent = <Found, Value>(
  found: Found | undefined,
  toValue: (found: Found) => Value,
): Outcome<Value> =>
  found === undefined ? refuses(409, 'no records are kept: records.enabled is false') : gives(toValue(found));

/** The records. Who was behind a pseudonym is told only after that was recorded. */
export const RECORD_OPERATIONS = {
  readRecorder: onRecords({
    method: 'GET',
    path: '/v1/records',
    summary: 'The state of the recorder',
    roles: ROLES,
    result: recorder,
    handle: (records) => Promise.resolve(unlessAbsent(records.status(), (found) => found)),
  }),
  readRecordsKey: onRecords({
    method: 'GET',
    path: '/v1/records/key',
    summary:
      'The public key of the records, which the control room also serves at `/.well-known/cordon-records-key`',
    roles: ROLES,
    isOpen: true,
    /** Verifier key (C2SP signed-note). */
    result: z.object({ verifier: z.string() }),
    handle: (records) =>
      Promise.resolve(unlessAbsent(records.status()?.checkpoint, ({ verifier }) => ({ verifier }))),
  }),
  readRecordsCheck: onRecords({
    method: 'GET',
    path: '/v1/records/check',
    summary: 'What the last check of all records that somebody asked for found',
    roles: ROLES,
    result: checked,
    handle: (records) => Promise.resolve(gives(records.check(false))),
  }),
  checkRecords: onRecords({
    method: 'POST',
    path: '/v1/records/check',
    summary: 'Checks every record, chain and signature, in a process of its own',
    roles: ['operator', 'auditor'],
    body: z.strictObject({}),
    form: '{ }',
    result: checked,
    handle: (records) => Promise.resolve(gives(records.check(true))),
  }),
  reidentify: onRecords({
    method: 'POST',
    path: '/v1/records/reidentify',
    summary: 'The address behind a pseudonym, or behind the reference of a day, recorded first',
    roles: ['auditor'],
    body: z.strictObject({ pseudonym: text, reason: text }),
    form: '{ "pseudonym": text, "reason": text }',
    result: z.object({ address: z.string() }),
    handle: async (records, { body: { pseudonym, reason } }, actor) =>
      unlessAbsent(await records.reidentify(pseudonym, namesOf(actor), reason), (address) => ({
        address,
      })),
  }),
  recordOpening: onRecords({
    method: 'POST',
    path: '/v1/records/opened',
    summary:
      'That a pseudonym of a resolver of the fleet is opened with the key from the safe; it is on the disk then',
    roles: ['auditor'],
    body: z.strictObject({ pseudonym: text, resolver: text, reason: text }),
    form: '{ "pseudonym": text, "resolver": text, "reason": text }',
    result: z.object({ recorded: z.literal(true) }),
    handle: async (records, { body: { pseudonym, resolver, reason } }, actor) =>
      unlessAbsent((await records.opened(pseudonym, resolver, namesOf(actor), reason)) || undefined, () => ({
        recorded: true as const,
      })),
  }),
  listPseudonyms: onRecords({
    method: 'POST',
    path: '/v1/records/pseudonyms',
    summary: 'The pseudonyms of an address or of a device by its name, recorded first',
    roles: ['auditor'],
    body: z
      .strictObject({
        address: text.exactOptional(),
        device: text.exactOptional(),
        reason: text,
      })
      .refine(({ address, device }) => (address === undefined) !== (device === undefined), {
        message: 'one of address and device is needed',
      }),
    form: '{ "address" or "device": text, "reason": text }',
    result: z.object({ pseudonyms: listOf(z.string()) }),
    handle: async (records, { body: { address, device, reason } }, actor) => {
      const sought =
        device === undefined
          ? ({ kind: 'address', text: address ?? '' } as const)
          : ({ kind: 'device', text: device } as const);
      return unlessAbsent(await records.pseudonyms(sought, namesOf(actor), reason), (found) => ({
        pseudonyms: found.split(' ').filter((one) => one !== ''),
      }));
    },
  }),
};
