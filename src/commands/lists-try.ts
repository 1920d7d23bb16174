// cordon lists try: what a change of a list, of mandates or of groups would have meant for queries that were asked.
//
// Both sides are judged by the pipeline that answers clients, from files alone: the service is not asked, and nothing is
// sent. Exemptions are not looked at.
import { existsSync, statSync } from 'node:fs';
import { AppError } from '../base/base.ts';
import type { Config, ListConfig } from '../config/config.ts';
import {
  formatImpact,
  type ImpactConfig,
  impactOf,
  LOG_FORMATS,
  type LogFormat,
} from '../evidence/impact/impact.ts';
import type { PathOf } from '../policy/generation/generation.ts';
import { contentPath, readKeptPaths } from '../policy/keeping/keeping.ts';
import type { InputOf } from './declaration.ts';
import type { LISTS_TRY } from './declarations/lists.ts';
import { print } from './output.ts';
import { ownLogs } from './own-logs.ts';
import { findService } from './service.ts';
import { requireConfig } from './usage.ts';
import { UsageError } from './usage-error.ts';

const DAY_MS = 86_400_000;
const DAYS_MAX = 3_660;
const TOP_MAX = 10_000;
const MINUTE_MS = 60_000;

type Input = InputOf<typeof LISTS_TRY>;

/** Prints what the change would have meant. */
export const tryList = async ({ values, words }: Input): Promise<number> => {
  const { json } = values;
  const days = numberFrom(values.against, 'against', DAYS_MAX);
  const top = numberFrom(values.top, 'top', TOP_MAX) ?? 0;
  const { config } = await findService(values);
  const kept = await readKeptPaths(config, Date.now);
  const { after, what } = await changeOf(values, words.id, config, kept);
  const sinceMs = days === undefined ? 0 : Date.now() - days * DAY_MS;
  const logs = values.log.length > 0 ? values.log : ownLogs(config, sinceMs, false);
  const { impact } = await impactOf(
    { config, pathOf: kept },
    after,
    { paths: logs, format: formatFrom(values.format), how: { sinceMs, zoneMs: zoneFrom(values.zone) } },
    top,
  );
  print(json, impact, () => formatImpact(impact, what));
  return 0;
};

/** What is to be tried: another configuration, another file of a list, or the content of it that is held. */
const changeOf = async (
  { proposed, with: path }: Input['values'],
  id: string | undefined,
  config: Config,
  kept: PathOf,
): Promise<{ after: ImpactConfig; what: string }> => {
  if (proposed !== undefined) {
    if (id !== undefined || path !== undefined)
      throw new UsageError('--proposed goes with no list and no --with');
    const other = requireConfig(proposed);
    return { after: { config: other, pathOf: await readKeptPaths(other, Date.now) }, what: proposed };
  }
  if (id === undefined) throw new UsageError('name a list, or a configuration with --proposed');
  const list = config.lists.find((known) => known.id === id);
  if (list === undefined)
    throw new AppError('ERR_LIST_UNKNOWN', `trying list ${id}: the configuration has none`, {
      hint: `It has ${config.lists.map((known) => known.id).join(', ')}.`,
    });
  if (path !== undefined) {
    if (!existsSync(path)) throw new UsageError(`--with ${path}: there is no such file`);
    return { after: withFile(config, kept, list, path), what: `list ${id} as ${path}` };
  }
  const held = await contentPath(config, id, undefined, Date.now);
  return {
    after: withFile(config, kept, list, held.path),
    what: `the held content ${held.sha256.slice(0, 8)} of list ${id}`,
  };
};

/** The configuration with another content of one list. */
const withFile = (config: Config, kept: PathOf, list: ListConfig, path: string): ImpactConfig => {
  if (list.source.kind === 'url') return { config, pathOf: (one) => (one.id === list.id ? path : kept(one)) };
  // What is tried is this file, however old it is.
  const source = { ...list.source, path, isDirectory: statSync(path).isDirectory(), shipped: undefined };
  const lists = config.lists.map((one) => (one.id === list.id ? { ...one, source } : one));
  return { config: { ...config, lists }, pathOf: (one) => (one.id === list.id ? undefined : kept(one)) };
};

const numberFrom = (text: string | undefined, name: string, max: number): number | undefined => {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d{1,6}$/.test(text) && value >= 1 && value <= max) return value;
  throw new UsageError(`--${name} is a whole number from 1 to ${max}`);
};

const formatFrom = (text: string | undefined): LogFormat | undefined =>
  text === undefined ? undefined : LOG_FORMATS.find((known) => known === text);

/** `+01:00` as milliseconds. */
const zoneFrom = (text: string | undefined): number | undefined => {
  if (text === undefined) return undefined;
  const [found, sign, hours, minutes] = /^([+-])(\d\d):(\d\d)$/.exec(text) ?? [];
  if (found === undefined || Number(hours) > 14 || Number(minutes) > 59)
    throw new UsageError('--zone is what a clock is ahead of UTC, such as +01:00');
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * MINUTE_MS;
};
