// A process that records as the program does, without the rest of it: a ring that is written to, and the recorder.
//
// node records-writer.ts DIRECTORY FIRST. Writes refusals into the ring and changes numbered from FIRST; on standard
// output, each change that was acknowledged (`ack N`) and, now and then, how far the chain of queries has come
// (`queries N`). It runs until it is killed, or ends cleanly on SIGTERM.
import { writeSync } from 'node:fs';
import { systemErrorCode } from '../../src/base/base.ts';
import { RETENTION } from '../../src/config/retention.ts';
import { Recorder } from '../../src/evidence/records-thread/recorder.ts';
import { createEventRing, EventWriter } from '../../src/telemetry/events/event-ring.ts';
import { createLog } from '../../src/telemetry/observe/observe.ts';
import { eventOf, UNBOUNDED } from './record-events.ts';

/** Events in each turn of 5 ms: 10,000 a second. */
const EVENTS = 50;
const TURN_MS = 5;
/** Changes that are under way at a time. */
const CHANGES_MAX = 20;

const [directory = '', first = '0'] = process.argv.slice(2);
const ring = createEventRing(1 << 20);
const writer = new EventWriter(ring);
const recorder = Recorder.start({
  directory,
  rings: [ring],
  resolver: 'ns1',
  version: '1.2.3',
  settings: {
    identity: { kind: 'full' },
    retention: { queries: RETENTION['m-26-14'], changes: RETENTION['m-26-14'] },
    heads: { everyMs: 300 },
    bounds: UNBOUNDED,
    outputs: [],
  },
  log: createLog({ level: 'error', to: process.stderr.fd }),
});
recorder.define({ generation: 1, groups: ['default'], lists: [{ id: 'tiktok', version: '0123456789ab' }] });

/** Waits for a reader that is late: what was told is in the pipe before anything else happens. */
const tell = (text: string): void => {
  for (let bytes = Buffer.from(`${text}\n`); bytes.length > 0; ) {
    try {
      bytes = bytes.subarray(writeSync(process.stdout.fd, bytes));
    } catch (thrown) {
      if (systemErrorCode(thrown) !== 'EAGAIN') throw thrown;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, TURN_MS);
    }
  }
};

let next = Number(first);
let underWay = 0;
const change = (): void => {
  const number = next++;
  underWay++;
  const time = new Date().toISOString();
  recorder.write({ time, kind: 'admin', action: `act-${number}`, by: 'alice' }).then(
    () => {
      underWay--;
      tell(`ack ${number}`);
    },
    (error: unknown) => {
      underWay--;
      tell(`rejected ${number} ${String(error)}`);
    },
  );
};

let told = 0;
const timer = setInterval(() => {
  const timeMs = Date.now();
  for (let i = 0; i < EVENTS; i++) writer.write(eventOf({ timeMs, client: `192.0.2.${i + 1}` }));
  if (underWay < CHANGES_MAX) change();
  const { sequence, failure, dropped } = recorder.facts();
  const reached = sequence.get('queries') ?? 0;
  if (reached > told) tell(`queries ${reached}`);
  told = reached;
  if (failure !== undefined) tell(`failing ${dropped}`);
}, TURN_MS);

process.once('SIGTERM', () => {
  clearInterval(timer);
  void recorder.stop().then(() => tell('stopped'));
});
