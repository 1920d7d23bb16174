// Certificates of cordon-proof as they are handed in: those of the known key are taken once, all others are told and count for nothing.
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseSettings } from '../../../src/evidence/dnstap/dnstap-settings.ts';
import { LastProofs } from '../../../src/evidence/dnstap/last-proofs.ts';
import { ObservedResolver } from '../../../src/evidence/dnstap/observed-resolver.ts';
import { ProofWatch } from '../../../src/evidence/dnstap/proof-watch.ts';
import { type Certificate, judgeAnswered } from '../../../src/evidence/probe/proof-certificate.ts';
import { seal } from '../../../src/evidence/probe/proof-envelope.ts';
import type { ForeignProof, ForeignRecord } from '../../../src/evidence/records/foreign-record.ts';
import { judgeRecord } from '../../../src/evidence/records/record-schema.ts';

const NOW_MS = Date.parse('2026-11-30T10:00:00.000Z');
const NOW_MS_TEXT = new Date(NOW_MS).toISOString();
const { privateKey, publicKey } = generateKeyPairSync('ed25519');

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-handed-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** A certificate of one resolver that answered `leaked` of twenty names. */
const certificate = (ended: string, leaked = 0, change: object = {}): Certificate => {
  const found = { part: 'mandate', transport: 'udp', type: 'A', asked: 20, leaked, failed: 0, examples: [] };
  const answered = {
    ...{ resolver: '192.0.2.53', address: '192.0.2.53:53', ways: ['udp'], certificates: [], seed: 7 },
    ...{ began: ended, ended, names: 20, askedNames: 20, share: 1, isSilent: false, isCutShort: false },
    ...{ results: [found, { ...found, part: 'decoys', leaked: 0 }], leakedNames: leaked, leaks: [] },
  };
  const judged = judgeAnswered(answered);
  const mandate = {
    id: 'be-federal-tiktok',
    version: '2026-11-29',
    title: 'T',
    place: 'B',
    standing: 'in-force',
  };
  return {
    ...{ format: 'cordon-proof/1', program: 'cordon-proof 0', network: 'hq', host: 'h', made: ended },
    mandate: { ...mandate, sha256: '0'.repeat(64), lists: [], notHeld: [] },
    ...{ verdict: judged.verdict, resolvers: [{ ...answered, ...judged }], unseen: [] },
    ...change,
  };
};

const write = (name: string, text: string): void => writeFileSync(join(directory, name), text);
const watch = (): ProofWatch => new ProofWatch({ directory, asked: ['192.0.2.53'], key: publicKey });

test('one is taken once, whatever its name, and a newer one of the same name as well', () => {
  const watched = watch();
  expect(watched.look(NOW_MS)).toEqual([]);
  const first = seal(certificate('2026-11-30T09:00:00.000Z'), privateKey);
  write('proof.json', first);
  expect(watched.look(NOW_MS)).toMatchObject([
    {
      proof: {
        ...{
          mandate: 'be-federal-tiktok',
          version: '2026-11-29',
          asked: ['192.0.2.53'],
          verdict: 'enforced',
        },
        ...{ began: '2026-11-30T09:00:00.000Z', names: 20, askedNames: 20, leakedNames: 0 },
      },
    },
  ]);
  write('copy.json', first);
  expect(watched.look(NOW_MS)).toEqual([]);
  write('proof.json', seal(certificate('2026-11-30T09:30:00.000Z', 3), privateKey));
  // A clock of the file system may not have moved on since.
  utimesSync(join(directory, 'proof.json'), 1, 1);
  expect(watched.look(NOW_MS)).toMatchObject([{ proof: { verdict: 'leaking', leakedNames: 3 } }]);
  expect(watched.look(NOW_MS)).toEqual([]);
});

test.each([
  [
    'another key',
    seal(certificate('2026-11-30T09:00:00.000Z'), generateKeyPairSync('ed25519').privateKey),
    /another key/,
  ],
  ['a byte more', `${seal(certificate('2026-11-30T09:00:00.000Z'), privateKey)} `, /form/],
  [
    'a verdict of its own',
    seal(certificate('2026-11-30T09:00:00.000Z', 3, { verdict: 'enforced' }), privateKey),
    /verdict/,
  ],
  ['a time to come', seal(certificate('2026-11-30T10:10:01.000Z'), privateKey), /made at/],
  ['a time that is none', seal(certificate('yesterday'), privateKey), /form/],
  [
    'no mandate',
    seal(certificate('2026-11-30T09:00:00.000Z', 0, { mandate: { id: 7 } }), privateKey),
    /form/,
  ],
  [
    'a long name',
    seal(
      certificate('2026-11-30T09:00:00.000Z', 0, { mandate: { id: 'x'.repeat(201), version: '1' } }),
      privateKey,
    ),
    /form/,
  ],
  ['no certificate', '{}', /no signed certificate/],
  ['nothing', '', /no signed certificate/],
])('%s is told once and counts for nothing', (_, text, why) => {
  write('proof.json', text);
  const watched = watch();
  expect(watched.look(NOW_MS)).toEqual([{ reason: expect.stringMatching(why) }]);
  expect(watched.look(NOW_MS)).toEqual([]);
});

test('directories, other files and what leads nowhere hold nobody up, and many files have their turn', () => {
  mkdirSync(join(directory, 'folder.json'));
  symlinkSync('/nowhere', join(directory, 'lost.json'));
  symlinkSync('loop.json', join(directory, 'loop.json'));
  write('notes.txt', 'x');
  for (let i = 0; i < 10; i++)
    write(`p${i}.json`, seal(certificate(`2026-11-30T09:0${i}:00.000Z`), privateKey));
  const watched = watch();
  const looks = Array.from({ length: 4 }, () => watched.look(NOW_MS));
  expect(looks.map(({ length }) => length)).toEqual([4, 4, 4, 0]);
  const found = looks.flat();
  expect(found.filter((one) => 'proof' in one)).toHaveLength(10);
  expect(found.flatMap((one) => ('reason' in one ? [one.reason] : [])).sort()).toEqual([
    expect.stringContaining('folder.json'),
    expect.stringContaining('loop.json'),
  ]);
  rmSync(directory, { recursive: true });
  expect(watched.look(NOW_MS)).toEqual([{ reason: expect.stringContaining('ENOENT') }]);
  expect(watched.look(NOW_MS)).toEqual([]);
});

test('the newest is taken first, however many lie there, and what is beyond the bound is told', () => {
  const day = (i: number): string => new Date(NOW_MS - (300 - i) * 6 * 3_600_000).toISOString();
  const put = (i: number, text: string): void => {
    const name = `proof-${day(i).slice(0, 13)}.json`;
    write(name, text);
    utimesSync(join(directory, name), 1_000 + i, 1_000 + i);
  };
  for (let i = 0; i < 300; i++) put(i, 'junk');
  put(300, seal(certificate(NOW_MS_TEXT, 3), privateKey));
  expect(watch().look(NOW_MS)[0]).toMatchObject({ proof: { verdict: 'leaking' } });
  const watched = new ProofWatch({ directory, asked: ['192.0.2.53'], key: publicKey, filesMax: 300 });
  const told = (): readonly unknown[] =>
    watched.look(NOW_MS).filter((one) => 'reason' in one && one.reason.startsWith('more than'));
  expect(told()).toEqual([{ reason: expect.stringContaining('more than 300 files') }]);
  expect(told()).toEqual([]);
});

/** A resolver that is known by what is handed in alone. */
const observe = (asked: readonly string[], clock = () => NOW_MS) => {
  const notes: ForeignRecord[] = [];
  write('list.txt', 'banned.example\n');
  const observed = new ObservedResolver({
    ...{ name: 'windows', policy: [{ file: join(directory, 'list.txt'), format: 'domains' }], sinkholes: [] },
    ...{ isListening: false, proofs: { directory, asked, key: publicKey }, clock },
    note: (record) => notes.push(record),
  });
  const look = (): void => {
    for (let i = 0; i < 10; i++) observed.look();
  };
  return { observed, notes, look };
};

test('a resolver without dnstap is known by its proofs alone: records that fit, and an issue while the last one leaks', () => {
  let nowMs = NOW_MS;
  const { observed, notes, look } = observe(['192.0.2.53'], () => nowMs);
  write('proof.json', seal(certificate('2026-11-30T09:00:00.000Z', 2), privateKey));
  look();
  nowMs += 3_600_000;
  expect(observed.state).toMatchObject({
    isSeen: false,
    issues: [
      { id: 'foreign-leaking', subject: 'windows', text: expect.stringContaining('answers for 2 names') },
    ],
  });
  // An older one that comes later changes nothing; a newer one does.
  write('older.json', seal(certificate('2026-11-30T08:00:00.000Z'), privateKey));
  look();
  expect(observed.state.issues).toHaveLength(1);
  write('proof.json', seal(certificate('2026-11-30T10:30:00.000Z'), privateKey));
  utimesSync(join(directory, 'proof.json'), 1, 1);
  look();
  expect(observed.state.issues).toEqual([]);
  expect(notes.filter(({ event }) => event === 'proof')).toHaveLength(3);
  expect(notes.map((one) => judgeRecord(one, 'changes'))).toEqual(notes.map(() => 'fits'));
  observed.close();
});

test('a leak is over when the same mandate is found enforced at the same address, and by nothing else', () => {
  const texas = { mandate: { id: 'us-texas', version: '1' } };
  const { observed, look } = observe(['192.0.2.53', '192.0.2.54']);
  let minute = 0;
  const hand = (leaked: number, change: object = {}): void => {
    const ended = `2026-11-30T09:${String(minute++).padStart(2, '0')}:00.000Z`;
    write(`p${minute}.json`, seal(certificate(ended, leaked, change), privateKey));
    look();
  };
  const texts = (): string[] => observed.state.issues.map(({ text }) => text);
  const ofTexas =
    'the last proof of windows, of 2026-11-30T09:00:00.000Z, got answers for 2 names of us-texas';
  hand(2, texas);
  expect(texts()).toEqual([ofTexas]);
  hand(0);
  expect(texts()).toEqual([ofTexas]);
  const [one] = certificate('2026-11-30T09:30:00.000Z').resolvers;
  if (one === undefined) throw new Error('a certificate is of one');
  hand(0, { ...texas, verdict: 'enforced', resolvers: [{ ...one, resolver: '192.0.2.54' }] });
  expect(texts()).toEqual([ofTexas]);
  const silent = { ...one, isSilent: true };
  hand(0, { ...texas, verdict: 'unproven', resolvers: [{ ...silent, ...judgeAnswered(silent) }] });
  expect(texts()).toEqual([ofTexas]);
  hand(1);
  expect(texts()).toEqual([expect.stringMatching(/be-federal-tiktok; the last ones of 1 other mandates/)]);
  expect(observed.state.issues).toMatchObject([{ sinceMs: Date.parse('2026-11-30T09:00:00.000Z') }]);
  hand(0);
  expect(texts()).toEqual([ofTexas]);
  hand(0, texas);
  expect(texts()).toEqual([]);
  observed.close();
});

test('the file of the collector: proofs in place of a socket, not neither, and a key that is one', () => {
  const key = join(directory, 'key.pub');
  writeFileSync(key, publicKey.export({ type: 'spki', format: 'pem' }));
  const of = (keys: string) =>
    parseSettings(
      'dnstap.yaml',
      `resolvers:\n  a: { ${keys} policy: [{ file: /list.txt, format: domains }] }\n  b: { ${keys} policy: [{ file: /list.txt, format: domains }] }\n`,
    );
  const proofs = `proofs: { directory: ${directory}, asked: [192.0.2.53], key: ${key} },`;
  expect(of(proofs)).toMatchObject([
    { listen: undefined, proofs: { directory } },
    { listen: undefined, proofs: { directory } },
  ]);
  expect(() => of('')).toThrow(/neither listen nor proofs/);
  expect(() =>
    of(`proofs: { directory: ${directory}, asked: [192.0.2.53], key: ${directory}/none },`),
  ).toThrow(/key: .*ENOENT/);
  expect(() => of(`listen: /run/x.sock, ${proofs}`)).toThrow(/another resolver listens there/);
});

test('a certificate about somebody else counts for nothing, wherever it lies', () => {
  write('proof.json', seal(certificate('2026-11-30T09:00:00.000Z'), privateKey));
  const watched = new ProofWatch({ directory, asked: ['192.0.2.54'], key: publicKey });
  expect(watched.look(NOW_MS)).toEqual([
    { reason: 'proof.json: it is about 192.0.2.53, which is not in asked' },
  ]);
});

test('a certificate of another mandate does not count where mandates are named', () => {
  write('proof.json', seal(certificate('2026-11-30T09:00:00.000Z'), privateKey));
  const watched = (mandates: readonly string[]) =>
    new ProofWatch({ directory, asked: ['192.0.2.53'], mandates, key: publicKey }).look(NOW_MS);
  expect(watched(['us-texas'])).toEqual([
    { reason: 'proof.json: it is about the mandate be-federal-tiktok, which is not in mandates' },
  ]);
  expect(watched(['us-texas', 'be-federal-tiktok'])).toMatchObject([{ proof: { verdict: 'enforced' } }]);
});

test('more mandates than are remembered hide no leak', () => {
  const last = new LastProofs();
  const proof = (mandate: string, verdict: ForeignProof['verdict'], ended: string): ForeignProof => ({
    ...{ sha256: '0'.repeat(64), keyid: '0'.repeat(64), mandate, version: '1', asked: ['192.0.2.53'] },
    ...{ began: ended, ended, verdict, names: 2, askedNames: 2, leakedNames: verdict === 'leaking' ? 1 : 0 },
  });
  for (let i = 0; i < 300; i++) last.take(proof(`m${i}`, 'enforced', '2026-11-30T09:00:00Z'));
  for (let i = 300; i < 600; i++) last.take(proof(`m${i}`, 'leaking', '2026-11-30T09:00:00Z'));
  expect(last.leaking().length).toBe(256);
  for (const { mandate } of last.leaking()) last.take(proof(mandate, 'enforced', '2026-11-30T10:00:00Z'));
  expect(last.leaking()).toEqual([]);
  last.take(proof('m599', 'leaking', '2026-11-30T10:00:00.000Z'));
  last.take(proof('m599', 'unproven', '2026-11-30T11:00:00.000Z'));
  expect(last.leaking()).toMatchObject([{ mandate: 'm599' }]);
});
