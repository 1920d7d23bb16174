// What a straightforward server in TypeScript can hope for: node:dgram, and answers from a Map.
//
// Started by the harness as a process of its own: node bench/bare-dgram.ts PORT. It has no policy, no expiry, no
// bound and no checks beyond the length; it is a measure, not a server.
import { createSocket } from 'node:dgram';
import { HEADER_LENGTH, questionEnd, writeU16, writeU32 } from '../src/wire/dns/dns.ts';

const RECORD_LENGTH = 16;
const TTL_SEC = 3600;

const answers = new Map<string, Buffer>();
const socket = createSocket('udp4');

/** The answer to a question, one A record at its end. */
const createAnswer = (query: Buffer, end: number): Buffer => {
  const answer = Buffer.alloc(end + RECORD_LENGTH);
  query.copy(answer, 0, 0, end);
  writeU16(answer, 2, 0x8180);
  writeU16(answer, 6, 1);
  writeU16(answer, end, 0xc000 | HEADER_LENGTH);
  query.copy(answer, end + 2, end - 4, end);
  writeU32(answer, end + 6, TTL_SEC);
  writeU16(answer, end + 10, 4);
  answer.set([192, 0, 2, 1], end + 12);
  return answer;
};

socket.on('message', (query, peer) => {
  const end = questionEnd(query, query.length);
  if (end < 0) return;
  const question = query.toString('latin1', HEADER_LENGTH, end);
  let answer = answers.get(question);
  if (answer === undefined) {
    answer = createAnswer(query, end);
    answers.set(question, answer);
  }
  writeU16(answer, 0, (query[0] ?? 0) * 0x100 + (query[1] ?? 0));
  socket.send(answer, peer.port, peer.address);
});
socket.bind(Number(process.argv[2]), '127.0.0.1');
