// Tells when a descriptor of ours can be read, and reads nothing. Hot file.
//
// node:dgram reads the datagram that it wakes with: into a new buffer of 64 KB, with an object for its sender, and once
// more to find nothing behind it; some 20 µs of CPU time, more than the query. Node.js has no call for "only tell
// me", but a stream whose own buffer has no room is told of what could be read and reads nothing (libuv: UV_ENOBUFS). So
// a stream is made over a pipe, and the socket takes the pipe's descriptor before the first look at it.
import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { type Libc, O_CLOEXEC, systemError } from './libc.ts';

/** The part of a net.Socket's handle that is used; its names are those of Node.js since version 12. */
interface StreamHandle {
  onread: () => void;
  useUserBuffer(buffer: Uint8Array): void;
  readStart(): number;
}

/** A descriptor that is watched. */
export interface Waker {
  /** The descriptor, the waker's to close. */
  readonly fd: number;
  /** Resolves when the descriptor is closed; nothing is told from the call on. */
  close(): Promise<void>;
}

const NO_ROOM = new Uint8Array(0);

/** Watches a descriptor, which it takes over, until close(); throws the system's error. Once per socket. @cold */
export const watchReadable = (c: Libc, fd: number, onReadable: () => void): Waker => {
  const ends = new Int32Array(2);
  if (c.pipe2(new Uint8Array(ends.buffer), O_CLOEXEC) !== 0) throw closing(c, [fd], 'pipe2');
  const [readEnd = -1, writeEnd = -1] = ends;
  const options = { fd: readEnd, readable: true, writable: false, manualStart: true };
  const stream = new Socket(options);
  const { _handle: handle } = stream as unknown as { readonly _handle: StreamHandle };
  // Closed before the handle sees it, the pipe leaves nothing behind.
  if (c.dup3(fd, readEnd, O_CLOEXEC) < 0) {
    stream.destroy();
    throw closing(c, [fd, writeEnd], 'dup3');
  }
  c.close(fd);
  c.close(writeEnd);
  handle.useUserBuffer(NO_ROOM);
  handle.onread = onReadable;
  const status = handle.readStart();
  assert.equal(status, 0, 'a stream over a descriptor of ours begins to read');
  return {
    fd: readEnd,
    close: () =>
      new Promise((resolve) => {
        stream.once('close', () => resolve());
        stream.destroy();
      }),
  };
};

/** The error of the last call, whose descriptors are closed. @cold */
const closing = (c: Libc, descriptors: readonly number[], call: string): Error => {
  const error = systemError(c, call);
  for (const descriptor of descriptors) c.close(descriptor);
  return error;
};
