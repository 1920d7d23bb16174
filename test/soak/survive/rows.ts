// The rows of the survival test: what goes wrong, and how it is mended, while clients ask at an even rate.
//
// A row is done to the first resolver (home of the first address) or to what both stand on. `mend` brings everything back
// to where it was; the runner waits for that. Runbooks for each: docs/survival.md.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Arena, Resolver } from './arena.ts';
import { READY_MS, root } from './arena.ts';
import { createAuthority, issueCertificate } from './certificate.ts';
import { createGroup, type MemoryGroup } from './memory-group.ts';
import { setJoined } from './site.ts';
import type { Kind } from './stub.ts';

/** One thing that goes wrong. */
export interface Row {
  readonly name: string;
  readonly title: string;
  /** Before clients ask. */
  readonly prepare?: (arena: Arena, options: RowOptions) => Promise<void>;
  /** Goes wrong; resolves when the time to mend has come. */
  readonly hurt: (arena: Arena, options: RowOptions) => Promise<void>;
  /** While clients ask. What is printed stands in the table. */
  readonly mend: (arena: Arena, options: RowOptions) => Promise<string | undefined>;
  /** After clients asked: back to where it was. */
  readonly tidy?: (arena: Arena) => Promise<void>;
  /** The kinds of questions that can be answered at all; all by default. */
  readonly turns?: readonly Kind[];
  /** Nothing is left that the address could be handed to. */
  readonly mayStay?: boolean;
  /** Clients ask over TLS. */
  readonly isSecure?: boolean;
}

/** What the command line says. */
export interface RowOptions {
  /** The version that a roll-back goes to: a commit of this repository. */
  readonly before: string;
}

/** How long something stays broken: longer than every time-out on the way to noticing it, milliseconds. */
const BROKEN_MS = 8_000;
/** Between two looks of Cordon at the files of its certificate, and time for the change, milliseconds. */
const LOOK_MS = 2_000;
/** A restart in the middle, milliseconds. */
const RESTART_MS = 2_500;
const DAY_SEC = 86_400;
/** Below what a resolver with the shipped lists needs (some 200 MB), MiB. */
const MEMORY_TOO_SMALL_MIB = 90;
/** A resolver with room to spare, MiB. */
const MEMORY_ENOUGH_MIB = 1024;
/** The kernel takes back the memory of a program that was killed, milliseconds. */
const LET_GO_MS = 500;
/** The certificate ends that long after it was issued, under load: longer than until Cordon has looked at it; seconds. */
const CERTIFICATE_SEC = 5;

const broken = (): Promise<void> => sleep(BROKEN_MS);

/** A metric of a resolver, with a label where it has several values. */
const metric = (resolver: Resolver, name: string, label = ''): number =>
  Number(new RegExp(`^${name}(?:\\{${label}[^}]*\\})? (\\S+)$`, 'm').exec(resolver.page('/metrics'))?.[1]);

const restartWith = async (resolver: Resolver, change: (start: Resolver['cordon']['start']) => void) => {
  await resolver.cordon.stop();
  change(resolver.cordon.start);
  await resolver.begin();
};

/** Moves the first resolver's wall clock, which it has for this row only. */
const moveClock = (name: string, title: string, offsetSec: number): Row => ({
  name,
  title,
  prepare: async ({ first }) => {
    first.setClock(0);
    await restartWith(first, (start) => {
      start.env = { ...start.env, ...first.clockEnv() };
    });
  },
  hurt: async ({ first }) => {
    first.setClock(offsetSec);
    await broken();
  },
  mend: async ({ first }) => {
    first.setClock(0);
    await sleep(RESTART_MS);
    return undefined;
  },
  tidy: ({ first }) =>
    restartWith(first, (start) => {
      const kept = Object.entries(start.env).filter(
        ([key]) => !key.startsWith('FAKETIME') && key !== 'LD_PRELOAD',
      );
      start.env = Object.fromEntries(kept);
    }),
});

/** The sources of another commit, with the dependencies of this one. */
const checkOut = (arena: Arena, commit: string): string => {
  const directory = join(arena.home, 'before');
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory);
  const { status, stderr } = spawnSync(
    'sh',
    ['-ec', 'git archive "$1" src lists package.json | tar -x -C "$2"', 'sh', commit, directory],
    { cwd: root, encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`git archive ${commit}: ${stderr}`);
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
  return directory;
};

/** One resolver after the other: its address goes first, then the program is replaced. The runbook says the same. */
const replaceBoth = async (arena: Arena, checkout: string): Promise<void> => {
  for (const resolver of arena.resolvers) {
    await resolver.keepalived.stop();
    await restartWith(resolver, (start) => {
      start.command = resolver.commandOf(checkout);
    });
    resolver.keepalived.begin();
    await arena.settle();
  }
};

const group: { memory?: MemoryGroup } = {};

export const ROWS: readonly Row[] = [
  {
    name: 'steady',
    title: 'nothing',
    hurt: broken,
    mend: () => Promise.resolve(undefined),
  },
  {
    name: 'kill',
    title: 'kill -9 of a resolver',
    hurt: async ({ first }) => {
      first.cordon.signal('SIGKILL');
      await broken();
    },
    mend: ({ first }) => Promise.resolve(`started again ${first.cordon.deaths}×`),
  },
  {
    name: 'freeze',
    title: 'a resolver is frozen (SIGSTOP)',
    hurt: async ({ first }) => {
      first.cordon.signal('SIGSTOP');
      await broken();
    },
    mend: ({ first }) => {
      first.cordon.signal('SIGCONT');
      return Promise.resolve(undefined);
    },
  },
  {
    name: 'worker-hang',
    title: 'a worker hangs',
    hurt: async ({ first }) => {
      writeFileSync(join(first.directory, 'hang-0'), 'spin');
      await broken();
    },
    mend: ({ first }) => Promise.resolve(`replaced ${metric(first, 'cordon_worker_hangs_total')}×`),
  },
  {
    name: 'workers-dead',
    title: 'all workers of a resolver die, again and again',
    hurt: async ({ first }) => {
      writeFileSync(join(first.directory, 'dead-workers'), '');
      await broken();
    },
    mend: ({ first }) => {
      rmSync(join(first.directory, 'dead-workers'));
      return Promise.resolve(`started again ${metric(first, 'cordon_worker_restarts_total')}×`);
    },
  },
  {
    name: 'partition',
    title: 'a resolver is cut off from its clients',
    hurt: async () => {
      setJoined('r1', 'lan', false);
      await broken();
    },
    mend: () => {
      setJoined('r1', 'lan', true);
      return Promise.resolve(undefined);
    },
  },
  {
    name: 'partition-upstream',
    title: 'a resolver is cut off from all upstreams',
    hurt: async () => {
      setJoined('r1', 'wan', false);
      await broken();
    },
    mend: () => {
      setJoined('r1', 'wan', true);
      return Promise.resolve(undefined);
    },
  },
  {
    name: 'upstream-loss',
    title: 'one of two upstreams falls silent',
    hurt: async ({ upstreams: [upstream] }) => {
      upstream?.signal('SIGSTOP');
      await broken();
    },
    mend: ({ upstreams: [upstream] }) => {
      upstream?.signal('SIGCONT');
      return Promise.resolve(undefined);
    },
  },
  {
    name: 'upstreams-lost',
    title: 'all upstreams fall silent; names that were asked before',
    turns: ['known', 'listed'],
    mayStay: true,
    hurt: async ({ upstreams }) => {
      for (const upstream of upstreams) upstream.signal('SIGSTOP');
      await broken();
    },
    mend: ({ upstreams }) => {
      for (const upstream of upstreams) upstream.signal('SIGCONT');
      return Promise.resolve(undefined);
    },
  },
  {
    name: 'disk-full',
    title: 'the disk of the state directory is full',
    hurt: async ({ first }) => {
      const { bavail, bsize } = statfsSync(first.state);
      writeFileSync(join(first.state, 'ballast'), Buffer.alloc(bavail * bsize));
      await broken();
    },
    mend: async ({ first }) => {
      const lost = metric(first, 'cordon_records_dropped_total');
      rmSync(join(first.state, 'ballast'));
      await sleep(RESTART_MS);
      return `${lost} records not written`;
    },
  },
  moveClock('clock-forward', 'the clock of a resolver jumps 400 days ahead', 400 * DAY_SEC),
  moveClock('clock-back', 'the clock of a resolver jumps 2 days back', -2 * DAY_SEC),
  {
    name: 'memory',
    title: `a resolver may have ${MEMORY_TOO_SMALL_MIB} MiB: it is killed again and again`,
    prepare: async ({ first }) => {
      const memory = createGroup(MEMORY_ENOUGH_MIB);
      group.memory = memory;
      await restartWith(first, (start) => {
        start.outside = memory.enter;
      });
    },
    hurt: async ({ first }) => {
      // The first version of control groups takes no limit below what is used.
      first.cordon.signal('SIGKILL');
      await sleep(LET_GO_MS);
      group.memory?.setLimit(MEMORY_TOO_SMALL_MIB);
      await broken();
    },
    mend: async ({ first }) => {
      group.memory?.setLimit(MEMORY_ENOUGH_MIB);
      await sleep(RESTART_MS);
      return `died ${first.cordon.deaths}×`;
    },
    tidy: async ({ first }) => {
      await restartWith(first, (start) => {
        delete start.outside;
      });
      group.memory?.remove();
    },
  },
  {
    name: 'list-server',
    title: 'the server of a list is gone, and a resolver is restarted',
    hurt: async ({ listServer, first }) => {
      await listServer.stop();
      const from = first.cordon.output.length;
      first.cordon.signal('SIGKILL');
      await first.cordon.waitFor('"msg":"ready"', READY_MS, from);
      await broken();
    },
    mend: ({ listServer, first }) => {
      listServer.begin();
      return Promise.resolve(
        `its list has ${metric(first, 'cordon_list_entries', 'list="remote"')} rule in force`,
      );
    },
  },
  {
    name: 'certificate',
    title: 'the certificate of a resolver ends; clients over TLS that look at it',
    turns: ['known', 'listed'],
    isSecure: true,
    prepare: async (arena) => {
      createAuthority(arena.home);
      for (const resolver of arena.resolvers) {
        issueCertificate(arena.home, `${resolver.name}.pem`, `${resolver.name}.key`, DAY_SEC);
        const files = ['cert', 'key'].map(
          (key) => `${key}: ${arena.home}/${resolver.name}.${key === 'key' ? 'key' : 'pem'}`,
        );
        resolver.configure(`tls: { ${files.join(', ')} }\n`);
      }
      await Promise.all(arena.resolvers.map((resolver) => restartWith(resolver, () => {})));
    },
    hurt: async ({ home }) => {
      issueCertificate(home, 'r1.pem', 'r1.key', CERTIFICATE_SEC);
      await sleep(CERTIFICATE_SEC * 1_000);
      await broken();
    },
    mend: async ({ home }) => {
      issueCertificate(home, 'r1.pem', 'r1.key', DAY_SEC);
      await sleep(LOOK_MS);
      return 'renewed by its files';
    },
    tidy: async (arena) => {
      for (const resolver of arena.resolvers) resolver.configure();
      await Promise.all(arena.resolvers.map((resolver) => restartWith(resolver, () => {})));
    },
  },
  {
    name: 'upgrade',
    title: 'rolling upgrade, and roll-back',
    prepare: async (arena, { before }) => {
      await replaceBoth(arena, checkOut(arena, before));
    },
    hurt: async (arena) => {
      await replaceBoth(arena, root);
    },
    mend: async (arena, { before }) => {
      await replaceBoth(arena, join(arena.home, 'before'));
      return `from ${before.slice(0, 12)} and back`;
    },
    tidy: (arena) => replaceBoth(arena, root),
  },
];

/** A row by its name. */
export const findRow = (name: string): Row => {
  const row = ROWS.find((known) => known.name === name);
  if (row === undefined)
    throw new Error(`unknown row "${name}": ${ROWS.map((known) => known.name).join(', ')}`);
  return row;
};
