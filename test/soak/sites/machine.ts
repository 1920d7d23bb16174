// A machine of a site: a Debian of its own under systemd-nspawn, on a bridge with the others.
//
// systemd is its first process, and its units, accounts, firewall and journal are real. Its disk is a layer over one Debian that
// debootstrap made once. Commands come in by nsenter(1), as they would over ssh.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const SUITE = 'trixie';
const MIRROR = 'http://deb.debian.org/debian';
/** What a machine of an agency has that runs a resolver, and nats-server, so that the walk needs no way to a mirror. */
const PACKAGES = [
  ...['systemd', 'systemd-sysv', 'dbus', 'nats-server', 'nftables', 'iproute2', 'libstdc++6', 'libatomic1'],
  ...['bind9-dnsutils', 'procps'],
];
const START_MS = 90_000;
const STOP_MS = 30_000;
const OUTPUT_BYTES_MAX = 64 * 2 ** 20;
export const BRIDGE = 'cordon-sites';
const PREFIX = 24;

/** What a command on a machine came to. */
export interface Ran {
  readonly status: number | null;
  readonly output: string;
}

/** The Debian that all machines begin as; made when it is not there, which needs a mirror. */
export const makeBase = (directory: string): void => {
  if (existsSync(join(directory, 'etc/debian_version'))) return;
  execFileSync(
    'debootstrap',
    ['--variant=minbase', `--include=${PACKAGES.join(',')}`, SUITE, directory, MIRROR],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
};

/** A machine that runs. */
export class Machine {
  readonly name: string;
  readonly address: string;
  readonly #home: string;
  #container: ChildProcess | undefined;
  #first = 0;
  #log = '';

  private constructor(name: string, address: string, home: string) {
    this.name = name;
    this.address = address;
    this.#home = join(home, name);
  }

  /** Makes one and starts it. */
  static async start(name: string, address: string, base: string, home: string): Promise<Machine> {
    const machine = new Machine(name, address, home);
    for (const part of ['root', 'upper', 'work']) mkdirSync(join(machine.#home, part), { recursive: true });
    const layers = `lowerdir=${base},upperdir=${machine.#path('upper')},workdir=${machine.#path('work')}`;
    execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', layers, machine.#path('root')]);
    writeFileSync(machine.#path('root/etc/hostname'), `${name}\n`);
    writeFileSync(machine.#path('root/etc/hosts'), `127.0.0.1 localhost\n127.0.1.1 ${name}\n`);
    await machine.boot();
    return machine;
  }

  #path(part: string): string {
    return join(this.#home, part);
  }

  /** Starts it. */
  async boot(): Promise<void> {
    const container = spawn(
      'systemd-nspawn',
      [
        ...[
          '--quiet',
          '--register=no',
          '--keep-unit',
          `--machine=${this.name}`,
          `--network-bridge=${BRIDGE}`,
        ],
        ...[
          '--resolv-conf=off',
          '--timezone=off',
          `--directory=${this.#path('root')}`,
          '--console=pipe',
          '--boot',
        ],
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.#container = container;
    for (const stream of [container.stdout, container.stderr])
      stream?.on(
        'data',
        (bytes: Buffer) => (this.#log = (this.#log + bytes.toString('utf8')).slice(-50_000)),
      );
    const endMs = performance.now() + START_MS;
    for (;;) {
      this.#first = firstProcess(container.pid);
      const state = this.#first === 0 ? '' : this.run('systemctl is-system-running').output.trim();
      if (state === 'running' || state === 'degraded') break;
      if (performance.now() > endMs || container.exitCode !== null)
        throw new Error(`${this.name} does not start: ${state}\n${this.#log}`);
      await sleep(100);
    }
    this.must(
      `ip address add ${this.address}/${PREFIX} dev host0 && ip link set host0 up && ip route replace default via 10.77.0.254`,
    );
  }

  /** Runs a command as root. */
  run(command: string): Ran {
    const spaces = ['--mount', '--uts', '--ipc', '--net', '--pid', '--cgroup'];
    const { status, stdout, stderr } = spawnSync(
      'nsenter',
      [
        ...['--target', String(this.#first), ...spaces, '--root', '--wd', '--'],
        ...[
          '/usr/bin/env',
          '-i',
          'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
          'HOME=/root',
          'LC_ALL=C.UTF-8',
          'DEBIAN_FRONTEND=noninteractive',
        ],
        ...['/bin/sh', '-c', command],
      ],
      { encoding: 'utf8', maxBuffer: OUTPUT_BYTES_MAX },
    );
    return { status, output: stdout + stderr };
  }

  /** The same, of a command that has to succeed; what it printed. */
  must(command: string): string {
    const { status, output } = this.run(command);
    if (status !== 0) throw new Error(`${this.name}: ${command.slice(0, 200)}: status ${status}\n${output}`);
    return output;
  }

  /** Puts a file there. */
  put(from: string, to: string): void {
    cpSync(from, this.#path(`root${to}`));
  }

  write(to: string, text: string): void {
    writeFileSync(this.#path(`root${to}`), text);
  }

  read(path: string): string {
    return readFileSync(this.#path(`root${path}`), 'utf8');
  }

  /** As by its power switch. */
  async kill(): Promise<void> {
    const container = this.#container;
    if (container === undefined || container.exitCode !== null || container.signalCode !== null) return;
    const ended = new Promise((resolve) => container.once('exit', resolve));
    // Its first process, and with it all others; what carries it then takes its network and its mounts away.
    if (this.#first > 0) process.kill(this.#first, 'SIGKILL');
    await Promise.race([ended, sleep(STOP_MS)]);
    if (container.exitCode !== null || container.signalCode !== null) return;
    container.kill('SIGKILL');
    await Promise.race([ended, sleep(STOP_MS)]);
  }

  /** Ends it, and its disk with it. */
  async remove(): Promise<void> {
    await this.kill();
    spawnSync('umount', ['--lazy', this.#path('root')]);
    rmSync(this.#home, { recursive: true, force: true });
  }
}

/** The process of the container that is systemd; 0 while there is none. */
const firstProcess = (pid: number | undefined): number => {
  if (pid === undefined) return 0;
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      .trim()
      .split(' ')
      .filter(Boolean);
    const found = children.find(
      (child) => basename(readFileSync(`/proc/${child}/comm`, 'utf8').trim()) === 'systemd',
    );
    return Number(found ?? 0);
  } catch {
    return 0;
  }
};
