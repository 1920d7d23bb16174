// The least that a server on Node.js can do with the sockets that Cordon has: wake, receive a batch, write one record behind
// each question, send. What it costs at low rates is what Node.js costs, whatever is built upon it.
//
// Started by the harness as a process of its own: node bench/bare-batched.ts PORT. No policy, no cache, no checks beyond
// the length; it is a measure, not a server.
import { openDatagramSocket } from '../src/wire/datagram/datagram.ts';
import { HEADER_LENGTH, questionEnd, writeU16, writeU32 } from '../src/wire/dns/dns.ts';

const RECORD_LENGTH = 16;
const TTL_SEC = 3600;
const BUFFER_BYTES = 4 * 1024 * 1024;
const ADDRESS = Uint8Array.of(192, 0, 2, 1);

const socket = await openDatagramSocket({
  endpoint: { address: '127.0.0.1', port: Number(process.argv[2]), family: 4 },
  shared: false,
  receiveBytes: BUFFER_BYTES,
  sendBytes: BUFFER_BYTES,
  handler: {
    receive: (query, length, peer) => {
      const end = questionEnd(query, length);
      if (end < 0) return;
      const answer = socket.reserve();
      for (let i = 0; i < end; i++) answer[i] = query[i] ?? 0;
      writeU16(answer, 2, 0x8180);
      writeU16(answer, 6, 1);
      writeU32(answer, 8, 0);
      writeU16(answer, end, 0xc000 | HEADER_LENGTH);
      writeU32(answer, end + 2, 0x0001_0001);
      writeU32(answer, end + 6, TTL_SEC);
      writeU16(answer, end + 10, 4);
      answer.set(ADDRESS, end + 12);
      socket.commit(end + RECORD_LENGTH, peer);
    },
    sendFailed: () => {},
  },
});
