// A start with witnesses: what they know of these records is found before the first client is answered; one that does not
// answer costs a bounded time, and one that is not there costs none.
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { RecordsReader } from '../../src/evidence/records/records-reader.ts';
import { createVerifier, formatVerifier, SIGNATURE_TYPE } from '../../src/wire/transparency/transparency.ts';
import { ask } from '../support/client.ts';
import { runCommandHere } from '../support/command.ts';
import { freePort } from '../support/ports.ts';
import { type Cordon, startCordon } from '../support/process.ts';

/** Longer than a start without the wait needs to answer from there on; a tenth of what it waits. */
const HELD_MS = 200;
const TRIES_MAX = 5;
const WAIT = { timeout: 60_000, interval: 20 };
/** What the log says of a wait that came to its end. */
const LATE = 'witnesses did not say what they know in time; queries are answered all the same';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const directory = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'cordon-witness-first-'));
  closing.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
};

/** A state in which something was signed before. */
const stateWithKey = (): string => {
  const state = directory();
  mkdirSync(join(state, 'records'));
  const { privateKey } = generateKeyPairSync('ed25519');
  writeFileSync(join(state, 'records/signing-key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }), {
    mode: 0o600,
  });
  return state;
};

const verifier = (name: string): string =>
  formatVerifier(createVerifier(name, generateKeyPairSync('ed25519').publicKey, SIGNATURE_TYPE.cosignature));

/** A witness that answers as it is told to; undefined: never. */
const openWitness = async (
  reply: (() => Promise<readonly [number, string]>) | undefined,
): Promise<number> => {
  const port = await freePort();
  const server: Server = createServer((_request, response) => {
    void reply?.().then(([status, body]) => response.writeHead(status).end(body));
  });
  await new Promise<void>((done) => void server.listen(port, '127.0.0.1', done));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return port;
};

interface Start {
  readonly cordon: Cordon;
  readonly admin: number;
}

/** Starts the program, and calls `onAnswer` as soon as a client gets an answer, whatever it says. */
const start = async (
  state: string,
  witnessPorts: readonly number[],
  onAnswer: (admin: number) => Promise<void> = () => Promise.resolve(),
): Promise<Start> => {
  const [dns, admin] = [await freePort(), await freePort()];
  const witnesses = witnessPorts.map(
    (port, index) => `{ url: "http://127.0.0.1:${port}", key: "${verifier(`audit.example/w${index}`)}" }`,
  );
  const config = `
state: ${state}
listen: { dns: ["127.0.0.1:${dns}"], admin: "127.0.0.1:${admin}" }
workers: 1
upstreams: ["127.0.0.1:${await freePort()}"]
lists:
  - { id: banned, file: banned.txt, format: domains, mandate: true }
records: { witnesses: [${witnesses.join(', ')}] }
`;
  const answered = vi.waitUntil(() => firstAnswer(dns), WAIT).then(() => onAnswer(admin));
  // What it says is looked at once the program can be ended.
  answered.catch(() => undefined);
  const cordon = await startCordon({ config, files: { 'banned.txt': 'banned.example\n' } });
  closing.push(() => cordon.kill());
  await answered;
  return { cordon, admin };
};

/** True when somebody answers there. */
const firstAnswer = (port: number): Promise<boolean> =>
  Promise.race([
    ask({ address: '127.0.0.1', port }, 'www.banned.example. A').then(
      () => true,
      () => false,
    ),
    sleep(20, false),
  ]);

const findings = async (state: string): Promise<string[]> => {
  const reader = RecordsReader.open(join(state, 'records'));
  const texts: string[] = [];
  for await (const { record } of reader.records('changes', 0, 8e15))
    if (record.kind === 'records' && record.event === 'damaged') texts.push(record.text ?? '');
  reader.close();
  return texts;
};

const isLate = (cordon: Cordon): boolean => cordon.logs().some(({ msg }) => msg === LATE);

test('what a witness knows is on the record and in the metric before the first client is answered', {
  timeout: 300_000,
}, async () => {
  // On a machine that is busy a thread may take longer to begin than the first answer waits: then it is late, says so, and is tried again.
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const state = stateWithKey();
    let isTold = false;
    const port = await openWitness(async () => {
      await sleep(HELD_MS);
      isTold = true;
      return [409, '1000000\n'];
    });
    const seen = { isTold: false, metrics: '', findings: '' };
    const { cordon } = await start(state, [port], async (admin) => {
      seen.isTold = isTold;
      seen.metrics = await (await fetch(`http://127.0.0.1:${admin}/metrics`)).text();
      seen.findings = (await findings(state)).join();
    });
    if (isLate(cordon)) {
      await cordon.kill();
      continue;
    }
    expect(seen).toEqual({
      isTold: true,
      metrics: expect.stringMatching(/cordon_records_witness_conflict\{witness="[^"]+"\} 1/),
      findings: expect.stringMatching(/it has cosigned 1000000 blocks, and there are \d+/),
    });
    // The first that can be asked for.
    const { stdout } = await runCommandHere(['status'], { cwd: cordon.directory });
    expect(stdout).toMatch(/knows other records: it has cosigned 1000000 blocks/);
    return;
  }
  expect.fail(`${TRIES_MAX} starts in a row were late`);
});

test('a witness that never answers costs a bounded time, whatever another one finds', {
  tags: 'night',
  timeout: 120_000,
}, async () => {
  const state = stateWithKey();
  const ports = [await openWitness(undefined), await openWitness(() => Promise.resolve([409, '1000000\n']))];
  const { cordon } = await start(state, ports);
  expect(isLate(cordon)).toBe(true);
  await vi.waitFor(
    async () => expect((await findings(state)).join()).toMatch(/it has cosigned 1000000 blocks/),
    WAIT,
  );
});

test('a witness that is not there is not waited for', { tags: 'night', timeout: 300_000 }, async () => {
  let wasLate = true;
  for (let tries = 0; wasLate && tries < TRIES_MAX; tries++) {
    const { cordon } = await start(stateWithKey(), [await freePort()]);
    wasLate = isLate(cordon);
    await cordon.kill();
  }
  expect(wasLate).toBe(false);
});

test('before the first installation nothing was said that a witness could know', {
  tags: 'night',
  timeout: 120_000,
}, async () => {
  const { cordon } = await start(directory(), [await openWitness(undefined)]);
  expect(isLate(cordon)).toBe(false);
});
