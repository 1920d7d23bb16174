// What a witness said last, one file for each log: the cosigned checkpoint, replaced as a whole and on the disk before
// anybody hears of it. Another program can serve the directory.
import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, DIRECTORY_MODE, errorText, replaceFileNow, systemErrorCode } from '../../base/base.ts';
import { parseCheckpoint } from './checkpoint.ts';
import { formatVerifier, parseNote, type Verifier, verifyNote } from './note.ts';
import type { Witnessed, WitnessStore } from './witness.ts';

const KEY_NAME = 'witness-key.pem';
const KEY_MODE = 0o600;
const NOTE_MODE = 0o644;

/** Codes of this room. */
export type TransparencyErrorCode = 'ERR_WITNESS_KEY' | 'ERR_WITNESS_LISTEN' | 'ERR_WITNESS_STATE';

/** The directory of one witness. */
export class WitnessDirectory implements WitnessStore {
  readonly #directory: string;
  readonly #last = new Map<string, Witnessed>();

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /**
   * Opens the directory, or makes it; `verifier` is the witness's own. Throws ERR_WITNESS_STATE when a file in it is not what
   * this witness signed: it would say less than it said before.
   */
  static open(directory: string, verifier: Verifier, origins: readonly string[]): WitnessDirectory {
    const store = new WitnessDirectory(directory);
    for (const origin of origins) {
      const path = store.#pathOf(origin);
      const text = readIfThere(path);
      if (text === undefined) continue;
      const note = parseNote(text);
      const checkpoint = note && parseCheckpoint(note.text);
      if (
        note === undefined ||
        checkpoint?.origin !== origin ||
        verifyNote(note, [verifier]).verified.length === 0
      ) {
        throw new AppError(
          'ERR_WITNESS_STATE',
          `reading ${path}: not what ${formatVerifier(verifier)} cosigned`,
          {
            hint: 'restore the file from a copy that is not older than what was cosigned last, or begin with a new key',
          },
        );
      }
      store.#last.set(origin, { ...checkpoint, note: text });
    }
    return store;
  }

  last(origin: string): Witnessed | undefined {
    return this.#last.get(origin);
  }

  save(witnessed: Witnessed): void {
    mkdirSync(this.#directory, { recursive: true, mode: DIRECTORY_MODE });
    replaceFileNow(this.#pathOf(witnessed.origin), witnessed.note, NOTE_MODE);
    this.#last.set(witnessed.origin, witnessed);
  }

  #pathOf(origin: string): string {
    return join(this.#directory, `${originHash(origin)}.checkpoint`);
  }
}

/** What a log is called in addresses (C2SP tlog-witness): SHA-256 of its origin, hexadecimal. */
export const originHash = (origin: string): string => createHash('sha256').update(origin).digest('hex');

/** The key of a witness; makes one at the first start. Throws ERR_WITNESS_KEY. */
export const openWitnessKey = (directory: string): KeyObject => {
  const path = join(directory, KEY_NAME);
  try {
    mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODE });
    if (!existsSync(path)) {
      const { privateKey } = generateKeyPairSync('ed25519');
      replaceFileNow(path, privateKey.export({ type: 'pkcs8', format: 'pem' }), KEY_MODE);
    }
    const key = createPrivateKey(readFileSync(path));
    if (key.asymmetricKeyType !== 'ed25519') throw new Error('not an Ed25519 key');
    return key;
  } catch (cause) {
    throw new AppError('ERR_WITNESS_KEY', `reading ${path}: ${errorText(cause)}`, { cause });
  }
};

const readIfThere = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8');
  } catch (thrown) {
    if (systemErrorCode(thrown) === 'ENOENT') return undefined;
    throw new AppError('ERR_WITNESS_STATE', `reading ${path}: ${errorText(thrown)}`, { cause: thrown });
  }
};
