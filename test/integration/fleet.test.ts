// Many resolvers, one service: a real engine, real programs, and what they do to each other.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { RECORD_CLASSES, readPosition, verifyRecords } from '../../src/evidence/records/records.ts';
import { RCODE } from '../../src/wire/dns/dns.ts';
import { AnswerBook } from '../support/answer-book.ts';
import { ask } from '../support/client.ts';
import { TestFleet } from '../support/fleet.ts';
import { hasOtherUser } from '../support/other-user.ts';
import { requireProgram } from '../support/process.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

const NAME = 'www.tiktok.com. A';
const NODES = ['ns1', 'ns2'];

let upstream: ScriptedUpstream;
let fleet: TestFleet<Cordon>;

beforeAll(async () => {
  requireProgram({ skip: () => undefined as never }, 'nats-server');
  upstream = await ScriptedUpstream.open();
  upstream.onQuery(new AnswerBook().set(NAME, ['www.tiktok.com. 60 IN A 192.0.2.1']).handler);
  fleet = await TestFleet.startWith(startCordon, upstream.endpoint.port);
  for (const name of NODES) await fleet.add(name, 'bruges');
});

afterAll(async () => {
  await fleet.close();
  await upstream.close();
});

const isExempt = async (name: string, from = '127.0.0.9'): Promise<boolean> => {
  const cordon = fleet.members.get(name)?.cordon;
  if (cordon === undefined) throw new Error(`${name} does not run`);
  return (await ask(cordon.dns, NAME, { from })).rcode === RCODE.NOERROR;
};

const everywhere = async (wanted: boolean): Promise<number> => {
  const startMs = performance.now();
  await vi.waitUntil(
    async () =>
      (await Promise.all(['authority', ...NODES].map((name) => isExempt(name)))).every((is) => is === wanted),
    { timeout: 90_000, interval: 5 },
  );
  return performance.now() - startMs;
};

test.skipIf(!hasOtherUser)(
  'an exemption that is approved once is in force on all resolvers, and its revocation too',
  async () => {
    expect(await isExempt('ns1')).toBe(false);
    const id = await fleet.grant({ groups: ['lab'] });
    const grantedMs = await everywhere(true);
    await fleet.ask('authority', 'POST', `/v1/exemptions/${id}/revoke`, {
      reason: 'the case is closed',
    });
    const revokedMs = await everywhere(false);
    process.stderr.write(`granted ${Math.round(grantedMs)} ms, revoked ${Math.round(revokedMs)} ms\n`);
  },
);

/** Until the collector has everything that a resolver has recorded, heads too; gives the number of its queries. */
const collected = async (name: string): Promise<void> => {
  await vi.waitUntil(
    () => {
      const own = readPosition(join(fleet.directory, name, 'records/position'));
      const theirs = readPosition(join(fleet.collected, name, 'position'));
      return (
        own !== undefined &&
        RECORD_CLASSES.every(
          (one) => own.ends[one].sequence === theirs?.ends[one].sequence && own.ends[one].sequence > 0,
        )
      );
    },
    { timeout: 90_000, interval: 100 },
  );
};

test('what resolvers record is collected, and the copy is as good as the original', async () => {
  const collector = await fleet.collect();
  for (let asked = 0; asked < 20; asked++) {
    for (const name of NODES) await isExempt(name, `127.0.1.${asked + 1}`);
  }
  for (const name of NODES) {
    await collected(name);
    const own = await verifyRecords(join(fleet.directory, name, 'records'));
    await vi.waitUntil(
      async () =>
        (await verifyRecords(join(fleet.collected, name), { isCollected: true })).findings.length === 0,
      {
        timeout: 90_000,
        interval: 500,
      },
    );
    const copy = await verifyRecords(join(fleet.collected, name), { isCollected: true });
    expect(copy.findings).toEqual([]);
    expect(own.findings).toEqual([]);
    expect(copy.heads).toBeGreaterThan(0);
  }
  await collector.stop();
});
