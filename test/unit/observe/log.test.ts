import { expect, test } from 'vitest';
import { AppError } from '../../../src/base/base.ts';
import { createLog, type LogLevel } from '../../../src/observe/observe.ts';
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
  const door = new URL('../../../src/observe/observe.ts', import.meta.url).href;
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
