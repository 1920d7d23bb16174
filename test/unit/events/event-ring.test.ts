// The ring of events: what is written is read, in order, once it is there, until it is freed.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { createAddress, formatAddress, parseAddress } from '../../../src/base/base.ts';
import { EVENT, SIGNAL } from '../../../src/base/words/words.ts';
import { BYPASS_SIGNALS } from '../../../src/evidence/records/bypass-signal.ts';
import { QUERY_KINDS } from '../../../src/evidence/records/record.ts';
import { createEventRing, EventReader, EventWriter } from '../../../src/telemetry/events/event-ring.ts';
import type { QueryEvent, RingEvent, RuleNumbers } from '../../../src/telemetry/events/events.ts';
import { formatName, nameFrom } from '../../../src/wire/dns/dns.ts';

const RING_BYTES = 2048;
/** Where a ring's own bytes begin. */
const HEADER_BYTES = 384;

const wordsOf = (text: string): Uint32Array => {
  const words = createAddress();
  if (!parseAddress(text, words)) throw new TypeError(text);
  return words;
};

/** Fields of an event and of its rule. */
type Changes = Omit<Partial<QueryEvent>, 'rule'> & Partial<RuleNumbers>;

/** An event with every field different from zero. */
const fields = (changes: Changes = {}): QueryEvent => {
  const {
    list = 31,
    line = 4_000_000_001,
    match = 16,
    trigger = 6,
    exemption = 123_456,
    ...others
  } = changes;
  return {
    kind: 2,
    timeMs: 1_795_000_000_123.5,
    address: wordsOf('192.0.2.9'),
    port: 65_535,
    transport: 3,
    generation: 4_000_000_000,
    group: 300,
    rule: { list, line, match, trigger, exemption },
    qtype: 65_281,
    rcode: 4095,
    edeCode: 65_535,
    signal: 4,
    id: 65_534,
    flags: 65_533,
    query: Buffer.concat([new Uint8Array(12), nameFrom('WWW.TikTok.example'), Uint8Array.of(9)]),
    qnameStart: 12,
    qnameLength: nameFrom('www.tiktok.example').length,
    target: nameFrom('edge.example'),
    targetLength: nameFrom('edge.example').length,
    targetAddress: undefined,
    device: undefined,
    forwarder: 199,
    ...others,
  };
};

const open = (sizeBytes = RING_BYTES) => {
  const ring = createEventRing(sizeBytes);
  return { ring, writer: new EventWriter(ring), reader: new EventReader(ring) };
};

/** The lines of what is read. */
const linesOf = (reader: EventReader, max = Number.POSITIVE_INFINITY): number[] => {
  const lines: number[] = [];
  expect(reader.read(max, ({ rule }) => void lines.push(rule.line))).toBe(lines.length);
  return lines;
};

const fill = (writer: EventWriter): number => {
  let count = 0;
  while (writer.write(fields({ line: count }))) count++;
  return count;
};

test('its numbers are those of the pipeline and of the records', () => {
  const words = (numbers: object) =>
    Object.keys(numbers).map((word) => word.toLowerCase().replaceAll('_', '-'));
  expect(Object.values(EVENT)).toEqual([0, 1, 2, 3]);
  expect(QUERY_KINDS.slice(0, 4)).toEqual(words(EVENT));
  expect(BYPASS_SIGNALS[SIGNAL.DDR]).toBe('ddr');
  expect(BYPASS_SIGNALS[SIGNAL.UNLISTED_NETWORK]).toBe('unlisted-network');
});

test('an event is read as it was written, its names folded', () => {
  const { writer, reader } = open();
  expect(writer.write(fields({ device: Buffer.from('laptop-17') }))).toBe(true);
  const seen: object[] = [];
  reader.read(10, ({ targetAddress: _address, ...event }) => {
    const { address, qname, qnameLength, target, targetLength, device, deviceLength, ...rest } = event;
    seen.push({
      ...rest,
      address: formatAddress(address),
      qname: formatName(qname.subarray(0, qnameLength)),
      target: formatName(target.subarray(0, targetLength)),
      device: Buffer.from(device.subarray(0, deviceLength)).toString(),
    });
  });
  const { address: _a, query: _q, qnameStart: _s, qnameLength: _l, target: _t, ...plain } = fields();
  const { targetLength: _n, targetAddress: _w, ...numbers } = plain;
  expect(seen).toEqual([
    {
      ...numbers,
      address: '192.0.2.9',
      qname: 'www.tiktok.example.',
      target: 'edge.example.',
      device: 'laptop-17',
      hasTargetAddress: false,
    },
  ]);
});

test.each<[string, Changes, Partial<RingEvent>]>([
  ['nothing that there is not', { list: -1, rcode: -1, edeCode: -1, signal: -1, exemption: 0 }, {}],
  ['no target', { targetLength: 0 }, { hasTargetAddress: false }],
  ['the root', { query: Uint8Array.of(0), qnameStart: 0, qnameLength: 1 }, {}],
  ['no name', { qnameLength: 0 }, {}],
])('an event has %s', (_name, changes, more) => {
  const { writer, reader } = open();
  writer.write(fields());
  writer.write(fields(changes));
  let last: object = {};
  reader.read(10, (event) => {
    last = { ...event, ...event.rule };
  });
  const { query: _query, qnameStart: _start, target: _target, ...numbers } = changes;
  expect(last).toMatchObject({ ...numbers, ...more });
});

test('a target may be an address', () => {
  const { writer, reader } = open();
  writer.write(fields({ targetAddress: wordsOf('2001:db8::ff01') }));
  let text = '';
  reader.read(1, (event) => {
    text = `${event.hasTargetAddress} ${event.targetLength} ${formatAddress(event.targetAddress)}`;
  });
  expect(text).toBe('true 0 2001:db8::ff01');
});

describe('room', () => {
  test('an event that finds none is lost and counted; what is there stays', () => {
    const { writer, reader } = open();
    const count = fill(writer);
    expect(count).toBeGreaterThan(10);
    expect(writer.write(fields())).toBe(false);
    expect(reader.dropped).toBe(2);
    expect(linesOf(reader)).toEqual(Array.from({ length: count }, (_, line) => line));
  });

  test('reading frees nothing, release() does', () => {
    const { writer, reader } = open();
    fill(writer);
    linesOf(reader);
    expect(writer.write(fields())).toBe(false);
    expect(reader.backlogBytes).toBeGreaterThan(RING_BYTES / 2);
    reader.release();
    expect(reader.backlogBytes).toBe(0);
    expect(writer.write(fields({ line: 77 }))).toBe(true);
    expect(linesOf(reader)).toEqual([77]);
  });

  test('release() frees only what was read', () => {
    const { writer, reader } = open();
    const count = fill(writer);
    expect(linesOf(reader, 3)).toEqual([0, 1, 2]);
    reader.release();
    expect(linesOf(reader)).toHaveLength(count - 3);
  });

  test.each([1024, 3000, 0, 2 ** 31, Number.NaN])('a ring of %d bytes is refused', (bytes) => {
    expect(() => createEventRing(bytes)).toThrow(RangeError);
  });

  test('the longest event finds room in the smallest ring, wherever it stands', () => {
    const { writer, reader } = open();
    const long = new Uint8Array(255);
    for (let i = 0; i < 50; i++) {
      const [longest, short] = [255, i % 64];
      expect(writer.write(fields({ qnameLength: short, query: long, qnameStart: 0, targetLength: 0 }))).toBe(
        true,
      );
      reader.read(9, () => {});
      reader.release();
      const changes = {
        qnameLength: longest,
        query: long,
        qnameStart: 0,
        target: long,
        targetLength: longest,
      };
      expect(writer.write(fields({ ...changes, line: i }))).toBe(true);
      expect(linesOf(reader)).toEqual([i]);
      reader.release();
    }
  });
});

describe('those who come after', () => {
  test('a writer goes on where the one before it was', () => {
    const { ring, writer, reader } = open();
    writer.write(fields({ line: 1 }));
    const next = new EventWriter(ring);
    next.write(fields({ line: 2 }));
    expect(linesOf(reader)).toEqual([1, 2]);
  });

  test('a reader reads again what the one before it had not freed', () => {
    const { ring, writer, reader } = open();
    for (let line = 0; line < 4; line++) writer.write(fields({ line }));
    linesOf(reader, 1);
    reader.release();
    linesOf(reader, 2);
    expect(linesOf(new EventReader(ring))).toEqual([1, 2, 3]);
  });

  test('what a writer had not finished is not seen', () => {
    const { ring, writer, reader } = open();
    writer.write(fields({ line: 1 }));
    // As a thread leaves it that ends amid an event: bytes behind the last position.
    new Uint8Array(ring, HEADER_BYTES + reader.backlogBytes).fill(0xa5, 0, 100);
    expect(linesOf(reader)).toEqual([1]);
    new EventWriter(ring).write(fields({ line: 2 }));
    expect(linesOf(reader)).toEqual([2]);
    expect(reader.isDamaged).toBe(false);
  });
});

describe('bytes that no writer wrote', () => {
  test.each<[string, number, (word: number) => number]>([
    ['zero', 0, () => 0],
    ['a size of nothing', 0, (word) => word & ~0xffff],
    ['a size over what is written', 0, (word) => word + 40],
    ['another mark', 0, (word) => word ^ 0x4000_0000],
    ['lengths that do not fit', 5, () => 0xffff],
    ['a kind that there is not', 1, () => 9],
    ['a filler amid events', 0, (word) => 0xf1e5_0000 | (word & 0xffff)],
  ])('end the reading: %s', (_name, place, spoil) => {
    const { ring, writer, reader } = open();
    writer.write(fields({ line: 1 }));
    const second = reader.backlogBytes;
    writer.write(fields({ line: 2 }));
    const words = new Uint32Array(ring, HEADER_BYTES + second);
    words[place] = spoil(words[place] ?? 0);
    expect(linesOf(reader)).toEqual([1]);
    expect(reader.isDamaged).toBe(true);
    expect(linesOf(reader)).toEqual([]);
    expect(reader.discard()).toBe(second);
    expect(reader.isDamaged).toBe(false);
    writer.write(fields({ line: 3 }));
    expect(linesOf(reader)).toEqual([3]);
    expect(reader.backlogBytes).toBe(second);
  });

  test('a position that cannot be ends the reading', () => {
    const { ring, writer, reader } = open();
    writer.write(fields());
    new Int32Array(ring)[0] = -5;
    expect(linesOf(reader)).toEqual([]);
    expect(reader.isDamaged).toBe(true);
    expect(reader.discard()).toBe(RING_BYTES);
  });
});

test('two threads: every event arrives once, whole and in order, or is counted as lost', async () => {
  const count = 200_000;
  const ring = createEventRing(16 * 1024);
  const { ended, written } = writeInThread(ring, count);
  const reader = new EventReader(ring);
  let read = 0;
  let last = -1;
  const faults: string[] = [];
  const check = (event: RingEvent): void => {
    const { rule, qname, qnameLength, target, targetLength } = event;
    const { line } = rule;
    const isWhole =
      event.timeMs === line &&
      event.generation === line &&
      event.address.every((word) => word === line) &&
      qnameLength === line % 256 &&
      targetLength === (line * 7) % 256 &&
      qname.subarray(0, qnameLength).every((byte) => byte === (line & 0x3f)) &&
      target.subarray(0, targetLength).every((byte) => byte === (line & 0x3f));
    if (!isWhole || line <= last) faults.push(`${line} after ${last}`);
    last = line;
    read++;
  };
  let isOver = false;
  while (!isOver) {
    // Once more after the last one is written.
    isOver = written() >= 0;
    for (let turn = 0; turn < 100 && faults.length < 5; turn++) {
      reader.read(50, check);
      // Freed late at times, as by a reader that waits for its database.
      if (turn % 10 !== 0) reader.release();
    }
    while (isOver && reader.read(1000, check) > 0) reader.release();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await ended;
  expect(faults).toEqual([]);
  expect(reader.isDamaged).toBe(false);
  expect(read).toBe(written());
  expect(written() + reader.dropped).toBe(count);
  expect(reader.dropped).toBeLessThan(count);
});

describe('a reader that sleeps is woken', () => {
  test('once so much is in the ring, and not before', async () => {
    const { writer, reader } = open();
    let isAwake = false;
    const filled = reader.filled(RING_BYTES / 2).then(() => {
      isAwake = true;
    });
    writer.write(fields());
    await new Promise((resolve) => setImmediate(resolve));
    expect(isAwake).toBe(false);
    while (reader.backlogBytes < RING_BYTES / 2) writer.write(fields());
    await filled;
    expect(isAwake).toBe(true);
  });

  test('at once when so much is there already', async () => {
    const { writer, reader } = open();
    fill(writer);
    await reader.filled(RING_BYTES / 2);
  });

  test('again after it has freed what was there', async () => {
    const { writer, reader } = open();
    for (let round = 0; round < 3; round++) {
      const filled = reader.filled(RING_BYTES / 2);
      fill(writer);
      await filled;
      reader.read(Number.POSITIVE_INFINITY, () => {});
      reader.release();
    }
    expect(reader.backlogBytes).toBe(0);
  });

  test('by the first event, and by none before, when the bell was hung anew', async () => {
    const { writer, reader } = open();
    let awoken = 0;
    const sleep = (): Promise<void> =>
      reader.filled(RING_BYTES / 2).then(() => {
        awoken++;
      });
    const first = sleep();
    reader.rehang(1);
    writer.write(fields());
    await first;
    // With an event in the ring already, a bell that is hung lower rings at once.
    const second = sleep();
    reader.rehang(1);
    await second;
    // Hung higher, it does not ring for what rang before.
    reader.read(Number.POSITIVE_INFINITY, () => {});
    reader.release();
    const third = reader.filled(1).then(() => {
      awoken++;
    });
    reader.rehang(RING_BYTES / 2);
    writer.write(fields());
    await new Promise((resolve) => setImmediate(resolve));
    expect(awoken).toBe(2);
    fill(writer);
    await third;
    // One that has rung hangs no more.
    reader.rehang(1);
    expect(awoken).toBe(3);
  });

  test('by a writer in another thread', async () => {
    const { ring, reader } = open();
    const filled = reader.filled(RING_BYTES / 2);
    const { ended } = writeInThread(ring, 100);
    await filled;
    expect(reader.backlogBytes).toBeGreaterThanOrEqual(RING_BYTES / 2);
    await ended;
  });
});

/** Writes so many events from a thread of its own. */
const writeInThread = (
  ring: SharedArrayBuffer,
  count: number,
): { readonly ended: Promise<unknown>; readonly written: () => number } => {
  const module = new URL('../../../src/telemetry/events/event-ring.ts', import.meta.url).href;
  const worker = new Worker(
    `const { workerData, parentPort } = require('node:worker_threads');
     import(workerData.module).then(({ EventWriter }) => {
       const writer = new EventWriter(workerData.ring);
       const name = new Uint8Array(255);
       const target = new Uint8Array(255);
       const address = new Uint32Array(4);
       const base = { kind: 0, transport: 1, rcode: 3, edeCode: 15,
         signal: -1, id: 1, flags: 0, group: 0, port: 1, qtype: 1, qnameStart: 0, targetAddress: undefined };
       let written = 0;
       for (let line = 0; line < workerData.count; line++) {
         const qnameLength = line % 256, targetLength = (line * 7) % 256;
         name.fill(line & 0x3f); target.fill(line & 0x3f); address.fill(line);
         const rule = { match: 1, trigger: 0, list: 0, line, exemption: 0 };
         if (writer.write({ ...base, timeMs: line, address, generation: line, rule, query: name, qnameLength,
           target, targetLength })) written++;
       }
       parentPort.postMessage(written);
     });`,
    { eval: true, workerData: { ring, count, module } },
  );
  let written = -1;
  worker.on('message', (value: number) => {
    written = value;
  });
  return { ended: once(worker, 'exit'), written: () => written };
};
