// The authorities of client certificates, as the configuration names them: which of them stand above a certificate.
//
// OpenSSL has found a way from the certificate to a root by the time anybody asks here, also over certificates that the client
// sent along. Of a session that is resumed it keeps the certificate alone. So what is above it is looked for among those of the
// configuration, the same at every connection: each of them can then be revoked, or taken out, and what it signed goes with it.
import { createHash, type KeyObject, X509Certificate } from 'node:crypto';
import { serialKey } from './revocation.ts';

/** A root, and some below it. */
const ABOVE_MAX = 8;
/** Certificates whose authorities are remembered: to verify a signature costs as much as a handshake that is resumed. */
const KNOWN_MAX = 1024;

/** An authority above a certificate, as revocations name it. */
export interface AuthorityAbove {
  /** SHA-256, lower-case hexadecimal. */
  readonly fingerprint: string;
  /** Issuer and serial number as one text. */
  readonly serial: string;
}

interface Authority extends AuthorityAbove {
  readonly certificate: X509Certificate;
  readonly key: KeyObject;
}

/** SHA-256 of authorities in PEM, lower-case hexadecimal. */
export const authorityFingerprints = (pems: readonly string[]): string[] =>
  pems.map((pem) => createHash('sha256').update(new X509Certificate(pem).raw).digest('hex'));

/** The authorities of one configuration. */
export class ClientAuthorities {
  readonly #authorities: readonly Authority[];
  readonly #known = new Map<string, readonly AuthorityAbove[]>();

  /** PEM, one certificate each. */
  constructor(pems: readonly string[]) {
    this.#authorities = pems.map((pem) => {
      const certificate = new X509Certificate(pem);
      const { raw, publicKey } = certificate;
      const fingerprint = createHash('sha256').update(raw).digest('hex');
      return { certificate, key: publicKey, fingerprint, serial: serialKey(raw) ?? '' };
    });
  }

  /** Those above a certificate, the one that signed it first; none: nobody of the configuration signed it. */
  above(certificate: X509Certificate): readonly AuthorityAbove[] {
    const { fingerprint256 } = certificate;
    const known = this.#known.get(fingerprint256);
    if (known !== undefined) return known;
    const found: Authority[] = [];
    let signer = this.#signerOf(certificate);
    while (signer !== undefined && !found.includes(signer) && found.length < ABOVE_MAX) {
      found.push(signer);
      signer = this.#signerOf(signer.certificate);
    }
    if (this.#known.size === KNOWN_MAX) this.#known.clear();
    this.#known.set(fingerprint256, found);
    return found;
  }

  /** By its signature: several may have one name. */
  #signerOf(certificate: X509Certificate): Authority | undefined {
    return this.#authorities.find(
      (one) => certificate.checkIssued(one.certificate) && certificate.verify(one.key),
    );
  }
}
