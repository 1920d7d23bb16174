// What OpenSSL reads of the network and writes to it, as memory: one queue of datagrams each way. Hot file.
//
// Each queue is a BIO that keeps datagrams with their addresses (BIO_s_dgram_mem(3)), in a ring of fixed size: what does not
// fit is lost, as on a network. In the queue towards OpenSSL, the address of the client stands where a writer's own address
// would; in the one from it, as the destination.
import { type AddressWords, readIpv4, readIpv6 } from '../../base/base.ts';
import { Peer } from '../datagram/datagram.ts';
import { MESSAGE_BYTES, Messages, OutNumber } from './memory.ts';
import type { OpenSsl, Pointer } from './openssl.ts';

/** Longest datagram either way: none is longer than what a path without jumbo frames takes. */
const DATAGRAM_BYTES = 2048;
/** Of each queue of a listener. Both are emptied in the turn that fills them: some 400 datagrams each. */
const QUEUE_BYTES = 1 << 20;
/** Datagrams that are taken from OpenSSL at a time. */
const BATCH = 32;

/** Commands of BIO_ctrl(3). */
const SET_WRITE_BUFFER = 136;
const SET_LOCAL_ADDRESS = 84;
const SET_CAPABILITIES = 87;
const SET_NO_TRUNCATION = 89;
/** Addresses of both ends, both ways. */
const ALL_CAPABILITIES = 15;

const AF_INET = 2;
const AF_INET6 = 10;

/** Takes what leaves; bytes and peer are only valid during the call. */
export interface Sender {
  send(bytes: Uint8Array, length: number, peer: Peer): void;
}

/** Both queues of one listener, or of one connection of a client. */
export class Wire {
  /** What OpenSSL reads from and writes to; a listener that is given them frees them. */
  readonly read: Pointer;
  readonly write: Pointer;
  readonly #c: OpenSsl;
  readonly #family: 4 | 6;
  readonly #address = new Uint8Array(16);
  readonly #addressLength = new OutNumber();
  readonly #done = new OutNumber();
  readonly #in: Messages;
  readonly #out: Messages;
  readonly #peer = new Peer();

  constructor(c: OpenSsl, family: 4 | 6, queueBytes = QUEUE_BYTES) {
    this.#c = c;
    this.#family = family;
    this.read = createQueue(c, queueBytes);
    this.write = createQueue(c, queueBytes);
    this.#in = new Messages(c, 1, DATAGRAM_BYTES);
    this.#out = new Messages(c, BATCH, DATAGRAM_BYTES);
  }

  /** Hands a datagram of a client to OpenSSL; what is too long or does not fit is lost. */
  push(bytes: Uint8Array, length: number, peer: Peer): void {
    if (length > DATAGRAM_BYTES) return;
    const c = this.#c;
    this.#in.slot(0).set(bytes.subarray(0, length));
    this.#in.setLength(0, length);
    this.#writePeer(this.#in.addresses[0] ?? null, peer);
    c.BIO_sendmmsg(this.read, this.#in.bytes, MESSAGE_BYTES, 1, 0, this.#done.bytes);
  }

  /** Tells a client's connection where its server is; once, before it connects. @cold */
  aim(connection: Pointer, peer: Peer): void {
    const c = this.#c;
    const address = c.BIO_ADDR_new();
    this.#writePeer(address, peer);
    c.SSL_set1_initial_peer_addr(connection, address);
    c.BIO_ADDR_free(address);
  }

  /** Hands on what OpenSSL wrote. */
  flush(sender: Sender): void {
    const out = this.#out;
    let count = BATCH;
    while (count === BATCH) {
      for (let i = 0; i < BATCH; i++) out.setLength(i, DATAGRAM_BYTES);
      this.#done.value = 0;
      this.#c.BIO_recvmmsg(this.write, out.bytes, MESSAGE_BYTES, BATCH, 0, this.#done.bytes);
      count = this.#done.value;
      for (let i = 0; i < count; i++) {
        const length = out.lengthOf(i);
        this.#readPeer(out.addresses[i] ?? null);
        sender.send(out.slot(i).subarray(0, length), length, this.#peer);
      }
    }
  }

  /** Frees what is not the listener's. @cold */
  close(): void {
    this.#in.close();
    this.#out.close();
  }

  #writePeer(address: Pointer, peer: Peer): void {
    const length = writeAddress(this.#address, peer.words, this.#family);
    const family = this.#family === 4 ? AF_INET : AF_INET6;
    this.#c.BIO_ADDR_rawmake(address, family, this.#address, length, swapped(peer.port));
  }

  #readPeer(address: Pointer): void {
    const c = this.#c;
    this.#addressLength.value = this.#address.length;
    c.BIO_ADDR_rawaddress(address, this.#address, this.#addressLength.bytes);
    if (this.#family === 4) readIpv4(this.#address, 0, this.#peer.words);
    else readIpv6(this.#address, 0, this.#peer.words);
    this.#peer.port = swapped(c.BIO_ADDR_rawport(address));
  }
}

/** Once per listener, or per connection of a client. @cold */
const createQueue = (c: OpenSsl, bytes: number): Pointer => {
  const queue = c.BIO_new(c.BIO_s_dgram_mem());
  // With a size of its own it does not grow.
  c.BIO_ctrl(queue, SET_WRITE_BUFFER, bytes, null);
  c.BIO_ctrl(queue, SET_CAPABILITIES, ALL_CAPABILITIES, null);
  c.BIO_ctrl(queue, SET_LOCAL_ADDRESS, 1, null);
  c.BIO_ctrl(queue, SET_NO_TRUNCATION, 1, null);
  return queue;
};

/** Ports travel in the order of the network. */
const swapped = (port: number): number => ((port & 0xff) << 8) | (port >>> 8);

const writeAddress = (out: Uint8Array, words: AddressWords, family: 4 | 6): number => {
  const first = family === 4 ? 3 : 0;
  let at = 0;
  for (let i = first; i < 4; i++) {
    const word = words[i] ?? 0;
    out[at++] = word >>> 24;
    out[at++] = (word >>> 16) & 0xff;
    out[at++] = (word >>> 8) & 0xff;
    out[at++] = word & 0xff;
  }
  return at;
};
