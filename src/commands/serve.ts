// cordon serve: runs the resolver until SIGTERM or SIGINT; SIGHUP reloads configuration and lists.
import { flushCompileCache } from 'node:module';
import { namedFiles } from '../config/config.ts';
import { loadConfiguration, requireFips, Service } from '../host/app/app.ts';
import type { ConfigurationSource } from '../people/configuration/configuration.ts';
import { createLog } from '../telemetry/observe/observe.ts';
import { keepLargeBlocksApart } from '../wire/datagram/datagram.ts';
import type { InputOf } from './declaration.ts';
import type { SERVE } from './declarations/resolver.ts';
import { ownConfigPath, requireConfig } from './usage.ts';

/** Where a service reads its configuration, at its start and at each reload. */
export const sourceOf = (path: string | undefined): ConfigurationSource => ({
  readConfig: () => requireFips(requireConfig(path)),
  configPath: path,
  checkProposal: (text, inForce) => loadConfiguration(path, { text, files: namedFiles(inForce) }),
  defaults: () => requireConfig(undefined),
});

/** Runs until a signal ends it; returns the exit code. */
export const serve = async ({ values }: InputOf<typeof SERVE>): Promise<number> => {
  const starting = Service.start(sourceOf(ownConfigPath(values.config)), (config) => createLog(config.log));
  // Signals are heard from here on, not from the ready line on: a SIGHUP that nobody handles ends a process.
  process.on('SIGHUP', () => {
    void starting.then(
      (service) => service.reload(),
      () => undefined,
    );
  });
  const ending = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => {
        // A second signal ends the program at once.
        process.once(signal, () => process.exit(1));
        resolve();
      });
    }
  });
  const service = await starting;
  keepLargeBlocksApart();
  // Node.js writes the cache at an orderly end only; a service that is killed would strip its types at each start.
  flushCompileCache();
  await ending;
  await service.stop();
  // Worker threads and the logger keep handles of their own; everything that matters is closed.
  process.exit(0);
};
