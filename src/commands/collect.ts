// cordon collect: takes the records of a fleet until it is told to stop, and what resolvers that are not Cordon's say over dnstap.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFileNow, systemClock, VERSION } from '../base/base.ts';
import { type FoundIssue, HEALTH_ISSUES } from '../base/words/words.ts';
import type { Config } from '../config/config.ts';
import { FOREIGN_DIRECTORY, RECORDS_DIRECTORY_MODE } from '../evidence/records/records.ts';
import { fleetPath, startCollector } from '../fleet/fleet.ts';
import { createLog, type Log } from '../telemetry/observe/observe.ts';
import type { InputOf } from './declaration.ts';
import type { COLLECT } from './declarations/collect.ts';
import { readDatabase } from './fleet-database.ts';
import { requireFleet } from './fleet-input.ts';
import { DONE } from './statuses.ts';
import { configPath, requireConfig } from './usage.ts';

/** Between two looks at what needs a person, milliseconds. */
const TELL_MS = 5_000;
/** Prometheus' node_exporter is another user. */
const METRICS_MODE = 0o644;

/** Runs the command; ends with SIGTERM or SIGINT. */
export const collect = async ({ values }: InputOf<typeof COLLECT>): Promise<number> => {
  const database = readDatabase(values);
  const config = requireConfig(configPath(values.config));
  const log = createLog(config.log);
  const directory = values.directory ?? join(config.stateDirectory, 'collected');
  const foreign =
    values.dnstap === undefined
      ? undefined
      : await collectForeign(values.dnstap, values.prometheus, directory, config, log);
  // Where there is no fleet, others may be watched all the same.
  const isFleet = foreign === undefined || config.fleet !== undefined;
  const collector = isFleet
    ? await startFleet(values, directory, database, config, log, foreign?.issues).catch(
        async (thrown: unknown) => {
          await foreign?.stop();
          throw thrown;
        },
      )
    : undefined;
  log.info({}, 'collecting');
  const stopped = Promise.withResolvers<void>();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stopped.resolve());
  await stopped.promise;
  await collector?.stop();
  await foreign?.stop();
  log.info({}, 'stopped');
  return DONE;
};

const startFleet = (
  { seed }: { readonly seed?: string | undefined },
  directory: string,
  database: ReturnType<typeof readDatabase>,
  config: Config,
  log: Log,
  foreign: (() => readonly FoundIssue[]) | undefined,
): ReturnType<typeof startCollector> => {
  const { servers, caPath, trust, checkpointMs } = requireFleet(config);
  return startCollector({
    ...{ directory, database, servers, caPath, trust, checkpointMs, log },
    ...(foreign && { foreign }),
    seedPath: seed ?? fleetPath(config.stateDirectory, 'collectorSeed'),
  });
};

/** What resolvers that are not Cordon's answer becomes records of a chain of its own. */
const collectForeign = async (
  path: string,
  metricsPath: string | undefined,
  directory: string,
  config: Config,
  log: Log,
) => {
  const [{ startDnstap }, { Recorder }, { recorderSettings, resolverName }] = await Promise.all([
    import('../evidence/dnstap/dnstap.ts'),
    import('../evidence/records-thread/records-thread.ts'),
    import('../evidence/recording/recording.ts'),
  ]);
  const resolver = `dnstap.${resolverName(config)}`;
  const place = join(directory, FOREIGN_DIRECTORY);
  mkdirSync(place, { recursive: true, mode: RECORDS_DIRECTORY_MODE });
  const recorder = Recorder.start({
    ...{ directory: place, rings: [], resolver, version: VERSION, log },
    // Copies are the program's own to send.
    settings: { ...recorderSettings(config, resolver), outputs: [] },
  });
  const collector = await startDnstap({
    path,
    clock: systemClock,
    note: (record) => recorder.note(record),
  }).catch(async (thrown: unknown) => {
    await recorder.stop();
    throw thrown;
  });
  log.info({ resolvers: collector.names }, 'listening for dnstap');
  const known = new Map<string, FoundIssue>();
  const tell = (): void => {
    const issues = new Map(collector.issues().map((issue) => [`${issue.id} ${issue.subject}`, issue]));
    for (const [key, { id, subject, text }] of issues)
      if (!known.has(key)) log.warn({ issue: id, subject }, text);
    for (const [key, { id, subject }] of known)
      if (!issues.has(key)) log.info({ issue: id, subject }, `no more: ${HEALTH_ISSUES[id].title}`);
    known.clear();
    for (const [key, issue] of issues) known.set(key, issue);
    if (metricsPath === undefined) return;
    try {
      replaceFileNow(metricsPath, collector.metrics(), METRICS_MODE);
    } catch (thrown) {
      log.warn({ err: thrown }, 'writing the metrics of resolvers that are not Cordon’s');
    }
  };
  tell();
  const timer = setInterval(tell, TELL_MS);
  return {
    issues: () => collector.issues(),
    stop: async () => {
      clearInterval(timer);
      await collector.stop();
      await recorder.stop();
    },
  };
};
