// The steps that commands of a fleet share on a machine with the installed service: what is looked at, written and started.
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { AppError, isAppError, systemClock } from '../base/base.ts';
import type { Config } from '../config/config.ts';
import { loadConfiguration } from '../host/app/app.ts';
import { OPERATIONS } from '../people/admin/admin.ts';
import { check, edit, put, replace } from './configuration-file.ts';
import { askService, isNobodyThere } from './control-client.ts';
import { type Did, until } from './fleet-steps.ts';
import { requireMachine, succeeds, tool, unfit } from './machine.ts';
import { lookAtClock, sourcesAtMs } from './setup-look.ts';
import { CONFIG_INSTALLED, problemsError } from './usage.ts';

/** Where the unit has the service keep its state. */
export const STATE = '/var/lib/cordon';
const SERVICE_UNIT = 'cordon.service';
const ASIDE = 'before-fleet';
/** The first start reads and compiles lists; then the engine takes what there is of policy. */
const READY_MS = 120_000;

const writtenSchema = z.looseObject({ fleet: z.record(z.string(), z.unknown()).optional() });

/** What of `fleet` a command sets; the rest of the key stays. */
export interface FleetKeys {
  readonly servers: readonly string[];
  readonly ca: string | undefined;
  readonly trust: readonly string[];
  readonly role: 'authority' | 'node';
}

/** The installed service, looked at. Throws ERR_FLEET_MACHINE and ERR_CONFIG_PROBLEMS. */
export const requireInstalled = async (): Promise<Config> => {
  await requireMachine();
  const { config, problems } = loadConfiguration(CONFIG_INSTALLED);
  if (config === undefined) throw problemsError(problems);
  if (config.stateDirectory !== STATE)
    throw unfit(
      `its configuration has "state: ${config.stateDirectory}"`,
      `The units are for ${STATE}. With another place, by hand: docs/fleet.md.`,
    );
  if (systemClock() < sourcesAtMs())
    throw unfit(
      `its clock says ${new Date(systemClock()).toISOString()}, before this version was made`,
      'Set it: nothing that is signed can be checked, and no certificate.',
    );
  return config;
};

/** Whether somebody keeps the clock: exemptions begin and end by it, and certificates. */
export const lookAtOwnClock = async (): Promise<Did> => {
  const { state, text, todo } = await lookAtClock(sourcesAtMs(), systemClock());
  return { text: `${text}${todo === null ? '' : `; to do: ${todo}`}`, isWhole: state !== 'bad' };
};

/** The text of the installed configuration with other keys of the fleet, or without any. Throws when it would have problems. */
const withFleet = (
  keys: Partial<FleetKeys> | undefined,
): { readonly text: string; readonly isSame: boolean } => {
  const before = readFileSync(CONFIG_INSTALLED, 'utf8');
  const text = edit(CONFIG_INSTALLED, before, (document) => {
    const { fleet = {} } = writtenSchema.parse(document.toJSON());
    if (keys === undefined) document.delete('fleet');
    for (const [key, value] of Object.entries(keys ?? {}))
      if (value !== undefined && !isDeepStrictEqual(fleet[key], value)) put(document, ['fleet', key], value);
  });
  const problems = check(CONFIG_INSTALLED, text);
  if (problems.length > 0)
    throw unfit(
      `${CONFIG_INSTALLED} would have problems: ${problems.join('; ')}`,
      'Mend it, then run the command again.',
    );
  return { text, isSame: text === edit(CONFIG_INSTALLED, before, () => undefined) };
};

/** Puts the fleet into the configuration; undefined takes it out. */
export const configure = (keys: Partial<FleetKeys> | undefined): Did => {
  const { text, isSame } = withFleet(keys);
  if (isSame) return { text: `${CONFIG_INSTALLED} has it already` };
  const aside = replace(CONFIG_INSTALLED, text, ASIDE);
  return {
    text: `${CONFIG_INSTALLED} ${keys === undefined ? 'has no "fleet" any more' : 'has the fleet'} (before: ${aside})`,
    undo: async () => {
      renameSync(aside, CONFIG_INSTALLED);
      await tool('systemctl', 'try-restart', SERVICE_UNIT);
    },
  };
};

/** Starts a unit now and with the machine; `isUp` says when it does what it is for. One that does is left alone. */
export const startUnit = async (unit: string, isUp: () => Promise<boolean>, forMs: number): Promise<Did> => {
  const wasActive = await succeeds('systemctl', 'is-active', '--quiet', unit);
  if (wasActive && (await isUp())) return { text: `${unit} runs already` };
  await tool('systemctl', 'enable', '--quiet', unit);
  // Its configuration may be another than the one that it was started with.
  await tool('systemctl', wasActive ? 'restart' : 'start', unit);
  const undo = wasActive
    ? undefined
    : async () => void (await tool('systemctl', 'disable', '--quiet', '--now', unit));
  try {
    await until(isUp, forMs, () => trouble(unit));
  } catch (thrown) {
    await undo?.();
    throw thrown;
  }
  return { text: `${unit} runs, and starts with the machine`, undo };
};

/** What the log of a unit has as its last words. */
const trouble = async (unit: string): Promise<AppError> => {
  const log = await tool('journalctl', '--unit', unit, '--lines', '3', '--no-pager', '--output', 'cat').catch(
    () => '',
  );
  return unfit(
    `${unit} does not do what it is for; its log ends: ${log.trim() || 'without a word'}`,
    `journalctl -u ${unit}`,
  );
};

/** Restarts the service, and waits until it is in its fleet, or by itself again; not when it runs with this configuration. */
export const restartService = async (role: FleetKeys['role'] | undefined, isNew: boolean): Promise<Did> => {
  const wasActive = await succeeds('systemctl', 'is-active', '--quiet', SERVICE_UNIT);
  const where =
    role === undefined
      ? 'by itself'
      : `as ${role === 'authority' ? 'the authority' : 'a node'}, connected to the engine`;
  if (!isNew && wasActive && (role === undefined || (await isInFleet(role))))
    return { text: `${SERVICE_UNIT} runs ${where}, as before` };
  await tool('systemctl', 'enable', '--quiet', SERVICE_UNIT);
  await tool('systemctl', wasActive ? 'restart' : 'start', SERVICE_UNIT);
  if (role !== undefined)
    await until(
      () => isInFleet(role),
      READY_MS,
      () => trouble(SERVICE_UNIT),
    );
  return { text: `${SERVICE_UNIT} runs ${where}` };
};

const isInFleet = async (role: string): Promise<boolean> => {
  try {
    const fleet = await askService({ stateDirectory: STATE }, OPERATIONS.readFleet, {});
    return (
      fleet.role === role && fleet.isConnected && (fleet.unpublished ?? 0) === 0 && fleet.policy.number > 0
    );
  } catch (thrown) {
    if (isNobodyThere(thrown) || isAppError(thrown)) return false;
    throw thrown;
  }
};

/** Fails for what the operator has to do first. */
export const requireFile = (path: string, todo: string): void => {
  if (!existsSync(path))
    throw new AppError('ERR_FLEET_MACHINE', `setting up this machine: there is no ${path}`, { hint: todo });
};
