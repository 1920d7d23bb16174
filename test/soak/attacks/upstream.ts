// An upstream whose names say what it does, over UDP and TCP. A program of its own: PORT DELAY_MS LOSS
//
// The label before the last one decides: `silent` is never answered, `delay-MS` after so many milliseconds, `servfail`
// with SERVFAIL, `truncated` with TC over UDP, `forged` only after twenty answers with a wrong ID over UDP, `kilo` with 1 KB of addresses
// and `big`, asked for TXT, with 48 KB of text, which takes TCP, `alias` with an alias to a name that nobody asked for before below the same
// zone; everything else has the address 192.0.2.1 after DELAY_MS, and is lost over UDP with a chance of LOSS.
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

const TTL_SEC = 60;
const FORGERIES = 20;
const RECORD = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, TTL_SEC, 0, 4, 192, 0, 2, 1]);
const RECORD_COUNTS: Readonly<Record<string, number>> = { kilo: 60 };
const [TYPE_A, TYPE_TXT] = [1, 16];
/** A TXT record with a text of 250 bytes, and how many of them an answer of 48 KB has. */
const TEXT = Buffer.concat([
  Buffer.from([0xc0, 12, 0, TYPE_TXT, 0, 1, 0, 0, 0, TTL_SEC, 0, 251, 250]),
  Buffer.alloc(250, 'x'),
]);
const TEXT_COUNT = 187;
const RCODE_SERVFAIL = 2;
/** A CNAME to sixteen bytes of label, below the parent of QNAME when that begins behind a label of twelve. */
const ALIAS = Buffer.from([0xc0, 12, 0, 5, 0, 1, 0, 0, 0, TTL_SEC, 0, 15, 12, ...Buffer.alloc(12), 0xc0, 25]);
const ALIAS_LABEL_AT = 13;
/** QR and RD, with RA in the next byte; TC. */
const [QR_RD, RA, TC] = [0x81, 0x80, 0x02];

const [port = 0, delayMs = 20, loss = 0] = process.argv.slice(2).map(Number);

interface Reply {
  readonly message: Buffer;
  readonly afterMs: number;
  readonly forgeries: number;
}

let aliasCount = 0;

const answerWith = (question: Buffer, records: Buffer, count: number): Buffer => {
  const message = Buffer.concat([question, records]);
  message[2] = QR_RD;
  message[3] = RA;
  message.writeUInt16BE(count, 6);
  message.writeUInt32BE(0, 8);
  return message;
};

/** The reply to a query; undefined: none. */
const replyTo = (query: Buffer, isDatagram: boolean): Reply | undefined => {
  if (query.length < 12) return undefined;
  let [at, zone, last] = [12, '', ''];
  while (at < query.length && query[at] !== 0) {
    const length = query[at] ?? 0;
    zone = last;
    last = query.toString('latin1', at + 1, at + 1 + length).toLowerCase();
    at += length + 1;
  }
  const end = at + 5;
  if (zone === 'silent' || end > query.length) return undefined;
  const isLost = isDatagram && loss > 0 && !zone.startsWith('delay') && Math.random() < loss;
  if (isLost) return undefined;
  const isTruncated = isDatagram && (zone === 'truncated' || zone === 'big');
  const isBig = zone === 'big' && query[end - 3] === TYPE_TXT;
  const isPlain = zone === 'servfail' || isTruncated || !(isBig || query[end - 3] === TYPE_A);
  const record = isBig ? TEXT : RECORD;
  const count = isPlain ? 0 : isBig ? TEXT_COUNT : (RECORD_COUNTS[zone] ?? 1);
  const records = Buffer.alloc(record.length * count, record);
  // Records that differ: a resolver keeps one of those that are alike.
  for (let i = 0; i < count; i++) records.writeUInt16BE(i + 1, (i + 1) * record.length - 2);
  if (zone === 'alias' && query[12] === 12) {
    ALIAS.write((aliasCount++).toString(36).padStart(12, 'a'), ALIAS_LABEL_AT, 'latin1');
    return { message: answerWith(query.subarray(0, end), ALIAS, 1), forgeries: 0, afterMs: delayMs };
  }
  const message = answerWith(query.subarray(0, end), records, count);
  if (isTruncated) message[2] = QR_RD | TC;
  if (zone === 'servfail') message[3] = RA | RCODE_SERVFAIL;
  const forgeries = zone === 'forged' && isDatagram ? FORGERIES : 0;
  return { message, forgeries, afterMs: zone.startsWith('delay-') ? Number(zone.slice(6)) : delayMs };
};

const later = (afterMs: number, send: () => void): void => {
  if (afterMs > 0) setTimeout(send, afterMs);
  else send();
};

const datagrams = createSocket({ type: 'udp4', recvBufferSize: 4 << 20, sendBufferSize: 4 << 20 });
datagrams.on('message', (query, from) => {
  const reply = replyTo(query, true);
  if (reply !== undefined)
    later(reply.afterMs, () => {
      for (let i = 1; i <= reply.forgeries; i++) {
        const forged = Buffer.from(reply.message);
        forged.writeUInt16BE((reply.message.readUInt16BE(0) + i * 0x0a0b) & 0xffff, 0);
        datagrams.send(forged, from.port, from.address);
      }
      datagrams.send(reply.message, from.port, from.address);
    });
});
datagrams.bind(port, '127.0.0.1');

createServer((stream) => {
  let received = Buffer.alloc(0);
  stream.on('error', () => {});
  stream.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
      const end = 2 + received.readUInt16BE(0);
      const reply = replyTo(received.subarray(2, end), false);
      received = received.subarray(end);
      if (reply === undefined) continue;
      const length = Buffer.alloc(2);
      length.writeUInt16BE(reply.message.length, 0);
      later(reply.afterMs, () => stream.write(Buffer.concat([length, reply.message])));
    }
  });
}).listen(port, '127.0.0.1');
