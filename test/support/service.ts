// The service in the process of the test, for tests of what clients and pages get: a start is a third of what a process costs,
// most of which is to begin Node.js and to load what is loaded already. Its workers are threads of their own, as ever.
//
// What a process adds is of the tests that start one: arguments, signals, its end and what it ends with, what it has open,
// its output, a crash, and whatever a test does to its clock or its rights.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type * as Serve from '../../src/commands/serve.ts';
import type * as App from '../../src/host/app/app.ts';
import type * as Observe from '../../src/telemetry/observe/observe.ts';
import {
  type CordonOptions,
  environmentOf,
  forgetDirectory,
  isWithoutSocket,
  LOG_TIMEOUT_MS,
  LogReader,
  type Running,
  socketsOf,
  untilAsked,
  untilUndisturbed,
  writeDirectory,
} from './process.ts';
import { roomOf } from './program.ts';

/** Variables of the configuration: others concern a process. */
type Settings = Readonly<Record<`CORDON_${string}`, string>>;

/** What startCordon() needs. */
type ServiceOptions = Pick<CordonOptions, 'config' | 'files'> & { readonly env?: Settings };

/** What may be done with it, which is less than with a process. */
export type Cordon = Running;

/** As startCordon() of process.ts: starts a service from the bundle of the sources and waits until it is ready; what it throws is thrown. */
export const startCordon = (options: ServiceOptions): Promise<Cordon> =>
  untilUndisturbed(options.config, () => startOnce(options));

const startOnce = async (options: ServiceOptions): Promise<Cordon> => {
  const { sourceOf } = (await roomOf('commands/serve')) as typeof Serve;
  const { Service } = (await roomOf('host/app/app')) as typeof App;
  const { createLog } = (await roomOf('telemetry/observe/observe')) as typeof Observe;
  const directory = writeDirectory(options);
  const env = environmentOf(options);
  const here = <Value>(read: () => Value): Value => inPlace(directory, env, read);
  const source = sourceOf(join(directory, 'cordon.yaml'));
  const log = new LogReader();
  const ended = Promise.withResolvers<undefined>();
  try {
    const service = await Service.start(
      {
        ...source,
        readConfig: () => here(source.readConfig),
        checkProposal: (...proposed) => here(() => source.checkProposal(...proposed)),
        defaults: () => here(source.defaults),
      },
      ({ log: settings }) => createLog({ ...settings, to: log }),
    );
    let stopping: Promise<void> | undefined;
    const stop = (): Promise<void> => {
      stopping ??= service.stop().finally(() => {
        ended.resolve(undefined);
        forgetDirectory(directory);
      });
      return stopping;
    };
    const waitForLog: Running['waitForLog'] = (predicate, from = 0) =>
      log.waitFor(predicate, from, LOG_TIMEOUT_MS, ended.promise);
    const ready = await waitForLog(({ msg }) => msg === 'ready');
    await untilAsked(options, directory, () => log.lines.some(isWithoutSocket));
    return {
      directory,
      ...socketsOf(ready),
      ready,
      signal: (name) => {
        assert.equal(name, 'SIGHUP', 'start a process');
        void service.reload();
      },
      logs: () => log.lines,
      output: () => log.output,
      waitForLog,
      stop,
      kill: stop,
    };
  } catch (error) {
    forgetDirectory(directory);
    throw error;
  }
};

/** A process has one directory and one environment, and what is read there is read at once. */
const inPlace = <Value>(
  directory: string,
  env: Readonly<Record<string, string>>,
  read: () => Value,
): Value => {
  const [before, environment] = [process.cwd(), process.env];
  try {
    process.chdir(directory);
    process.env = { ...env };
    return read();
  } finally {
    process.env = environment;
    process.chdir(before);
  }
};
