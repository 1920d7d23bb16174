// Where the certificate of the encrypted listeners lies: in the files that the configuration names, or where ACME keeps it.
import { join } from 'node:path';
import type { Config } from '../../config/config.ts';
import type { CertificateFiles } from '../../wire/tls/tls.ts';

/** Folder of the state directory with what ACME keeps. */
export const ACME_DIRECTORY = 'acme';
/** The chain and its key, which change together. */
export const ACME_CERTIFICATE = 'certificate.pem';

/** Undefined where nothing is encrypted. */
export const certificateFilesOf = ({ tls, stateDirectory }: Config): CertificateFiles | undefined => {
  if (tls === undefined) return undefined;
  const { certPath, keyPath, ocspPath, clientAuthorityPaths } = tls;
  const kept = join(stateDirectory, ACME_DIRECTORY, ACME_CERTIFICATE);
  return { certPath: certPath ?? kept, keyPath: keyPath ?? kept, ocspPath, clientAuthorityPaths };
};
