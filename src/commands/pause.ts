// cordon pause, cordon resume: suspends all refusals of the running program for a bounded time, and ends that.
import { OPERATIONS, type PauseStatus } from '../people/admin/admin.ts';
import { askService } from './control-client.ts';
import type { InputOf } from './declaration.ts';
import type { PAUSE, RESUME } from './declarations/operating.ts';
import { print } from './output.ts';
import { findService } from './service.ts';
import { UsageError } from './usage-error.ts';

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };

/** Runs `cordon pause [DURATION --reason TEXT]`; returns the exit code. */
export const pause = async ({ values, words }: InputOf<typeof PAUSE>): Promise<number> => {
  const { json, reason } = values;
  const { duration } = words;
  const whom = values.for;
  const service = await findService(values);
  if (duration === undefined && whom === undefined) {
    show(json, await askService(service, OPERATIONS.readPause, {}));
    return 0;
  }
  const [, count = '', unit = ''] = /^(\d{1,6})([smh])$/.exec(duration ?? '') ?? [];
  const ms = Number(count) * (UNITS[unit] ?? 0);
  if (ms === 0)
    throw new UsageError(`"${(duration ?? '').slice(0, 20)}" is no duration such as 30s, 10m or 1h`);
  if (reason === '') throw new UsageError('--reason TEXT is needed: it goes into the records');
  if (whom === undefined) show(json, await askService(service, OPERATIONS.pause, { body: { ms, reason } }));
  else decided(json, await askService(service, OPERATIONS.pauseFleet, { body: { for: whom, ms, reason } }));
  return 0;
};

/** Runs `cordon resume [--reason TEXT]`; returns the exit code. */
export const resume = async ({ values }: InputOf<typeof RESUME>): Promise<number> => {
  const { json, reason } = values;
  const service = await findService(values);
  const whom = values.for;
  if (whom === undefined) show(json, await askService(service, OPERATIONS.resume, { body: { reason } }));
  else decided(json, await askService(service, OPERATIONS.resumeFleet, { body: { for: whom, reason } }));
  return 0;
};

const decided = (json: boolean, end: { readonly number: number }): void =>
  print(json, end, () => `entry ${end.number}: "cordon fleet status" shows who has it\n`);

const FLEET_HINT =
  'The authority of the fleet decided it; "cordon resume" ends it for this resolver alone.\n';

const show = (json: boolean, answer: PauseStatus): void => {
  const text = answer.isPaused
    ? `BLOCKING IS SUSPENDED until ${answer.until}, by ${answer.by}: ${answer.reason}\n${answer.for === undefined ? '' : FLEET_HINT}`
    : answer.state === 'enforced'
      ? 'refusals are given\n'
      : `refusals are not suspended, and the prohibition is not in force all the same (${answer.state}): ${answer.text}\n`;
  print(json, answer, () => text);
};
