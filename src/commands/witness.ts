// cordon witness: cosigns the checkpoints of logs that others keep, until it is told to stop.
import { AppError } from '../base/base.ts';
import { createLog } from '../telemetry/observe/observe.ts';
import {
  createVerifier,
  formatVerifier,
  isKeyName,
  openWitnessKey,
  parseVerifier,
  SIGNATURE_TYPE,
  startWitness,
  type Verifier,
  Witness,
  WitnessDirectory,
} from '../wire/transparency/transparency.ts';
import type { InputOf } from './declaration.ts';
import type { WITNESS } from './declarations/evidence.ts';
import { print } from './output.ts';
import { DONE } from './statuses.ts';
import { readEndpoint } from './usage.ts';
import { UsageError } from './usage-error.ts';

const PORT = 7380;

/** Runs the command; ends with SIGTERM or SIGINT. */
export const witness = async ({ values }: InputOf<typeof WITNESS>): Promise<number> => {
  const { directory, name, listen, json } = values;
  if (directory === undefined) throw new UsageError('--directory is needed: what was cosigned is kept there');
  if (name === undefined) throw new UsageError('--name is needed: cosignatures bear it');
  if (!isKeyName(name))
    throw new UsageError(`"${name.slice(0, 64)}" is no name of a key: no blanks and no plus`);
  const logs = values.log.map(readLog);
  const key = openWitnessKey(directory);
  const verifier = createVerifier(name, key, SIGNATURE_TYPE.cosignature);
  const facts = { name, verifier: formatVerifier(verifier), logs: logs.map((log) => log.name) };
  if (logs.length === 0) {
    print(json, facts, () => `${facts.verifier}\n\nName the logs to cosign with --log, then it answers.\n`);
    return DONE;
  }
  const store = WitnessDirectory.open(
    directory,
    verifier,
    logs.map((log) => log.name),
  );
  const log = createLog({ level: 'info' });
  const server = await startWitness(
    new Witness(name, key, { logs, store, clock: Date.now }),
    readEndpoint(listen, PORT),
    log,
  );
  log.info({ ...facts, address: server.address }, 'cosigning');
  const stopped = Promise.withResolvers<void>();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stopped.resolve());
  await stopped.promise;
  await server.close();
  log.info({}, 'stopped');
  return DONE;
};

const readLog = (text: string): Verifier => {
  const verifier = parseVerifier(text);
  if (verifier !== undefined) return verifier;
  throw new AppError('ERR_WITNESS_KEY', `reading --log ${text.slice(0, 80)}: no verifier key`, {
    hint: 'write what "cordon records key" prints: NAME+HEX+BASE64',
  });
};
