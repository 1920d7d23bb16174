// The service as the person who runs it sees it, on the control socket: one screen of status, figures for a live page,
// a reload that says what came of it, and a copy of the register for a backup.
import { z } from 'zod';
import { HEALTH_ISSUE_IDS } from '../../base/words/words.ts';
import { MANDATE_STATES } from '../../telemetry/enforcement/enforcement.ts';
import { gives, listOf, operationsOn, ROLES } from './operation.ts';

/** Characters of why. */
const TEXT_LENGTH_MAX = 500;

const state = z.enum(MANDATE_STATES);
/** RFC 3339; null: never, or not known. */
const time = z.string().nullable();

const upstream = z
  .object({
    upstream: z.string(),
    /** The zone, or `group:NAME`, whose questions it gets; an upstream may stand in several. */
    route: z.string(),
    /** Every worker tries it in its turn. */
    up: z.boolean(),
    /** Of an encrypted one: why it did not prove who it is; empty: it did. Null: nothing is known. */
    untrusted: z.string().nullable(),
    certificateEnds: time,
    queries: z.number(),
    answers: z.number(),
    failures: z.number(),
    /** Mean of all round trips since the start, milliseconds; null: none yet. */
    meanMs: z.number().nullable(),
  })
  .meta({ id: 'UpstreamStatus' });

const status = z
  .object({
    version: z.string(),
    node: z.string(),
    pid: z.number(),
    time: z.string(),
    startedAt: z.string(),
    ready: z.boolean(),
    /** Why it is not ready, in words of a closed set. */
    causes: listOf(z.string()),
    enforcement: z.object({
      state,
      text: z.string(),
      todo: z.string().nullable(),
      /** Since when it is so. */
      since: z.string(),
      groups: listOf(z.object({ group: z.string(), state })),
    }),
    pause: z.object({ until: z.string(), by: z.string(), reason: z.string() }).nullable(),
    /** 0: none. */
    generation: z.number(),
    /** When its lists were read. */
    loadedAt: time,
    configSha256: z.string(),
    reloads: z.object({ success: z.number(), failure: z.number() }),
    dnssec: z.string(),
    workers: z.object({
      wanted: z.number(),
      alive: z.number(),
      hung: z.number(),
      restarts: z.number(),
      hangs: z.number(),
    }),
    listeners: listOf(
      z.object({ kind: z.enum(['dns', 'dot', 'doh', 'doh-plain', 'doq', 'admin']), address: z.string() }),
    ),
    lists: listOf(
      z.object({
        id: z.string(),
        mandate: z.boolean().nullable(),
        /** Mandates that ask for it. */
        mandates: listOf(z.string()),
        /** Rules in force; null: it is not. */
        entries: z.number().nullable(),
        state: z.enum(['good', 'empty', 'held', 'stale', 'failing', 'not in force']),
        checkedAt: time,
      }),
    ),
    upstreams: listOf(upstream),
    /** Null: the register cannot be used. */
    exemptions: z.object({ active: z.number(), waiting: z.number(), nextEnd: time }).nullable(),
    /** Null: nothing is recorded. */
    records: z
      .object({
        lastCommit: time,
        dropped: z.number(),
        /** Null: not looked at yet. */
        verified: z.boolean().nullable(),
        freeBytes: z.number().nullable(),
      })
      .nullable(),
    outputs: listOf(
      z.object({
        name: z.string(),
        written: z.number(),
        dropped: z.number(),
        waiting: z.number(),
        trouble: z.string().nullable(),
      }),
    ),
    /** Of the encrypted listeners. */
    certificate: z.object({ ends: z.string(), isEnding: z.boolean(), isRefused: z.boolean() }).nullable(),
    /** Whether it is obtained by ACME; null: it comes from files. */
    acme: z
      .object({
        state: z.enum(['obtaining', 'issued', 'failing']),
        /** One after the other. */
        failures: z.number(),
        /** Code and text of the last of them. */
        error: z.string().nullable(),
        text: z.string().nullable(),
        /** When the authority is asked next. */
        next: z.string(),
      })
      .nullable(),
    probe: z
      .object({
        lastRun: time,
        leakedNames: z.number(),
        failed: z.number(),
        /** Encrypted listeners whose certificate clients refuse: `listener:ADDRESS`. */
        unbelieved: listOf(z.string()),
      })
      .nullable(),
    /** What this installation was made without, and what brings it; null: nothing. */
    leftOut: z.object({ features: listOf(z.string()), how: z.string() }).nullable(),
    /** What a person has to look at, each in words; empty: all is well. */
    problems: listOf(z.string()),
    /** The same with everything that is told of it, the most urgent first; those of severity `info` are no problem. */
    issues: listOf(
      z.object({
        id: z.enum(HEALTH_ISSUE_IDS),
        severity: z.enum(['critical', 'warning', 'info']),
        subject: z.string(),
        text: z.string(),
        since: z.string(),
        due: time,
        do: z.string(),
      }),
    ),
  })
  .meta({ id: 'ServiceStatus' });

/** The state of the service, as one screen shows it. Plain data. */
export type ServiceStatus = Readonly<z.output<typeof status>>;

const figures = z
  .object({
    time: z.string(),
    /** On a clock that only goes forward, milliseconds: between two readings of it lie the rates. */
    atMs: z.number(),
    queries: z.number(),
    /** Answers by what made them. */
    answers: z.record(z.string(), z.number()),
    refusals: z.number(),
    wouldRefuse: z.number(),
    dropped: z.number(),
    cacheHits: z.number(),
    cacheMisses: z.number(),
    inflight: z.number(),
    tcpConnections: z.number(),
    tlsConnections: z.number(),
    /** Counts of answers by the upper bound of their time in milliseconds; the last one is beyond all bounds. */
    answerTimes: z.object({ boundsMs: listOf(z.number()), counts: listOf(z.number()) }),
    residentBytes: z.number(),
    cpuMs: z.number(),
    state,
    upstreams: listOf(
      z.object({
        upstream: z.string(),
        up: z.boolean(),
        queries: z.number(),
        answers: z.number(),
        failures: z.number(),
        /** Sum of all round trips, milliseconds. */
        totalMs: z.number(),
      }),
    ),
  })
  .meta({ id: 'ServiceFigures' });

/** Counters and gauges at one moment. Plain data. */
export type ServiceFigures = Readonly<z.output<typeof figures>>;

const count = z.number();
const history = z
  .object({
    from: z.string(),
    /** End of the last step, which goes on. */
    until: z.string(),
    now: z.string(),
    /** The history begins with the service. */
    startedAt: z.string(),
    stepSec: count,
    /** Upper bounds of `times`; the last one of these is beyond all bounds. */
    boundsMs: listOf(count),
    /** Null: nothing was observed in this step. */
    steps: listOf(
      z
        .object({
          from: z.string(),
          /** How long of it was observed: counts by these are rates. */
          seconds: count,
          queries: count,
          answers: count,
          servfail: count,
          refusals: count,
          cacheHits: count,
          cacheMisses: count,
          recordsLost: count,
          cpuMs: count,
          /** Answers by the bucket of their time. */
          times: listOf(count),
          /** The fewest that worked; the most that hung. */
          workers: z.object({ wanted: count, alive: count, hung: count }),
          residentBytes: count,
          /** The least; null: not known. */
          freeBytes: count.nullable(),
          certificateEnds: time,
          roomCertificateEnds: time,
          /** The empty name: all beyond the sixteenth. */
          upstreams: listOf(z.object({ name: z.string(), answers: count, failures: count, totalMs: count })),
          outputs: listOf(z.object({ name: z.string(), written: count, lost: count })),
        })
        .meta({ id: 'HistoryStep' })
        .nullable(),
    ),
  })
  .meta({ id: 'ServiceHistory' });

/** How the service did over time. Plain data. */
export type ServiceHistoryShown = Readonly<z.output<typeof history>>;

const reloaded = z.object({ generation: z.number(), state, text: z.string() }).meta({ id: 'ReloadOutcome' });

/** What is in force after a reload. */
export type ReloadOutcome = Readonly<z.output<typeof reloaded>>;

const copied = z
  .object({
    version: z.string(),
    /** Name of the copy in the state directory; null: there is no register to copy. */
    register: z.string().nullable(),
    /** The same of what the control room keeps. */
    room: z.string().nullable().default(null),
  })
  .meta({ id: 'RegisterCopy' });

/** A copy that was made. */
export type RegisterCopy = Readonly<z.output<typeof copied>>;

/** The service, as the program implements it. */
export interface ServiceControl {
  status(): Promise<ServiceStatus>;
  figures(): ServiceFigures;
  history(span: 'hour' | 'day' | 'week'): ServiceHistoryShown;
  /** Rejects with the AppError that kept what is on the disk from being in force. */
  reload(by: string, reason: string): Promise<ReloadOutcome>;
  /** Copies what nobody else can read while the service has it open, register and control room, and records who asked for it. */
  copyRegister(by: string, reason: string): Promise<RegisterCopy>;
}

const onService = operationsOn<ServiceControl>('service', { failureStatus: 409 });
const reasoned = z.strictObject({
  reason: z.string().max(TEXT_LENGTH_MAX).default(''),
});
const REASON_FORM = '{ "reason": text }';

/** Looking at the service, reloading it, copying its state. */
export const SERVICE_OPERATIONS = {
  readStatus: onService({
    method: 'GET',
    path: '/v1/status',
    summary: 'In force or not, lists, upstreams, exemptions, outputs, certificates, listeners: one screen',
    roles: ROLES,
    result: status,
    handle: async (control) => gives(await control.status()),
  }),
  readFigures: onService({
    method: 'GET',
    path: '/v1/figures',
    summary: 'Counters and gauges at this moment, for a page that shows rates',
    roles: ROLES,
    result: figures,
    handle: (control) => Promise.resolve(gives(control.figures())),
  }),
  readHistory: onService({
    method: 'GET',
    path: '/v1/history',
    summary: 'How the service did in each step of the last hour, day or week, since it started',
    roles: ROLES,
    query: z.strictObject({ span: z.enum(['hour', 'day', 'week']).default('hour') }),
    form: 'span=hour, day or week',
    result: history,
    handle: (control, { query }) => Promise.resolve(gives(control.history(query.span))),
  }),
  reload: onService({
    method: 'POST',
    path: '/v1/reload',
    summary: 'Puts the configuration and the lists on the disk in force, all or nothing',
    roles: ['operator'],
    body: reasoned,
    form: REASON_FORM,
    result: reloaded,
    handle: async (control, { body }, { name }) => gives(await control.reload(name, body.reason)),
  }),
  copyRegister: onService({
    method: 'POST',
    path: '/v1/backup/register',
    summary:
      'Copies the register of exemptions and the control room within the state directory, for a backup',
    roles: ['administrator'],
    body: reasoned,
    form: REASON_FORM,
    result: copied,
    handle: async (control, { body }, { name }) => gives(await control.copyRegister(name, body.reason)),
  }),
};
