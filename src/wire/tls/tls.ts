// tls: with what the encrypted listeners prove who they are, and how sessions with them are resumed.
//
// Invariants: a certificate is taken together with its key or not at all; what cannot be proven with never takes the
// place of what can; keys of tickets are in memory only, the same in all workers, and live for two rotations. TLS 1.2
// and later, no early data, no renegotiation. RFCs 5077, 5280, 6066 section 8, 8310, 8446, 8737, 8996, 9325.
export {
  assertValid,
  type CertificateFacts,
  type CertificateFiles,
  readCertificate,
  readClientAuthorities,
  type TlsMaterial,
  warningMs,
} from './certificate.ts';
export { Challenges } from './challenges.ts';
export { authorityFingerprints, ClientAuthorities } from './client-authorities.ts';
export { type ClientCertificate, readClientCertificate } from './client-certificate.ts';
export { type ReadRevocations, type RevokedCertificates, readRevocations } from './revocation.ts';
export { type ChallengeProof, SecureServer, type TlsSettings } from './secure-server.ts';
export { TicketKeys } from './ticket-keys.ts';
