// The ring of queries hands out what was written, in its order and to the byte, and counts what found no room.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  createQueryRing,
  LoggedQuery,
  QueryRingReader,
  QueryRingWriter,
} from '../../../src/telemetry/events/query-ring.ts';

const RING_BYTES = 1 << 19;

/** Lengths of query and response, short ones mostly, or how many are read. */
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ query: fc.nat(300), response: fc.nat(8_000) }) },
  { weight: 1, arbitrary: fc.record({ query: fc.nat(65_535), response: fc.nat(65_535) }) },
  { weight: 2, arbitrary: fc.record({ read: fc.nat(5) }) },
);

test('what is written is read, whatever its length and whenever it is read', () => {
  let restarts = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 200, maxLength: 900, size: 'max' }), (steps) => {
      const ring = createQueryRing(RING_BYTES);
      const writer = new QueryRingWriter({ ring, sample: 1 });
      const reader = new QueryRingReader(ring);
      const waiting: number[] = [];
      let lost = 0;
      let lastStart = 0;
      const read = (max: number): void => {
        reader.read(max, ({ timeMs, bytes, queryLength, queryStart, responseLength, responseStart }) => {
          expect(timeMs).toBe(waiting.shift());
          const both = [bytes[queryStart], bytes[queryStart + queryLength - 1]];
          if (queryLength > 0) expect(both).toEqual([timeMs & 0xff, timeMs & 0xff]);
          const last = bytes[responseStart + responseLength - 1];
          if (responseLength > 0) expect(last).toBe((timeMs + 1) & 0xff);
          if (queryStart < lastStart) restarts++;
          lastStart = queryStart;
        });
      };
      for (const [number, one] of steps.entries()) {
        if ('read' in one) {
          read(one.read);
          continue;
        }
        const entry = new LoggedQuery();
        Object.assign(entry, { timeMs: number, queryLength: one.query, responseLength: one.response });
        entry.query = new Uint8Array(one.query).fill(number & 0xff);
        entry.response = new Uint8Array(one.response).fill((number + 1) & 0xff);
        const before = reader.lost;
        writer.write(entry);
        if (reader.lost === before) waiting.push(number);
        else lost++;
        // A ring of half a MiB has room for any entry once it was emptied.
        if (reader.lost > before) expect(waiting.length).toBeGreaterThan(0);
      }
      read(Number.POSITIVE_INFINITY);
      expect(waiting).toEqual([]);
      expect(reader.lost).toBe(lost);
    }),
    { numRuns: 20, endOnFailure: true },
  );
  // It began anew, and not only at its end.
  expect(restarts).toBeGreaterThan(0);
});
