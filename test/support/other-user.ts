// A second user of the system at the control socket: what takes two persons takes two users, and only root can be both.
//
// The other one is the user 65534, which every system has as nobody. The folder of the socket belongs to root, so that the
// test lets the other one in by the rights of folder and socket, as `admin.socket: group` lets in a group.
import { execFile } from 'node:child_process';
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { findProgram } from './process.ts';

const OTHER = 65_534;
const TIMEOUT_MS = 90_000;

const curl = findProgram('curl');
const isRoot = process.getuid?.() === 0;
if (process.env['CI'] === 'true' && (!isRoot || curl === undefined))
  throw new Error('tests of two users need root and curl');

/** False: not root, or no curl. Tests of what takes two users are skipped then. */
export const hasOtherUser = isRoot && curl !== undefined;

/** What the other one is called. */
export const OTHER_NAME =
  readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((line) => line.split(':')[2] === String(OTHER))
    ?.split(':')[0] ?? `uid ${OTHER}`;

/** What came back. */
export interface OtherReply {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** One POST of the other user to the control socket of a state directory. */
export const postAsOther = async (state: string, path: string, body: object): Promise<OtherReply> => {
  const stdout = await letIn(state, () => ask(state, path, body));
  const at = stdout.lastIndexOf('\n');
  return {
    status: Number(stdout.slice(at + 1)),
    body: JSON.parse(stdout.slice(0, at)) as Record<string, unknown>,
  };
};

/** What curl says where it could not connect. */
const NOT_CONNECTED = 7;
const TRIES_MAX = 50;

/** The program gives the socket its own rights a moment after it can be asked, which would shut the other one out again. */
const letIn = async (state: string, use: () => Promise<string>): Promise<string> => {
  for (let tries = 1; ; tries++) {
    chmodSync(state, 0o711);
    chmodSync(join(state, 'control.sock'), 0o666);
    try {
      return await use();
    } catch (thrown) {
      if ((thrown as { code?: unknown }).code !== NOT_CONNECTED || tries === TRIES_MAX) throw thrown;
      await sleep(50);
    }
  }
};

const ask = async (state: string, path: string, body: object): Promise<string> => {
  const { stdout } = await promisify(execFile)(
    curl ?? 'curl',
    [
      ...['--silent', '--show-error', '--unix-socket', 'control.sock', '--request', 'POST'],
      ...['--data-binary', JSON.stringify(body), '--write-out', '\n%{http_code}', `http://cordon${path}`],
    ],
    // The directory is entered before the user changes: those above it may be closed to others.
    { cwd: state, uid: OTHER, gid: OTHER, timeout: TIMEOUT_MS, env: {} },
  );
  return stdout;
};

/** Approves an exemption as the other user; throws when that is refused. */
export const approveAsOther = async (state: string, id: string, role = 'agency-head'): Promise<void> => {
  const { status, body } = await postAsOther(state, `/v1/exemptions/${id}/approve`, { role });
  if (status !== 200) throw new Error(`approving ${id}: ${status} ${JSON.stringify(body)}`);
};
