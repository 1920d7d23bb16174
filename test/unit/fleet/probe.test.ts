// One probe asked of all: which requests a resolver follows, and which results the authority believes.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createUser } from '@nats-io/nkeys';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AppError } from '../../../src/base/base.ts';
import type { FleetActs, FleetNote } from '../../../src/fleet/acts.ts';
import type { MessageBus } from '../../../src/fleet/bus.ts';
import { entryHash, type LogEnd, NO_END, signEntry } from '../../../src/fleet/entry.ts';
import { type OwnProbe, readResult, signRequest, signResult } from '../../../src/fleet/fleet-probe.ts';
import { createKeyFile, formatPublicKey, type SigningKey, toSeedKey } from '../../../src/fleet/key.ts';
import { Membership } from '../../../src/fleet/membership.ts';
import { ProbeAnswerer } from '../../../src/fleet/probe-answerer.ts';
import { ProbeAsker } from '../../../src/fleet/probe-asker.ts';

const START_MS = Date.parse('2026-11-26T08:00:00Z');
const OWN: OwnProbe = {
  began: '2026-11-26T08:00:01.000Z',
  ended: '2026-11-26T08:00:09.000Z',
  generation: 3,
  outcome: 'leaking',
  asked: 200,
  leakedNames: 1,
  failingNames: 0,
  examples: ['www.tiktok.com A: NOERROR 192.0.2.1'],
  results: [
    {
      view: 'group:default',
      transport: 'udp',
      qtype: 'A',
      outcome: 'enforced',
      asked: 100,
      leaked: 0,
      failed: 0,
    },
    { view: 'group:lab', transport: 'udp', qtype: 'A', outcome: 'leaking', asked: 100, leaked: 1, failed: 0 },
  ],
};

let directory: string;
let key: SigningKey;
let foreign: SigningKey;
let notes: FleetNote[];
let alarms: string[];
let nowMs: number;
let stored: [string, string][];
let told: string[];
let runs: number;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-fleet-probe-'));
  key = createKeyFile(join(directory, 'key.pem'));
  foreign = createKeyFile(join(directory, 'foreign.pem'));
  [notes, alarms, stored, told, runs, nowMs] = [[], [], [], [], 0, START_MS];
});
afterEach(() => rmSync(directory, { recursive: true }));

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
const actsOf = (): FleetActs =>
  ({
    note: (note: FleetNote) => notes.push(note),
    log: quiet,
    clock: () => nowMs,
    monotonic: () => nowMs,
  }) as unknown as FleetActs;
const engine = {
  subscribe: () => undefined,
  store: (subject: string, text: string) => {
    stored.push([subject, text]);
    return Promise.resolve();
  },
  tell: (_subject: string, text: string) => told.push(text),
  readAll: () => Promise.resolve([]),
} as unknown as MessageBus;

const seed = (): { readonly key: SigningKey; readonly nkey: string } => {
  const pair = createUser();
  return { key: toSeedKey(Buffer.from(pair.getSeed()).toString('latin1')), nkey: pair.getPublicKey() };
};
const own = seed();
type Step = readonly [kind: 'node' | 'node-removed', time: string, body: object];
const IN = '2026-11-01T00:00:00.000Z';
const joins = (name: string, nkey = own.nkey, time = IN, enrolment = 1): Step => [
  ...(['node', time, { name, site: 'bruges', key: nkey, enrolment }] as const),
];
const leaves = (name: string, time: string): Step => ['node-removed', time, { name, by: 'u:1', reason: '' }];
/** A fleet behind these steps. */
const fleetOf = (...steps: readonly Step[]): Membership => {
  const membership = new Membership([formatPublicKey(key.publicKey)]);
  let end: LogEnd = NO_END;
  for (const [kind, time, body] of steps) {
    const entry = signEntry(end, { time, kind, must: true, body: JSON.stringify(body) }, key);
    end = { number: entry.number, hash: entryHash(entry) };
    membership.take(entry);
  }
  return membership;
};

const openAnswerer = (
  probe: () => Promise<OwnProbe> = () => Promise.resolve(OWN),
  signing: () => SigningKey = () => own.key,
): ProbeAnswerer => {
  const answerer = new ProbeAnswerer({
    name: 'ns2',
    key: signing,
    membership: new Membership([formatPublicKey(key.publicKey)]),
    acts: actsOf(),
    offsetMs: () => 0,
    onAlarm: (alarm) => alarms.push(alarm),
    probe: () => {
      runs++;
      return probe();
    },
  });
  answerer.up(engine);
  return answerer;
};
const bytesOf = (value: object): Uint8Array => Buffer.from(JSON.stringify(value));

describe('a request', () => {
  test('is followed once, recorded, and answered in a form that its own key signed', async () => {
    const answerer = openAnswerer();
    const request = signRequest(nowMs, key);
    await answerer.take(bytesOf(request));
    await answerer.take(bytesOf(request));
    expect(runs).toBe(1);
    expect(notes).toMatchObject([{ event: 'probed', subject: request.id, authorityTime: request.time }]);
    const [[subject, text] = ['', '']] = stored;
    expect(subject).toBe('$KV.cordon_probed.ns2');
    expect(readResult(Buffer.from(text), 'ns2', fleetOf(joins('ns2')))).toMatchObject({
      name: 'ns2',
      request: request.id,
      outcome: 'leaking',
      leakedNames: 1,
    });
  });

  test.each([
    ['signed by another key', () => signRequest(nowMs, foreign)],
    ['with another identifier than was signed', () => ({ ...signRequest(nowMs, key), id: '0'.repeat(16) })],
    ['older than a minute', () => signRequest(nowMs - 61_000, key)],
    ['of a time to come', () => signRequest(nowMs + 61_000, key)],
    ['with a member that nobody knows', () => ({ ...signRequest(nowMs, key), more: 1 })],
    ['longer than any', () => ({ ...signRequest(nowMs, key), id: 'x'.repeat(2_000) })],
  ])('%s is refused, recorded and an alarm', async (_, made) => {
    await openAnswerer().take(bytesOf(made()));
    expect(runs).toBe(0);
    expect(stored).toEqual([]);
    expect(notes).toMatchObject([{ event: 'probe-refused', code: 'ERR_FLEET_PROBE' }]);
    expect(alarms).toEqual(['forged-probe']);
  });

  test('a thousand forged ones are one record a minute', async () => {
    const answerer = openAnswerer();
    const forged = bytesOf(signRequest(nowMs, foreign));
    for (let sent = 0; sent < 1_000; sent++) await answerer.take(forged);
    expect([notes.length, alarms.length]).toEqual([1, 1_000]);
    nowMs += 60_000;
    await answerer.take(forged);
    expect(notes).toHaveLength(2);
  });

  test('within a minute of the last one is not followed, nor an older one that comes late', async () => {
    const answerer = openAnswerer();
    const first = signRequest(nowMs - 1_000, key);
    await answerer.take(bytesOf(signRequest(nowMs, key)));
    nowMs += 30_000;
    await answerer.take(bytesOf(signRequest(nowMs, key)));
    expect(runs).toBe(1);
    nowMs += 29_000;
    await answerer.take(bytesOf(first));
    expect(runs).toBe(1);
    nowMs += 1_000;
    await answerer.take(bytesOf(signRequest(nowMs, key)));
    expect(runs).toBe(2);
  });

  test('that cannot be followed is on the record with why', async () => {
    const answerer = openAnswerer(() => Promise.reject(new AppError('ERR_APP_PROBE', 'nothing is in force')));
    await answerer.take(bytesOf(signRequest(nowMs, key)));
    expect(notes).toMatchObject([{ event: 'probed', code: 'ERR_APP_PROBE' }]);
    expect(stored).toEqual([]);
  });

  test('what came of it is told again when the engine comes back', async () => {
    const answerer = openAnswerer();
    await answerer.take(bytesOf(signRequest(nowMs, key)));
    answerer.up(engine);
    await Promise.resolve();
    expect(stored).toHaveLength(2);
    expect(stored[0]).toEqual(stored[1]);
  });
});

describe('a result', () => {
  const request = '0123456789abcdef';

  const other = seed();
  const signed = signResult('ns2', request, OWN, own.key);

  test.each<[string, readonly Step[], string, string]>([
    ['of another resolver', [joins('ns3')], signed, 'forged'],
    ['that another key signed', [joins('ns2')], signResult('ns2', request, OWN, other.key), 'forged'],
    ['of one that never was in the fleet', [], signed, 'forged'],
    [
      'of one that was removed since',
      [joins('ns2'), leaves('ns2', '2026-11-26T09:00:00.000Z')],
      signed,
      'past',
    ],
    [
      'of one that was removed before',
      [joins('ns2'), leaves('ns2', '2026-11-26T07:00:00.000Z')],
      signed,
      'forged',
    ],
    [
      'of the machine before',
      [joins('ns2'), joins('ns2', other.nkey, '2026-11-26T09:00:00.000Z', 2)],
      ...([signed, 'past'] as const),
    ],
    [
      'of the key before the one before',
      [
        joins('ns2'),
        joins('ns2', other.nkey, '2026-11-26T09:00:00.000Z'),
        joins('ns2', seed().nkey, '2026-11-27T09:00:00.000Z'),
      ],
      ...([signed, 'past'] as const),
    ],
    [
      'by the key before, of a later time',
      [joins('ns2'), joins('ns2', other.nkey, '2026-11-26T07:00:00.000Z')],
      ...([signed, 'forged'] as const),
    ],
    ['that was changed', [joins('ns2')], signed.replace('"leakedNames\\":1', '"leakedNames\\":0'), 'forged'],
    ['that is no JSON', [joins('ns2')], 'x', 'forged'],
  ])('%s is not believed', (_, steps, text, fault) => {
    expect(readResult(Buffer.from(text), 'ns2', fleetOf(...steps))).toBe(fault);
  });

  test('that the engine kept is no alarm when its resolver has another key, or was removed', async () => {
    const kept = ['ns2', 'ns3', 'ns4'].map((name) => ({
      subject: `$KV.cordon_probed.${name}`,
      bytes: Buffer.from(signResult(name, request, OWN, own.key)),
    }));
    const membership = fleetOf(
      ...['ns2', 'ns3', 'ns4'].map((name) => joins(name)),
      leaves('ns2', '2026-11-26T09:00:00.000Z'),
      joins('ns3', other.nkey, '2026-11-26T09:00:00.000Z'),
    );
    const asker = new ProbeAsker({
      ...{ membership, key: () => key, clock: () => nowMs, monotonic: () => nowMs, acts: actsOf() },
      onAlarm: (alarm) => alarms.push(alarm),
    });
    await asker.up({ ...engine, readAll: () => Promise.resolve(kept) } as unknown as MessageBus);
    expect(alarms).toEqual([]);
    expect(['ns2', 'ns3', 'ns4'].map((name) => asker.resultOf(name)?.outcome)).toEqual([
      ...[undefined, undefined, 'leaking'],
    ]);
  });

  test('that a key of before signs is never taken, whatever time stands in it', () => {
    const membership = fleetOf(joins('ns2'), joins('ns2', other.nkey, '2026-11-26T09:00:00.000Z'));
    const old = { ...OWN, began: '2026-11-25T09:00:00.000Z', ended: '2026-11-25T09:00:01.000Z' };
    expect(readResult(Buffer.from(signResult('ns2', request, old, own.key)), 'ns2', membership)).toBe('past');
    const ahead = { ...OWN, began: '2999-01-01T00:00:00.000Z' };
    expect(readResult(Buffer.from(signResult('ns2', request, ahead, other.key)), 'ns2', membership)).toBe(
      'forged',
    );
  });

  test('is told again by the key that its resolver has by then', async () => {
    let at = own;
    const answerer = openAnswerer(undefined, () => at.key);
    await answerer.take(bytesOf(signRequest(nowMs, key)));
    at = other;
    answerer.up(engine);
    await Promise.resolve();
    const [, text = ''] = stored.at(-1) ?? [];
    expect(readResult(Buffer.from(text), 'ns2', fleetOf(joins('ns2', other.nkey)))).toMatchObject({
      ...{ request: expect.any(String), began: OWN.began, outcome: 'leaking' },
    });
  });

  test('with too many rows keeps those that are not in order', () => {
    const [row, leaking] = OWN.results;
    if (row === undefined || leaking === undefined) throw new Error('no rows');
    const results = [...Array.from({ length: 600 }, () => row), leaking];
    const read = readResult(
      Buffer.from(signResult('ns2', request, { ...OWN, results }, own.key)),
      ...(['ns2', fleetOf(joins('ns2'))] as const),
    );
    if (typeof read === 'string') throw new Error(read);
    expect(read.results).toHaveLength(400);
    expect(read.results[0]?.outcome).toBe('leaking');
  });
});

describe('the authority', () => {
  const openAsker = (): ProbeAsker =>
    new ProbeAsker({
      membership: new Membership([formatPublicKey(key.publicKey)]),
      key: () => key,
      clock: () => nowMs,
      monotonic: () => nowMs,
      acts: actsOf(),
      onAlarm: (alarm) => alarms.push(alarm),
    });

  test('asks once a minute at most, on the record', async () => {
    const asker = openAsker();
    await asker.up(engine);
    const { id } = asker.ask('O. Operator');
    expect(notes).toMatchObject([{ event: 'probe-asked', subject: id, reason: 'by O. Operator' }]);
    expect(() => asker.ask('O. Operator')).toThrow(expect.objectContaining({ code: 'ERR_FLEET_PROBE' }));
    nowMs += 60_000;
    asker.ask('O. Operator');
    expect(told).toHaveLength(2);
  });

  test('says so when there never was an engine', () => {
    expect(() => openAsker().ask('O. Operator')).toThrow(
      expect.objectContaining({ code: 'ERR_FLEET_ENGINE' }),
    );
  });
});
