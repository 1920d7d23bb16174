// A witness over real HTTP and real files: what it cosigns, and everything that it must not.
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, expect, test } from 'vitest';
import {
  consistencyProof,
  createVerifier,
  EMPTY_ROOT,
  formatCheckpoint,
  formatNote,
  formatSubmission,
  leafHash,
  openWitnessKey,
  originHash,
  parseNote,
  rootAt,
  SIGNATURE_TYPE,
  signNote,
  startWitness,
  submitCheckpoint,
  TreeFile,
  verifyNote,
  Witness,
  WitnessDirectory,
  type WitnessServer,
} from '../../../src/wire/transparency/transparency.ts';

const ORIGIN = 'ns1.agency.example';
const NOW_MS = Date.parse('2026-11-28T12:00:00Z');
const root = mkdtempSync(join(tmpdir(), 'cordon-witness-'));
const servers: WitnessServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));
let made = 0;

const logKey = generateKeyPairSync('ed25519').privateKey;
const logVerifier = createVerifier(ORIGIN, logKey, SIGNATURE_TYPE.ed25519);

/** A log with so many leaves, which begin with the same ones unless another history is asked for. */
const createLog = (size: number, history = 'true'): TreeFile => {
  const tree = TreeFile.open(join(root, `tree-${++made}`));
  tree.append(
    Array.from({ length: size }, (_, index) => leafHash(Buffer.from(`${history} ${index}`))),
    false,
  );
  return tree;
};

const checkpointOf = (tree: TreeFile, size: number, key: KeyObject = logKey): string => {
  const text = formatCheckpoint({ origin: ORIGIN, size, root: rootAt(tree, size) });
  return formatNote({ text, signatures: [signNote(text, logVerifier, key, NOW_MS)] });
};
const bodyOf = (tree: TreeFile, oldSize: number, size: number): string =>
  formatSubmission({
    oldSize,
    proof: consistencyProof(tree, oldSize, size),
    checkpoint: checkpointOf(tree, size),
  });

const openWitness = (directory = join(root, `witness-${++made}`)) => {
  const key = openWitnessKey(directory);
  const verifier = createVerifier('audit.example/w1', key, SIGNATURE_TYPE.cosignature);
  const store = WitnessDirectory.open(directory, verifier, [ORIGIN]);
  const witness = new Witness('audit.example/w1', key, { logs: [logVerifier], store, clock: () => NOW_MS });
  return { directory, witness, verifier };
};

test('a log that grows is cosigned, step by step, over HTTP and a restart', async () => {
  const { witness, verifier, directory } = openWitness();
  const log = { info: () => {}, warn: () => {}, error: () => {} };
  const start = async (one: Witness) => {
    const server = await startWitness(one, { address: '127.0.0.1', family: 4, port: 0 }, log);
    servers.push(server);
    return { url: `http://${server.address}`, verifier };
  };
  let place = await start(witness);
  const tree = createLog(100);
  const submit = async (oldSize: number, size: number) => {
    const whole = checkpointOf(tree, size);
    const note = parseNote(whole);
    if (note === undefined) throw new Error('no note');
    const proof = consistencyProof(tree, oldSize, size);
    return submitCheckpoint(place, { oldSize, proof, note, whole });
  };
  expect(await submit(0, 5)).toMatchObject({ kind: 'cosigned', timeSec: NOW_MS / 1_000 });
  expect(await submit(5, 13)).toMatchObject({ kind: 'cosigned' });
  expect(await submit(13, 13)).toMatchObject({ kind: 'cosigned' });
  expect(await submit(5, 40)).toEqual({ kind: 'size', size: 13 });
  place = await start(openWitness(directory).witness);
  expect(await submit(0, 100)).toEqual({ kind: 'size', size: 13 });
  expect(await submit(13, 100)).toMatchObject({ kind: 'cosigned' });
  const served = await fetch(`${place.url}/${originHash(ORIGIN)}/checkpoint`);
  const note = parseNote(await served.text());
  if (note === undefined) throw new Error('nothing is served');
  expect(verifyNote(note, [logVerifier, verifier]).verified).toHaveLength(2);
  expect((await fetch(`${place.url}/${originHash('another')}/checkpoint`)).status).toBe(404);
  expect((await fetch(`${place.url}/add-checkpoint`)).status).toBe(405);
  const long = await fetch(`${place.url}/add-checkpoint`, { method: 'POST', body: 'x'.repeat(100_000) });
  expect(long.status).toBe(413);
});

test.each([
  ['another history of the same size', (tree: TreeFile) => [bodyOf(tree, 13, 13), 422], 'other', 13],
  ['another history that is longer', (tree: TreeFile) => [bodyOf(tree, 13, 40), 422], 'other', 40],
  ['a smaller log', (tree: TreeFile) => [bodyOf(tree, 5, 5), 409], 'true', 5],
  [
    'an old size above the new one',
    (tree: TreeFile) => [bodyOf(tree, 0, 5).replace('old 0', 'old 13'), 400],
    'true',
    5,
  ],
  [
    'a proof cut short',
    (tree: TreeFile) => [bodyOf(tree, 13, 40).replace(/\n[^\n]+\n\n/, '\n\n'), 422],
    'true',
    40,
  ],
  [
    'a proof that is not needed',
    (tree: TreeFile) => [
      bodyOf(tree, 13, 13).replace('old 13\n', `old 13\n${EMPTY_ROOT.toString('base64')}\n`),
      422,
    ],
    'true',
    13,
  ],
  [
    'another log',
    (tree: TreeFile) => [bodyOf(tree, 13, 40).replaceAll(ORIGIN, 'other.example'), 404],
    'true',
    40,
  ],
  ['nothing', () => ['', 400], 'true', 1],
  [
    'sixty-four hashes',
    (tree: TreeFile) => [
      bodyOf(tree, 13, 40).replace('old 13\n', `old 13\n${`${EMPTY_ROOT.toString('base64')}\n`.repeat(64)}`),
      400,
    ],
    'true',
    40,
  ],
] as const)('not cosigned: %s', (_, make, history, size) => {
  const { witness } = openWitness();
  expect(witness.addCheckpoint(bodyOf(createLog(13), 0, 13)).status).toBe(200);
  const [body, status] = make(createLog(size, history));
  expect(witness.addCheckpoint(String(body)).status).toBe(status);
  // Whatever came, it stands where it stood.
  expect(witness.addCheckpoint(bodyOf(createLog(40), 13, 40)).status).toBe(200);
});

test('another key, a forged signature and a cosignature of its own are no signature of the log', () => {
  const { witness } = openWitness();
  const tree = createLog(5);
  const other = generateKeyPairSync('ed25519').privateKey;
  const submit = (checkpoint: string) =>
    witness.addCheckpoint(formatSubmission({ oldSize: 0, proof: [], checkpoint })).status;
  expect(submit(checkpointOf(tree, 5, other))).toBe(403);
  expect(submit(checkpointOf(tree, 5).replace(/\n5\n/, '\n6\n'))).toBe(403);
  const text = formatCheckpoint({ origin: ORIGIN, size: 5, root: rootAt(tree, 5) });
  const stranger = createVerifier('stranger.example', other, SIGNATURE_TYPE.ed25519);
  expect(submit(formatNote({ text, signatures: [signNote(text, stranger, other, NOW_MS)] }))).toBe(403);
  expect(submit(checkpointOf(tree, 5))).toBe(200);
});

test('what it cannot keep it does not say, and a state that is not its own stops it', () => {
  const { witness, verifier, directory } = openWitness();
  expect(witness.addCheckpoint(bodyOf(createLog(13), 0, 13)).status).toBe(200);
  const [name = ''] = readdirSync(directory).filter((one) => one.endsWith('.checkpoint'));
  writeFileSync(join(directory, name), checkpointOf(createLog(5), 5));
  expect(() => WitnessDirectory.open(directory, verifier, [ORIGIN])).toThrow(/ERR_WITNESS_STATE|not what/);
  rmSync(directory, { recursive: true });
  writeFileSync(directory, 'no directory');
  expect(() => witness.addCheckpoint(bodyOf(createLog(40), 13, 40))).toThrow(/ENOTDIR|EEXIST/);
  rmSync(directory);
});

test('two witnesses never cosign two histories: whatever is sent, in whatever order', () => {
  const trees = { true: createLog(60), other: createLog(60, 'other') };
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          history: fc.constantFrom('true' as const, 'other' as const),
          oldSize: fc.integer({ min: 0, max: 60 }),
          size: fc.integer({ min: 0, max: 60 }),
        }),
        { maxLength: 40 },
      ),
      (submissions) => {
        const last = new Map<string, { size: number; note: string; root: Buffer }>();
        const witness = new Witness('w', logKey, {
          logs: [logVerifier],
          clock: () => NOW_MS,
          store: {
            last: (origin) => {
              const found = last.get(origin);
              return found && { ...found, origin };
            },
            save: (witnessed) => void last.set(witnessed.origin, witnessed),
          },
        });
        const cosigned: { history: string; size: number }[] = [];
        for (const { history, oldSize, size } of submissions) {
          if (oldSize > size) continue;
          const { status } = witness.addCheckpoint(bodyOf(trees[history], oldSize, size));
          if (status === 200) cosigned.push({ history, size });
        }
        const histories = new Set(cosigned.filter(({ size }) => size > 0).map(({ history }) => history));
        expect(histories.size).toBeLessThanOrEqual(1);
        expect(cosigned.map(({ size }) => size)).toEqual(
          cosigned.map(({ size }) => size).toSorted((a, b) => a - b),
        );
      },
    ),
  );
});
