// http2: the server side of HTTP/2 (RFC 9113) with its compression of fields (RFC 7541), as DNS over HTTPS needs it.
//
// Node.js has one, whose way through objects, events and streams costs six times what the answer of a resolver does, and which
// handles all that came over a connection before anybody else has a turn. What is here answers requests with a head and a
// content that are there as a whole; it pushes nothing, sends no trailers, of interim responses 100 alone, and knows no CONNECT.
//
// Invariants: no byte of a client is trusted; what a client can make us keep or do is bounded per connection, and per turn of the
// loop; frames of one answer stand together. Why it exists: docs/adr/0077.
export type { Head } from './answer.ts';
export { HTTP2_ERROR } from './registry.ts';
export { type Http2Host, Http2Session } from './session.ts';
export type { ContentReader, Http2Stream } from './stream.ts';
