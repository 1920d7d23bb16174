// One stolen node key: whatever it signs is acknowledged, refused, told, and costs that resolver alone; nothing ends.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createUser } from '@nats-io/nkeys';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { judgeRecord } from '../../../src/evidence/records/record-schema.ts';
import { type ChangeRecord, verifyRecords } from '../../../src/evidence/records/records.ts';
import { buildFleetReport, type FleetReport } from '../../../src/evidence/report/fleet-report.ts';
import { Collector } from '../../../src/fleet/collector.ts';
import { DirectoryStore } from '../../../src/fleet/directory-store.ts';
import { NO_END, signEntry } from '../../../src/fleet/entry.ts';
import { packEvidence } from '../../../src/fleet/evidence-message.ts';
import { createKeyFile, formatPublicKey, type SigningKey, toSeedKey } from '../../../src/fleet/key.ts';
import { Membership } from '../../../src/fleet/membership.ts';
import { evidenceSubject } from '../../../src/fleet/subjects.ts';
import { ForgedChains, refusal, type SentPiece, TIME } from '../../support/forged-evidence.ts';
import { inTwo } from '../../support/night.ts';
import { Bench } from '../records/setup.ts';

let directory: string;
let collector: Collector;
let keys: Map<string, SigningKey>;
let membership: Membership;
let done: number;
let again: number;
let confirmed: Map<string, number>;
let chains: ForgedChains;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-stolen-'));
  const authority = createKeyFile(join(directory, 'authority.pem'));
  membership = new Membership([formatPublicKey(authority.publicKey)]);
  keys = new Map();
  for (const name of ['ns1', 'thief']) {
    const pair = createUser();
    keys.set(name, toSeedKey(Buffer.from(pair.getSeed()).toString()));
    const body = JSON.stringify({ name, key: pair.getPublicKey(), enrolment: 1 });
    const entry = { time: '2026-11-25T00:00:00.000Z', kind: 'node', must: true, body };
    membership.take(signEntry(NO_END, entry, authority));
  }
  done = 0;
  again = 0;
  confirmed = new Map();
  chains = new ForgedChains();
  collector = new Collector({
    directory: join(directory, 'collected'),
    store: new DirectoryStore(join(directory, 'collected'), judgeRecord),
    membership,
    clock: () => Date.parse('2026-11-26T12:00:00Z'),
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    onConfirmed: (node, recordClass, _, sequence) => confirmed.set(`${node}.${recordClass}`, sequence),
  });
});

afterEach(async () => {
  await collector.close();
  chains.close();
  rmSync(directory, { recursive: true });
});

const send = async (node: string, pieces: readonly SentPiece[]): Promise<void> => {
  const key = keys.get(node);
  if (key === undefined) throw new Error('a key of the test');
  for (const [recordClass, piece] of pieces) {
    const subject = evidenceSubject(node, recordClass);
    const { bytes, signature } = packEvidence(subject, 1, piece, key);
    const message = {
      subject,
      bytes,
      signature,
      storedMs: 0,
      done: () => void done++,
      again: () => void again++,
    };
    collector.take(message);
  }
  await collector.flush();
};

const report = (names: readonly string[] = ['ns1', 'thief']): Promise<FleetReport> =>
  buildFleetReport({
    directory: join(directory, 'collected'),
    members: names.map((name) => ({
      ...{ name, labels: [name], since: '2026-11-01T00:00:00.000Z', until: undefined },
    })),
    fromMs: Date.parse('2026-11-25'),
    untilMs: Date.parse('2026-11-26'),
  });

/** What an honest resolver has, collected. */
const honest = async (): Promise<void> => {
  const own = new ForgedChains();
  await send('ns1', [
    ...own.keys(),
    own.opening('changes'),
    own.opening('queries'),
    own.block('queries', [refusal({ count: 40 }), refusal({ qname: 'tiktok.com' })]),
    own.head('queries'),
    own.head('changes'),
  ]);
  own.close();
};

const probe = {
  ...{ time: TIME, kind: 'probe', event: 'sweep', generation: 1, began: TIME, outcome: 'enforced' },
  results: [],
};

/** Records that nobody's recorder writes. */
const MALFORMED: readonly (readonly [string, 'queries' | 'changes', unknown])[] = [
  ['a time that is no text', 'queries', refusal({ time: 5 })],
  ['a time that answers for itself', 'queries', refusal({ time: { toString: 5, valueOf: 5 } })],
  ['a time in words', 'queries', refusal({ time: 'yesterday, I think so' })],
  ['a day that is none', 'queries', refusal({ time: '2026-02-31T12:00:00.000Z' })],
  ['the year 0', 'queries', refusal({ time: '0000-01-01T00:00:00.000Z' })],
  ['a count below zero', 'queries', refusal({ count: -5_000 })],
  ['half a count', 'queries', refusal({ count: 0.5 })],
  ['a count that is no number', 'queries', refusal({ count: '40' })],
  ['a count without an end', 'queries', refusal({ count: 2 ** 53 })],
  ['a group that is no text', 'queries', refusal({ group: {} })],
  [
    'a sketch whose day is no text',
    'queries',
    { time: TIME, kind: 'sketch', day: 7, group: '*', registers: '' },
  ],
  [
    'a sketch of other letters',
    'queries',
    { time: TIME, kind: 'sketch', day: '2026-11-25', group: '*', registers: '§§' },
  ],
  ['a kind of the other chain', 'queries', probe],
  ['a kind that is no text', 'queries', { time: TIME, kind: null }],
  ['a number', 'queries', 7],
  ['nothing', 'queries', null],
  ['a list', 'queries', []],
  ['a probe without results', 'changes', { ...probe, results: undefined }],
  ['results that are no list', 'changes', { ...probe, results: {} }],
  ['a result that is none', 'changes', { ...probe, results: [null] }],
  [
    'a state without groups',
    'changes',
    { time: TIME, kind: 'enforcement', event: 'state', state: 'enforced' },
  ],
  [
    'a paper that answers for itself',
    'changes',
    {
      ...{ time: TIME, kind: 'exemption', event: 'active', id: 'ex-1' },
      paper: { groups: [{ toString: 1 }] },
    },
  ],
  [
    'a paper without a bottom',
    'changes',
    {
      ...{ time: TIME, kind: 'exemption', event: 'active', id: 'ex-1' },
      paper: { of: JSON.parse(`${'['.repeat(1_000)}${']'.repeat(1_000)}`) },
    },
  ],
  [
    'an end of a run that is no time',
    'changes',
    { time: TIME, kind: 'service', event: 'unclean-end', lastWritten: 'x' },
  ],
  ['a later kind without a time', 'changes', { kind: 'later-kind' }],
  ['a later event with a count below zero', 'queries', { time: TIME, kind: 'later-kind', count: -1 }],
];

for (const [options, malformed] of inTwo(MALFORMED, (_, index) => index % 2 === 0))
  test.each(malformed)(
    'a signed block with %s is acknowledged, refused and told, and nothing else changes',
    options,
    async (_, recordClass, record) => {
      await honest();
      const before = await report();
      await send('thief', [...chains.keys(), chains.opening('changes'), chains.opening('queries')]);
      done = 0;
      await send('thief', [chains.block(recordClass, [record])]);
      expect([done, again]).toEqual([1, 0]);
      expect([...collector.alarms.counts]).toEqual([['forged-block', 1]]);
      expect(readFileSync(join(directory, 'collected/alarms.jsonl'), 'utf8')).toContain('"node":"thief"');
      expect(collector.trouble).toBeUndefined();
      const after = await report();
      expect([after.totals, after.resolvers[0]]).toEqual([before.totals, before.resolvers[0]]);
    },
  );

test('a record of a kind or an event that this version does not know is taken, and read as one of a later version', async () => {
  await send('thief', [
    ...chains.keys(),
    chains.opening('changes'),
    chains.block('changes', [
      { time: TIME, kind: 'weather', results: 5 },
      { time: TIME, kind: 'probe', event: 'glance', results: 5 },
    ]),
    chains.head('changes'),
  ]);
  expect(collector.alarms.counts.size).toBe(0);
  const place = join(directory, 'collected/thief');
  expect((await verifyRecords(place, { isCollected: true })).records).toBe(2);
  const { resolvers } = await report(['thief']);
  expect([resolvers[0]?.probe.runs, resolvers[0]?.gaps.join()]).toEqual([
    0,
    expect.not.stringContaining('malformed'),
  ]);
});

const BLOCKS: readonly (readonly [string, object])[] = [
  ['half a time', { fromMs: 0.5, untilMs: 0.5 }],
  ['a time without an end', { fromMs: -1e308 }],
  ['a number below zero', { first: -1 }],
  ['a number that is not safe', { first: 2 ** 53 }],
  ['half a count', { count: 0.5 }],
  ['another count', { count: 2 }],
  ['a hash that is none', { hash: 'z'.repeat(64) }],
  ['a partition that is none', { ordinal: 0 }],
];

test.each(BLOCKS)('a block that says %s of itself is acknowledged and refused', async (_, changes) => {
  await send('thief', [chains.opening('queries'), chains.block('queries', [refusal()], changes)]);
  expect([done, again]).toEqual([2, 0]);
  expect([...collector.alarms.counts.keys()]).toEqual(['forged-block']);
  expect(collector.trouble).toBeUndefined();
});

test.each([
  ['signed "yesterday, I think so"', { signedAt: 'yesterday, I think so' }],
  ['signed in the year 0', { signedAt: '0000-01-01T00:00:00.000Z' }],
  ['from a time that is none', { from: '2026-13-01T00:00:00.000Z' }],
  ['of a day that is none', { day: 'today' }],
  ['of fewer than no records', { count: -1 }],
  ['of a partition that is none', { ordinal: -1 }],
  ['of a resolver of two lines', { resolver: 'ns\nclass queries' }],
])('a signed head %s is acknowledged and refused', async (_, changes) => {
  await send('thief', [
    ...chains.keys(),
    chains.opening('queries'),
    chains.block('queries', [refusal()]),
    chains.head('queries', changes),
  ]);
  expect([done, again]).toEqual([4, 0]);
  expect([...collector.alarms.counts.keys()]).toEqual(['forged-block']);
  expect(existsSync(join(directory, 'collected/thief/heads.jsonl'))).toBe(false);
});

test('of blocks that wait for others no more are kept than a bound; what finds no room comes again', async () => {
  const opening = chains.opening('queries');
  const blocks = Array.from({ length: 24 }, (_, round) =>
    chains.block('queries', [refusal({ qname: `${round}`.padEnd(4 << 20, 'x') })]),
  );
  const [first, ...others] = blocks;
  if (first === undefined) throw new Error('a block');
  await send('thief', [opening, ...others]);
  await send('thief', [first]);
  // Itself, and 64 MiB of those behind it.
  expect(confirmed.get('thief.queries')).toBe(16);
  expect(done).toBe(25);
  await send('thief', blocks.slice(16));
  expect([confirmed.get('thief.queries'), collector.alarms.counts.size]).toEqual([24, 0]);
});

test('what is noted of one resolver has a bound in an hour; more is counted', async () => {
  await send(
    'thief',
    Array.from({ length: 1_000 }, (_, number): SentPiece => ['heads', { kind: 'head', head: `${number}` }]),
  );
  const lines = readFileSync(join(directory, 'collected/alarms.jsonl'), 'utf8').split('\n');
  expect(lines.length).toBeLessThan(250);
  expect(collector.alarms.counts.get('forged-block')).toBe(1_000);
  // Another one has its own.
  const own = new ForgedChains();
  await send('ns1', [own.head('queries', { count: -1 })]);
  own.close();
  expect(readFileSync(join(directory, 'collected/alarms.jsonl'), 'utf8')).toContain('"node":"ns1"');
});

test('records that were collected before they were judged make a report "at least", and change nobody else', async () => {
  const [ns1, thief] = ['ns1', 'thief'].map(
    (name) => new Bench({ directory: join(directory, 'collected', name) }),
  );
  if (ns1 === undefined || thief === undefined) throw new Error('two of them');
  for (const bench of [ns1, thief]) bench.record(10);
  // Its recorder signs what it is told to write.
  const { results: _, ...without } = probe;
  await new Promise<void>((resolve) => {
    thief.recording.write(without as unknown as ChangeRecord, () => resolve());
    thief.advance(1_000);
  });
  for (const bench of [ns1, thief]) await bench.recording.stop();
  const { resolvers, totals, isComplete } = await report();
  expect(resolvers.map(({ name, queries }) => [name, queries])).toEqual([
    ['ns1', 10],
    ['thief', 10],
  ]);
  expect(totals).toEqual([{ kind: 'refusal', list: 'tiktok', group: 'default', count: 20 }]);
  expect(isComplete).toBe(false);
  expect(resolvers[1]?.gaps.join()).toContain('record-malformed');
  expect(resolvers[0]?.gaps.join()).not.toContain('malformed');
  expect(readdirSync(join(directory, 'collected'))).toContain('thief');
});
