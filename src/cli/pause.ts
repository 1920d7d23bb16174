// cordon pause, cordon resume: suspends all refusals of the running program for a bounded time, and ends that.
import { OPERATIONS, type PauseStatus } from '../admin/admin.ts';
import type { Config } from '../config/config.ts';
import { authorName } from './author.ts';
import { askService } from './control-client.ts';
import { configPath, readArguments, requireConfig, UsageError } from './usage.ts';

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };

/** Runs `cordon pause [DURATION --reason TEXT]`; returns the exit code. */
export const pause = async (args: string[]): Promise<number> => {
  const { config, json, reason, positionals } = readInput(args);
  const [duration] = positionals;
  if (positionals.length > 1) throw new UsageError('one duration at most is needed, such as 10m');
  if (duration === undefined) {
    print(json, await askService(config, OPERATIONS.readPause, {}));
    return 0;
  }
  const [, count = '', unit = ''] = /^(\d{1,6})([smh])$/.exec(duration) ?? [];
  const ms = Number(count) * (UNITS[unit] ?? 0);
  if (ms === 0) throw new UsageError(`"${duration.slice(0, 20)}" is no duration such as 30s, 10m or 1h`);
  if (reason === '') throw new UsageError('--reason TEXT is needed: it goes into the records');
  print(json, await askService(config, OPERATIONS.pause, { body: { ms, by: authorName(), reason } }));
  return 0;
};

/** Runs `cordon resume [--reason TEXT]`; returns the exit code. */
export const resume = async (args: string[]): Promise<number> => {
  const { config, json, reason, positionals } = readInput(args);
  if (positionals.length > 0) throw new UsageError('no name is needed');
  print(json, await askService(config, OPERATIONS.resume, { body: { by: authorName(), reason } }));
  return 0;
};

const readInput = (
  args: string[],
): { config: Config; json: boolean; reason: string; positionals: string[] } => {
  const { values, positionals } = readArguments({
    args,
    allowPositionals: true,
    options: {
      config: { type: 'string' },
      json: { type: 'boolean', default: false },
      reason: { type: 'string', default: '' },
    },
  });
  return {
    config: requireConfig(configPath(values.config)),
    json: values.json,
    reason: values.reason,
    positionals,
  };
};

const print = (json: boolean, answer: PauseStatus): void => {
  const text = answer.isPaused
    ? `REFUSALS ARE SUSPENDED until ${answer.until}, by ${answer.by}: ${answer.reason}\n`
    : answer.state === 'enforced'
      ? 'refusals are given\n'
      : `refusals are not suspended, and the prohibition is not in force all the same (${answer.state}): ${answer.text}\n`;
  process.stdout.write(json ? `${JSON.stringify(answer, undefined, 2)}\n` : text);
};
