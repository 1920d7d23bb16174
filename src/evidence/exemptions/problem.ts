// What can be wrong with an exemption: values that are collected, never thrown, so that one answer shows all of them.
//
// A problem tells which field, what is wrong, and what to do; for a text file also the line and column. Codes are
// stable, one for each rule of a profile, so that a refusal can be matched and a rule be tested by its code.

/** Every code with its meaning. */
export const EXEMPTION_PROBLEMS = {
  ERR_EXEMPTION_FIELD: 'A field does not exist, is of the wrong kind, or does not parse.',
  ERR_EXEMPTION_MISSING: 'A field that has to be there is not, or is empty.',
  ERR_EXEMPTION_LIMIT: 'A text or a list is too long, or the register holds as much as it may.',
  ERR_EXEMPTION_PROFILE: 'No profile of a jurisdiction is configured, or its file is wrong.',
  ERR_EXEMPTION_GROUNDS: 'The profile does not know the grounds.',
  ERR_EXEMPTION_JUSTIFICATION: 'The justification says too little.',
  ERR_EXEMPTION_ALTERNATIVES: 'What is said of alternatives is too little.',
  ERR_EXEMPTION_MITIGATIONS:
    'Mitigations are too few, say too little, or lack one that the profile requires.',
  ERR_EXEMPTION_PERIOD: 'The end is not after the beginning, or has passed.',
  ERR_EXEMPTION_DURATION: 'The exemption would last longer than the profile allows.',
  ERR_EXEMPTION_START: 'The beginning is further ahead than the profile allows.',
  ERR_EXEMPTION_SCOPE_EMPTY: 'Neither clients nor devices nor groups are named.',
  ERR_EXEMPTION_SCOPE_UNKNOWN: 'A group or a list is named that the configuration does not have.',
  ERR_EXEMPTION_SCOPE_WIDE: 'A prefix is wider than the profile allows.',
  ERR_EXEMPTION_SCOPE_BLANKET: 'The exemption, alone or with others, would cover everybody.',
  ERR_EXEMPTION_OVERLAP: 'An exemption of the same scope is granted for the same time.',
  ERR_EXEMPTION_RENEWAL: 'What is to be renewed was not granted, or is not over when the renewal begins.',
  ERR_EXEMPTION_SELF_APPROVAL: 'The requester cannot approve it.',
  ERR_EXEMPTION_APPROVER: 'The approver is not among the configured approvers.',
  ERR_EXEMPTION_ROLE: 'The profile does not know the role of the approver.',
  ERR_EXEMPTION_DELEGATION: 'The role needs the reference of a delegation.',
  ERR_EXEMPTION_UNRECORDED: 'Nothing is granted while no records are kept.',
  ERR_EXEMPTION_READ: 'A text file or directory cannot be read, or is no YAML.',
} as const;

/** The codes of problems. */
export type ExemptionProblemCode = keyof typeof EXEMPTION_PROBLEMS;

/** Keys of maps and indexes of lists, from the top. */
export type FieldPath = readonly (string | number)[];

/** One thing that is wrong, before it is known where it is written. */
export interface Fault {
  readonly code: ExemptionProblemCode;
  readonly path: FieldPath;
  /** One clause, lower case. */
  readonly text: string;
  /** What to do, one clause. */
  readonly hint?: string;
}

/** One thing that is wrong. Plain data. */
export interface ExemptionProblem {
  readonly code: ExemptionProblemCode;
  /** The field, such as `mitigations[0]`; empty for the whole. */
  readonly field: string;
  readonly text: string;
  readonly hint?: string;
  /** Of a text file, with line and column from 1; line 0 is the file as a whole. */
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
}

/** Where a fault is written. */
export interface FaultPlace {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A fault as plain data. */
export const toProblem = ({ code, path, text, hint }: Fault, place?: FaultPlace): ExemptionProblem => ({
  code,
  field: formatField(path),
  text,
  ...(hint === undefined ? {} : { hint }),
  ...place,
});

/** One line for people: `a.yaml:5:9: until: is 366 days after its beginning; at most 365 are allowed`. */
export const formatExemptionProblem = ({
  file,
  line,
  column,
  field,
  text,
  hint,
}: ExemptionProblem): string => {
  const parts: string[] = [];
  if (file !== undefined) parts.push(line === undefined || line === 0 ? file : `${file}:${line}:${column}`);
  if (field !== '') parts.push(field);
  parts.push(hint === undefined ? text : `${text}; ${hint}`);
  return parts.join(': ');
};

const formatField = (path: FieldPath): string => {
  let text = '';
  for (const part of path) text += typeof part === 'number' ? `[${part}]` : text === '' ? part : `.${part}`;
  return text;
};
