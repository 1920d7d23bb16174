// How much the kernel takes in of a connection before it is read.
import { SO_RCVBUF, SOL_SOCKET, systemLibc } from './libc.ts';

/**
 * Lets connections that a listening socket accepts from now on have room for so many bytes that nobody has read yet, of which the kernel
 * takes a part for itself (tcp(7)). False where the system does not take it; then a connection has what the system gives.
 */
export const limitReceived = (fd: number, bytes: number): boolean =>
  systemLibc()?.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, new Uint8Array(Int32Array.of(bytes).buffer), 4) === 0;
