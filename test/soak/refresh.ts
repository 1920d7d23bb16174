// What a refresh of a large list costs in memory, measured in the real program.
//
//   node src/launch.mjs test/soak/refresh.ts [NAMES] [SEED]     1,000,000 names, some two minutes
//
// Serves a list, has the program fetch it five times with a change each, and reads the kernel's high-water mark of
// resident memory around each refresh. Prints a line per refresh and, for ten names by chance, what `cordon explain`
// says of them. Exit status 1 at a breach: a peak above what the program needs without a list, the old table, the new
// one and 20 MB; or a name that is not explained by its list and line. Linux only.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { content, ListServer } from '../support/list-server.ts';
import { type Cordon, run, startCordon } from '../support/process.ts';

const REFRESHES = 5;
/** Names of the list that every refresh replaces: one in this many. */
const CHANGED_ONE_IN = 1_000;
const EXPLAINED = 10;
/** What reading, hashing and compiling may take beside the two tables. */
const ALLOWANCE_BYTES = 20 * 1000 * 1000;
/** For tables to be given back and the generation to be saved, which takes a part of a second. */
const SETTLE_MS = 2_000;
/** For one command: each reads the whole list by itself. */
const COMMAND_TIMEOUT_MS = 60_000;
const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const inMb = (bytes: number): string => `${(bytes / 1_000_000).toFixed(1)} MB`;

/** Numbers below 2^32 that a seed determines (xorshift). */
const createRandom = (seed: number): (() => number) => {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 0x1_0000_0000;
  };
};

/** The names of one version: some 23 characters, as in large public lists. */
const namesOf = (count: number, version: number): string[] =>
  Array.from({ length: count }, (_, index) => {
    const mixed = Math.imul(index, 0x9e3779b1) >>> 0;
    const mark = index % CHANGED_ONE_IN === version ? `v${version}-` : '';
    return `${mark}${mixed.toString(36)}.site${index % 5_000}.example`;
  });

const statusBytes = (pid: number, field: 'VmHWM' | 'VmRSS'): number => {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]) * 1024;
};

/** Sets the high-water mark back to what is resident now (proc(5), clear_refs). */
const clearPeak = (pid: number): void => writeFileSync(`/proc/${pid}/clear_refs`, '5');

interface Rig {
  readonly cordon: Cordon;
  readonly server: ListServer;
  readonly configFile: string;
  readonly savedFile: string;
}

const command = (rig: Rig, ...args: readonly string[]) =>
  run(process.execPath, [MAIN, ...args, '--config', rig.configFile], { timeoutMs: COMMAND_TIMEOUT_MS });

interface Put {
  readonly tableBytes: number;
  /** The high-water mark when the list was fetched and reviewed, before a table was made of it. */
  readonly fetchPeakBytes: number;
}

/** Has the program fetch a list and waits until it is in force, saved, and what was before is given back. */
const putInForce = async (rig: Rig, text: string): Promise<Put> => {
  rig.server.set('/list.txt', content(text));
  const from = rig.cordon.logs().length;
  const reviewed = rig.cordon.waitForLog(({ msg }) => /^list (renewed|held)/.test(msg), from);
  const refreshed = command(rig, 'lists', 'refresh', 'feed');
  const { msg: outcome, sha256 } = await reviewed;
  const fetchPeakBytes = statusBytes(rig.cordon.pid, 'VmHWM');
  await refreshed;
  // The first one has a million times the rules of the one before, as no list should.
  if (outcome.startsWith('list held')) await command(rig, 'lists', 'accept', 'feed', String(sha256));
  await rig.cordon.waitForLog(({ msg }) => msg === 'generation saved', from);
  await sleep(SETTLE_MS);
  return { tableBytes: statSync(rig.savedFile).size, fetchPeakBytes };
};

const explainSome = async (rig: Rig, names: readonly string[], random: () => number): Promise<string[]> => {
  const breaches: string[] = [];
  for (let i = 0; i < EXPLAINED; i++) {
    const index = Math.floor(random() * names.length);
    const name = names[index] ?? '';
    const { stdout } = await command(rig, 'explain', '--json', '--no-follow', name);
    const { reason } = JSON.parse(stdout) as { reason?: { list: string; line: number; text: string } };
    print(`${name}: list ${reason?.list}, line ${reason?.line}`);
    const isRight = reason?.list === 'feed' && reason.line === index + 1 && reason.text === name;
    if (!isRight) breaches.push(`${name} is not explained by line ${index + 1}`);
  }
  return breaches;
};

const measure = async (rig: Rig, count: number, random: () => number): Promise<string[]> => {
  const { pid } = rig.cordon;
  const breaches: string[] = [];
  const { tableBytes: smallBytes } = await putInForce(rig, 'one.example\ntwo.example\n');
  const baseBytes = statusBytes(pid, 'VmRSS') - smallBytes;
  print(`base: ${inMb(baseBytes)} resident without a list`);
  let names: readonly string[] = [];
  let oldBytes = smallBytes;
  for (let version = 0; version <= REFRESHES; version++) {
    names = namesOf(count, version);
    clearPeak(pid);
    const { tableBytes: newBytes, fetchPeakBytes } = await putInForce(rig, `${names.join('\n')}\n`);
    const peakBytes = statusBytes(pid, 'VmHWM');
    const boundBytes = baseBytes + oldBytes + newBytes + ALLOWANCE_BYTES;
    const isOver = peakBytes > boundBytes;
    print(
      `${version === 0 ? 'first load' : `refresh ${version}`}: tables ${inMb(oldBytes)} + ${inMb(newBytes)}, ` +
        `fetched at ${inMb(fetchPeakBytes)}, peak ${inMb(peakBytes)}, bound ${inMb(boundBytes)} (${inMb(boundBytes - peakBytes)} left), ` +
        `after ${inMb(statusBytes(pid, 'VmRSS'))}`,
    );
    if (isOver && version > 0)
      breaches.push(`refresh ${version}: ${inMb(peakBytes - boundBytes)} over the bound`);
    oldBytes = newBytes;
  }
  return [...breaches, ...(await explainSome(rig, names, random))];
};

const main = async (): Promise<number> => {
  const count = Number(process.argv[2] ?? 1_000_000);
  const seed = Number(process.argv[3] ?? Math.floor(Math.random() * 0x1_0000_0000));
  if (!Number.isInteger(count) || count < 1 || !Number.isInteger(seed)) {
    process.stderr.write('usage: node src/launch.mjs test/soak/refresh.ts [NAMES] [SEED]\n');
    return 2;
  }
  print(`refresh: ${count} names, seed ${seed}`);
  const state = mkdtempSync(join(tmpdir(), 'cordon-refresh-'));
  const server = await ListServer.open();
  server.set('/list.txt', content('one.example\n'));
  try {
    const cordon = await startCordon({
      config: `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
state: ${state}
upstreams: ["127.0.0.1:9"]
lists:
  - { id: base, file: base.txt }
  - { id: feed, url: "${server.url('/list.txt', '127.0.0.1')}" }
`,
      files: { 'base.txt': 'base.example\n' },
    });
    try {
      const configFile = join(cordon.directory, 'cordon.yaml');
      const rig = { cordon, server, configFile, savedFile: join(state, 'generation.saved') };
      await cordon.waitForLog(({ msg }) => msg === 'lists renewed');
      const breaches = await measure(rig, count, createRandom(seed));
      for (const breach of breaches) print(`breach: ${breach}`);
      return breaches.length === 0 ? 0 : 1;
    } finally {
      await cordon.kill();
    }
  } finally {
    await server.close();
    rmSync(state, { recursive: true, force: true });
  }
};

process.exitCode = await main();
