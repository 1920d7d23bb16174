// An upstream of an attacker whose answers cost who reads them, over UDP and TCP. A program of its own: PORT DELAY_MS
//
// The label before attacker.example says what the answer to a name below holds: see test/support/costly-answers.ts.
// Everything else has an address.
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { HEADER_LENGTH, readU16, TYPE, UDP_LENGTH_MAX } from '../../../src/wire/dns/dns.ts';
import { COSTLY, pointer, RawAnswer } from '../../support/costly-answers.ts';

/** QR, TC, RD, RA. */
const FLAGS_CUT = 0x8380;
/** Records of each kind: 5 KB of `labels`, as much as fits of the others. */
const COUNTS: Readonly<Record<string, number>> = { labels: 250, strays: 2_900, dnames: 4_400 };
const ADDRESS = [192, 0, 2, 1];

/** The answer to a query. */
const replyTo = (query: Buffer, isDatagram: boolean): Buffer | undefined => {
  const starts: number[] = [];
  let at = HEADER_LENGTH;
  for (; at < query.length && query[at] !== 0; at += 1 + (query[at] ?? 0)) starts.push(at);
  const end = at + 5;
  if (end > query.length) return undefined;
  const zoneAt = starts.at(-3) ?? HEADER_LENGTH;
  const kind = query.toString('latin1', zoneAt + 1, zoneAt + 1 + (query[zoneAt] ?? 0));
  const answer = new RawAnswer(query, end);
  const add = COSTLY[kind];
  if (add === undefined) answer.add(0, pointer(HEADER_LENGTH), TYPE.A, ADDRESS);
  else add(answer, zoneAt, COUNTS[kind] ?? 0);
  const message = answer.finish();
  return isDatagram && message.length > UDP_LENGTH_MAX
    ? new RawAnswer(query, end, FLAGS_CUT).finish()
    : message;
};

const serve = (port: number, delayMs: number): void => {
  const datagrams = createSocket({ type: 'udp4', recvBufferSize: 4 << 20, sendBufferSize: 4 << 20 });
  datagrams.on('message', (query, from) => {
    const message = replyTo(query, true);
    if (message !== undefined) setTimeout(() => datagrams.send(message, from.port, from.address), delayMs);
  });
  datagrams.bind(port, '127.0.0.1');
  createServer((stream) => {
    let received = Buffer.alloc(0);
    stream.on('error', () => {});
    stream.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + readU16(received, 0)) {
        const end = 2 + readU16(received, 0);
        const message = replyTo(received.subarray(2, end), false);
        received = received.subarray(end);
        if (message === undefined) continue;
        const length = Buffer.alloc(2);
        length.writeUInt16BE(message.length, 0);
        setTimeout(() => stream.write(Buffer.concat([length, message])), delayMs);
      }
    });
  }).listen(port, '127.0.0.1');
};

const [port = 0, delayMs = 20] = process.argv.slice(2).map(Number);
serve(port, delayMs);
