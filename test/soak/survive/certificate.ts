// Certificates for the listeners of the survival test, made by openssl, whose end can be chosen to the second.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** The name that clients expect. */
export const SERVER_NAME = 'dns.example.net';

const [AUTHORITY, AUTHORITY_KEY] = ['authority.pem', 'authority.key'];
const NEW_KEY = ['-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];

const request = (directory: string, ...args: string[]): void => {
  execFileSync('openssl', ['req', '-x509', '-new', ...NEW_KEY, ...args], { cwd: directory, stdio: 'ignore' });
};

/** An authority in a directory; the file of its certificate. */
export const createAuthority = (directory: string): string => {
  const usage = ['-addext', 'basicConstraints=critical,CA:true', '-addext', 'keyUsage=critical,keyCertSign'];
  request(directory, '-subj', '/CN=Survival', '-keyout', AUTHORITY_KEY, '-out', AUTHORITY, ...usage);
  return join(directory, AUTHORITY);
};

/** A certificate of that authority that ends after so many seconds, as `cert` and `key`. */
export const issueCertificate = (directory: string, cert: string, key: string, endsInSec: number): void => {
  const end = new Date(Date.now() + endsInSec * 1000).toISOString().replace(/[-:T]|\.\d+/g, '');
  const extensions = ['basicConstraints=critical,CA:false', `subjectAltName=DNS:${SERVER_NAME}`];
  request(
    directory,
    ...['-subj', `/CN=${SERVER_NAME}`, '-CA', AUTHORITY, '-CAkey', AUTHORITY_KEY, '-not_after', end],
    ...['-keyout', key, '-out', cert],
    ...extensions.flatMap((extension) => ['-addext', extension]),
  );
};
