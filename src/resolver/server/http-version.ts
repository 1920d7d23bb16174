// Which version of HTTP a connection without TLS speaks: there is no ALPN, and its first bytes tell (RFC 9113 section 3.3).
import type { Socket } from 'node:net';

/** What no request of HTTP/1.1 begins with: the method PRI is reserved for the preface of HTTP/2 (RFC 9113 section 11.6). */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/**
 * Tells whether it is HTTP/2, by prior knowledge, as soon as the bytes differ from its preface or hold it; nothing is
 * taken away. How long that may take is the listener's bound for idle connections.
 */
export const readVersion = (socket: Socket, known: (isHttp2: boolean) => void): void => {
  let came = Buffer.alloc(0);
  const read = (): void => {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return;
    came = Buffer.concat([came, chunk]);
    const length = Math.min(came.length, PREFACE.length);
    const isLike = came.subarray(0, length).equals(PREFACE.subarray(0, length));
    if (isLike && length < PREFACE.length) return;
    socket.off('readable', read);
    socket.off('end', gone);
    socket.unshift(came);
    known(isLike);
  };
  const gone = (): void => {
    socket.destroy();
  };
  socket.on('readable', read);
  socket.once('end', gone);
};
