// What the authority answers to whoever asks for entries: each resolver has so many bytes of it, and the rest have theirs.
//
// A page is up to 256 KiB for a question of a few bytes, so that whoever has one resolver's key could have the authority and the
// engine carry without end. Each resolver asks at a subject of its own, which the engine lets nobody else use; those of a version
// that asks at one subject for all share one place. Who has had its bytes gets nothing for the moment, and reads on from the engine.
import type { FleetActs } from './acts.ts';
import type { FleetAlarm } from './alarms.ts';
import { answerEntry } from './answer-entry.ts';
import type { PolicyLog } from './policy-log.ts';

/** What a resolver may have at once: the whole log of a large fleet, some 20,000 entries. Bytes. */
const BURST = 16 << 20;
/** And each second from then on: two pages, more than any fleet decides. */
const BYTES_PER_SEC = 512 * 1_024;
/** Of an answer of nothing: a question costs as well. */
const LEAST = 256;
/** Resolvers that have asked lately: twice the largest fleet. Who is forgotten begins anew. */
const RESOLVERS_MAX = 4_096;
/** Between two times that one resolver is told of, milliseconds. */
const TOLD_MS = 3_600_000;

/** What it needs. */
export interface EntryAnswersOptions {
  readonly log: PolicyLog;
  readonly acts: FleetActs;
  readonly onAlarm: (alarm: FleetAlarm) => void;
}

interface Bucket {
  left: number;
  atMs: number;
  toldMs: number;
}

/** Answers of one authority. */
export class EntryAnswers {
  readonly #options: EntryAnswersOptions;
  readonly #buckets = new Map<string, Bucket>();

  constructor(options: EntryAnswersOptions) {
    this.#options = options;
  }

  /** What a resolver is answered; empty where there is no such entry, or it has had its bytes. */
  answer(name: string, bytes: Uint8Array): string {
    const { log, acts } = this.#options;
    const nowMs = acts.monotonic();
    const bucket = this.#buckets.get(name) ?? { left: BURST, atMs: nowMs, toldMs: Number.NEGATIVE_INFINITY };
    // The one that asked longest ago goes first.
    this.#buckets.delete(name);
    this.#buckets.set(name, bucket);
    if (this.#buckets.size > RESOLVERS_MAX) {
      const [oldest = ''] = this.#buckets.keys();
      this.#buckets.delete(oldest);
    }
    bucket.left = Math.min(BURST, bucket.left + ((nowMs - bucket.atMs) / 1_000) * BYTES_PER_SEC);
    bucket.atMs = nowMs;
    if (bucket.left <= 0) {
      this.#tell(name, bucket, nowMs);
      return '';
    }
    const answer = answerEntry(log, bytes);
    bucket.left -= Math.max(LEAST, answer.length);
    return answer;
  }

  #tell(name: string, bucket: Bucket, nowMs: number): void {
    const { acts, onAlarm } = this.#options;
    if (nowMs - bucket.toldMs < TOLD_MS) return;
    bucket.toldMs = nowMs;
    onAlarm('asks-too-much');
    const reason = `it asked for more than ${BURST} bytes of policy, and is answered ${BYTES_PER_SEC} bytes a second`;
    const subject = name === '' ? {} : { subject: name };
    acts.note({ event: 'refused', code: 'ERR_FLEET_ASKED', ...subject, reason });
    acts.log.error({ ...subject, reason }, 'fleet: a resolver asks for policy without end');
  }
}
