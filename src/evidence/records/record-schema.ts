// What a record looks like, for whoever reads one that somebody else wrote: the collector, verify() and reports.
//
// The types of record.ts say what the program writes; the schemas here are held to them by the compiler, member by member,
// so that neither knows what the other does not. Numbers are safe and not negative, times are written as the recorder writes
// them. A kind or an event that this version does not know is of a later one: it has a time, and nothing else of it is read.
// Members that are not known pass, for the same reason. Loaded only where records are judged: the recorder never needs it.
import { z } from 'zod';
import {
  LIST_STANDINGS,
  MANDATE_STATES,
  NOT_ENFORCING_CAUSES,
} from '../../telemetry/enforcement/enforcement.ts';
import { BYPASS_SIGNALS } from './bypass-signal.ts';
import type { ForeignRecord } from './foreign-record.ts';
import { isMoment } from './moment.ts';
import {
  type AdminRecord,
  type CHANGE_KINDS,
  type ChangeRecord,
  type ConfigurationRecord,
  type DecisionRecord,
  type EnforcementGapRecord,
  type EnforcementStateRecord,
  type ExemptionRecord,
  FEED_RECORD_STATES,
  type FleetRecord,
  type ListRecord,
  type ProbeRecord,
  type QUERY_KINDS,
  type QueryRecord,
  type RecordClass,
  type RecordsRecord,
  type ServiceRecord,
  type SketchRecord,
} from './record.ts';
import { SKETCH_REGISTERS } from './sketch.ts';

/** Queries that one record stands for: a million a second, for an hour. */
const COUNT_MAX = 3_600_000_000;
/** What Sketch.takeRisen() writes, by its form. */
const RISEN_TEXT = /^(?:[A-Za-z0-9+/]{4})*$/;
/** How deep an object of a record may be: an exemption with its texts has three. */
const DEPTH_MAX = 8;
/** Milliseconds of a length or a difference: no clock is off by more than all of time. */
const MS_MAX = 8.64e15;
/** Members by which an object would answer for itself when it is made a text. */
const OWN_ANSWERS = new Set(['toString', 'valueOf', '__proto__']);

const text = z.string();
const moment = z.string().refine(isMoment);
/** Of certificates and of what people wrote: with other fractions of a second. */
const anyMoment = z.iso.datetime({ offset: true });
const day = z.iso.date();
const natural = z.int().min(0);
const ms = z.number().min(0).max(MS_MAX);
const difference = z.number().min(-MS_MAX).max(MS_MAX);

const isPlain = (value: unknown, depth: number): boolean => {
  if (typeof value !== 'object' || value === null) return true;
  if (depth === 0) return false;
  if (Array.isArray(value)) return value.every((item) => isPlain(item, depth - 1));
  return Object.entries(value).every(
    ([name, member]) => !OWN_ANSWERS.has(name) && isPlain(member, depth - 1),
  );
};
const paper = z.custom<object>(
  (value) =>
    typeof value === 'object' && value !== null && !Array.isArray(value) && isPlain(value, DEPTH_MAX),
);

const query = z.object({
  time: moment,
  kind: z.enum(['refusal', 'would-refuse', 'exemption-hit', 'bypass']),
  client: text,
  device: text.exactOptional(),
  reportedBy: text.exactOptional(),
  port: z.int().min(0).max(65_535).exactOptional(),
  transport: text,
  group: text,
  qname: text,
  qtype: text,
  rcode: text.exactOptional(),
  list: text.exactOptional(),
  category: text.exactOptional(),
  version: text.exactOptional(),
  line: natural.exactOptional(),
  trigger: text.exactOptional(),
  target: text.exactOptional(),
  generation: natural,
  exemption: text.exactOptional(),
  ede: natural.exactOptional(),
  signal: z.enum(BYPASS_SIGNALS).exactOptional(),
  count: z.int().min(1).max(COUNT_MAX).exactOptional(),
  until: moment.exactOptional(),
  summary: z.enum(['client', 'total']).exactOptional(),
});

const sketch = z.object({
  time: moment,
  kind: z.literal('sketch'),
  day,
  group: text,
  registers: z
    .string()
    .max(4 * SKETCH_REGISTERS)
    .regex(RISEN_TEXT),
});

const service = z.object({
  time: moment,
  kind: z.literal('service'),
  event: z.enum([
    ...['start', 'stop', 'unclean-end', 'worker-died', 'worker-started'],
    ...['cryptography', 'certificate', 'feed'],
  ] as const),
  version: text.exactOptional(),
  verifier: text.exactOptional(),
  logSize: natural.exactOptional(),
  unsigned: natural.exactOptional(),
  openssl: text.exactOptional(),
  modules: z.array(z.object({ path: text, sha256: text })).exactOptional(),
  directory: text.exactOptional(),
  names: z.array(text).exactOptional(),
  issuer: text.exactOptional(),
  fingerprint: text.exactOptional(),
  until: anyMoment.exactOptional(),
  feed: text.exactOptional(),
  state: z.enum(FEED_RECORD_STATES).exactOptional(),
  reason: text.exactOptional(),
  reviewed: text.exactOptional(),
  timestamp: natural.exactOptional(),
  behind: z.array(z.object({ list: text, since: anyMoment, reason: text })).exactOptional(),
  lastWritten: moment.exactOptional(),
  worker: natural.exactOptional(),
});

const gap = z.object({
  time: moment,
  kind: z.literal('enforcement'),
  event: z.enum(['gap-begin', 'gap-end']),
  cause: text,
  ms: difference.exactOptional(),
  by: text.exactOptional(),
  reason: text.exactOptional(),
});

const state = z.enum(MANDATE_STATES);
const cause = z.enum(NOT_ENFORCING_CAUSES);
const standing = z.object({
  time: moment,
  kind: z.literal('enforcement'),
  event: z.literal('state'),
  state,
  cause: cause.exactOptional(),
  previous: state.exactOptional(),
  ms: ms.exactOptional(),
  groups: z.array(
    z.object({
      group: text,
      state,
      cause: cause.exactOptional(),
      lists: z
        .array(z.object({ list: text, standing: z.enum(LIST_STANDINGS).exclude(['enforced']) }))
        .exactOptional(),
    }),
  ),
  by: text.exactOptional(),
  reason: text.exactOptional(),
});

const list = z.object({
  time: moment,
  kind: z.literal('list'),
  event: z.enum([
    ...['in-force', 'out-of-force', 'fetched', 'fetch-failed'],
    ...['held', 'accepted', 'dismissed', 'rolled-back'],
  ] as const),
  list: text,
  category: text.exactOptional(),
  mandate: z.boolean().exactOptional(),
  sha256: text.exactOptional(),
  entries: natural.exactOptional(),
  reviewed: text.exactOptional(),
  reviewDue: text.exactOptional(),
  added: natural.exactOptional(),
  removed: natural.exactOptional(),
  generation: natural.exactOptional(),
  by: text.exactOptional(),
  reason: text.exactOptional(),
  code: text.exactOptional(),
});

const configuration = z.object({
  time: moment,
  kind: z.literal('configuration'),
  event: z.enum(['in-force', 'refused']),
  sha256: text.exactOptional(),
  previous: text.exactOptional(),
  code: text.exactOptional(),
  cause: text,
  by: text.exactOptional(),
  reason: text.exactOptional(),
  differences: z
    .array(z.object({ key: text, from: text.exactOptional(), to: text.exactOptional() }))
    .exactOptional(),
  more: natural.exactOptional(),
  suspendAfterMs: natural.nullable().exactOptional(),
});

const exemption = z.object({
  time: moment,
  kind: z.literal('exemption'),
  event: z.enum(['requested', 'approved', 'rejected', 'active', 'warned', 'expired', 'revoked']),
  id: text,
  by: text.exactOptional(),
  role: text.exactOptional(),
  reason: text.exactOptional(),
  paper,
});

const decision = z.object({
  time: moment,
  kind: z.literal('decision'),
  event: z.enum([
    ...['set', 'changed', 'removed'],
    ...['review-near', 'review-passed', 'end-near', 'end-passed'],
  ] as const),
  list: text,
  decision: paper.exactOptional(),
});

const outcome = z.enum(['enforced', 'leaking', 'broken']);
const probe = z.object({
  time: moment,
  kind: z.literal('probe'),
  event: z.enum(['sweep', 'sample', 'change']),
  generation: natural,
  began: moment,
  outcome,
  results: z.array(
    z.object({
      view: text,
      transport: text,
      qtype: text,
      outcome,
      asked: natural,
      leaked: natural,
      failed: natural,
      examples: z.array(text),
    }),
  ),
  coverage: z.object({ names: natural, asked: natural, share: z.number().min(0).max(1) }).exactOptional(),
  unasked: z.array(z.object({ view: text, reason: text })).exactOptional(),
  certificates: z
    .array(
      z.object({
        view: text,
        transport: text,
        name: text,
        names: z.array(text),
        fingerprint: text.exactOptional(),
        ends: anyMoment.exactOptional(),
        daysLeft: z.int().exactOptional(),
        faults: z.array(text),
        notes: z.array(text),
      }),
    )
    .exactOptional(),
});

const records = z.object({
  time: moment,
  kind: z.literal('records'),
  event: z.enum([
    ...['dropped', 'clock-step', 'archived', 'deleted', 'restored', 'damaged', 'pseudonym-key'],
    ...['counting-key', 'reidentified', 'output-dropped', 'reserve-begin', 'reserve-end'],
    'register',
  ] as const),
  count: natural.exactOptional(),
  ms: difference.exactOptional(),
  file: text.exactOptional(),
  output: text.exactOptional(),
  by: text.exactOptional(),
  reason: text.exactOptional(),
  text: text.exactOptional(),
  key: natural.exactOptional(),
  escrow: text.exactOptional(),
  sealed: text.exactOptional(),
  day: day.exactOptional(),
  keyId: text.exactOptional(),
  from: moment.exactOptional(),
  until: moment.exactOptional(),
  logSize: natural.exactOptional(),
  unsigned: natural.exactOptional(),
});

const admin = z.object({
  time: moment,
  kind: z.literal('admin'),
  action: text,
  by: text,
  reason: text.exactOptional(),
  detail: paper.exactOptional(),
});

const fleet = z.object({
  time: moment,
  kind: z.literal('fleet'),
  event: z.enum([
    ...['applied', 'refused', 'kept', 'stopped', 'fork', 'cut-off', 'heard-again', 'suspended', 'resumed'],
    ...['clock', 'token-refused', 'evidence-refused', 'recovered', 'replaced'],
    ...['probe-asked', 'probed', 'probe-refused'],
  ] as const),
  number: natural.exactOptional(),
  hash: text.exactOptional(),
  entry: text.exactOptional(),
  subject: text.exactOptional(),
  authorityTime: anyMoment.exactOptional(),
  offsetMs: difference.exactOptional(),
  code: text.exactOptional(),
  reason: text.exactOptional(),
});

const foreign = z.object({
  time: moment,
  kind: z.literal('foreign'),
  event: z.enum(['policy', 'connected', 'disconnected', 'answers', 'proof']),
  resolver: text,
  files: z.array(z.object({ file: text, sha256: text, entries: natural })).exactOptional(),
  reason: text.exactOptional(),
  from: moment.exactOptional(),
  until: moment.exactOptional(),
  answers: natural.exactOptional(),
  refused: natural.exactOptional(),
  leaked: natural.exactOptional(),
  failed: natural.exactOptional(),
  malformed: natural.exactOptional(),
  isHeld: z.literal(true).exactOptional(),
  leakedFrom: moment.exactOptional(),
  leakedUntil: moment.exactOptional(),
  names: z.array(z.object({ qname: text, count: natural, example: text })).exactOptional(),
  proof: z
    .object({
      ...{ sha256: text, keyid: text, mandate: text, version: text, asked: z.array(text) },
      ...{ began: moment, ended: moment, verdict: z.enum(['enforced', 'leaking', 'broken', 'unproven']) },
      ...{ names: natural, askedNames: natural, leakedNames: natural },
    })
    .exactOptional(),
});

type Same<One, Other> = [One] extends [Other] ? ([Other] extends [One] ? true : false) : false;
type Unchanging<Value> = Value extends readonly (infer Item)[]
  ? readonly Unchanging<Item>[]
  : Value extends object
    ? { readonly [Name in keyof Value]: Unchanging<Value[Name]> }
    : Value;

/** The schema of a record: compiles only where it reads what is written, all of it and nothing else. */
const of =
  <Written>() =>
  <Schema extends z.ZodType>(
    schema: Schema & (Same<Unchanging<z.infer<Schema>>, Unchanging<Written>> extends true ? unknown : never),
  ): z.ZodType<Written> =>
    // The same, as was just shown; the compiler does not follow.
    schema as unknown as z.ZodType<Written>;

/** Schemas of a kind; an event that none of them knows is of a later version. */
interface Kind {
  readonly class: RecordClass;
  readonly schemas: readonly z.ZodType<object>[];
  readonly events: ReadonlySet<string> | undefined;
}

const queryKind: Kind = { class: 'queries', schemas: [of<QueryRecord>()(query)], events: undefined };
const changeKind = (
  events: readonly string[] | undefined,
  ...schemas: readonly z.ZodType<ChangeRecord>[]
): Kind => ({ class: 'changes', schemas, events: events && new Set(events) });

const RECORD_KINDS: Readonly<Record<(typeof QUERY_KINDS)[number] | (typeof CHANGE_KINDS)[number], Kind>> = {
  refusal: queryKind,
  'would-refuse': queryKind,
  'exemption-hit': queryKind,
  bypass: queryKind,
  sketch: { class: 'queries', schemas: [of<SketchRecord>()(sketch)], events: undefined },
  service: changeKind(service.shape.event.options, of<ServiceRecord>()(service)),
  enforcement: changeKind(
    [...gap.shape.event.options, standing.shape.event.value],
    of<EnforcementStateRecord>()(standing),
    of<EnforcementGapRecord>()(gap),
  ),
  list: changeKind(list.shape.event.options, of<ListRecord>()(list)),
  configuration: changeKind(configuration.shape.event.options, of<ConfigurationRecord>()(configuration)),
  exemption: changeKind(exemption.shape.event.options, of<ExemptionRecord>()(exemption)),
  decision: changeKind(decision.shape.event.options, of<DecisionRecord>()(decision)),
  probe: changeKind(probe.shape.event.options, of<ProbeRecord>()(probe)),
  records: changeKind(records.shape.event.options, of<RecordsRecord>()(records)),
  admin: changeKind(undefined, of<AdminRecord>()(admin)),
  foreign: changeKind(foreign.shape.event.options, of<ForeignRecord>()(foreign)),
  fleet: changeKind(fleet.shape.event.options, of<FleetRecord>()(fleet)),
};

/** Every kind with each of its events, for who has words for them. */
export const RECORD_EVENTS: readonly { readonly kind: string; readonly event: string }[] = Object.entries(
  RECORD_KINDS,
).flatMap(([kind, { events }]) => [...(events ?? [''])].map((event) => ({ kind, event })));

/** What every record has, also one of a kind that this version does not know. */
const later = z.object({ time: moment, kind: z.string().max(40), count: query.shape.count });

/** What a value of a block is: a record of this version, one of a later version, or nothing that the program writes. */
export type RecordJudgement = 'fits' | 'later' | 'malformed';

/** A record of the chain of changes as this version reads it; undefined for one that is none. */
export const readChange = (value: object): ChangeRecord | undefined => {
  switch (judgeRecord(value, 'changes')) {
    case 'fits':
      // Judged.
      return value as ChangeRecord;
    case 'later':
      return { time: String((value as Readonly<Record<string, unknown>>)['time']), kind: 'later' };
    case 'malformed':
      return undefined;
  }
};

/** Judges a value of a block of a class. Never throws. */
export const judgeRecord = (value: unknown, recordClass: RecordClass): RecordJudgement => {
  if (typeof value !== 'object' || value === null) return 'malformed';
  const { kind: name, event } = value as Readonly<Record<string, unknown>>;
  const kind =
    typeof name === 'string' && Object.hasOwn(RECORD_KINDS, name)
      ? RECORD_KINDS[name as keyof typeof RECORD_KINDS]
      : undefined;
  if (kind === undefined) return later.safeParse(value).success ? 'later' : 'malformed';
  if (kind.class !== recordClass) return 'malformed';
  if (kind.schemas.some((schema) => schema.safeParse(value).success)) return 'fits';
  const isLater = kind.events !== undefined && typeof event === 'string' && !kind.events.has(event);
  return isLater && later.safeParse(value).success ? 'later' : 'malformed';
};
