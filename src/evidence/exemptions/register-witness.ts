// What the register of exemptions proves of the records, and they of it: each of its events was recorded as well.
import { join } from 'node:path';
import { type ExemptionMark, markOf, type RegisterState, type Witness } from '../records/records.ts';
import { readRegisterFile } from './register-file.ts';

/** Name of the register in the state directory. */
export const REGISTER_NAME = 'register.sqlite';
/** That of a resolver in a fleet, which decides nothing itself. */
export const FLEET_REGISTER_NAME = 'fleet/register.sqlite';

/** What a register says, put together event by event. */
export class RegisterReading {
  readonly #file: string;
  readonly #hashes: string[] = [];
  readonly #marks: (ExemptionMark & { readonly sequence: number })[] = [];

  constructor(file: string) {
    this.#file = file;
  }

  /** Takes the next event. */
  take(body: unknown, sequence: number, hash: Uint8Array): void {
    this.#hashes.push(Buffer.from(hash).toString('hex'));
    const mark = typeof body === 'object' && body !== null ? markOf(body) : undefined;
    if (mark !== undefined) this.#marks.push({ ...mark, sequence });
  }

  get state(): RegisterState {
    return { file: this.#file, hashes: this.#hashes, marks: this.#marks };
  }
}

/** The registers of a state directory, as witnesses for verifyRecords(). */
export const registerWitnesses = (stateDirectory: string): Witness[] =>
  [REGISTER_NAME, FLEET_REGISTER_NAME].flatMap((file): Witness[] => {
    let reading = new RegisterReading(file);
    const read = readRegisterFile(join(stateDirectory, file), () => {
      reading = new RegisterReading(file);
      return (body, sequence, hash) => reading.take(body, sequence, hash);
    });
    if (read === 'none') return [];
    if (read === 'damaged') return [{ file, text: 'a register of exemptions that is not whole' }];
    const { state: register } = reading;
    return [{ file, text: `${register.hashes.length} events of exemptions and decisions`, register }];
  });
