// What a server proved with in a handshake, over TLS or QUIC, in one form: it is judged in the same way.
import { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { QuicProof } from '../../wire/quic/quic.ts';

/** Certificates of a chain that are looked at: no server sends more. */
const CHAIN_LENGTH_MAX = 10;

/** What was seen; nothing of it is verified. */
export interface Proof {
  /** The server's own certificate first, without a root that signed itself: clients have their own. Empty: none came. */
  readonly chain: readonly X509Certificate[];
  /** What is spoken, by ALPN; empty: nothing was chosen. */
  readonly protocol: string;
  /** Whether the chain ends at an authority of this host. */
  readonly isOfKnownAuthority: boolean;
}

/** That of a connection after its handshake. */
export const proofOfTls = (socket: TLSSocket): Proof => ({
  chain: chainOf(socket.getPeerX509Certificate(), (certificate) => certificate.issuerCertificate),
  protocol: typeof socket.alpnProtocol === 'string' ? socket.alpnProtocol : '',
  isOfKnownAuthority: socket.authorized || !UNKNOWN.has(String(socket.authorizationError)),
});

/** That of a call. Throws where the bytes are no certificate. */
export const proofOfQuic = ({ chain: sent, protocol }: QuicProof): Proof => {
  const certificates = sent.map((der) => new X509Certificate(der));
  let at = 0;
  const chain = chainOf(certificates[0], () => certificates[++at]);
  return { chain, protocol, isOfKnownAuthority: isKnown(chain.at(-1)) };
};

/** What OpenSSL says of a chain that ends nowhere it knows. */
const UNKNOWN: ReadonlySet<string> = new Set([
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_GET_ISSUER_CERT',
]);

const chainOf = (
  leaf: X509Certificate | undefined,
  behind: (certificate: X509Certificate) => X509Certificate | undefined,
): X509Certificate[] => {
  if (leaf === undefined) return [];
  const chain = [leaf];
  for (let next = behind(leaf); next !== undefined && chain.length < CHAIN_LENGTH_MAX; ) {
    if (next.checkIssued(next)) break;
    chain.push(next);
    next = behind(next);
  }
  return chain;
};

/** Loaded where something was asked over TLS. */
const loadTls = (): typeof import('node:tls') => process.getBuiltinModule('node:tls');

/** PEM of the authorities of this host, by their subjects. Made once, in some 20 ms, where something is asked over QUIC. */
let authorities: ReadonlyMap<string, readonly string[]> | undefined;

const isKnown = (top: X509Certificate | undefined): boolean => {
  if (top === undefined) return false;
  authorities ??= Map.groupBy(
    loadTls().getCACertificates('default'),
    (pem) => new X509Certificate(pem).subject,
  );
  return (authorities.get(top.issuer) ?? []).some((pem) => {
    const authority = new X509Certificate(pem);
    return top.checkIssued(authority) && top.verify(authority.publicKey);
  });
};
