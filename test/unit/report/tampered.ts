// A state directory of a small office, and the ways to change it: by somebody who may write to it and has no private key.
import { generateKeyPairSync } from 'node:crypto';
import { cpSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { BlockHasher, openingHash, readMeta } from '../../../src/evidence/records/partition.ts';
import type { ChangeRecord } from '../../../src/evidence/records/record.ts';
import { appendBlock } from '../../support/block-forgery.ts';
import { Bench, DAY_MS, HOUR_MS } from '../records/setup.ts';

/** Who is put in where somebody else stood. */
export const LIAR = 'E. Vil';

const paper = (state: string, more: object = {}): object => ({
  ...{
    id: 'ex-000001',
    state,
    origin: { kind: 'command' },
    profile: { id: 'us-federal', sha256: 'ef'.repeat(32) },
  },
  ...{ requestedBy: 'R. Researcher', requestedAt: '2026-11-25T13:00:00.000Z', grounds: 'security-research' },
  ...{ justification: 'Analysis.', alternatives: 'None.', mitigations: [], groups: ['lab'], clients: [] },
  ...{ from: '2026-11-26T00:00:00.000Z', until: '2027-02-01T00:00:00.000Z' },
  ...more,
});
const APPROVAL = { approvedBy: 'A. Head', role: 'agency-head', approvedAt: '2026-11-25T14:00:00.000Z' };

const write = (bench: Bench, record: object): void => {
  bench.recording.write({ time: new Date(bench.nowMs).toISOString(), ...record } as ChangeRecord);
  bench.advance(1_000);
};

/** Three days and a bit of a small office. */
export const live = async (original: string): Promise<void> => {
  const bench = new Bench({ directory: join(original, 'records') });
  bench.recording.tick();
  bench.advance(1_000);
  write(bench, { kind: 'enforcement', event: 'gap-end', cause: 'startup', ms: 900 });
  write(bench, {
    ...{ kind: 'list', event: 'in-force', list: 'tiktok', category: 'social', mandate: true },
    ...{ sha256: 'aa'.repeat(32), entries: 120, generation: 1 },
  });
  write(bench, {
    kind: 'exemption',
    event: 'requested',
    id: 'ex-000001',
    by: 'R. Researcher',
    paper: paper('requested'),
  });
  bench.advance(HOUR_MS);
  const approved = paper('approved', APPROVAL);
  write(bench, {
    kind: 'exemption',
    event: 'approved',
    id: 'ex-000001',
    by: 'A. Head',
    role: 'agency-head',
    paper: approved,
  });
  for (let day = 0; day < 3; day++) {
    for (let hour = 0; hour < 4; hour++) {
      bench.record(70, { client: `192.0.2.${hour + 1}` });
      bench.record(5, { list: 2, client: '192.0.2.9' });
      write(bench, { kind: 'admin', action: `look-${day}-${hour}`, by: 'kim' });
      bench.advance(HOUR_MS);
    }
    if (day === 0) {
      bench.nowMs = Date.parse('2026-11-26T00:00:00.000Z');
      const active = paper('active', { ...APPROVAL, activeAt: '2026-11-26T00:00:00.000Z' });
      write(bench, { kind: 'exemption', event: 'active', id: 'ex-000001', paper: active });
    }
    write(bench, {
      ...{ kind: 'probe', event: 'sweep', generation: 1, began: new Date(bench.nowMs).toISOString() },
      outcome: 'enforced',
      results: [
        {
          view: 'group:lab',
          transport: 'udp',
          qtype: 'A',
          outcome: 'enforced',
          asked: 9,
          leaked: 0,
          failed: 0,
          examples: [],
        },
      ],
    });
    bench.advance(DAY_MS - 5 * HOUR_MS);
  }
  await bench.recording.stop();
};

export const editing =
  (file: string, change: (database: DatabaseSync) => void) =>
  (state: string): void => {
    const database = new DatabaseSync(join(state, 'records', file));
    try {
      change(database);
    } finally {
      database.close();
    }
  };
export const sql = (file: string, text: string) => editing(file, (database) => database.exec(text));

export const CHANGES = ['1', '2', '3', '4'].map((n, day) => `changes/00000${n}-2026-11-${25 + day}.sqlite`);
export const QUERIES = CHANGES.map((name) => name.replace('changes', 'queries'));
export const [CHANGES_1 = '', CHANGES_2 = ''] = CHANGES;
const [QUERIES_1 = '', QUERIES_2 = ''] = QUERIES;
export const FALSIFY = `UPDATE blocks SET body = replace(body, 'A. Head', '${LIAR}') WHERE body LIKE '%A. Head%'`;

/** Computes hashes again from the first block on, so that each file fits in itself; `count` of blocks that are not true. */
const rehash = (database: DatabaseSync, count = Number.POSITIVE_INFINITY): Buffer => {
  const meta = readMeta(database);
  if (meta === undefined) throw new Error('no meta');
  const hasher = new BlockHasher();
  let hash = openingHash(meta);
  let done = 0;
  for (const row of database.prepare('SELECT first, count, body, hash FROM blocks ORDER BY first').all()) {
    const before = Buffer.from(row['hash'] as Uint8Array);
    hash = hasher.hash(hash, Number(row['first']), Number(row['count']), String(row['body']));
    if (hash.equals(before)) continue;
    database.prepare('UPDATE blocks SET hash = ? WHERE first = ?').run(hash, Number(row['first']));
    if (++done >= count) break;
  }
  return hash;
};

/** Falsifies the approver, and all of the chain behind so that it fits again. */
const rewriteChain = (state: string): void => {
  let previous: string | undefined;
  for (const file of CHANGES)
    editing(file, (database) => {
      if (previous !== undefined)
        database.prepare("UPDATE meta SET value = ? WHERE name = 'previous'").run(previous);
      database.exec(FALSIFY);
      previous = rehash(database).toString('hex');
    })(state);
};

export const remove =
  (...names: string[]) =>
  (state: string): void => {
    for (const name of names) rmSync(join(state, 'records', name), { recursive: true, force: true });
  };
const headLines = (state: string, change: (lines: string[]) => string[]): void => {
  const path = join(state, 'records', 'heads.jsonl');
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  writeFileSync(path, `${change(lines).join('\n')}\n`);
};
const forgedRecords = [
  {
    time: '2026-11-27T15:00:00.000Z',
    kind: 'exemption',
    event: 'approved',
    id: 'ex-000009',
    by: LIAR,
    paper: { id: 'ex-000009', approvedBy: LIAR, groups: ['lab'] },
  },
];
const appendForged = (state: string): void => {
  const atMs = Date.parse('2026-11-27T15:00:00.000Z');
  appendBlock(join(state, 'records', CHANGES.at(-1) ?? ''), forgedRecords, atMs);
};

/** A way to change a state directory, by somebody who may write to it and has no private key. */
export type Way = [name: string, change: (state: string) => void];

export const WAYS: readonly Way[] = [
  ['the approver in its block', sql(CHANGES_1, FALSIFY)],
  [
    'the approver in every block',
    (state) => {
      for (const file of CHANGES) sql(file, FALSIFY)(state);
    },
  ],
  [
    'the approver with the hash of its block, so that the next one does not fit',
    editing(CHANGES_1, (database) => {
      database.exec(FALSIFY);
      rehash(database, 1);
    }),
  ],
  [
    'the approver with all hashes of the day',
    editing(CHANGES_1, (database) => {
      database.exec(FALSIFY);
      rehash(database);
    }),
  ],
  ['the approver with all hashes of the chain', rewriteChain],
  [
    'the approver with all hashes of the chain, without the heads',
    (state) => {
      rewriteChain(state);
      remove('heads.jsonl')(state);
    },
  ],
  [
    'the approver with all hashes of the chain, and heads that say the same',
    (state) => {
      rewriteChain(state);
      const hashes = new Map<number, string>();
      for (const file of CHANGES)
        editing(file, (database) => {
          for (const row of database.prepare('SELECT first, count, hash FROM blocks').all())
            hashes.set(
              Number(row['first']) + Number(row['count']) - 1,
              Buffer.from(row['hash'] as Uint8Array).toString('hex'),
            );
        })(state);
      headLines(state, (lines) =>
        lines.map((line) => {
          const head = JSON.parse(line) as { class: string; last: number; hash: string };
          return JSON.stringify({
            ...head,
            hash: head.class === 'changes' ? (hashes.get(head.last) ?? head.hash) : head.hash,
          });
        }),
      );
    },
  ],
  ['an approval put behind the end', appendForged],
  [
    'an approval put behind the end, and the note of the recorder with it',
    (state) => {
      appendForged(state);
      remove('position')(state);
    },
  ],
  [
    'an approval put behind the end, and a note that says so',
    (state) => {
      appendForged(state);
      const path = join(state, 'records', 'position');
      editing(CHANGES.at(-1) ?? '', (database) => {
        const { first, count, hash } = database
          .prepare('SELECT first, count, hash FROM blocks ORDER BY first DESC LIMIT 1')
          .get() as { first: number; count: number; hash: Uint8Array };
        const note = JSON.parse(readFileSync(path, 'utf8')) as object;
        const changes = { sequence: first + count - 1, hash: Buffer.from(hash).toString('hex') };
        writeFileSync(path, `${JSON.stringify({ ...note, changes })}\n`);
      })(state);
    },
  ],
  [
    'the name in a refusal',
    sql(QUERIES_1, `UPDATE blocks SET body = replace(body, 'tiktok.example', '${'evil'}.example')`),
  ],
  [
    'the group of refusals, with all hashes',
    editing(QUERIES_1, (database) => {
      database.exec(`UPDATE blocks SET body = replace(body, '"group":"default"', '"group":"evil"')`);
      database.exec("UPDATE rollup SET grp = 'evil'");
      rehash(database);
    }),
  ],
  ['a count', sql(QUERIES_1, 'UPDATE rollup SET count = count + 1000')],
  ['a count that is gone', sql(QUERIES_2, 'DELETE FROM rollup')],
  [
    'a count put in',
    sql(
      QUERIES_2,
      `INSERT INTO rollup VALUES(${Date.parse('2026-11-26T10:00:00Z')}, 'refusal', 'evil', 'evil', '', 'qname', '', '', 7)`,
    ),
  ],
  ['an estimate', sql(QUERIES_1, "UPDATE sketches SET registers = zeroblob(4096) WHERE grp = '*'")],
  [
    'an estimate put in',
    sql(QUERIES_1, "INSERT INTO sketches SELECT day, 'evil', registers FROM sketches WHERE grp = '*'"),
  ],
  [
    'a block that is gone',
    sql(
      CHANGES_2,
      'DELETE FROM blocks WHERE first = (SELECT first FROM blocks ORDER BY first LIMIT 1 OFFSET 2)',
    ),
  ],
  ['the first block', sql(CHANGES_1, 'DELETE FROM blocks WHERE first = 1')],
  [
    'the last block of a day',
    sql(CHANGES_2, 'DELETE FROM blocks WHERE first = (SELECT max(first) FROM blocks)'),
  ],
  [
    'the last block of all',
    sql(CHANGES.at(-1) ?? '', 'DELETE FROM blocks WHERE first = (SELECT max(first) FROM blocks)'),
  ],
  ['all blocks of a day', sql(CHANGES_2, 'DELETE FROM blocks')],
  [
    'times of a block',
    sql(CHANGES_1, 'UPDATE blocks SET from_ms = from_ms - 86400000, until_ms = until_ms + 86400000'),
  ],
  ['the count of a block', sql(CHANGES_1, 'UPDATE blocks SET count = count + 1 WHERE first = 1')],
  ['a body that is no JSON', sql(CHANGES_2, `UPDATE blocks SET body = '${LIAR}'`)],
  [
    'two blocks that change places',
    editing(CHANGES_1, (database) => {
      const [one, other] = database
        .prepare('SELECT first, body, hash FROM blocks ORDER BY first LIMIT 2')
        .all();
      const put = database.prepare('UPDATE blocks SET body = ?, hash = ? WHERE first = ?');
      put.run(String(one?.['body']), one?.['hash'] as Uint8Array, Number(other?.['first']));
      put.run(String(other?.['body']), other?.['hash'] as Uint8Array, Number(one?.['first']));
    }),
  ],
  [
    'the resolver that a file names',
    sql(CHANGES.at(-1) ?? '', `UPDATE meta SET value = '${LIAR}' WHERE name = 'resolver'`),
  ],
  ['the schema', sql(QUERIES_1, "DROP VIEW records; CREATE VIEW records AS SELECT 'evil'")],
  ['a file of a day', remove(CHANGES_2)],
  ['a file of queries', remove(QUERIES_2)],
  ['the last file', remove(CHANGES.at(-1) ?? '')],
  ['a file that is garbage', (state) => writeFileSync(join(state, 'records', CHANGES_2), LIAR.repeat(1_000))],
  ['a file that is cut', (state) => truncateSync(join(state, 'records', QUERIES_2), 8_192)],
  [
    'a file under the number of another',
    (state) => {
      const path = join(state, 'records', CHANGES_2);
      renameSync(path, path.replace('000002', '000009'));
    },
  ],
  [
    'a copy of a file under another number',
    (state) => {
      const path = join(state, 'records', CHANGES_1);
      cpSync(path, path.replace('000001', '000007'));
    },
  ],
  [
    "a file that is nobody's",
    (state) => writeFileSync(join(state, 'records', 'changes', 'more.sqlite'), LIAR),
  ],
  ['all changes', remove('changes')],
  ['all queries', remove('queries')],
  ['both chains', remove('changes', 'queries')],
  ['both chains and the heads', remove('changes', 'queries', 'heads.jsonl')],
  ['both chains, the heads and the note', remove('changes', 'queries', 'heads.jsonl', 'position')],
  ['the records', remove('')],
  [
    'everything',
    (state) => {
      for (const name of readdirSync(state))
        if (name !== 'cordon.yaml') rmSync(join(state, name), { recursive: true });
    },
  ],
  ['the heads', remove('heads.jsonl')],
  ['the last heads', (state) => headLines(state, (lines) => lines.slice(0, -3))],
  ['a head in the middle', (state) => headLines(state, (lines) => lines.toSpliced(3, 1))],
  ['a head that is garbage', (state) => headLines(state, (lines) => lines.with(2, LIAR))],
  [
    'the resolver of the heads',
    (state) => headLines(state, (lines) => lines.map((line) => line.replace('ns1.agency.example', LIAR))),
  ],
  [
    'a head put behind',
    (state) => {
      headLines(state, (lines) => [
        ...lines,
        (lines.at(-1) ?? '').replace(/"signedAt":"[^"]+"/, '"signedAt":"2030-01-01T00:00:00.000Z"'),
      ]);
    },
  ],
  ['the public key', remove('signing-key.pub.pem')],
  [
    'the public key by another',
    (state) => {
      const { publicKey } = generateKeyPairSync('ed25519');
      writeFileSync(
        join(state, 'records', 'signing-key.pub.pem'),
        publicKey.export({ type: 'spki', format: 'pem' }),
      );
    },
  ],
  [
    'the note of how far the recorder was',
    (state) => {
      const path = join(state, 'records', 'position');
      writeFileSync(path, readFileSync(path, 'utf8').replace(/"sequence":\d+/g, '"sequence":99999'));
    },
  ],
];
