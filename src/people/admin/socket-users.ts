// Which user of the system acts by the control socket: the kernel says whose process connected, and nobody can say otherwise.
//
// Names come from /etc/passwd, and from getent where a directory service has the users; a number without a name is told as one.
// Nothing that the environment of a command says counts: what sudo leaves in SUDO_USER could be anything.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { hostname } from 'node:os';
import { promisify } from 'node:util';
import { LRUCache } from 'lru-cache';
import { type Identity, systemAccount } from '../../base/base.ts';
import { peerUid } from '../../wire/datagram/datagram.ts';

const USERS_FILE = '/etc/passwd';
/** A directory service that does not answer by then costs its user the name. */
const GETENT_MS_MAX = 2_000;
const GETENT_BYTES_MAX = 4_096;
/** Users who act: a few people; their names change hardly ever. */
const NAMES_MAX = 64;
const NAME_MS = 60_000;
/** Characters of a name in records: what useradd allows, and what directories have beyond. */
const NAME = /^[^\p{C}:]{1,100}$/u;

const run = promisify(execFile);

/** Names of the users at the other ends of a socket. */
export class SocketUsers {
  readonly #names = new LRUCache<number, string>({ max: NAMES_MAX, ttl: NAME_MS });

  /** The user who connected, by its number; who may open the socket, where the kernel cannot be asked. */
  async find(socket: Socket): Promise<Identity> {
    const uid = peerUid(descriptorOf(socket));
    if (uid !== undefined) return { name: await this.#name(uid), account: systemAccount(uid, hostname()) };
    const name = `not known; whom the control socket lets in, such as ${await this.#name(ownUid())}`;
    return { name, account: undefined };
  }

  async #name(uid: number): Promise<string> {
    const known = this.#names.get(uid);
    if (known !== undefined) return known;
    const name = (await lookUp(uid)) ?? `uid ${uid}`;
    this.#names.set(uid, name);
    return name;
  }
}

const ownUid = (): number => process.getuid?.() ?? 0;

/** Node.js has no public way to the descriptor of a connection. */
const descriptorOf = (socket: Socket): number => {
  const { fd } = (socket as { readonly _handle?: { readonly fd?: unknown } })._handle ?? {};
  return typeof fd === 'number' ? fd : -1;
};

const lookUp = async (uid: number): Promise<string | undefined> => {
  const local = nameIn(await readFile(USERS_FILE, 'utf8').catch(() => ''), uid);
  if (local !== undefined) return local;
  try {
    const limits = { timeout: GETENT_MS_MAX, maxBuffer: GETENT_BYTES_MAX, killSignal: 'SIGKILL' } as const;
    const { stdout } = await run('getent', ['passwd', '--', String(uid)], limits);
    return nameIn(stdout, uid);
  } catch {
    // There is no such program, no such user, or no answer: the number is as true.
    return undefined;
  }
};

/** The name of a user in lines of passwd(5). */
const nameIn = (text: string, uid: number): string | undefined => {
  for (const line of text.split('\n')) {
    const [name = '', , number] = line.split(':');
    if (number === String(uid) && NAME.test(name)) return name;
  }
  return undefined;
};
