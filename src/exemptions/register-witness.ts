// What the register of exemptions proves of the records: each of its events was recorded as well.
import { join } from 'node:path';
import type { Witness } from '../records/records.ts';
import { countRegisterEvents } from './register-file.ts';

/** Name of the register in the state directory. */
export const REGISTER_NAME = 'register.sqlite';

/** The register of a state directory, if it has events, as a witness for verifyRecords(). */
export const registerWitnesses = (stateDirectory: string): Witness[] => {
  const count = countRegisterEvents(join(stateDirectory, REGISTER_NAME));
  return count === 0 ? [] : [{ file: REGISTER_NAME, text: `${count} events of exemptions and decisions` }];
};
