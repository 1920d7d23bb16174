// What Node.js has no means for at Unix sockets: one datagram, by which a service manager is told of its service; and which user
// of the system is at the other end of a connection.
import { type Libc, systemError, systemLibc } from './libc.ts';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0x80000;
/** A peer that does not read must not hold the caller up. */
const MSG_DONTWAIT = 0x40;
/** Bytes of sun_path in struct sockaddr_un. */
const PATH_BYTES_MAX = 108;
const FAMILY_BYTES = 2;
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
/** struct ucred (unix(7)): process, user and group. */
const UCRED_BYTES = 12;
const UCRED_UID = 1;

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

/**
 * Number of the user who connected to a Unix socket, as the kernel noted it then (SO_PEERCRED, unix(7)); undefined where it
 * cannot be asked.
 */
export const peerUid = (descriptor: number): number | undefined => {
  const c = systemLibc();
  if (c === undefined || descriptor < 0) return undefined;
  const credentials = new Int32Array(UCRED_BYTES / Int32Array.BYTES_PER_ELEMENT);
  const length = Uint32Array.of(UCRED_BYTES);
  const bytes = new Uint8Array(credentials.buffer);
  const failed = c.getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, bytes, new Uint8Array(length.buffer));
  if (failed !== 0 || length[0] !== UCRED_BYTES) return undefined;
  // uid_t has no sign; -1 is nobody.
  const uid = (credentials[UCRED_UID] ?? -1) >>> 0;
  return uid === 0xffff_ffff ? undefined : uid;
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
