// What encrypted listeners prove with, seen from outside: whether a client that was told their name, or found them by DDR, can
// believe them.
//
// A listener may serve another certificate than its files hold, or one that was renewed for other names. What a client
// would refuse is a fault. That this host does not know the authority is none: its clients may.
import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { DAY_MS, errorText } from '../../base/base.ts';
import type { ProbedCertificate } from '../records/records.ts';
import type { Proof } from './proof.ts';
import { type SecureServer, type SecureTransport, shakeHands } from './secure-inquiry.ts';

/** What a listener has to prove. */
export interface Claim {
  readonly view: string;
  /** Addresses from which DDR leads there (RFC 9462 section 4.2): the certificate has to hold each. */
  readonly addresses: readonly string[];
}

/** Shakes hands and looks at what came. Never rejects. */
export const lookAtCertificate = async (
  at: SecureServer,
  { view, addresses }: Claim,
  nowMs: number,
): Promise<ProbedCertificate> => {
  const head = { view, transport: at.transport, name: at.name };
  const nothing = (text: string): ProbedCertificate => ({ ...head, names: [], faults: [text], notes: [] });
  try {
    const seen = await shakeHands(at);
    return seen === undefined
      ? nothing('no handshake in time')
      : { ...head, ...judge(seen, at, addresses, nowMs) };
  } catch (thrown) {
    return nothing(`no handshake: ${errorText(thrown)}`);
  }
};

const judge = (
  { chain, protocol, isOfKnownAuthority }: Proof,
  { name, transport }: SecureServer,
  addresses: readonly string[],
  nowMs: number,
): Omit<ProbedCertificate, 'view' | 'transport' | 'name'> => {
  const [leaf] = chain;
  if (leaf === undefined) return { names: [], faults: ['it showed no certificate'], notes: [] };
  const faults: string[] = [];
  const notes: string[] = [];
  if (!holds(leaf, name)) faults.push(`it is not for ${name}, the name that clients are told`);
  for (const address of addresses) {
    if (!holds(leaf, address)) faults.push(`it is not for ${address}, from where DDR leads here`);
  }
  for (const [index, issued] of chain.entries()) {
    const issuer = chain[index + 1];
    if (issuer !== undefined && !(issued.checkIssued(issuer) && issued.verify(issuer.publicKey))) {
      faults.push(`certificate ${index + 2} of the chain did not sign certificate ${index + 1}`);
    }
  }
  const startMs = Math.max(...chain.map(({ validFrom }) => Date.parse(validFrom)));
  const endMs = Math.min(...chain.map(({ validTo }) => Date.parse(validTo)));
  if (nowMs < startMs) faults.push(`it is not valid before ${new Date(startMs).toISOString()}`);
  if (nowMs >= endMs) faults.push(`it ended at ${new Date(endMs).toISOString()}`);
  const spoken = SPOKEN[transport];
  if (spoken !== undefined && protocol !== spoken.protocol) faults.push(`it does not speak ${spoken.name}`);
  if (!isOfKnownAuthority) {
    const top = chain.at(-1)?.issuer.replaceAll('\n', ', ') ?? 'nobody';
    notes.push(`this host does not know the authority ${top}: clients have to`);
  }
  return {
    names: (leaf.subjectAltName ?? '').split(', ').filter((text) => text !== ''),
    fingerprint: leaf.fingerprint256.replaceAll(':', '').toLowerCase(),
    ends: new Date(endMs).toISOString(),
    daysLeft: Math.floor((endMs - nowMs) / DAY_MS),
    faults,
    notes,
  };
};

/** What clients have to agree upon by ALPN (RFC 9113 section 3.3, RFC 9250 section 4.1.1). */
const SPOKEN: Readonly<
  Partial<Record<SecureTransport, { readonly protocol: string; readonly name: string }>>
> = {
  doh: { protocol: 'h2', name: 'HTTP/2' },
  doq: { protocol: 'doq', name: 'DNS over QUIC' },
};

/** As clients of TLS look at names: subjectAltName, and nothing else where there is one (RFC 9525 section 6). */
const holds = (leaf: X509Certificate, name: string): boolean =>
  (isIP(name) === 0 ? leaf.checkHost(name) : leaf.checkIP(name)) !== undefined;
