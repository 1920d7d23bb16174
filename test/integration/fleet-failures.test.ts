// What goes wrong in a fleet, with a real engine and real programs: nothing of it costs policy or evidence.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createUser } from '@nats-io/nkeys';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import {
  type FleetRecord,
  RECORD_CLASSES,
  RecordsReader,
  readPosition,
  verifyRecords,
} from '../../src/evidence/records/records.ts';
import { createFleetReport } from '../../src/evidence/report/report.ts';
import { NO_ENTRY, signEntry } from '../../src/fleet/entry.ts';
import { packEvidence } from '../../src/fleet/evidence-message.ts';
import { joinFleet, type RunningCollector, readMembers } from '../../src/fleet/fleet.ts';
import { createKeyFile, toSeedKey } from '../../src/fleet/key.ts';
import { NatsBus } from '../../src/fleet/nats-bus.ts';
import { evidenceSubject, policySubject } from '../../src/fleet/subjects.ts';
import { RCODE } from '../../src/wire/dns/dns.ts';
import { AnswerBook } from '../support/answer-book.ts';
import { ask, readMetric } from '../support/client.ts';
import { TestFleet } from '../support/fleet.ts';
import { hasOtherUser } from '../support/other-user.ts';
import { run } from '../support/process.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

const NAME = 'www.tiktok.com. A';
const WAIT = { timeout: 90_000, interval: 100 };

let upstream: ScriptedUpstream;
let fleet: TestFleet<Cordon>;
let collector: RunningCollector;

beforeAll(async () => {
  upstream = await ScriptedUpstream.open();
  upstream.onQuery(new AnswerBook().set(NAME, ['www.tiktok.com. 60 IN A 192.0.2.1']).handler);
  fleet = await TestFleet.startWith(startCordon, upstream.endpoint.port);
  await fleet.add('ns1', 'bruges');
  collector = await fleet.collect();
});

afterAll(async () => {
  await collector.stop();
  await fleet.close();
  await upstream.close();
});

const programOf = (name: string) => {
  const cordon = fleet.members.get(name)?.cordon;
  if (cordon === undefined) throw new Error(`${name} does not run`);
  return cordon;
};

const isExempt = async (name: string, from = '127.0.0.9'): Promise<boolean> =>
  (await ask(programOf(name).dns, NAME, { from })).rcode === RCODE.NOERROR;

const becomes = (name: string, wanted: boolean, from?: string): Promise<unknown> =>
  vi.waitUntil(async () => (await isExempt(name, from)) === wanted, { ...WAIT, interval: 20 });

const revoke = (id: string): Promise<unknown> =>
  fleet.ask('authority', 'POST', `/v1/exemptions/${id}/revoke`, {
    reason: 'the case is closed',
  });

/** The records of kind `fleet` of a resolver. */
const fleetRecords = async (name: string): Promise<FleetRecord[]> => {
  const reader = RecordsReader.open(join(fleet.directory, name, 'records'));
  const found: FleetRecord[] = [];
  for await (const { record } of reader.records('changes', 0, Number.MAX_SAFE_INTEGER))
    if (record.kind === 'fleet') found.push(record);
  reader.close();
  return found;
};

const recorded = (name: string, event: FleetRecord['event'], code?: string): Promise<unknown> =>
  vi.waitUntil(
    async () =>
      (await fleetRecords(name)).some(
        (one) => one.event === event && (code === undefined || one.code === code),
      ),
    WAIT,
  );

/** Until the collector has every record of a resolver. */
const collected = (name: string): Promise<unknown> =>
  vi.waitUntil(() => {
    const own = readPosition(join(fleet.directory, name, 'records/position'));
    const theirs = readPosition(join(fleet.collected, name, 'position'));
    return (
      own !== undefined &&
      RECORD_CLASSES.every((one) => own.ends[one].sequence === theirs?.ends[one].sequence)
    );
  }, WAIT);

/** As the authority's user, who may publish anything: what somebody could do who has the engine. */
const intruder = (): Promise<NatsBus> =>
  NatsBus.connect(
    {
      servers: fleet.made.servers,
      caPath: undefined,
      name: 'authority',
      seed: () => readFileSync(join(fleet.directory, 'authority/fleet/node.seed'), 'utf8'),
    },
    { onUp: () => undefined, onDown: () => undefined, onFault: () => undefined },
    false,
  );

test.skipIf(!hasOtherUser)(
  'each resolver records when what the authority decided was in force there',
  async () => {
    // It has heard the authority's time once.
    await vi.waitUntil(
      async () =>
        (await fleet.ask<{ resolvers: { offsetMs: number | null }[] }>('ns1', 'GET', '/v1/fleet'))
          .resolvers[0]?.offsetMs !== null,
      WAIT,
    );
    const id = await fleet.grant({ groups: ['lab'] });
    await becomes('ns1', true);
    await revoke(id);
    await becomes('ns1', false);
    const about = async () => (await fleetRecords('ns1')).filter(({ subject }) => subject === id);
    await vi.waitUntil(async () => (await about()).length >= 3, WAIT);
    const applied = await about();
    expect(applied.map(({ event }) => event)).toEqual(['applied', 'applied', 'applied']);
    for (const { time, authorityTime = '', hash, offsetMs } of applied) {
      expect(hash).toMatch(/^[0-9a-f]{64}$/);
      expect(offsetMs).toBeDefined();
      expect(Date.parse(time)).toBeGreaterThanOrEqual(Date.parse(authorityTime));
    }
  },
);

test('a token that was used, and one that is made up, are refused, recorded and an alarm', async () => {
  const { token } = await fleet.ask<{ token: string }>('authority', 'POST', '/v1/fleet/invite', {
    name: 'ns5',
  });
  const at = (name: string) => ({
    servers: fleet.made.servers,
    caPath: undefined,
    token,
    stateDirectory: join(fleet.directory, name),
  });
  await joinFleet(at('ns5'));
  await expect(joinFleet(at('thief'))).rejects.toMatchObject({ code: 'ERR_FLEET_TOKEN' });
  expect(existsSync(join(fleet.directory, 'thief/fleet/node.seed'))).toBe(false);
  await recorded('authority', 'token-refused', 'ERR_FLEET_TOKEN');
  expect(await readMetric(programOf('authority'), 'cordon_fleet_alarms_total', { alarm: 'token' })).toBe(1);
  await expect(joinFleet({ ...at('thief'), token: `${token.slice(0, -4)}AAAA` })).rejects.toMatchObject({
    code: 'ERR_FLEET_TOKEN',
  });
});

test.skipIf(!hasOtherUser)(
  'policy that another key signed is refused and recorded, and what the authority decides next holds all the same',
  async () => {
    const { policy } = await fleet.ask<{ policy: { number: number; hash: string } }>(
      'authority',
      'GET',
      '/v1/fleet',
    );
    const thief = createKeyFile(join(fleet.directory, 'thief.pem'));
    const body = JSON.stringify({ kind: 'exemption', event: 'approved', id: 'ex-000099' });
    const entry = signEntry(
      policy,
      { time: new Date().toISOString(), kind: 'exemption', must: true, body },
      thief,
    );
    const engine = await intruder();
    await engine.store(policySubject(entry.number), JSON.stringify(entry));
    await recorded('ns1', 'refused', 'ERR_FLEET_SIGNATURE');
    const id = await fleet.grant({ clients: ['127.0.0.33'] });
    await becomes('ns1', true, '127.0.0.33');
    await revoke(id);
    await becomes('ns1', false, '127.0.0.33');
    await engine.close();
    expect(NO_ENTRY).toHaveLength(64);
  },
);

test('evidence that its resolver did not sign is refused, and the authority records it', async () => {
  const engine = await intruder();
  const subject = evidenceSubject('ns1', 'queries');
  const forger = toSeedKey(Buffer.from(createUser().getSeed()).toString());
  const hole = {
    kind: 'hole',
    after: { sequence: 0, hash: NO_ENTRY },
    ordinal: 99,
    first: 1_000_000,
  } as const;
  const { bytes, signature, id } = packEvidence(subject, 1, hole, forger);
  await engine.store(subject, bytes, { id, signature });
  await recorded('authority', 'evidence-refused');
  expect(readFileSync(join(fleet.collected, 'alarms.jsonl'), 'utf8')).toContain('forged-block');
  await engine.close();
});

test.skipIf(!hasOtherUser)(
  'an engine that is killed and comes back without its store costs nothing',
  { tags: 'night' },
  async () => {
    const id = await fleet.grant({ clients: ['127.0.0.34'] });
    await becomes('ns1', true, '127.0.0.34');
    await fleet.engine.kill();
    rmSync(join(fleet.directory, 'store'), { recursive: true });
    for (let asked = 0; asked < 50; asked++) {
      expect(await isExempt('ns1', '127.0.0.34')).toBe(true);
      expect(await isExempt('ns1', `127.0.3.${asked + 1}`)).toBe(false);
    }
    // Decided while there is no engine: it waits for it.
    await revoke(id);
    expect(await isExempt('authority', '127.0.0.34')).toBe(false);
    await fleet.engine.start();
    await becomes('ns1', false, '127.0.0.34');
    await collected('ns1');
    const [own, copy] = [
      await verifyRecords(join(fleet.directory, 'ns1/records')),
      await verifyRecords(join(fleet.collected, 'ns1'), { isCollected: true }),
    ];
    expect([own.findings, copy.findings]).toEqual([[], []]);
  },
);

/** Queries of as many clients. */
const ASKED = 50;

test('a sum over all resolvers equals what their own records say, and refuses to claim for one that has a hole', async () => {
  // Whichever tests are run before.
  const recordedQueries = (): number =>
    readPosition(join(fleet.directory, 'ns1/records/position'))?.ends.queries.sequence ?? 0;
  const before = recordedQueries();
  for (let asked = 1; asked <= ASKED; asked++) expect(await isExempt('ns1', `127.0.4.${asked}`)).toBe(false);
  await vi.waitUntil(() => recordedQueries() >= before + ASKED, WAIT);
  await collected('ns1');
  for (const name of ['ns1', 'authority']) await programOf(name).stop();
  await vi.waitUntil(
    async () =>
      (await verifyRecords(join(fleet.collected, 'ns1'), { isCollected: true })).findings.length <= 3,
    WAIT,
  );
  const period = { fromMs: 0, untilMs: Date.now() + 3_600_000 };
  const members = (await readMembers(fleet.collected, fleet.made.trust)).filter(({ name }) => name === 'ns1');
  const report = await createFleetReport({ directory: fleet.collected, members, ...period });
  const script = fileURLToPath(new URL('../support/recompute-fleet.py', import.meta.url));
  const counted = await run('python3', [script, '0', String(period.untilMs), join(fleet.collected, 'ns1')]);
  expect(JSON.parse(counted.stdout)).toEqual(report.totals);
  expect(report.queries).toBeGreaterThanOrEqual(ASKED);
  // The period is not over: nobody can have signed its end.
  expect(report.isComplete).toBe(false);
  expect(report.resolvers[0]?.gaps.join()).toContain('signed up to');
});
