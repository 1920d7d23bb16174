// The paper of an exemption: who asked for what, on which grounds, who granted it, and what became of it.
//
// It is what records, reports and the register hold: plain data whose texts a person can read without this program.
// A paper never changes but for its state and the decisions that were added to it; another wish is another paper.
import { z } from 'zod';
import { AppError, deviceAddress, parsePrefix } from '../../base/base.ts';
import type { Schedule, SharedExemption } from '../../policy/policy.ts';
import { foldName, parseName } from '../../wire/dns/dns.ts';

/** Where an exemption stands. The last three are final. */
export const EXEMPTION_STATES = [
  'requested',
  'approved',
  'active',
  'rejected',
  'expired',
  'revoked',
] as const;

/** One of EXEMPTION_STATES. */
export type ExemptionState = (typeof EXEMPTION_STATES)[number];

/** Words of weekdays; a day's number is its place. */
export const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

const HOUR_MIN = 60;
const ADDRESS_BITS = 128;

const time = z.iso.datetime();
const id = z.string().regex(/^ex-\d{6,}$/);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
/** An Account. Any text behind the kind is read: a register is not thrown away for what a provider calls people. */
const account = z.templateLiteral([z.enum(['local', 'oidc', 'system']), ':', z.string()]);

const scheduleSchema = z.strictObject({
  weekdays: z.array(z.enum(WEEKDAYS)).optional(),
  /** `08:00-18:00` */
  hours: z.string().optional(),
  timezone: z.string(),
});

/** The schema of a paper as the register keeps it. */
export const paperSchema = z.strictObject({
  id,
  state: z.enum(EXEMPTION_STATES),
  origin: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('command') }),
    /** `sha256` is of what the text says; `key` tells texts of one file apart. */
    z.strictObject({ kind: z.literal('text'), file: z.string(), key: z.string(), sha256 }),
  ]),
  /** The profile that it was last judged by before it was granted. */
  profile: z.strictObject({ id: z.string(), sha256 }),
  requestedBy: z.string(),
  /** Whose request it is. Absent: of a text, or from before accounts were kept. */
  requesterAccount: account.optional(),
  requestedAt: time,
  grounds: z.string(),
  justification: z.string(),
  alternatives: z.string(),
  /** `item` is a measure of the profile's checklist. */
  mitigations: z.array(z.strictObject({ item: z.string().optional(), text: z.string() })),
  groups: z.array(z.string()),
  /** Prefixes. */
  clients: z.array(z.string()),
  /** Names of devices, by certificate or token. Absent: none. */
  devices: z.array(z.string()).optional(),
  /** Absent: all lists. */
  lists: z.array(z.string()).optional(),
  /** Names with everything below them, without the final dot. Absent: all names. */
  names: z.array(z.string()).optional(),
  schedule: scheduleSchema.optional(),
  from: time,
  /** Until just before this time. */
  until: time,
  renews: id.optional(),
  approvedBy: z.string().optional(),
  approverAccount: account.optional(),
  approvedAt: time.optional(),
  role: z.string().optional(),
  delegation: z.string().optional(),
  /** When it came into force, whenever that was written down. */
  activeAt: time.optional(),
  /** When it ended, was revoked or rejected, whenever that was written down. */
  endedAt: time.optional(),
  /** Of the last warning: so many days before the end. */
  warnedDays: z.number().optional(),
});

/** An exemption with its whole history but who did what, which its events tell. Plain data. */
export type ExemptionPaper = Readonly<z.infer<typeof paperSchema>>;

/** A measure that goes with an exemption. */
export type Mitigation = ExemptionPaper['mitigations'][number];

/** Times of a week, as they are written. */
export type ScheduleText = z.infer<typeof scheduleSchema>;

/** The number of a text form, also of a bare number; undefined when it is none. */
export const parseExemptionId = (text: string): number | undefined => {
  const [, digits] = /^(?:ex-)?(\d{1,9})$/.exec(text) ?? [];
  return digits === undefined || Number(digits) === 0 ? undefined : Number(digits);
};

/** True for an exemption that was granted and is not over. */
export const isGranted = ({ state }: ExemptionPaper): boolean => state === 'approved' || state === 'active';

/** True for an exemption that may still change. */
export const isStanding = (paper: ExemptionPaper): boolean => paper.state === 'requested' || isGranted(paper);

/** A paper as threads share it. Throws a RangeError for a paper that this program did not write. */
export const toSharedExemption = (paper: ExemptionPaper): SharedExemption => {
  const known = sharedOf.get(paper) ?? readShared(paper);
  sharedOf.set(paper, known);
  return known;
};

/** A paper never changes: each is read once, and thousands are handed on with each change of one. */
const sharedOf = new WeakMap<ExemptionPaper, SharedExemption>();

const readShared = (paper: ExemptionPaper): SharedExemption => ({
  number: parseExemptionId(paper.id) ?? 0,
  fromMs: Date.parse(paper.from),
  untilMs: Date.parse(paper.until),
  groups: paper.groups,
  clients: [
    ...paper.clients.map((text) => parsePrefix(text) ?? unreadable(paper, text)),
    ...(paper.devices ?? []).map((name) => ({ words: deviceAddress(name), bits: ADDRESS_BITS })),
  ],
  lists: paper.lists,
  names: paper.names?.map((text) => toWireName(text) ?? unreadable(paper, text)),
  ...(paper.schedule === undefined ? {} : { schedule: toSchedule(paper.schedule) }),
});

/** The wire form of a name, letters folded; undefined when it is no name, or the root. */
export const toWireName = (text: string): Uint8Array | undefined => {
  const name = parseName(text);
  if (typeof name === 'string' || name.length === 1) return undefined;
  foldName(name, 0, name.length);
  return name;
};

/** Minutes since midnight of `08:00-18:00`, past midnight when the first is later; undefined when it is malformed. */
export const parseHours = (text: string): { fromMin: number; untilMin: number } | undefined => {
  const [, ...parts] = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]|24(?=:00)):([0-5]\d)$/.exec(text) ?? [];
  if (parts.length === 0) return undefined;
  const [fromHour = 0, fromMinute = 0, untilHour = 0, untilMinute = 0] = parts.map(Number);
  const hours = { fromMin: fromHour * HOUR_MIN + fromMinute, untilMin: untilHour * HOUR_MIN + untilMinute };
  return hours.fromMin === hours.untilMin ? undefined : hours;
};

const toSchedule = ({ weekdays, hours, timezone }: ScheduleText): Schedule => ({
  weekdays: weekdays?.map((day) => WEEKDAYS.indexOf(day)),
  hours: hours === undefined ? undefined : parseHours(hours),
  timeZone: timezone,
});

const unreadable = (paper: ExemptionPaper, text: string): never => {
  throw new RangeError(`exemption ${paper.id}: ${JSON.stringify(text)} cannot be read`);
};

/** The number in the id of a paper. */
export const numberOf = ({ id }: ExemptionPaper): number => parseExemptionId(id) ?? 0;

/** Throws ERR_EXEMPTION_STATE for a paper that is in none of these states; `doing` is what was to be done. */
export const requireState = (
  { id, state }: ExemptionPaper,
  wanted: readonly ExemptionPaper['state'][],
  doing: string,
): void => {
  if (wanted.includes(state)) return;
  throw new AppError('ERR_EXEMPTION_STATE', `${doing} ${id}: it is ${state}, not ${wanted.join(' or ')}`, {
    hint: `"cordon exemptions show ${id}" has its history.`,
  });
};
