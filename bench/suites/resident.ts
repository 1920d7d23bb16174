// What the program holds in memory and what a start costs: the tree of the package, as its unit runs it, with the default
// configuration, with many names, and with everything that needs no other machine. Beside it what Node.js itself takes with as many
// threads, which no program on it can be below, and unbound.
//
// Each is started twice in its own directory: the first start makes what later ones find (compile cache, saved generation). Anonymous
// memory is the process's own; pages of files are shared with whatever else runs on the same Node.js.

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { buildTree, LIBRARY } from '../../deploy/package/tree.ts';
import { type Command, startPlain, type Work } from '../contender.ts';
import { createPair } from '../encrypted-servers.ts';
import { findFreePort, readRunNs } from '../process.ts';
import type { Context, Suite, SuiteResult, Verdict } from '../suite.ts';
import { toWork } from './cached.ts';

/** Of the main thread, two workers and the recorder, the last three. */
const THREADS = 3;
const BARE = fileURLToPath(new URL('../bare-threads.mjs', import.meta.url));
const TEN_MILLION = 10_000_000;
/** From the first answer to the look at memory: past the collection with which a start ends. */
const SETTLE_MS = 45_000;
const QUICK_SETTLE_MS = 5_000;
const KIB = 1024;
/** MiB resident, and seconds to the first answer, that are wanted. */
const GOALS: Readonly<Record<string, number>> = {
  default: 120,
  'a million names': 150,
  'ten million names': 450,
};
const START_SEC_MAX = 0.5;

interface Memory {
  readonly rssMib: number;
  readonly anonymousMib: number;
  readonly fileMib: number;
}

interface Found extends Memory {
  readonly id: string;
  readonly readySec: number;
  /** CPU time until the first answer, seconds. */
  readonly cpuSec: number;
}

/** Something that is started for a row. */
interface Subject {
  readonly id: string;
  /** False: it does not filter. */
  readonly isOurs: boolean;
  readonly command: (port: number) => Command;
}

const readMemory = (pid: number): Memory => {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const of = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1] ?? 0) / KIB;
  const [rssMib, anonymousMib] = [of('Rss'), of('Anonymous')];
  return { rssMib, anonymousMib, fileMib: rssMib - anonymousMib };
};

/**
 * Has a file read anew when it is needed, as after a boot. How much of it is mapped beside what a program touches depends on how it came
 * into memory: bare Node.js has 48 MiB of files then, and 71 when the file was just written by strip(1) or read from end to end.
 */
const readAnew = (file: string): void => {
  execFileSync('sync', [file]);
  execFileSync('dd', [`if=${file}`, 'iflag=nocache', 'count=0', 'status=none']);
};

const writeTenMillion = async (file: string): Promise<void> => {
  const output = createWriteStream(file);
  for (let at = 0; at < TEN_MILLION; at += 10_000) {
    const lines = Array.from(
      { length: 10_000 },
      (_, i) => `h${((at + i) * 2_654_435_761) % 2 ** 40}.example`,
    );
    if (!output.write(`${lines.join('\n')}\n`)) await once(output, 'drain');
  }
  output.end();
  await once(output, 'finish');
};

/** Everything that needs no other machine: encrypted clients, pages, query log, outputs, reports, notice. */
const everything = async (directory: string): Promise<string[]> => {
  const { cert, key } = createPair(directory);
  const ports = await Promise.all(Array.from({ length: 5 }, findFreePort));
  const [dot, doh, doq, room, notice] = ports;
  return [
    `tls: { cert: ${cert}, key: ${key} }`,
    `control-room: { listen: "127.0.0.1:${room}" }`,
    'query-log: { search: true, outputs: [{ to: "file:queries.jsonl" }] }',
    'records: { outputs: [{ to: "file:records.jsonl" }] }',
    `notice: { listen: ["127.0.0.1:${notice}"] }`,
    `listen: { dns: ["127.0.0.1:PORT"], admin: "127.0.0.1:0", dot: ["127.0.0.1:${dot}"], doh: ["127.0.0.1:${doh}"], doq: ["127.0.0.1:${doq}"] }`,
  ];
};

const subjects = async (context: Context, tree: string, work: Work): Promise<Subject[]> => {
  const node = join(tree, LIBRARY, 'node');
  const ours = (id: string, lines: readonly string[]): Subject => {
    const directory = join(context.directory, `resident-${id.replaceAll(' ', '-')}`);
    mkdirSync(directory);
    const file = join(directory, 'cordon.yaml');
    const listens = lines.some((line) => line.startsWith('listen:'))
      ? []
      : ['listen: { dns: ["127.0.0.1:PORT"], admin: "127.0.0.1:0" }'];
    const text = [...listens, `upstreams: ["127.0.0.1:${work.upstreamPort}"]`, ...lines, ''].join('\n');
    return {
      id,
      isOurs: true,
      command: (port) => {
        writeFileSync(file, text.replace('PORT', `${port}`));
        const program = [
          node,
          '--disable-sigusr1',
          join(tree, LIBRARY, 'dist/main.js'),
          'serve',
          '--config',
          file,
        ];
        return ['env', [`NODE_COMPILE_CACHE=${join(directory, 'compile')}`, ...program]];
      },
    };
  };
  const listed = (file: string): string[] => [
    'lists:',
    '  - { id: tiktok, shipped: tiktok, mandate: true }',
    `  - { id: large, file: ${file} }`,
  ];
  const found = [ours('default', []), ours('a million names', listed(context.million().file))];
  if (!context.isQuick) {
    const file = join(context.directory, 'ten-million.txt');
    await writeTenMillion(file);
    found.push(ours('ten million names', listed(file)));
  }
  const directory = join(context.directory, 'resident-pair');
  mkdirSync(directory);
  found.push(ours('everything', await everything(directory)));
  const bare: Subject = {
    id: `bare Node.js, ${THREADS} threads`,
    isOurs: false,
    command: (port) => [node, [BARE, `${port}`, `${THREADS}`]],
  };
  return [...found, bare];
};

const measure = async (subject: Subject, context: Context, work: Work): Promise<Found> => {
  const { id, isOurs, command } = subject;
  const start = () => startPlain(id, isOurs ? 'peer' : 'bare', command, work, { core: null });
  await (await start()).stop();
  const server = await start();
  const cpuSec = readRunNs(server.pid) / 1e9;
  await sleep(context.isQuick ? QUICK_SETTLE_MS : SETTLE_MS);
  const found = { id, readySec: server.readySec, cpuSec, ...readMemory(server.pid) };
  await server.stop();
  return found;
};

/** Resident memory and start. */
export const resident: Suite = {
  name: 'resident',
  title: 'Memory and start',
  run: async (context): Promise<SuiteResult> => {
    const tree = join(context.directory, 'tree');
    mkdirSync(tree);
    await buildTree(tree);
    readAnew(join(tree, LIBRARY, 'node'));
    const work = toWork(context, context.shipped, true);
    const found: Found[] = [];
    for (const subject of await subjects(context, tree, work)) {
      const one = await measure(subject, context, work);
      found.push(one);
      context.print(
        `  ${one.id.padEnd(24)} ${one.rssMib.toFixed(0)} MiB resident, first answer after ${one.readySec.toFixed(2)} s`,
      );
    }
    const verdicts = found.flatMap(({ id, rssMib, readySec }): Verdict[] => {
      const goal = GOALS[id];
      if (goal === undefined) return [];
      const memory = {
        holds: rssMib <= goal,
        text: `${id}: at most ${goal} MiB resident: ${rssMib.toFixed(0)} MiB`,
      };
      const start = {
        holds: readySec <= START_SEC_MAX,
        text: `first answer after at most ${START_SEC_MAX} s: ${readySec.toFixed(2)} s`,
      };
      return id === 'default' ? [memory, start] : [memory];
    });
    return {
      conditions: [
        'the tree of the package with its own Node.js, two workers, probe and records on; the second start in a directory',
        `memory ${SETTLE_MS / 1000} s after the first answer; nothing but that was asked`,
        'everything: DoT, DoH, DoQ, control room, query log with search, records to a file, notice',
        'pages of files: Node.js is read from the disk anew, as after a boot',
        'bare Node.js: the same binary with as many threads that only wait; the floor',
      ],
      tables: [
        {
          head: ['configuration', 'RSS', 'anonymous', 'of files', 'first answer after', 'CPU until then'],
          rows: found.map(({ id, rssMib, anonymousMib, fileMib, readySec, cpuSec }) => [
            id,
            ...[rssMib, anonymousMib, fileMib].map((value) => `${value.toFixed(0)} MiB`),
            `${readySec.toFixed(2)} s`,
            `${cpuSec.toFixed(2)} s`,
          ]),
        },
      ],
      verdicts,
      faults: [],
      remarks: [],
      raw: { found },
    };
  },
};
