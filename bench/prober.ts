// One client that asks about a thousand times a second with one query outstanding, and notes how long each took.
//
// Started by the harness as a process of its own: node bench/prober.ts PORT SECONDS LISTED PASSING. Asks for a
// listed and a passing name in turn and prints one line of JSON: latencies in microseconds, and how many answers did
// not come, refused nothing or refused too much. It makes next to no objects while it measures and lets the first
// queries pass unmeasured, because its own pauses would count as the server's.
import { createSocket } from 'node:dgram';
import { HEADER_LENGTH, messageId, messageRcode, RCODE, writeU16 } from '../src/wire/dns/dns.ts';
import { buildQuery } from '../test/support/records.ts';

/** Between two queries, unless the answer takes longer. */
const INTERVAL_MS = 1;
const LOST_MS = 1000;
/** First queries, not measured: until then both sides run code that is not compiled yet. */
const WARM_UP_COUNT = 200;
/** Answers noted at most: twice what a minute has. */
const LATENCIES_MAX = 120_000;

const [port = '', seconds = '', listed = '', passing = ''] = process.argv.slice(2);
const queries = [listed, passing].map((name) => buildQuery(`${name}. A`));
const latencies = new Float64Array(LATENCIES_MAX);
const found = { lost: 0, unfiltered: 0, overblocked: 0 };
const socket = createSocket('udp4');
const endMs = performance.now() + Number(seconds) * 1000;
let id = 0;
let sentMs = 0;
let isWaiting = false;
let answered = 0;

const ask = (): void => {
  if (performance.now() > endMs) {
    socket.close();
    clearInterval(lostTimer);
    const count = Math.min(Math.max(0, answered - WARM_UP_COUNT), LATENCIES_MAX);
    process.stdout.write(`${JSON.stringify({ latencies: [...latencies.subarray(0, count)], ...found })}\n`);
    return;
  }
  id = (id + 1) & 0xffff;
  const query = queries[id % 2] ?? new Uint8Array(0);
  writeU16(query, 0, id);
  isWaiting = true;
  sentMs = performance.now();
  socket.send(query);
};

const lostTimer = setInterval(() => {
  if (!isWaiting || performance.now() - sentMs < LOST_MS) return;
  isWaiting = false;
  found.lost++;
  ask();
}, LOST_MS);

socket.on('message', (message) => {
  const nowMs = performance.now();
  if (!isWaiting || message.length < HEADER_LENGTH || messageId(message) !== id) return;
  isWaiting = false;
  // A negative index, while it warms up, and one beyond the end note nothing.
  latencies[answered - WARM_UP_COUNT] = Math.round((nowMs - sentMs) * 1000);
  answered++;
  const isRefused = messageRcode(message) === RCODE.NXDOMAIN;
  if (id % 2 === 0 && !isRefused) found.unfiltered++;
  if (id % 2 === 1 && messageRcode(message) !== RCODE.NOERROR) found.overblocked++;
  setTimeout(ask, INTERVAL_MS);
});
socket.connect(Number(port), '127.0.0.1', ask);
