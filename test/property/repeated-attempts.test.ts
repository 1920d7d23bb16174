// Attempts counted at a glance against attempts of which each event is opened: the same records and the same sums.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatAddress } from '../../src/base/base.ts';
import { AttemptCounts } from '../../src/evidence/records/attempt-counts.ts';
import { RecordBudget } from '../../src/evidence/records/record-budget.ts';
import {
  createEventRing,
  EventReader,
  EventWriter,
  type RingEvent,
} from '../../src/telemetry/events/events.ts';
import { eventOf, START } from '../support/record-events.ts';

const RUNS = 40;
const REPEAT_MS = 60_000;
const START_MS = Date.parse(START);

/** Few values of each, so that attempts repeat; what is not part of an attempt differs all the time. */
const attempt = fc
  .record({
    client: fc.constantFrom('192.0.2.7', '192.0.2.8', '2001:db8::1', '2001:db8::2'),
    qname: fc.constantFrom('a.example', 'A.example', 'b.example', `${'long.'.repeat(12)}example`),
    targetName: fc.constantFrom(undefined, undefined, 'c.example', `${'far.'.repeat(40)}example`),
    qtype: fc.constantFrom(1, 28),
    line: fc.constantFrom(1, 2),
    rcode: fc.constantFrom(0, 3),
    edeCode: fc.constantFrom(15, 15, 17),
    generation: fc.constantFrom(1, 1, 1, 2),
    port: fc.nat(0xffff),
    id: fc.nat(0xffff),
    flags: fc.constantFrom(0x100, 0x110),
  })
  .map(({ targetName, ...rest }) => (targetName === undefined ? rest : { ...rest, targetName }));
const step = fc.oneof(
  { weight: 30, arbitrary: fc.record({ attempt, times: fc.integer({ min: 1, max: 6 }), ms: fc.nat(40) }) },
  { weight: 1, arbitrary: fc.record({ attempt, times: fc.constant(1), ms: fc.constant(REPEAT_MS) }) },
  { weight: 1, arbitrary: fc.record({ attempt, times: fc.constant(3), ms: fc.constant(3_600_000) }) },
);

/** Reads a ring into counts and tells everything that became of it. */
class Counted {
  readonly told: string[] = [];
  readonly counts: AttemptCounts<number>;
  readonly #reader: EventReader;
  readonly #isAtGlance: boolean;

  constructor(ring: SharedArrayBuffer, isAtGlance: boolean) {
    const limits = { bytesPerDay: 600_000, clientBytesPerDay: 60_000 };
    this.counts = new AttemptCounts(new RecordBudget(limits, START_MS), REPEAT_MS, START_MS);
    this.#reader = new EventReader(ring);
    this.#isAtGlance = isAtGlance;
  }

  read(nowMs: number): void {
    const take = (event: RingEvent): void => {
      const { generation } = event;
      // As the encoder gives it.
      const timeMs = Math.floor(event.timeMs);
      const outcome = this.counts.add(event, generation, generation, timeMs);
      // What is counted again is not handed out at a glance, and nobody needs to be told.
      if (outcome !== 1) this.told.push(`${outcome} ${textOf(event)} ${timeMs}`);
    };
    this.#reader.read(1_000, take, this.#isAtGlance ? this.counts : undefined);
    this.#reader.release();
    this.counts.take(nowMs, false, (event, kind, scope, count, firstMs, lastMs) => {
      this.told.push(`${textOf(event)} ${kind} ${scope} ${count} ${firstMs} ${lastMs}`);
    });
  }
}

const textOf = (event: RingEvent): string =>
  [
    formatAddress(event.address),
    Buffer.from(event.qname.subarray(0, event.qnameLength)).toString('hex'),
    Buffer.from(event.target.subarray(0, event.targetLength)).toString('hex'),
    ...[event.qtype, event.rule.line, event.rcode, event.edeCode],
  ].join(' ');

test('attempts counted at a glance are those that are counted when each event is opened', () => {
  let repeats = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 60 }), (steps) => {
      const rings = [createEventRing(1 << 16), createEventRing(1 << 16)] as const;
      const writers = rings.map((ring) => new EventWriter(ring));
      const opened = new Counted(rings[0], false);
      const glanced = new Counted(rings[1], true);
      let timeMs = START_MS;
      for (const { attempt: changes, times, ms } of steps) {
        timeMs += ms;
        for (let i = 0; i < times; i++) {
          for (const writer of writers) writer.write(eventOf({ ...changes, timeMs: timeMs + i / 4 }));
        }
        for (const counted of [opened, glanced]) counted.read(timeMs);
        expect(glanced.counts.waiting).toBe(opened.counts.waiting);
      }
      for (const counted of [opened, glanced]) counted.read(timeMs + 2 * REPEAT_MS);
      expect(glanced.told).toEqual(opened.told);
      expect(glanced.counts.forms).toEqual(opened.counts.forms);
      repeats += opened.counts.forms.repeat;
    }),
    { numRuns: RUNS },
  );
  expect(repeats).toBeGreaterThan(RUNS);
});
