// One datagram to a Unix socket, which Node.js has no means for: how a service manager is told of its service.
import { type Libc, systemError, systemLibc } from './libc.ts';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0x80000;
/** A peer that does not read must not hold the caller up. */
const MSG_DONTWAIT = 0x40;
/** Bytes of sun_path in struct sockaddr_un. */
const PATH_BYTES_MAX = 108;
const FAMILY_BYTES = 2;

/**
 * Sends a text to the datagram socket of a path; one that begins with `@` is of the abstract namespace (unix(7)).
 * Throws an Error, with the system's code where it has one, when that cannot be done.
 */
export const sendToUnixSocket = (path: string, text: string): void => {
  const c = systemLibc();
  if (c === undefined) throw new Error('datagrams to Unix sockets cannot be sent here');
  const fd = c.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw systemError(c, 'socket');
  try {
    send(c, fd, path, Buffer.from(text));
  } finally {
    c.close(fd);
  }
};

const send = (c: Libc, fd: number, path: string, message: Uint8Array): void => {
  const bytes = Buffer.from(path);
  if (bytes.length >= PATH_BYTES_MAX)
    throw new Error(`a socket's path has ${PATH_BYTES_MAX - 1} bytes at most`);
  const isAbstract = path.startsWith('@');
  // The name of an abstract socket ends where the address ends, a path with a zero.
  const address = Buffer.alloc(FAMILY_BYTES + bytes.length + (isAbstract ? 0 : 1));
  address.writeUInt16LE(AF_UNIX);
  address.set(bytes, FAMILY_BYTES);
  if (isAbstract) address[FAMILY_BYTES] = 0;
  if (c.sendto(fd, message, message.length, MSG_DONTWAIT, address, address.length) < 0) {
    throw systemError(c, 'sendto');
  }
};
