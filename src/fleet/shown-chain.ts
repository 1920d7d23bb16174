// Which certificates an engine shows, looked at before and beside any connection of the library.
//
// The engine speaks first, one line in the clear, and then TLS. Nothing is believed here: whoever joins compares the hash of
// what is shown with the one in the word, and only then connects, with that certificate as the one authority.
import type { X509Certificate } from 'node:crypto';
import { connect as connectTcp, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { AppError, errorText } from '../base/base.ts';
import { splitAddress } from './engine-files.ts';

/** Loaded where an engine is asked. */
const loadTls = (): typeof import('node:tls') => process.getBuiltinModule('node:tls');

/** A handshake over a long way, milliseconds. */
const ANSWER_MS = 5_000;
/** What an engine says first has half a KiB; with the addresses of a large cluster some more. */
const FIRST_BYTES_MAX = 16_384;
const CHAIN_MAX = 5;

/** The certificates that the engine at `tls://HOST:PORT` shows, its own first. Rejects with ERR_FLEET_ENGINE. */
export const shownChain = async (server: string): Promise<X509Certificate[]> => {
  const [host, port] = splitAddress(server.replace(/^\w+:\/\//, ''));
  const socket = connectTcp({ host: host.replaceAll(/[[\]]/g, ''), port: Number(port) });
  const deadline = setTimeout(() => socket.destroy(new Error('no answer in time')), ANSWER_MS);
  let secure: TLSSocket | undefined;
  try {
    await firstLine(socket);
    secure = await handshake(socket);
    const chain: X509Certificate[] = [];
    for (let one = secure.getPeerX509Certificate(); one !== undefined && chain.length < CHAIN_MAX; ) {
      chain.push(one);
      one = one.issuerCertificate;
    }
    return chain;
  } catch (cause) {
    throw new AppError('ERR_FLEET_ENGINE', `asking ${server} who it is: ${errorText(cause)}`, {
      cause,
      hint: 'Look whether the engine runs there, whether this is its address, and whether a firewall lets this machine in.',
    });
  } finally {
    clearTimeout(deadline);
    // A handshake that is broken off is an error in the log of the engine.
    if (secure === undefined) socket.destroy();
    else secure.end(() => socket.destroy());
  }
};

/** What the engine says first; TLS begins behind it. */
const firstLine = (socket: Socket): Promise<void> =>
  new Promise((resolve, reject) => {
    let text = '';
    const end = (error?: Error): void => {
      socket.removeAllListeners();
      if (error === undefined) resolve();
      else reject(error);
    };
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
      if (text.endsWith('\r\n'))
        end(/^INFO \{/.test(text) ? undefined : new Error('no engine of NATS answers'));
      else if (text.length > FIRST_BYTES_MAX) end(new Error('no engine of NATS answers'));
    });
    socket.once('error', end);
    socket.once('close', () => end(new Error('the connection was closed')));
  });

const handshake = (socket: Socket): Promise<TLSSocket> =>
  new Promise((resolve, reject) => {
    // Nothing is sent over it: it is there to see what is shown.
    const secure = loadTls().connect({ socket, rejectUnauthorized: false, minVersion: 'TLSv1.3' });
    secure.once('secureConnect', () => resolve(secure));
    secure.once('error', reject);
    secure.once('close', () => reject(new Error('the connection was closed in the handshake')));
    socket.once('error', reject);
  });
