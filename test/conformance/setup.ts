// What the comparisons with other people's programs need: their cases, and a small DNS world of their servers.
//
// The cases lie in ../shared/conformance beside the project and are not part of it; a test that needs them says so when
// they are absent. The world is BIND's named with the zones that the cases expect, of which example.test is signed,
// in a directory of its own on free ports of the loopback, so that runs do not meet.
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { TestContext } from 'vitest';
import { exchangeUdp, readReply } from '../support/client.ts';
import { type Cordon, findProgram, requireProgram, run, startCordon } from '../support/process.ts';
import { buildQuery } from '../support/records.ts';

/** Where the cases are. */
export const suite = fileURLToPath(new URL('../../../shared/conformance', import.meta.url));
/** Debian's own: the cases import its python3-dnspython. */
export const PYTHON = '/usr/bin/python3';

/** A server reads a few zones: seconds on a loaded machine. */
const START_TIMEOUT_MS = 60_000;
const POLL_MS = 50;
const PORT_ATTEMPTS_MAX = 20;
/** A name that every server of the world answers. */
const KNOWN_NAME = 'www.example.test.';

/** Ends the test as not run, in words, when the cases are absent. */
export const requireSuite = (context: Pick<TestContext, 'skip'>): void => {
  if (existsSync(suite)) return;
  context.skip('../shared/conformance is not beside the project');
};

/** Ends the test as not run when something that the world consists of is missing. */
export const requireWorld = (context: Pick<TestContext, 'skip'>): void => {
  requireSuite(context);
  for (const program of [PYTHON, 'named', 'dnssec-keygen', 'dnssec-signzone'])
    requireProgram(context, program);
};

/** A server of somebody else's. */
export interface ForeignServer {
  readonly port: number;
  stop(): Promise<void>;
}

/** Starts named with the zones `test` and `example.test`. */
export const startNamed = async (): Promise<ForeignServer> => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-named-'));
  const inDirectory = async (program: string, ...args: string[]): Promise<void> => {
    const { code, stderr } = await run(program, args, { cwd: directory });
    if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${stderr}`);
  };
  await inDirectory(PYTHON, join(suite, 'testnet/mkzones.py'), directory);
  const keygen = ['-q', '-a', 'ECDSAP256SHA256', '-n', 'ZONE', '-K', '.'];
  await inDirectory('dnssec-keygen', ...keygen, 'example.test');
  await inDirectory('dnssec-keygen', ...keygen, '-f', 'KSK', 'example.test');
  await inDirectory('dnssec-signzone', '-S', '-K', '.', '-x', '-o', 'example.test', 'example.test.zone');
  const port = await findFreePort();
  writeFileSync(
    join(directory, 'named.conf'),
    `options { directory "${directory}"; listen-on port ${port} { 127.0.0.1; }; listen-on-v6 { none; };
  recursion no; pid-file none; session-keyfile "${directory}/session.key"; dnssec-validation no; notify no;
  minimal-responses no; max-records-per-type 0; max-types-per-name 0; };
controls { };
zone "test" { type primary; file "test.zone"; };
zone "example.test" { type primary; file "example.test.zone.signed"; };
`,
  );
  return startServer('named', ['-g', '-n', '1', '-c', join(directory, 'named.conf')], directory, port);
};

/** Starts Cordon in front of a server that has the zone `test`. */
export const startCordonBefore = (server: ForeignServer): Promise<Cordon> =>
  startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
upstreams: ["127.0.0.1:${server.port}"]
forward: [{ zones: [test], upstreams: ["127.0.0.1:${server.port}"] }]`,
  });

const startServer = async (
  program: string,
  args: readonly string[],
  directory: string,
  port: number,
): Promise<ForeignServer> => {
  const child = spawn(findProgram(program) ?? program, args, {
    cwd: directory,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let output = '';
  child.stderr.on('data', (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-4000);
  });
  const killAtExit = (): void => void child.kill('SIGKILL');
  process.once('exit', killAtExit);
  const stop = async (): Promise<void> => {
    if (isAlive(child)) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    process.off('exit', killAtExit);
    rmSync(directory, { recursive: true, force: true });
  };
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await isAnswering(port))) {
    if (isAlive(child) && Date.now() < deadline) continue;
    await stop();
    throw new Error(`${program} did not start\n${output}`);
  }
  return { port, stop };
};

const isAlive = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null;

const isAnswering = async (port: number): Promise<boolean> => {
  const query = buildQuery(`${KNOWN_NAME} A`);
  const reply = await Promise.race([
    exchangeUdp({ address: '127.0.0.1', port }, query).catch(() => undefined),
    delay(500, undefined),
  ]);
  if (reply !== undefined && readReply(reply).answer.length > 0) return true;
  await delay(POLL_MS);
  return false;
};

/** A port that is free for UDP and TCP. */
const findFreePort = async (): Promise<number> => {
  for (let attempt = 0; attempt < PORT_ATTEMPTS_MAX; attempt++) {
    const udp = createSocket('udp4');
    udp.bind(0, '127.0.0.1');
    await once(udp, 'listening');
    const { port } = udp.address();
    const tcp = createServer().listen(port, '127.0.0.1');
    const isFree = await once(tcp, 'listening').then(
      () => true,
      () => false,
    );
    udp.close();
    tcp.close();
    if (isFree) return port;
  }
  throw new Error('no port is free for both UDP and TCP');
};
