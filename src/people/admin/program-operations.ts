// The program as a whole: metrics and health on TCP; refusals suspended, and names explained, on the control socket.
import { z } from 'zod';
import { createAddress, parseAddress } from '../../base/base.ts';
import { HEALTH_ISSUE_IDS } from '../../base/words/words.ts';
import { MANDATE_STATES } from '../../telemetry/enforcement/enforcement.ts';
import { parseType, readWrittenName } from '../../wire/dns/dns.ts';
import { gives, listOf, namesOf, operationsOn, ROLES } from './operation.ts';

/** Characters of why. */
const TEXT_LENGTH_MAX = 500;
/** Characters of a name with every byte escaped. */
const NAME_LENGTH_MAX = 1024;
/** Characters of what somebody writes for a name: browsers hand on addresses of pages. */
const WRITTEN_LENGTH_MAX = 4096;
/** Characters of an address with a port and a zone. */
const ADDRESS_LENGTH_MAX = 100;
/** Each type is a question with all that it costs upstream. */
const TYPES_MAX = 8;
/** Hexadecimal digits of a SHA-256. */
const HASH_LENGTH = 64;
/** Attributes and names of a certificate. */
const CERTIFICATE_ITEMS_MAX = 64;

const state = z.enum(MANDATE_STATES);
const optionalText = z.string().exactOptional();

const readiness = z
  .object({
    /** Queries are answered, and the prohibition is in force or, by decision, concerns nobody. */
    ready: z.boolean(),
    /** Queries are answered. */
    answering: z.boolean(),
    /** Why it is not ready, in words of a closed set. */
    causes: listOf(z.string()),
    /** What is wrong besides: ids of health issues, none of severity `info`; the control socket tells all of them. */
    issues: listOf(z.enum(HEALTH_ISSUE_IDS)),
    /** Of the prohibition, for the whole service; in words below. */
    state,
    text: z.string(),
    /** What to do about it. */
    todo: z.string().optional(),
    groups: listOf(
      z.object({
        group: z.string(),
        state,
        cause: optionalText,
        lists: listOf(z.object({ list: z.string(), standing: z.string() })).exactOptional(),
      }),
    ),
  })
  .meta({ id: 'Readiness' });

/** Whether clients may be sent here. Plain data. */
export type Readiness = Readonly<z.output<typeof readiness>>;

/** The forms of addresses that firewalls poll. */
const ADDRESS_FORMS = ['nftables', 'ipset', 'pf', 'edl', 'plain'] as const;
type AddressForm = (typeof ADDRESS_FORMS)[number];

/** A file of addresses; `sha256` is that of the addresses, `changedAtMs` when they became what they are. */
export interface AddressFile {
  readonly text: string;
  readonly sha256: string;
  readonly changedAtMs: number;
}

/** The program as its operators see it. */
export interface ProgramControl {
  readonly version: string;
  /** The media type of metrics(). */
  readonly metricsContentType: string;
  /** The text of one scrape. */
  metrics(): Promise<string>;
  readiness(): Readiness;
  /** The addresses that are in force, for a firewall of one of ADDRESS_FORMS. Rejects with ERR_APP_EXPORT and ERR_LIST_…. */
  addresses(form: AddressForm): Promise<AddressFile>;
}

const onProgram = operationsOn<ProgramControl>('program', { door: 'listener' });

const answerReadiness = (control: ProgramControl, wanted: 'ready' | 'answering') => {
  const found = control.readiness();
  return Promise.resolve(gives(found, found[wanted] ? 200 : 503));
};

/** What the listener on TCP answers. */
export const PROGRAM_OPERATIONS = {
  readMetrics: onProgram({
    method: 'GET',
    path: '/metrics',
    summary: 'All metrics as Prometheus scrapes them',
    roles: [],
    result: z.string(),
    mediaType: (control) => control.metricsContentType,
    handle: async (control) => gives(await control.metrics()),
  }),
  readHealth: onProgram({
    method: 'GET',
    path: '/healthz',
    summary: 'Whether the process lives',
    roles: [],
    result: z.object({ status: z.literal('ok'), version: z.string() }),
    handle: ({ version }) => Promise.resolve(gives({ status: 'ok' as const, version })),
  }),
  readReadiness: onProgram({
    method: 'GET',
    path: '/readyz',
    summary: 'Whether names are answered and the prohibition is in force as decided; 503 when not',
    roles: [],
    result: readiness,
    otherStatuses: [503],
    handle: (control) => answerReadiness(control, 'ready'),
  }),
  readAnswering: onProgram({
    method: 'GET',
    path: '/answering',
    summary: 'Whether queries are answered, whatever is refused and whatever upstreams do; 503 when not',
    roles: [],
    result: readiness,
    otherStatuses: [503],
    handle: (control) => answerReadiness(control, 'answering'),
  }),
  readAddresses: onProgram({
    method: 'GET',
    path: '/addresses/{form}',
    summary: 'The prefixes that are in force, as firewalls load them; with ETag and Last-Modified',
    roles: [],
    parameters: z.object({ form: z.enum(ADDRESS_FORMS) }),
    result: z.string(),
    mediaType: () => 'text/plain; charset=utf-8',
    failureStatus: 409,
    handle: async (control, { parameters: { form } }) => {
      const { text, sha256, changedAtMs } = await control.addresses(form);
      // The same addresses have another text in another form, and the headers of a file name its lists.
      return gives(text, 200, { etag: `${form}-${sha256}`, changedAtMs });
    },
  }),
};

const pauseStatus = z
  .object({
    isPaused: z.boolean(),
    /** RFC 3339; absent while refusals are given, as the two below. */
    until: optionalText,
    by: optionalText,
    reason: optionalText,
    /** Whom the authority of the fleet decided it for; absent of one that an operator began here. */
    for: optionalText,
    /** Whether the prohibition is in force, and that in words: refusals may be given while no mandate list is chosen. */
    state,
    text: z.string(),
  })
  .meta({ id: 'PauseStatus' });

/** Whether refusals are suspended. */
export type PauseStatus = Readonly<z.output<typeof pauseStatus>>;

/** Suspends refusals, as the program implements it. Rejects with ERR_APP_PAUSE. */
export interface PauseControl {
  status(): PauseStatus;
  pause(ms: number, by: string, reason: string): Promise<PauseStatus>;
  resume(by: string, reason: string): Promise<PauseStatus>;
}

const onPause = operationsOn<PauseControl>('pause', { failureStatus: 409 });
const reason = z.string().max(TEXT_LENGTH_MAX);

/** Suspending all refusals. */
export const PAUSE_OPERATIONS = {
  readPause: onPause({
    method: 'GET',
    path: '/v1/pause',
    summary: 'Whether refusals are suspended',
    roles: ROLES,
    result: pauseStatus,
    handle: (control) => Promise.resolve(gives(control.status())),
  }),
  pause: onPause({
    method: 'POST',
    path: '/v1/pause',
    summary: 'Suspends all refusals for so many milliseconds',
    roles: ['operator'],
    needsProof: true,
    body: z.strictObject({ ms: z.int().positive(), reason: reason.min(1) }),
    form: '{ "ms": milliseconds, "reason": text }',
    result: pauseStatus,
    handle: async (control, { body }, actor) =>
      gives(await control.pause(body.ms, namesOf(actor), body.reason)),
  }),
  resume: onPause({
    method: 'POST',
    path: '/v1/resume',
    summary: 'Gives refusals again before that time has passed',
    roles: ['operator', 'approver'],
    body: z.strictObject({ reason: reason.default('') }),
    form: '{ "reason": text }',
    result: pauseStatus,
    handle: async (control, { body }, actor) => gives(await control.resume(namesOf(actor), body.reason)),
  }),
};

const ruleReason = z
  .object({
    list: z.string(),
    title: z.string(),
    mandate: z.boolean(),
    /** Mandates that ask for the list. */
    mandates: listOf(z.string()),
    trigger: z.string(),
    target: z.string().optional(),
    match: z.string(),
    action: z.string(),
    data: listOf(z.string()),
    file: z.string(),
    line: z.number(),
    part: z.string().optional(),
    text: z.string(),
    service: z.string().optional(),
    owner: z.string().optional(),
    evidence: z.string().optional(),
    derived: z.string().optional(),
    reviewed: z.string().optional(),
  })
  .meta({ id: 'Rule' });
const exempted = z.object({ exemption: z.string(), reason: ruleReason }).meta({ id: 'ExemptedRule' });
const explainedOutcome = z.enum(['refused', 'failed', 'local', 'passes']);

const explanation = z
  .object({
    name: z.string(),
    client: z.string(),
    allowed: z.boolean(),
    group: z.string(),
    groupPrefix: z.string().optional(),
    groupListener: z.string().optional(),
    lists: listOf(z.string()),
    /** That of the worst answer. */
    outcome: explainedOutcome,
    reason: ruleReason.optional(),
    /** Every rule by which an answer is refused, those of mandates first. */
    rules: listOf(ruleReason),
    passedBy: ruleReason.optional(),
    watched: ruleReason.optional(),
    exempted: listOf(exempted),
    answers: listOf(
      z.object({
        type: z.string(),
        status: explainedOutcome,
        outcome: z.string(),
        refusedBy: z.enum(['list', 'access', 'rebinding', 'protocol']).optional(),
        reason: ruleReason.optional(),
        passedBy: ruleReason.optional(),
        watched: ruleReason.optional(),
        exempted: listOf(exempted),
        judged: z.enum(['question', 'answer']),
        rcode: z.string().optional(),
        ede: z.object({ code: z.number(), text: z.string() }).optional(),
        records: listOf(z.string()),
        followed: z.boolean(),
        tookMs: z.number(),
        steps: listOf(
          z.object({
            atMs: z.number(),
            stage: z.string(),
            outcome: z.string(),
            reason: ruleReason.optional(),
            exemption: z.string().optional(),
          }),
        ),
      }),
    ),
    /** Whom was asked. */
    asked: z.object({
      kind: z.enum(['service', 'configuration']),
      version: z.string(),
      configSha256: z.string(),
      generation: z.number(),
      validation: z.string(),
      time: z.string(),
      pid: z.number().exactOptional(),
      worker: z.number().exactOptional(),
      workers: z.number().exactOptional(),
      isPaused: z.boolean().exactOptional(),
    }),
  })
  .meta({ id: 'Explanation' });

const nameText = z
  .string()
  .min(1)
  .max(WRITTEN_LENGTH_MAX)
  .transform((text, context): Uint8Array => {
    const read = readWrittenName(text.trim());
    if (typeof read !== 'string') return read.name;
    context.addIssue(read);
    return z.NEVER;
  });
const typeText = z
  .string()
  .max(NAME_LENGTH_MAX)
  .transform((text, context): number => {
    const type = parseType(text);
    if (type !== undefined) return type;
    context.addIssue(`"${text}" is no type of record`);
    return z.NEVER;
  });
const asked = z.strictObject({
  name: nameText,
  types: z.array(typeText).min(1).max(TYPES_MAX),
  /** Text of an IP address. */
  client: z
    .string()
    .max(ADDRESS_LENGTH_MAX)
    .refine((text) => parseAddress(text, createAddress()), 'the client is no IP address'),
  /** Name of the listener; empty: any that has no group of its own. */
  listener: z.string().max(ADDRESS_LENGTH_MAX),
  /** Name of the forwarder that says who the client is. */
  via: z.string().max(NAME_LENGTH_MAX).optional(),
  /** False: no upstream is asked. */
  follows: z.boolean(),
  /** What the client shows beside its address, over TLS. */
  shown: z
    .strictObject({
      serverName: z.string().max(NAME_LENGTH_MAX),
      /** SHA-256 of a token; empty: none. */
      token: z.string().max(HASH_LENGTH),
      certificate: z
        .strictObject({
          fingerprint: z.string().max(HASH_LENGTH),
          subject: z.array(z.string().max(NAME_LENGTH_MAX)).max(CERTIFICATE_ITEMS_MAX).readonly(),
          names: z.array(z.string().max(NAME_LENGTH_MAX)).max(CERTIFICATE_ITEMS_MAX).readonly(),
          serial: z.string().max(NAME_LENGTH_MAX),
          notAfterMs: z.number(),
        })
        .optional(),
    })
    .optional()
    .transform((shown) => shown && { ...shown, certificate: shown.certificate }),
});

/** What is asked: names in uncompressed wire form, types as numbers. */
export type ExplainAsked = Readonly<z.output<typeof asked>>;

/** What an explanation says. */
export type ExplainAnswer = Readonly<z.output<typeof explanation>>;

/** Explains names, as the program implements it. Rejects with an AppError when it cannot. */
export interface ExplainControl {
  explain(asked: ExplainAsked): Promise<ExplainAnswer>;
}

const onExplain = operationsOn<ExplainControl>('explain', { failureStatus: 409 });

/** Explaining names. A POST because upstreams may be asked; nothing that clients notice changes. */
export const EXPLAIN_OPERATIONS = {
  explain: onExplain({
    method: 'POST',
    path: '/v1/explain',
    summary: 'What a client is answered for a name, and why',
    roles: ['help-desk', 'operator', 'approver', 'auditor'],
    body: asked,
    form: '{ "name": text, "types": texts, "client": address, "listener": text, "via": text, "follows": boolean, "shown": { "serverName": text, "token": text, "certificate": object } }',
    result: explanation,
    handle: async (control, { body }) => gives(await control.explain(body)),
  }),
};
