// Reading arguments: node:util parseArgs with one kind of error, and the configuration that most commands take.
import { existsSync } from 'node:fs';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { AppError, loadConfiguration } from '../app/app.ts';
import { type Config, formatProblem } from '../config/config.ts';

/** The file that is read when no --config is given and it exists. */
const CONFIG_DEFAULT = 'cordon.yaml';

/** The command line is wrong. */
export class UsageError extends Error {}

/** parseArgs with a UsageError for what it refuses. */
export const readArguments = <T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> => {
  try {
    return parseArgs(config);
  } catch (thrown) {
    throw new UsageError(thrown instanceof Error ? thrown.message.split('. ')[0] : String(thrown));
  }
};

/** The path of the configuration file, or undefined for defaults only. */
export const configPath = (option: string | undefined): string | undefined =>
  option ?? (existsSync(CONFIG_DEFAULT) ? CONFIG_DEFAULT : undefined);

/** Loads a configuration or throws ERR_CONFIG_PROBLEMS with all of them, one a line. */
export const requireConfig = (path: string | undefined): Config => {
  const { config, problems } = loadConfiguration(path);
  if (config !== undefined) return config;
  throw new AppError(
    'ERR_CONFIG_PROBLEMS',
    `reading the configuration: ${problems.length} problem${problems.length === 1 ? '' : 's'}\n` +
      problems.map((problem) => `  ${formatProblem(problem)}\n`).join(''),
  );
};
