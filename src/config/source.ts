// The file of a configuration as values, and its faults as problems with their places.
import { type Position, readYaml } from '../base/yaml/yaml.ts';
import { formatPath, type Path, type Problem } from './problem.ts';

/** Characters: the bounds of the schema allow more, people do not write more. */
const TEXT_LENGTH_MAX = 1 << 20;

/** A file as values. */
export interface Source {
  /** Maps, lists, texts, numbers, booleans and null; undefined when the file cannot be understood at all. */
  readonly raw: Record<string, unknown> | undefined;
  readonly problems: readonly Problem[];
  /** Where the key of the path stands, or the nearest one above that is written. */
  positionOfKey(path: Path): Position;
  /** Where the value of the path stands, or the nearest one above that is written. */
  positionOfValue(path: Path): Position;
}

const NOWHERE: Position = { line: 0, column: 0 };
const TOP: Position = { line: 1, column: 1 };

/** The source of a configuration that has no file, or whose file cannot be read. */
export const emptySource = (raw: Source['raw'] = {}, problems: readonly Problem[] = []): Source => ({
  raw,
  problems,
  positionOfKey: () => NOWHERE,
  positionOfValue: () => NOWHERE,
});

/** Reads the text of a file; `file` is the name for problems. */
export const readSource = (file: string, text: string): Source => {
  const atTop = { file, ...TOP, path: '' };
  if (text.length > TEXT_LENGTH_MAX) {
    const tooLong = `the file has more than ${TEXT_LENGTH_MAX} characters`;
    return emptySource(undefined, [{ ...atTop, code: 'ERR_CONFIG_READ', text: tooLong }]);
  }
  const { raw, faults, positionOfKey, positionOfValue } = readYaml(text);
  const problems = faults.map(
    ({ kind, path, ...fault }): Problem => ({
      file,
      ...fault,
      path: formatPath(path),
      code: kind === 'repeat' ? 'ERR_CONFIG_DUPLICATE_KEY' : 'ERR_CONFIG_SYNTAX',
    }),
  );
  const values = raw === null ? {} : raw;
  if (values !== undefined && !isRecord(values)) {
    const noMap = 'expected a map of keys at the top of the file';
    problems.push({ ...atTop, code: 'ERR_CONFIG_TYPE', text: noMap });
  }
  return {
    raw: isRecord(values) ? values : undefined,
    problems,
    positionOfKey: (path) => positionOfKey(path) ?? positionOfValue(path) ?? TOP,
    positionOfValue: (path) => positionOfValue(path) ?? TOP,
  };
};

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
