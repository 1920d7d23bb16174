// certificates: what encrypted listeners prove with, kept up to date: files, ACME, OCSP responses, revocation.
//
// Invariants: what is put in force was checked as a whole (key, names, time); what is there stays until something better is; a
// challenge is answered only while its order is open; an authority that is silent costs no answer to a client.

export { checkAcme } from './acme-files.ts';
export type { AcmeFacts, ObtainedFacts } from './acme-renewer.ts';
export { certificateIssues } from './certificate-issues.ts';
export { CertificateReloader, readValidCertificate, type TlsFacts } from './certificate-reloader.ts';
export { ListenerProof } from './listener-proof.ts';
export { checkRevocations, RevocationReloader } from './revocation-reloader.ts';
export { readShownCertificate } from './shown-certificate.ts';
