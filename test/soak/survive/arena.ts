// What a row of the survival test plays in: two resolvers with keepalived beside them, two upstreams, a server of a list.
//
// The resolvers are started as deploy/cordon.service starts them, keepalived with the files of deploy/keepalived. Each
// resolver has a state directory on a small disk of its own, a wall clock that can be moved, and a control group.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { fakeTimeLibrary } from '../../support/fake-time.ts';
import { mainOf } from '../../support/program.ts';
import { Daemon } from './daemon.ts';
import { buildSites, runIn } from './site.ts';

export const root = fileURLToPath(new URL('../../..', import.meta.url));

/** The addresses that clients have; each is at home at one resolver. */
export const ADDRESSES = ['192.0.2.53', '192.0.2.54'] as const;
export const UPSTREAMS = ['198.51.100.53', '198.51.100.54'] as const;
/** A name that only the fetched list refuses. */
export const REMOTE_NAME = 'listed.remote.example';
const LIST_SERVER = '198.51.100.80';
const LIST_PORT = '8000';

/** Room for the records of some minutes and a list or two, and quickly filled. */
const DISK_SIZE = '32m';
/** On a machine that does other things as well. */
export const READY_MS = 60_000;
const LOOK_MS = 100;

export type ResolverName = 'r1' | 'r2';

/** A resolver with its keepalived. */
export class Resolver {
  readonly name: ResolverName;
  readonly directory: string;
  readonly state: string;
  readonly cordon: Daemon;
  readonly keepalived: Daemon;
  readonly #clock: string;

  constructor(name: ResolverName, home: string) {
    this.name = name;
    this.directory = join(home, name);
    this.state = join(this.directory, 'state');
    this.#clock = join(this.directory, 'clock');
    mkdirSync(this.state, { recursive: true });
    mount('-t', 'tmpfs', '-o', `size=${DISK_SIZE},mode=0750`, 'cordon-survive', this.state);
    this.configure();
    this.setClock(0);
    this.cordon = new Daemon(`cordon of ${name}`, name, {
      command: this.commandOf(root),
      env: { NODE_COMPILE_CACHE: join(home, 'compile'), NODE_OPTIONS: `--import=${HOOKS}` },
    });
    this.keepalived = new Daemon(`keepalived of ${name}`, name, {
      command: [
        ...[
          'keepalived',
          '--dont-fork',
          '--log-console',
          '--vrrp',
          '--config-id',
          `resolver-${name.slice(1)}`,
        ],
        ...['--use-file', join(home, 'keepalived.conf')],
        ...['--pid', join(this.directory, 'keepalived.pid'), '--vrrp_pid', join(this.directory, 'vrrp.pid')],
      ],
      env: {},
    });
  }

  /** Writes its configuration, with more keys where a row needs them. */
  configure(more = ''): void {
    writeFileSync(join(this.directory, 'cordon.yaml'), configOf(this.state, more));
  }

  /** How Cordon is started from a checkout. */
  commandOf(checkout: string): string[] {
    const main = mainOf(checkout);
    const serve = ['serve', '--config', join(this.directory, 'cordon.yaml')];
    // The working directory is where the test tells workers to hang or die.
    const inDirectory = ['sh', '-c', 'cd "$1" && shift && exec "$@"', 'sh', this.directory];
    return [...inDirectory, process.execPath, '--disable-sigusr1', main, ...serve];
  }

  /** Starts Cordon and waits until it is ready. */
  async begin(): Promise<void> {
    const from = this.cordon.output.length;
    this.cordon.begin();
    await this.cordon.waitFor('"msg":"ready"', READY_MS, from);
  }

  /** Moves its wall clock, seconds off from the true time. */
  setClock(offsetSec: number): void {
    writeFileSync(this.#clock, `${offsetSec < 0 ? '' : '+'}${offsetSec}\n`);
  }

  /** Status line of a page of its admin listener. */
  page(path: string): string {
    return runIn(this.name, 'curl', '--silent', '--max-time', '2', `http://127.0.0.1:9153${path}`);
  }

  /** True when the address is at this resolver. */
  has(address: string): boolean {
    return runIn(this.name, 'ip', '-4', 'address', 'show', 'dev', 'eth0').includes(` ${address}/`);
  }

  /** Variables with which a program has the clock of setClock(). */
  clockEnv(): Record<string, string> {
    const library = fakeTimeLibrary();
    if (library === undefined) throw new Error('libfaketime is not installed');
    return {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: this.#clock,
      FAKETIME_CACHE_DURATION: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
  }
}

/** Lets workers hang or die when a file says so: the program itself has no way to. */
const HOOKS = pathToFileURL(join(root, 'test/soak/survive/hooks.mjs')).href;

const configOf = (state: string, more: string): string => `
listen:
  dns: [${[...ADDRESSES, '127.0.0.1'].map((address) => `"${address}:53"`).join(', ')}]
  admin: "127.0.0.1:9153"
  dot: [${more.includes('tls:') ? ADDRESSES.map((address) => `"${address}:853"`).join(', ') : ''}]
workers: 2
state: ${state}
upstreams: [${UPSTREAMS.map((address) => `"${address}"`).join(', ')}]
dnssec: { mode: off }
access: { allow: [127.0.0.0/8, 192.0.2.0/24] }
extra-lists:
  - { id: remote, url: "http://${LIST_SERVER}:${LIST_PORT}/list.txt", format: domains, refresh: 5m }
${more}`;

const mount = (...args: string[]): void => {
  const { status, stderr } = spawnSync('mount', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`mount: ${stderr}`);
};

/** Everything that stands still between two rows. */
export class Arena {
  readonly home: string;
  readonly resolvers: readonly Resolver[];
  readonly upstreams: readonly Daemon[];
  readonly listServer: Daemon;

  constructor() {
    this.home = mkdtempSync(join(tmpdir(), 'cordon-survive-'));
    // Removed in this order: the namespaces' programs end first.
    process.once('exit', () => this.#remove());
    chmodSync(this.home, 0o755);
    buildSites();
    const health = join(this.home, 'cordon-health');
    cpSync(join(root, 'deploy/keepalived/cordon-health'), health);
    chmodSync(health, 0o755);
    const shipped = readFileSync(join(root, 'deploy/keepalived/keepalived.conf'), 'utf8');
    writeFileSync(join(this.home, 'keepalived.conf'), shipped.replace(/^\$HEALTH=.*$/m, `$HEALTH=${health}`));
    for (const name of ['r1', 'r2'] as const)
      runIn(name, 'sysctl', '--quiet', '--load', join(root, 'deploy/keepalived/90-cordon-vrrp.conf'));
    this.resolvers = [new Resolver('r1', this.home), new Resolver('r2', this.home)];
    const programs = join(root, 'test/soak/survive');
    const upstream = (address: string) =>
      new Daemon(`upstream ${address}`, 'up', {
        command: [process.execPath, join(programs, 'upstream.ts'), address, '53'],
        env: {},
      });
    this.upstreams = UPSTREAMS.map(upstream);
    this.listServer = new Daemon('list server', 'up', {
      command: [process.execPath, join(programs, 'list-server.ts'), LIST_SERVER, LIST_PORT, REMOTE_NAME],
      env: {},
    });
  }

  get first(): Resolver {
    return this.#resolver(0);
  }

  get second(): Resolver {
    return this.#resolver(1);
  }

  async begin(): Promise<void> {
    for (const daemon of [...this.upstreams, this.listServer]) daemon.begin();
    await Promise.all(this.resolvers.map((resolver) => resolver.begin()));
    for (const resolver of this.resolvers) resolver.keepalived.begin();
    await this.settle();
  }

  /** Waits until each address is at home, both resolvers are in force and the fetched list is there. */
  async settle(): Promise<void> {
    const isSettled = (): boolean =>
      this.first.has(ADDRESSES[0]) &&
      this.second.has(ADDRESSES[1]) &&
      !this.first.has(ADDRESSES[1]) &&
      !this.second.has(ADDRESSES[0]) &&
      this.resolvers.every(
        (resolver) =>
          resolver.page('/metrics').includes('cordon_list_entries{list="remote"') &&
          resolver.page('/readyz').includes('"enforced"'),
      );
    for (let waitedMs = 0; waitedMs < READY_MS; waitedMs += LOOK_MS) {
      if (isSettled()) return;
      await sleep(LOOK_MS);
    }
    const outputs = this.resolvers.map(
      ({ name, cordon, keepalived }) =>
        `== ${name}\n${cordon.output.slice(-3000)}\n-- keepalived\n${keepalived.output.slice(-3000)}`,
    );
    const places = this.resolvers.map(
      (resolver) =>
        `${resolver.name}: ${ADDRESSES.filter((address) => resolver.has(address)).join(' ')} ${resolver.page('/readyz')}`,
    );
    throw new Error(`the sites did not settle in ${READY_MS} ms\n${[...places, ...outputs].join('\n')}`);
  }

  async end(): Promise<void> {
    const daemons = this.resolvers.flatMap(({ keepalived, cordon }) => [keepalived, cordon]);
    await Promise.all([...daemons, ...this.upstreams, this.listServer].map((daemon) => daemon.stop()));
  }

  #resolver(index: number): Resolver {
    const resolver = this.resolvers[index];
    if (resolver === undefined) throw new Error(`no resolver ${index}`);
    return resolver;
  }

  #remove(): void {
    for (const name of ['r1', 'r2']) {
      const state = join(this.home, name, 'state');
      if (existsSync(state)) spawnSync('umount', ['--lazy', state], { stdio: 'ignore' });
    }
    rmSync(this.home, { recursive: true, force: true });
  }
}
