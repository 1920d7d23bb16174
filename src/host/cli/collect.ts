// cordon collect: takes the records of a fleet until it is told to stop.
import { join } from 'node:path';
import { fleetPath, startCollector } from '../../fleet/fleet.ts';
import { createLog } from '../../telemetry/observe/observe.ts';
import type { InputOf } from './declaration.ts';
import type { COLLECT } from './declarations/fleet.ts';
import { requireFleet } from './fleet.ts';
import { readDatabase } from './fleet-database.ts';
import { DONE } from './statuses.ts';
import { configPath, requireConfig } from './usage.ts';

/** Runs the command; ends with SIGTERM or SIGINT. */
export const collect = async ({ values }: InputOf<typeof COLLECT>): Promise<number> => {
  const database = readDatabase(values);
  const config = requireConfig(configPath(values.config));
  const { servers, caPath, trust, tideMs } = requireFleet(config);
  const log = createLog(config.log);
  const collector = await startCollector({
    directory: values.directory ?? join(config.stateDirectory, 'collected'),
    database,
    servers,
    caPath,
    trust,
    tideMs,
    seedPath: values.seed ?? fleetPath(config.stateDirectory, 'collectorSeed'),
    log,
  });
  log.info({}, 'collecting');
  const stopped = Promise.withResolvers<void>();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stopped.resolve());
  await stopped.promise;
  await collector.stop();
  log.info({}, 'stopped');
  return DONE;
};
