// The ring of events against a plain queue, over many turns of the ring with events of all lengths.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createAddress } from '../../src/base/base.ts';
import { createEventRing, EventReader, EventWriter } from '../../src/telemetry/events/event-ring.ts';

const RUNS = 200;
const RING_BYTES = 4096;

type Step =
  | { readonly kind: 'write'; readonly qname: number; readonly target: number; readonly isAddress: boolean }
  | { readonly kind: 'read'; readonly max: number }
  | { readonly kind: 'release' | 'new-reader' | 'new-writer' };

const length = fc.oneof(fc.nat(40), fc.nat(255));
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      qname: length,
      target: length,
      isAddress: fc.boolean(),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('read' as const), max: fc.integer({ min: 1, max: 40 }) }),
  },
  { weight: 4, arbitrary: fc.constant({ kind: 'release' as const }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Step>({ kind: 'new-reader' }, { kind: 'new-writer' }),
  },
);

test('what is read is what a queue holds, and what is lost is counted', () => {
  let wraps = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 50, maxLength: 400 }), (steps) => {
      const ring = createEventRing(RING_BYTES);
      let writer = new EventWriter(ring);
      let reader = new EventReader(ring);
      /** Not freed; the first `read` of them are read. */
      const queue: string[] = [];
      let read = 0;
      let lost = 0;
      let written = 0;
      const bytes = (size: number, seed: number): Uint8Array =>
        new Uint8Array(255).fill(seed & 0x3f, 0, size);
      for (const [line, action] of steps.entries()) {
        switch (action.kind) {
          case 'write': {
            const { qname, target, isAddress } = action;
            const address = createAddress().fill(line * 77);
            const isKept = writer.write({
              kind: line % 4,
              timeMs: line / 3,
              address,
              port: line,
              transport: line % 4,
              generation: line,
              group: line,
              rule: { list: (line % 33) - 1, line, match: 1, trigger: 0, exemption: line },
              qtype: line,
              rcode: (line % 24) - 1,
              edeCode: (line % 31) - 1,
              signal: (line % 6) - 1,
              id: line,
              flags: line,
              query: bytes(qname, line),
              qnameStart: 0,
              qnameLength: qname,
              target: bytes(target, line + 1),
              targetLength: target,
              targetAddress: isAddress ? address : undefined,
              forwarder: (line % 201) - 1,
              device: line % 3 === 0 ? undefined : bytes(line % 101, line).subarray(0, line % 101),
            });
            if (isKept) {
              const targetText = isAddress ? String(line * 77) : `${target}x${(line + 1) & 0x3f}`;
              queue.push(
                `${line} ${line / 3} ${(line % 33) - 1} ${(line % 24) - 1} ${(line % 201) - 1} ${qname}x${line & 0x3f} ${targetText}`,
              );
              written += 64 + qname + target;
            } else {
              lost++;
              // Nothing is lost while half of the ring is free.
              expect(reader.backlogBytes).toBeGreaterThan(RING_BYTES / 2);
            }
            break;
          }
          case 'read': {
            const seen: string[] = [];
            reader.read(action.max, (event) => {
              const { rule, timeMs, rcode, qname, qnameLength, target, targetLength } = event;
              const { line, list } = rule;
              const seed = (value: Uint8Array, size: number, is: number): string =>
                `${size}x${value.subarray(0, size).every((byte) => byte === is) ? is : 'spoiled'}`;
              const targetText = event.hasTargetAddress
                ? String(event.targetAddress[3])
                : seed(target, targetLength, (line + 1) & 0x3f);
              seen.push(
                `${line} ${timeMs} ${list} ${rcode} ${event.forwarder} ${seed(qname, qnameLength, line & 0x3f)} ${targetText}`,
              );
            });
            expect(seen).toEqual(queue.slice(read, read + action.max));
            read += seen.length;
            break;
          }
          case 'release':
            reader.release();
            queue.splice(0, read);
            read = 0;
            break;
          case 'new-reader':
            reader = new EventReader(ring);
            read = 0;
            break;
          default:
            writer = new EventWriter(ring);
        }
        expect(reader.isDamaged).toBe(false);
        expect(reader.dropped).toBe(lost);
      }
      wraps += Math.floor(written / RING_BYTES);
    }),
    { numRuns: RUNS },
  );
  expect(wraps).toBeGreaterThan(RUNS);
});
