// One conversation with an ACME directory: its places, nonces, signed requests and problem documents (RFC 8555 sections 6 and 7.1).
//
// A nonce serves one request. A directory may refuse one for reasons of its own, and gives another one with the refusal
// (section 6.5): so the request is sent again, a bounded number of times. Signatures are ES256, by the key of the account.
import { createHmac, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { acmeError, quoted } from './acme-error.ts';
import type { DirectoryAnswer, Transport } from './transport.ts';

/** A directory that refuses half of all nonces is got past with one failure in a thousand. */
const NONCE_TRIES_MAX = 10;
const NONCE = /^[A-Za-z0-9_-]{1,512}$/;
const BAD_NONCE = 'urn:ietf:params:acme:error:badNonce';
const STATUS_PROBLEM = 400;
const STATUS_REDIRECT = 300;
/** A wait that a directory asks for is believed up to a day, milliseconds. */
export const WAIT_MS_MAX = 86_400_000;

/** What a directory says of itself; places are looked at when they are used. */
export interface Directory {
  readonly newNonce: unknown;
  readonly newAccount: unknown;
  readonly newOrder: unknown;
  readonly renewalInfo: unknown;
  readonly meta: {
    readonly termsOfService: unknown;
    readonly externalAccountRequired: boolean;
    /** Names of the kinds of certificates that it has. */
    readonly profiles: readonly string[];
  };
}

/** A key by which an account is bound to one that the authority knows already (section 7.3.4). */
export interface ExternalAccount {
  readonly id: string;
  /** The key of HMAC-SHA-256. */
  readonly key: Uint8Array;
}

/** What came of a request, its body read as JSON unless it is something else. */
export interface Reply extends DirectoryAnswer {
  readonly json: Readonly<Record<string, unknown>>;
}

/** A conversation, for one order. */
export class Session {
  readonly #transport: Transport;
  readonly #place: string;
  readonly #key: KeyObject;
  readonly #signal: AbortSignal;
  readonly #nowMs: () => number;
  readonly #nonces: string[] = [];
  #directory: Directory | undefined;
  /** Address of the account; undefined until it is known. */
  account: string | undefined;
  /** How long the last answer asks to wait, milliseconds; undefined: it does not. */
  retryAfterMs: number | undefined;
  /** Type of the last answer's problem; undefined: it has none. */
  problem: string | undefined;

  constructor(transport: Transport, place: string, key: KeyObject, signal: AbortSignal, nowMs: () => number) {
    this.#transport = transport;
    this.#place = place;
    this.#key = key;
    this.#signal = signal;
    this.#nowMs = nowMs;
  }

  /** What the directory says of itself, asked for once. */
  async directory(): Promise<Directory> {
    this.#directory ??= toDirectory(await this.get(this.#place));
    return this.#directory;
  }

  /** Reads what needs no account. */
  async get(place: unknown): Promise<Readonly<Record<string, unknown>>> {
    const answer = await this.#transport.send('GET', place, '', this.#signal);
    return this.#read(answer).json;
  }

  /** Sends a signed request; `undefined` only reads (POST-as-GET, section 6.3). Throws ERR_ACME_REFUSED for a problem document. */
  async post(place: unknown, payload: object | undefined, { withKey = false } = {}): Promise<Reply> {
    for (let tries = 1; ; tries++) {
      const header = {
        alg: 'ES256',
        ...(withKey || this.account === undefined ? { jwk: jwkOf(this.#key) } : { kid: this.account }),
        nonce: await this.#takeNonce(),
        url: place,
      };
      const body = signedBody(header, payload, (bytes) =>
        sign('sha256', bytes, { key: this.#key, dsaEncoding: 'ieee-p1363' }),
      );
      const answer = await this.#transport.send('POST', place, body, this.#signal);
      this.#keepNonce(answer);
      const isBadNonce = answer.status === STATUS_PROBLEM && parse(answer.body)['type'] === BAD_NONCE;
      if (!isBadNonce || tries === NONCE_TRIES_MAX) return this.#read(answer);
    }
  }

  /** A signature by which the authority knows whose account it is. */
  bind(place: unknown, { id, key }: ExternalAccount): object {
    const header = { alg: 'HS256', kid: id, url: place };
    return JSON.parse(
      signedBody(header, jwkOf(this.#key), (bytes) => createHmac('sha256', key).update(bytes).digest()),
    ) as object;
  }

  #read(answer: DirectoryAnswer): Reply {
    const { status, fields, body } = answer;
    this.retryAfterMs = readWait(fields['retry-after'], this.#nowMs());
    this.problem = undefined;
    if (status >= STATUS_PROBLEM) {
      const { type, detail } = parse(body);
      this.problem = quoted(type);
      const said = [quoted(type), quoted(detail)].filter((text) => text !== '').join(': ');
      throw acmeError(
        'ERR_ACME_REFUSED',
        `the directory answers with status ${status}${said && `, ${said}`}`,
        {
          hint: 'the words are those of the authority: it, or who runs it, knows more',
        },
      );
    }
    if (status >= STATUS_REDIRECT) {
      throw acmeError(
        'ERR_ACME_ANSWER',
        `the directory answers with status ${status}, which ACME does not have`,
      );
    }
    return { ...answer, json: parse(body) };
  }

  async #takeNonce(): Promise<string> {
    const kept = this.#nonces.pop();
    if (kept !== undefined) return kept;
    const { newNonce } = await this.directory();
    const answer = await this.#transport.send('HEAD', newNonce, '', this.#signal);
    this.#read(answer);
    this.#keepNonce(answer);
    const nonce = this.#nonces.pop();
    if (nonce === undefined) throw acmeError('ERR_ACME_ANSWER', 'the directory gives no nonce');
    return nonce;
  }

  #keepNonce({ fields }: DirectoryAnswer): void {
    const nonce = fields['replay-nonce'];
    // The newest alone: a directory may forget others.
    if (nonce !== undefined && NONCE.test(nonce)) this.#nonces.splice(0, 1, nonce);
  }
}

/** The public half of a key, its members in the order that its thumbprint needs (RFC 7638 section 3.2). */
export const jwkOf = (key: KeyObject): object => {
  const { crv, kty, x, y } = createPublicKey(key).export({ format: 'jwk' });
  return { crv, kty, x, y };
};

/** A flattened JWS (RFC 7515 section 7.2.2). */
const signedBody = (
  header: object,
  payload: object | undefined,
  toSignature: (bytes: Buffer) => Buffer,
): string => {
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const [head, content] = [encode(header), payload === undefined ? '' : encode(payload)];
  const signature = toSignature(Buffer.from(`${head}.${content}`)).toString('base64url');
  return JSON.stringify({ protected: head, payload: content, signature });
};

/** The members of an object in JSON; none of anything else. */
const parse = (body: Buffer): Readonly<Record<string, unknown>> => {
  try {
    return membersOf(JSON.parse(body.toString('utf8')));
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return {};
    throw thrown;
  }
};

/** The members of an object; none of anything else. */
export const membersOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : {};

const toDirectory = (json: Readonly<Record<string, unknown>>): Directory => {
  const { newNonce, newAccount, newOrder, renewalInfo } = json;
  const meta = membersOf(json['meta']);
  for (const place of [newNonce, newAccount, newOrder]) {
    if (typeof place === 'string') continue;
    throw acmeError('ERR_ACME_ANSWER', 'what is at the address is no ACME directory', {
      hint: 'tls.acme.directory is the address of the directory itself, such as "https://acme.agency.example/directory"',
    });
  }
  return {
    ...{ newNonce, newAccount, newOrder, renewalInfo },
    meta: {
      termsOfService: meta['termsOfService'],
      externalAccountRequired: meta['externalAccountRequired'] === true,
      profiles: Object.keys(membersOf(meta['profiles'])),
    },
  };
};

/** Seconds, or a date (RFC 9110 section 10.2.3); milliseconds from now. */
const readWait = (text: string | undefined, nowMs: number): number | undefined => {
  if (text === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), WAIT_MS_MAX);
};
