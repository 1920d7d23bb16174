// Answers for zones that are made up while they are asked for, over UDP and TCP: for upstreams of attackers beside this file.
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import {
  CLASS,
  FLAG,
  foldedName,
  HEADER_LENGTH,
  MessageBuilder,
  Query,
  readU16,
  UDP_LENGTH_MAX,
} from '../../../src/wire/dns/dns.ts';
import { replyMessage, type ZoneReply } from '../../support/zone-signer.ts';

/** Answers at a port of 127.0.0.1 after a delay; folded names. */
export const serveZones = (
  port: number,
  delayMs: number,
  reply: (name: Uint8Array, type: number) => ZoneReply,
): void => {
  const messageTo = (bytes: Uint8Array, isDatagram: boolean): Uint8Array => {
    const query = new Query();
    query.parse(bytes, bytes.length);
    const { id, qtype: type, qnameLength } = query;
    const name = bytes.slice(HEADER_LENGTH, HEADER_LENGTH + qnameLength);
    const whole = replyMessage({ id, name, type }, reply(foldedName(name), type));
    if (!isDatagram || whole.length <= UDP_LENGTH_MAX) return whole;
    const builder = new MessageBuilder(new Uint8Array(UDP_LENGTH_MAX));
    builder.start(id, FLAG.QR | FLAG.RD | FLAG.RA | FLAG.TC);
    builder.question(name, type, CLASS.IN);
    return builder.finish();
  };
  const datagrams = createSocket({ type: 'udp4', recvBufferSize: 4 << 20, sendBufferSize: 4 << 20 });
  datagrams.on('message', (bytes, from) => {
    const message = messageTo(bytes, true);
    setTimeout(() => datagrams.send(message, from.port, from.address), delayMs);
  });
  datagrams.bind(port, '127.0.0.1');
  createServer((stream) => {
    let received = Buffer.alloc(0);
    stream.on('error', () => {});
    stream.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + readU16(received, 0)) {
        const end = 2 + readU16(received, 0);
        const message = messageTo(received.subarray(2, end), false);
        const length = Buffer.alloc(2);
        length.writeUInt16BE(message.length);
        setTimeout(() => stream.write(Buffer.concat([length, message])), delayMs);
        received = received.subarray(end);
      }
    });
  }).listen(port, '127.0.0.1');
};
