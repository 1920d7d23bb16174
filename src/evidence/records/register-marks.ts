// The register of exemptions against the chain of changes: the register is a cache of what the chain says.
//
// Each event of the register is recorded as well, in the same words. Once a day and at each start that found nothing wrong,
// the recorder is told how many events the register has and under which hash, so that a chain whose beginning was deleted
// when its time was over still says what the register was. So what follows holds:
//
//   an end that the records hold is an end, signed or not, whatever the register says;
//   a grant holds when a signed record says so, or a signed statement covers it; or when the records do not reach it: they
//   were begun later, or the file of that time is damaged and set aside, which is told by itself.
//
// A grant that is in neither was put into the register by somebody else than the program, or its record was lost in the
// second before a crash: it is suspended until a person has looked. Numbers of exemptions begin anew in the register of a
// fleet; the time of the request tells one from another.
import { createHash } from 'node:crypto';

/** An event of an exemption, as the register and the chain have it. */
export interface ExemptionMark {
  /** Number and time of the request. */
  readonly key: string;
  readonly id: string;
  readonly event: string;
  readonly time: string;
  /** Of all of the event. */
  readonly digest: string;
  /** Of what its paper allows to whom. */
  readonly terms: string;
}

/** A register as it was read. */
export interface RegisterState {
  /** Below the state directory. */
  readonly file: string;
  /** Hash of each event, hexadecimal: it covers those before it. */
  readonly hashes: readonly string[];
  /** Events of exemptions, with the number of the event. */
  readonly marks: readonly (ExemptionMark & { readonly sequence: number })[];
}

/** What a record says that a register held. */
export interface RegisterStatement {
  readonly file: string;
  readonly count: number;
  readonly hash: string;
}

/** What the chain of changes says, in its order, or the end of it that was read. */
export interface RecordedMarks {
  readonly marks: readonly (ExemptionMark & { readonly isSigned: boolean })[];
  /** Signed ones; `before`: how many marks stand before it. */
  readonly statements: readonly (RegisterStatement & { readonly before: number })[];
  /** Times of which records are not there any more, or not as they were. */
  readonly gaps: readonly { readonly fromMs: number; readonly untilMs: number }[];
  /** Time of the first record that is there; undefined where there is none. */
  readonly beginsMs: number | undefined;
}

/** One difference between a register and the records. */
export interface RegisterDifference {
  /** The exemption; undefined: it is about the register as a whole. */
  readonly id: string | undefined;
  readonly text: string;
  /** It is granted by the register, and must not hold. */
  readonly isGranted: boolean;
}

const ENDS: ReadonlySet<string> = new Set(['rejected', 'expired', 'revoked']);
const GRANTS: ReadonlySet<string> = new Set(['approved', 'active', 'warned']);
/** Members of a paper that time and decisions change. */
const STANDING: ReadonlySet<string> = new Set(['state', 'activeAt', 'warnedDays', 'endedAt']);

/** The mark of an event; undefined for what is no event of an exemption. */
export const markOf = (record: object): ExemptionMark | undefined => {
  const { kind, id, event, time, paper } = record as Readonly<Record<string, unknown>>;
  if (kind !== 'exemption' || typeof id !== 'string' || typeof event !== 'string') return undefined;
  if (typeof time !== 'string' || typeof paper !== 'object' || paper === null) return undefined;
  const terms = Object.entries(paper).filter(([name]) => !STANDING.has(name));
  const { requestedAt } = paper as Readonly<Record<string, unknown>>;
  return {
    ...{ key: `${id} ${String(requestedAt)}`, id, event, time },
    digest: digestOf(record),
    terms: digestOf(terms.sort(([a], [b]) => (a < b ? -1 : 1))),
  };
};

/** What a record says that a register held; undefined for any other. */
export const statementOf = (record: object): RegisterStatement | undefined => {
  const { kind, event, file, count, text } = record as Readonly<Record<string, unknown>>;
  if (kind !== 'records' || event !== 'register') return undefined;
  if (typeof file !== 'string' || typeof count !== 'number' || typeof text !== 'string') return undefined;
  return { file, count, hash: text };
};

/** Whether a register is what a statement says, or has gone on from there. */
export const isCovered = ({ hashes }: RegisterState, { count, hash }: RegisterStatement): boolean =>
  count === 0 || hashes[count - 1] === hash;

/** By key, in the order of the events. */
export const byExemption = <Mark extends ExemptionMark>(marks: readonly Mark[]): Map<string, Mark[]> => {
  const found = new Map<string, Mark[]>();
  for (const mark of marks) {
    const known = found.get(mark.key);
    if (known === undefined) found.set(mark.key, [mark]);
    else known.push(mark);
  }
  return found;
};

/** True when its last event grants it. */
export const isStandingGrant = (marks: readonly ExemptionMark[]): boolean =>
  GRANTS.has(marks.at(-1)?.event ?? '') && !marks.some(({ event }) => ENDS.has(event));

/** When it ended by these events; undefined: it did not. */
export const endOf = (marks: readonly ExemptionMark[]): ExemptionMark | undefined =>
  marks.find(({ event }) => ENDS.has(event));

/** What a register says otherwise than the records. */
export const compareRegister = (register: RegisterState, recorded: RecordedMarks): RegisterDifference[] => {
  const found: RegisterDifference[] = [];
  const statement = recorded.statements.findLast(({ file }) => file === register.file);
  if (statement !== undefined && !isCovered(register, statement)) {
    const { count } = statement;
    const text =
      register.hashes.length < count
        ? `it has ${register.hashes.length} events, and had ${count}`
        : `its first ${count} events are not those that it had`;
    found.push({ id: undefined, text, isGranted: false });
  }
  const chain = byExemption(recorded.marks);
  for (const [key, marks] of byExemption(register.marks)) {
    const text = judge(marks, chain.get(key) ?? [], { register, recorded, statement });
    if (text !== undefined) found.push({ id: marks.at(-1)?.id, ...text });
  }
  return found;
};

/** What the records hold of exemptions that no register has, or that go on behind what the registers say. */
export const compareRecords = (
  registers: readonly RegisterState[],
  recorded: RecordedMarks,
): RegisterDifference[] => {
  const known = new Set(registers.flatMap(({ marks }) => marks.map(({ digest }) => digest)));
  const settled = Math.max(
    0,
    ...recorded.statements
      .filter((one) => registers.some((register) => register.file === one.file && isCovered(register, one)))
      .map(({ before }) => before),
  );
  const found: RegisterDifference[] = [];
  // What a register was taken for since then was looked at when it was.
  for (const marks of byExemption(recorded.marks.slice(settled)).values()) {
    const last = endOf(marks) ?? marks.at(-1);
    if (last === undefined || known.has(last.digest)) continue;
    const { id, event, time } = last;
    found.push({ id, text: `the records say that it was ${event} at ${time}`, isGranted: false });
  }
  return found;
};

const judge = (
  marks: RegisterState['marks'],
  chain: RecordedMarks['marks'],
  about: {
    readonly register: RegisterState;
    readonly recorded: RecordedMarks;
    readonly statement: RegisterStatement | undefined;
  },
): { readonly text: string; readonly isGranted: boolean } | undefined => {
  if (!isStandingGrant(marks)) return undefined;
  const end = endOf(chain);
  if (end !== undefined)
    return { text: `the records say that it was ${end.event} at ${end.time}`, isGranted: true };
  const grant = marks.findLast(({ event }) => event === 'approved');
  if (grant === undefined) return { text: 'nobody approved it', isGranted: true };
  if (marks.at(-1)?.terms !== grant.terms)
    return { text: 'its paper is not the one that was approved', isGranted: true };
  const { register, recorded, statement } = about;
  if (chain.some(({ digest, isSigned }) => isSigned && digest === grant.digest)) return undefined;
  if (statement !== undefined && grant.sequence <= statement.count && isCovered(register, statement))
    return undefined;
  if (isUnreached(Date.parse(grant.time), recorded, statement !== undefined)) return undefined;
  return { text: `no signed record says that it was approved at ${grant.time}`, isGranted: true };
};

/** True for a time that the records do not reach: nothing is known of it from them. */
const isUnreached = (timeMs: number, { gaps, beginsMs }: RecordedMarks, isStated: boolean): boolean =>
  (!isStated && (beginsMs === undefined || timeMs < beginsMs)) ||
  gaps.some(({ fromMs, untilMs }) => timeMs >= fromMs && timeMs <= untilMs);

const digestOf = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('base64');
