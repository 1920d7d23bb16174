// @module-tag night
// Two authorities have both decided: every resolver tells it, and the way out of docs/fleet.md is taken, in both directions.
import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { RCODE } from '../../src/wire/dns/dns.ts';
import { AnswerBook } from '../support/answer-book.ts';
import { ask, readMetric } from '../support/client.ts';
import { TestFleet } from '../support/fleet.ts';
import { hasOtherUser } from '../support/other-user.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';

const NAME = 'www.tiktok.com. A';
/** Longer than an authority waits for nodes that do not come. */
const WAIT = { timeout: 90_000, interval: 50 };
const NODES = ['ns1', 'ns2'];
const ALL = ['authority', ...NODES];

let upstream: ScriptedUpstream;
let fleet: TestFleet;
let backup: string;
/** The paper that both sides know. */
let before: string;

beforeAll(async () => {
  upstream = await ScriptedUpstream.open();
  upstream.onQuery(new AnswerBook().set(NAME, ['www.tiktok.com. 60 IN A 192.0.2.1']).handler);
  fleet = await TestFleet.start(upstream.endpoint.port, { settings: '  tide-every: 1s' });
  for (const name of NODES) await fleet.add(name);
  backup = join(fleet.directory, 'yesterday.tar.gz');
});

afterAll(async () => {
  await fleet?.close();
  await upstream?.close();
});

const isExempt = async (name: string, from: string): Promise<boolean> =>
  (await ask(fleet.programOf(name).dns, NAME, { from })).rcode === RCODE.NOERROR;

const becomes = (name: string, wanted: boolean, from: string): Promise<unknown> =>
  vi.waitUntil(async () => (await isExempt(name, from)) === wanted, WAIT);

/** The hashes of the log on the disk of a resolver. */
const logOf = (name: string): string => {
  const path = join(fleet.directory, name, 'fleet/policy.sqlite');
  const database = new DatabaseSync(path, { readOnly: true, timeout: 60_000 });
  try {
    return database
      .prepare('SELECT hash FROM entries ORDER BY number')
      .all()
      .map(({ hash }) => String(hash))
      .join('\n');
  } finally {
    database.close();
  }
};

const agree = (): Promise<unknown> => vi.waitUntil(() => new Set(ALL.map(logOf)).size === 1, WAIT);

const tellsFork = async (name: string): Promise<boolean> =>
  (await readMetric(fleet.programOf(name), 'cordon_fleet_alarms_total', { alarm: 'fork' })) === 1;

/** All machines lose their power; the authority's disk and the store of the engine are lost with it. */
const loseAuthority = async (): Promise<void> => {
  for (const name of ALL) await fleet.programOf(name).kill();
  await fleet.engine.kill();
  rmSync(join(fleet.directory, 'store'), { recursive: true });
  rmSync(join(fleet.directory, 'authority'), { recursive: true });
  const restored = await fleet.command('authority', ['restore', backup]);
  expect(restored.stdout + restored.stderr).toContain('restored to');
  await fleet.engine.start();
};

/** Sets files of a resolver aside, while it is stopped. */
const setAside = (name: string, files: readonly string[]): void => {
  for (const file of files) {
    const path = join(fleet.directory, name, file);
    for (const one of [path, `${path}-journal`, `${path}-wal`, `${path}-shm`])
      if (existsSync(one)) renameSync(one, `${one}.aside`);
  }
};

/**
 * The authority is lost, and put back from a copy that knows nothing of the last paper; no node comes within the minute that it
 * waits, and it decides on another one. Then the nodes come.
 */
const fork = async (lost: string, decided: string): Promise<void> => {
  rmSync(backup, { force: true });
  expect((await fleet.command('authority', ['backup', backup])).code).toBe(0);
  await fleet.grant({ clients: [lost] });
  for (const name of ALL) await becomes(name, true, lost);
  await loseAuthority();
  await fleet.run('authority');
  await fleet.grant({ clients: [decided] });
  await becomes('authority', true, decided);
  for (const name of NODES) await fleet.run(name);
  await vi.waitUntil(async () => (await Promise.all(ALL.map(tellsFork))).every(Boolean), WAIT);
};

/** A paper that is decided from here on holds everywhere, and can be ended. */
const goesOn = async (client: string): Promise<void> => {
  const id = await fleet.grant({ clients: [client] });
  for (const name of ALL) await becomes(name, true, client);
  await agree();
  await fleet.revoke(id);
  for (const name of ALL) await becomes(name, false, client);
  for (const name of ALL) expect(await tellsFork(name)).toBe(false);
};

test.skipIf(!hasOtherUser)(
  'two authorities have decided: each resolver tells it, and takes nothing further',
  async () => {
    before = await fleet.grant({ clients: ['127.0.5.1'] });
    for (const name of ALL) await becomes(name, true, '127.0.5.1');
    await fork('127.0.5.2', '127.0.5.3');
    await expect(fleet.request({ clients: ['127.0.5.9'] })).rejects.toThrow(/ERR_FLEET_FORK/);
    const { stdout } = await fleet.command('authority', ['fleet', 'status']);
    expect(stdout).toMatch(/authority: a resolver has another log of policy/);
    // What held holds, on each side.
    for (const name of NODES) {
      // A start holds exemptions against the records first.
      await becomes(name, true, '127.0.5.2');
      expect(await isExempt(name, '127.0.5.3')).toBe(false);
    }
    // What both sides have is to be compared.
    for (const name of ['authority', 'ns1']) {
      const listed = await fleet.command(name, ['records', 'list', '--kind', 'fleet', '--from', '1h']);
      expect(listed.stdout).toMatch(/fork \(entry \d+, .*ERR_FLEET_FORK/);
    }
  },
  600_000,
);

test.skipIf(!hasOtherUser)(
  'the log of the nodes holds: what the authority had decided beside it is gone, and it goes on behind theirs',
  async () => {
    const held = logOf('ns1');
    await fleet.programOf('authority').stop();
    await fleet.engine.kill();
    rmSync(join(fleet.directory, 'store'), { recursive: true });
    setAside('authority', ['fleet/policy.sqlite', 'register.sqlite']);
    // Whoever has lost its log knows none of those who have it: it waits for them, however long they take to come.
    for (const name of NODES) fleet.programOf(name).signal('SIGSTOP');
    await fleet.engine.start();
    await fleet.run('authority');
    await expect(fleet.request({ clients: ['127.0.5.9'] })).rejects.toThrow(/ERR_FLEET_HOLD/);
    for (const name of NODES) fleet.programOf(name).signal('SIGCONT');
    await becomes('authority', true, '127.0.5.2');
    for (const name of ALL) {
      expect(await isExempt(name, '127.0.5.1')).toBe(true);
      expect(await isExempt(name, '127.0.5.3')).toBe(false);
    }
    for (const name of NODES) {
      await fleet.programOf(name).stop();
      await fleet.run(name);
    }
    await goesOn('127.0.5.4');
    expect(logOf('authority').startsWith(held)).toBe(true);
    // What was decided before all this can be ended.
    await fleet.revoke(before);
    for (const name of ALL) await becomes(name, false, '127.0.5.1');
  },
  600_000,
);

test.skipIf(!hasOtherUser)(
  'the log of the authority holds: what the nodes had beside it is gone, and they follow it again',
  async () => {
    await fork('127.0.5.5', '127.0.5.6');
    const held = logOf('authority');
    for (const name of NODES) {
      await fleet.programOf(name).stop();
      setAside(name, ['fleet/policy.sqlite', 'fleet/register.sqlite']);
      await fleet.run(name);
      await becomes(name, true, '127.0.5.6');
      expect(await isExempt(name, '127.0.5.5')).toBe(false);
    }
    await fleet.programOf('authority').stop();
    await fleet.run('authority');
    await goesOn('127.0.5.7');
    expect(logOf('ns1').startsWith(held)).toBe(true);
  },
  600_000,
);
