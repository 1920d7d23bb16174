// Where a database of records is, as it is written on the command line.
import { isIP } from 'node:net';

const PORT_DEFAULT = 5_432;

/** Where a database is, and who connects. */
export interface DatabaseAddress {
  /** A name, an address, or the directory of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
}

/** How a database is reached. */
export interface DatabaseAccess extends DatabaseAddress {
  readonly passwordPath: string | undefined;
  /** File of certificates; undefined: those of the system. */
  readonly caPath: string | undefined;
}

/**
 * The address of a text `postgresql://USER@HOST:PORT/NAME`; a socket's directory is written with %2F. What is wrong with another
 * text is told without it: it may hold a password.
 */
export const readDatabaseAddress = (text: string): DatabaseAddress | { readonly problem: string } => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isOurs = url?.protocol === 'postgresql:' || url?.protocol === 'postgres:';
  if (url === undefined || !isOurs) return { problem: 'it is not postgresql://USER@HOST:PORT/NAME' };
  if (url.password !== '') return { problem: 'a password stands in a file, not in the address' };
  if (url.search !== '' || url.hash !== '')
    return { problem: 'nothing follows the name: TLS is always verified in full' };
  const user = decodeURIComponent(url.username);
  const database = decodeURIComponent(url.pathname.slice(1));
  const host = decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, '$1');
  if (user === '' || database === '' || host === '') return { problem: 'user, host and name are needed' };
  return { host, port: url.port === '' ? PORT_DEFAULT : Number(url.port), database, user };
};

/** True where nobody else hears what is said. */
export const isLocal = ({ host }: DatabaseAddress): boolean =>
  host.startsWith('/') ||
  host === 'localhost' ||
  host === '::1' ||
  (isIP(host) === 4 && host.startsWith('127.'));
