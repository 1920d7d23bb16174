// An upstream of the survival test, over UDP and TCP: has an answer to every name, listed ones included. A program of its own:
//
//   node upstream.ts ADDRESS PORT [DELAY_MS]
//
// Names below `alias.example` are aliases of a listed name, so that only the judgement of answers refuses them. `site.example`
// has a TTL that ends while a row runs: what is asked again and again has to be fetched again, or served stale.
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { answerBytes } from './wire.ts';

const [address = '127.0.0.1', port = '53', delayMs = '5'] = process.argv.slice(2);

const later = (send: () => void): void => void setTimeout(send, Number(delayMs));

const datagrams = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
datagrams.on('message', (query, from) => {
  const answer = answerBytes(query);
  if (answer !== undefined) later(() => datagrams.send(answer, from.port, from.address, () => {}));
});
datagrams.bind(Number(port), address);

createServer((stream) => {
  let received = Buffer.alloc(0);
  stream.on('error', () => {});
  stream.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    while (received.length > 2 && received.length >= 2 + received.readUInt16BE(0)) {
      const end = 2 + received.readUInt16BE(0);
      const answer = answerBytes(received.subarray(2, end));
      received = received.subarray(end);
      if (answer === undefined) continue;
      const length = Buffer.alloc(2);
      length.writeUInt16BE(answer.length, 0);
      later(() => stream.write(Buffer.concat([length, answer])));
    }
  });
}).listen(Number(port), address);
