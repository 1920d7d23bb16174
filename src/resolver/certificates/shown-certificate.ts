// A client certificate from a file, for `cordon explain`: what it says, not whether it counts.
import { X509Certificate } from 'node:crypto';
import { AppError, errorText, readRegularFile } from '../../base/base.ts';
import { type ClientCertificate, readClientCertificate } from '../../wire/tls/tls.ts';

/** One certificate has some 2 KB. */
const FILE_BYTES_MAX = 64 * 1024;

/** Throws ERR_CERTIFICATE_FORM for a file that holds none. */
export const readShownCertificate = (path: string): ClientCertificate => {
  let cause: unknown;
  try {
    const read = readClientCertificate(new X509Certificate(readRegularFile(path, FILE_BYTES_MAX)));
    if (read !== undefined) return read;
  } catch (thrown) {
    cause = thrown;
  }
  const why = cause === undefined ? 'its DER is malformed' : errorText(cause);
  throw new AppError('ERR_CERTIFICATE_FORM', `reading the client certificate ${path}: ${why}`, {
    cause,
    hint: 'give a file with one certificate in PEM',
  });
};
