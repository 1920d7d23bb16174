// Verification: records that were written are found in order, and every change of them by hand is found.
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ChainStore } from '../../../src/evidence/records/chain-store.ts';
import type { RecordClass } from '../../../src/evidence/records/record.ts';
import { RecordsReader } from '../../../src/evidence/records/records-reader.ts';
import { verifyRecords } from '../../../src/evidence/records/verify.ts';
import { adminRecord, Bench, DAY_MS, edit, findingsOf, HOUR_MS, readAll, recordsDirectory } from './setup.ts';

/** Three days of both classes, the last of which was stopped; copied for each test. */
let original = '';
/** The same, some hours before it was stopped. */
let earlier = '';

const build = async (): Promise<void> => {
  const bench = new Bench({ identity: { kind: 'full' } });
  for (let day = 0; day < 3; day++) {
    for (let hour = 0; hour < 3; hour++) {
      bench.emit(130, { client: `192.0.2.${hour + 1}` });
      bench.recording.write(adminRecord(day * 10 + hour, new Date(bench.nowMs).toISOString()));
      bench.advance(HOUR_MS);
      if (day === 2 && hour === 1) cpSync(bench.directory, earlier, { recursive: true });
    }
    bench.advance(DAY_MS - 3 * HOUR_MS);
    bench.emit(70);
    bench.advance(1_000);
  }
  await bench.recording.stop();
  cpSync(bench.directory, original, { recursive: true });
};

beforeAll(async () => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-verify-test-'));
  original = join(directory, 'original');
  earlier = join(directory, 'earlier');
  await build();
});
afterAll(() => {
  rmSync(join(original, '..'), { recursive: true, force: true });
});

/** A copy that a test may change. */
const copyOf = (directory: string): string => {
  const copy = recordsDirectory();
  cpSync(directory, copy, { recursive: true });
  return copy;
};

const FIRST_DAY = 'queries/000001-2026-11-25.sqlite';
const SECOND_DAY = 'queries/000002-2026-11-26.sqlite';
const LAST_DAY = 'queries/000004-2026-11-28.sqlite';

test('finds nothing in what was left alone, running or stopped', async () => {
  const result = await verifyRecords(original);
  expect(result).toMatchObject({ findings: [], more: 0, partitions: 8 });
  expect(result.records).toBeGreaterThan(3 * 460);
  expect(await findingsOf(earlier)).toEqual([]);
});

test('tells how far it is', async () => {
  const seen: string[] = [];
  await verifyRecords(original, { onProgress: ({ partition }) => void seen.push(partition) });
  expect(new Set(seen).size).toBe(4);
});

const META_VALUES: Readonly<Record<string, string>> = {
  class: "'changes'",
  ordinal: "'3'",
  day: "'2026-11-27'",
  // A digit that differs whatever it was: the key, and so the hash, is another one in each run.
  previous: "iif(substr(value, 1, 1) = 'f', 'e', 'f') || substr(value, 2)",
  first: 'value + 1',
  resolver: "'ns2'",
  version: "'9'",
  created: "'2026-11-26T00:00:00.001Z'",
};

/** A change by hand, and what has to be found; more may be. */
type Change = [what: string, change: (directory: string) => void, codes: readonly string[]];

const sql =
  (file: string, text: string) =>
  (directory: string): void =>
    edit(join(directory, file), text);

const CHANGES: readonly Change[] = [
  [
    'one letter of one record',
    sql(
      SECOND_DAY,
      "UPDATE blocks SET body = replace(body, 'www.tiktok', 'www.tiktak') WHERE first = (SELECT min(first) FROM blocks)",
    ),
    ['hash-mismatch'],
  ],
  [
    'the client of one record',
    sql(
      FIRST_DAY,
      `UPDATE blocks SET body = json_replace(body, '$[3].client', '192.0.2.99') WHERE first = 65`,
    ),
    ['hash-mismatch'],
  ],
  [
    'white space only',
    sql(FIRST_DAY, "UPDATE blocks SET body = body || ' ' WHERE first = 1"),
    ['hash-mismatch'],
  ],
  ['a hash', sql(FIRST_DAY, 'UPDATE blocks SET hash = zeroblob(32) WHERE first = 65'), ['hash-mismatch']],
  [
    'a count',
    sql(FIRST_DAY, 'UPDATE blocks SET count = count - 1 WHERE first = 1'),
    ['block-differs', 'hash-mismatch', 'records-missing'],
  ],
  [
    'the earliest time of a block',
    sql(FIRST_DAY, 'UPDATE blocks SET from_ms = from_ms - 1 WHERE first = 1'),
    ['block-differs'],
  ],
  [
    'the latest time of a block',
    sql(FIRST_DAY, 'UPDATE blocks SET until_ms = until_ms + 1 WHERE first = 1'),
    ['block-differs'],
  ],
  [
    'the number of a block',
    sql(FIRST_DAY, 'UPDATE blocks SET first = 60 WHERE first = 65'),
    ['records-missing'],
  ],
  [
    'the first block',
    sql(FIRST_DAY, 'DELETE FROM blocks WHERE first = 1'),
    ['hash-mismatch', 'records-missing', 'rollup-differs'],
  ],
  [
    'a block in the middle',
    sql(FIRST_DAY, 'DELETE FROM blocks WHERE first = 65'),
    ['hash-mismatch', 'records-missing'],
  ],
  [
    'the last block',
    sql(FIRST_DAY, 'DELETE FROM blocks WHERE first = (SELECT max(first) FROM blocks)'),
    ['chain-broken', 'tail-cut'],
  ],
  [
    'the last block of all',
    sql(LAST_DAY, 'DELETE FROM blocks WHERE first = (SELECT max(first) FROM blocks)'),
    ['tail-cut'],
  ],
  ['all blocks', sql(SECOND_DAY, 'DELETE FROM blocks'), ['chain-broken', 'rollup-differs', 'tail-cut']],
  ['two blocks that change places', swap, ['reordered']],
  ['two neighbors that change places', swapNeighbors, ['reordered']],
  ['two records of one block that change places', swapRecords, ['hash-mismatch']],
  [
    'a count of the rollup',
    sql(FIRST_DAY, "UPDATE rollup SET count = count + 1 WHERE kind = 'refusal'"),
    ['rollup-differs'],
  ],
  ['a row of the rollup', sql(FIRST_DAY, 'DELETE FROM rollup'), ['rollup-differs']],
  ...[
    'hour_ms = hour_ms + 3600000',
    "kind = 'bypass'",
    "grp = 'lab'",
    "list = 'extra'",
    "category = ''",
    "trig = ''",
    "signal = 'ddr'",
    "exemption = 'ex-000001'",
  ].map(
    (text): Change => [
      `the rollup by ${text}`,
      sql(FIRST_DAY, `UPDATE OR REPLACE rollup SET ${text}`),
      ['rollup-differs'],
    ],
  ),
  [
    'a row that is added to the rollup',
    sql(FIRST_DAY, "INSERT INTO rollup VALUES(0, 'refusal', '', '', '', '', '', '', 1)"),
    ['rollup-differs'],
  ],
  ['an estimate', sql(FIRST_DAY, 'UPDATE sketches SET registers = zeroblob(4096)'), ['sketch-differs']],
  [
    'the group of an estimate',
    sql(FIRST_DAY, "UPDATE sketches SET grp = 'lab' WHERE grp = 'default'"),
    ['sketch-differs'],
  ],
  ['the day of an estimate', sql(FIRST_DAY, "UPDATE sketches SET day = '2026-11-24'"), ['sketch-differs']],
  ['all estimates', sql(FIRST_DAY, 'DELETE FROM sketches'), ['sketch-differs']],
  ...['class', 'ordinal', 'day', 'previous', 'first', 'resolver', 'version', 'created'].flatMap(
    (name): Change[] => [
      [
        `what a partition says of itself: ${name}`,
        sql(SECOND_DAY, `UPDATE meta SET value = ${META_VALUES[name]} WHERE name = '${name}'`),
        [],
      ],
      [
        `a partition that does not say its ${name}`,
        sql(SECOND_DAY, `DELETE FROM meta WHERE name = '${name}'`),
        ['meta-differs'],
      ],
    ],
  ),
  ['a line that is added to it', sql(FIRST_DAY, "INSERT INTO meta VALUES('note', 'x')"), ['meta-differs']],
  ['a table that is added', sql(FIRST_DAY, 'CREATE TABLE hidden(x)'), ['schema-differs']],
  [
    'a trigger that is added',
    sql(FIRST_DAY, 'CREATE TRIGGER t AFTER INSERT ON blocks BEGIN DELETE FROM rollup; END'),
    ['schema-differs'],
  ],
  ['an index that is gone', sql(FIRST_DAY, 'DROP INDEX blocks_time'), ['schema-differs']],
  [
    'a view that shows something else',
    sql(FIRST_DAY, 'DROP VIEW records; CREATE VIEW records AS SELECT 1'),
    ['schema-differs'],
  ],
  ['the version of the schema', sql(FIRST_DAY, 'PRAGMA user_version = 7'), ['schema-differs']],
  ['the mark of the program', sql(FIRST_DAY, 'PRAGMA application_id = 7'), ['schema-differs']],
  ['the first partition', (directory) => rmSync(join(directory, FIRST_DAY)), ['partition-missing']],
  ['a partition in the middle', (directory) => rmSync(join(directory, SECOND_DAY)), ['partition-missing']],
  ['the last partition', (directory) => rmSync(join(directory, LAST_DAY)), ['partition-missing', 'tail-cut']],
  [
    'all partitions of a class',
    (directory) => rmSync(join(directory, 'changes'), { recursive: true }),
    ['partition-missing'],
  ],
  ['partitions that change names', exchangeFiles, ['meta-differs']],
  [
    'a partition that is put in from elsewhere',
    (directory) => cpSync(join(directory, FIRST_DAY), join(directory, 'queries/000005-2026-11-29.sqlite')),
    ['meta-differs'],
  ],
  [
    'a partition of the other class',
    (directory) => cpSync(join(directory, 'changes/000002-2026-11-26.sqlite'), join(directory, SECOND_DAY)),
    ['meta-differs'],
  ],
  [
    'an older copy of a partition',
    (directory) =>
      cpSync(
        join(earlier, 'queries/000003-2026-11-27.sqlite'),
        join(directory, 'queries/000003-2026-11-27.sqlite'),
      ),
    ['chain-broken', 'tail-cut'],
  ],
  [
    'a partition that is no database',
    (directory) => writeFileSync(join(directory, SECOND_DAY), 'nothing'),
    ['partition-unreadable'],
  ],
  [
    'a file that is added',
    (directory) => writeFileSync(join(directory, 'queries', 'notes.txt'), 'x'),
    ['file-unknown'],
  ],
  ['a line of the heads', editHeads((lines) => lines.toSpliced(3, 1)), ['head-missing']],
  ['the first line of the heads', editHeads((lines) => lines.slice(1)), ['head-missing']],
  ['the last lines of the heads', editHeads((lines) => lines.slice(0, -2)), ['head-missing']],
  [
    'the order of the heads',
    editHeads((lines) => [...lines.slice(2, 4), ...lines.slice(0, 2), ...lines.slice(4)]),
    ['head-missing'],
  ],
  [
    'a number in a head',
    editHeads((lines) => lines.map((line) => line.replace('"count":', '"count":1'))),
    ['head-signature'],
  ],
  [
    'a head that is no JSON',
    editHeads((lines) => lines.map((line, index) => (index === 2 ? 'x' : line))),
    ['head-unreadable'],
  ],
  ['all heads', (directory) => rmSync(join(directory, 'heads.jsonl')), ['head-missing']],
  ['the key', (directory) => rmSync(join(directory, 'signing-key.pub.pem')), ['head-signature']],
];

test.each(CHANGES)('finds %s', async (_, change, codes) => {
  const directory = copyOf(original);
  change(directory);
  const found = await findingsOf(directory);
  expect(found).not.toEqual([]);
  expect(found).toEqual(expect.arrayContaining([...codes]));
});

test('locates one edit to its partition, block and time', async () => {
  const directory = copyOf(original);
  sql(
    FIRST_DAY,
    "UPDATE blocks SET body = replace(body, '192.0.2.1', '192.0.2.9') WHERE first = 65",
  )(directory);
  const { findings } = await verifyRecords(directory);
  expect(findings.filter(({ code }) => code !== 'sketch-differs')).toEqual([
    {
      code: 'hash-mismatch',
      class: 'queries',
      ordinal: 1,
      block: 65,
      text: expect.stringContaining('not what was written'),
      from: '2026-11-25T12:00:00.000Z',
      until: '2026-11-25T12:00:00.000Z',
    },
  ]);
});

test('finds a chain that was written anew by its heads', async () => {
  // Whoever can compute hashes writes consistent ones; only what was signed before tells.
  const directory = copyOf(original);
  rewriteChain(join(directory, LAST_DAY));
  expect(await findingsOf(directory)).toEqual(expect.arrayContaining(['head-differs']));
});

describe('records behind the one that was noted and signed last', () => {
  /** Adds one block to a chain as the program would. */
  const add = (directory: string, recordClass: RecordClass, record: object): void => {
    const { store } = ChainStore.open({
      directory,
      class: recordClass,
      resolver: 'ns1.agency.example',
      version: '1.2.3',
      day: '2026-11-28',
      nowMs: Date.parse('2026-11-28T12:00:00Z'),
      expected: undefined,
      lastHead: undefined,
      wasBegun: true,
    });
    const nowMs = Date.parse('2026-11-28T12:00:00Z');
    const body = JSON.stringify([{ time: '2026-11-28T12:00:00.000Z', ...record }]);
    const block = { count: 1, fromMs: nowMs, untilMs: nowMs, body };
    store.append({ blocks: [block], rollup: [], risen: [] });
    store.close();
  };

  test('are found after a stop: the program did not write them', async () => {
    const directory = copyOf(original);
    add(directory, 'queries', { kind: 'refusal' });
    expect(await findingsOf(directory)).toContain('tail-added');
  });

  test('are found in both chains when a start stands among them', async () => {
    const directory = copyOf(original);
    add(directory, 'changes', { kind: 'service', event: 'start', version: '1.2.3' });
    add(directory, 'queries', { kind: 'refusal' });
    const found = (await verifyRecords(directory)).findings.filter(({ code }) => code === 'tail-added');
    expect(found.map((finding) => finding.class).toSorted()).toEqual(['changes', 'queries']);
  });

  test('are none of a stranger when the program was killed: it had no time to note them', async () => {
    const bench = new Bench();
    bench.record(10);
    bench.advance(HOUR_MS);
    const position = readFileSync(join(bench.directory, 'position'));
    bench.record(10);
    bench.crash();
    writeFileSync(join(bench.directory, 'position'), position);
    expect(await findingsOf(bench.directory)).toEqual([]);
  });
});

describe('heads that were kept elsewhere', () => {
  test('find what was taken back to an earlier state as a whole', async () => {
    expect(await findingsOf(earlier)).toEqual([]);
    const found = await findingsOf(earlier, { headsFile: join(original, 'heads.jsonl') });
    expect(found).toEqual(expect.arrayContaining(['tail-cut', 'partition-missing']));
  });

  test('need not be all of them', async () => {
    const some = join(recordsDirectory(), '..', 'some.jsonl');
    const lines = readFileSync(join(original, 'heads.jsonl'), 'utf8').split('\n').slice(0, -1);
    writeFileSync(some, `${lines.filter((_, index) => index % 3 === 1).join('\n')}\n`);
    expect(await findingsOf(original, { headsFile: some })).toEqual([]);
  });

  test('are checked with the key that was kept elsewhere', async () => {
    const other = new Bench();
    other.record(1);
    const keyFile = join(other.directory, 'signing-key.pub.pem');
    expect(await findingsOf(original, { keyFile })).toEqual(['checkpoint-signature', 'head-signature']);
    await expect(verifyRecords(original, { keyFile: join(original, 'heads.jsonl') })).rejects.toMatchObject({
      code: 'ERR_COMPLIANCE_SIGNING_KEY',
    });
  });
});

test('a directory that is not there is an error', async () => {
  await expect(verifyRecords('/nonexistent/records')).rejects.toMatchObject({
    code: 'ERR_COMPLIANCE_NO_RECORDS',
  });
});

test('reads between two times give the records of that time only', async () => {
  const reader = RecordsReader.open(original);
  const from = Date.parse('2026-11-26T12:30:00.000Z');
  const times = new Set<string>();
  for await (const { record } of reader.records('queries', from, from + 2 * HOUR_MS)) times.add(record.time);
  reader.close();
  expect([...times].every((time) => time >= '2026-11-26T12:30' && time < '2026-11-26T14:30')).toBe(true);
  expect(times.size).toBeGreaterThan(1);
});

test('the view of a partition answers sqlite3', () => {
  const database = new DatabaseSync(join(original, FIRST_DAY), { readOnly: true });
  const rows = database
    .prepare(
      "SELECT count(*) AS count FROM records WHERE kind = 'refusal' AND client = '192.0.2.2' AND list = 'tiktok'",
    )
    .get();
  database.close();
  expect(rows?.['count']).toBe(130);
});

function swap(directory: string): void {
  exchangeBlocks(directory, 1, 133);
}

function swapNeighbors(directory: string): void {
  exchangeBlocks(directory, 65, 129);
}

/** Blocks keep their numbers and change everything else. */
function exchangeBlocks(directory: string, left: number, right: number): void {
  const names = 'count, from_ms, until_ms, body, hash';
  edit(
    join(directory, FIRST_DAY),
    `CREATE TEMP TABLE moved AS SELECT * FROM blocks WHERE first IN (${left}, ${right});
     UPDATE blocks SET (${names}) = (SELECT ${names} FROM moved WHERE first = ${right}) WHERE first = ${left};
     UPDATE blocks SET (${names}) = (SELECT ${names} FROM moved WHERE first = ${left}) WHERE first = ${right}`,
  );
}

function swapRecords(directory: string): void {
  const database = new DatabaseSync(join(directory, FIRST_DAY));
  const body = String(database.prepare('SELECT body FROM blocks WHERE first = 129').get()?.['body']);
  const [first, second, ...rest] = JSON.parse(body) as object[];
  const changed = JSON.stringify([second, first, ...rest]);
  database.prepare('UPDATE blocks SET body = ? WHERE first = 129').run(changed);
  database.close();
}

function exchangeFiles(directory: string): void {
  renameSync(join(directory, FIRST_DAY), join(directory, 'aside'));
  renameSync(join(directory, SECOND_DAY), join(directory, FIRST_DAY));
  renameSync(join(directory, 'aside'), join(directory, SECOND_DAY));
}

function editHeads(change: (lines: string[]) => string[]): (directory: string) => void {
  return (directory) => {
    const path = join(directory, 'heads.jsonl');
    const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
    writeFileSync(path, `${change(lines).join('\n')}\n`);
  };
}

/** Changes a record and computes all hashes of the partition anew, as the format's description allows anybody to. */
function rewriteChain(path: string): void {
  const database = new DatabaseSync(path);
  const meta = new Map(
    database
      .prepare('SELECT name, value FROM meta')
      .all()
      .map((row) => [String(row['name']), String(row['value'])]),
  );
  const names = ['class', 'ordinal', 'day', 'previous', 'first', 'resolver', 'version', 'created'];
  const opening = [
    'cordon records partition 1',
    ...names.map((name) => `${name} ${meta.get(name)}`),
    '',
  ].join('\n');
  let hash = sha256(Buffer.from(opening));
  for (const row of database.prepare('SELECT first, count, body FROM blocks ORDER BY first').all()) {
    const body = String(row['body']).replaceAll('192.0.2.7', '192.0.2.8');
    const numbers = Buffer.alloc(12);
    numbers.writeBigUInt64BE(BigInt(Number(row['first'])), 0);
    numbers.writeUInt32BE(Number(row['count']), 8);
    hash = sha256(Buffer.concat([hash, numbers, Buffer.from(body)]));
    database
      .prepare('UPDATE blocks SET body = ?, hash = ? WHERE first = ?')
      .run(body, hash, Number(row['first']));
  }
  database.close();
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

test('the example has what the changes are made to', () => {
  expect(readdirSync(join(original, 'queries')).filter((name) => name.endsWith('.sqlite'))).toHaveLength(4);
});

describe('what other files prove to have existed', () => {
  const remove =
    (...names: string[]) =>
    (directory: string): void => {
      for (const name of names) rmSync(join(directory, name), { recursive: true, force: true });
    };
  const keepOnly =
    (...names: string[]) =>
    (directory: string): void => {
      for (const name of readdirSync(directory))
        if (!names.includes(name)) rmSync(join(directory, name), { recursive: true });
    };

  test.each<[string, (directory: string) => void, readonly string[]]>([
    [
      'both chains and the heads',
      remove('queries', 'changes', 'heads.jsonl'),
      ['partition-missing', 'partition-missing'],
    ],
    [
      'everything but the note of the recorder',
      keepOnly('position'),
      ['partition-missing', 'partition-missing'],
    ],
    ['everything but the keys', keepOnly('signing-key.pem'), ['partition-missing', 'partition-missing']],
    [
      'everything but the secret of the estimate',
      keepOnly('sketch-key'),
      ['partition-missing', 'partition-missing'],
    ],
    ['one chain and the heads', remove('queries', 'heads.jsonl'), ['head-missing', 'partition-missing']],
    ['the heads', remove('heads.jsonl'), ['head-missing']],
    ['both chains', remove('queries', 'changes'), ['partition-missing']],
  ])('%s deleted is found', async (_, change, codes) => {
    const directory = copyOf(original);
    change(directory);
    const { findings } = await verifyRecords(directory);
    expect(findings.map(({ code }) => code)).toEqual(expect.arrayContaining([...codes]));
  });

  test('how many records had been written is told where the recorder noted it', async () => {
    const directory = copyOf(original);
    remove('queries', 'changes', 'heads.jsonl')(directory);
    const { findings } = await verifyRecords(directory);
    expect(findings.map(({ text }) => text).join('\n')).toMatch(
      /no partition of queries is there.*position.*: \d+ records had been written/,
    );
  });

  test('a directory in which nothing was begun has no finding, and one of which another file tells has', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'cordon-empty-'));
    expect((await verifyRecords(directory)).findings).toEqual([]);
    const witnesses = [{ file: 'register.sqlite', text: '3 events of exemptions' }];
    const { findings } = await verifyRecords(directory, { witnesses });
    rmSync(directory, { recursive: true });
    expect(findings).toHaveLength(2);
    expect(findings[0]?.text).toContain('register.sqlite (3 events of exemptions)');
  });

  test('a note of another last record is found', async () => {
    const directory = copyOf(original);
    const path = join(directory, 'position');
    const text = readFileSync(path, 'utf8');
    writeFileSync(
      path,
      text.replace(/"hash":"../, (found) => `${found.slice(0, -2)}${found.endsWith('00') ? '11' : '00'}`),
    );
    expect(await findingsOf(directory)).toContain('tail-cut');
  });
});

describe('at the start', () => {
  test('garbage among the heads is told at once, in the log and in the records', async () => {
    const directory = copyOf(original);
    const path = join(directory, 'heads.jsonl');
    const lines = readFileSync(path, 'utf8').split('\n');
    lines[1] = 'garbage';
    writeFileSync(path, lines.join('\n'));
    const bench = new Bench({ directory, start: '2026-11-29T00:00:00.000Z' });
    bench.recording.tick();
    expect(bench.logs).toContainEqual({
      level: 'error',
      fields: { file: 'heads.jsonl', cause: expect.stringContaining('line 2 holds no head') },
      text: 'records are damaged',
    });
    const changes = await readAll(directory, 'changes');
    expect(changes).toContainEqual(
      expect.objectContaining({ kind: 'records', event: 'damaged', file: 'heads.jsonl' }),
    );
  });

  test('records that are gone but for a key are missed, and verification goes on saying so', async () => {
    const directory = copyOf(original);
    for (const name of readdirSync(directory))
      if (name !== 'sketch-key') rmSync(join(directory, name), { recursive: true });
    const bench = new Bench({ directory, start: '2026-11-29T00:00:00.000Z' });
    bench.record(3);
    expect(bench.logs.map(({ text }) => text)).toContain('records are damaged');
    await bench.recording.stop();
    expect(await findingsOf(directory)).toEqual(['partition-missing']);
  });
});
