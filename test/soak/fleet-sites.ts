// `npm run fleet -- sites`: three sites with systemd, from machines as Debian installs them to one fleet, timed step by step.
//
//   npm run fleet -- sites [PACKAGE.deb [NEWER.deb]]     without one, `npm run package:deb -- --quick` is made first
//   npm run fleet -- sites PACKAGE.deb --only lost       of wrong, engines, later, lost, after the three sites are one fleet
//
// Root and Linux only, with systemd-container, debootstrap, dnsmasq-base and nats-server of Debian; outside of the gate. The base
// is kept in /var/tmp/cordon-sites. Everything else goes with the process: it runs in namespaces of its own.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { BRIDGE, Machine, makeBase } from './sites/machine.ts';
import { walk } from './sites/walk.ts';

const CACHE = '/var/tmp/cordon-sites';
const INSIDE = 'CORDON_SITES_INSIDE';
const GROUP = '/sys/fs/cgroup/cordon-sites';

/** Runs the walk; gives the status of the command. */
export const walkSites = async (args: readonly string[]): Promise<number> => {
  if (process.env[INSIDE] === undefined) return runInside(args);
  // systemd wants one hierarchy of control groups; on a machine with both this is the new one.
  spawnSync('umount', ['--recursive', '/sys/fs/cgroup']);
  execFileSync('mount', ['-t', 'cgroup2', 'none', '/sys/fs/cgroup']);
  mkdirSync(GROUP, { recursive: true });
  writeFileSync(join(GROUP, 'cgroup.procs'), String(process.pid));
  for (const command of [
    'link set lo up',
    `link add ${BRIDGE} type bridge`,
    `address add 10.77.0.254/24 dev ${BRIDGE}`,
    `link set ${BRIDGE} up`,
  ])
    execFileSync('ip', command.split(' '));
  const upstream = spawn(
    'dnsmasq',
    [
      ...['--no-daemon', '--no-resolv', '--no-hosts', '--listen-address=10.77.0.254', '--bind-interfaces'],
      ...['--address=/#/192.0.2.99', '--conf-file=/dev/null', '--log-facility=/dev/null'],
    ],
    { stdio: 'ignore' },
  );
  const home = mkdtempSync(join(CACHE, 'run-'));
  const machines: Machine[] = [];
  try {
    const base = process.env['SITES_BASE'] ?? join(CACHE, 'base');
    const start = async (name: string, last: number): Promise<Machine> => {
      const machine = await Machine.start(name, `10.77.0.${last}`, base, home);
      machines.push(machine);
      return machine;
    };
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { only: { type: 'string', multiple: true } },
      allowPositionals: true,
    });
    return await walk(start, positionals, values.only);
  } finally {
    for (const machine of machines) await machine.remove();
    upstream.kill();
    rmSync(home, { recursive: true, force: true });
  }
};

const runInside = (args: readonly string[]): number => {
  mkdirSync(CACHE, { recursive: true });
  makeBase(join(CACHE, 'base'));
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const [first = ''] = args;
  const packages = first.endsWith('.deb') ? args : [makePackage(root), ...args];
  const { status } = spawnSync(
    // With the process that asked for it, the walk and its machines end.
    'setpriv',
    [
      ...[
        '--pdeathsig',
        'KILL',
        'unshare',
        '--mount',
        '--net',
        '--pid',
        '--fork',
        '--kill-child',
        '--mount-proc',
        '--propagation',
        'private',
        '--',
      ],
      ...[process.execPath, fileURLToPath(new URL('fleet.ts', import.meta.url)), 'sites', ...packages],
    ],
    { stdio: 'inherit', env: { ...process.env, [INSIDE]: 'yes' } },
  );
  return status ?? 1;
};

/** The whole one: what is made beside it has no fleet. */
const makePackage = (root: string): string => {
  const made = execFileSync('npm', ['run', '-s', 'package:deb', '--', '--quick'], {
    cwd: root,
    encoding: 'utf8',
  });
  const path = made.split('\n').find((line) => /^cordon-dns_.*\.deb$/.test(basename(line)));
  if (path === undefined) throw new Error(`no package cordon-dns in what was printed:\n${made}`);
  return path;
};
