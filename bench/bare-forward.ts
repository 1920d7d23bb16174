// The least that a forwarder on Node.js can do with the sockets that Cordon has: each question goes to the upstream under an ID
// of its own, each answer to whoever asked, when its question is the one that was sent.
//
// Started by the harness as a process of its own: node bench/bare-forward.ts PORT UPSTREAM_PORT. No policy, no cache, no
// time-outs, no second try: a question that is never answered keeps its slot. It is a measure, not a server.
import { randomFillSync } from 'node:crypto';
import {
  type ConnectedSocket,
  openConnectedSocket,
  openDatagramSocket,
  Peer,
} from '../src/wire/datagram/datagram.ts';
import { HEADER_LENGTH, questionEnd } from '../src/wire/dns/dns.ts';

/** One slot for each ID. */
const SLOTS = 1 << 16;
const SLOT_MASK = SLOTS - 1;
/** A longest name and what stands around it. */
const QUESTION_BYTES = HEADER_LENGTH + 255 + 4;
/** As many as Cordon opens to an upstream under such a load. */
const SOCKETS = 8;
const BUFFER_BYTES = 4 * 1024 * 1024;

const [port = 0, upstreamPort = 0] = process.argv.slice(2).map(Number);

const askers = Array.from({ length: SLOTS }, () => new Peer());
const ids = new Uint16Array(SLOTS);
/** 0: the slot is free. */
const ends = new Uint16Array(SLOTS);
const questions = new Uint8Array(SLOTS * QUESTION_BYTES);
/** Slots that are free, in an order that nobody can tell, from `first` on. */
const free = Uint16Array.from({ length: SLOTS }, (_, index) => index);
let first = 0;
let last = 0;
let freeCount = SLOTS;
for (let index = SLOTS - 1, random = randomFillSync(new Uint32Array(SLOTS)); index > 0; index--) {
  const other = (random[index] ?? 0) % (index + 1);
  [free[index], free[other]] = [free[other] ?? 0, free[index] ?? 0];
}

const upstreams: ConnectedSocket[] = [];
let turn = 0;

const socket = await openDatagramSocket({
  endpoint: { address: '127.0.0.1', port, family: 4 },
  shared: false,
  receiveBytes: BUFFER_BYTES,
  sendBytes: BUFFER_BYTES,
  handler: {
    receive: (query, length, peer) => {
      const end = questionEnd(query, length);
      const upstream = upstreams[turn++ % SOCKETS];
      if (end < 0 || length > QUESTION_BYTES || freeCount === 0 || upstream === undefined) return;
      const slot = free[first] ?? 0;
      first = (first + 1) & SLOT_MASK;
      freeCount--;
      ids[slot] = ((query[0] ?? 0) << 8) | (query[1] ?? 0);
      ends[slot] = end;
      askers[slot]?.set(peer);
      const out = upstream.reserve();
      const from = slot * QUESTION_BYTES;
      for (let i = 0; i < length; i++) out[i] = questions[from + i] = query[i] ?? 0;
      out[0] = slot >> 8;
      out[1] = slot & 0xff;
      upstream.commit(length);
    },
    sendFailed: () => {},
  },
});

const passOn = (answer: Uint8Array, length: number): void => {
  const slot = ((answer[0] ?? 0) << 8) | (answer[1] ?? 0);
  const end = ends[slot] ?? 0;
  const asker = askers[slot];
  if (end === 0 || length < end || asker === undefined) return;
  const from = slot * QUESTION_BYTES;
  for (let i = HEADER_LENGTH; i < end; i++) if (answer[i] !== questions[from + i]) return;
  const out = socket.reserve();
  for (let i = 2; i < length; i++) out[i] = answer[i] ?? 0;
  const id = ids[slot] ?? 0;
  out[0] = id >> 8;
  out[1] = id & 0xff;
  socket.commit(length, asker);
  ends[slot] = 0;
  free[last] = slot;
  last = (last + 1) & SLOT_MASK;
  freeCount++;
};

for (let count = 0; count < SOCKETS; count++)
  upstreams.push(
    await openConnectedSocket({
      endpoint: { address: '127.0.0.1', port: upstreamPort, family: 4 },
      receiveBytes: BUFFER_BYTES,
      handler: { receive: passOn, failed: () => {} },
    }),
  );
