import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { AppError } from '../../../src/base/base.ts';
import { createLog, type LogLevel } from '../../../src/telemetry/observe/observe.ts';
import { run } from '../../support/process.ts';

interface Line {
  readonly time?: string;
  readonly msg?: string;
  readonly err?: { readonly stack?: string };
}

const setUp = (level: LogLevel = 'info') => {
  const lines: Line[] = [];
  const log = createLog({
    level,
    to: { write: (text: string) => lines.push(JSON.parse(text) as Line) },
  });
  return { log, lines };
};

test('a line is one JSON object with time, level in words and text', () => {
  const { log, lines } = setUp();
  log.info({ dns: ['127.0.0.1:53'] }, 'ready');
  expect(lines).toMatchObject([{ level: 'info', dns: ['127.0.0.1:53'], msg: 'ready' }]);
  expect(lines[0]?.time).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
  expect(Object.keys(lines[0] ?? {})).toEqual(['level', 'time', 'dns', 'msg']);
});

test('lines below the level are not written', () => {
  const { log, lines } = setUp('warn');
  log.info('quiet');
  log.warn('loud');
  expect(lines.map((line) => line.msg)).toEqual(['loud']);
});

test.each([
  [{ password: 'x' }, { password: '[redacted]' }],
  [{ list: { token: 'x', id: 'a' } }, { list: { token: '[redacted]', id: 'a' } }],
  [
    { request: { headers: { authorization: 'x' } } },
    { request: { headers: { authorization: '[redacted]' } } },
  ],
  [{ tls: { secret: 'x' } }, { tls: { secret: '[redacted]' } }],
])('a secret is replaced: %o', (fields, expected) => {
  const { log, lines } = setUp();
  log.info(fields, 'text');
  expect(lines[0]).toMatchObject(expected);
});

test('an operational failure is told by code, text, hint and cause, without a stack', () => {
  const { log, lines } = setUp();
  const cause = new Error('disk full');
  log.error({ err: new AppError('ERR_TEST_CASE', 'writing a file', { cause, hint: 'make room' }) }, 'kept');
  expect(lines[0]?.err).toEqual({
    code: 'ERR_TEST_CASE',
    message: 'writing a file',
    hint: 'make room',
    cause: 'disk full',
  });
});

test('a defect keeps its stack', () => {
  const { log, lines } = setUp();
  log.error({ err: new TypeError('boom') }, 'ended');
  expect(lines[0]?.err).toMatchObject({ type: 'TypeError', message: 'boom' });
  expect(lines[0]?.err?.stack).toContain('log.test.ts');
});

test('standard output gets every line of a process that exits at once', async () => {
  const door = new URL('../../../src/telemetry/observe/observe.ts', import.meta.url).href;
  const code = `
    import { createLog } from ${JSON.stringify(door)};
    const log = createLog({ level: 'info' });
    for (let i = 0; i < 100; i++) log.info({ i }, 'line');
    process.exit(0);`;
  const { stdout, code: status } = await run(process.execPath, ['--input-type=module', '-e', code]);
  expect(status).toBe(0);
  const numbers = stdout
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { i: number }).i);
  // Sorted: the first line may still be under way in a thread of libuv while the end writes the others.
  expect(numbers.sort((one, other) => one - other)).toEqual(Array.from({ length: 100 }, (_, index) => index));
});

test.each([
  ['debug', 7],
  ['info', 6],
  ['warn', 4],
  ['error', 3],
  ['fatal', 2],
] as const)('a line of level %s begins with priority %i where the journal reads it', (level, priority) => {
  const lines: string[] = [];
  const log = createLog({
    level: 'debug',
    to: { write: (text) => void lines.push(text) },
    priorities: 'always',
  });
  log[level]({ a: 1 }, 'text');
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(new RegExp(`^<${priority}>\\{"level":"${level}",.*\\}\\n$`));
});

test('lines to a file begin with their priority when it is the stream of the journal, and not otherwise', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-log-'));
  try {
    const path = join(directory, 'stream');
    const module = new URL('../../../src/telemetry/observe/observe.ts', import.meta.url).href;
    const script = `
      const { createLog } = await import('${module}');
      const { openSync } = await import('node:fs');
      createLog({ level: 'info', to: openSync('${path}', 'a'), ...JSON.parse(process.argv[1]) }).warn('told');`;
    const write = async (stream: string, options = {}): Promise<string> => {
      writeFileSync(path, '');
      const { dev, ino } = statSync(path, { bigint: true });
      const env = { JOURNAL_STREAM: stream.replace('DEV', String(dev)).replace('INO', String(ino)) };
      const args = ['--input-type=module', '-e', script, JSON.stringify(options)];
      expect(await run(process.execPath, args, { env })).toMatchObject({ code: 0, stderr: '' });
      return readFileSync(path, 'utf8');
    };
    expect(await write('DEV:INO')).toMatch(/^<4>\{"level":"warn"/);
    expect(await write('DEV:1')).toMatch(/^\{"level":"warn"/);
    expect(await write('')).toMatch(/^\{"level":"warn"/);
    expect(await write('DEV:INO', { priorities: 'never' })).toMatch(/^\{"level":"warn"/);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
