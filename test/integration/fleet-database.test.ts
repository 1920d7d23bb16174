// The collector's records in a real PostgreSQL: the same as in directories, whoever tries to make them others.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createUser } from '@nats-io/nkeys';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { BlockHasher } from '../../src/evidence/records/partition.ts';
import { judgeRecord } from '../../src/evidence/records/record-schema.ts';
import {
  CHAIN_START,
  ChainFeed,
  type ChainHole,
  readOwnHeads,
  readOwnKeys,
  verifyRecords,
} from '../../src/evidence/records/records.ts';
import { createFleetReport } from '../../src/evidence/report/report.ts';
import { Collector } from '../../src/fleet/collector.ts';
import type { ConfirmedClass } from '../../src/fleet/confirmation.ts';
import { Database } from '../../src/fleet/database.ts';
import { readDatabaseAddress } from '../../src/fleet/database-address.ts';
import { DatabaseStore } from '../../src/fleet/database-store.ts';
import { DirectoryStore } from '../../src/fleet/directory-store.ts';
import { NO_END, type PolicyEntry, signEntry } from '../../src/fleet/entry.ts';
import { type EvidencePiece, packEvidence } from '../../src/fleet/evidence-message.ts';
import { exportDatabase, readMembers } from '../../src/fleet/fleet.ts';
import { createKeyFile, formatPublicKey, type SigningKey, toSeedKey } from '../../src/fleet/key.ts';
import { Membership } from '../../src/fleet/membership.ts';
import { PolicyLog } from '../../src/fleet/policy-log.ts';
import { evidenceSubject } from '../../src/fleet/subjects.ts';
import { CertificateAuthority } from '../support/certificates.ts';
import { ForgedChains } from '../support/forged-evidence.ts';
import { inTwo } from '../support/night.ts';
import { needingPostgresql, PASSWORDS, Postgresql } from '../support/postgresql.ts';
import { Bench, DAY_MS } from '../unit/records/setup.ts';

const FLEET_PAGE = fileURLToPath(new URL('../../docs/fleet.md', import.meta.url));

type Piece = readonly [ConfirmedClass, EvidencePiece];

let server: Postgresql;
let directory: string;
let key: SigningKey;
let membership: Membership;
let entry: PolicyEntry;
let trust: string;
let collector: Collector;
let store: DatabaseStore;
let confirmed: Map<string, number>;
let missing: ChainHole | undefined;
let done: number;
let logged: string[];

describe('records in PostgreSQL', needingPostgresql, () => {
  beforeAll(async () => {
    server = await Postgresql.start();
  });
  afterAll(() => server.close());

  beforeEach(() => {
    for (const table of [
      'blocks',
      'partitions',
      'counts',
      'keys',
      'heads',
      'positions',
      'holes',
      'alarms',
      'conflicts',
      'entries',
    ])
      server.sql(`TRUNCATE cordon.${table} CASCADE`);
    directory = mkdtempSync(join(tmpdir(), 'cordon-database-'));
    const authority = createKeyFile(join(directory, 'authority.pem'));
    trust = formatPublicKey(authority.publicKey);
    const pair = createUser();
    key = toSeedKey(Buffer.from(pair.getSeed()).toString());
    const body = JSON.stringify({ name: 'ns1', key: pair.getPublicKey(), enrolment: 1 });
    membership = new Membership([trust]);
    entry = signEntry(
      NO_END,
      { time: '2026-11-01T00:00:00.000Z', kind: 'node', must: true, body },
      authority,
    );
    membership.take(entry);
    confirmed = new Map();
    done = 0;
    logged = [];
    collector = open('database');
  });

  afterEach(async () => {
    await collector.close();
    rmSync(directory, { recursive: true });
  });

  const accessOf = (role: keyof typeof PASSWORDS) => {
    const address = readDatabaseAddress(server.url(role));
    if ('problem' in address) throw new Error(address.problem);
    return { ...address, passwordPath: server.passwordFile(role), caPath: undefined };
  };

  const open = (kind: 'database' | 'directory'): Collector => {
    store = new DatabaseStore(new Database(accessOf('cordon_collector')), judgeRecord);
    const note = (fields: object, text: string): void => void logged.push(text, JSON.stringify(fields));
    return new Collector({
      directory: join(directory, kind),
      store: kind === 'database' ? store : new DirectoryStore(join(directory, kind), judgeRecord),
      membership,
      clock: () => Date.parse('2026-11-30T12:00:00Z'),
      log: { info: note, warn: note, error: note },
      onConfirmed: (node, recordClass, _, sequence, _hash, hole) => {
        confirmed.set(`${node}.${recordClass}`, sequence);
        if (recordClass === 'queries') missing = hole;
      },
    });
  };

  /** A recorder's directory with several days, and everything that its resolver sends of it. */
  const record = async (days = 3, salt = 1): Promise<{ source: string; pieces: Piece[] }> => {
    const bench = new Bench();
    for (let day = 0; day < days; day++) {
      for (let round = 0; round < 5; round++) bench.record(100, { client: `192.0.2.${round + salt}` });
      bench.advance(DAY_MS);
    }
    await bench.recording.stop();
    const source = bench.directory;
    const pieces: Piece[] = readOwnKeys(source).map((pem) => ['heads', { kind: 'key', pem }]);
    for (const recordClass of ['queries', 'changes'] as const) {
      const feed = new ChainFeed(source, recordClass, CHAIN_START);
      for (;;) {
        const next = await feed.next(7);
        if (next === undefined || next.length === 0) break;
        for (const piece of next) pieces.push([recordClass, piece as EvidencePiece]);
      }
      feed.close();
    }
    for (const head of readOwnHeads(source, 0)) pieces.push(['heads', { kind: 'head', head }]);
    return { source, pieces };
  };

  const send = async (pieces: readonly Piece[], to = collector, by = key): Promise<void> => {
    for (const [recordClass, piece] of pieces) {
      const subject = evidenceSubject('ns1', recordClass);
      const { bytes, signature } = packEvidence(subject, 1, piece, by);
      to.take({ subject, bytes, signature, storedMs: 0, done: () => void done++, again: () => undefined });
    }
    await to.flush();
  };

  /** What there is of ns1, as the two chains and the heads say. */
  const ends = (): string =>
    server.sql(
      "SELECT (SELECT count(*) FROM cordon.blocks), (SELECT max(first + count - 1) FROM cordon.blocks WHERE class = 'queries'), (SELECT count(*) FROM cordon.heads), (SELECT sum(count) FROM cordon.counts)",
    );

  /** The log of policy, without which nobody was in the fleet. */
  const keepPolicy = async (): Promise<void> => {
    const { log } = PolicyLog.open(join(directory, `policy-${Math.random()}.sqlite`), 0);
    log.append(entry);
    await store.keepPolicy(log);
    log.close();
  };

  const exported = async (name = 'exported'): Promise<string> => {
    await keepPolicy();
    const place = join(directory, name);
    await exportDatabase({
      database: accessOf('cordon_reader'),
      trust: [trust],
      directory: place,
      resolvers: [],
    });
    return place;
  };

  const reportOf = async (place: string) =>
    createFleetReport({
      directory: place,
      members: [{ name: 'ns1', labels: ['ns1'], since: '2026-11-01T00:00:00.000Z', until: undefined }],
      fromMs: Date.parse('2026-11-01'),
      untilMs: Date.parse('2026-11-27'),
    });

  const shuffled = (pieces: readonly Piece[]): Piece[] => {
    const left = [...pieces];
    const out: Piece[] = [];
    for (let seed = 7; left.length > 0; ) {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      out.push(...left.splice(seed % left.length, 1));
    }
    return out;
  };

  /** Runs as a role; gives what the server refuses it for. */
  const refused = (role: string, statement: string): string => {
    try {
      server.sql(statement, role);
      return 'done';
    } catch (thrown) {
      return String((thrown as { stderr?: unknown }).stderr).split('\n')[0] ?? '';
    }
  };

  const ORDERS: readonly (readonly [string, (pieces: readonly Piece[]) => readonly Piece[]])[] = [
    ['in order', (pieces) => pieces],
    ['shuffled and each twice', (pieces) => shuffled([...pieces, ...pieces])],
  ];
  for (const [options, orders] of inTwo(ORDERS, (_, index) => index === 1))
    test.each(orders)(
      'a report of the database equals that of directories, with pieces that came %s',
      options,
      async (_, order) => {
        const { source, pieces } = await record();
        const heads = pieces.filter(([recordClass]) => recordClass === 'heads');
        const sent = [...order(pieces), ...heads];
        await send(sent);
        const own = await verifyRecords(source);
        expect([own.findings.length, own.records > 500]).toEqual([0, true]);
        const place = await exported();
        const theirs = await verifyRecords(join(place, 'ns1'), { isCollected: true });
        expect(theirs.findings).toEqual([]);
        expect([theirs.records, theirs.blocks, theirs.heads]).toEqual([own.records, own.blocks, own.heads]);
        const other = open('directory');
        await send(sent, other);
        await other.close();
        const [ofDatabase, ofDirectory] = [
          await reportOf(place),
          await reportOf(join(directory, 'directory')),
        ];
        expect(ofDatabase).toEqual(ofDirectory);
        expect(ofDatabase.queries).toBeGreaterThan(500);
        // What the database counted for dashboards is the same sum.
        expect(
          Number(
            server.sql(
              "SELECT sum(count) FROM cordon.counts WHERE hour < '2026-11-27Z'",
              'cordon_dashboards',
            ),
          ),
        ).toBe(ofDatabase.queries);
        const last = server.sql(
          "SELECT max(sequence) FROM cordon.records WHERE class = 'queries'",
          'cordon_reader',
        );
        expect(Number(last)).toBe(confirmed.get('ns1.queries'));
      },
    );

  test('heads that come before the keys that signed them are no forgery, and are taken behind these', {
    tags: 'night',
  }, async () => {
    const { pieces } = await record(1);
    const isKey = ([, piece]: Piece): boolean => piece.kind === 'key';
    const heads = pieces.filter(([, piece]) => piece.kind === 'head');
    expect(heads.length).toBeGreaterThan(0);
    for (const kind of ['database', 'directory'] as const) {
      const to = kind === 'database' ? collector : open('directory');
      await send(
        pieces.filter((piece) => !isKey(piece)),
        to,
      );
      expect([kind, [...to.alarms.counts]]).toEqual([kind, []]);
      await send([...pieces.filter(isKey), ...heads], to);
      expect([kind, confirmed.get('ns1.heads'), [...to.alarms.counts]]).toEqual([kind, heads.length, []]);
      confirmed.clear();
      if (kind === 'directory') await to.close();
    }
  });

  test('the role of the collector adds, and neither reads, changes, deletes nor makes anything', async () => {
    const { pieces } = await record(1);
    await send(pieces);
    const before = ends();
    for (const statement of [
      'SELECT * FROM cordon.blocks',
      'SELECT * FROM cordon.records',
      'SELECT count(*) FROM cordon.counts',
      'SELECT entry FROM cordon.entries',
      "UPDATE cordon.blocks SET body = '[]'",
      'DELETE FROM cordon.blocks',
      'TRUNCATE cordon.heads',
      'COPY cordon.blocks TO STDOUT',
      "INSERT INTO cordon.counts VALUES ('ns1', now(), 'x', '', '', '', '', '', '', 9)",
      'SELECT cordon.count_block(\'ns1\', \'queries\', \'[{"kind":"refused","time":"2026-11-26T00:00:00Z","count":9}]\')',
      'CREATE TABLE cordon.more(x int)',
      'CREATE TABLE public.more(x int)',
      'CREATE TEMPORARY TABLE blocks(x int)',
      'CREATE FUNCTION pg_temp.sha256(bytea) RETURNS bytea LANGUAGE sql AS $$ SELECT $1 $$',
      'SET ROLE cordon_owner',
      'SET ROLE cordon_reader',
      'ALTER FUNCTION cordon.version() OWNER TO cordon_collector',
      "COPY (SELECT 1) TO PROGRAM 'id'",
    ])
      expect(refused('cordon_collector', statement), statement).toMatch(
        /denied|must be (?:owner|able|superuser)/,
      );
    for (const role of ['cordon_reader', 'cordon_dashboards']) {
      expect(refused(role, "SELECT cordon.add_hole('ns1', 'x')")).toContain('denied');
      expect(refused(role, 'SET TRANSACTION READ WRITE; DELETE FROM cordon.heads')).toContain('denied');
    }
    expect(refused('cordon_dashboards', 'SELECT client FROM cordon.records')).toContain('denied');
    expect(refused('cordon_dashboards', 'SELECT * FROM cordon.chains')).toBe('done');
    expect(ends()).toBe(before);
  });

  test('whoever only reads holds up no collector: neither by a lock of rows nor by one of their own making', {
    tags: 'night',
  }, async () => {
    const { pieces } = await record(1);
    const { host, port, database } = accessOf('cordon_dashboards');
    const reader = new Client({
      host,
      port,
      database,
      user: 'cordon_reader',
      password: PASSWORDS.cordon_reader,
    });
    await reader.connect();
    try {
      for (const of of ['queries', 'changes', 'heads'])
        await reader.query(`SELECT pg_advisory_lock(hashtextextended('cordon ${of} ns1', 0))`);
      await reader.query('BEGIN');
      await reader.query('SELECT * FROM cordon.chain_locks');
      await send(pieces);
      expect(done).toBe(pieces.length);
      await reader.query('ROLLBACK');
      for (const statement of ['FOR UPDATE', 'FOR KEY SHARE'])
        await expect(reader.query(`SELECT * FROM cordon.chain_locks ${statement}`)).rejects.toThrow(
          /denied|read-only/,
        );
    } finally {
      await reader.end();
    }
  });

  test('with the role of the collector: doubled, changed, out of turn and made up blocks are told and not taken', async () => {
    const { pieces } = await record(1);
    await send(pieces);
    const before = ends();
    const [, piece] = pieces.find(([name, one]) => name === 'queries' && one.kind === 'block') ?? [];
    if (piece?.kind !== 'block') throw new Error('there is a block');
    const { block } = piece;
    const database = new Database(accessOf('cordon_collector'));
    const add = async (change: Partial<typeof block>) => {
      const { ordinal, first, count, fromMs, untilMs, hash, body } = { ...block, ...change };
      const [row] = await database.query(
        'SELECT * FROM cordon.add_blocks($1, $2, $3, $4, $5, $6, $7, $8, $9)',
        [...['ns1', 'queries', ordinal, [first], [count], [fromMs], [untilMs], [hash], [body]]],
      );
      return row?.['outcome'];
    };
    const last = confirmed.get('ns1.queries') ?? 0;
    expect(await add({})).toBe('known');
    expect(await add({ hash: 'ab'.repeat(32) })).toBe('other');
    expect(await add({ first: last + 2 })).toBe('early');
    expect(await add({ first: last + 1 })).toBe('early');
    const ordinal = Number(server.sql("SELECT max(ordinal) FROM cordon.partitions WHERE class = 'queries'"));
    expect(await add({ first: last + 1, ordinal })).toBe('forged');
    expect(await add({ first: last + 1, ordinal, count: -5 })).toBe('forged');
    await database.close();
    expect(ends()).toBe(before);
  });

  test('a forged block, one without a signature, and other records under numbers that are taken', {
    tags: 'night',
  }, async () => {
    const first = await record(1);
    await send(first.pieces, collector, createKeyFile(join(directory, 'thief.pem')));
    expect(ends()).toBe('0||0|');
    const changed = first.pieces.map(
      ([name, piece]): Piece =>
        piece.kind === 'block'
          ? [
              name,
              {
                kind: 'block',
                block: { ...piece.block, body: piece.block.body.replace('tiktok', 'ticktock') },
              },
            ]
          : [name, piece],
    );
    await send(changed);
    expect(confirmed.get('ns1.queries') ?? 0).toBe(0);
    await send(first.pieces);
    const before = ends();
    await send((await record(2, 50)).pieces);
    expect(ends()).toBe(before);
    const kinds = server.sql("SELECT string_agg(DISTINCT alarm, ',' ORDER BY alarm) FROM cordon.alarms");
    expect(kinds).toBe('conflict,forged-block');
    expect(Number(server.sql('SELECT count(*) FROM cordon.conflicts'))).toBeGreaterThan(0);
  });

  test('what PostgreSQL cannot read as JSON is kept and proven, and holds up nobody', {
    tags: 'night',
  }, async () => {
    const { pieces } = await record(1);
    const [, opening] = pieces.find(([name, one]) => name === 'queries' && one.kind === 'opening') ?? [];
    if (opening?.kind !== 'opening') throw new Error('there is an opening');
    // A resolver that lies about its name: PostgreSQL takes no text with NUL.
    await send([['queries', { kind: 'opening', meta: { ...opening.meta, resolver: 'ns1\0' } }]]);
    expect(collector.trouble).toBeUndefined();
    await send([['queries', opening]]);
    const end = server
      .sql("SELECT ordinal, sequence, hash FROM cordon.chain_end('ns1', 'queries')")
      .split('|');
    const time = '2026-11-25T00:00:00.000Z';
    const body = JSON.stringify([{ kind: 'refused', time, qname: '\0', client: '\ud800' }]);
    const { BlockHasher } = await import('../../src/evidence/records/partition.ts');
    const hash = new BlockHasher().hash(Buffer.from(end[2] ?? '', 'hex'), 1, 1, body).toString('hex');
    const ms = Date.parse(time);
    const block = { ordinal: 1, first: 1, count: 1, fromMs: ms, untilMs: ms, hash, body };
    await send([['queries', { kind: 'block', block }]]);
    expect(confirmed.get('ns1.queries')).toBe(1);
    expect(server.sql('SELECT is_readable FROM cordon.blocks')).toBe('f');
    expect(server.sql('SELECT count(*) FROM cordon.records')).toBe('0');
  });

  test('what one resolver signed blanks no view for the others', { tags: 'night' }, async () => {
    const { pieces } = await record(1);
    await send(pieces);
    const chains = (): string[] =>
      server.sql('SELECT * FROM cordon.chains ORDER BY label, class', 'cordon_dashboards').split('\n');
    const before = chains();
    const own = new ForgedChains();
    await send([...own.keys(), own.head('queries', { signedAt: 'yesterday, I think so' })]);
    own.close();
    expect([...collector.alarms.counts.keys()]).toEqual(['forged-block']);
    // A collector of an older version took it.
    for (const head of [
      `{"signedAt":"yesterday, I think so"}`,
      '{"signedAt":"0000-01-01T00:00:00.000Z"}',
      'x',
    ])
      server.sql(
        `INSERT INTO cordon.heads SELECT 'thief', count(*) + 1, '\\x00', '${head}' FROM cordon.heads`,
      );
    server.sql(
      `INSERT INTO cordon.partitions SELECT 'thief', class, ordinal, day, previous, first, resolver, version, created,
         is_behind_hole, hash FROM cordon.partitions;
       INSERT INTO cordon.blocks SELECT 'thief', class, ordinal, first, count, from_ms, 9007199254740991, body, hash,
         is_readable FROM cordon.blocks WHERE label = 'ns1'`,
    );
    expect(chains().filter((line) => line.startsWith('ns1'))).toEqual(before);
    expect(chains()).toHaveLength(2 * before.length);
  });

  test('while the database is gone nothing is confirmed or acknowledged; afterwards nothing is lost or doubled', async () => {
    const { source, pieces } = await record(3);
    const half = Math.floor(pieces.length / 2);
    await send(pieces.slice(0, half));
    const before = confirmed.get('ns1.queries');
    await server.stop('SIGKILL');
    done = 0;
    await send(pieces.slice(half));
    await send(pieces.slice(half));
    expect([done, confirmed.get('ns1.queries')]).toEqual([0, before]);
    expect(collector.trouble).toMatch(/cordon_collector/);
    await server.run();
    await send(pieces.slice(half));
    await send(pieces);
    expect(collector.trouble).toBeUndefined();
    expect(done).toBe(pieces.length - half + pieces.length);
    const [own, theirs] = [
      await verifyRecords(source),
      await verifyRecords(join(await exported(), 'ns1'), { isCollected: true }),
    ];
    expect([theirs.findings, theirs.records, theirs.blocks]).toEqual([[], own.records, own.blocks]);
    expect(logged.join('\n')).not.toContain(PASSWORDS.cordon_collector);
    expect(server.output).not.toContain(PASSWORDS.cordon_collector);
  });

  test('what the owner of the database changes shows in the report', { tags: 'night' }, async () => {
    const { pieces } = await record();
    await send(pieces);
    await send(pieces.filter(([name]) => name === 'heads'));
    const whole = await reportOf(await exported('whole'));
    expect(whole.resolvers[0]?.gaps).toEqual([]);
    const change = (statement: string): void => void server.sql(statement);
    change(
      "UPDATE cordon.blocks SET body = replace(body, 'tiktok', 'ticktock') WHERE class = 'queries' AND first = (SELECT max(first) FROM cordon.blocks WHERE body LIKE '%tiktok%')",
    );
    const edited = await reportOf(await exported('edited'));
    expect(edited.isComplete).toBe(false);
    expect(edited.resolvers[0]?.gaps.join('\n')).toMatch(
      /record \d+ in the database is not what its hash says/,
    );
    change(
      "DELETE FROM cordon.blocks WHERE class = 'queries' AND first = (SELECT max(first) FROM cordon.blocks WHERE class = 'queries')",
    );
    const cut = await reportOf(await exported('cut'));
    expect(cut.resolvers[0]?.gaps.join('\n')).toMatch(/ends at record \d+/);
    change("UPDATE cordon.heads SET head = replace(head, 'running', 'closed') WHERE number = 1");
    expect((await reportOf(await exported('head'))).isComplete).toBe(false);
  });

  test('a row that somebody deleted is named, costs its own records alone, and is put back from its resolver', {
    tags: 'night',
  }, async () => {
    const { pieces } = await record();
    await send([...pieces, ...pieces.filter(([name]) => name === 'heads')]);
    const whole = await reportOf(await exported('whole'));
    expect([whole.isComplete, whole.queries > 500]).toEqual([true, true]);
    const counts = (): string =>
      server.sql('SELECT hour, kind, grp, list, count FROM cordon.counts ORDER BY 1, 2, 3, 4');
    const [countsBefore, endsBefore] = [counts(), ends()];
    const kinds = [
      ['OFFSET 2 LIMIT 1', 1],
      ['OFFSET 1 LIMIT 3', 2],
      // A whole day of them, up to the next partition.
      ['', 1],
    ] as const;
    for (const [round, [which, ordinal]] of kinds.entries()) {
      server.sql(
        `DELETE FROM cordon.blocks b WHERE b.class = 'queries' AND b.first IN
          (SELECT first FROM cordon.blocks WHERE class = 'queries' AND ordinal = ${ordinal} ORDER BY first ${which})`,
      );
      // Whoever takes out rows may take out what was counted of them.
      if (round === 1) server.sql('DELETE FROM cordon.counts');
      const cut = await reportOf(await exported(`cut-${round}`));
      expect(cut.isComplete).toBe(false);
      expect(cut.queries).toBeGreaterThan(0);
      expect(cut.queries).toBeLessThan(whole.queries);
      // From where it is to the end, and once from the beginning.
      for (let turn = 0; turn < 2; turn++) await collector.lookThrough();
      const asked = missing;
      if (asked === undefined) throw new Error('it is noticed');
      const records = `records ${asked.after.sequence + 1} to ${asked.until}`;
      expect(cut.resolvers[0]?.gaps.join('\n')).toMatch(
        which === ''
          ? /does not follow the one before/
          : new RegExp(`${records} are missing in the database`),
      );
      expect(collector.alarms.last.at(-1)?.text).toContain(
        `${records} were taken out here, and ns1 is asked`,
      );
      const lost = pieces.filter(
        ([name, piece]) =>
          name === 'queries' &&
          piece.kind === 'block' &&
          piece.block.first > asked.after.sequence &&
          piece.block.first <= asked.until,
      );
      // One that follows and is not the one that was there.
      const [, last] = lost.at(-1) ?? [];
      if (last?.kind !== 'block') throw new Error('it is a block');
      const { block } = last;
      const before = lost.length === 1 ? asked.after.hash : undefined;
      if (before !== undefined) {
        const body = block.body.replace('tiktok', 'ticktock');
        const made = new BlockHasher().hash(Buffer.from(before, 'hex'), block.first, block.count, body);
        await send([['queries', { kind: 'block', block: { ...block, body, hash: made.toString('hex') } }]]);
        expect([missing, collector.alarms.counts.get('conflict')]).toEqual([asked, 1]);
      }
      await send(lost.slice(1));
      expect(missing).toEqual(asked);
      await send(lost);
      expect(missing).toBeUndefined();
      expect(collector.alarms.last.at(-1)).toMatchObject({ alarm: 'put-back' });
      const { queries, isComplete, resolvers } = await reportOf(await exported(`back-${round}`));
      expect([queries, isComplete, resolvers[0]?.gaps]).toEqual([whole.queries, true, []]);
      if (round === 0) expect([counts(), ends()]).toEqual([countsBefore, endsBefore]);
    }
  });

  test('with the role of the collector nothing is put where nothing is missing, nor what does not lead to what is behind', {
    tags: 'night',
  }, async () => {
    const { pieces } = await record();
    await send(pieces);
    const fill = (hashes: string, first: number): string =>
      server.sql(
        `SELECT cordon.fill_hole('ns1', 'queries', 1, '{${first}}', '{1}', '{1}', '{1}', '{${hashes}}', '{[]}')`,
        'cordon_collector',
      );
    const blocks = server.sql('SELECT count(*) FROM cordon.blocks');
    for (const first of [1, 2, 50, 999_999]) expect(fill('0'.repeat(64), first)).toMatch(/^(?:other|early)$/);
    server.sql("DELETE FROM cordon.blocks WHERE class = 'queries' AND first = 1");
    const opening = server.sql(
      "SELECT encode(hash, 'hex') FROM cordon.partitions WHERE class = 'queries' AND ordinal = 1",
    );
    const made = new BlockHasher().hash(Buffer.from(opening, 'hex'), 1, 1, '[]').toString('hex');
    expect(fill(made, 1)).toBe('other');
    expect(Number(server.sql('SELECT count(*) FROM cordon.blocks'))).toBe(Number(blocks) - 1);
  });

  test('what expired is deleted by the owner as the documentation has it: the rest is proven, and the report says "at least"', {
    tags: 'night',
  }, async () => {
    const { pieces } = await record();
    await send(pieces);
    await send(pieces.filter(([name]) => name === 'heads'));
    const whole = await reportOf(await exported('whole'));
    const [, recipe = ''] =
      /<!-- expired -->\n```sql\n(.*?)```/s.exec(readFileSync(FLEET_PAGE, 'utf8')) ?? [];
    const days = server
      .sql("SELECT DISTINCT day FROM cordon.partitions WHERE class = 'queries' ORDER BY day")
      .split('\n');
    expect(days.length).toBeGreaterThanOrEqual(3);
    server.sql(recipe.replaceAll('2026-01-01', days[1] ?? ''));
    expect(
      server.sql("SELECT DISTINCT day FROM cordon.partitions WHERE class = 'queries' ORDER BY day"),
    ).toBe(days.slice(1).join('\n'));
    const rest = await reportOf(await exported('rest'));
    expect(rest.isComplete).toBe(false);
    expect(rest.resolvers[0]?.gaps).toEqual([expect.stringContaining('partition 1 of queries is not there')]);
    expect(rest.queries).toBeGreaterThan(0);
    expect(rest.queries).toBeLessThan(whole.queries);
    // What is left is known, and its chain goes on.
    await send(pieces.filter(([, piece]) => piece.kind === 'block' && piece.block.ordinal > 1));
    expect(server.sql('SELECT count(*) FROM cordon.conflicts')).toBe('0');
  });

  test('a key that somebody with the role of the collector adds signs nothing, and a label is no path', async () => {
    const { pieces } = await record(1);
    await send(pieces);
    const { pieces: others } = await record(2, 50);
    const [, forged] = others.find(([, piece]) => piece.kind === 'key') ?? [];
    const [, sent] = pieces.find(([, piece]) => piece.kind === 'key') ?? [];
    if (forged?.kind !== 'key' || sent?.kind !== 'key') throw new Error('there are keys');
    expect((await reportOf(await exported('before'))).resolvers[0]?.gaps.join()).not.toContain('key');
    const real = server.sql('SELECT proof FROM cordon.keys');
    for (const [id, proof] of [
      ['aa', real],
      ['bb', '{}'],
    ])
      server.sql(`SELECT cordon.add_key('ns1', '${id}', '${forged.pem}', '${proof}')`, 'cordon_collector');
    const partition = [
      ...["'../elsewhere/ns2'", "'queries'", 1, "'2026-11-01'", "repeat('00', 32)", 1],
      ...["'ns2'", "'1'", "'2026-11-01T00:00:00.000Z'", false],
    ];
    server.sql(`SELECT cordon.add_partition(${partition.join(', ')})`, 'cordon_collector');
    expect(server.sql('SELECT count(DISTINCT label) FROM cordon.partitions')).toBe('2');
    const after = await exported('after');
    expect(existsSync(join(directory, 'elsewhere'))).toBe(false);
    expect(readFileSync(join(after, 'alarms.jsonl'), 'utf8')).toContain('elsewhere/ns2\\", which is no name');
    const { resolvers, isComplete } = await reportOf(after);
    expect(isComplete).toBe(false);
    const gaps = resolvers[0]?.gaps.join('\n');
    expect(gaps).toContain('key aa in the database is not one that the resolver sent');
    expect(gaps).toContain('key bb in the database is not one that the resolver sent');
  });

  test('who was in the fleet is read from signed entries only, whatever else stands there', {
    tags: 'night',
  }, async () => {
    const { log } = PolicyLog.open(join(directory, 'policy.sqlite'), 0);
    log.append(entry);
    await store.keepPolicy(log);
    await store.keepPolicy(log);
    const thief = createKeyFile(join(directory, 'thief.pem'));
    const body = JSON.stringify({ name: 'ns9', key: createUser().getPublicKey(), enrolment: 1 });
    const forged = signEntry(
      NO_END,
      { time: '2026-11-01T00:00:00.000Z', kind: 'node', must: true, body },
      thief,
    );
    server.sql(
      `SELECT cordon.add_entry(1, repeat('ab', 32), '${JSON.stringify(forged)}')`,
      'cordon_collector',
    );
    log.close();
    expect(server.sql('SELECT count(*) FROM cordon.entries')).toBe('2');
    const members = await readMembers(await exported(), [trust]);
    expect(members.map(({ name }) => name)).toEqual(['ns1']);
  });

  test('the schema is put in again without a loss, and another version of it is told', {
    tags: 'night',
  }, async () => {
    const { pieces } = await record(1);
    await send(pieces);
    const before = ends();
    server.load();
    expect(ends()).toBe(before);
    server.sql(
      "CREATE OR REPLACE FUNCTION cordon.version() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 7'",
    );
    const database = new Database(accessOf('cordon_collector'));
    await expect(database.check()).rejects.toMatchObject({ code: 'ERR_FLEET_DATABASE_SCHEMA' });
    await database.close();
    server.load();
  });

  test('a wrong password, one that others may read, and a server that is not there: clear errors without it', async () => {
    const failing = async (change: object): Promise<string> => {
      const database = new Database({ ...accessOf('cordon_collector'), ...change });
      const error: unknown = await database.check().catch((thrown: unknown) => thrown);
      await database.close();
      expect(error).toMatchObject({ code: 'ERR_FLEET_DATABASE' });
      return String(error);
    };
    const wrong = join(directory, 'wrong');
    writeFileSync(wrong, 'wrong-password\n', { mode: 0o600 });
    const open_ = join(directory, 'open');
    writeFileSync(open_, 'wrong-password\n', { mode: 0o644 });
    const texts = [
      await failing({ passwordPath: wrong }),
      await failing({ passwordPath: open_ }),
      await failing({ passwordPath: join(directory, 'none') }),
      await failing({ passwordPath: undefined }),
      await failing({ port: 1 }),
      await failing({ database: 'other' }),
    ];
    expect(texts[0]).toContain('password authentication failed');
    expect(texts[1]).toContain('everybody may read');
    expect(texts[4]).toContain('ECONNREFUSED');
    expect(texts.join()).not.toContain('wrong-password');
    expect(readFileSync(wrong, 'utf8')).toBe('wrong-password\n');
  });
});

describe('a PostgreSQL that is reached through TLS', needingPostgresql, () => {
  test('is believed by a certificate of the CA for its name or address only, and never without TLS', {
    tags: 'night',
  }, async () => {
    const ours = CertificateAuthority.create();
    const theirs = CertificateAuthority.create();
    // Beyond loopback in the eyes of the program: 127.0.0.1, written as an IPv6 address.
    const host = '::ffff:7f00:1';
    const good = ours.issue({ names: ['IP:::ffff:127.0.0.1'] });
    const misnamed = ours.issue({ names: ['DNS:db.example.net', 'IP:127.0.0.1'] });
    const outcomes: string[] = [];
    const look = async (pg: Postgresql, caPath: string | undefined): Promise<void> => {
      const address = readDatabaseAddress(pg.url('cordon_collector', `[${host}]`));
      if ('problem' in address) throw new Error(address.problem);
      const database = new Database({
        ...address,
        passwordPath: pg.passwordFile('cordon_collector'),
        caPath,
      });
      outcomes.push(await database.check().then(() => 'connected', String));
      await database.close();
    };
    const encrypted = await Postgresql.start({ cert: good.certificateFile, key: good.keyFile });
    try {
      await look(encrypted, ours.issued.certificateFile);
      await look(encrypted, theirs.issued.certificateFile);
      await look(encrypted, undefined);
      expect(encrypted.sql("SELECT count(*) FROM pg_stat_ssl WHERE ssl AND version <> 'TLSv1.3'")).toBe('0');
    } finally {
      await encrypted.close();
    }
    const other = await Postgresql.start({ cert: misnamed.certificateFile, key: misnamed.keyFile });
    try {
      await look(other, ours.issued.certificateFile);
    } finally {
      await other.close();
    }
    const plain = await Postgresql.start();
    try {
      await look(plain, ours.issued.certificateFile);
      expect(plain.output).not.toContain('cordon_collector');
    } finally {
      await plain.close();
    }
    expect(outcomes[0]).toBe('connected');
    for (const text of outcomes.slice(1, 3)) expect(text).toMatch(/ERR_FLEET_DATABASE.*|certificate/);
    expect(outcomes[1]).toContain('certificate');
    expect(outcomes[2]).toContain('certificate');
    expect(outcomes[3]).toMatch(/IP: .* is not in the cert's list/);
    expect(outcomes[4]).toContain('does not support SSL');
  });
});

test.each([
  ['postgresql://cordon_reader@db.example/cordon', ['db.example', 5432, 'cordon', 'cordon_reader']],
  ['postgresql://a@[2001:db8::1]:6432/c', ['2001:db8::1', 6432, 'c', 'a']],
  ['postgres://a@%2Frun%2Fpostgresql/c', ['/run/postgresql', 5432, 'c', 'a']],
])('%s is an address', (text, wanted) => {
  const address = readDatabaseAddress(text);
  if ('problem' in address) throw new Error(address.problem);
  expect([address.host, address.port, address.database, address.user]).toEqual(wanted);
});

test.each([
  ['postgresql://a:hunter2@db.example/c', 'a password stands in a file'],
  ['postgresql://a@db.example/c?sslmode=disable', 'TLS is always verified in full'],
  ['postgresql://db.example/c', 'user, host and name are needed'],
  ['postgresql://a@db.example', 'user, host and name are needed'],
  ['http://a@db.example/c', 'it is not postgresql://'],
  ['hunter2', 'it is not postgresql://'],
])('%s is refused without a word of what it says', (text, problem) => {
  const read = readDatabaseAddress(text);
  expect(JSON.stringify(read)).toContain(problem);
  expect(JSON.stringify(read)).not.toContain('hunter2');
});
