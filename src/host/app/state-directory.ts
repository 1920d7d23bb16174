// The state directory of the program, made where it is not there.
import { mkdirSync } from 'node:fs';
import { DIRECTORY_MODE } from '../../base/base.ts';
import type { Config } from '../../config/config.ts';
import type { Log } from '../../telemetry/observe/observe.ts';

/** Makes the state directory; where that fails, the parts that need it say what they miss. */
export const makeStateDirectory = ({ stateDirectory }: Config, log: Pick<Log, 'warn'>): void => {
  try {
    mkdirSync(stateDirectory, { recursive: true, mode: DIRECTORY_MODE });
  } catch (thrown) {
    log.warn({ err: thrown }, 'the state directory cannot be made');
  }
};
