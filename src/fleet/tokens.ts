// Tokens: by which a resolver is taken in, once, within a day.
//
// A token holds a seed that the engine lets in for the one request, a secret whose hash alone is kept, and the fingerprint of
// the authority's key, so that a node knows whom it joins. With where the engine is, and the hash of the certificate by which
// it is believed, it is a word: all that another machine needs (ADR 0155). One that was used stays known until its day is over: whoever
// tries it again is told no, and so are the operators.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createUser } from '@nats-io/nkeys';
import { z } from 'zod';
import { AppError, type Clock, DAY_MS, errorText, replaceFileNow } from '../base/base.ts';
import { NODE_NAME } from './subjects.ts';

/** How long a token can be used, milliseconds. */
const TOKEN_MS = DAY_MS;
/** Tokens that are known at a time: twice the largest fleet. */
const TOKENS_MAX = 4_096;
const SECRET_BYTES = 32;
const PREFIX = 'cordon1.';
const FILE_MODE = 0o600;

/** What may stand in `fleet.servers`: it is printed and written, and in an answer nobody has signed it. */
export const ENGINE_SERVER = /^(?:tls|nats):\/\/[A-Za-z0-9.[\]:-]{1,255}$/;

const tokenSchema = z.strictObject({
  name: z.string().regex(NODE_NAME),
  site: z.string().max(40).exactOptional(),
  seed: z.string().regex(/^SU[A-Z2-7]{56}$/),
  secret: z.string().max(100),
  /** Of the authority's key. */
  authority: z.string().regex(/^[0-9a-f]{64}$/),
  /** Absent where the engine is on loopback, or the site has a leaf node: then the address is told beside the token. */
  servers: z.array(z.string().regex(ENGINE_SERVER)).min(1).max(16).exactOptional(),
  /** SHA-256 of the certificate by which the engine is believed. */
  ca: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .exactOptional(),
  until: z.iso.datetime().exactOptional(),
});

/** What a token says to the one who has it. */
export type Token = Readonly<z.infer<typeof tokenSchema>>;

const issuedSchema = z.looseObject({
  name: z.string(),
  site: z.string().exactOptional(),
  /** Public nkey of its seed. */
  key: z.string(),
  secretSha256: z.string(),
  until: z.iso.datetime(),
  usedAt: z.iso.datetime().exactOptional(),
});

/** A token that was given out. */
export type IssuedToken = Readonly<z.infer<typeof issuedSchema>>;

/** Why a token does not do. */
export type TokenFault = 'unknown' | 'used' | 'expired';

/**
 * The tokens of an authority. What is given out and used is in the file behind save(): a thousand resolvers that come at once are as few
 * writings as the engine's users are, and not two thousand, of which each has all of them. That one was used the log of policy knows before.
 */
export class Tokens {
  readonly #path: string;
  readonly #clock: Clock;
  #issued: readonly IssuedToken[];
  #isSaved = true;

  /** Throws ERR_FLEET_TOKENS for a file that cannot be read. */
  constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
    try {
      this.#issued = existsSync(path)
        ? z.array(issuedSchema).parse(JSON.parse(readFileSync(path, 'utf8')))
        : [];
    } catch (cause) {
      throw new AppError('ERR_FLEET_TOKENS', `reading ${path}: ${errorText(cause)}`, { cause });
    }
  }

  /** Those whose day is not over. */
  get open(): readonly IssuedToken[] {
    const nowMs = this.#clock();
    return this.#issued.filter(({ until }) => Date.parse(until) > nowMs);
  }

  /** Makes a token. Throws ERR_FLEET_TOKENS when too many are open. */
  issue(
    name: string,
    site: string | undefined,
    place: Pick<Token, 'authority' | 'servers' | 'ca'>,
  ): { readonly text: string; readonly until: string } {
    const others = this.open.filter((token) => token.name !== name || token.usedAt !== undefined);
    if (others.length >= TOKENS_MAX) {
      throw new AppError('ERR_FLEET_TOKENS', `inviting ${name}: ${TOKENS_MAX} tokens are open`, {
        hint: 'Wait until some have been used and are over.',
      });
    }
    const pair = createUser();
    const secret = randomBytes(SECRET_BYTES).toString('base64url');
    const until = new Date(this.#clock() + TOKEN_MS).toISOString();
    const stands = site === undefined ? {} : { site };
    this.#change([
      ...others,
      { name, ...stands, key: pair.getPublicKey(), secretSha256: hashOf(secret), until },
    ]);
    const seed = Buffer.from(pair.getSeed()).toString('latin1');
    const token: Token = { name, ...stands, seed, secret, ...place, until };
    return { text: PREFIX + Buffer.from(JSON.stringify(token)).toString('base64url'), until };
  }

  /** The token of a name and secret that can be used, or why it cannot. */
  check(name: string, secret: string): IssuedToken | TokenFault {
    const hash = hashOf(secret);
    const token = this.#issued.find((one) => one.name === name && isSame(one.secretSha256, hash));
    if (token === undefined) return 'unknown';
    if (token.usedAt !== undefined) return 'used';
    return Date.parse(token.until) > this.#clock() ? token : 'expired';
  }

  /** A token was used. */
  use(token: IssuedToken): void {
    const usedAt = new Date(this.#clock()).toISOString();
    this.#change(
      this.open.map((one) => (one.secretSha256 === token.secretSha256 ? { ...one, usedAt } : one)),
    );
  }

  /** No token of a name can be used any more, and none that was. Throws ERR_FLEET_TOKENS. */
  withdraw(name: string): void {
    this.#change(this.open.filter((token) => token.name !== name));
    this.save();
  }

  /** Writes what was changed; a token is told to nobody before. Throws ERR_FLEET_TOKENS. */
  save(): void {
    if (this.#isSaved) return;
    try {
      replaceFileNow(this.#path, `${JSON.stringify(this.#issued, undefined, 2)}\n`, FILE_MODE);
    } catch (cause) {
      throw new AppError('ERR_FLEET_TOKENS', `writing ${this.#path}: ${errorText(cause)}`, { cause });
    }
    this.#isSaved = true;
  }

  #change(issued: readonly IssuedToken[]): void {
    this.#issued = issued;
    this.#isSaved = false;
  }
}

/** When a token was given out, milliseconds since the epoch. */
export const issuedMs = ({ until }: IssuedToken): number => Date.parse(until) - TOKEN_MS;

/** Reads a token. Throws ERR_FLEET_TOKEN. */
export const readToken = (text: string): Token => {
  try {
    if (!text.startsWith(PREFIX)) throw new Error('it does not begin as one');
    return tokenSchema.parse(
      JSON.parse(Buffer.from(text.slice(PREFIX.length), 'base64url').toString('utf8')),
    );
  } catch {
    throw new AppError('ERR_FLEET_TOKEN', 'reading the token: it is none, or was cut', {
      hint: 'Copy all of what "cordon fleet invite" printed.',
    });
  }
};

const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');

const isSame = (one: string, other: string): boolean =>
  one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));
