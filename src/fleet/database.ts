// The connection to PostgreSQL: the only file that knows its library, which is loaded when there is a database.
//
// One connection, one statement at a time. It is made anew at the next statement when it broke, so that a server that is
// restarted, or another one that takes its place, is found again. TLS is verified in full (name and CA) everywhere but on
// loopback and a Unix socket: there is no setting that would take less. A password comes from a file, at each connection.
import { readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import type { Client } from 'pg';
import { AppError, errorText, loadFeature } from '../base/base.ts';
import { type DatabaseAccess, isLocal } from './database-address.ts';

/** How long a connection may take to be made, milliseconds. */
const CONNECT_MS = 10_000;
/** How long a statement may take, milliseconds: the largest adds 64 blocks; a standby that is promoted takes seconds. */
const STATEMENT_MS = 60_000;
/** After which a connection that is silent is tried, milliseconds. */
const KEEPALIVE_MS = 10_000;
/** Version of deploy/postgresql/cordon.sql that this program needs. */
const SCHEMA_VERSION = 1;
/** Rights of others on the file of a password. */
const OTHERS_MODE = 0o007;
/** What the server says of a value that it does not take: data exceptions, violated constraints, exceeded limits. */
const REFUSED_CLASSES = new Set(['22', '23', '54']);
/** No function, table or right of this name: the schema is not there, or another one. */
const SCHEMA_CLASSES = new Set(['3F', '42']);

/** One row of an answer. */
export type Row = Readonly<Record<string, unknown>>;
/** A value of a statement. */
export type Value = string | number | boolean | null | readonly (string | number)[];

/** A database. Methods reject with ERR_FLEET_DATABASE while it is not reached, and ERR_FLEET_DATABASE_SCHEMA. */
export class Database {
  readonly #access: DatabaseAccess;
  #client: Client | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #isClosed = false;
  /** Another connection would see another moment. */
  #isAtOneMoment = false;

  constructor(access: DatabaseAccess) {
    this.#access = access;
  }

  /** Connects, and asks whether the schema is the one that this program needs. */
  async check(): Promise<void> {
    const [row] = await this.query('SELECT cordon.version() AS version', []);
    if (row?.['version'] === SCHEMA_VERSION) return;
    throw new AppError(
      'ERR_FLEET_DATABASE_SCHEMA',
      `looking at ${this.#text()}: its schema has version ${String(row?.['version'])}, this program needs ${SCHEMA_VERSION}`,
      { hint: 'Run deploy/postgresql/cordon.sql of this version.' },
    );
  }

  /** Everything that is read from here on is read as of one moment, until the database is closed or the connection breaks. */
  async begin(): Promise<void> {
    await this.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', []);
    this.#isAtOneMoment = true;
  }

  /** The rows of a statement. */
  async query(statement: string, values: readonly Value[]): Promise<readonly Row[]> {
    const rows = await this.attempt(statement, values);
    if (rows !== undefined) return rows;
    throw new AppError('ERR_FLEET_DATABASE', `asking ${this.#text()}: it does not take a value`);
  }

  /** As query(); undefined for a value that the server does not take, such as a text with NUL. */
  attempt(statement: string, values: readonly Value[]): Promise<readonly Row[] | undefined> {
    const answer = this.#turn.then(() => this.#run(statement, values));
    this.#turn = answer.catch(() => undefined);
    return answer;
  }

  async close(): Promise<void> {
    await this.#turn;
    this.#isClosed = true;
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(() => undefined);
  }

  async #run(statement: string, values: readonly Value[]): Promise<readonly Row[] | undefined> {
    let client: Client;
    try {
      client = this.#client ?? (await this.#connect());
    } catch (thrown) {
      throw this.#unreachable('connecting to', thrown);
    }
    try {
      const { rows } = await client.query<Row>(statement, [...values]);
      return rows;
    } catch (thrown) {
      const code = stateOf(thrown);
      if (REFUSED_CLASSES.has(code.slice(0, 2))) return undefined;
      if (SCHEMA_CLASSES.has(code.slice(0, 2))) {
        throw new AppError('ERR_FLEET_DATABASE_SCHEMA', `asking ${this.#text()}: ${errorText(thrown)}`, {
          cause: thrown,
          hint: 'Run deploy/postgresql/cordon.sql of this version there, and connect as the role that it made for this.',
        });
      }
      // Also for a statement without an answer: what comes late would be taken for the answer of the next one.
      this.#drop(client);
      throw this.#unreachable('asking', thrown);
    }
  }

  async #connect(): Promise<Client> {
    if (this.#isClosed) throw new Error('it was closed');
    if (this.#isAtOneMoment) throw new Error('the connection broke while it was read');
    const { host, port, database, user, passwordPath, caPath } = this.#access;
    const { default: pg } = await loadFeature('fleet', () => import('pg'));
    const tls = {
      rejectUnauthorized: true,
      minVersion: 'TLSv1.3' as const,
      // Of a server that is named by its address; of any other one the library says the name.
      ...(isIP(host) === 0 ? {} : { host }),
      ...(caPath === undefined ? {} : { ca: readFileSync(caPath, 'utf8') }),
    };
    const client = new pg.Client({
      host,
      port,
      database,
      user,
      // Not undefined: the library would look for one in the environment and in the home directory.
      password: passwordPath === undefined ? () => '' : readPassword(passwordPath),
      ssl: isLocal(this.#access) ? false : tls,
      application_name: 'cordon',
      connectionTimeoutMillis: CONNECT_MS,
      query_timeout: STATEMENT_MS,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEPALIVE_MS,
    });
    // Without a listener, a connection that breaks between two statements would end the program.
    client.on('error', () => this.#drop(client));
    client.on('end', () => this.#drop(client));
    try {
      await client.connect();
    } catch (thrown) {
      client.end().catch(() => undefined);
      throw thrown;
    }
    this.#client = client;
    return client;
  }

  #drop(client: Client): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    client.end().catch(() => undefined);
  }

  #unreachable(doing: string, cause: unknown): AppError {
    return new AppError('ERR_FLEET_DATABASE', `${doing} ${this.#text()}: ${errorText(cause)}`, {
      cause,
      hint: 'Records wait at their resolvers until the database is there again.',
    });
  }

  #text(): string {
    const { user, host, port, database } = this.#access;
    return `the database ${database} at ${host}:${port} as ${user}`;
  }
}

/** SQLSTATE of an error of the server; '' for another one. */
const stateOf = (thrown: unknown): string => {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : '';
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : '';
};

const readPassword = (path: string): string => {
  if ((statSync(path).mode & OTHERS_MODE) !== 0)
    throw new Error(`everybody may read or change the password in ${path}: chmod o= it`);
  return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
};
