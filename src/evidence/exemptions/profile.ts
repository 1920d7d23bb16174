// Profiles of jurisdictions: the rules that exemptions have to keep, as data.
//
// Legal basis, grounds, durations and approvers differ between jurisdictions and change; none of them is a constant
// of the code. The profiles that ship pass the same schema as a file that an agency writes. What a public text says
// carries its source; what has none is Cordon's own choice and can be replaced by a file.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { AppError, errorText, readRegularFile, systemErrorCode } from '../../base/base.ts';
import { formatExemptionProblem, toProblem } from './problem.ts';
import { readYaml } from './yaml.ts';

/** Bytes of a profile file: the largest that ships has 3,000. */
const FILE_BYTES_MAX = 64 * 1024;
/** Characters of a title or a citation. */
const LINE_LENGTH_MAX = 300;
/** Ten years: a longer "exemption" is a change of the rule itself. */
const DURATION_DAYS_MAX = 3660;
/** Entries of each list of a profile; an agency knows a handful of each. */
const ENTRIES_MAX = 32;
/** Warnings before one end; each is an event of the register. */
const WARNINGS_MAX = 8;

const line = z.string().trim().min(1).max(LINE_LENGTH_MAX);
const identifier = z
  .string()
  .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'has to be small letters and digits, parts joined by "-"')
  .max(40);
const day = z.iso.date();
/** A day, or a month or year where the source says no more. */
const dateText = z.string().regex(/^\d{4}(-\d{2}(-\d{2})?)?$/, 'has to be a date');
const source = line.optional();

/** Refuses two entries of one name. */
const unique =
  <Entry>(nameOf: (entry: Entry) => string) =>
  (entries: readonly Entry[]): boolean =>
    new Set(entries.map(nameOf)).size === entries.length;

/** The schema of a profile: as a file writes it. */
export const profileSchema = z.strictObject({
  id: identifier,
  title: line,
  /** What reports cite. */
  'legal-basis': z
    .array(z.strictObject({ reference: line, title: line, date: dateText.optional() }))
    .min(1)
    .max(ENTRIES_MAX),
  /** The only reasons for which an exemption is granted; none: no text names any, and any will do. */
  grounds: z
    .array(z.strictObject({ id: identifier, title: line, source }))
    .max(ENTRIES_MAX)
    .refine(
      unique<{ id: string }>(({ id }) => id),
      'has an id twice',
    ),
  duration: z.strictObject({
    /** From beginning to end, in days of 24 hours; absent: no text has a term. */
    'days-max': z.int().min(1).max(DURATION_DAYS_MAX).optional(),
    /** How far ahead of its approval an exemption may begin: otherwise years could be approved in one sitting. */
    'start-within-days': z.int().min(0).max(366),
    source,
  }),
  /** Who may approve; none: no text names anybody, and any role will do. */
  approvers: z
    .array(
      z.strictObject({
        role: identifier,
        title: line,
        /** Whether the reference of a delegation is needed. */
        delegation: z.boolean(),
        source,
      }),
    )
    .max(ENTRIES_MAX)
    .refine(
      unique<{ role: string }>(({ role }) => role),
      'has a role twice',
    ),
  /** Fewest characters of each text. */
  texts: z.strictObject({
    justification: z.int().min(1).max(1000),
    alternatives: z.int().min(1).max(1000),
    mitigation: z.int().min(1).max(1000),
    source,
  }),
  mitigations: z.strictObject({
    least: z.int().min(1).max(ENTRIES_MAX),
    /** Measures that have a name; a required one has to be among the mitigations of each exemption. */
    checklist: z
      .array(z.strictObject({ id: identifier, title: line, required: z.boolean(), source }))
      .max(ENTRIES_MAX)
      .refine(
        unique<{ id: string }>(({ id }) => id),
        'has an id twice',
      )
      .default([]),
  }),
  scope: z.strictObject({
    /** Shortest prefix lengths that an exemption may have, by its own clients or by those of its groups. */
    'ipv4-length-min': z.int().min(1).max(32),
    'ipv6-length-min': z.int().min(1).max(128),
    /** Whether the group of all clients that no other group names may be exempt while there are other groups. */
    'default-group': z.boolean(),
    source,
  }),
  /** An exemption is warned of so many days before its end. */
  'warn-before-days': z.array(z.int().min(1).max(365)).max(WARNINGS_MAX),
  /** To whom approved exemptions are reported, and within how many days of which day. */
  reporting: z
    .strictObject({ to: line, 'within-days': z.int().min(1).max(DURATION_DAYS_MAX), of: day, source })
    .optional(),
  /** What a reader has to know about the profile. */
  notes: z.array(line).max(ENTRIES_MAX).default([]),
});

/** The rules of a jurisdiction. Plain data. */
export type Profile = Readonly<z.infer<typeof profileSchema>>;

/** Which rules a paper was judged by. */
export interface ProfileMark {
  readonly id: string;
  /** Of the profile's content, 64 hexadecimal digits. */
  readonly sha256: string;
}

/** The mark of a profile: equal for equal rules, in whatever order or layout a file writes them. */
export const markOf = (profile: Profile): ProfileMark => {
  // Several mandates as one are longer than a file may be; who made them has put them into one order.
  const { data = profile } = profileSchema.safeParse(profile);
  return { id: profile.id, sha256: createHash('sha256').update(JSON.stringify(data)).digest('hex') };
};

/** Reads a profile file. Throws ERR_EXEMPTION_PROFILE with all problems, one a line. */
export const readProfile = (path: string): Profile => {
  const { raw, problems, placeOf } = readYaml(path, readText(path));
  if (problems.length > 0) throw wrong(path, problems.map(formatExemptionProblem));
  const parsed = profileSchema.safeParse(raw);
  if (parsed.success) return parsed.data;
  throw wrong(
    path,
    parsed.error.issues.map(({ path: at, message }) => {
      const field = at.map((part) => (typeof part === 'number' ? part : String(part)));
      const fault = { code: 'ERR_EXEMPTION_PROFILE', path: field, text: lowerCase(message) } as const;
      return formatExemptionProblem(toProblem(fault, placeOf(field)));
    }),
  );
};

const readText = (path: string): string => {
  try {
    return readRegularFile(path, FILE_BYTES_MAX).toString('utf8');
  } catch (thrown) {
    if (systemErrorCode(thrown) === undefined || thrown instanceof AppError) throw thrown;
    throw wrong(path, [`${path}: ${errorText(thrown)}`]);
  }
};

const wrong = (path: string, lines: readonly string[]): AppError =>
  new AppError(
    'ERR_EXEMPTION_PROFILE',
    `reading the profile ${path}: ${lines.length} problem${lines.length === 1 ? '' : 's'}\n${lines.map((text) => `  ${text}\n`).join('')}`,
  );

const lowerCase = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);
