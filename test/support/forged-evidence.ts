// What somebody can send who has stolen the keys of a resolver: chains and heads that are whole and signed, of anything.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HeadSigner, headHash, NO_HEAD, type SignedHead } from '../../src/evidence/records/heads.ts';
import { BlockHasher, NO_HASH, openingHash } from '../../src/evidence/records/partition.ts';
import { type RecordClass, readOwnKeys } from '../../src/evidence/records/records.ts';
import type { ConfirmedClass } from '../../src/fleet/confirmation.ts';
import type { EvidencePiece } from '../../src/fleet/evidence-message.ts';

/** A piece and the class that it is sent under. */
export type SentPiece = readonly [ConfirmedClass, EvidencePiece];

/** A time of START's day. */
export const TIME = '2026-11-25T12:00:00.000Z';
const TIME_MS = Date.parse(TIME);

interface End {
  readonly sequence: number;
  readonly hash: Buffer;
  /** Of all blocks up to it. */
  readonly fromMs: number;
  readonly untilMs: number;
}

const NOTHING: End = {
  ...{ sequence: 0, hash: Buffer.alloc(32) },
  ...{ fromMs: Number.POSITIVE_INFINITY, untilMs: Number.NEGATIVE_INFINITY },
};

/** One resolver's chains, made of whatever bodies it is given. */
export class ForgedChains {
  readonly #directory = mkdtempSync(join(tmpdir(), 'cordon-forged-'));
  readonly #signer: HeadSigner;
  readonly #hasher = new BlockHasher();
  readonly #ends = new Map<RecordClass, End>();
  #head: SignedHead | undefined;

  constructor() {
    this.#signer = HeadSigner.open(this.#directory);
  }

  close(): void {
    rmSync(this.#directory, { recursive: true });
  }

  /** Its public keys, as they are sent. */
  keys(): SentPiece[] {
    return readOwnKeys(this.#directory).map((pem): SentPiece => ['heads', { kind: 'key', pem }]);
  }

  /** The first partition of a chain begins. */
  opening(recordClass: RecordClass): SentPiece {
    const meta = {
      ...{ class: recordClass, ordinal: 1, day: '2026-11-25', previous: NO_HASH, first: 1 },
      ...{ resolver: 'ns', version: '0.1.0', created: TIME },
    };
    this.#ends.set(recordClass, { ...NOTHING, hash: openingHash(meta) });
    return [recordClass, { kind: 'opening', meta }];
  }

  /** The next block, which is what its hash says whatever it holds; `changes` are of what it says of itself. */
  block(recordClass: RecordClass, records: readonly unknown[], changes: object = {}): SentPiece {
    const end = this.#ends.get(recordClass) ?? NOTHING;
    const body = JSON.stringify(records);
    const first = end.sequence + 1;
    const hash = this.#hasher.hash(end.hash, first, records.length, body);
    const times = records.map((record) => {
      const { time } = (record ?? {}) as { time?: unknown };
      const ms = typeof time === 'string' ? Date.parse(time) : TIME_MS;
      return Number.isNaN(ms) ? TIME_MS : ms;
    });
    const block = {
      ...{ ordinal: 1, first, count: records.length, body, hash: hash.toString('hex') },
      ...{ fromMs: Math.min(...times), untilMs: Math.max(...times) },
    };
    this.#ends.set(recordClass, {
      ...{ sequence: first + records.length - 1, hash },
      fromMs: Math.min(end.fromMs, block.fromMs),
      untilMs: Math.max(end.untilMs, block.untilMs),
    });
    return [recordClass, { kind: 'block', block: { ...block, ...changes } }];
  }

  /** Goes back: what was made last was not taken. */
  place(recordClass: RecordClass): { readonly restore: () => void } {
    const end = this.#ends.get(recordClass);
    return { restore: () => end !== undefined && this.#ends.set(recordClass, end) };
  }

  /** A head of where the chain stands, signed, with changes that are signed as well. The next one follows it if it `isKept`. */
  head(recordClass: RecordClass, changes: object = {}, isKept = true): SentPiece {
    const end = this.#ends.get(recordClass) ?? NOTHING;
    const timeOf = (ms: number): string | null => (end.sequence === 0 ? null : new Date(ms).toISOString());
    const position = {
      ...{ class: recordClass, ordinal: 1, day: '2026-11-25', state: 'running' as const, first: 1 },
      ...{ last: end.sequence, count: end.sequence },
      ...{ from: timeOf(end.fromMs), until: timeOf(end.untilMs) },
      hash: end.hash.toString('hex'),
    };
    const place = {
      number: (this.#head?.number ?? 0) + 1,
      previous: this.#head === undefined ? NO_HEAD : headHash(this.#head),
      resolver: 'ns',
      signedAt: TIME,
    };
    // Whatever is changed is signed as it is.
    const head = this.#signer.sign({ ...position, ...changes }, { ...place, ...changes });
    if (isKept) this.#head = head;
    return ['heads', { kind: 'head', head: JSON.stringify(head) }];
  }
}

/** A record of a refusal, with changes. */
export const refusal = (changes: object = {}): object => ({
  ...{ time: TIME, kind: 'refusal', client: '192.0.2.1', transport: 'udp', group: 'default' },
  ...{
    qname: 'www.tiktok.com',
    qtype: 'A',
    list: 'tiktok',
    category: 'app',
    trigger: 'qname',
    generation: 1,
  },
  ...changes,
});
