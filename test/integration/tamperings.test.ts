// Who notices what: each way to change a state directory, against verification, the report, the next start, and a witness.
// The table of docs/records.md is what comes of it; CORDON_WRITE_TABLE=1 writes it there.
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test, vi } from 'vitest';
import { registerWitnesses } from '../../src/evidence/exemptions/register-witness.ts';
import { readCheckpoint, type SignedCheckpoint } from '../../src/evidence/records/checkpoint-file.ts';
import { readPublicKeys } from '../../src/evidence/records/heads.ts';
import { verifyRecords } from '../../src/evidence/records/verify.ts';
import { RecordsSource } from '../../src/evidence/report/records-source.ts';
import {
  createVerifier,
  formatNote,
  formatVerifier,
  SIGNATURE_TYPE,
  signNote,
  startWitness,
  Witness,
  type WitnessServer,
} from '../../src/wire/transparency/transparency.ts';
import { appendBlock } from '../support/block-forgery.ts';
import { NIGHT } from '../support/night.ts';
import { findProgram, run as runProgram } from '../support/process.ts';
import { forgeRegister } from '../support/register-forgery.ts';
import { startRun } from '../unit/exemptions/run.ts';
import { adminRecord, Bench, DAY_MS, HOUR_MS } from '../unit/records/setup.ts';
import { CHANGES, live, QUERIES, remove, WAYS } from '../unit/report/tampered.ts';

const ORIGIN = 'ns1.agency.example';
const DOCS = fileURLToPath(new URL('../../docs/records.md', import.meta.url));
const SCRIPT = fileURLToPath(new URL('../../docs/verify_records.py', import.meta.url));
const BEGIN = '<!-- tamperings: begin -->\n';
const END = '<!-- tamperings: end -->\n';
/** After everything that the states tell of. */
const LATER_MS = Date.parse('2026-11-29T09:00:00.000Z');

const root = mkdtempSync(join(tmpdir(), 'cordon-table-'));
let original = '';
/** With a register: one exemption in force, and one that was revoked. */
let granted = '';
const servers: WitnessServer[] = [];
const close = async (): Promise<void> => {
  for (const server of servers.splice(0)) await server.close();
};
const KEYS = ['w1', 'w2'].map((name) => {
  const { privateKey } = generateKeyPairSync('ed25519');
  return {
    name: `audit.example/${name}`,
    privateKey,
    verifier: createVerifier(`audit.example/${name}`, privateKey, SIGNATURE_TYPE.cosignature),
  };
});
afterAll(async () => {
  await close();
  rmSync(root, { recursive: true, force: true });
});

const copyOf = (state: string): string => {
  const copy = mkdtempSync(join(root, 'copy-'));
  cpSync(state, copy, { recursive: true });
  return copy;
};
const checkpointOf = (state: string): SignedCheckpoint => {
  const directory = join(state, 'records');
  const found = readCheckpoint(directory, readPublicKeys(directory).values());
  if (found.kind !== 'signed') throw new Error('no checkpoint');
  return found.checkpoint;
};
/** A witness that knows a checkpoint of a log, and the key of that log. */
const startKnowing = async (state: string, index = 0): Promise<{ url: string; key: string }> => {
  const [one] = KEYS.slice(index);
  if (one === undefined) throw new Error('no such witness');
  const { size, root: hash, origin } = checkpointOf(state);
  const known = new Map([[origin, { size, root: hash, origin, note: '' }]]);
  const logKey = createPublicKey(readFileSync(join(state, 'records/signing-key.pub.pem')));
  const witness = new Witness(one.name, one.privateKey, {
    logs: [createVerifier(ORIGIN, logKey, SIGNATURE_TYPE.ed25519)],
    clock: Date.now,
    store: { last: (name) => known.get(name), save: (now) => void known.set(now.origin, now) },
  });
  const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const server = await startWitness(witness, { address: '127.0.0.1', family: 4, port: 0 }, quiet);
  servers.push(server);
  return { url: `http://${server.address}`, key: formatVerifier(one.verifier) };
};
/** What the first witness cosigned of the last checkpoint, as the resolver keeps it. */
const cosign = (state: string): void => {
  const [one] = KEYS;
  if (one === undefined) throw new Error('no witness');
  const { note, signedMs } = checkpointOf(state);
  const signatures = [...note.signatures, signNote(note.text, one.verifier, one.privateKey, signedMs)];
  const place = join(state, 'records/cosigned');
  mkdirSync(place, { recursive: true });
  const path = join(place, `${one.verifier.keyId}.checkpoint`);
  writeFileSync(path, formatNote({ text: note.text, signatures }));
};

const prepare = async (): Promise<void> => {
  original = join(root, 'original');
  mkdirSync(original);
  await live(original);
  granted = join(root, 'granted');
  mkdirSync(granted);
  const run = await startRun(granted, Date.parse('2026-11-25T12:00:00.000Z'));
  await run.grant();
  await run.grant();
  await run.revoke('ex-000002');
  run.bench.record(20);
  await run.stop();
};

/** A way, the state that it is done to, and what a witness knows: by default the state as it was. */
interface Tampering {
  readonly name: string;
  readonly change: (state: string) => void | Promise<void>;
  readonly of?: () => string;
  /** Of the states that witnesses know, one for each; undefined: one that knows the one that is changed, as it was. */
  readonly witnessed?: () => readonly string[];
  /** When the program starts next, after the usual time. */
  readonly afterMs?: number;
  /** Nothing that anybody believes is changed, before the next start at least. */
  readonly isIdle?: boolean;
}

const rewritten = (state: string): void => {
  // All of it anew, by a key of one's own, under the old name.
  remove('')(state);
  const bench = new Bench({ directory: join(state, 'records'), start: '2026-11-25T12:00:00.000Z' });
  for (let i = 0; i < 5; i++) bench.record(3);
  bench.crash();
};
const later = async (state: string): Promise<void> => {
  const run = await startRun(state, LATER_MS - HOUR_MS);
  for (let i = 0; i < 5; i++) run.bench.record(3);
  await run.stop();
};
const forgeLie = (file: string) => (state: string) => {
  const time = '2026-11-28T20:00:00.000Z';
  const lie = { time, kind: 'admin', action: 'lie', by: 'E. Vil' };
  appendBlock(join(state, 'records', file), [lie], Date.parse(time));
};

const NEW: readonly Tampering[] = [
  {
    name: 'the time of the note of how far the recorder was, which nobody believes',
    isIdle: true,
    change: (state) => {
      const path = join(state, 'records/position');
      const note = JSON.parse(readFileSync(path, 'utf8')) as object;
      writeFileSync(path, `${JSON.stringify({ ...note, time: '2026-11-29T08:59:00.000Z' })}\n`);
    },
  },
  {
    name: 'the revocation of an exemption, in the register',
    of: () => granted,
    change: (state) => forgeRegister(join(state, 'register.sqlite'), (rows) => rows.slice(0, -1)),
  },
  {
    name: 'a grant put into the register',
    of: () => granted,
    change: (state) =>
      forgeRegister(join(state, 'register.sqlite'), (rows) => [
        ...rows,
        ...rows
          .filter(({ id }) => id === 'ex-000001')
          .map((row) => ({ ...row, id: 'ex-000009', paper: { ...row.paper, id: 'ex-000009' } })),
      ]),
  },
  {
    name: 'a change put behind a stop, signed with the rest by the next start',
    change: async (state) => {
      forgeLie(CHANGES.at(-1) ?? '')(state);
      await later(state);
    },
  },
  {
    name: 'an older copy of the whole state',
    change: () => undefined,
  },
  { name: 'a fork: the same state goes on here and elsewhere', change: later },
  { name: 'a clock three days back', change: () => undefined, afterMs: -3 * DAY_MS, isIdle: true },
  {
    name: 'the last day, with the notes of it',
    change: (state) => {
      remove(CHANGES.at(-1) ?? '', QUERIES.at(-1) ?? '', 'position')(state);
    },
  },
  {
    name: 'the key of the records by another',
    change: (state) => {
      const { privateKey, publicKey } = generateKeyPairSync('ed25519');
      const place = join(state, 'records');
      writeFileSync(join(place, 'signing-key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
      writeFileSync(join(place, 'signing-key.pub.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
    },
  },
  { name: 'all records written anew, with another key', change: rewritten },
];

/** The last state of the fork's other branch, and what is newer than the older copy. */
const elsewhere = async (state: string): Promise<string> => {
  const copy = copyOf(state);
  const run = await startRun(copy, LATER_MS - HOUR_MS);
  run.bench.recording.write(adminRecord(1, new Date(run.bench.nowMs).toISOString()));
  for (let i = 0; i < 9; i++) run.bench.record(2);
  await run.stop();
  return copy;
};

const codesOf = async (state: string, more: object = {}): Promise<string[]> => {
  const options = { witnesses: registerWitnesses(state), ...more };
  try {
    const { findings } = await verifyRecords(join(state, 'records'), options);
    return findings.map(({ code }) => code);
  } catch (thrown) {
    return [String(thrown)];
  }
};
const isReportWhole = async (state: string): Promise<boolean> => {
  try {
    const source = await RecordsSource.open(join(state, 'records'));
    source.close();
    return source.check.isIntact && Object.keys(source.coverage).length > 0;
  } catch {
    return false;
  }
};

/** An implementation that shares nothing with the program says the same of the records alone, by the key that was kept. */
const compareIndependent = async (name: string, state: string, true_: string): Promise<void> => {
  if (findProgram('python3') === undefined) return;
  const key = createPublicKey(readFileSync(join(true_, 'records/signing-key.pub.pem')));
  const found = await codesOf(state, { key, witnesses: [] });
  const verifier = formatVerifier(createVerifier(ORIGIN, key, SIGNATURE_TYPE.ed25519));
  const { code, stdout, stderr } = await runProgram('python3', [
    '-B',
    SCRIPT,
    join(state, 'records'),
    verifier,
  ]);
  const said = `${name}: ${found.join(', ')}\n${stdout}`;
  expect.soft({ isFound: code === 1, stderr }, said).toEqual({ isFound: found.length > 0, stderr: '' });
};

const rowOf = async ({ name, change, of, witnessed, afterMs, isIdle }: Tampering): Promise<string[]> => {
  const true_ = of?.() ?? original;
  const state = copyOf(true_);
  const others = witnessed?.() ?? [true_];
  await change(state);
  await compareIndependent(name, state, true_);
  const kept = join(root, 'kept');
  cpSync(join(others[0] ?? '', 'records/checkpoint'), kept);
  const verified = (await codesOf(state)).length > 0;
  const reported = !(await isReportWhole(state));
  const isKept = (await codesOf(state, { checkpointFile: kept })).length > 0;
  const witnesses: { url: string; key: string }[] = [];
  for (const [index, other] of others.entries()) witnesses.push(await startKnowing(other, index));
  const run = await startRun(state, LATER_MS + (afterMs ?? 0), { witnesses });
  run.bench.record(1);
  run.bench.advance(1_500);
  await run.bench.housekeep();
  const facts = () => run.bench.recording.facts();
  const before = facts().witnesses.map(({ cosignedMs }) => cosignedMs);
  await vi.waitUntil(
    () => {
      run.bench.advance(1_000);
      return facts().witnesses.every(
        ({ finding, trouble, cosignedMs }, at) =>
          finding !== undefined || trouble !== undefined || cosignedMs !== before[at],
      );
    },
    { timeout: 90_000, interval: 5 },
  );
  const isWitnessed = facts().witnesses.some(({ finding, trouble }) => finding ?? trouble);
  const told = facts().isVerified === false || run.unproven().length > 0 || !facts().isClockTrusted;
  run.crash();
  await close();
  const word = (is: boolean): string => (is ? 'found' : isIdle === true ? '-' : '**not**');
  return [name, ...[verified, reported, told, isWitnessed || isKept || told].map(word)];
};

/** What witnesses know that were put back, or were not. */
const PUT_BACK = (newer: string): readonly Tampering[] => [
  {
    name: 'the witness put back to an older state',
    of: () => newer,
    witnessed: () => [original],
    change: cosign,
    isIdle: true,
  },
  {
    name: 'an older copy of the whole state, and the only witness put back with it',
    change: cosign,
    witnessed: () => [original],
  },
  {
    name: 'an older copy of the whole state, and one of two witnesses put back with it',
    change: cosign,
    witnessed: () => [original, newer],
  },
];

/** All ways to change a state, in the order of the table. */
const allWays = (newer: string): readonly Tampering[] => [
  ...WAYS.map(([name, change]) => ({ name, change })),
  ...NEW.map((one) =>
    one.name.startsWith('an older copy') || one.name.startsWith('a fork')
      ? { ...one, witnessed: () => [newer] }
      : one,
  ),
  ...PUT_BACK(newer),
];

/** Of one in so many ways. */
const tamperWith = async (every: number): Promise<void> => {
  if (original === '') await prepare();
  const ways = allWays(await elsewhere(original));
  const rows: string[][] = [];
  for (const one of ways.filter((_, index) => index % every === 0)) rows.push(await rowOf(one));
  const head = ['what was changed', '`verify`', 'report', 'next start', 'with a witness'];
  const lines = [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |\n`);
  const docs = readFileSync(DOCS, 'utf8');
  const [before = '', rest = ''] = docs.split(BEGIN);
  const table = rest.slice(0, rest.indexOf(END));
  if (process.env['CORDON_WRITE_TABLE'] === '1' && every === 1)
    writeFileSync(DOCS, `${before}${BEGIN}${lines.join('')}${rest.slice(rest.indexOf(END))}`);
  const told = table.split(/(?<=\n)/);
  expect(told.filter((_, index) => index < 2 || (index - 2) % every === 0)).toEqual(lines);
};

test(
  'nothing is silent, and with a witness nothing is missed: of every twentieth way',
  { timeout: 900_000 },
  () => tamperWith(20),
);
test('nothing is silent, and with a witness nothing is missed', { ...NIGHT, timeout: 900_000 }, () =>
  tamperWith(1),
);
