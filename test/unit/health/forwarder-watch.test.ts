// A forwarder that names strangers is an issue for a quarter of an hour after the last of them.
import { expect, test } from 'vitest';
import { REPORTED } from '../../../src/base/words/words.ts';
import { ForwarderWatch } from '../../../src/people/health/forwarder-watch.ts';
import { CounterTotals, createCounterBlock, WorkerCounters } from '../../../src/telemetry/observe/observe.ts';
import { configOf } from '../config/support.ts';

const CONFIG = `
upstreams: ["192.0.2.53"]
forwarders:
  - { name: a, from: ["192.0.2.1"], clients: ["10.1.0.0/16"], sends: [subnet] }
  - { name: b, from: ["192.0.2.2"], clients: ["10.2.0.0/16"], sends: [subnet] }
`;

test('only what is outside or malformed is an issue, and only lately', () => {
  const { forwarders } = configOf(CONFIG);
  const totals = new CounterTotals();
  const block = totals.openRefusals({ lists: [], groups: [], forwarders: ['a', 'b'] });
  const counters = new WorkerCounters(createCounterBlock({ upstreams: [] }), block);
  let nowMs = 0;
  const watch = new ForwarderWatch(
    totals,
    () => ({ forwarders }),
    () => nowMs,
  );
  counters.reported(0, REPORTED.NAMED);
  counters.reported(1, REPORTED.NETWORK);
  expect(watch.issues()).toEqual([]);
  counters.reported(1, REPORTED.OUTSIDE);
  counters.reported(1, REPORTED.MALFORMED);
  counters.reported(2, REPORTED.OUTSIDE);
  expect(watch.issues()).toMatchObject([
    { id: 'forwarder-outside', subject: 'b', text: expect.stringContaining('2 queries') },
  ]);
  nowMs += 899_000;
  expect(watch.issues()).toHaveLength(1);
  nowMs += 1_000;
  expect(watch.issues()).toEqual([]);
});
