// Name servers of others that load what Cordon exports: started on a free port of the loopback, forwarding everything to
// an upstream of the test.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ask } from '../../support/client.ts';
import { findProgram } from '../../support/process.ts';

/** Tries until a program answers, 50 ms apart. */
const START_TRIES_MAX = 600;

/** What every configuration here says. */
export interface NameServerPlace {
  readonly directory: string;
  readonly port: number;
  /** Of 127.0.0.1. */
  readonly upstreamPort: number;
}

/** A running name server. */
export interface NameServer {
  stop(): Promise<void>;
}

/** Starts a name server and waits until it has an answer to `known`, a name that no rule refuses. */
export const startNameServer = async (
  command: string,
  args: readonly string[],
  port: number,
  known: string,
): Promise<NameServer> => {
  const child = spawn(findProgram(command) ?? command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'close');
  const killAtExit = (): void => void child.kill('SIGKILL');
  process.once('exit', killAtExit);
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await exited;
    process.off('exit', killAtExit);
  };
  try {
    await waitForAnswer(child, command, port, known);
  } catch (error) {
    await stop();
    throw error;
  }
  return { stop };
};

const waitForAnswer = async (
  child: ChildProcess,
  command: string,
  port: number,
  known: string,
): Promise<void> => {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  for (let attempt = 1; ; attempt++) {
    try {
      // A refused connection is known at once, a lost datagram is not.
      const reply = await ask({ address: '127.0.0.1', port }, `${known} A`, { transport: 'tcp' });
      assert.equal(reply.answer.length, 1, `RCODE ${reply.rcode}`);
      return;
    } catch (error) {
      if (attempt === START_TRIES_MAX || child.exitCode !== null) {
        throw new Error(`${command} does not answer: ${output.slice(-3000)}`, { cause: error });
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
};

/** Writes a configuration of named that applies a policy zone; returns its path. */
export const writeNamedConfig = (place: NameServerPlace, origin: string, zoneFile: string): string =>
  write(
    place,
    'named.conf',
    `
options {
  directory "${place.directory}";
  pid-file none;
  session-keyfile none;
  listen-on port ${place.port} { 127.0.0.1; };
  listen-on-v6 { none; };
  recursion yes;
  forward only;
  forwarders { 127.0.0.1 port ${place.upstreamPort}; };
  dnssec-validation no;
  response-policy { zone "${origin}"; } qname-wait-recurse no;
};
controls { };
zone "${origin}" { type primary; file "${zoneFile}"; };
`,
  );

/** Writes a configuration of unbound with clauses of the caller's; returns its path. */
export const writeUnboundConfig = (place: NameServerPlace, modules: string, clauses: string): string =>
  write(
    place,
    'unbound.conf',
    `
server:
  interface: 127.0.0.1@${place.port}
  username: ""
  chroot: ""
  directory: "${place.directory}"
  pidfile: ""
  use-syslog: no
  num-threads: 1
  module-config: "${modules}"
  do-not-query-localhost: no
remote-control:
  control-enable: no
forward-zone:
  name: .
  forward-addr: 127.0.0.1@${place.upstreamPort}
${clauses}
`,
  );

const write = ({ directory }: NameServerPlace, name: string, text: string): string => {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
};
