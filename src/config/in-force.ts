// The configuration in force as a file of the state directory, for commands that come while the file of the operator is
// wrong, gone or closed to them: what the running service took, or the last one.
//
// What pages withhold is withheld here too, so that nothing is secret in it; files of prefixes are named and not read again,
// because what is wrong may be in one of them. No command decides by it who is whose client.
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { readRegularFile, replaceFile } from '../base/base.ts';
import { writtenTexts } from '../base/yaml/yaml.ts';
import { configHash, effectiveConfig } from './effective.ts';
import type { Config } from './schema.ts';
import { withhold } from './withheld.ts';

/** Its name in the state directory. */
export const IN_FORCE_NAME = 'in-force.json';
/** Who may ask the control socket may read it: it is as open as that. */
const MODES = { owner: 0o600, group: 0o640 } as const;
/** What a text that is read back may have, and its quotes escaped. */
const BYTES_MAX = 4 << 20;

const schema = z.object({
  /** The file that it was read from, absolute; null: there was none. */
  file: z.string().nullable(),
  /** As metrics and `cordon status` have it. */
  sha256: z.string(),
  yaml: z.string(),
});

/** What is kept of a configuration in force. */
export type InForce = Readonly<z.output<typeof schema>>;

/** Keeps what is in force in the state directory of the service; rejects with an error of the system. */
export const keepInForce = (
  stateDirectory: string,
  config: Config,
  file: string | undefined,
): Promise<void> => {
  const kept: InForce = {
    file: file === undefined ? null : resolve(file),
    sha256: configHash(config),
    yaml: withhold(effectiveConfig(config)),
  };
  const path = join(stateDirectory, IN_FORCE_NAME);
  return replaceFile(path, `${JSON.stringify(kept)}\n`, MODES[config.admin.socket]);
};

/** What is kept in a state directory; undefined where nothing is, or nothing that can be read. */
export const readInForce = (stateDirectory: string): InForce | undefined => {
  try {
    const bytes = readRegularFile(join(stateDirectory, IN_FORCE_NAME), BYTES_MAX);
    return schema.parse(JSON.parse(bytes.toString('utf8')));
  } catch {
    // It stands in for something better, and whoever asks says what that is.
    return undefined;
  }
};

/** The key `state` of a file as far as the file can be read, also one with faults; undefined: it has none. */
export const writtenState = (path: string): string | undefined => {
  try {
    const { texts } = writtenTexts(readRegularFile(path, BYTES_MAX).toString('utf8'));
    return texts.find(({ path: key }) => key.length === 1 && key[0] === 'state')?.value;
  } catch {
    return undefined;
  }
};
