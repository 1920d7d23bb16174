// A server that takes part in a benchmark, and the ones that are ours: Cordon, the C limit and the bare dgram server.
//
// A contender is started with the work of the suite and is ready when it answers a name that passes and, if it
// filters, refuses one that is listed: what does not do the work is not measured.
import { createSocket } from 'node:dgram';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { shippedDefaults } from '../src/policy/lists/lists.ts';
import { HEADER_LENGTH, messageId, messageRcode, RCODE } from '../src/wire/dns/dns.ts';
import { run, startCordon } from '../test/support/process.ts';
import { mainOf } from '../test/support/program.ts';
import { buildQuery } from '../test/support/records.ts';
import type { ListedNames } from './names.ts';
import { findFreePort, type Process, pinProcess, readRss, SERVER_CORE, startProcess } from './process.ts';

/** A peer with a million names needs ten seconds, a minute on a loaded machine. */
const READY_TIMEOUT_MS = 120_000;
/** Between two looks whether a server is ready: the resolution of its load time. */
const READY_POLL_MS = 20;
const PROBE_TIMEOUT_MS = 500;
/** Memory for answers, for every server that lets it be set: more than the hosts that are asked for need. */
export const CACHE_MIB = 64;

const root = fileURLToPath(new URL('..', import.meta.url));

/** The RCODEs with which servers answer listed names. */
export type Refusal = 'NXDOMAIN' | 'REFUSED';

/** Ours, the two that set the scale and filter nothing, or another resolver. */
export type Role = 'cordon' | 'limit' | 'bare' | 'peer';

/** What a server has to do. */
export interface Work {
  /** The suite's own directory. */
  readonly directory: string;
  readonly upstreamPort: number;
  readonly listed: ListedNames;
  /** True: `listed` is what Cordon ships; false: it is loaded beside that. */
  readonly isShipped: boolean;
  /** A name of the list and one that passes. */
  readonly listedName: string;
  readonly passingName: string;
}

/** A running server. */
export interface Server {
  readonly id: string;
  readonly role: Role;
  readonly pid: number;
  readonly port: number;
  /** From the start of the process until it does the work, seconds. */
  readonly readySec: number;
  /** Resident memory when it was ready, bytes. */
  readonly readyRssBytes: number;
  /** Address of `/metrics`, Cordon only. */
  readonly metricsUrl: string | undefined;
  /** Further words for the table, such as the kind of sockets. */
  readonly remark: string;
  /** How it answers listed names; NXDOMAIN without it. */
  readonly refusal?: Refusal;
  stop(): Promise<void>;
}

/** A server that can be started. */
export interface Contender {
  readonly id: string;
  readonly role: Role;
  /** Directory of an earlier checkout that takes part as a peer. */
  readonly checkout?: string;
  /** The version, or undefined when it is not installed. */
  version(): Promise<string | undefined>;
  start(work: Work): Promise<Server>;
}

/** How Cordon differs from the default. */
export interface CordonVariant {
  readonly id?: string;
  readonly workers?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** False: it may use every core. */
  readonly isPinned?: boolean;
  /** Directory of another checkout, an earlier one: it takes part as a peer. */
  readonly checkout?: string;
  /** Further lines of its configuration. */
  readonly lines?: readonly string[];
  /** How many lists hold the listed names, instead of the lists that are shipped. */
  readonly copies?: number;
}

/** The real program, one worker on one core unless told otherwise. */
export const cordon = (variant: CordonVariant = {}): Contender => {
  const { id = 'cordon', workers = 1, env = {}, isPinned = true, checkout, copies, lines = [] } = variant;
  const role: Role = checkout === undefined ? 'cordon' : 'peer';
  const home = checkout ?? root;
  return {
    id,
    role,
    ...(checkout !== undefined && { checkout }),
    version: async () => {
      // As `npm start` does it: fills the compile cache, which a process that is killed does not write.
      const command = [join(home, 'src/launch.mjs'), mainOf(home)];
      const { stdout } = await run(process.execPath, [...command, '--version']);
      return stdout.trim();
    },
    start: async (work) => {
      const startedMs = performance.now();
      const program = await startCordon({
        config: `${cordonConfig(work, workers, copies)}${lines.join('\n')}\n`,
        // As `npm start` runs it: without the compile cache, the type stripper stays in memory.
        env: { NODE_COMPILE_CACHE: join(home, 'node_modules/.cache/compile'), ...env },
        ...(checkout !== undefined && { checkout }),
      });
      const { pid, ready, dns, admin } = program;
      const socketKind = ready['udp'];
      const server = {
        id,
        role,
        pid,
        port: dns.port,
        readySec: (performance.now() - startedMs) / 1000,
        readyRssBytes: readRss(pid),
        metricsUrl: `http://127.0.0.1:${admin.port}/metrics`,
        remark: typeof socketKind === 'string' ? `${socketKind} sockets` : '',
        stop: () => program.kill(),
      };
      try {
        if (isPinned) await pinProcess(pid, SERVER_CORE);
        await waitUntilReady(server.port, work, 'NXDOMAIN', () => program.output());
      } catch (error) {
        await program.kill();
        throw error;
      }
      return server;
    },
  };
};

const cordonConfig = (
  { upstreamPort, listed, isShipped }: Work,
  workers: number,
  copies: number | undefined,
): string => {
  const shipped = shippedDefaults().map(({ id }) => `  - { id: ${id}, shipped: ${id} }`);
  const copied = Array.from(
    { length: copies ?? 0 },
    (_, index) => `  - { id: copy-${index}, file: ${listed.file}, format: domains, mandate: true }`,
  );
  const lists =
    copies !== undefined
      ? copied
      : isShipped
        ? shipped
        : [...shipped, `  - { id: large, file: ${listed.file}, mandate: true }`];
  return [
    'listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }',
    `upstreams: ["127.0.0.1:${upstreamPort}"]`,
    `workers: ${workers}`,
    `cache: { size: ${CACHE_MIB}MiB }`,
    'log: { level: info }',
    'lists:',
    ...lists,
    '',
  ].join('\n');
};

/** The C program that does the least; compiled into the directory of the run. */
export const udpLimit = (directory: string): Contender => {
  const program = join(directory, 'udp-limit');
  const compile = async (): Promise<boolean> => {
    const source = join(root, 'bench/udp-limit.c');
    const result = await run('cc', ['-O2', '-Wall', '-Wextra', '-o', program, source]).catch(() => undefined);
    return result?.code === 0;
  };
  return {
    id: 'C limit',
    role: 'limit',
    version: async () => ((await compile()) ? 'bench/udp-limit.c, cc -O2' : undefined),
    start: (work) => startPlain('C limit', 'limit', (port) => [program, [`${port}`]], work),
  };
};

/** A server of this folder that runs on our Node.js. */
const bareServer = (
  id: string,
  file: URL,
  more: (work: Work) => readonly string[] = () => [],
): Contender => ({
  id,
  role: 'bare',
  version: () => Promise.resolve(`bench/${basename(file.pathname)}, Node ${process.versions.node}`),
  start: (work) => {
    const path = fileURLToPath(file);
    return startPlain(id, 'bare', (port) => [process.execPath, [path, `${port}`, ...more(work)]], work);
  },
});

/** The server of node:dgram and a Map. */
export const bareDgram = bareServer('bare dgram', new URL('bare-dgram.ts', import.meta.url));

/** The least that can be done on Node.js with the sockets that Cordon has. */
export const bareBatched = bareServer('bare batched', new URL('bare-batched.ts', import.meta.url));

/** The least that a forwarder on Node.js can do with the sockets that Cordon has. */
export const bareForward = bareServer(
  'bare forward',
  new URL('bare-forward.ts', import.meta.url),
  ({ upstreamPort }) => [`${upstreamPort}`],
);

/** A program and its arguments. */
export type Command = readonly [program: string, args: readonly string[]];

/** What sets a peer apart. */
export interface Traits {
  /** The only core that it may use; null: all. */
  readonly core?: number | null;
  readonly remark?: string;
  readonly refusal?: Refusal;
}

/** Starts a program that is told its port and waits until it does the work. */
export const startPlain = async (
  id: string,
  role: Role,
  commandFor: (port: number) => Command,
  work: Work,
  { remark = '', refusal = 'NXDOMAIN', core = SERVER_CORE }: Traits = {},
): Promise<Server> => {
  const port = await findFreePort();
  const [program, args] = commandFor(port);
  const startedMs = performance.now();
  const child: Process = startProcess(program, args, { core: core ?? undefined, cwd: work.directory });
  try {
    await waitUntilReady(port, work, role === 'peer' ? refusal : undefined, () => {
      if (child.hasEnded) throw new Error(`${id} ended at its start\n${child.output()}`);
      return child.output();
    });
  } catch (error) {
    await child.stop();
    throw error;
  }
  return {
    id,
    role,
    pid: child.pid,
    port,
    readySec: (performance.now() - startedMs) / 1000,
    readyRssBytes: readRss(child.pid),
    metricsUrl: undefined,
    remark,
    refusal,
    stop: () => child.stop(),
  };
};

const waitUntilReady = async (
  port: number,
  work: Work,
  refusal: Refusal | undefined,
  look: () => string,
): Promise<void> => {
  const deadlineMs = performance.now() + READY_TIMEOUT_MS;
  let seen = '';
  while (performance.now() < deadlineMs) {
    const output = look();
    const passing = await askRcode(port, work.passingName);
    const listed = refusal === undefined ? undefined : await askRcode(port, work.listedName);
    if (passing === RCODE.NOERROR && (refusal === undefined || listed === RCODE[refusal])) return;
    seen = `${work.passingName}: ${passing ?? 'silence'}, ${work.listedName}: ${listed ?? 'silence'}\n${output}`;
    await sleep(READY_POLL_MS);
  }
  throw new Error(`a server was not ready within ${READY_TIMEOUT_MS} ms: RCODEs ${seen}`);
};

/** The RCODE of the answer for a name's address; undefined: none came. */
const askRcode = (port: number, name: string): Promise<number | undefined> =>
  new Promise((resolve) => {
    const socket = createSocket('udp4');
    const query = buildQuery(`${name}. A`, { id: (port ^ Date.now()) & 0xffff });
    const finish = (answered: number | undefined): void => {
      clearTimeout(timer);
      socket.close();
      resolve(answered);
    };
    const timer = setTimeout(finish, PROBE_TIMEOUT_MS, undefined);
    // A port that nobody listens on yet answers with an error (ICMP).
    socket.on('error', () => finish(undefined));
    socket.on('message', (message) => {
      if (message.length >= HEADER_LENGTH && messageId(message) === messageId(query))
        finish(messageRcode(message));
    });
    socket.connect(port, '127.0.0.1', () => {
      socket.send(query);
    });
  });
