// Kills a recording process again and again, and checks after each time that nothing acknowledged is missing.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { RecordsReader } from '../../src/evidence/records/records-reader.ts';
import { verifyRecords } from '../../src/evidence/records/verify.ts';

const writer = fileURLToPath(new URL('./records-writer.ts', import.meta.url));
/** Acknowledged changes after which a process may be killed: the recorder is at work. */
const ACKNOWLEDGED_MIN = 3;
/** Longest life after that, milliseconds: several commits, and a head. */
const LIFE_MS_MAX = 500;
/** For a process to begin to record: ten times what a loaded machine takes. */
const BEGIN_MS_MAX = 60_000;

/** What a recording process said that it had done. */
export class RecordingProcess {
  readonly child: ChildProcess;
  readonly lines: string[] = [];
  #rest = '';
  #onLine: (() => void) | undefined;
  readonly #ended: Promise<never>;

  constructor(directory: string, first: number) {
    this.child = spawn(process.execPath, [writer, directory, String(first)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.child.stdout?.setEncoding('utf8').on('data', (piece: string) => {
      const lines = (this.#rest + piece).split('\n');
      this.#rest = lines.pop() ?? '';
      this.lines.push(...lines);
      this.#onLine?.();
    });
    this.#ended = once(this.child, 'close').then(([code, signal]) =>
      Promise.reject(new Error(`the recording process ended: ${code ?? signal}`)),
    );
    this.#ended.catch(() => {});
  }

  /** Numbers of the lines with this word in front. */
  numbers(word: string): number[] {
    return this.lines.flatMap((line) => (line.startsWith(`${word} `) ? [Number(line.split(' ')[1])] : []));
  }

  /** Waits until the lines are as they should be; rejects when they never will. */
  async until(isTrue: () => boolean): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(
      () => reject(new Error(`nothing came\n${this.lines.slice(-20).join('\n')}`)),
      BEGIN_MS_MAX,
    );
    this.#onLine = () => {
      if (isTrue()) resolve();
    };
    this.#onLine();
    try {
      await Promise.race([promise, this.#ended]);
    } finally {
      clearTimeout(timer);
      this.#onLine = undefined;
    }
  }

  /** Kills it, and waits until all that it said was read. */
  async kill(): Promise<void> {
    const closed = once(this.child, 'close');
    this.child.kill('SIGKILL');
    await closed;
  }
}

/** Runs and kills `rounds` processes on one directory; `random` gives numbers from 0 to 1. */
export const killRounds = async (
  directory: string,
  rounds: number,
  random: () => number,
  tell: (text: string) => void = () => {},
): Promise<void> => {
  const acknowledged: number[] = [];
  let first = 0;
  for (let round = 1; round <= rounds; round++) {
    const recording = new RecordingProcess(directory, first);
    await recording.until(() => recording.numbers('ack').length >= ACKNOWLEDGED_MIN);
    await new Promise((resolve) => setTimeout(resolve, LIFE_MS_MAX * random()));
    await recording.kill();
    const acks = recording.numbers('ack');
    acknowledged.push(...acks);
    first = Math.max(first, ...acks) + 1_000;
    await check(directory, acknowledged, Math.max(0, ...recording.numbers('queries')), round);
    tell(`round ${round}: ${acknowledged.length} acknowledged changes, all there`);
  }
};

const check = async (
  directory: string,
  acknowledged: readonly number[],
  queries: number,
  round: number,
): Promise<void> => {
  const { findings } = await verifyRecords(directory);
  assert.deepEqual(findings, [], `round ${round}`);
  const reader = RecordsReader.open(directory);
  const actions = new Set<string>();
  let unclean = 0;
  for await (const { record } of reader.records('changes', 0, 8e15)) {
    if (record.kind === 'admin') actions.add(record.action);
    if (record.kind === 'service' && record.event === 'unclean-end') unclean++;
  }
  let last = 0;
  for await (const { sequence } of reader.records('queries', 0, 8e15)) last = sequence;
  reader.close();
  const missing = acknowledged.filter((number) => !actions.has(`act-${number}`));
  assert.deepEqual(missing, [], `round ${round}: acknowledged changes are missing`);
  assert.ok(last >= queries, `round ${round}: ${queries} queries were recorded, ${last} are there`);
  assert.equal(unclean, round - 1, `round ${round}: each kill is stated by the next start`);
};
