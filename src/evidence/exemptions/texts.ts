// Exemptions as text files, for those who keep policy under version control: reading them, with the place of each fault.
//
// A file holds one exemption, or a list of them under "exemptions". Of a directory every file is read whose name ends
// in .yaml or .yml, in the order of names, and no directory below it. What a file says is judged elsewhere; here it is
// only understood. A directory that is not there is a problem and not an empty one: a file system that was not mounted
// is no decision of anybody.
import { isUtf8 } from 'node:buffer';
import { readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { errorText, readRegularFile, systemErrorCode } from '../../base/base.ts';
import { type ExemptionProblem, type FaultPlace, type FieldPath, toProblem } from './problem.ts';
import { hashOf, readApproved, type WrittenExemption } from './terms.ts';
import { readYaml } from './yaml.ts';

/** Bytes of a file: 50 exemptions with a page of text each. */
const FILE_BYTES_MAX = 256 * 1024;
/** As many as exemptions may stand. */
const FILES_MAX = 10_000;
const EXTENSION = /\.ya?ml$/;

/** One exemption of a file. */
export interface ExemptionText extends WrittenExemption {
  /** Of what it says. */
  readonly sha256: string;
  /** Tells it from others of the file: what it says itself, or its place. */
  readonly id: string;
  /** Where a field stands. */
  placeOf(path: FieldPath): FaultPlace;
}

/** One file. */
export interface ExemptionTextFile {
  /** Its name in its directory. */
  readonly name: string;
  readonly texts: readonly ExemptionText[];
  /** What is wrong with its form, with places. */
  readonly problems: readonly ExemptionProblem[];
}

/** Everything that is read from one path. */
export interface ExemptionTextTree {
  readonly files: readonly ExemptionTextFile[];
  /** Why nothing could be read; then there are no files. */
  readonly problem: ExemptionProblem | undefined;
}

/** Reads a file or a directory. Never throws for what is there. */
export const readExemptionTexts = (path: string): ExemptionTextTree => {
  try {
    if (!statSync(path).isDirectory()) return { files: [readFile(path)], problem: undefined };
    const names = readdirSync(path)
      .filter((name) => EXTENSION.test(name) && !name.startsWith('.'))
      .sort();
    if (names.length > FILES_MAX) return unreadable(path, `has more than ${FILES_MAX} files`);
    // A link that leads nowhere is a file with a problem.
    const paths = names
      .map((name) => join(path, name))
      .filter((file) => statSync(file, { throwIfNoEntry: false })?.isDirectory() !== true);
    return { files: paths.map(readFile), problem: undefined };
  } catch (thrown) {
    if (systemErrorCode(thrown) === undefined) throw thrown;
    return unreadable(path, errorText(thrown));
  }
};

/** What a file that asks for one exemption says, as values; problems when it is no YAML. */
export const readRequestFile = (
  path: string,
): { readonly raw: unknown; readonly problems: readonly ExemptionProblem[] } => {
  const content = readContent(path);
  return typeof content === 'string' ? readYaml(path, content) : { raw: undefined, problems: [content] };
};

const readFile = (path: string): ExemptionTextFile => {
  const name = basename(path);
  const content = readContent(path);
  if (typeof content !== 'string') return { name, texts: [], problems: [content] };
  const { raw, problems, placeOf } = readYaml(path, content);
  if (problems.length > 0) return { name, texts: [], problems };
  const many = listOf(raw);
  const items = many ?? [raw];
  const texts = items.map((item, index): ExemptionText => {
    const written = readApproved(item);
    const above: FieldPath = many === undefined ? [] : ['exemptions', index];
    return {
      ...written,
      sha256: hashOf(written),
      id: written.key ?? `#${index + 1}`,
      placeOf: (field) => placeOf([...above, ...field]),
    };
  });
  const faults = texts.flatMap((text) =>
    text.faults.map((fault) => toProblem(fault, text.placeOf(fault.path))),
  );
  return { name, texts, problems: faults };
};

/** The items of a file of many; undefined for a file of one. An empty file has none. */
const listOf = (raw: unknown): readonly unknown[] | undefined => {
  if (raw === null || raw === undefined) return [];
  if (typeof raw !== 'object' || Array.isArray(raw)) return undefined;
  const { exemptions, ...rest } = raw as { exemptions?: unknown };
  return Array.isArray(exemptions) && Object.keys(rest).length === 0 ? exemptions : undefined;
};

const readContent = (path: string): string | ExemptionProblem => {
  const place = { file: path, line: 0, column: 0 };
  const wrong = (text: string) => toProblem({ code: 'ERR_EXEMPTION_READ', path: [], text }, place);
  try {
    const bytes = readRegularFile(path, FILE_BYTES_MAX);
    return bytes.includes(0) || !isUtf8(bytes) ? wrong('is not UTF-8 text') : bytes.toString('utf8');
  } catch (thrown) {
    if (systemErrorCode(thrown) === undefined) throw thrown;
    return wrong(
      systemErrorCode(thrown) === 'EFBIG' ? `has over ${FILE_BYTES_MAX} bytes` : errorText(thrown),
    );
  }
};

const unreadable = (path: string, text: string): ExemptionTextTree => ({
  files: [],
  problem: toProblem({ code: 'ERR_EXEMPTION_READ', path: [], text }, { file: path, line: 0, column: 0 }),
});
