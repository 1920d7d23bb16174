// An ACME directory that does what a test tells it to: everything as it should be, but what is scripted. It looks at no challenge itself.
//
// Requests come over real HTTPS; signatures are checked, since a client that signs wrongly would go unnoticed otherwise.
import assert from 'node:assert/strict';
import { createPublicKey, type JsonWebKey, verify } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { CertificateAuthority, type Issued } from './certificates.ts';
import { ACME_HOST } from './pebble.ts';

/** A request as it arrived. */
export interface DirectoryRequest {
  readonly path: string;
  /** Undefined: none, as for what is only read. */
  readonly payload: Readonly<Record<string, unknown>> | undefined;
  readonly header: Readonly<Record<string, unknown>>;
}

/** What it answers with. */
export interface DirectoryReply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | object;
}

/** Instead of what it should answer; undefined: as it should. `silence` is no answer at all. */
export type Twist = (request: DirectoryRequest) => DirectoryReply | 'silence' | undefined;

/** Of a directory. */
export interface DirectoryKeys {
  readonly authority: CertificateAuthority;
  readonly shown: Issued;
}

interface Identifier {
  readonly type: string;
  readonly value: string;
}

/** A running directory. */
export class ScriptedDirectory {
  readonly authority: CertificateAuthority;
  readonly requests: DirectoryRequest[] = [];
  /** What is not as it should be. */
  twist: Twist = () => undefined;
  /** Whether a name leads to who asks, by its own looks. */
  status: 'pending' | 'valid' | 'invalid' = 'valid';
  /** Names of the certificate; as they were asked for without. */
  names: readonly string[] | undefined;
  endsInDays = 2;
  readonly #server: Server;
  #identifiers: readonly Identifier[] = [];
  #request = Buffer.alloc(0);
  #key: JsonWebKey | undefined;
  #nonces = 0;

  private constructor(authority: CertificateAuthority, server: Server) {
    this.authority = authority;
    this.#server = server;
    server.on('request', (request, response) => void this.#serve(request, response));
  }

  /** What one shows and signs with: three programs, so that a file makes them once. */
  static createKeys(): DirectoryKeys {
    const authority = CertificateAuthority.create('Authority of the directory');
    return { authority, shown: authority.issue({ names: [`DNS:${ACME_HOST}`, 'IP:127.0.0.1'] }) };
  }

  static async open({ authority, shown } = ScriptedDirectory.createKeys()): Promise<ScriptedDirectory> {
    const { certificate, key } = shown;
    const server = createServer({ cert: certificate, key });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new ScriptedDirectory(authority, server);
  }

  get origin(): string {
    return `https://${ACME_HOST}:${(this.#server.address() as AddressInfo).port}`;
  }

  get directory(): string {
    return `${this.origin}/dir`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    const asked = { path: request.url ?? '', ...this.#read(body) };
    this.requests.push(asked);
    const reply = this.twist(asked) ?? this.#answer(asked);
    if (reply === 'silence') return;
    const { status = 200, headers = {}, body: content = '' } = reply;
    response.writeHead(status, { 'replay-nonce': `nonce-${this.#nonces++}`, ...headers });
    response.end(typeof content === 'string' ? content : JSON.stringify(content));
  }

  #read(body: string): Pick<DirectoryRequest, 'header' | 'payload'> {
    if (body === '') return { header: {}, payload: undefined };
    const { protected: head = '', payload = '', signature = '' } = JSON.parse(body) as Record<string, string>;
    const header = JSON.parse(Buffer.from(head, 'base64url').toString()) as Record<string, unknown>;
    this.#key = (header['jwk'] as JsonWebKey | undefined) ?? this.#key;
    assert.ok(this.#key !== undefined);
    const key = {
      key: createPublicKey({ key: this.#key, format: 'jwk' }),
      dsaEncoding: 'ieee-p1363',
    } as const;
    const isSigned = verify(
      'sha256',
      Buffer.from(`${head}.${payload}`),
      key,
      Buffer.from(signature, 'base64url'),
    );
    assert.ok(isSigned, 'a request is signed wrongly');
    const text = Buffer.from(payload, 'base64url').toString();
    return { header, payload: text === '' ? undefined : (JSON.parse(text) as Record<string, unknown>) };
  }

  #answer({ path, payload }: DirectoryRequest): DirectoryReply {
    const at = (place: string): string => `${this.origin}${place}`;
    const [, resource = '', index = ''] = /^\/([a-z]+)\/?(\d*)$/.exec(path) ?? [];
    switch (resource) {
      case 'dir':
        return {
          body: { newNonce: at('/nonce'), newAccount: at('/account'), newOrder: at('/new'), meta: {} },
        };
      case 'account':
        return { status: 201, headers: { location: at('/account/1') }, body: { status: 'valid' } };
      case 'new':
        this.#identifiers = payload?.['identifiers'] as Identifier[];
        this.#request = Buffer.alloc(0);
        return { status: 201, headers: { location: at('/order') }, body: this.#order() };
      case 'order':
        return { body: this.#order() };
      case 'authz': {
        const challenge = {
          type: 'tls-alpn-01',
          url: at(`/challenge/${index}`),
          token: `token-of-sixteen-and-more-${index}`,
        };
        const others = [{ type: 'http-01', url: at('/other'), token: 'token-of-another-challenge' }];
        const error = { detail: 'nobody was there' };
        const told = this.status === 'invalid' ? { ...challenge, error } : challenge;
        return {
          body: {
            status: this.status,
            identifier: this.#identifiers[Number(index)],
            challenges: [...others, told],
          },
        };
      }
      case 'finalize':
        this.#request = Buffer.from(String(payload?.['csr']), 'base64url');
        return { body: this.#order() };
      case 'certificate':
        return { body: this.#certificate() };
      default:
        return { body: {} };
    }
  }

  #order(): object {
    const at = (place: string): string => `${this.origin}${place}`;
    const isReady = this.status === 'valid' ? 'ready' : this.status;
    return {
      status: this.#request.length > 0 ? 'valid' : isReady,
      authorizations: this.#identifiers.map((_, index) => at(`/authz/${index}`)),
      finalize: at('/finalize'),
      ...(this.#request.length > 0 && { certificate: at('/certificate') }),
    };
  }

  #certificate(): string {
    const asked = this.#identifiers.map(({ type, value }) => `${type === 'ip' ? 'IP' : 'DNS'}:${value}`);
    const { endsInDays } = this;
    const startsInDays = Math.min(0, endsInDays) - 2;
    return this.authority.signRequest(this.#request, {
      names: this.names ?? asked,
      startsInDays,
      endsInDays,
    });
  }
}
