// quic: QUIC (RFC 9000, 9001) by the OpenSSL of the system: the server side for one UDP endpoint, and calls to a server.
//
// Node.js has no QUIC, and the OpenSSL that is built into it offers none to programs. That of the system does, from a
// version on that bounds what strangers can make it keep. It is loaded beside the one in Node.js, with its symbols apart.
//
// Invariants: OpenSSL sees no socket: datagrams go in and out through memory, so that each connection has the address
// that its first datagram came from, and whom the caller does not let in never reaches OpenSSL; a client has proven its address
// (Retry) before anything is kept for it; nothing here throws on bytes from the network; a call verifies nothing and hands out what
// the server proved with. One thread at a time.
export { openSslFault, openSslVersion } from './openssl.ts';
export { callQuic, type QuicCall, type QuicProof } from './quic-client.ts';
export type { QuicClient, QuicConnection, QuicStream } from './quic-connection.ts';
export { QuicServer } from './quic-server.ts';
