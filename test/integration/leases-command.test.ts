// What prints leases writes them into a file by the script that ships, whole or not at all: real commands that hang, break off, flood
// and print what is none.
import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { packPrefixes, parsePrefix } from '../../src/base/base.ts';
import { LeaseBook } from '../../src/policy/leases/leases.ts';
import { run } from '../support/process.ts';

const SCRIPT = new URL('../../deploy/leases/write-leases', import.meta.url).pathname;
const OLD = '{"address":"192.0.2.7","mac":"02:00:5e:10:00:01"}\n';
const NEW = '{"address":"192.0.2.7","mac":"02:00:5e:10:00:02"}\n{"address":"192.0.2.8","host":"pc-8"}\n';

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-leases-'));
  file = join(directory, 'devices.jsonl');
  writeFileSync(file, OLD);
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** A command of an operator. */
const command = (text: string): string => {
  const path = join(directory, 'print');
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
  return path;
};
const write = (...args: readonly string[]) => run(SCRIPT, [file, ...args]);
/** Nothing is left beside it. */
const expectNothingBeside = (): void =>
  expect(readdirSync(directory).filter((name) => name.startsWith('devices.jsonl.'))).toEqual([]);

test('what a command prints becomes the file at once, without a shell and in an empty environment', async () => {
  const print = command(
    `printf '%s' "$1" >"${directory}/argument"; env >"${directory}/environment"; printf '%s' '${NEW}'`,
  );
  const before = statSync(file).ino;
  const { code, stderr } = await write(print, '$(id) ; *');
  expect([code, stderr]).toEqual([0, '']);
  expect(readFileSync(file, 'utf8')).toBe(NEW);
  expect(statSync(file).ino).not.toBe(before);
  expect(statSync(file).mode & 0o777).toBe(0o640);
  expect(readFileSync(join(directory, 'argument'), 'utf8')).toBe('$(id) ; *');
  const names = readFileSync(join(directory, 'environment'), 'utf8')
    .split('\n')
    .map((line) => line.split('=')[0]);
  expect(names).not.toContain('HOME');
  expect(names).not.toContain('TMPDIR');
  expectNothingBeside();
  // As the program reads it.
  const prefix = parsePrefix('192.0.2.0/24');
  if (typeof prefix === 'string' || prefix === undefined) throw new TypeError('no prefix');
  const clock = (): number => Date.now() + 60_000;
  const book = new LeaseBook(
    [{ form: 'plain', path: file, clients: packPrefixes([prefix]), device: 'mac' }],
    100,
    { clock, monotonic: () => 1 },
  );
  await book.look();
  expect(book.troubles()).toEqual([]);
  expect(book.current().map(({ device }) => device)).toEqual(['mac:02:00:5e:10:00:02']);
});

test.for([
  ['ends with a status', `printf '%s' '${NEW}'; exit 3`, 'ended with status 3'],
  ['prints nothing', 'exit 0', 'printed nothing'],
  ['breaks off in a line', `printf '%s' '${NEW}{"address":"192.0.'`, 'the last line has no end'],
  [
    'breaks off in a line that has an end',
    `printf '%s\\n' '${NEW}{"address":"192.0.'`,
    'line 3 is no object',
  ],
  ['prints binary', `printf '{\\000}\\n'`, 'it is no text'],
  ['prints random bytes', 'head -c 100000 /dev/urandom; echo', 'it is no text'],
  ['prints an error of a web server', "echo '<html>502 Bad Gateway</html>'", 'line 1 is no object'],
  ['prints gigabytes', 'exec yes "{}"', '32 MiB and more'],
  [
    'prints gigabytes and says that all is well',
    'trap "" XFSZ; yes "{}" 2>/dev/null; exit 0',
    '32 MiB and more',
  ],
] as const)('a command that %s leaves the file as it was', async ([, text, why]) => {
  const { code, stderr } = await write(command(text));
  expect(stderr).toContain(why);
  expect(code).toBe(1);
  expect(readFileSync(file, 'utf8')).toBe(OLD);
  expectNothingBeside();
});

test('nobody has a lease is said by an empty line', async () => {
  expect((await write(command('echo'))).code).toBe(0);
  expect(readFileSync(file, 'utf8')).toBe('\n');
});

test('a command without its whole path is not looked for', async () => {
  expect((await write('cat')).code).toBe(2);
  expect((await write()).code).not.toBe(0);
  expect(readFileSync(file, 'utf8')).toBe(OLD);
});

test('a command that hangs is ended by the bound of the script, whatever it ignores', async () => {
  // The bound of the script, shortened: nobody waits half a minute.
  const script = join(directory, 'script');
  const shipped = readFileSync(SCRIPT, 'utf8');
  expect(shipped).toContain('\nseconds=30\n');
  writeFileSync(
    script,
    shipped.replace('\nseconds=30\n', '\nseconds=0.3\n').replace('--kill-after=2', '--kill-after=0.2'),
  );
  chmodSync(script, 0o755);
  const { code, stderr } = await run(script, [file, command("trap '' TERM\nwhile :; do sleep 600; done")]);
  expect([code, stderr]).toEqual([1, expect.stringContaining('took longer than')]);
  expect(readFileSync(file, 'utf8')).toBe(OLD);
  expectNothingBeside();
});

test('who ends the script leaves nothing behind', async () => {
  const print = command(`echo $PPID >"${directory}/began"; sleep 600`);
  const script = spawn(SCRIPT, [file, print], { stdio: 'ignore' });
  const ended = new Promise((resolve) => script.once('exit', resolve));
  const began = (): string => {
    const path = join(directory, 'began');
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  };
  await expect.poll(began, { timeout: 30_000 }).toMatch(/\n$/);
  // As systemd ends all of a unit: the script, and what runs the command.
  script.kill('SIGTERM');
  process.kill(Number(began()), 'SIGTERM');
  await ended;
  expect(readFileSync(file, 'utf8')).toBe(OLD);
  expectNothingBeside();
});
