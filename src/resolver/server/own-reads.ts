// Lets a socket that was accepted, or the TLS upon it, read into memory of ours, the same for all of them. Hot file.
//
// Node.js makes a buffer for each read of a stream, of 64 KB for TCP: for a query of fifty bytes, and for each of a thousand
// connections that are opened to be in the way. Those buffers were a quarter of what such connections cost, as garbage. A
// socket that is made with `onread` reads into a buffer that it is given, but one that was accepted is made by Node.js,
// without it. So it is given here what the constructor would have given it; where it does not have these members, it reads
// as it always did.
//
// What TLS has in one piece of TCP comes record by record, also after pause(): it is kept until the socket is resumed.
import { Socket } from 'node:net';

/** Bytes that are read at once: some hundred queries, or four of the longest, and all of a record of TLS (RFC 8446 section 5.1). */
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

/** True where a socket can read into memory of ours: of one that was read from already the stream may hold something. */
export const canReadInto = (socket: Socket): boolean => {
  const { _handle: handle } = socket as unknown as { readonly _handle: Partial<Handle> | null };
  return buffer !== undefined && callback !== undefined && !!handle?.useUserBuffer && socket.bytesRead === 0;
};

/**
 * Calls `received` with what comes, which is valid during the call only where it is in memory of ours, and `ended` behind the last of
 * it, when the client has closed its side. Nothing is called while the socket is paused.
 */
export const readInto = (socket: Socket, received: (chunk: Buffer) => void, ended: () => void): void => {
  const { _handle: handle } = socket as unknown as { readonly _handle: Partial<Handle> | null };
  // Of one that was read from already, such as for the header of a proxy, the stream may hold something.
  if (buffer === undefined || callback === undefined || !handle?.useUserBuffer || socket.bytesRead > 0) {
    socket.on('data', received);
    socket.on('end', ended);
    return;
  }
  const held = new HeldReads(socket, received, ended);
  const members = socket as unknown as Members;
  members[buffer] = shared;
  members[callback] = (length: number): void => held.take(shared.subarray(0, length));
  handle.useUserBuffer(shared);
};

/** What came while its socket was paused: at most what was read from TCP in one piece, 64 KiB. */
class HeldReads {
  readonly #socket: Socket;
  readonly #received: (chunk: Buffer) => void;
  readonly #ended: () => void;
  #chunks: Buffer[] = [];
  #hasEnded = false;

  constructor(socket: Socket, received: (chunk: Buffer) => void, ended: () => void) {
    this.#socket = socket;
    this.#received = received;
    this.#ended = ended;
    socket.on('resume', () => this.#release());
    socket.on('end', () => {
      this.#hasEnded = true;
      if (this.#chunks.length === 0) this.#ended();
    });
  }

  take(chunk: Buffer): void {
    if (this.#chunks.length > 0 || this.#socket.isPaused()) this.#chunks.push(Buffer.from(chunk));
    else this.#received(chunk);
  }

  #release(): void {
    const chunks = this.#chunks;
    if (chunks.length === 0) return;
    this.#chunks = [];
    this.#received(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks));
    if (this.#hasEnded && this.#chunks.length === 0) this.#ended();
  }
}
