// What a record looks like, for whoever reads one that somebody else wrote: the collector, verify() and reports.
//
// The types of record.ts say what the program writes; the shapes here are held to them by the compiler, member by member,
// so that neither knows what the other does not. Numbers are safe and not negative, times are written as the recorder writes
// them. A kind or an event that this version does not know is of a later one: it has a time, and nothing else of it is read.
// Members that are not known pass, for the same reason. Loaded only where records are judged: the recorder does so
// once after a start, and keeps it, which is why this is no library of schemas (shape.ts).
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
import {
  between,
  integer,
  isBoolean,
  isText,
  isTrue,
  listOf,
  object,
  oneOf,
  optional,
  orNull,
  type Shape,
  textThat,
  type ValueOf,
} from './shape.ts';
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

/** What RFC 3339 calls a full date, and a moment with an offset. */
const DAY_FORM = /^\d{4}-\d\d-\d\d$/;
const MOMENT_FORM =
  /^\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;
const NOT_ENFORCED = LIST_STANDINGS.filter((standing) => standing !== 'enforced');

/** True when the first ten characters are a day that there is. */
const isDate = (value: string): boolean => {
  const midnight = `${value.slice(0, 10)}T00:00:00.000Z`;
  const ms = Date.parse(midnight);
  return !Number.isNaN(ms) && new Date(ms).toISOString() === midnight;
};

const text = isText;
const moment = textThat(isMoment);
/** Of certificates and of what people wrote: with other fractions of a second. */
const anyMoment = textThat((value) => MOMENT_FORM.test(value) && isDate(value));
const day = textThat((value) => DAY_FORM.test(value) && isDate(value));
const natural = integer(0);
const ms = between(0, MS_MAX);
const difference = between(-MS_MAX, MS_MAX);

const isPlain = (value: unknown, depth: number): boolean => {
  if (typeof value !== 'object' || value === null) return true;
  if (depth === 0) return false;
  if (Array.isArray(value)) return value.every((item) => isPlain(item, depth - 1));
  return Object.entries(value).every(
    ([name, member]) => !OWN_ANSWERS.has(name) && isPlain(member, depth - 1),
  );
};
const paper: Shape<object> = (value): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && isPlain(value, DEPTH_MAX);

const query = object({
  time: moment,
  kind: oneOf(['refusal', 'would-refuse', 'exemption-hit', 'bypass']),
  client: text,
  device: optional(text),
  reportedBy: optional(text),
  port: optional(integer(0, 65_535)),
  transport: text,
  group: text,
  qname: text,
  qtype: text,
  rcode: optional(text),
  list: optional(text),
  category: optional(text),
  version: optional(text),
  line: optional(natural),
  trigger: optional(text),
  target: optional(text),
  generation: natural,
  exemption: optional(text),
  ede: optional(natural),
  signal: optional(oneOf(BYPASS_SIGNALS)),
  count: optional(integer(1, COUNT_MAX)),
  until: optional(moment),
  summary: optional(oneOf(['client', 'total'])),
});

const sketch = object({
  time: moment,
  kind: oneOf(['sketch']),
  day,
  group: text,
  registers: textThat((value) => value.length <= 4 * SKETCH_REGISTERS && RISEN_TEXT.test(value)),
});

const service = object({
  time: moment,
  kind: oneOf(['service']),
  event: oneOf([
    ...['start', 'stop', 'unclean-end', 'worker-died', 'worker-started'],
    ...['cryptography', 'certificate', 'feed'],
  ] as const),
  version: optional(text),
  verifier: optional(text),
  logSize: optional(natural),
  unsigned: optional(natural),
  openssl: optional(text),
  modules: optional(listOf(object({ path: text, sha256: text }))),
  directory: optional(text),
  names: optional(listOf(text)),
  issuer: optional(text),
  fingerprint: optional(text),
  until: optional(anyMoment),
  feed: optional(text),
  state: optional(oneOf(FEED_RECORD_STATES)),
  reason: optional(text),
  reviewed: optional(text),
  timestamp: optional(natural),
  behind: optional(listOf(object({ list: text, since: anyMoment, reason: text }))),
  lastWritten: optional(moment),
  worker: optional(natural),
});

const gap = object({
  time: moment,
  kind: oneOf(['enforcement']),
  event: oneOf(['gap-begin', 'gap-end']),
  cause: text,
  ms: optional(difference),
  by: optional(text),
  reason: optional(text),
});

const state = oneOf(MANDATE_STATES);
const cause = oneOf(NOT_ENFORCING_CAUSES);
const standing = object({
  time: moment,
  kind: oneOf(['enforcement']),
  event: oneOf(['state']),
  state,
  cause: optional(cause),
  previous: optional(state),
  ms: optional(ms),
  groups: listOf(
    object({
      group: text,
      state,
      cause: optional(cause),
      lists: optional(listOf(object({ list: text, standing: oneOf(NOT_ENFORCED) }))),
    }),
  ),
  by: optional(text),
  reason: optional(text),
});

const list = object({
  time: moment,
  kind: oneOf(['list']),
  event: oneOf([
    ...['in-force', 'out-of-force', 'fetched', 'fetch-failed'],
    ...['held', 'accepted', 'dismissed', 'rolled-back'],
  ] as const),
  list: text,
  category: optional(text),
  mandate: optional(isBoolean),
  sha256: optional(text),
  entries: optional(natural),
  reviewed: optional(text),
  reviewDue: optional(text),
  added: optional(natural),
  removed: optional(natural),
  generation: optional(natural),
  by: optional(text),
  reason: optional(text),
  code: optional(text),
});

const configuration = object({
  time: moment,
  kind: oneOf(['configuration']),
  event: oneOf(['in-force', 'refused']),
  sha256: optional(text),
  previous: optional(text),
  code: optional(text),
  cause: text,
  by: optional(text),
  reason: optional(text),
  differences: optional(listOf(object({ key: text, from: optional(text), to: optional(text) }))),
  more: optional(natural),
  suspendAfterMs: optional(orNull(natural)),
});

const exemption = object({
  time: moment,
  kind: oneOf(['exemption']),
  event: oneOf(['requested', 'approved', 'rejected', 'active', 'warned', 'expired', 'revoked']),
  id: text,
  by: optional(text),
  role: optional(text),
  reason: optional(text),
  paper,
});

const decision = object({
  time: moment,
  kind: oneOf(['decision']),
  event: oneOf([
    ...['set', 'changed', 'removed'],
    ...['review-near', 'review-passed', 'end-near', 'end-passed'],
  ] as const),
  list: text,
  decision: optional(paper),
});

const outcome = oneOf(['enforced', 'leaking', 'broken']);
const probe = object({
  time: moment,
  kind: oneOf(['probe']),
  event: oneOf(['sweep', 'sample', 'change']),
  generation: natural,
  began: moment,
  outcome,
  results: listOf(
    object({
      view: text,
      transport: text,
      qtype: text,
      outcome,
      asked: natural,
      leaked: natural,
      failed: natural,
      examples: listOf(text),
    }),
  ),
  coverage: optional(object({ names: natural, asked: natural, share: between(0, 1) })),
  unasked: optional(listOf(object({ view: text, reason: text }))),
  certificates: optional(
    listOf(
      object({
        view: text,
        transport: text,
        name: text,
        names: listOf(text),
        fingerprint: optional(text),
        ends: optional(anyMoment),
        daysLeft: optional(integer(Number.MIN_SAFE_INTEGER)),
        faults: listOf(text),
        notes: listOf(text),
      }),
    ),
  ),
});

const records = object({
  time: moment,
  kind: oneOf(['records']),
  event: oneOf([
    ...['dropped', 'clock-step', 'archived', 'deleted', 'restored', 'damaged', 'pseudonym-key'],
    ...['counting-key', 'reidentified', 'output-dropped', 'reserve-begin', 'reserve-end'],
    'register',
  ] as const),
  count: optional(natural),
  ms: optional(difference),
  file: optional(text),
  output: optional(text),
  by: optional(text),
  reason: optional(text),
  text: optional(text),
  key: optional(natural),
  escrow: optional(text),
  sealed: optional(text),
  day: optional(day),
  keyId: optional(text),
  from: optional(moment),
  until: optional(moment),
  logSize: optional(natural),
  unsigned: optional(natural),
});

const admin = object({
  time: moment,
  kind: oneOf(['admin']),
  action: text,
  by: text,
  reason: optional(text),
  detail: optional(paper),
});

const fleet = object({
  time: moment,
  kind: oneOf(['fleet']),
  event: oneOf([
    ...['applied', 'refused', 'kept', 'stopped', 'fork', 'cut-off', 'heard-again', 'suspended', 'resumed'],
    ...['clock', 'token-refused', 'evidence-refused', 'recovered', 'replaced'],
    ...['probe-asked', 'probed', 'probe-refused'],
  ] as const),
  number: optional(natural),
  hash: optional(text),
  entry: optional(text),
  subject: optional(text),
  authorityTime: optional(anyMoment),
  offsetMs: optional(difference),
  code: optional(text),
  reason: optional(text),
});

const foreign = object({
  time: moment,
  kind: oneOf(['foreign']),
  event: oneOf(['policy', 'connected', 'disconnected', 'answers', 'proof']),
  resolver: text,
  files: optional(listOf(object({ file: text, sha256: text, entries: natural }))),
  reason: optional(text),
  from: optional(moment),
  until: optional(moment),
  answers: optional(natural),
  refused: optional(natural),
  leaked: optional(natural),
  failed: optional(natural),
  malformed: optional(natural),
  isHeld: optional(isTrue),
  leakedFrom: optional(moment),
  leakedUntil: optional(moment),
  names: optional(listOf(object({ qname: text, count: natural, example: text }))),
  proof: optional(
    object({
      ...{ sha256: text, keyid: text, mandate: text, version: text, asked: listOf(text) },
      ...{ began: moment, ended: moment, verdict: oneOf(['enforced', 'leaking', 'broken', 'unproven']) },
      ...{ names: natural, askedNames: natural, leakedNames: natural },
    }),
  ),
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
  <Of extends Shape<unknown>>(
    shape: Of & (Same<Unchanging<ValueOf<Of>>, Unchanging<Written>> extends true ? unknown : never),
  ): Shape<Written> =>
    // The same, as was just shown; the compiler does not follow.
    shape as unknown as Shape<Written>;

/** Schemas of a kind; an event that none of them knows is of a later version. */
interface Kind {
  readonly class: RecordClass;
  readonly shapes: readonly Shape<object>[];
  readonly events: ReadonlySet<string> | undefined;
}

const queryKind: Kind = { class: 'queries', shapes: [of<QueryRecord>()(query)], events: undefined };
const changeKind = (
  events: readonly string[] | undefined,
  ...shapes: readonly Shape<ChangeRecord>[]
): Kind => ({ class: 'changes', shapes, events: events && new Set(events) });

const RECORD_KINDS: Readonly<Record<(typeof QUERY_KINDS)[number] | (typeof CHANGE_KINDS)[number], Kind>> = {
  refusal: queryKind,
  'would-refuse': queryKind,
  'exemption-hit': queryKind,
  bypass: queryKind,
  sketch: { class: 'queries', shapes: [of<SketchRecord>()(sketch)], events: undefined },
  service: changeKind(service.members.event.words, of<ServiceRecord>()(service)),
  enforcement: changeKind(
    [...gap.members.event.words, ...standing.members.event.words],
    of<EnforcementStateRecord>()(standing),
    of<EnforcementGapRecord>()(gap),
  ),
  list: changeKind(list.members.event.words, of<ListRecord>()(list)),
  configuration: changeKind(configuration.members.event.words, of<ConfigurationRecord>()(configuration)),
  exemption: changeKind(exemption.members.event.words, of<ExemptionRecord>()(exemption)),
  decision: changeKind(decision.members.event.words, of<DecisionRecord>()(decision)),
  probe: changeKind(probe.members.event.words, of<ProbeRecord>()(probe)),
  records: changeKind(records.members.event.words, of<RecordsRecord>()(records)),
  admin: changeKind(undefined, of<AdminRecord>()(admin)),
  foreign: changeKind(foreign.members.event.words, of<ForeignRecord>()(foreign)),
  fleet: changeKind(fleet.members.event.words, of<FleetRecord>()(fleet)),
};

/** Every kind with each of its events, for who has words for them. */
export const RECORD_EVENTS: readonly { readonly kind: string; readonly event: string }[] = Object.entries(
  RECORD_KINDS,
).flatMap(([kind, { events }]) => [...(events ?? [''])].map((event) => ({ kind, event })));

/** What every record has, also one of a kind that this version does not know. */
const later = object({
  time: moment,
  kind: textThat(({ length }) => length <= 40),
  count: query.members.count,
});

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
  if (kind === undefined) return later(value) ? 'later' : 'malformed';
  if (kind.class !== recordClass) return 'malformed';
  if (kind.shapes.some((shape) => shape(value))) return 'fits';
  const isLater = kind.events !== undefined && typeof event === 'string' && !kind.events.has(event);
  return isLater && later(value) ? 'later' : 'malformed';
};
