// Loading: file, environment, schema, checks across keys, and all problems of all of them in one answer.
//
// Only a file that is not YAML ends early: what the rest of it means would be guesswork. Loading reads one file and
// nothing else; it neither resolves names nor looks at the files that the configuration names.
import { isUtf8 } from 'node:buffer';
import { dirname, resolve } from 'node:path';
import { readRegularFile, systemErrorCode } from '../base/base.ts';
import { crossCheck } from './cross-check.ts';
import { type CrossCheckFacts, type Draft, itemsOf } from './draft.ts';
import { type Environment, type Overlay, overlayEnvironment } from './environment.ts';
import { toForm } from './form.ts';
import { reportIssue } from './issue.ts';
import { readMandates } from './mandate-file.ts';
import type { ReadMandates } from './mandate-pack.ts';
import { mayHaveState, type NamedFiles, namesOnly } from './named-files.ts';
import { layOver } from './overlay.ts';
import { type PrefixFiles, readPrefixFiles } from './prefix-file.ts';
import { formatPath, type Path, type Problem } from './problem.ts';
import { type Config, configSchema } from './schema.ts';
import { emptySource, readSource, type Source } from './source.ts';
import type { Fault } from './value.ts';

/** Bytes that are read; the reader of the text has the tighter bound. */
const FILE_BYTES_MAX = 4 << 20;

/** What loading needs to know of the program and its process. */
export interface ConfigFacts extends CrossCheckFacts {
  /** Absolute: what paths in variables are relative to, and all paths when there is no file. */
  readonly workingDirectory: string;
  /** YAML of overlays that a fleet sets, the narrowest last; `stateDirectory` as the file and the environment say. */
  readonly overlays?: (stateDirectory: string) => readonly string[];
  /** What somebody proposes in place of the file. */
  readonly proposal?: Proposal;
}

/** A text that is not the file's. */
export interface Proposal {
  readonly text: string;
  /** The files that it may name, and no others; `unread`: it was in force, and what it names is not read again. */
  readonly files: NamedFiles | 'unread';
}

/** Either a configuration or at least one problem. */
export type ConfigResult =
  | { readonly config: Config; readonly problems: readonly [] }
  | { readonly config: undefined; readonly problems: readonly Problem[] };

/** Loads the file (undefined: defaults only) with the environment's overrides. Never throws for what is written. */
export const loadConfig = (
  path: string | undefined,
  environment: Environment,
  facts: ConfigFacts,
): ConfigResult => {
  const file = path ?? '';
  const { proposal } = facts;
  const source = proposal === undefined ? sourceOf(path, facts) : readSource(file, proposal.text);
  const directory =
    path === undefined ? facts.workingDirectory : dirname(resolve(facts.workingDirectory, path));
  const own = overlayEnvironment(source.raw ?? {}, environment, facts.workingDirectory);
  const allowed = proposal?.files;
  const mayLay =
    allowed === undefined || (allowed !== 'unread' && mayHaveState(allowed, own.raw['state'], directory));
  const laid = layOver(own.raw, directory, mayLay ? facts.overlays : undefined);
  const overlay = { ...own, raw: laid.raw, problems: [...own.problems, ...laid.problems] };
  const problems = [...source.problems, ...overlay.problems];
  const report = (at: Path, fault: Fault) => problems.push(toProblem(file, source, overlay, at, fault));
  if (source.raw === undefined) return { config: undefined, problems };

  let files: PrefixFiles = new Map();
  let mandates: ReadMandates = new Map();
  const checked = configSchema.superRefine(
    (draft, context) => {
      const add = (at: Path, fault: Fault): void => {
        context.addIssue({ code: 'custom', path: [...at], message: fault.text, params: { fault } });
      };
      const problem = (found: Problem): void => {
        problems.push(found);
      };
      // What is in a file that may not be named is not told by what is wrong with it.
      const mayRead =
        allowed === undefined || (allowed !== 'unread' && namesOnly(allowed, draft, directory, add));
      mandates = readMandates(itemsOf((draft as Draft).mandates), directory, mayRead, {
        problem,
        fault: add,
      });
      crossCheck(draft as Draft, facts, mandates, add);
      if (!mayRead) return;
      files = readPrefixFiles(draft as Draft, directory, { problem, fault: add });
    },
    // The checks across keys run on what there is of an invalid configuration, which is why it counts as a Draft.
    { when: () => true },
  );
  const parsed = checked.safeParse(overlay.raw, { reportInput: true });
  for (const issue of parsed.error?.issues ?? []) reportIssue(configSchema, issue, report);
  if (problems.length > 0 || !parsed.success)
    return { config: undefined, problems: problems.sort(byPlace(file)) };
  const prefixesOf = (key: Path) => files.get(formatPath(key));
  return {
    config: toForm(configSchema, parsed.data, {
      ...{ directory, facts, prefixesOf },
      mandateOf: (index: number) => mandates.get(index),
    }),
    problems: [],
  };
};

const sourceOf = (path: string | undefined, { workingDirectory }: ConfigFacts): Source =>
  path === undefined ? emptySource() : openSource(path, workingDirectory);

const openSource = (path: string, workingDirectory: string): Source => {
  const failure = (text: string): Source => {
    const place = { file: path, line: 0, column: 0, path: '' };
    return emptySource(undefined, [{ ...place, code: 'ERR_CONFIG_READ', text }]);
  };
  let bytes: Buffer;
  try {
    const absolute = resolve(workingDirectory, path);
    bytes = readRegularFile(absolute, FILE_BYTES_MAX);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    if (code === 'EFBIG') return failure(`the file has over ${FILE_BYTES_MAX} bytes`);
    if (code === 'ENOTREG') return failure('it is no regular file');
    return failure(code === 'ENOENT' ? 'there is no such file' : `the file cannot be read (${code})`);
  }
  return bytes.includes(0) || !isUtf8(bytes)
    ? failure('the file is not UTF-8 text')
    : readSource(path, bytes.toString('utf8'));
};

const toProblem = (file: string, source: Source, overlay: Overlay, path: Path, fault: Fault): Problem => {
  const variable = overlay.variableOf(path);
  const isKey = fault.code === 'ERR_CONFIG_UNKNOWN_KEY';
  const position = isKey ? source.positionOfKey(path) : source.positionOfValue(path);
  return {
    ...(variable === undefined
      ? { file, ...position }
      : { file: 'environment', line: 0, column: 0, variable }),
    path: formatPath(path),
    code: fault.code,
    text: fault.text,
    ...(fault.hint === undefined ? {} : { hint: fault.hint }),
  };
};

/** Problems of the file first, then those of the files that it names; those of the environment last, as they were found. */
const byPlace =
  (file: string) =>
  (a: Problem, b: Problem): number => {
    const rankOf = (problem: Problem): number => {
      if (problem.variable !== undefined) return 2;
      return problem.file === file ? 0 : 1;
    };
    const rank = rankOf(a) - rankOf(b);
    if (rank !== 0 || rankOf(a) === 2) return rank;
    return a.file.localeCompare(b.file) || a.line - b.line || a.column - b.column;
  };
