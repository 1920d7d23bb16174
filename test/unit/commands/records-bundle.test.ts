// Records on another machine: what a bundle has, and that only keys which were kept elsewhere count for it.
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import {
  createVerifier,
  formatNote,
  formatVerifier,
  parseNote,
  SIGNATURE_TYPE,
  signNote,
} from '../../../src/wire/transparency/transparency.ts';
import { runCommandHere } from '../../support/command.ts';
import { adminRecord, Bench, edit } from '../records/setup.ts';

const root = mkdtempSync(join(tmpdir(), 'cordon-bundle-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let made = 0;

const cordon = (...args: string[]) => runCommandHere(args, { cwd: root });

/** A state, its bundle, and the key that was handed out. */
const bundled = async (): Promise<{ bundle: string; key: string; bench: Bench }> => {
  const state = join(root, `state-${++made}`);
  mkdirSync(state);
  const bench = new Bench({ directory: join(state, 'records') });
  for (let i = 0; i < 5; i++) {
    bench.record(20);
    bench.recording.write(adminRecord(i, new Date(bench.nowMs).toISOString()));
  }
  bench.advance(1_500);
  const config = join(root, `${made}.yaml`);
  writeFileSync(config, `state: ${state}\ngroups: [{ name: default, lists: [tiktok] }]\n`);
  const bundle = join(root, `bundle-${made}`);
  // The recorder has it open.
  const written = await cordon('records', 'bundle', bundle, '--config', config);
  expect(written.stderr).toBe('');
  expect(written.code).toBe(0);
  const key = join(root, `${made}.key`);
  writeFileSync(key, (await cordon('records', 'key', '--config', config)).stdout);
  return { bundle, key, bench };
};

test('a bundle is verified by the key alone, without a state, and has no secret in it', async () => {
  const { bundle, key } = await bundled();
  expect(readdirSync(bundle).sort()).toEqual(
    [
      'changes',
      'checkpoint',
      'cosigned',
      'heads.jsonl',
      'position',
      'queries',
      'signing-key.pub.pem',
      'tree',
    ].sort(),
  );
  const files = readdirSync(bundle, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  for (const { parentPath, name } of files)
    expect(readFileSync(join(parentPath, name), 'latin1')).not.toContain('PRIVATE');
  const verified = await cordon('verify', bundle, '--key', key);
  expect(verified.stdout).toMatch(/Nothing was changed/);
  expect(verified.code).toBe(0);
  expect((await cordon('verify', bundle, '--key', readFileSync(key, 'utf8').trim())).code).toBe(0);
  expect((await cordon('verify', bundle)).stderr).toMatch(/--key KEY is needed/);
});

test('what a witness cosigned has to be there when its key is given', async () => {
  const { bundle, key } = await bundled();
  const { privateKey } = generateKeyPairSync('ed25519');
  const verifier = createVerifier('audit.example/w1', privateKey, SIGNATURE_TYPE.cosignature);
  const witness = formatVerifier(verifier);
  const verify = () => cordon('verify', bundle, '--key', key, '--witness', witness);
  expect((await verify()).stdout).toMatch(/nothing is there that .* has cosigned/);
  const note = parseNote(readFileSync(join(bundle, 'checkpoint'), 'utf8'));
  if (note === undefined) throw new Error('no note');
  const signed = signNote(note.text, verifier, privateKey, Date.now());
  const whole = formatNote({ text: note.text, signatures: [...note.signatures, signed] });
  writeFileSync(join(bundle, 'cosigned', `${verifier.keyId}.checkpoint`), whole);
  expect((await verify()).code).toBe(0);
});

test('what was changed in it is found, and so is the bundle of somebody else', async () => {
  const { bundle, key } = await bundled();
  const other = await bundled();
  expect((await cordon('verify', other.bundle, '--key', key)).code).toBe(1);
  const [day = ''] = readdirSync(join(bundle, 'changes'));
  const changed = `${bundle}-changed`;
  cpSync(bundle, changed, { recursive: true });
  edit(join(changed, 'changes', day), "UPDATE blocks SET body = replace(body, 'act-1', 'act-9')");
  expect((await cordon('verify', changed, '--key', key)).stdout).toMatch(/hash-mismatch/);
  rmSync(join(bundle, 'checkpoint'));
  expect((await cordon('verify', bundle, '--key', key)).stdout).toMatch(/checkpoint/);
  const witness = 'audit.example/w1+2f5b4c30+BMr1';
  expect((await cordon('verify', bundle, '--key', key, '--witness', witness)).code).not.toBe(0);
  expect(existsSync(bundle)).toBe(true);
});

test('one record is proven by the key alone, and what was changed of the proof is a problem', {
  tags: 'night',
}, async () => {
  const { key, bench } = await bundled();
  const config = join(root, `${made}.yaml`);
  const proof = join(root, 'r.tlog-proof');
  expect(await cordon('records', 'proof', 'changes/3', '--config', config, '--out', proof)).toMatchObject({
    ...{ code: 0, stdout: '' },
  });
  const verified = await cordon('verify', proof, '--key', key);
  expect(verified).toMatchObject({ code: 0, stderr: '' });
  expect(verified.stdout).toMatch(
    /"kind":"admin".*\nRecord 3 of changes is in the log of ns1\.agency\.example: \d+ /,
  );
  const json = JSON.parse((await cordon('verify', proof, '--key', key, '--json')).stdout) as object;
  expect(json).toMatchObject({ class: 'changes', sequence: 3, record: { by: 'alice' }, cosignedAt: null });
  expect((await cordon('verify', proof)).stderr).toMatch(/--key KEY is needed/);
  // A key of another log with the same name is another key, and so is one that was made for another name.
  const pem = (await cordon('records', 'key', '--config', config, '--pem')).stdout;
  const stranger = createVerifier('ns2.agency.example', createPublicKey(pem), SIGNATURE_TYPE.ed25519);
  const other = await cordon('verify', proof, '--key', formatVerifier(stranger));
  expect(other).toMatchObject({ code: 1, stdout: expect.stringContaining('it is of ns1.agency.example') });
  writeFileSync(proof, readFileSync(proof, 'utf8').replace(/^index /m, 'index 1'));
  expect(await cordon('verify', proof, '--key', key)).toMatchObject({
    ...{ code: 1, stdout: expect.stringContaining('proves nothing') },
  });
  for (const [record, status] of [
    ['changes/999', 1],
    ['changes', 2],
    ['more/1', 2],
  ] as const)
    expect((await cordon('records', 'proof', record, '--config', config)).code).toBe(status);
  bench.crash();
});
