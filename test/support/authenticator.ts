// A passkey in software: ES256, without attestation, its user verified (Web Authentication Level 3 sections 6.1 and 6.5).
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import type { Assertion, Attestation } from '../../src/people/admin/admin.ts';

/** User present and verified; with the data of a new key. */
const PRESENT_VERIFIED = 0x05;
const HAS_KEY = 0x40;

const sha256 = (data: string | Uint8Array): Buffer => createHash('sha256').update(data).digest();
const base64url = (data: Uint8Array): string => Buffer.from(data).toString('base64url');

/** CBOR of what is needed here (RFC 8949): small integers, texts, bytes, maps. */
const cbor = (value: number | string | Uint8Array | ReadonlyMap<number | string, unknown>): Buffer => {
  const head = (major: number, length: number): Buffer => {
    if (length < 24) return Buffer.of((major << 5) | length);
    return length < 256
      ? Buffer.of((major << 5) | 24, length)
      : Buffer.of((major << 5) | 25, length >> 8, length & 0xff);
  };
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value);
  if (typeof value === 'string') return Buffer.concat([head(3, value.length), Buffer.from(value)]);
  if (value instanceof Uint8Array) return Buffer.concat([head(2, value.length), value]);
  const members = [...value].flatMap(([key, member]) => [cbor(key), cbor(member as number)]);
  return Buffer.concat([head(5, value.size), ...members]);
};

/** One authenticator with one key. */
export class Authenticator {
  readonly id = base64url(randomBytes(16));
  readonly #site: { readonly origin: string; readonly rpId: string };
  readonly #key: KeyObject;
  readonly #publicKey: Buffer;
  #count = 0;

  constructor(site: { readonly origin: string; readonly rpId: string }) {
    this.#site = site;
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
    this.#key = privateKey;
    this.#publicKey = cbor(
      new Map<number, unknown>([
        ...([
          [1, 2],
          [3, -7],
          [-1, 1],
        ] as const),
        [-2, Buffer.from(x, 'base64url')],
        [-3, Buffer.from(y, 'base64url')],
      ]),
    );
  }

  /** COSE key in base64url. */
  get publicKey(): string {
    return base64url(this.#publicKey);
  }

  /** Answers what a browser was asked with to make a key. */
  attest(challenge: unknown): Attestation {
    const id = Buffer.from(this.id, 'base64url');
    const data = Buffer.concat([
      ...[this.#data(PRESENT_VERIFIED | HAS_KEY), Buffer.alloc(16), Buffer.of(0, id.length), id],
      this.#publicKey,
    ]);
    const statement = new Map<string, unknown>([
      ['fmt', 'none'],
      ['attStmt', new Map()],
      ['authData', data],
    ]);
    return {
      ...{ id: this.id, rawId: this.id, type: 'public-key' },
      response: {
        clientDataJSON: this.#client('webauthn.create', challenge),
        attestationObject: base64url(cbor(statement)),
        transports: ['internal'],
      },
    } as Attestation;
  }

  /** Answers what a browser was asked with to show a key. */
  assert(challenge: unknown): Assertion {
    const data = this.#data(PRESENT_VERIFIED);
    const client = this.#client('webauthn.get', challenge);
    const signed = Buffer.concat([data, sha256(Buffer.from(client, 'base64url'))]);
    return {
      ...{ id: this.id, rawId: this.id, type: 'public-key' },
      response: {
        clientDataJSON: client,
        authenticatorData: base64url(data),
        signature: base64url(sign('sha256', signed, this.#key)),
      },
    } as Assertion;
  }

  #data(flags: number): Buffer {
    this.#count++;
    const count = Buffer.alloc(4);
    count.writeUInt32BE(this.#count);
    return Buffer.concat([sha256(this.#site.rpId), Buffer.of(flags), count]);
  }

  #client(type: string, challenge: unknown): string {
    return base64url(Buffer.from(JSON.stringify({ type, challenge, origin: this.#site.origin })));
  }
}
