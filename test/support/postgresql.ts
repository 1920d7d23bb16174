// A real PostgreSQL of the system for tests, on loopback and a Unix socket, in a temporary directory; with the schema of deploy/.
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { TestOptions } from 'vitest';
import { freePort } from './ports.ts';
import { skippedWithout } from './process.ts';

const ROOT = '/usr/lib/postgresql';
const SCHEMA = fileURLToPath(new URL('../../deploy/postgresql/cordon.sql', import.meta.url));
const START_MS = 90_000;

/** Where its programs are: the latest version; undefined where there is none. */
const programs = existsSync(ROOT)
  ? readdirSync(ROOT)
      .sort((a, b) => Number(a) - Number(b))
      .map((version) => join(ROOT, version, 'bin'))
      .findLast((place) => existsSync(join(place, 'initdb')))
  : undefined;

/** It does not run as root: root starts it as the user of the package. */
const owner = (): { readonly uid: number; readonly gid: number } | undefined => {
  if (process.getuid?.() !== 0) return undefined;
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((one) => one.startsWith('postgres:'));
  const [, , uid, gid] = line?.split(':') ?? [];
  return { uid: Number(uid), gid: Number(gid) };
};

/** Options of tests of the database: without a PostgreSQL they are skipped. */
export const needingPostgresql: TestOptions =
  programs === undefined ? skippedWithout('initdb', 'postgresql') : {};

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A server with a database `cordon`. */
export class Postgresql {
  readonly directory: string;
  readonly port: number;
  #child: ChildProcess | undefined;
  output = '';

  private constructor(directory: string, port: number) {
    this.directory = directory;
    this.port = port;
  }

  /**
   * Makes a server with the schema and starts it. Who connects to loopback proves a password, through TLS too where there is a
   * certificate; the tests, as superuser, use the Unix socket.
   */
  static async start(tls?: { readonly cert: string; readonly key: string }): Promise<Postgresql> {
    assert.ok(programs !== undefined);
    const directory = mkdtempSync(join(tmpdir(), 'cordon-pg-'));
    const user = owner();
    if (user !== undefined) chownSync(directory, user.uid, user.gid);
    chmodSync(directory, 0o711);
    const server = new Postgresql(directory, await freePort());
    const data = join(directory, 'data');
    const options = { ...user, cwd: directory, stdio: 'ignore' as const };
    // By the machine's clock, which says nothing of an empty database: with libfaketime it waits for itself for ever now and then.
    execFileSync(
      join(programs, 'initdb'),
      ['--pgdata', data, '--no-sync', '--username=postgres', '--auth=trust', '--encoding=UTF8', '--locale=C'],
      { ...options, env: { ...process.env, LD_PRELOAD: '' }, timeout: START_MS },
    );
    const way = tls === undefined ? 'host' : 'hostssl';
    writeFileSync(
      join(data, 'pg_hba.conf'),
      `local all all trust\n${way} all all 127.0.0.0/8 scram-sha-256\n${way} all all ::1/128 scram-sha-256\n`,
    );
    if (tls !== undefined) {
      for (const [name, path] of [
        ['server.crt', tls.cert],
        ['server.key', tls.key],
      ] as const) {
        const place = join(data, name);
        writeFileSync(place, readFileSync(path), { mode: 0o600 });
        if (user !== undefined) chownSync(place, user.uid, user.gid);
      }
      writeFileSync(join(data, 'postgresql.auto.conf'), 'ssl = on\n');
    }
    await server.run();
    server.sql('CREATE DATABASE cordon', 'postgres', 'postgres');
    server.load();
    for (const [role, password] of Object.entries(PASSWORDS))
      server.sql(`ALTER ROLE ${role} PASSWORD '${password}'`);
    return server;
  }

  /** Runs deploy/postgresql/cordon.sql. */
  load(): void {
    this.#psql('cordon', 'postgres', ['--file', SCHEMA]);
  }

  /** Starts it again. */
  async run(): Promise<void> {
    assert.ok(programs !== undefined);
    const child = spawn(
      join(programs, 'postgres'),
      [
        ...['-D', join(this.directory, 'data'), '-p', String(this.port), '-k', this.directory],
        ...['-c', 'listen_addresses=127.0.0.1', '-c', 'log_statement=all', '-c', 'max_connections=20'],
        ...['-c', 'shared_buffers=16MB'],
      ],
      { ...owner(), cwd: this.directory, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    running.add(child);
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.output += text;
    });
    child.once('exit', () => running.delete(child));
    this.#child = child;
    const before = this.output.length;
    for (const untilMs = Date.now() + START_MS; !this.output.slice(before).includes('ready to accept'); ) {
      assert.ok(Date.now() < untilMs && child.exitCode === null, `PostgreSQL did not start: ${this.output}`);
      await sleep(20);
    }
  }

  /** Ends it; with SIGKILL as a power cut would, otherwise as an operator does. */
  async stop(signal: 'SIGKILL' | 'SIGINT' = 'SIGINT'): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }

  async close(): Promise<void> {
    await this.stop('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** What a statement prints, lines of columns parted by "|"; throws with what the server says. */
  sql(statement: string, role = 'postgres', database = 'cordon'): string {
    return this.#psql(database, role, ['--tuples-only', '--no-align', '--command', statement]).trim();
  }

  #psql(database: string, role: string, args: readonly string[]): string {
    const all = ['--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=1', '--host', this.directory];
    return execFileSync(
      'psql',
      [...all, '--port', String(this.port), '--user', role, '--dbname', database, ...args],
      {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
        // Passwords are set here: what the server logs of the program under test must not have them.
        env: { ...process.env, ...(role === 'postgres' ? { PGOPTIONS: '-c log_statement=none' } : {}) },
      },
    );
  }

  /** The address of a role, by loopback. */
  url(role: keyof typeof PASSWORDS, host = '127.0.0.1'): string {
    return `postgresql://${role}@${host}:${this.port}/cordon`;
  }

  /** A file with the password of a role. */
  passwordFile(role: keyof typeof PASSWORDS): string {
    const path = join(this.directory, `${role}.password`);
    writeFileSync(path, `${PASSWORDS[role]}\n`, { mode: 0o600 });
    return path;
  }
}

/** Passwords of the roles. */
export const PASSWORDS = {
  cordon_collector: 'only-adds-7Vq',
  cordon_reader: 'only-reads-3Kd',
  cordon_dashboards: 'only-counts-9Zt',
} as const;
