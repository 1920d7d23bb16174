// @module-tag night
// The evidence of a fleet as its people get at it, in real programs: the engine, two resolvers, PostgreSQL, the collector and the
// commands. What is asked: is nothing lost when the database is killed, is a client of two resolvers one client, who was it?
import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  RECORD_CLASSES,
  RecordsReader,
  type RecordsRecord,
  readPosition,
} from '../../src/evidence/records/records.ts';
import type { FleetReport } from '../../src/evidence/report/fleet-report.ts';
import { RCODE } from '../../src/wire/dns/dns.ts';
import { AnswerBook } from '../support/answer-book.ts';
import { ask } from '../support/client.ts';
import { dayOf, since } from '../support/days.ts';
import { TestFleet } from '../support/fleet.ts';
import { needingPostgresql, PASSWORDS, Postgresql } from '../support/postgresql.ts';
import { run } from '../support/process.ts';
import { PROGRAM } from '../support/program.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';

const NAME = 'www.tiktok.com. A';
const WAIT = { timeout: 90_000, interval: 100 };
const SCRIPT = fileURLToPath(new URL('../support/recompute-fleet.py', import.meta.url));
const NAMES = ['authority', 'ns1'];
/** Each query has a record of its own: what is counted together comes later. */
const RECORDS = 'records: { repeat-window: 0s }';
/** Of each resolver; two of three asked both. */
const CLIENTS: Readonly<Record<string, readonly number[]>> = {
  authority: [11, 12, 13, 14, 15, 16],
  ns1: [13, 14, 15, 16, 17, 18],
};

let upstream: ScriptedUpstream;
let fleet: TestFleet;
let server: Postgresql;
let keys: string;
let collector: ChildProcess;
let output = '';

describe('evidence of a fleet in PostgreSQL', needingPostgresql, () => {
  const beganMs = Date.now();
  beforeAll(async () => {
    keys = mkdtempSync(join(tmpdir(), 'cordon-escrow-'));
    const { publicKey, privateKey } = generateKeyPairSync('x25519');
    writeFileSync(join(keys, 'officer.pub.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
    writeFileSync(join(keys, 'officer.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }), {
      mode: 0o600,
    });
    const other = generateKeyPairSync('x25519').privateKey;
    writeFileSync(join(keys, 'other.pem'), other.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    upstream = await ScriptedUpstream.open();
    upstream.onQuery(new AnswerBook().set(NAME, ['www.tiktok.com. 60 IN A 192.0.2.1']).handler);
    server = await Postgresql.start();
    const settings = `  tide-every: 1s\n  escrow: ${join(keys, 'officer.pub.pem')}\n`;
    fleet = await TestFleet.start(upstream.endpoint.port, { settings, more: RECORDS });
    await fleet.add('ns1', 'bruges', RECORDS);
    startCollector();
  });

  afterAll(async () => {
    // First: where the fleet could not be made, it would stay.
    await server.close();
    await fleet.close();
    collector.kill('SIGKILL');
    await upstream.close();
    rmSync(keys, { recursive: true });
  });

  const startCollector = (): void => {
    const config = fleet.write('collect.yaml', fleet.config('authority'));
    collector = spawn(
      process.execPath,
      [
        ...[PROGRAM, 'collect', '--config', config, '--directory', join(fleet.directory, 'collector')],
        ...['--seed', join(fleet.directory, 'authority/fleet/collector.seed')],
        ...['--database', server.url('cordon_collector')],
        ...['--database-password', server.passwordFile('cordon_collector')],
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    for (const stream of [collector.stdout, collector.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
  };

  const asReader = (): string[] => [
    ...['--database', server.url('cordon_reader')],
    ...['--database-password', server.passwordFile('cordon_reader')],
  ];

  const askAll = async (): Promise<void> => {
    for (const name of NAMES)
      for (const client of CLIENTS[name] ?? []) {
        const { rcode } = await ask(fleet.programOf(name).dns, NAME, { from: `127.0.0.${client}` });
        expect(rcode).toBe(RCODE.NXDOMAIN);
      }
  };

  const recordsOf = (name: string): string => join(fleet.directory, name, 'records');

  /** Until the database has every record that a resolver has. */
  const stored = (): Promise<unknown> =>
    vi.waitUntil(() => {
      const own = NAMES.flatMap((name) =>
        RECORD_CLASSES.map((one) => readPosition(join(recordsOf(name), 'position'))?.ends[one].sequence),
      );
      const select = NAMES.flatMap((name) =>
        RECORD_CLASSES.map((one) => `(SELECT sequence FROM cordon.chain_end('${name}', '${one}'))`),
      );
      return own.join('|') === server.sql(`SELECT ${select.join(', ')}`);
    }, WAIT);

  const reportNow = async (): Promise<FleetReport> => {
    const { stdout, stderr, code } = await fleet.command('authority', [
      ...['fleet', 'report', ...since(beganMs), '--json', ...asReader()],
    ]);
    // The day is not over: nobody can have signed its end.
    expect([stderr, code]).toEqual(['', 1]);
    return JSON.parse(stdout) as FleetReport;
  };

  /** Records of kind `records` of a resolver with that event. */
  const noted = async (name: string, event: RecordsRecord['event']): Promise<RecordsRecord[]> => {
    const reader = RecordsReader.open(recordsOf(name));
    const found: RecordsRecord[] = [];
    for await (const { record } of reader.records('changes', 0, Number.MAX_SAFE_INTEGER))
      if (record.kind === 'records' && record.event === event) found.push(record);
    reader.close();
    return found;
  };

  test('while the database is killed and started again under load nothing is lost or doubled, as an independent count says', async () => {
    await askAll();
    await stored();
    await server.stop('SIGKILL');
    await askAll();
    await vi.waitUntil(() => output.includes('the store takes nothing'), WAIT);
    await askAll();
    await server.run();
    await askAll();
    await stored();
    const report = await reportNow();
    const { stdout } = await run('python3', [
      SCRIPT,
      String(Date.parse(dayOf(beganMs))),
      String(Date.parse(dayOf(Date.now())) + 86_400_000),
      ...NAMES.map(recordsOf),
    ]);
    expect(report.totals).toEqual(JSON.parse(stdout));
    expect(report.queries).toBeGreaterThanOrEqual(48);
    expect(report.resolvers.flatMap(({ gaps }) => gaps).every((gap) => gap.includes('signed up to'))).toBe(
      true,
    );
    const sum = server.sql('SELECT sum(count) FROM cordon.counts', 'cordon_dashboards');
    expect(Number(sum)).toBe(report.queries);
    expect(output).not.toContain(PASSWORDS.cordon_collector);
  });

  test('clients that asked both resolvers are counted once, and the report says with which error', async () => {
    await stored();
    const { clients, resolvers } = await reportNow();
    expect(clients.without).toEqual([]);
    expect(clients.resolvers).toEqual(NAMES);
    expect(clients.merged[0]).toEqual({ group: '*', clients: 8 });
    // Nobody asked these for a probe of theirs yet, which is said and not left out.
    expect(resolvers.map(({ probe }) => probe.runs).every((runs) => runs >= 0)).toBe(true);
    const { stdout } = await fleet.command('authority', [
      ...[
        'fleet',
        'report',
        '--from',
        '2026-01-01',
        '--to',
        new Date().toISOString().slice(0, 10),
        ...asReader(),
      ],
    ]);
    expect(stdout).toMatch(
      /Distinct clients, 2026-01-01 to [0-9-]+: at least about 8 \(standard error 1\.6 %\)/,
    );
    expect(stdout).toMatch(/RESOLVER +PROBE RUNS +LAST RUN +FOUND +LONGEST WITHOUT/);
  });

  test('who was behind a pseudonym of another resolver is told with the key from the safe only, and on the record first', async () => {
    await vi.waitUntil(
      async () => (await noted('ns1', 'pseudonym-key')).some(({ sealed }) => sealed !== undefined),
      WAIT,
    );
    await stored();
    const client = server.sql(
      "SELECT client FROM cordon.records WHERE label = 'ns1' AND client LIKE 'p:%' LIMIT 1",
      'cordon_reader',
    );
    expect(client).toMatch(/^p:1:/);
    const identify = (key: string, more: readonly string[] = ['--reason', 'case 7']) =>
      fleet.command('authority', [
        ...[
          'fleet',
          'reidentify',
          client,
          '--resolver',
          'ns1',
          '--key',
          join(keys, key),
          ...more,
          ...asReader(),
        ],
      ]);
    const wrong = await identify('other.pem');
    expect([wrong.code, wrong.stdout]).toEqual([1, '']);
    expect(wrong.stderr).toContain('ERR_COMPLIANCE_ESCROW');
    expect(wrong.stderr).toContain('key 1 is sealed to');
    expect((await identify('officer.pub.pem')).stderr).toContain('ERR_COMPLIANCE_ESCROW');
    expect((await identify('officer.pem', [])).stderr).toContain('--reason TEXT is needed');
    expect(await noted('authority', 'reidentified')).toEqual([]);
    const found = await identify('officer.pem');
    expect(found.stdout).toMatch(/^127\.0\.0\.1[3-8]\n$/);
    const [record] = await noted('authority', 'reidentified');
    expect(record).toMatchObject({ reason: 'case 7', text: `${client} of ns1, with the key from the safe` });
    expect(JSON.stringify(record)).not.toContain(found.stdout.trim());
    // Without a service that records it, nothing is told.
    const authority = fleet.programOf('authority');
    await authority.stop();
    const alone = await identify('officer.pem');
    expect([alone.code === 0, alone.stdout]).toEqual([false, '']);
    await fleet.run('authority');
  });

  test('the database has neither a client nor a key in the clear, and the collector neither', async () => {
    await stored();
    const dump = server.sql("SELECT string_agg(body, '') FROM cordon.blocks");
    const secrets = JSON.parse(readFileSync(join(recordsOf('ns1'), 'pseudonym-keys.json'), 'utf8')) as {
      keys: { key: string }[];
    };
    expect(dump).not.toMatch(/"client":"127\./);
    for (const { key } of secrets.keys) expect(dump).not.toContain(key);
    const own = readFileSync(join(fleet.directory, 'authority/fleet/counting-key'));
    expect(readFileSync(join(fleet.directory, 'ns1/fleet/counting-key'))).toEqual(own);
    expect(dump).not.toContain(own.toString('base64'));
  });

  test('a resolver that has no key to count by asks the authority for it', async () => {
    const path = join(fleet.directory, 'ns1/fleet/counting-key');
    await fleet.programOf('ns1').stop();
    rmSync(path);
    await fleet.run('ns1', RECORDS);
    await vi.waitUntil(() => existsSync(path), WAIT);
    expect(readFileSync(path)).toEqual(readFileSync(join(fleet.directory, 'authority/fleet/counting-key')));
  });
});
