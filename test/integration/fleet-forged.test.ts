// @module-tag night
// Who has the engine, or one resolver's key, tries it on a fleet of real programs: nothing ends, nobody else's figure changes,
// and each try is told.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createUser } from '@nats-io/nkeys';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type FleetRecord, RecordsReader, readPosition } from '../../src/evidence/records/records.ts';
import { createFleetReport } from '../../src/evidence/report/report.ts';
import { packEvidence } from '../../src/fleet/evidence-message.ts';
import { type FleetStatus, type RunningCollector, readMembers } from '../../src/fleet/fleet.ts';
import { toSeedKey } from '../../src/fleet/key.ts';
import { NatsBus } from '../../src/fleet/nats-bus.ts';
import { type Stamp, stampMessage } from '../../src/fleet/signed-message.ts';
import {
  CHECKPOINT_SUBJECT,
  confirmedSubject,
  evidenceSubject,
  presenceSubject,
  rotateSubject,
  STREAM,
} from '../../src/fleet/subjects.ts';
import { RCODE } from '../../src/wire/dns/dns.ts';
import { AnswerBook } from '../support/answer-book.ts';
import { ask, readMetric } from '../support/client.ts';
import { TestFleet } from '../support/fleet.ts';
import { ForgedChains, refusal } from '../support/forged-evidence.ts';
import { hasOtherUser } from '../support/other-user.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

const NAME = 'www.tiktok.com. A';
const WAIT = { timeout: 90_000, interval: 100 };

let upstream: ScriptedUpstream;
let fleet: TestFleet<Cordon>;
let collector: RunningCollector;
let intruder: NatsBus;

const connect = (name: string): Promise<NatsBus> =>
  NatsBus.connect(
    { servers: fleet.made.servers, caPath: undefined, name, seed: () => fleet.seedOf(name) },
    { onUp: () => undefined, onDown: () => undefined, onFault: () => undefined },
    false,
  );

beforeAll(async () => {
  upstream = await ScriptedUpstream.open();
  upstream.onQuery(new AnswerBook().set(NAME, ['www.tiktok.com. 60 IN A 192.0.2.1']).handler);
  fleet = await TestFleet.startWith(startCordon, upstream.endpoint.port, { settings: '  tide-every: 1s' });
  for (const name of ['ns1', 'dead']) await fleet.add(name);
  await fleet.join('careful', await fleet.invite('careful', undefined));
  await fleet.run('careful', '  suspend-exemptions-after: 4s\n');
  collector = await fleet.collect();
  // As the authority's user, who may publish anything: what somebody could do who has the engine.
  intruder = await connect('authority');
});

afterAll(async () => {
  await intruder.close();
  await collector.stop();
  await fleet.close();
  await upstream.close();
});

const refused = async (name: string): Promise<string[]> => {
  const reader = RecordsReader.open(join(fleet.directory, name, 'records'));
  const found: FleetRecord[] = [];
  for await (const { record } of reader.records('changes', 0, Number.MAX_SAFE_INTEGER))
    if (record.kind === 'fleet') found.push(record);
  reader.close();
  return found.flatMap(({ event, reason }) =>
    event === 'evidence-refused' || event === 'refused' ? [reason ?? ''] : [],
  );
};

const alarms = async (name: string, alarm: string): Promise<number> =>
  (await readMetric(fleet.programOf(name), 'cordon_fleet_alarms_total', { alarm })) ?? 0;

/** What the collector refused so far. */
const collectorAlarms = (): string => {
  const path = join(fleet.collected, 'alarms.jsonl');
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
};

const status = (name: string): Promise<FleetStatus> => fleet.ask<FleetStatus>(name, 'GET', '/v1/fleet');

const rowOf = async (name: string) =>
  (await status('authority')).resolvers.find((resolver) => resolver.name === name);

const answers = async (name: string): Promise<boolean> =>
  (await ask(fleet.programOf(name).dns, NAME, { from: '127.0.9.9' })).rcode === RCODE.NXDOMAIN;

test('a rotation that the authority cannot write is refused, and so is a key with which the engine would let nobody in', async () => {
  const settings = join(fleet.directory, 'authority/fleet/engine/engine.json');
  const kept = readFileSync(settings, 'utf8');
  const users = join(fleet.directory, 'authority/fleet/engine/users.conf');
  const before = readFileSync(users, 'utf8');
  const thief = await connect('dead');
  const rotate = async (key: string): Promise<string> => {
    const signed = `cordon fleet rotation 1\nname dead\nkey ${key}\n`;
    const request = { key, signature: toSeedKey(fleet.seedOf('dead')).sign(signed) };
    const answer = await thief.ask(rotateSubject('dead'), JSON.stringify(request), 10_000);
    return Buffer.from(answer).toString();
  };
  const own = createUser().getPublicKey();
  const authority = fleet.made.trust[0] ?? '';
  expect(authority).not.toBe('');
  // Its check sum is wrong: nats-server would read none of its users.
  expect(await rotate(`${own.slice(0, -2)}${own.endsWith('AA') ? 'BB' : 'AA'}`)).toContain('its key is none');
  const { authority: writer } = JSON.parse(kept) as { authority: { key: string } };
  expect(await rotate(writer.key)).toContain('somebody else');
  writeFileSync(settings, 'x');
  expect(await rotate(own)).toContain('ERR_FLEET_ENGINE_FILES');
  writeFileSync(settings, kept);
  expect(readFileSync(users, 'utf8')).toBe(before);
  expect(await answers('authority')).toBe(true);
  expect(await alarms('authority', 'fault')).toBe(1);
  await thief.close();
});

test('confirmations that the collector did not sign confirm nothing, and are told', async () => {
  await answers('ns1');
  await vi.waitUntil(async () => (await status('ns1')).resolvers[0]?.confirmed?.queries !== 0, WAIT);
  const confirmed = async () => (await status('ns1')).resolvers[0]?.confirmed?.queries ?? -1;
  const before = await confirmed();
  const subject = confirmedSubject('ns1', 'queries');
  const text = JSON.stringify({ enrolment: 1, sequence: 1_000_000_000, hash: 'f'.repeat(64) });
  const stolen = toSeedKey(fleet.seedOf('ns1'));
  await intruder.store(subject, text);
  await intruder.store(subject, text, { stamp: stampMessage(subject, text, 2 ** 50, stolen) });
  await vi.waitUntil(async () => (await alarms('ns1', 'forged-confirmation')) === 2, WAIT);
  expect(await confirmed()).toBeLessThan(1_000);
  expect(await confirmed()).toBeGreaterThanOrEqual(before);
  await vi.waitUntil(
    async () => (await refused('ns1')).some((reason) => reason.startsWith('forged-confirmation')),
    WAIT,
  );
});

test('a dead resolver does not live by presences that somebody makes up, or tells again', async () => {
  const subject = presenceSubject('dead');
  await vi.waitUntil(async () => (await rowOf('dead'))?.heardSec != null, WAIT);
  const place = join(fleet.collected, 'dead/position');
  // The collector has heard it as well.
  await vi.waitUntil(() => (readPosition(place)?.timeMs ?? 0) > 0, WAIT);
  const last = await intruder.read(STREAM.PRESENCE, subject);
  await fleet.programOf('dead').kill();
  const first = (await intruder.read(STREAM.PRESENCE, subject)) ?? last;
  if (first?.stamp === undefined) throw new Error('it was signed');
  const before = { heard: (await rowOf('dead'))?.heard, alive: readPosition(place)?.timeMs };
  const later = JSON.stringify({
    ...JSON.parse(Buffer.from(first.bytes).toString()),
    time: new Date(Date.now() + 60_000).toISOString(),
  });
  await intruder.store(subject, later);
  const other = toSeedKey(fleet.seedOf('ns1'));
  await intruder.store(subject, later, {
    stamp: stampMessage(subject, later, first.stamp.sequence + 5, other),
  });
  await intruder.store(subject, later, { stamp: { ...first.stamp, sequence: first.stamp.sequence + 5 } });
  await intruder.store(subject, first.bytes, { stamp: first.stamp });
  await vi.waitUntil(async () => (await alarms('authority', 'replayed')) === 1, WAIT);
  expect(await alarms('authority', 'forged-presence')).toBe(3);
  await vi.waitUntil(
    async () => (await refused('authority')).some((text) => text.startsWith('forged-presence')),
    WAIT,
  );
  await vi.waitUntil(() => collectorAlarms().includes('"replayed"'), WAIT);
  expect({ heard: (await rowOf('dead'))?.heard, alive: readPosition(place)?.timeMs }).toEqual(before);
  // The collector's word of what it refused reaches the authority's records.
  expect(collectorAlarms()).toContain('forged-presence');
});

test('what one resolver signs as evidence ends neither the collector nor a report, and changes no other', {
  tags: 'night',
}, async () => {
  const members = async () =>
    (await readMembers(fleet.collected, fleet.made.trust)).filter(({ name }) => name !== 'careful');
  const period = { fromMs: 0, untilMs: Date.parse('2999-01-01') };
  const reportOf = async (name: string) => {
    const { resolvers } = await createFleetReport({
      directory: fleet.collected,
      members: await members(),
      ...period,
    });
    return resolvers.find((one) => one.name === name);
  };
  // Whichever tests are run before.
  await fleet.programOf('dead').kill();
  await answers('ns1');
  await vi.waitUntil(async () => ((await reportOf('ns1'))?.queries ?? 0) > 0, WAIT);
  const before = (await reportOf('ns1'))?.counts;
  const key = toSeedKey(fleet.seedOf('dead'));
  const chains = new ForgedChains();
  const pieces = [
    ...chains.keys(),
    chains.opening('queries'),
    chains.block('queries', [refusal({ count: -5_000 })]),
    chains.block('queries', [refusal({ time: 5 })]),
    chains.head('queries', { signedAt: 'yesterday, I think so' }),
  ];
  for (const [recordClass, piece] of pieces) {
    const subject = evidenceSubject('dead', recordClass);
    const { bytes, signature, id } = packEvidence(subject, 1, piece, key);
    await intruder.store(subject, bytes, { id, signature });
  }
  await vi.waitUntil(() => collectorAlarms().includes('forged-block'), WAIT);
  // It goes on: what ns1 records next arrives.
  await answers('ns1');
  await vi.waitUntil(async () => ((await reportOf('ns1'))?.queries ?? 0) > (before?.[0]?.count ?? 0), WAIT);
  expect((await reportOf('ns1'))?.counts.every(({ count }) => count > 0)).toBe(true);
  chains.close();
});

test.skipIf(!hasOtherUser)(
  'checkpoints that are told again keep no exemption alive when the authority is dead',
  async () => {
    const from = '127.0.9.33';
    const isExempt = async (): Promise<boolean> =>
      (await ask(fleet.programOf('careful').dns, NAME, { from })).rcode === RCODE.NOERROR;
    await fleet.grant({ clients: [from] });
    await vi.waitUntil(isExempt, WAIT);
    const checkpoints: { bytes: Uint8Array; stamp: Stamp | undefined }[] = [];
    intruder.subscribe(CHECKPOINT_SUBJECT, (bytes, _, stamp) => void checkpoints.push({ bytes, stamp }));
    await vi.waitUntil(() => checkpoints.length >= 2, WAIT);
    await fleet.programOf('authority').kill();
    await vi.waitUntil(async () => !(await isExempt()), WAIT);
    // It begins anew, and all that it is told is what the authority said while it lived.
    await fleet.programOf('careful').kill();
    await intruder.remove(STREAM.CHECKPOINT, CHECKPOINT_SUBJECT);
    await fleet.run('careful', '  suspend-exemptions-after: 4s\n');
    await vi.waitUntil(async () => !(await isExempt()), { timeout: 60_000, interval: 20 });
    const told = checkpoints.slice();
    for (const { bytes, stamp } of told) {
      await intruder.store(CHECKPOINT_SUBJECT, bytes, stamp === undefined ? {} : { stamp });
      expect(await isExempt()).toBe(false);
      // Without its number, as an authority of an older version would say it.
      await intruder.store(CHECKPOINT_SUBJECT, bytes);
      expect(await isExempt()).toBe(false);
    }
    await vi.waitUntil(async () => (await alarms('careful', 'replayed')) > 0, WAIT);
    expect((await refused('careful')).some((reason) => reason.includes('a checkpoint'))).toBe(true);
    expect(await readMetric(fleet.programOf('careful'), 'cordon_fleet_exemptions_suspended')).toBe(1);
  },
);
