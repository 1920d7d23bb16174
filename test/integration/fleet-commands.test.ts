// What a newcomer types who makes a fleet by the documentation: in the wrong directory, without a medium, without a key.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runCommandHere } from '../support/command.ts';
import { startCordon } from '../support/process.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-newcomer-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const cordon = (...args: string[]) => runCommandHere(args, { cwd: directory });

const FLEET = `fleet:
  servers: ["nats://127.0.0.1:4222"]
  trust: ["ed25519:MuRrLOpUPGHayFxbNsT6YIak/KWBPyuFzrGSorRLmPs="]
`;

test('without the medium for the safe, nothing is made and the command says what is missing', async () => {
  const safe = join(directory, 'not-mounted/fleet.pem');
  const { code, stderr } = await cordon('fleet', 'init', 'ns1', '--server', '127.0.0.1:4222', '--safe', safe);
  expect([code, stderr]).toEqual([
    1,
    expect.stringMatching(/^cordon fleet: writing the key .*ERR_FLEET_KEY/),
  ]);
  expect(existsSync(join(directory, 'state'))).toBe(false);
});

test('the engine finds its certificates from wherever it is started', async () => {
  const tls = ['--cert', 'cert.pem', '--key', 'key.pem', '--ca', 'ca.pem'];
  writeFileSync(join(directory, 'cert.pem'), '');
  const { code, stdout } = await cordon(
    ...[
      'fleet',
      'init',
      'ns1',
      '--server',
      'nats1.example:4222',
      ...tls,
      '--safe',
      'safe.pem',
      '--store',
      'store',
    ],
  );
  expect(code).toBe(0);
  const text = readFileSync(join(directory, 'state/fleet/engine/nats-server.conf'), 'utf8');
  for (const name of ['cert.pem', 'key.pem', 'ca.pem', 'store'])
    expect(text).toContain(`"${join(directory, name)}"`);
  expect(stdout).toContain(`ca: "${join(directory, 'ca.pem')}"`);
  // It may lie on the machine of the engine only.
  expect(stdout).toContain(`${join(directory, 'key.pem')} is not here`);
  expect(stdout).not.toContain('cert.pem is not here');
});

test('a collector without its key says which file it needs', async () => {
  writeFileSync(join(directory, 'cordon.yaml'), FLEET);
  const { code, stderr } = await cordon('collect', '--directory', 'evidence');
  expect([code, stderr]).toEqual([1, expect.stringMatching(/collector\.seed.*--seed.*ERR_FLEET_KEY/)]);
});

test('a service without a fleet says so when it is asked for one', async () => {
  const state = join(directory, 'state');
  mkdirSync(state);
  const config = `listen: { dns: ["127.0.0.1:0"] }\nworkers: 1\nupstreams: ["127.0.0.1:1"]\nstate: ${state}\n`;
  const service = await startCordon({ config });
  try {
    writeFileSync(join(directory, 'cordon.yaml'), config);
    const { code, stderr } = await cordon('fleet', 'status');
    expect([code, stderr]).toEqual([1, expect.stringMatching(/it is in no fleet.*ERR_FLEET_IDENTITY/)]);
  } finally {
    await service.kill();
  }
});
