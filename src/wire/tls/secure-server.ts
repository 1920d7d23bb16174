// The TLS of a listener: takes sockets that were accepted elsewhere, and hands them on after the handshake.
//
// Node.js can be given one key for tickets, and a new one makes all older tickets worthless at once. Below it OpenSSL asks
// for the key of each ticket (SSL_CTX_set_tlsext_ticket_key_evp_cb), and Node.js passes the question on to a caller that enables
// it: so older keys open tickets for as long as they are kept, and their clients get new ones. That is no documented
// interface, though one that Node's own tests use; where it is missing, the newest key alone is set (ADR 0057).
import { constants, createHash, randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Server, TLSSocket } from 'node:tls';
import type { TlsMaterial } from './certificate.ts';
import { ClientAuthorities } from './client-authorities.ts';
import { TICKET_PART_BYTES, type TicketKey } from './ticket-keys.ts';

/** Loaded by the first encrypted listener: it takes 6 MiB of each thread. */
const loadTls = (): typeof import('node:tls') => process.getBuiltinModule('node:tls');

/** For TLS 1.2, what RFC 9325 section 4.2 recommends; TLS 1.3 has no others. */
const CIPHERS = [
  ...['TLS_AES_256_GCM_SHA384', 'TLS_AES_128_GCM_SHA256', 'TLS_CHACHA20_POLY1305_SHA256'],
  ...['ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-RSA-AES256-GCM-SHA384', 'ECDHE-ECDSA-AES128-GCM-SHA256'],
  ...['ECDHE-RSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-CHACHA20-POLY1305', 'ECDHE-RSA-CHACHA20-POLY1305'],
].join(':');

/** What the encrypted listeners of a process have in common; plain data that travels between threads. */
export interface TlsSettings extends Omit<TlsMaterial, 'cert' | 'key'> {
  /** Undefined with `key`: there is no certificate yet, and every handshake fails but those of challenges. */
  readonly cert: string | undefined;
  readonly key: string | undefined;
  /** What authorities are shown that look whether a name leads here; only over HTTPS. */
  readonly challenges: readonly ChallengeProof[];
  /** The newest first. */
  readonly ticketKeys: readonly TicketKey[];
  /** How long a session can be resumed, seconds. */
  readonly ticketLifetimeSec: number;
}

/** What an authority is shown that asks by a name for `acme-tls/1` (RFC 8737 section 3); PEM. */
export interface ChallengeProof {
  /** In lower case. */
  readonly serverName: string;
  readonly cert: string;
  readonly key: string;
}

/** The TLS of one listener. */
export class SecureServer {
  readonly #protocols: readonly string[];
  #server: Server;
  /** By both ends of the connection: a socket of TLS does not tell which one it stands upon. */
  readonly #waiting = new Map<string, (socket: TLSSocket) => void>();
  #settings: TlsSettings;
  #keys: readonly NamedKey[] = [];
  #authorities: ClientAuthorities;

  /** `protocols` as in ALPN, in the order of preference; a client that names none is taken. */
  constructor(protocols: readonly string[], settings: TlsSettings) {
    this.#protocols = protocols;
    this.#settings = settings;
    this.#authorities = new ClientAuthorities(settings.clientAuthorities ?? []);
    this.#server = this.#create();
    this.#arm();
  }

  /** Those of client certificates. */
  get authorities(): ClientAuthorities {
    return this.#authorities;
  }

  #create(): Server {
    const server = loadTls().createServer({
      ...toOptions(this.#settings),
      ALPNProtocols: [...this.#protocols],
    });
    server.on('secureConnection', (socket) => {
      const key = keyOf(socket);
      const secured = this.#waiting.get(key);
      this.#waiting.delete(key);
      if (secured === undefined) socket.destroy();
      else secured(socket);
    });
    return server;
  }

  /** Proves with something else from the next handshake on. What is open stays. */
  set(settings: TlsSettings): void {
    const asked = this.#settings.clientAuthorities !== undefined;
    this.#settings = settings;
    this.#authorities = new ClientAuthorities(settings.clientAuthorities ?? []);
    // Whether clients are asked for a certificate is no part of the context; handshakes under way end where they began.
    if (asked !== (settings.clientAuthorities !== undefined)) this.#server = this.#create();
    else this.#server.setSecureContext(toOptions(settings));
    this.#arm();
  }

  /**
   * Begins the handshake of a socket, from which something may have been read and put back. `secured` is called when it
   * is done; when it comes to nothing, the socket is closed.
   */
  secure(socket: Socket, secured: (socket: TLSSocket) => void): void {
    const key = keyOf(socket);
    this.#waiting.set(key, secured);
    socket.once('close', () => {
      if (this.#waiting.get(key) === secured) this.#waiting.delete(key);
    });
    this.#server.emit('connection', socket);
  }

  #arm(): void {
    const { ocsp, ticketKeys } = this.#settings;
    this.#keys = ticketKeys.map(toNamedKey);
    this.#server.removeAllListeners('OCSPRequest');
    if (ocsp !== undefined) {
      const response = Buffer.from(ocsp);
      this.#server.on('OCSPRequest', (_certificate, _issuer, respond) => respond(null, response));
    }
    const { context } = (this.#server as ServerInside)._sharedCreds ?? {};
    if (typeof context?.enableTicketKeyCallback !== 'function') return;
    context.enableTicketKeyCallback();
    context.onticketkeycallback = (name, _iv, isNew) => this.#findKey(name, isNew);
  }

  /** The key for a new ticket, or that of one with a name. A name that nobody knows must have keys, too. */
  #findKey(name: Uint8Array, isNew: boolean): TicketAnswer {
    const index = isNew ? 0 : this.#keys.findIndex((key) => key.name.equals(name));
    const key = this.#keys[index] ?? this.#keys[0] ?? NO_KEY;
    if (isNew) return [TICKET.TAKEN, key.hmac, key.aes, key.name, randomBytes(TICKET_PART_BYTES)];
    return [index < 0 ? TICKET.UNKNOWN : index === 0 ? TICKET.TAKEN : TICKET.RENEWED, key.hmac, key.aes];
  }
}

const toOptions = ({ cert, key, clientAuthorities, ticketKeys, ticketLifetimeSec }: TlsSettings) => ({
  ...(cert !== undefined && key !== undefined && { cert, key }),
  // Who shows none is served all the same; whether it counts is looked at after the handshake.
  ...(clientAuthorities && { ca: [...clientAuthorities], requestCert: true, rejectUnauthorized: false }),
  minVersion: 'TLSv1.2' as const,
  ciphers: CIPHERS,
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  sessionTimeout: ticketLifetimeSec,
  // The same in all workers and for all listeners. A session with a certificate of an authority that is gone is none.
  sessionIdContext: contextOf(clientAuthorities),
  ticketKeys: Buffer.from(ticketKeys[0] ?? randomBytes(3 * TICKET_PART_BYTES)),
});

/** At most 32 bytes (SSL_CTX_set_session_id_context(3)). */
const contextOf = (authorities: readonly string[] | undefined): string =>
  authorities === undefined
    ? 'cordon'
    : createHash('sha256').update(authorities.join('')).digest('base64url').slice(0, 24);

const keyOf = ({ remoteAddress, remotePort, localAddress }: Socket): string =>
  `${remoteAddress} ${remotePort} ${localAddress}`;

/** What OpenSSL is told of a ticket (SSL_CTX_set_tlsext_ticket_key_evp_cb(3)). */
const TICKET = { UNKNOWN: 0, TAKEN: 1, RENEWED: 2 } as const;

type TicketAnswer = [number, hmac: Buffer, aes: Buffer, name?: Buffer, iv?: Buffer];

interface NamedKey {
  readonly name: Buffer;
  readonly hmac: Buffer;
  readonly aes: Buffer;
}

/** Parts of Node.js that it does not document. */
type ServerInside = Server & {
  readonly _sharedCreds?: {
    readonly context?: {
      enableTicketKeyCallback?: () => void;
      onticketkeycallback?: (name: Buffer, iv: Buffer, isNew: boolean) => TicketAnswer;
    };
  };
};

const toNamedKey = (key: TicketKey): NamedKey => {
  const part = (index: number): Buffer =>
    Buffer.from(key.slice(index * TICKET_PART_BYTES, (index + 1) * TICKET_PART_BYTES));
  return { name: part(0), hmac: part(1), aes: part(2) };
};

const NO_KEY: NamedKey = toNamedKey(new Uint8Array(3 * TICKET_PART_BYTES));
