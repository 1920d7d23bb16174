// acme: obtains a certificate from an authority that speaks ACME, by showing at port 443 that its names lead here.
//
// Invariants: what a directory sends is bounded in bytes, time and number, and leads to no other server; a certificate counts only with
// the key, the names and the time that were asked for; a challenge is answered for no other name; no secret stands in an error.
// Nothing here runs where queries are answered. Beside it, as it writes the same forms, an authority of one's own. RFCs 8555, 8737, 8738, 9773; JWS by RFC 7515, ES256.
export { acmeError } from './acme-error.ts';
export { printedName, toIdentifier } from './identifier.ts';
export { namesOf } from './issued.ts';
export { type IssuedCertificate, obtainCertificate, openAccount } from './order.ts';
export { createAuthority, issueCertificate, type OwnCertificate } from './own-authority.ts';
export { askRenewal, certificateId } from './renewal.ts';
export { type Challenge, createKey, exportKey } from './request.ts';
export { type ExternalAccount, Session } from './session.ts';
export { type DirectoryAddress, Transport } from './transport.ts';
