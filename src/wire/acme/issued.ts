// The certificate that a directory gave: whether it is the one that was asked for.
//
// A directory that gives another one, by fault or by intent, would cost every client its resolver: so its key, its names and its time
// are looked at before it takes the place of one that works.
import { type KeyObject, X509Certificate } from 'node:crypto';
import { errorText } from '../../base/base.ts';
import { acmeError, quoted } from './acme-error.ts';
import { type Identifier, printedName } from './identifier.ts';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const CHAIN_LENGTH_MAX = 10;

/** PEM of a chain that fits a key and names exactly whom it was asked for, and is valid now; throws ERR_ACME_CERTIFICATE. */
export const checkIssued = (
  text: string,
  key: KeyObject,
  identifiers: readonly Identifier[],
  nowMs: number,
): string => {
  const pems = text.match(CERTIFICATE) ?? [];
  if (pems.length === 0 || pems.length > CHAIN_LENGTH_MAX) {
    throw fault(`the directory gives ${pems.length} certificates in PEM`);
  }
  const chain = pems.map(parse);
  const [leaf] = chain;
  if (leaf?.checkPrivateKey(key) !== true)
    throw fault('the certificate is for another key than it was asked for');
  const [has, wants] = [namesOf(leaf), identifiers.map(printedName)];
  const missing = wants.filter((name) => !has.includes(name));
  const others = has.filter((name) => !wants.includes(name));
  if (missing.length > 0) throw fault(`the certificate is not for ${missing.join(', ')}`);
  if (others.length > 0)
    throw fault(`the certificate is also for ${quoted(others.join(', '))}, which nobody asked for`);
  for (const [index, certificate] of chain.entries()) {
    const above = chain[index + 1];
    if (above !== undefined && !(certificate.checkIssued(above) && certificate.verify(above.publicKey))) {
      throw fault(`certificate ${index + 2} of the chain did not sign certificate ${index + 1}`);
    }
    const [startMs, endMs] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
    if (nowMs < startMs || nowMs >= endMs) {
      const period = `${certificate.validFrom} to ${certificate.validTo}`;
      throw fault(
        `certificate ${index + 1} of the chain is valid from ${period}, which is not now`,
        CLOCK_HINT,
      );
    }
  }
  return `${pems.join('\n')}\n`;
};

/** Names and addresses of a certificate as OpenSSL prints them. */
export const namesOf = ({ subjectAltName = '' }: X509Certificate): string[] =>
  subjectAltName.split(', ').filter((name) => name !== '');

const CLOCK_HINT = 'look at the clock of this host, then at that of the authority';

const parse = (pem: string): X509Certificate => {
  try {
    return new X509Certificate(pem);
  } catch (thrown) {
    throw fault(`a certificate cannot be parsed (${quoted(errorText(thrown))})`);
  }
};

const fault = (
  text: string,
  hint = 'the certificate before stays; who runs the authority has to know',
): Error => acmeError('ERR_ACME_CERTIFICATE', text, { hint });
