// Mutated evidence, heads, presences, results, checkpoints and requests with a valid node's signature, through the code that takes them.
//
// Two resolvers are in the fleet: ns1 is honest, and the key of the other one is stolen. Whatever is sent in the name of the
// thief must be acknowledged, end nothing, and leave every figure of ns1 as it was: what a collector has of it, what a report
// counts, what the authority's status shows.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { createUser } from '@nats-io/nkeys';
import { isAppError } from '../../src/base/base.ts';
import { judgeRecord } from '../../src/evidence/records/record-schema.ts';
import { buildReport } from '../../src/evidence/report/build.ts';
import { buildFleetReport } from '../../src/evidence/report/fleet-report.ts';
import { RecordsSource } from '../../src/evidence/report/records-source.ts';
import type { FleetActs } from '../../src/fleet/acts.ts';
import { signCheckpoint } from '../../src/fleet/checkpoint.ts';
import { CheckpointWatch } from '../../src/fleet/checkpoint-watch.ts';
import { Collector } from '../../src/fleet/collector.ts';
import { DirectoryStore } from '../../src/fleet/directory-store.ts';
import { NO_END, signEntry } from '../../src/fleet/entry.ts';
import type { EvidencePiece } from '../../src/fleet/evidence-message.ts';
import { readResult, signResult } from '../../src/fleet/fleet-probe.ts';
import { createKeyFile, formatPublicKey, type SigningKey, toSeedKey } from '../../src/fleet/key.ts';
import { Membership } from '../../src/fleet/membership.ts';
import { PresenceTable } from '../../src/fleet/presence-table.ts';
import { ResolverRows } from '../../src/fleet/resolver-status.ts';
import { LastSequences, stampMessage } from '../../src/fleet/signed-message.ts';
import { CHECKPOINT_SUBJECT, evidenceSubject, presenceSubject } from '../../src/fleet/subjects.ts';
import { Desk } from './desk-fuzz.ts';
import { ForgedChains, refusal, type SentPiece, TIME } from './forged-evidence.ts';
import { createRandom, mutate, type Random } from './mutate.ts';
import { interesting, mutateJson } from './mutate-json.ts';
import { RECORDS } from './valid-records.ts';

/** Inputs that the collector takes together. */
const BATCH = 512;
/** Inputs until the thief is taken in anew, with new chains, and the reports are compared; of a short run an eighth. */
const EPOCH_MAX = 50_000;
/** Of inputs; half of them are records. */
const KINDS = 12;
const NOW_MS = Date.parse('2026-11-26T12:00:00Z');

const presenceOf = (name: string): object => ({
  ...{ name, role: 'node', enrolment: 1, time: TIME, version: '1.2.3', generation: 4, state: 'in force' },
  ...{ enforcement: 'enforced', offsetMs: 2, policy: { number: 3, hash: 'a'.repeat(64) } },
  ...{ isSuspended: false, isForked: false, lists: { extra: 'b'.repeat(64) } },
  refused: [{ number: 2, subject: 'ex-000001', code: 'ERR_X', reason: 'no' }],
  ...{ records: { queries: 9, changes: 4 }, confirmed: { queries: 9, changes: 4 } },
  ...{ alarms: { 'forged-block': 1 }, isKeeping: true },
  lastAlarms: [{ time: '2026-11-27T00:00:00.000Z', alarm: 'forged-block', node: 'ns1', text: 'x' }],
});

const probeResult = {
  ...{ began: TIME, ended: TIME, generation: 1, outcome: 'enforced' as const },
  ...{ asked: 3, leakedNames: 0, failingNames: 0, examples: [], results: [] },
};

const HEAD_MEMBERS = [
  ...['number', 'previous', 'resolver', 'class', 'ordinal', 'day', 'state', 'first', 'last', 'count'],
  ...['from', 'until', 'hash', 'signedAt', 'keyId'],
];

/** Number of a head that follows none. */
const FAR = 5_000;

/** How a run goes. */
export interface FuzzOptions {
  readonly inputs: number;
  readonly seed: number;
  /** Ends earlier then; milliseconds. */
  readonly forMs?: number;
  readonly onProgress?: (inputs: number) => void;
}

/** Sends mutated inputs; gives how many. Throws at a breach. */
export const fuzzFleet = async ({
  inputs,
  seed,
  forMs = Number.POSITIVE_INFINITY,
  onProgress,
}: FuzzOptions): Promise<number> => {
  // Every block that is taken waits for the disk, which is not what is looked for.
  const memory = '/dev/shm';
  const directory = mkdtempSync(join(existsSync(memory) ? memory : tmpdir(), 'cordon-fuzz-fleet-'));
  const rejections: unknown[] = [];
  const onRejection = (reason: unknown): void => void rejections.push(reason);
  process.on('unhandledRejection', onRejection);
  const victim = new Victim(directory, createRandom(seed));
  const startMs = performance.now();
  try {
    await victim.begin();
    let sent = 0;
    while (sent < inputs && performance.now() - startMs < forMs) {
      const count = Math.min(EPOCH_MAX, Math.ceil(inputs / 8), inputs - sent);
      sent += await victim.epoch(count, () => performance.now() - startMs < forMs);
      assert.deepEqual(rejections, [], 'a promise was rejected and nobody looked');
      onProgress?.(sent);
    }
    return sent;
  } finally {
    await victim.close();
    process.off('unhandledRejection', onRejection);
    rmSync(directory, { recursive: true, force: true });
  }
};

/** A collector, a report and an authority's ear. */
class Victim {
  readonly #directory: string;
  readonly #random: Random;
  readonly #authority: SigningKey;
  readonly #membership: Membership;
  readonly #keys = new Map<string, SigningKey>();
  readonly #collector: Collector;
  readonly #presences: PresenceTable;
  readonly #checkpoints: CheckpointWatch;
  readonly #desk: Desk;
  /** Of ns1. */
  readonly #honest = new ForgedChains();
  readonly #notes: string[] = [];
  readonly #confirmed = new Map<string, number>();
  #done = 0;
  #again = 0;
  #enrolment = 0;
  #sequence = 0;
  #sent = 0;
  #before = '';
  #body: string | undefined;

  constructor(directory: string, random: Random) {
    this.#directory = directory;
    this.#random = random;
    this.#authority = createKeyFile(join(directory, 'authority.pem'));
    this.#membership = new Membership([formatPublicKey(this.#authority.publicKey)]);
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const acts: FleetActs = {
      exemption: () => Promise.resolve({ isApplied: true }),
      list: () => Promise.resolve({ isApplied: true }),
      overlays: () => Promise.resolve({ isApplied: true }),
      pause: () => Promise.resolve({ isApplied: true }),
      pauseMsMax: () => 0,
      suspend: () => Promise.resolve(),
      decides: () => Promise.resolve(),
      // That somebody else speaks in its name is told, and true.
      note: ({ subject = '', reason = '' }) => {
        if (!/its key did not sign it$|it has another form$/.test(reason)) this.#notes.push(subject);
      },
      contents: () => undefined,
      facts: () => ({ version: '', generation: 0, state: '', records: { queries: 0, changes: 0 } }),
      damaged: () => undefined,
      log,
      clock: () => NOW_MS,
      monotonic: () => 1_000_000,
    };
    this.#desk = new Desk(directory, random, NOW_MS);
    const sequences = new LastSequences(join(directory, 'heard.json'), acts.monotonic);
    const shared = { membership: this.#membership, acts, onAlarm: () => undefined };
    this.#presences = new PresenceTable({ ...shared, sequences });
    this.#checkpoints = new CheckpointWatch({
      ...{ ...shared, sequences, checkpointMs: 60_000, suspendAfterMs: Number.POSITIVE_INFINITY },
      ...{ isAuthority: () => false, hasEntry: () => true, onForged: () => undefined },
    });
    this.#collector = new Collector({
      directory: join(directory, 'collected'),
      store: new DirectoryStore(join(directory, 'collected'), judgeRecord),
      membership: this.#membership,
      clock: () => NOW_MS,
      log,
      onConfirmed: (node, recordClass, _, sequence) =>
        this.#confirmed.set(`${node}.${recordClass}`, sequence),
    });
  }

  async begin(): Promise<void> {
    this.#enrol('ns1', 1);
    const own = this.#honest;
    const pieces = [...own.keys(), own.opening('queries'), own.opening('changes')];
    pieces.push(own.block('queries', [refusal({ count: 40 })]), own.head('queries'), own.head('changes'));
    for (const piece of pieces) this.#send('ns1', 1, piece);
    await this.#collector.flush();
    this.#say('ns1', presenceOf('ns1'));
    this.#before = await this.#figures();
    await this.#desk.begin();
  }

  /** One enrolment of the thief; gives how many inputs were sent. */
  async epoch(count: number, isTime: () => boolean): Promise<number> {
    this.#enrolment++;
    this.#enrol('thief', this.#enrolment);
    const chains = new ForgedChains();
    const label = this.#enrolment === 1 ? 'thief' : `thief.${this.#enrolment}`;
    let sent = 0;
    try {
      const pieces = [...chains.keys(), chains.opening('queries'), chains.opening('changes')];
      for (const piece of pieces) this.#send('thief', this.#enrolment, piece);
      const ends = { queries: 0, changes: 0 };
      while (sent < count && isTime()) {
        for (let i = 0; i < BATCH && sent < count; i++, sent++) {
          const kind = this.#random(KINDS);
          if (kind === 0) await this.#desk.request();
          else this.#one(kind, chains, ends);
        }
        await this.#desk.check();
        const toldOf = this.#done + this.#again;
        await this.#collector.flush();
        assert.equal(this.#again, 0, 'a message was not acknowledged');
        assert.equal(this.#done, this.#sent, `not all is acknowledged: ${toldOf}`);
        for (const name of ['queries', 'changes'] as const)
          assert.equal(
            this.#confirmed.get(`thief.${name}`),
            ends[name],
            `${name}: other blocks than by the schema`,
          );
      }
      // Signed as far as they go: reports read all of it.
      for (const name of ['queries', 'changes'] as const)
        this.#send('thief', this.#enrolment, chains.head(name));
      await this.#collector.flush();
      if (!this.#isLying)
        assert.equal(this.#confirmed.get('thief.heads'), 2, JSON.stringify(this.#collector.alarms.last));
      assert.equal(this.#collector.trouble, undefined);
      assert.equal(await this.#figures(), this.#before, 'a figure of another resolver changed');
      await this.#reportOn(label);
      return sent;
    } finally {
      chains.close();
    }
  }

  async close(): Promise<void> {
    this.#honest.close();
    await this.#desk.close();
    await this.#collector.close();
  }

  #one(kind: number, chains: ForgedChains, ends: { queries: number; changes: number }): void {
    const random = this.#random;
    switch (kind) {
      case 1:
        if (random(4) === 0) this.#say('ns1', presenceOf('ns1'), 'thief');
        else this.#say('thief', mutateJson(this.#ownPresence(), random));
        return;
      case 2:
        this.#probe();
        return;
      case 3:
        this.#checkpoint();
        return;
      case 4:
        this.#send('thief', this.#enrolment, this.#anyHead(chains), true);
        return;
      case 5:
        if (random(4) === 0) this.#sendAsNs1();
        else this.#send('thief', this.#enrolment, this.#anyPiece(chains), true);
        return;
      default: {
        const [recordClass, record] = RECORDS[random(RECORDS.length)] ?? ['queries', refusal()];
        const records = [random(4) === 0 ? record : mutateJson(record, random)];
        const place = chains.place(recordClass);
        const piece = chains.block(recordClass, records);
        const written = JSON.parse(JSON.stringify(records)) as unknown[];
        if (written.every((one) => judgeRecord(one, recordClass) !== 'malformed')) ends[recordClass]++;
        else place.restore();
        this.#send('thief', this.#enrolment, piece);
      }
    }
  }

  /** In every second enrolment heads are signed that say something else than the chain: then nothing of it is proven. */
  get #isLying(): boolean {
    return this.#enrolment % 2 === 0;
  }

  /** A head with a member of another value, signed with it; or one that was changed after it was signed. */
  #anyHead(chains: ForgedChains): SentPiece {
    const random = this.#random;
    const recordClass = random(2) === 0 ? 'queries' : 'changes';
    try {
      if (this.#isLying && random(3) > 0)
        return chains.head(
          recordClass,
          { [HEAD_MEMBERS[random(HEAD_MEMBERS.length)] ?? 'day']: interesting(random) },
          false,
        );
    } catch {
      // What answers for itself cannot be signed.
    }
    const [, piece] = chains.head(recordClass, this.#isLying ? {} : { number: FAR }, false);
    const head = piece.kind === 'head' ? JSON.stringify(mutateJson(JSON.parse(piece.head), random)) : '';
    return ['heads', { kind: 'head', head }];
  }

  /** What would be the next block of ns1. */
  #sendAsNs1(): void {
    const place = this.#honest.place('queries');
    this.#send('ns1', 1, this.#honest.block('queries', [refusal()]), false, 'thief');
    place.restore();
  }

  /** Anything that a message can hold, changed, and bytes that were changed before they were signed. */
  #anyPiece(chains: ForgedChains): SentPiece {
    const random = this.#random;
    const place = chains.place('queries');
    const block = chains.block('queries', [refusal()]);
    place.restore();
    const kinds: readonly object[] = [
      block[1],
      { kind: 'hole', after: { sequence: 3, hash: 'a'.repeat(64) }, ordinal: 1, first: 9 },
      chains.keys()[0]?.[1] ?? {},
    ];
    const piece = mutateJson(kinds[random(kinds.length)], random) as EvidencePiece;
    const classes = ['queries', 'changes', 'heads'] as const;
    // A block that is still one would be of the chain.
    if ((piece as { kind?: unknown } | null)?.kind === 'block') return ['heads', piece];
    return [classes[random(3)] ?? 'heads', piece];
  }

  #ownPresence(): object {
    return { ...presenceOf('thief'), enrolment: this.#enrolment };
  }

  /** `by` signs it. */
  #say(name: string, presence: unknown, by = name): void {
    this.#sequence++;
    const subject = presenceSubject(name);
    const bytes = Buffer.from(JSON.stringify(presence) ?? '');
    const changed = by === 'ns1' || this.#random(4) > 0 ? bytes : Buffer.from(mutate([bytes], this.#random));
    this.#presences.take(changed, subject, stampMessage(subject, changed, this.#sequence, this.#keyOf(by)));
  }

  #probe(): void {
    const key = this.#keyOf('thief');
    const text = JSON.stringify(mutateJson(this.#result, this.#random));
    const signature = key.sign(`cordon fleet probed 1\n${text}\n`);
    readResult(Buffer.from(JSON.stringify({ body: text, signature })), 'thief', this.#membership);
  }

  /** What a result says. To sign it takes as long as all else of an input. */
  get #result(): unknown {
    this.#body ??= (
      JSON.parse(signResult('thief', '0'.repeat(16), probeResult, this.#keyOf('thief'))) as { body: string }
    ).body;
    return JSON.parse(this.#body);
  }

  #checkpoint(): void {
    const key = this.#keyOf('thief');
    const checkpoint = signCheckpoint({ number: 1, hash: 'a'.repeat(64) }, '2026-11-26T12:00:00.000Z', key);
    const claimed = { ...checkpoint, key: this.#authority.keyId };
    const bytes = Buffer.from(JSON.stringify(mutateJson(claimed, this.#random)) ?? '');
    this.#checkpoints.take(bytes, stampMessage(CHECKPOINT_SUBJECT, bytes, ++this.#sequence, key), true);
    assert.equal(
      this.#checkpoints.lastContact,
      undefined,
      'a checkpoint of a node is a sign of the authority',
    );
  }

  /** `isChanged`: some of them have bytes that were changed before they were signed. */
  #send(
    name: string,
    enrolment: number,
    [recordClass, piece]: SentPiece,
    isChanged = false,
    by = name,
  ): void {
    const subject = evidenceSubject(name, recordClass);
    let bytes: Uint8Array = zstdCompressSync(JSON.stringify({ enrolment, piece }));
    if (isChanged && this.#random(20) === 0) bytes = mutate([bytes], this.#random);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const text = `cordon fleet evidence 1\nsubject ${subject}\nsha256 ${sha256}\n`;
    const signature = this.#keyOf(by).sign(text);
    this.#sent++;
    this.#collector.take({
      ...{ subject, bytes, signature, storedMs: NOW_MS },
      done: () => void this.#done++,
      again: () => void this.#again++,
    });
  }

  #enrol(name: string, enrolment: number): void {
    const pair = createUser();
    this.#keys.set(name, toSeedKey(Buffer.from(pair.getSeed()).toString()));
    const body = JSON.stringify({ name, key: pair.getPublicKey(), enrolment });
    const entry = { time: '2026-11-25T00:00:00.000Z', kind: 'node', must: true, body };
    this.#membership.take(signEntry(NO_END, entry, this.#authority));
  }

  #keyOf(name: string): SigningKey {
    const key = this.#keys.get(name);
    assert.ok(key !== undefined);
    return key;
  }

  /** Everything that is known of ns1, and what was noted of it. */
  async #figures(): Promise<string> {
    const labelsOf = (name: string, count: number): string[] =>
      Array.from({ length: count }, (_, index) => (index === 0 ? name : `${name}.${index + 1}`));
    const since = '2026-11-01T00:00:00.000Z';
    const { resolvers } = await buildFleetReport({
      directory: join(this.#directory, 'collected'),
      members: [
        { name: 'ns1', labels: ['ns1'], since, until: undefined },
        // The last enrolment: those before were looked at when they ended.
        { name: 'thief', labels: labelsOf('thief', this.#enrolment).slice(-1), since, until: undefined },
      ],
      fromMs: Date.parse('2026-11-25'),
      untilMs: Date.parse('2026-11-26'),
    });
    const rows = new ResolverRows().of({
      own: presenceOf('authority') as never,
      ...{ nowMs: 1_000_000, number: 3, membership: this.#membership, contacts: this.#presences.all },
      resultOf: () => undefined,
      differing: () => [],
    });
    const row = rows.find(({ name }) => name === 'ns1');
    const confirmed = this.#confirmed.get('ns1.queries');
    return JSON.stringify([resolvers[0], row, confirmed, this.#notes.filter((subject) => subject === 'ns1')]);
  }

  /** A report on the thief alone, as people make it of a directory. */
  async #reportOn(label: string): Promise<void> {
    const source = await RecordsSource.open(join(this.#directory, 'collected', label), { isCollected: true });
    try {
      if (!this.#isLying) assert.ok(source.coverage.changes !== undefined, 'the report reads nothing');
      await buildReport(source, { fromMs: Date.parse('2026-11-25'), untilMs: Date.parse('2026-11-26') });
    } catch (thrown) {
      // Heads that lie leave nothing that is proven.
      if (!this.#isLying || !isAppError(thrown)) throw thrown;
    } finally {
      source.close();
    }
  }
}
