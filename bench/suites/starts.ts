// What a start reads of records before and after the first answer: changes back to the last statement of what the register held,
// before anybody is exempt; and everything up to 1 GiB afterwards, at a tenth of a core.
//
// Measured is the code of a start on real files, which the recorder wrote with a clock that is moved on.
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { RETENTION } from '../../src/config/retention.ts';
import { Recording } from '../../src/evidence/records/recording.ts';
import type { RegisterState } from '../../src/evidence/records/register-marks.ts';
import { readRecordedMarks } from '../../src/evidence/records/register-walk.ts';
import { verifyRecords } from '../../src/evidence/records/verify.ts';
import { createEventRing, EventReader, EventWriter } from '../../src/telemetry/events/event-ring.ts';
import { eventOf, START, UNBOUNDED } from '../../test/support/record-events.ts';
import type { Suite, SuiteResult } from '../suite.ts';

/** Changes behind the last statement: of an ordinary day, and of one in which something writes without end. */
const CHANGES = [1_000, 10_000, 100_000] as const;
const CHANGES_QUICK = [1_000, 10_000] as const;
/** Bytes of records that are verified, and what a start verifies at most. */
const MIB = 1 << 20;
const SIZE_MIB = 256;
const SIZE_MIB_QUICK = 16;
const WHOLE_MIB = 1_024;
/** Of a core, which the recorder gives to it. */
const SHARE = 0.1;
/** Milliseconds before the first answer that an operator does not notice. */
const WALK_MS_MAX = 2_000;
const EVENTS = 1_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const FILE = 'register.sqlite';
const HASH = 'a'.repeat(64);

/** A register of one grant, which the statement covers. */
const REGISTER: RegisterState = {
  file: FILE,
  hashes: [HASH],
  marks: [
    {
      ...{ key: `ex-000001 ${START}`, id: 'ex-000001', event: 'approved', time: START },
      ...{ digest: 'd', terms: 't', sequence: 1 },
    },
  ],
};

interface Cost {
  readonly cpuMs: number;
  readonly wallMs: number;
}

const costOf = async (act: () => Promise<unknown>): Promise<Cost> => {
  const [startMs, cpu] = [performance.now(), process.cpuUsage()];
  await act();
  const { user, system } = process.cpuUsage(cpu);
  return { cpuMs: (user + system) / 1_000, wallMs: performance.now() - startMs };
};

/** Writes records into a directory, as a run of the program that is killed; gives their bytes. */
const write = (
  directory: string,
  fill: (turn: (act: () => void) => void, writer: EventWriter, recording: Recording) => void,
): number => {
  let nowMs = Date.parse(START);
  const ring = createEventRing(1 << 20);
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const recording = new Recording({
    ...{ directory, readers: [new EventReader(ring)], droppedBefore: [], outputs: [], log },
    ...{
      resolver: 'ns1',
      version: '1.2.3',
      isResumed: false,
      identity: { kind: 'pseudonym', rotateMs: 30 * DAY_MS },
    },
    ...{
      retention: { queries: RETENTION['m-26-14'], changes: RETENTION['m-26-14'] },
      heads: { everyMs: HOUR_MS },
    },
    ...{ bounds: UNBOUNDED, clock: () => nowMs, monotonic: () => nowMs, pause: () => Promise.resolve() },
  });
  recording.define({
    generation: 1,
    groups: ['default'],
    lists: [{ id: 'tiktok', version: '0123456789ab' }],
  });
  const turn = (act: () => void): void => {
    act();
    nowMs += 1_000;
    recording.tick();
  };
  fill(turn, new EventWriter(ring), recording);
  turn(() => undefined);
  recording.close();
  return bytesOf(directory);
};

const bytesOf = (directory: string): number =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);

const writeChanges = (directory: string, count: number): number =>
  write(directory, (turn, _writer, recording) => {
    const time = START;
    const change = (record: Parameters<Recording['write']>[0]): void =>
      recording.write(record, () => undefined);
    turn(() => change({ time, kind: 'records', event: 'register', file: FILE, count: 1, text: HASH }));
    for (let done = 0; done < count; done += 50)
      turn(() => {
        for (let i = 0; i < 50; i++) change({ time, kind: 'admin', action: `act-${done + i}`, by: 'alice' });
      });
  });

const writeQueries = (directory: string, sizeBytes: number): number =>
  write(directory, (turn, writer) => {
    // As much as the last look found, and a thousand more.
    for (let turns = 0; turns % 20 !== 0 || turns === 0 || bytesOf(directory) < sizeBytes; turns++)
      turn(() => {
        for (let i = 0; i < EVENTS; i++)
          writer.write(
            eventOf({
              timeMs: Date.parse(START) + turns * 1_000,
              client: `192.0.2.${i % 256}`,
              qname: `n${i}.example`,
            }),
          );
      });
  });

/** A start over records. */
export const starts: Suite = {
  name: 'starts',
  title: 'A start over records',
  run: async (context): Promise<SuiteResult> => {
    const walks: (Cost & { readonly count: number; readonly bytes: number })[] = [];
    for (const count of context.isQuick ? CHANGES_QUICK : CHANGES) {
      const directory = join(context.directory, `changes-${count}`);
      const bytes = writeChanges(directory, count);
      const nowMs = Date.parse(START) + HOUR_MS;
      let marks: Awaited<ReturnType<typeof readRecordedMarks>>;
      const cost = await costOf(async () => {
        marks = await readRecordedMarks({
          directory,
          register: REGISTER,
          nowMs,
          onUnreadable: () => undefined,
        });
      });
      if (marks?.statements.length !== 1) throw new Error('the walk did not come to the statement');
      walks.push({ count, bytes, ...cost });
      rmSync(directory, { recursive: true });
    }
    const directory = join(context.directory, 'whole');
    const mib = writeQueries(directory, (context.isQuick ? SIZE_MIB_QUICK : SIZE_MIB) * MIB) / MIB;
    let found = 0;
    let records = 0;
    const whole = await costOf(async () => {
      const result = await verifyRecords(directory, { nowMs: Date.parse(START) });
      [found, records] = [result.findings.length, result.records];
    });
    rmSync(directory, { recursive: true });
    const most = walks.at(-1);
    const reckonedSec = (whole.cpuMs / mib / 1_000) * WHOLE_MIB;
    return {
      conditions: [
        'records that a recorder wrote in one day; nothing else of the program runs',
        'of a disk that has them in memory: a cold one adds the time to read them',
      ],
      tables: [
        {
          title: 'Before anybody is exempt: back to the last statement of the register',
          head: ['changes since then', 'records', 'CPU', 'time'],
          rows: walks.map(({ count, bytes, cpuMs, wallMs }) => [
            String(count),
            `${(bytes / MIB).toFixed(1)} MiB`,
            `${cpuMs.toFixed(0)} ms`,
            `${wallMs.toFixed(0)} ms`,
          ]),
        },
        {
          title: 'After the first answer: everything up to 1 GiB',
          head: ['records', 'size', 'CPU', 'CPU a MiB', 'reckoned for 1 GiB', `at ${SHARE} of a core`],
          rows: [
            [
              ...[String(records), `${mib.toFixed(0)} MiB`, `${(whole.cpuMs / 1_000).toFixed(1)} s`],
              ...[`${(whole.cpuMs / mib).toFixed(1)} ms`, `${reckonedSec.toFixed(0)} s`],
              `${(reckonedSec / SHARE / 60).toFixed(1)} min`,
            ],
          ],
        },
      ],
      verdicts: [
        {
          holds: (most?.wallMs ?? 0) <= WALK_MS_MAX,
          text: `a start waits ${WALK_MS_MAX} ms at most for ${most?.count} changes: ${(most?.wallMs ?? 0).toFixed(0)} ms`,
        },
      ],
      faults: found === 0 ? [] : [`verification found ${found} faults in records that nobody touched`],
      remarks: [],
      raw: { walks, whole, mib },
    };
  },
};
