// What most commands read: the configuration, and an address with a port.
import { existsSync } from 'node:fs';
import { AppError, type Endpoint, parseEndpoint, suggestEndpoint } from '../base/base.ts';
import { type Config, formatProblem, type Problem } from '../config/config.ts';
import { loadConfiguration } from '../host/app/app.ts';
import { UsageError } from './usage-error.ts';

/** The file that is read when no --config is given and it exists. */
const CONFIG_HERE = 'cordon.yaml';
/** The file of an installed service, for commands that look at what is there or ask the service. */
export const CONFIG_INSTALLED = '/etc/cordon/cordon.yaml';

/**
 * The path of the configuration file, or undefined for defaults only: the one that was named, otherwise the first of
 * ./cordon.yaml and the installed one that exists. Which it is stands on standard error; of ./cordon.yaml only on a
 * terminal, because scripts that rely on it take any word there for a failure.
 */
export const configPath = (
  option: string | undefined,
  places: readonly string[] = [CONFIG_HERE, CONFIG_INSTALLED],
): string | undefined => {
  if (option !== undefined) return option;
  const path = places.find((place) => existsSync(place));
  if (path !== undefined && (path !== places[0] || process.stderr.isTTY)) {
    process.stderr.write(`# configuration: ${path}\n`);
  }
  return path;
};

/**
 * As configPath(), for a program that is started: a second one by the installed configuration would take the first
 * one's state, so that nothing but the working directory is looked at.
 */
export const ownConfigPath = (option: string | undefined): string | undefined =>
  option ?? (existsSync(CONFIG_HERE) ? CONFIG_HERE : undefined);

/** Reads an address with a port; throws UsageError for what is none. */
export const readEndpoint = (text: string, portDefault: number): Endpoint => {
  const endpoint = parseEndpoint(text, portDefault);
  if (endpoint !== undefined) return endpoint;
  const meant = suggestEndpoint(text);
  const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
  throw new UsageError(`"${text.slice(0, 64)}" is not an address with a port${hint}`);
};

/** Loads a configuration or throws ERR_CONFIG_PROBLEMS with all of them, one a line. */
export const requireConfig = (path: string | undefined): Config => {
  const { config, problems } = loadConfiguration(path);
  if (config !== undefined) return config;
  throw problemsError(problems);
};

/** All problems as one error. */
export const problemsError = (problems: readonly Problem[], hint?: string): AppError =>
  new AppError(
    'ERR_CONFIG_PROBLEMS',
    `reading the configuration: ${problems.length} problem${problems.length === 1 ? '' : 's'}\n` +
      problems.map((problem) => `  ${formatProblem(problem)}\n`).join(''),
    hint === undefined ? {} : { hint },
  );
