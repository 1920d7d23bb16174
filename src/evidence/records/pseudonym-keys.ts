// The keys of pseudonyms: made, rotated and destroyed; the only way back from a pseudonym to an address.
//
// A pseudonym is the client's address, sixteen bytes (IPv4 in its mapped form), encrypted as one block of AES-128
// under the key of its time: the same client has the same pseudonym until the key is rotated. A person who has the keys can
// undo it, therefore they lie in a file of the service's user alone, and undoing is recorded first. With its key, a
// pseudonym is undone for good; that the disk keeps no copy of a removed key, a program cannot promise.
import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  type AddressWords,
  AppError,
  createAddress,
  DAY_MS,
  errorText,
  formatAddress,
  readIpv6,
  replaceFileNow,
} from '../../base/base.ts';
import { FILE_MODE, timeText } from './partition.ts';

/** Name of the file in a directory of records. */
export const PSEUDONYM_KEYS_NAME = 'pseudonym-keys.json';
const CIPHER = 'aes-128-ecb';
const KEY_LENGTH = 16;
const ADDRESS_LENGTH = 16;
const PSEUDONYM = /^p:(\d{1,9}):([A-Za-z0-9_-]{22})$/;
/** Of a device: the initialization vector and some blocks. */
const DEVICE_PSEUDONYM = /^d:(\d{1,9}):([A-Za-z0-9_-]{43,192})$/;
const DEVICE_CIPHER = 'aes-128-ctr';
/** Names are filled up to this, so that their length tells little. */
const DEVICE_BLOCK = 32;

/** One key. */
interface Key {
  readonly id: number;
  /** Base64. */
  readonly key: string;
  readonly from: string;
  /** When the next one took its place; null for the key in use. */
  readonly until: string | null;
  /** The key of a privacy officer that it was last sealed to, on the record. */
  readonly escrow?: string;
}

/** What happened to keys, for the records. */
export interface KeyChange {
  readonly event: 'created' | 'destroyed';
  readonly id: number;
}

/** The keys in a directory of records. Methods that write throw ERR_COMPLIANCE_PSEUDONYM_KEYS. */
export class PseudonymKeys {
  readonly #path: string;
  #keys: readonly Key[];
  #prefix = '';
  #cipher: ReturnType<typeof createCipheriv> | undefined;
  readonly #block = Buffer.alloc(ADDRESS_LENGTH);

  private constructor(path: string, keys: readonly Key[]) {
    this.#path = path;
    this.#keys = keys;
    this.#use();
  }

  /** Reads the keys; a directory without has none yet. */
  static open(directory: string): PseudonymKeys {
    const path = join(directory, PSEUDONYM_KEYS_NAME);
    try {
      return new PseudonymKeys(path, existsSync(path) ? parseKeys(readFileSync(path, 'utf8')) : []);
    } catch (thrown) {
      throw failure(path, thrown);
    }
  }

  /** One key, to undo what it made. */
  static ofKey(id: number, secret: Uint8Array): PseudonymKeys {
    const key = Buffer.from(secret).toString('base64');
    const keys = secret.length === KEY_LENGTH ? [{ id, key, from: '', until: null }] : [];
    return new PseudonymKeys('', keys);
  }

  /** Keys that no record has sealed to that key of a privacy officer. */
  unsealed(escrow: string): { readonly id: number; readonly secret: Uint8Array }[] {
    return this.#keys
      .filter((key) => key.escrow !== escrow)
      .map(({ id, key }) => ({ id, secret: Buffer.from(key, 'base64') }));
  }

  /** A record has a key sealed to that key of a privacy officer. */
  noteSealed(id: number, escrow: string): void {
    this.#write(this.#keys.map((key) => (key.id === id ? { ...key, escrow } : key)));
  }

  /** Makes the first key, or one in place of a key that is `rotateMs` old, or of one that a wrong clock has dated. */
  rotate(nowMs: number, rotateMs: number): KeyChange[] {
    const last = this.#keys.at(-1);
    const ageMs = last === undefined ? rotateMs : nowMs - Date.parse(last.from);
    if (ageMs < rotateMs && ageMs > -DAY_MS) return [];
    const now = timeText(nowMs);
    const id = (last?.id ?? 0) + 1;
    this.#write([
      ...this.#keys.map((key) => (key.until === null ? { ...key, until: now } : key)),
      { id, key: randomBytes(KEY_LENGTH).toString('base64'), from: now, until: null },
    ]);
    return [{ event: 'created', id }];
  }

  /** Destroys keys that were replaced `keepMs` ago: no record that is kept needs them. */
  destroyOld(nowMs: number, keepMs: number): KeyChange[] {
    const isOld = ({ until }: Key): boolean => until !== null && nowMs - Date.parse(until) > keepMs;
    const old = this.#keys.filter(isOld);
    if (old.length > 0) this.#write(this.#keys.filter((key) => !isOld(key)));
    return old.map(({ id }) => ({ event: 'destroyed', id }));
  }

  /** The pseudonym of an address under the key in use; rotate() made one. */
  pseudonym(words: AddressWords): string {
    const block = this.#block;
    for (let i = 0; i < 4; i++) block.writeUInt32BE(words[i] ?? 0, 4 * i);
    // Without padding and chaining, each block stands for itself, and one cipher serves for all.
    const bytes = this.#cipher?.update(block) ?? Buffer.alloc(0);
    return this.#prefix + bytes.toString('base64url');
  }

  /**
   * The pseudonym of a device's name under the key in use: encrypted with a vector that follows from the name (as in
   * RFC 5297), so that the same name has the same pseudonym until the key is rotated.
   */
  pseudonymOfDevice(name: string): string {
    const key = this.#keys.at(-1);
    return key === undefined ? '' : pseudonymUnder(key, name);
  }

  /** The pseudonyms of a device's name under all keys that there are. */
  pseudonymsOfDevice(name: string): string[] {
    return this.#keys.map((key) => pseudonymUnder(key, name));
  }

  /** The pseudonyms of an address under all keys that there are. */
  pseudonymsOf(words: AddressWords): string[] {
    const block = Buffer.alloc(ADDRESS_LENGTH);
    for (let i = 0; i < 4; i++) block.writeUInt32BE(words[i] ?? 0, 4 * i);
    return this.#keys.map(({ id, key }) => {
      const cipher = createCipheriv(CIPHER, Buffer.from(key, 'base64'), null).setAutoPadding(false);
      return `p:${id}:${cipher.update(block).toString('base64url')}`;
    });
  }

  /** The pseudonym that an address had at a time; undefined when the key of that time does not exist any more. */
  pseudonymAt(words: AddressWords, timeMs: number): string | undefined {
    const at = this.#keys.findIndex(
      ({ from, until }) => timeMs >= Date.parse(from) && (until === null || timeMs < Date.parse(until)),
    );
    return at < 0 ? undefined : this.pseudonymsOf(words)[at];
  }

  /** The address or the name behind a pseudonym. Throws ERR_COMPLIANCE_PSEUDONYM as address() does. */
  reidentify(pseudonym: string): string {
    return pseudonym.startsWith('d:') ? this.#deviceOf(pseudonym) : this.address(pseudonym);
  }

  #deviceOf(pseudonym: string): string {
    const match = DEVICE_PSEUDONYM.exec(pseudonym);
    const key = this.#keys.find(({ id }) => id === Number(match?.[1]));
    const bytes = Buffer.from(match?.[2] ?? '', 'base64url');
    const iv = bytes.subarray(0, KEY_LENGTH);
    if (match !== null && key !== undefined) {
      const { vector, cipher } = subkeysOf(key);
      const filled = createDecipheriv(DEVICE_CIPHER, cipher, iv).update(bytes.subarray(KEY_LENGTH));
      const expected = createHmac('sha256', vector).update(filled).digest().subarray(0, KEY_LENGTH);
      if (timingSafeEqual(expected, iv)) return filled.toString('utf8').replace(/\0+$/, '');
    }
    throw new AppError(
      'ERR_COMPLIANCE_PSEUDONYM',
      `identifying ${JSON.stringify(pseudonym.slice(0, 64))}: ${match === null ? 'not of the form d:NUMBER:CHARACTERS' : 'its key does not exist any more'}`,
    );
  }

  /** The address of a pseudonym. Throws ERR_COMPLIANCE_PSEUDONYM for a text or a key that is not ours. */
  address(pseudonym: string): string {
    const match = PSEUDONYM.exec(pseudonym);
    const key = this.#keys.find(({ id }) => id === Number(match?.[1]));
    if (match === null || key === undefined) {
      const why =
        match === null ? 'not of the form p:NUMBER:22 CHARACTERS' : 'its key does not exist any more';
      throw new AppError(
        'ERR_COMPLIANCE_PSEUDONYM',
        `identifying ${JSON.stringify(pseudonym.slice(0, 64))}: ${why}`,
      );
    }
    const decipher = createDecipheriv(CIPHER, Buffer.from(key.key, 'base64'), null).setAutoPadding(false);
    const bytes = decipher.update(Buffer.from(match[2] ?? '', 'base64url'));
    const words = createAddress();
    readIpv6(bytes, 0, words);
    return formatAddress(words);
  }

  #write(keys: readonly Key[]): void {
    try {
      replaceFileNow(this.#path, `${JSON.stringify({ version: 1, keys }, undefined, 2)}\n`, FILE_MODE);
    } catch (thrown) {
      throw failure(this.#path, thrown);
    }
    this.#keys = keys;
    this.#use();
  }

  #use(): void {
    const key = this.#keys.at(-1);
    if (key === undefined) return;
    this.#prefix = `p:${key.id}:`;
    this.#cipher = createCipheriv(CIPHER, Buffer.from(key.key, 'base64'), null).setAutoPadding(false);
  }
}

/** The pseudonym of a device's name under one key. */
const pseudonymUnder = (key: Parameters<typeof subkeysOf>[0], name: string): string => {
  const { vector, cipher } = subkeysOf(key);
  const text = Buffer.from(name, 'utf8');
  const filled = Buffer.alloc(Math.ceil(text.length / DEVICE_BLOCK) * DEVICE_BLOCK);
  text.copy(filled);
  const iv = createHmac('sha256', vector).update(filled).digest().subarray(0, KEY_LENGTH);
  const bytes = createCipheriv(DEVICE_CIPHER, cipher, iv).update(filled);
  return `d:${key.id}:${Buffer.concat([iv, bytes]).toString('base64url')}`;
};

/** Keys of their own for each use: that of addresses is used as it is. */
const subkeysOf = ({ key }: Key): { readonly vector: Buffer; readonly cipher: Buffer } => {
  const derive = (use: string): Buffer =>
    createHmac('sha256', Buffer.from(key, 'base64')).update(use).digest();
  return { vector: derive('device vector'), cipher: derive('device cipher').subarray(0, KEY_LENGTH) };
};

const failure = (path: string, cause: unknown): AppError =>
  new AppError(
    'ERR_COMPLIANCE_PSEUDONYM_KEYS',
    `keeping the keys of pseudonyms in ${path}: ${errorText(cause)}`,
    {
      cause,
      hint: 'Without its keys, no pseudonym can be undone. Restore the file, or move it away to begin with a new key.',
    },
  );

const parseKeys = (text: string): Key[] => {
  const value: unknown = JSON.parse(text);
  const keys = typeof value === 'object' && value !== null && 'keys' in value ? value.keys : undefined;
  if (!Array.isArray(keys) || !keys.every(isKey)) throw new Error('not a file of keys');
  return keys;
};

const isKey = (value: unknown): value is Key => {
  if (typeof value !== 'object' || value === null) return false;
  const { id, key, from, until } = value as Readonly<Record<string, unknown>>;
  return (
    Number.isSafeInteger(id) &&
    typeof key === 'string' &&
    Buffer.from(key, 'base64').length === KEY_LENGTH &&
    typeof from === 'string' &&
    !Number.isNaN(Date.parse(from)) &&
    (until === null || (typeof until === 'string' && !Number.isNaN(Date.parse(until))))
  );
};

/** Pseudonyms for somebody else who names clients as the records do: it reads the keys and writes none. */
export class PseudonymReader {
  readonly #directory: string;
  #keys: PseudonymKeys | undefined;
  #stamp = '';

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Reads the keys again where the file is another one; true then. What cannot be read leaves nobody with a name. */
  look(): boolean {
    let stamp = '';
    try {
      const { ino, mtimeMs, size } = statSync(join(this.#directory, PSEUDONYM_KEYS_NAME));
      stamp = `${ino} ${mtimeMs} ${size}`;
      if (stamp === this.#stamp) return false;
      this.#keys = PseudonymKeys.open(this.#directory);
    } catch {
      this.#keys = undefined;
    }
    const isOther = stamp !== this.#stamp;
    this.#stamp = stamp;
    return isOther;
  }

  /** The pseudonym of an address; undefined while there is no key. */
  pseudonym(words: AddressWords): string | undefined {
    const text = this.#keys?.pseudonym(words);
    return text === '' ? undefined : text;
  }

  /** The pseudonym that an address had at a time; undefined without the key of that time. */
  pseudonymAt(words: AddressWords, timeMs: number): string | undefined {
    return this.#keys?.pseudonymAt(words, timeMs);
  }

  /** The pseudonym of a device's name; undefined while there is no key. */
  device(name: string): string | undefined {
    const text = this.#keys?.pseudonymOfDevice(name);
    return text === '' ? undefined : text;
  }
}
