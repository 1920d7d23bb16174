// cordon fleet take-over, cordon fleet renew: what is done beside a service that is stopped, after an authority was lost.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, isAppError, systemClock } from '../base/base.ts';
import { renewRecords, takeOver } from '../fleet/fleet.ts';
import { OPERATIONS } from '../people/admin/admin.ts';
import { askService, isNobodyThere } from './control-client.ts';
import type { InputOf } from './declaration.ts';
import type { FLEET_RENEW, FLEET_TAKE_OVER } from './declarations/fleet.ts';
import { fleetYaml, readEngine } from './fleet.ts';
import { requireFleet } from './fleet-input.ts';
import { asOwner } from './machine.ts';
import { print } from './output.ts';
import { findService } from './service.ts';
import { DONE } from './statuses.ts';
import { UsageError } from './usage-error.ts';

/** Where the service keeps its records in the state directory. */
const RECORDS_NAME = 'records';

/** A node becomes the authority. */
export const promote = async ({ values }: InputOf<typeof FLEET_TAKE_OVER>): Promise<number> => {
  const { safe, server, ca } = values;
  if (safe === undefined) throw new UsageError('--safe FILE is needed: the key from the safe');
  // On a machine with the installed service, the engine moves to it.
  if (values.here) return (await import('./fleet-here.ts')).takeOverHere(safe, values);
  const engine = server.length === 0 ? undefined : readEngine(values);
  const { config, stateDirectory } = await findService(values);
  const { trust, caPath } = requireFleet(config);
  await requireStopped(stateDirectory, 'taking over');
  const nowMs = systemClock();
  // The safe is for root, and its file is read before the rights of root are laid down.
  const key = existsSync(safe) ? { safeKey: readFileSync(safe, 'utf8') } : {};
  const options = { stateDirectory, trust, safeKeyPath: safe, ...key, engine, nowMs };
  const made = await asOwner(stateDirectory, () => takeOver(options));

  print(
    values.json,
    made,
    () => `This resolver is the authority from entry ${made.number} on. Put the key back into the safe.
The engine's configuration is in ${made.engineDirectory}: start nats-server with it, in place of the one before.

In the configuration of this resolver these become others; what else "fleet" has there stays
${fleetYaml(made.servers, made.trust, 'authority', ca ?? caPath)}
The others need another "fleet.servers" where the engine is at another address. They trust the new key by the log.
`,
  );
  return DONE;
};

/** The authority begins new chains of records. */
export const renew = async ({ values }: InputOf<typeof FLEET_RENEW>): Promise<number> => {
  const { config, stateDirectory } = await findService(values);
  const { trust } = requireFleet(config);
  await requireStopped(stateDirectory, 'beginning new chains of records');
  const made = await asOwner(stateDirectory, () =>
    renewRecords(stateDirectory, join(stateDirectory, RECORDS_NAME), trust, systemClock()),
  );
  print(
    values.json,
    made,
    () =>
      `The next start begins chain ${made.enrolment} of this resolver.${
        made.aside === undefined ? '' : ` Its records so far are in ${made.aside}.`
      }\n`,
  );
  return DONE;
};

/** Throws ERR_FLEET_RUNNING while the service runs. */
const requireStopped = async (stateDirectory: string, doing: string): Promise<void> => {
  try {
    await askService({ stateDirectory }, OPERATIONS.readFigures, {});
  } catch (thrown) {
    if (isNobodyThere(thrown) || (isAppError(thrown) && thrown.code === 'ERR_CLI_CONTROL')) return;
    throw thrown;
  }
  throw new AppError('ERR_FLEET_RUNNING', `${doing}: the service runs`, { hint: 'Stop it first.' });
};
