// Lets a socket that was accepted read into memory of ours, the same for all of them.
//
// Node.js makes a buffer of 64 KB for each read of a stream: for a query of fifty bytes, and for each of a thousand
// connections that are opened to be in the way. Those buffers were a quarter of what such connections cost, as garbage. A
// socket that is made with `onread` reads into a buffer that it is given, but one that was accepted is made by Node.js,
// without it. So it is given here what the constructor would have given it; where it does not have these members, it reads
// as it always did.
import { Socket } from 'node:net';

/** Bytes that are read at once: some hundred queries, or four of the longest. */
const READ_BYTES = 16_384;
/** What is read by any socket of this thread: valid until its callback returns. */
const shared = Buffer.allocUnsafeSlow(READ_BYTES);

/** The part of a socket's handle that is used, and its members behind symbols; their names are those of Node.js since version 12. */
interface Handle {
  useUserBuffer(buffer: Uint8Array): void;
}
type Members = Record<symbol, unknown>;

const symbols = new Map(
  Object.getOwnPropertySymbols(new Socket()).map((symbol) => [symbol.description, symbol]),
);
const buffer = symbols.get('kBuffer');
const callback = symbols.get('kBufferCb');

/** Calls `received` with what comes, which is valid during the call only where it is in memory of ours. */
export const readInto = (socket: Socket, received: (chunk: Buffer) => void): void => {
  const { _handle: handle } = socket as unknown as { readonly _handle: Partial<Handle> | null };
  // Of one that was read from already, such as for the header of a proxy, the stream may hold something.
  if (buffer === undefined || callback === undefined || !handle?.useUserBuffer || socket.bytesRead > 0) {
    socket.on('data', received);
    return;
  }
  const members = socket as unknown as Members;
  members[buffer] = shared;
  members[callback] = (length: number): void => received(shared.subarray(0, length));
  handle.useUserBuffer(shared);
};
