// Backup and restore as root beside somebody who owns the state, the archive or the service: nothing outside is read, changed or
// removed for them.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { OPERATIONS } from '../../../src/people/admin/admin.ts';
import { runCommandHere } from '../../support/command.ts';

let place: string;
let service: Server | undefined;

beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'cordon-links-'));
  mkdirSync(join(place, 'victim'), { mode: 0o700 });
  writeFileSync(join(place, 'victim/known.txt'), 'known', { mode: 0o600 });
  writeFileSync(join(place, 'cordon.yaml'), 'lists: [{ id: tiktok, shipped: tiktok }]\nstate: ./state\n');
});

afterEach(() => {
  service?.close();
  service = undefined;
  rmSync(place, { recursive: true, force: true });
});

const command = (...args: readonly string[]) =>
  runCommandHere([...args, '--config', join(place, 'cordon.yaml')], { cwd: place });

/** A manifest of one file that everybody knows. */
const manifest = (files: object): string =>
  JSON.stringify({ format: 1, version: '0.1.0', madeAt: '2026-01-01T00:00:00.000Z', by: 'x', files });
const KNOWN = {
  'known.txt': { sizeBytes: 5, sha256: createHash('sha256').update('known').digest('hex') },
};

/** Packs what `make` puts into a folder. */
const pack = (make: (folder: string) => void): string => {
  const folder = join(place, 'work');
  mkdirSync(folder);
  make(folder);
  const file = join(place, 'made.tar.gz');
  execFileSync('tar', ['-czf', file, '-C', folder, ...readdirSync(folder)]);
  return file;
};

const before = (path: string) => {
  const { uid, gid, mode } = statSync(path);
  return { uid, gid, mode };
};

test('the state of an archive that is a link to a folder is not followed', { tags: 'night' }, async () => {
  mkdirSync(join(place, 'state'), { mode: 0o777 });
  chmodSync(join(place, 'state'), 0o777);
  const file = pack((folder) => {
    writeFileSync(join(folder, 'backup.json'), manifest(KNOWN));
    symlinkSync(join(place, 'victim'), join(folder, 'state'));
  });
  const rights = before(join(place, 'victim'));
  for (const more of [[], ['--check']]) {
    const { code, stderr } = await command('restore', file, ...more);
    expect([code, stderr]).toEqual([1, expect.stringContaining('[ERR_CLI_RESTORE]')]);
    expect(stderr).toContain('state is no folder');
  }
  expect(before(join(place, 'victim'))).toEqual(rights);
  expect(readdirSync(join(place, 'victim'))).toEqual(['known.txt']);
  expect(lstatSync(join(place, 'state')).isDirectory()).toBe(true);
});

test('the list of files of an archive that is a link or a pipe is not read', async () => {
  const file = pack((folder) => {
    mkdirSync(join(folder, 'state'));
    writeFileSync(join(place, 'list.json'), manifest({}));
    symlinkSync(join(place, 'list.json'), join(folder, 'backup.json'));
  });
  expect((await command('restore', file)).stderr).toContain('backup.json is no plain file');
  rmSync(join(place, 'work'), { recursive: true });
  const pipe = pack((folder) => {
    mkdirSync(join(folder, 'state'));
    execFileSync('mkfifo', [join(folder, 'backup.json')]);
  });
  expect((await command('restore', pipe)).stderr).toContain('backup.json is no plain file');
});

test('a file of the state that is a pipe, or runs with the rights of its owner, is not taken', async () => {
  const made: readonly ((file: string) => void)[] = [
    (file) => execFileSync('mkfifo', [file]),
    // Unpacked by root, it keeps what it is.
    ...(process.geteuid?.() === 0 ? [(file: string) => writeFileSync(file, 'known')] : []),
  ];
  for (const [index, make] of made.entries()) {
    const file = pack((folder) => {
      mkdirSync(join(folder, 'state'));
      make(join(folder, 'state/known.txt'));
      if (index === 1) chmodSync(join(folder, 'state/known.txt'), 0o4755);
      writeFileSync(join(folder, 'backup.json'), manifest(KNOWN));
    });
    expect((await command('restore', file)).stderr).toContain('known.txt is no plain file');
    rmSync(join(place, 'work'), { recursive: true });
  }
});

test.each(['victim', 'nowhere'])(
  'a state directory that is a link to %s is refused',
  { tags: 'night' },
  async (to) => {
    symlinkSync(join(place, to), join(place, 'state'));
    if (to === 'victim') rmSync(join(place, 'victim/known.txt'));
    const file = pack((folder) => {
      mkdirSync(join(folder, 'state'));
      writeFileSync(join(folder, 'backup.json'), manifest({}));
    });
    const { code, stderr } = await command('restore', file);
    expect([code, stderr]).toEqual([1, expect.stringContaining('it is a link')]);
    expect(lstatSync(join(place, 'state')).isSymbolicLink()).toBe(true);
  },
);

test.skipIf(process.geteuid?.() !== 0)(
  'root restores into no folder in which somebody else could put another one in its place',
  async () => {
    mkdirSync(join(place, 'theirs'));
    writeFileSync(join(place, 'cordon.yaml'), 'state: ./theirs/state\n');
    const file = pack((folder) => {
      mkdirSync(join(folder, 'state'));
      writeFileSync(join(folder, 'backup.json'), manifest({}));
    });
    chownSync(join(place, 'theirs'), 65_534, 65_534);
    expect((await command('restore', file)).stderr).toContain('belongs to another user');
    chownSync(join(place, 'theirs'), 0, 0);
    chmodSync(join(place, 'theirs'), 0o777);
    expect((await command('restore', file)).stderr).toContain('others may write to');
    chmodSync(join(place, 'theirs'), 0o755);
    expect((await command('restore', file)).code).toBe(0);
  },
);

test.each(['../victim/known.txt', '/etc/hostname', 'sub/x', '..', 'link.copy.sqlite'])(
  'a service that says its register was copied to %s is not believed',
  async (register) => {
    mkdirSync(join(place, 'state'));
    symlinkSync(join(place, 'victim/known.txt'), join(place, 'state/link.copy.sqlite'));
    writeFileSync(join(place, 'state/register.sqlite'), 'x');
    service = createServer((request, response) => {
      const isCopy = request.url === OPERATIONS.copyRegister.path;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(isCopy ? { version: '0.1.0', register } : {}));
    });
    await new Promise<void>((resolve) => service?.listen(join(place, 'state/control.sock'), resolve));
    const file = join(place, 'backup.tar.gz');
    const { code, stderr } = await command('backup', file);
    expect([code, stderr]).toEqual([1, expect.stringContaining('[ERR_CLI_BACKUP]')]);
    expect(readFileSync(join(place, 'victim/known.txt'), 'utf8')).toBe('known');
    expect(existsSync(file)).toBe(false);
  },
);

test('a file that lies where a part of the backup would lie is not written through', async () => {
  mkdirSync(join(place, 'state'));
  symlinkSync(join(place, 'victim/known.txt'), join(place, 'backup.tar.gz.part'));
  expect((await command('backup', join(place, 'backup.tar.gz'))).code).toBe(0);
  expect(readFileSync(join(place, 'victim/known.txt'), 'utf8')).toBe('known');
});
