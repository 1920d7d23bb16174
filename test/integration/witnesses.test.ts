// @module-tag night
// Witnesses of the running program: Debian's sigsum-witness, which is not ours, and `cordon witness`. What they cosigned
// cannot be taken back, whoever has the machine of the resolver.
//
// CORDON_WITNESS_SECONDS: how long the program is under load, over two kills, 4 by default. From 300 on, sigsum-witness stands still for
// 90 seconds meanwhile: the lack has to be told. What was seen is printed then.
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { RCODE, TYPE } from '../../src/wire/dns/dns.ts';
import {
  createVerifier,
  formatVerifier,
  parseCheckpoint,
  parseNote,
  parseVerifier,
  SIGNATURE_TYPE,
  verifyNote,
} from '../../src/wire/transparency/transparency.ts';
import { ask } from '../support/client.ts';
import { runCommandHere } from '../support/command.ts';
import { requireMachineClock } from '../support/fake-time.ts';
import { freePort } from '../support/ports.ts';
import { type Cordon, findProgram, requireProgram, run, startCordon } from '../support/process.ts';
import { PROGRAM } from '../support/program.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';

const SECONDS = Number(process.env['CORDON_WITNESS_SECONDS'] ?? '4');
const TIMEOUT_MS = 120_000 + SECONDS * 1_000;
const LONG_SECONDS = 300;
const STILL_MS = 90_000;
/** A witness is told of as away when it has not cosigned for a minute. */
const OVERDUE_SEC = 66;
const BURST = 30;
const PAUSE_MS = 70;
const WAIT = { timeout: 90_000, interval: 50 };
/** A start may write as many blocks as were taken back: then they are others. */
const FOUND = /it has cosigned \d+ blocks, and there are \d+|do not begin what is here/;
/** A witness that did not answer in time is asked again after 5, 10 and 20 seconds. */
const LONG = { timeout: 90_000, interval: 200 };

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const directory = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'cordon-witnesses-'));
  closing.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
};

/** Starts a program that listens on a port, and waits until it does. */
const start = async (
  command: string,
  args: readonly string[],
  port: number,
  env = {},
): Promise<ChildProcess> => {
  const child = spawn(findProgram(command) ?? command, args, {
    env: { ...process.env, ...env },
    stdio: 'ignore',
  });
  const ended = once(child, 'exit');
  closing.push(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  await vi.waitFor(async () => {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
    } finally {
      socket.destroy();
    }
  }, WAIT);
  return child;
};

/** The 32 bytes of a key. */
const rawOf = (key: KeyObject): Buffer =>
  createPublicKey(key.export({ type: 'pkcs8', format: 'pem' }))
    .export({ type: 'spki', format: 'der' })
    .subarray(12);
const openSsh = (raw: Buffer): string => {
  const piece = (bytes: Buffer) => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes]);
  return `ssh-ed25519 ${Buffer.concat([piece(Buffer.from('ssh-ed25519')), piece(raw)]).toString('base64')} log\n`;
};
const hashOf = (raw: Buffer): string => createHash('sha256').update(raw).digest('hex');

const upstream = async (): Promise<ScriptedUpstream> => {
  const server = await ScriptedUpstream.open((query) =>
    answer(query, query.type === TYPE.A ? [`${query.name} 60 IN A 192.0.2.1`] : []),
  );
  closing.push(() => server.close());
  return server;
};

const configOf = (state: string, port: number, origin: string, url: string, key: string): string => `
state: ${state}
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
upstreams: ["127.0.0.1:${port}"]
lists:
  - { id: banned, file: banned.txt, format: domains, mandate: true }
records:
  origin: ${origin}
  witnesses: [{ url: "${url}", key: "${key}" }]
`;

const startWith = async (config: string): Promise<Cordon> => {
  const cordon = await startCordon({ config, files: { 'banned.txt': 'banned.example\n' } });
  closing.push(() => cordon.kill());
  return cordon;
};

/** Asks refused names for some seconds, a few hundred a second; gives how many were answered. */
const load = async (cordon: Cordon, seconds: number): Promise<number> => {
  const until = Date.now() + seconds * 1_000;
  let answers = 0;
  for (; Date.now() < until; answers++) {
    expect((await ask(cordon.dns, `n${answers}.banned.example. A`)).rcode).toBe(RCODE.NXDOMAIN);
    if (answers % BURST === 0) await sleep(PAUSE_MS);
  }
  return answers;
};

/** Looks every second how far the witness is behind, and whether `cordon status` tells of it, until it is stopped. */
const watch = (cordon: Cordon, state: string, key: string) => {
  const seen = { looks: 0, lagSec: 0, overdue: 0, told: 0 };
  let isOver = false;
  const look = async (): Promise<void> => {
    const { lagSec } = cosignedOf(state, key);
    seen.looks++;
    seen.lagSec = Math.max(seen.lagSec, lagSec);
    if (lagSec <= OVERDUE_SEC) return;
    seen.overdue++;
    const status = await runCommandHere(['status'], { cwd: cordon.directory });
    // It may have cosigned meanwhile.
    if (/nobody else can tell that the records are whole/.test(status.stdout)) seen.told++;
    else if (cosignedOf(state, key).lagSec <= OVERDUE_SEC) seen.overdue--;
  };
  const done = (async () => {
    const place = join(state, 'records/cosigned');
    const hasCosigned = () =>
      existsSync(place) && readdirSync(place).some((one) => one.endsWith('.checkpoint'));
    for (; !isOver; await sleep(1_000)) if (hasCosigned()) await look();
  })();
  return async () => {
    isOver = true;
    await done;
    return seen;
  };
};

/** What the witness cosigned last, and the checkpoint of the records. */
const cosignedOf = (state: string, key: string) => {
  const place = join(state, 'records/cosigned');
  const [name = ''] = readdirSync(place).filter((one) => one.endsWith('.checkpoint'));
  const note = parseNote(readFileSync(join(place, name), 'utf8'));
  const verifier = parseVerifier(key);
  if (note === undefined || verifier === undefined) throw new Error('nothing was cosigned');
  const last = parseCheckpoint(
    parseNote(readFileSync(join(state, 'records/checkpoint'), 'utf8'))?.text ?? '',
  );
  const { verified } = verifyNote(note, [verifier]);
  return {
    size: parseCheckpoint(note.text)?.size ?? 0,
    verified,
    /** Since the last cosignature. */
    lagSec: Date.now() / 1_000 - (verified[0]?.timeSec ?? 0),
    last: last?.size ?? 0,
  };
};

const damaged = (cordon: Cordon): Promise<string> =>
  runCommandHere(['records', 'list', '--class', 'changes', '--json', '--limit', '500'], {
    cwd: cordon.directory,
  }).then(({ stdout }) =>
    (JSON.parse(stdout) as { record: { event?: string; text?: string } }[])
      .filter(({ record }) => record.event === 'damaged')
      .map(({ record }) => record.text)
      .join('\n'),
  );

/** An older copy of the state: the witness knows more. */
const takeBack = async (config: string, state: string, older: string): Promise<void> => {
  rmSync(state, { recursive: true });
  cpSync(older, state, { recursive: true });
  const cordon = await startWith(config);
  await vi.waitFor(async () => expect(await damaged(cordon)).toMatch(FOUND), WAIT);
  // The answer is none the worse.
  expect((await ask(cordon.dns, 'www.banned.example. A')).rcode).toBe(RCODE.NXDOMAIN);
  // The record is written first, and told of within a second.
  const status = () => runCommandHere(['status'], { cwd: cordon.directory });
  await vi.waitFor(async () => expect((await status()).stdout).toMatch(/knows other records/), WAIT);
  const metrics = await (await fetch(`http://127.0.0.1:${cordon.admin.port}/metrics`)).text();
  expect(metrics).toMatch(/cordon_records_witness_conflict\{witness="[^"]+"\} 1/);
  await cordon.stop();
};

const SHOWN = 'every checkpoint is cosigned under load and over kill -9, and an older state is found';

test(`sigsum-witness: ${SHOWN}`, { tags: 'night', timeout: TIMEOUT_MS }, async (context) => {
  requireProgram(context, 'sigsum-witness');
  // What it cosigned at another time is no cosignature of now.
  requireMachineClock(context, 'sigsum-witness');
  const place = directory();
  const state = join(place, 'state');
  const server = await upstream();
  const { privateKey } = generateKeyPairSync('ed25519');
  const raw = rawOf(privateKey);
  writeFileSync(join(place, 'log.pub'), openSsh(raw));
  await run('sigsum-key', ['generate', '-o', join(place, 'witness')]);
  const witnessRaw = Buffer.from(
    readFileSync(join(place, 'witness.pub'), 'utf8').split(' ')[1] ?? '',
    'base64',
  ).subarray(-32);
  const witnessKey = createPublicKey({
    key: Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), witnessRaw]),
    format: 'der',
    type: 'spki',
  });
  const key = formatVerifier(
    createVerifier(`sigsum.org/v1/witness/${hashOf(witnessRaw)}`, witnessKey, SIGNATURE_TYPE.cosignature),
  );
  const port = await freePort();
  const args = [
    '-k',
    join(place, 'witness'),
    '--log-key',
    join(place, 'log.pub'),
    '--state-file',
    join(place, 'seen'),
    `127.0.0.1:${port}`,
  ];
  // The package was built with the router of an older Go.
  const witness = await start('sigsum-witness', args, port, { GODEBUG: 'httpmuxgo121=0' });
  const config = configOf(
    state,
    server.endpoint.port,
    `sigsum.org/v1/tree/${hashOf(raw)}`,
    `http://127.0.0.1:${port}`,
    key,
  );
  writeKey(state, privateKey);
  let older = '';
  for (let round = 0; round < 3; round++) {
    const cordon = await startWith(config);
    const isStill = SECONDS >= LONG_SECONDS && round === 1;
    const stop = watch(cordon, state, key);
    if (isStill) witness.kill('SIGSTOP');
    const going = setTimeout(() => witness.kill('SIGCONT'), isStill ? STILL_MS : 0);
    const answers = await load(cordon, SECONDS / 3);
    clearTimeout(going);
    const seen = await stop();
    expect({ ...seen, isTold: seen.overdue > 0 }).toMatchObject({ told: seen.overdue, isTold: isStill });
    if (SECONDS >= LONG_SECONDS) process.stdout.write(`${JSON.stringify({ round, answers, ...seen })}\n`);
    await vi.waitFor(() => expect(cosignedOf(state, key).verified).toHaveLength(1), WAIT);
    await vi.waitFor(() => {
      const { size, last } = cosignedOf(state, key);
      expect(size).toBe(last);
    }, WAIT);
    expect(await damaged(cordon)).toBe('');
    await cordon.kill();
    if (round > 0) continue;
    older = join(place, 'older');
    cpSync(state, older, { recursive: true });
  }
  await takeBack(config, state, older);
});

test(`cordon witness: ${SHOWN}, and so is a fork`, { timeout: TIMEOUT_MS }, async () => {
  const place = directory();
  const state = join(place, 'state');
  const server = await upstream();
  const made = await runCommandHere([
    'witness',
    '--directory',
    join(place, 'witness'),
    '--name',
    'audit.example/w1',
    '--json',
  ]);
  expect(made.code).toBe(0);
  const { verifier: key } = JSON.parse(made.stdout) as { verifier: string };
  const port = await freePort();
  const config = configOf(state, server.endpoint.port, 'agency.example/ns1', `http://127.0.0.1:${port}`, key);
  // Away at first: told, and nothing else.
  const cordon = await startWith(config);
  await load(cordon, 1);
  const shown = await runCommandHere(['records', 'key'], { cwd: cordon.directory });
  expect(shown.stdout).toMatch(/^agency\.example\/ns1\+[0-9a-f]{8}\+\S+\n$/);
  const witness = [
    'witness',
    '--directory',
    join(place, 'witness'),
    '--name',
    'audit.example/w1',
    '--listen',
    `127.0.0.1:${port}`,
    '--log',
    shown.stdout.trim(),
  ];
  await start(process.execPath, [PROGRAM, ...witness], port);
  await vi.waitFor(() => expect(cosignedOf(state, key).verified).toHaveLength(1), WAIT);
  await cordon.kill();
  const older = join(place, 'older');
  cpSync(state, older, { recursive: true });
  const again = await startWith(config);
  await load(again, 0.5);
  await vi.waitFor(() => {
    const { size, last } = cosignedOf(state, key);
    expect(size).toBe(last);
  }, WAIT);
  await again.kill();
  // A fork: the older copy goes on elsewhere, without the witness, until it has more blocks than were cosigned.
  const { size } = cosignedOf(state, key);
  rmSync(state, { recursive: true });
  cpSync(older, state, { recursive: true });
  const alone = await startWith(config.replace(/^ {2}witnesses: .*$/m, ''));
  await vi.waitFor(async () => {
    await load(alone, 1);
    expect(cosignedOf(state, key).last).toBeGreaterThan(size);
  }, LONG);
  await alone.stop();
  const forked = await startWith(config);
  await vi.waitFor(async () => expect(await damaged(forked)).toMatch(/do not begin what is here/), LONG);
  await forked.stop();
  await takeBack(config, state, older);
});

/** The key of the log, before the program makes one. */
const writeKey = (state: string, key: KeyObject): void => {
  const records = join(state, 'records');
  cpSync(directory(), records, { recursive: true });
  writeFileSync(join(records, 'signing-key.pem'), key.export({ type: 'pkcs8', format: 'pem' }), {
    mode: 0o600,
  });
};
