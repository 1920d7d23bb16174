// @module-tag night
// What befalls one resolver of a fleet: cut off, a full disk, a lost disk, an older version. Real engine, real programs.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import {
  type FleetRecord,
  RECORD_CLASSES,
  RecordsReader,
  readPosition,
  verifyRecords,
} from '../../src/evidence/records/records.ts';
import { createFleetReport } from '../../src/evidence/report/report.ts';
import { signEntry } from '../../src/fleet/entry.ts';
import { type RunningCollector, readMembers } from '../../src/fleet/fleet.ts';
import { readKeyFile } from '../../src/fleet/key.ts';
import { PolicyLog } from '../../src/fleet/policy-log.ts';
import { RCODE } from '../../src/wire/dns/dns.ts';
import { AnswerBook } from '../support/answer-book.ts';
import { ask, readMetric } from '../support/client.ts';
import { TestFleet } from '../support/fleet.ts';
import { fillDisk } from '../support/full-disk.ts';
import { run } from '../support/process.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { Steady } from '../support/steady.ts';
import { Wire } from '../support/wire.ts';

const NAME = 'www.tiktok.com. A';
const WAIT = { timeout: 90_000, interval: 50 };
const SCRIPT = fileURLToPath(new URL('../support/recompute-fleet.py', import.meta.url));

let upstream: ScriptedUpstream;
let fleet: TestFleet;
let wire: Wire;
let collector: RunningCollector;

beforeAll(async () => {
  upstream = await ScriptedUpstream.open();
  upstream.onQuery(new AnswerBook().set(NAME, ['www.tiktok.com. 60 IN A 192.0.2.1']).handler);
  fleet = await TestFleet.start(upstream.endpoint.port, { settings: '  tide-every: 1s' });
  wire = await Wire.lay(fleet.engine.port);
  for (const name of ['ns2', 'ns3']) fleet.ownServers.set(name, [`nats://127.0.0.1:${wire.port}`]);
  for (const name of ['ns1', 'ns2']) await fleet.add(name, 'bruges');
  await fleet.join('ns3', await fleet.invite('ns3', 'ghent'));
  await fleet.run('ns3', '  suspend-exemptions-after: 4s\n');
  collector = await fleet.collect();
});

afterAll(async () => {
  await collector.stop();
  wire.close();
  await fleet.close();
  await upstream.close();
});

const isExempt = async (name: string, from: string): Promise<boolean> =>
  (await ask(fleet.programOf(name).dns, NAME, { from })).rcode === RCODE.NOERROR;

const becomes = (name: string, wanted: boolean, from: string): Promise<unknown> =>
  vi.waitUntil(async () => (await isExempt(name, from)) === wanted, WAIT);

const fleetRecords = async (name: string): Promise<FleetRecord[]> => {
  const reader = RecordsReader.open(join(fleet.directory, name, 'records'));
  const found: FleetRecord[] = [];
  for await (const { record } of reader.records('changes', 0, Number.MAX_SAFE_INTEGER))
    if (record.kind === 'fleet') found.push(record);
  reader.close();
  return found;
};

const recorded = (name: string, is: (record: FleetRecord) => boolean): Promise<unknown> =>
  vi.waitUntil(async () => (await fleetRecords(name)).some(is), WAIT);

/** Until the collector has every record of a resolver. */
const collected = (name: string, label = name): Promise<unknown> =>
  vi.waitUntil(() => {
    const own = readPosition(join(fleet.directory, name, 'records/position'));
    const theirs = readPosition(join(fleet.collected, label, 'position'));
    return (
      own !== undefined &&
      RECORD_CLASSES.every((one) => own.ends[one].sequence === theirs?.ends[one].sequence)
    );
  }, WAIT);

const reportOn = async (name: string) => {
  const members = await readMembers(fleet.collected, fleet.made.trust);
  const report = await createFleetReport({
    directory: fleet.collected,
    members: members.filter((member) => member.name === name),
    fromMs: 0,
    untilMs: Date.now(),
  });
  return report;
};

test('a resolver that is cut off keeps to what it has, its exemptions end on time, and it is said since when', async () => {
  const kept = await fleet.grant({ clients: ['127.0.5.1'] });
  const endMs = Date.now() + 12_000;
  await fleet.grant({ clients: ['127.0.5.2'], until: new Date(endMs).toISOString() });
  for (const name of ['ns1', 'ns2', 'ns3'])
    for (const from of ['127.0.5.1', '127.0.5.2']) await becomes(name, true, from);
  const steady = new Steady(
    ['ns1', 'ns2', 'ns3'].map((name) => fleet.programOf(name).dns),
    NAME,
    '127.0.5.200',
  );
  wire.cut();
  await fleet.revoke(kept);
  await becomes('ns1', false, '127.0.5.1');
  // It cannot know, and holds to what it was told; one that was told to be careful does not, for long.
  expect(await isExempt('ns2', '127.0.5.1')).toBe(true);
  const shown = await fleet.command('authority', ['exemptions', 'show', kept]);
  expect(shown.stdout).toMatch(/heard by 2 of 4.*ns2 not since 20/s);
  await becomes('ns3', false, '127.0.5.1');
  await recorded('ns3', ({ event }) => event === 'suspended');
  await recorded('ns2', ({ event }) => event === 'cut-off');
  expect(await readMetric(fleet.programOf('ns2'), 'cordon_fleet_cut_off')).toBe(1);
  expect(await readMetric(fleet.programOf('ns3'), 'cordon_fleet_exemptions_suspended')).toBe(1);
  // The end of the other one is its own, to the moment.
  await vi.waitUntil(async () => !(await isExempt('ns2', '127.0.5.2')), { timeout: 90_000, interval: 5 });
  expect(Date.now()).toBeGreaterThanOrEqual(endMs);
  expect(await isExempt('ns2', '127.0.5.1')).toBe(true);
  const [resolver] = (await reportOn('ns2')).resolvers;
  expect(resolver?.isComplete).toBe(false);
  expect(resolver?.gaps.join()).toMatch(/signed up to 20|no signed head/);
  wire.mend();
  await becomes('ns2', false, '127.0.5.1');
  await recorded('ns2', ({ event }) => event === 'heard-again');
  await recorded('ns3', ({ event }) => event === 'resumed');
  expect(await isExempt('ns3', '127.0.5.1')).toBe(false);
  const { asked, unanswered, unfiltered } = await steady.stop();
  process.stderr.write(`cut off: ${asked} queries asked\n`);
  expect([unanswered, unfiltered]).toEqual([0, 0]);
});

test('a resolver whose disk is full ends what is revoked, answers on, and has everything when there is room', async () => {
  const state = join(fleet.directory, 'ns4');
  mkdirSync(state);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', state]);
  try {
    await fleet.add('ns4');
    const id = await fleet.grant({ clients: ['127.0.5.6'] });
    await becomes('ns4', true, '127.0.5.6');
    await collected('ns4');
    const steady = new Steady([fleet.programOf('ns4').dns], NAME, '127.0.5.200');
    const makeRoom = fillDisk(state);
    await fleet.revoke(id);
    await becomes('ns4', false, '127.0.5.6');
    const granted = await fleet.grant({ clients: ['127.0.5.7'] });
    await becomes('ns1', true, '127.0.5.7');
    makeRoom();
    await becomes('ns4', true, '127.0.5.7');
    await fleet.revoke(granted);
    await becomes('ns4', false, '127.0.5.7');
    const { asked, unanswered, unfiltered } = await steady.stop();
    process.stderr.write(`full disk: ${asked} queries asked\n`);
    expect([unanswered, unfiltered]).toEqual([0, 0]);
    await collected('ns4');
    await fleet.programOf('ns4').kill();
    const [own, copy] = [
      await verifyRecords(join(state, 'records')),
      await verifyRecords(join(fleet.collected, 'ns4'), { isCollected: true }),
    ];
    expect([own.findings, copy.findings]).toEqual([[], []]);
  } finally {
    await fleet.members.get('ns4')?.cordon.kill();
    fleet.members.delete('ns4');
    await fleet.ask('authority', 'POST', '/v1/fleet/remove', {
      name: 'ns4',
      reason: 'it is gone',
    });
    execFileSync('umount', [state]);
  }
});

/** What is collected has its signed heads, which come a moment after the records. */
const signed = (label: string): Promise<unknown> =>
  vi.waitUntil(
    async () =>
      (await verifyRecords(join(fleet.collected, label), { isCollected: true })).findings.length === 0,
    {
      ...WAIT,
      interval: 500,
    },
  );

test('a resolver that lost its disk comes back under its name, and nobody claims what is missing', async () => {
  const ownQueries = (): number =>
    readPosition(join(fleet.directory, 'ns2/records/position'))?.ends.queries.sequence ?? 0;
  const before = ownQueries();
  for (let asked = 0; asked < 20; asked++) await isExempt('ns2', `127.0.6.${asked + 1}`);
  // What is not on its disk yet would be lost with it.
  await vi.waitUntil(() => ownQueries() >= before + 20, WAIT);
  await collected('ns2');
  await signed('ns2');
  await fleet.programOf('ns2').kill();
  rmSync(join(fleet.directory, 'ns2'), { recursive: true });
  await fleet.add('ns2', 'bruges');
  const anew = ownQueries();
  for (let asked = 0; asked < 10; asked++) await isExempt('ns2', `127.0.6.${asked + 1}`);
  await vi.waitUntil(() => ownQueries() >= anew + 10, WAIT);
  await collected('ns2', 'ns2.2');
  await signed('ns2.2');
  const report = await reportOn('ns2');
  expect(report.isComplete).toBe(false);
  expect(report.resolvers[0]?.gaps.join('\n')).toMatch(
    /taken in anew: its records before are signed up to 20.*, the new ones begin at 20.*; what is between is missing/,
  );
  const labels = ['ns2', 'ns2.2'].map((label) => join(fleet.collected, label));
  const counted = await run('python3', [SCRIPT, '0', String(Date.now() + 3_600_000), ...labels]);
  expect(JSON.parse(counted.stdout)).toEqual(report.totals);
  expect(report.queries).toBeGreaterThanOrEqual(30);
});

test('a later version of the authority: what is unknown is kept, what must be known stops a node, and revocations hold all the same', async () => {
  await fleet.grant({ clients: ['127.0.5.3'] });
  await becomes('ns1', true, '127.0.5.3');
  await fleet.programOf('authority').stop();
  // What a later version would have written behind the log, with the same key.
  const key = readKeyFile(join(fleet.directory, 'authority/fleet/authority-key.pem'));
  const { log } = PolicyLog.open(join(fleet.directory, 'authority/fleet/policy.sqlite'), Date.now());
  const granted = [...log.from(1)].findLast(({ entry }) => entry.body.includes('"approved"'))?.entry;
  const write = (kind: string, must: boolean, body: object): number => {
    const about = { time: new Date().toISOString(), kind, must, body: JSON.stringify(body) };
    log.append(signEntry(log.end, about, key));
    log.conclude(log.end.number, 'applied');
    return log.end.number;
  };
  const event = JSON.parse(granted?.body ?? '{}') as { id: string; paper: { requestedAt: string } };
  const later = (id: string, more: object) => ({
    ...event,
    id,
    paper: { ...event.paper, id, requestedAt: '2026-11-26T00:00:00.000Z', ...more },
  });
  const kept = write('weather', false, { any: 'thing' });
  // A grant with a condition that is not known here would exempt more than was granted.
  const unreadable = write(
    'exemption',
    true,
    later('ex-000091', { clients: ['127.0.5.4'], 'only-on': 'screens' }),
  );
  const stopped = write('quorum', true, { of: 3 });
  const behind = write('exemption', true, later('ex-000092', { clients: ['127.0.5.5'] }));
  write('exemption', true, {
    ...event,
    event: 'revoked',
    time: new Date().toISOString(),
    by: 'A. Head',
    paper: { ...event.paper, state: 'revoked', endedBy: { device: 'a member of a later version' } },
  });
  log.close();
  await fleet.run('authority');
  await becomes('ns1', false, '127.0.5.3');
  await recorded('ns1', ({ event: what, number }) => what === 'stopped' && number === stopped);
  const found = await fleetRecords('ns1');
  const of = (number: number) => found.filter((record) => record.number === number).map((one) => one.event);
  expect([of(kept), of(unreadable), of(behind)]).toEqual([['kept'], ['refused'], []]);
  for (const from of ['127.0.5.4', '127.0.5.5']) expect(await isExempt('ns1', from)).toBe(false);
  expect(await readMetric(fleet.programOf('ns1'), 'cordon_fleet_alarms_total', { alarm: 'stopped' })).toBe(1);
  expect((await fleet.command('authority', ['fleet', 'status'])).stdout).toContain('its version is too old');
});
