// The signed heads of a resolver put together from what it sent, beside its collected chains.
//
// A head is taken when it follows the one before and a key of the resolver signed it. Its public keys are kept as the resolver
// keeps them, so that anybody can check the directory.
import { createPublicKey, type KeyObject } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFileNow } from '../../base/base.ts';
import type { Collected } from './collected-chain.ts';
import { headHash, isHeadSignedBy, keyIdOf, NO_HEAD, readPublicKeys, type SignedHead } from './heads.ts';
import { appendHead, headsPath, parseHead, readHeadLines } from './heads-file.ts';

const PUBLIC_MODE = 0o644;
/** Keys of one resolver: it makes another when its file is gone. */
const KEYS_MAX = 64;

/** The heads of one directory. Methods throw errors of the system. */
export class CollectedHeads {
  readonly #directory: string;
  readonly #keys: Map<string, KeyObject>;
  readonly #hashes: string[] = [];

  constructor(directory: string) {
    this.#directory = directory;
    this.#keys = readPublicKeys(directory);
    for (const { head } of readHeadLines(headsPath(directory)))
      if (head !== undefined) this.#hashes.push(headHash(head));
  }

  /** Number and hash of the last one. */
  get place(): { readonly sequence: number; readonly hash: string } {
    return { sequence: this.#hashes.length, hash: this.#hashes.at(-1) ?? NO_HEAD };
  }

  /** Takes a public key in PEM; false when it is none. */
  addKey(pem: string): boolean {
    let key: KeyObject;
    try {
      key = createPublicKey(pem);
    } catch {
      return false;
    }
    if (key.asymmetricKeyType !== 'ed25519') return false;
    const id = keyIdOf(key);
    if (this.#keys.has(id)) return true;
    if (this.#keys.size >= KEYS_MAX) return false;
    const name = this.#keys.size === 0 ? 'signing-key.pub.pem' : `signing-key-${id}.pub.pem`;
    replaceFileNow(join(this.#directory, name), key.export({ type: 'spki', format: 'pem' }), PUBLIC_MODE);
    this.#keys.set(id, key);
    return true;
  }

  /** Takes a head; undefined is what could not be read. */
  take(head: SignedHead | undefined): Collected {
    if (head === undefined) return 'forged';
    const known = this.#hashes[head.number - 1];
    if (known !== undefined) return known === headHash(head) ? 'known' : 'other';
    if (head.number > this.#hashes.length + 1) return 'early';
    const key = this.#keys.get(head.keyId);
    // Its key may be on its way: it comes again, with the keys.
    if (key === undefined) return 'early';
    if (!isHeadSignedBy(head, key)) return 'forged';
    if (head.previous !== this.place.hash) return 'other';
    appendHead(headsPath(this.#directory), head);
    this.#hashes.push(headHash(head));
    return 'taken';
  }

  /** A head of its JSON; undefined for anything else. */
  static parse(text: string): SignedHead | undefined {
    return parseHead(text);
  }
}

/** The heads and public keys of a resolver's own directory, to be sent: those behind a number. */
export const readOwnHeads = (directory: string, after: number): readonly string[] =>
  readHeadLines(headsPath(directory)).flatMap(({ head }) =>
    head !== undefined && head.number > after ? [JSON.stringify(head)] : [],
  );

/** Bytes of the heads of a directory: they only grow. */
export const headsSizeOf = (directory: string): number =>
  statSync(headsPath(directory), { throwIfNoEntry: false })?.size ?? 0;

/** The public keys of a directory in PEM. */
export const readOwnKeys = (directory: string): readonly string[] =>
  [...readPublicKeys(directory).values()].map((key) => String(key.export({ type: 'spki', format: 'pem' })));
