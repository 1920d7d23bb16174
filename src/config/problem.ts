// Problems of a configuration: values that are collected, never thrown, so that one run shows all of them.
//
// A problem tells where (file, line and column, or the environment variable), which key, what is wrong, and
// where possible what was probably meant. Codes are stable; texts are not.

/** What can be wrong with a configuration: every code with its meaning. */
export const CONFIG_PROBLEMS = {
  ERR_CONFIG_READ: 'The file cannot be read or is too large.',
  ERR_CONFIG_SYNTAX: 'The file is not YAML, or uses a part of YAML that configurations do not have.',
  ERR_CONFIG_DUPLICATE_KEY: 'A key stands twice in one map.',
  ERR_CONFIG_UNKNOWN_KEY: 'A key or an environment variable does not exist.',
  ERR_CONFIG_MISSING_KEY: 'A key that has to be there is not.',
  ERR_CONFIG_TYPE: 'A value is of the wrong kind, such as a text where a list belongs.',
  ERR_CONFIG_VALUE: 'A value is of the right kind, but does not parse or lies outside its bounds.',
  ERR_CONFIG_LIMIT: 'A list has more or fewer items than it may have.',
  ERR_CONFIG_REFERENCE: 'A value names something that does not exist.',
  ERR_CONFIG_CONFLICT: 'Values repeat or exclude each other.',
  ERR_CONFIG_NOT_INSTALLED: 'A key needs packages that this installation was made without.',
  ERR_CONFIG_UNAVAILABLE: 'This version cannot do what the key asks for.',
} as const;

/** The codes of problems. */
export type ConfigProblemCode = keyof typeof CONFIG_PROBLEMS;

/** One thing that is wrong, and where. */
export interface Problem {
  /** The file as the caller named it; `environment` for a variable. */
  readonly file: string;
  /** From 1; 0 when the place is not in a file. */
  readonly line: number;
  /** From 1, in UTF-16 code units; 0 when the place is not in a file. */
  readonly column: number;
  /** The key, such as `lists[0].id`; empty for the whole file. */
  readonly path: string;
  readonly code: ConfigProblemCode;
  /** One clause, lower case. */
  readonly text: string;
  /** What may have been meant or what to do, one clause. */
  readonly hint?: string;
  /** The environment variable that set the value. */
  readonly variable?: string;
}

/** Keys of maps and indexes of lists, from the top. */
export type Path = readonly PropertyKey[];

/** One line for people: `cordon.yaml:5:9: cache.sze: unknown key; did you mean "size"?`. */
export const formatProblem = (problem: Problem): string => {
  const position = problem.line > 0 ? `${problem.file}:${problem.line}:${problem.column}` : problem.file;
  const parts = [problem.variable === undefined ? position : `${position} ${problem.variable}`];
  if (problem.path !== '') parts.push(problem.path);
  parts.push(problem.hint === undefined ? problem.text : `${problem.text}; ${problem.hint}`);
  return parts.join(': ');
};

/** The text of a path: `lists[0].id`. */
export const formatPath = (path: Path): string => {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else text += text === '' ? String(part) : `.${String(part)}`;
  }
  return text;
};
