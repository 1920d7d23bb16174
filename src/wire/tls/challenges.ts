// The challenges of an authority at a listener: whether a ClientHello asks for one, and the handshake that answers it (RFC 8737).
//
// Such a ClientHello names one protocol, `acme-tls/1`, and the name that is looked at. Anybody may send it, so it gets what the RFC
// has and no more: a handshake with the certificate of the challenge, which is public, by a TLS that has no tickets in common with
// that of clients and speaks no other protocol. While no challenge is open, nothing of this is looked at.
import { randomBytes } from 'node:crypto';
import { type ChallengeProof, SecureServer } from './secure-server.ts';
import { TICKET_PART_BYTES } from './ticket-keys.ts';

const PROTOCOL = 'acme-tls/1';
/** ExtensionType (RFC 8446 section 4.2) and NameType (RFC 6066 section 3). */
const EXTENSION = { SERVER_NAME: 0, ALPN: 16 } as const;
const HOST_NAME = 0;
/** Lengths of what stands before the session of a ClientHello (RFC 8446 section 4.1.2): type, length, version, random. */
const HANDSHAKE_HEADER = 4;
const VERSION_AND_RANDOM = 34;
const RECORD_HEADER = 5;

/** The challenges that are open at one listener. */
export class Challenges {
  #servers: ReadonlyMap<string, SecureServer> = new Map();
  #proofs: readonly ChallengeProof[] = [];

  get areOpen(): boolean {
    return this.#servers.size > 0;
  }

  /** These are open from now on, and no others. */
  set(proofs: readonly ChallengeProof[]): void {
    if (
      proofs.length === this.#proofs.length &&
      proofs.every(({ cert }, at) => cert === this.#proofs[at]?.cert)
    )
      return;
    this.#proofs = proofs;
    this.#servers = new Map(proofs.map((proof) => [proof.serverName, createServer(proof)]));
  }

  /** Who answers a ClientHello, which is there as a whole; undefined: it asks for no challenge that is open. */
  find(hello: Uint8Array): SecureServer | undefined {
    if (!this.areOpen) return undefined;
    const name = challengedName(hello);
    return name === undefined ? undefined : this.#servers.get(name);
  }
}

const createServer = ({ cert, key }: ChallengeProof): SecureServer =>
  new SecureServer([PROTOCOL], {
    ...{ cert, key, ocsp: undefined, clientAuthorities: undefined, challenges: [] },
    // A ticket of clients opens nothing here, nor the other way round.
    ticketKeys: [Uint8Array.from(randomBytes(3 * TICKET_PART_BYTES))],
    ticketLifetimeSec: 1,
  });

/** The name that a ClientHello with `acme-tls/1` and no other protocol asks for, in lower case. */
const challengedName = (hello: Uint8Array): string | undefined => {
  const message = joinRecords(hello);
  const session = HANDSHAKE_HEADER + VERSION_AND_RANDOM;
  const suites = session + 1 + (message[session] ?? 0);
  const methods = suites + 2 + readLength(message, suites);
  const start = methods + 1 + (message[methods] ?? 0) + 2;
  const extensions = message.subarray(start, start + readLength(message, start - 2));
  let name: string | undefined;
  let isChallenge = false;
  for (let at = 0; at + 4 <= extensions.length; ) {
    const type = readLength(extensions, at);
    const data = extensions.subarray(at + 4, at + 4 + readLength(extensions, at + 2));
    at += 4 + readLength(extensions, at + 2);
    if (type === EXTENSION.ALPN) isChallenge = data.subarray(2).equals(OFFERED);
    else if (type === EXTENSION.SERVER_NAME) name = serverName(data);
  }
  return isChallenge ? name : undefined;
};

/** The one name of the extension; undefined where there are several or it is no host name. */
const serverName = (data: Buffer): string | undefined => {
  const length = readLength(data, 3);
  if (data[2] !== HOST_NAME || data.length !== 5 + length) return undefined;
  return data.subarray(5).toString('latin1').toLowerCase();
};

/** A handshake message without the headers of the records that it is in. */
const joinRecords = (bytes: Uint8Array): Buffer => {
  const parts: Uint8Array[] = [];
  for (let at = 0; at + RECORD_HEADER <= bytes.length; ) {
    const end = at + RECORD_HEADER + readLength(bytes, at + 3);
    parts.push(bytes.subarray(at + RECORD_HEADER, end));
    at = end;
  }
  return Buffer.concat(parts);
};

const readLength = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);

/** A list of one protocol, each behind its length. */
const OFFERED = Buffer.concat([Buffer.from([PROTOCOL.length]), Buffer.from(PROTOCOL)]);
