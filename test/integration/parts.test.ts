// The parts of the program in their order: one that fails at its start leaves nothing of the others open, and the end leaves
// nothing at all. Counted by the kernel: files, sockets and threads of this process.

import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AppError } from '../../src/base/base.ts';
import type { Config } from '../../src/config/config.ts';
import { type Part, Parts } from '../../src/host/app/part.ts';
import { createProgram, type Program } from '../../src/host/app/parts.ts';
import type { ConfigurationSource } from '../../src/people/configuration/configuration.ts';
import { createLog } from '../../src/telemetry/observe/observe.ts';
import { CertificateAuthority } from '../support/certificates.ts';
import { NIGHT } from '../support/night.ts';
import { configOf } from '../unit/app/setup.ts';

/** Listens everywhere, keeps everything. */
const CONFIG = `
listen: { dns: ["127.0.0.1:0"], dot: ["127.0.0.1:0"], doh: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
tls: { cert: cert.pem, key: key.pem }
workers: 1
state: state
upstreams: ["127.0.0.1:9"]
lists: [{ id: order, file: order.txt, mandate: true }]
notice: { listen: ["127.0.0.1:0"], contact: ["mailto:help@agency.example"] }
control-room: { listen: "127.0.0.1:0" }
log: { level: error }
`;

let directory: string;
let config: Config;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-parts-'));
  const { certificate, key } = CertificateAuthority.create().issue({ names: ['DNS:dns.example.net'] });
  const files = { 'order.txt': 'order.example\n', 'cert.pem': certificate, 'key.pem': key };
  config = configOf(CONFIG, files, directory);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const source: ConfigurationSource = {
  readConfig: () => config,
  configPath: undefined,
  checkProposal: () => ({ config, problems: [], warnings: [] }),
  defaults: () => config,
};
const create = (): Program => createProgram(config, source, createLog(config.log), undefined);

/** What this process has open: sockets and pipes by their kind, files by their path, and its threads. */
const openNow = (): string => {
  const held = readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`).replace(/\[\d+\]$/, '')];
    } catch {
      // That of the look itself.
      return [];
    }
  });
  const threads = readdirSync('/proc/self/task').length;
  const sockets = readdirSync(join(directory, 'state')).filter((name) => name.endsWith('.sock'));
  return [...held.filter((path) => !path.startsWith('/proc/')), ...sockets, `${threads} threads`]
    .sort()
    .join('\n');
};

/** What is open once that stays the same: threads take their time to end. */
const settled = async (): Promise<string> => {
  let last = '';
  let same = 0;
  await expect
    .poll(() => {
      const now = openNow();
      same = now === last ? same + 1 : 0;
      last = now;
      return same;
    })
    .toBeGreaterThan(10);
  return last;
};

/** One start and one end, after which the process has what it keeps for good: its pool of threads. */
const warmUp = async (): Promise<string> => {
  const program = create();
  await program.parts.open(config);
  const during = openNow();
  await program.parts.close();
  return during;
};

const leavesNothing = async (isTried: (index: number) => boolean): Promise<void> => {
  const during = await warmUp();
  await warmUp();
  const before = await settled();
  expect(during).not.toBe(before);
  const names = create().order.map((part) => part.name);
  for (const name of names.filter((_, index) => isTried(index))) {
    const { order, parts } = create();
    const part = order.find((one) => one.name === name) as Part;
    const open = part.open?.bind(part);
    const failure = new AppError('ERR_APP_WORKER', `${name} cannot be opened`);
    // At the worst moment: all of it is open.
    Object.assign(part, {
      open: async () => {
        await open?.(config);
        throw failure;
      },
    });
    await expect(parts.open(config), name).rejects.toBe(failure);
    await expect.poll(openNow, { message: name }).toBe(before);
  }
};

test('a part that cannot be opened leaves nothing open, at the end and between', () =>
  leavesNothing((index) => index % 20 === 4));
test('a part that cannot be opened leaves nothing open, wherever it stands', NIGHT, () =>
  leavesNothing(() => true),
);

test('what was opened and is not closed is found', async () => {
  await warmUp();
  const before = await settled();
  const { order, parts } = create();
  const room = order.find((one) => one.name === 'admin') as Part;
  const close = room.close?.bind(room);
  Object.assign(room, { close: undefined });
  await parts.open(config);
  await parts.close();
  expect(await settled()).not.toBe(before);
  await close?.();
  await expect.poll(openNow).toBe(before);
});

test('a part that cannot begin ends all of them, too', async () => {
  const said: string[] = [];
  const part = (name: string): Part => ({
    name,
    begin: () => {
      if (name === 'b') throw new Error('b does not begin');
    },
    close: () => void said.push(`close ${name}`),
  });
  const parts = new Parts([part('a'), part('b')], createLog(config.log));
  await expect(parts.open(config)).rejects.toThrow('b does not begin');
  expect(said).toEqual(['close b', 'close a']);
});

test('the end goes backward, and whoever fails at it keeps nobody else from theirs', async () => {
  const said: string[] = [];
  const part = (name: string): Part => ({
    name,
    open: () => void said.push(`open ${name}`),
    begin: () => void said.push(`begin ${name}`),
    drain: () => void said.push(`drain ${name}`),
    close: () => {
      said.push(`close ${name}`);
      if (name === 'b') throw new Error('b does not end');
    },
  });
  const parts = new Parts([part('a'), part('b'), part('c')], createLog(config.log));
  await parts.open(config);
  await expect(parts.close()).rejects.toThrow('b does not end');
  expect(said.join()).toBe(
    'open a,open b,open c,begin a,begin b,begin c,drain c,drain b,drain a,close c,close b,close a',
  );
});
