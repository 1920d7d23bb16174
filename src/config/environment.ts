// Overrides from environment variables: every key that is not inside a list has one.
//
// The name is CORDON_, then the path in capitals, parts joined by "_" and "-" written as "_": `cache.ttl.negative-max`
// is CORDON_CACHE_TTL_NEGATIVE_MAX. The value goes through the same schema as the file. A variable that no key has
// is a problem, except those that Kubernetes sets for a service called "cordon".
import { resolve } from 'node:path';
import type { z } from 'zod';
import { formatPath, type Path, type Problem } from './problem.ts';
import { configSchema, shapeOf } from './schema.ts';
import { kinds, suggest } from './value.ts';

const NAME_PREFIX = 'CORDON_';
/**
 * Read before there is a configuration: by the datagram room, which chooses how sockets are opened, and by src/launch.mjs,
 * which starts Node.js with a FIPS module.
 */
const OTHER_VARIABLES: readonly string[] = ['CORDON_NO_BATCH', 'CORDON_OPENSSL_CONFIG'];
/** https://kubernetes.io/docs/tutorials/services/connect-applications-service/#environment-variables */
const KUBERNETES_NAME = /_SERVICE_(HOST|PORT(_\w+)?)$|_PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?$/;

/** The variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A configuration with the variables' values in place. */
export interface Overlay {
  readonly raw: Record<string, unknown>;
  readonly problems: readonly Problem[];
  /** The variable that set the value of the path or of one above it. */
  variableOf(path: Path): string | undefined;
}

interface Variable {
  readonly path: readonly string[];
  readonly isList: boolean;
  readonly isPath: boolean;
}

/** Sets what the environment says over what the file says. Paths are relative to the working directory. */
export const overlayEnvironment = (
  raw: Record<string, unknown>,
  environment: Environment,
  workingDirectory: string,
): Overlay => {
  const variables = listVariables();
  const result = structuredClone(raw);
  const problems: Problem[] = [];
  const names = new Map<string, string>();
  for (const [name, text] of Object.entries(environment).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!name.startsWith(NAME_PREFIX) || text === undefined || text === '') continue;
    const variable = variables.get(name);
    if (variable !== undefined) {
      setValue(result, variable.path, readValue(variable, text, workingDirectory));
      names.set(formatPath(variable.path), name);
    } else if (!KUBERNETES_NAME.test(name) && !OTHER_VARIABLES.includes(name)) {
      problems.push(unknownVariable(name, variables.keys()));
    }
  }
  return { raw: result, problems, variableOf: (path) => findVariable(names, path) };
};

/** The names of variables that set keys, in the order of the alphabet. */
export const configVariables = (environment: Environment): readonly string[] => {
  const known = listVariables();
  return Object.keys(environment)
    .filter((name) => known.has(name) && (environment[name] ?? '') !== '')
    .sort();
};

/** The variable of each key, in the order of the schema. */
export const listVariables = (): ReadonlyMap<string, Variable> => {
  const variables = new Map<string, Variable>();
  collect(configSchema, [], variables);
  return variables;
};

const collect = (schema: z.ZodType, path: readonly string[], variables: Map<string, Variable>): void => {
  const { shape } = shapeOf(schema);
  if (shape.kind === 'map') {
    for (const [name, below] of shape.keys) collect(below, [...path, name], variables);
    return;
  }
  const leafSchema = shape.kind === 'list' ? shapeOf(shape.item).shape : shape;
  if (leafSchema.kind !== 'leaf') return;
  const kind = kinds.get(leafSchema.schema);
  const name = NAME_PREFIX + path.join('_').replaceAll('-', '_').toUpperCase();
  variables.set(name, { path, isList: shape.kind === 'list', isPath: kind?.name === 'path' });
};

const readValue = (variable: Variable, text: string, workingDirectory: string): unknown => {
  if (variable.isList) return text.split(',').map((item) => item.trim());
  return variable.isPath ? resolve(workingDirectory, text) : readScalar(text.trim());
};

/** Numbers and booleans as YAML would read them; everything else is text. */
const readScalar = (text: string): string | number | boolean => {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?\d{1,15}$/.test(text) ? Number(text) : text;
};

/** A map that is missing is made; where something else stands, the schema reports that. */
const setValue = (raw: Record<string, unknown>, path: readonly string[], value: unknown): void => {
  let map = raw;
  for (const name of path.slice(0, -1)) {
    map[name] ??= {};
    const below = map[name];
    if (typeof below !== 'object' || below === null || Array.isArray(below)) return;
    map = below as Record<string, unknown>;
  }
  map[path.at(-1) ?? ''] = value;
};

const findVariable = (names: ReadonlyMap<string, string>, path: Path): string | undefined => {
  for (let length = path.length; length > 0; length--) {
    const name = names.get(formatPath(path.slice(0, length)));
    if (name !== undefined) return name;
  }
  return undefined;
};

const unknownVariable = (name: string, known: Iterable<string>): Problem => {
  const place = { file: 'environment', line: 0, column: 0, path: '', variable: name };
  const hint = suggest(name, known);
  const problem = { ...place, code: 'ERR_CONFIG_UNKNOWN_KEY', text: 'no key has this variable' } as const;
  return hint === undefined ? problem : { ...problem, hint };
};
