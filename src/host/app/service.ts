// The running program on the main thread: start, reload, stop. What it consists of, and in which order, stands in parts.ts.

import type { Config } from '../../config/config.ts';
import type { ConfigurationSource } from '../../people/configuration/configuration.ts';
import type { Log } from '../../telemetry/observe/observe.ts';
import { keepBlocksOfStartApart } from '../../wire/datagram/datagram.ts';
import { createProgram, type Program } from './parts.ts';
import { readQuic } from './quic.ts';

/** The program while it runs. */
export class Service {
  readonly #program: Program;
  readonly #log: Log;

  private constructor(program: Program, log: Log) {
    this.#program = program;
    this.#log = log;
  }

  /** Starts everything; throws an AppError when it cannot listen, and has nothing open then. */
  static async start(source: ConfigurationSource, createLogFor: (config: Config) => Log): Promise<Service> {
    keepBlocksOfStartApart();
    const config = source.readConfig();
    const log = createLogFor(config);
    const program = createProgram(config, source, log, await readQuic(config));
    await program.parts.open(config);
    return new Service(program, log);
  }

  /** Puts the configuration and the lists as they now are on disk in force, or reports why not. Never throws. */
  async reload(): Promise<void> {
    await this.#program.changes.reload('SIGHUP came, whose sender the system does not tell');
  }

  /** Answers what waits and ends everything. */
  async stop(): Promise<void> {
    this.#log.info('draining');
    await this.#program.parts.close();
    this.#log.info('stopped');
  }
}
