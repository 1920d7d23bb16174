import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isAppError } from '../../../src/base/base.ts';
import { ListStore, type StoreArrival } from '../../../src/policy/lists/store.ts';

const LIST = 'extra';
const ANN = { by: 'ann', reason: 'looked at it' };
const STORE_URL = new URL('../../../src/policy/lists/store.ts', import.meta.url).href;

let directory: string;
let store: ListStore;
let nowMs: number;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-store-'));
  nowMs = Date.UTC(2026, 7, 1);
  store = await reopen();
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const reopen = (): Promise<ListStore> => ListStore.open(directory, () => nowMs);

const hashOf = (content: string): string => createHash('sha256').update(content).digest('hex');

const arrival = (content: string, etag = content): StoreArrival => {
  const path = join(store.incoming, 'fetched.tmp');
  writeFileSync(path, content, { mode: 0o644 });
  return {
    path,
    sha256: hashOf(content),
    facts: {
      entries: content.length,
      rejected: 0,
      guarded: 0,
      sizeBytes: content.length,
      isMarkup: false,
      endsInLineBreak: true,
      isLengthKnown: true,
    },
    validators: { etag: `"${etag}"`, source: 'a' },
  };
};

const take = (content: string): Promise<void> => store.take(LIST, arrival(content));
const hold = (content: string): Promise<void> =>
  store.hold(LIST, arrival(content), [{ code: 'grown', text: 'too much' }]);

/** Contents by their role: "current; previous…; held". */
const rolesOf = async (from = store): Promise<string> => {
  const { current, previous, held } = await from.status(LIST);
  const read = (content: { sha256: string } | null): string =>
    content === null ? '-' : readFileSync(from.pathOf(LIST, content.sha256), 'utf8');
  return [read(current), previous.map(read).join(' '), read(held)].join('; ');
};

const actionsOf = async (from = store): Promise<string[]> =>
  (await from.history(LIST)).map(({ action }) => action);

const failureOf = async (act: Promise<unknown>): Promise<string> => {
  try {
    await act;
  } catch (thrown) {
    if (!isAppError(thrown)) throw thrown;
    return `${thrown.code} ${thrown.message}`;
  }
  return 'no failure';
};

const pathOf = (name: string): string => join(directory, 'lists', LIST, name);

/** Runs a module text in a process of its own, under limits of the shell. */
const run = (limits: string, script: string) =>
  spawn('/bin/sh', ['-c', `${limits} exec "$0" --input-type=module --eval "$1"`, process.execPath, script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });

describe('ListStore', () => {
  it('knows nothing of a list that it has not seen', async () => {
    expect(await store.status(LIST)).toMatchObject({ current: null, previous: [], held: null, sequence: 0 });
    expect(await store.history(LIST)).toEqual([]);
    expect(await store.findIntact(LIST)).toBeUndefined();
  });

  it('puts a content into force and keeps the last three before it', async () => {
    for (const content of ['one', 'two', 'three', 'four', 'five']) await take(content);
    expect(await rolesOf()).toBe('five; four three two; -');
    expect(existsSync(store.pathOf(LIST, hashOf('two')))).toBe(true);
    expect(readdirSync(store.incoming)).toEqual([]);
    // The record before the last decision may still need the first one; the next decision removes it.
    const files = () => readdirSync(pathOf('.')).filter((name) => name.endsWith('.list'));
    expect(files()).toHaveLength(5);
    await store.noteUnchanged(LIST);
    expect(files()).toHaveLength(4);
  });

  it('survives its process', async () => {
    await take('one');
    await hold('two');
    expect(await rolesOf(await reopen())).toBe('one; ; two');
    expect(await store.status(LIST)).toMatchObject({
      validators: { etag: '"two"', source: 'a' },
      checkedAtMs: nowMs,
      held: { reasons: ['grown: too much'] },
    });
  });

  it('takes the same content as unchanged', async () => {
    await take('one');
    await take('one');
    expect(await rolesOf()).toBe('one; ; -');
    expect(await actionsOf()).toEqual(['fetched', 'accepted', 'unchanged']);
    expect(readdirSync(store.incoming)).toEqual([]);
  });

  it('keeps one held content, the latest', async () => {
    await take('one');
    await hold('two');
    await hold('two');
    await hold('three');
    expect(await rolesOf()).toBe('one; ; three');
    expect(await actionsOf()).toEqual([
      'fetched',
      'accepted',
      'fetched',
      'held',
      'unchanged',
      'fetched',
      'held',
    ]);
  });

  it('accepts by hand what is held, and only that', async () => {
    await take('one');
    await hold('two');
    expect(await failureOf(store.accept(LIST, hashOf('one'), ANN))).toContain(
      `ERR_LIST_ABSENT looking for content "${hashOf('one')}" of list extra: ${hashOf('two')} is held`,
    );
    await store.accept(LIST, hashOf('two'), ANN);
    expect(await rolesOf()).toBe('two; one; -');
    expect(await failureOf(store.accept(LIST, hashOf('two'), ANN))).toContain('nothing is held');
    expect((await store.history(LIST)).at(-1)).toEqual({
      sequence: 5,
      time: '2026-08-01T00:00:00.000Z',
      action: 'accepted',
      sha256: hashOf('two'),
      entries: 3,
      reason: 'looked at it',
      by: 'ann',
    });
  });

  it('remembers what was turned away', async () => {
    await take('one');
    await hold('two');
    await store.dismiss(LIST, hashOf('two'), ANN);
    expect(await rolesOf()).toBe('one; ; -');
    expect((await store.status(LIST)).dismissed).toEqual([hashOf('two')]);
  });

  it('rolls back to an earlier content, and a person can go forward again', async () => {
    for (const content of ['one', 'two', 'three']) await take(content);
    expect(await failureOf(store.rollback(LIST, hashOf('four'), ANN))).toContain('ERR_LIST_ABSENT');
    await store.rollback(LIST, hashOf('one'), ANN);
    expect(await rolesOf()).toBe('one; two; three');
    expect(await store.status(LIST)).toMatchObject({
      dismissed: [hashOf('three')],
      held: { reasons: ['rolled back: looked at it'] },
    });
    await store.accept(LIST, hashOf('three'), ANN);
    expect(await rolesOf()).toBe('three; one two; -');
    expect((await store.status(LIST)).dismissed).toEqual([]);
  });

  it('counts failures until the source is reached again', async () => {
    await take('one');
    const { checkedAtMs } = await store.status(LIST);
    nowMs += 1000;
    await store.noteFailure(LIST, 'HTTP status 500\nx');
    await store.noteFailure(LIST, 'HTTP status 500');
    expect(await store.status(LIST)).toMatchObject({ failures: 2, checkedAtMs });
    await store.noteUnchanged(LIST);
    expect(await store.status(LIST)).toMatchObject({ failures: 0, checkedAtMs: nowMs });
    expect((await store.history(LIST)).map(({ action, reason }) => `${action} ${reason}`)).toEqual([
      'fetched ',
      'accepted ',
      'rejected HTTP status 500 x',
      'rejected HTTP status 500',
      'unchanged the source has nothing new',
    ]);
  });

  it('is readable to its user only', async () => {
    await take('one');
    const modes = (path: string): string[] =>
      readdirSync(path, { recursive: true, encoding: 'utf8' }).map((name) => {
        const entry = statSync(join(path, name));
        return `${entry.isDirectory() ? 'directory' : 'file'} ${(entry.mode & 0o777).toString(8)}`;
      });
    expect(new Set(modes(directory))).toEqual(new Set(['directory 700', 'file 600']));
  });

  it('does one thing after another', async () => {
    await take('one');
    await Promise.all(Array.from({ length: 20 }, () => store.noteFailure(LIST, 'x')));
    expect((await store.status(LIST)).failures).toBe(20);
    expect(await store.history(LIST)).toHaveLength(22);
  });

  it('goes on after an operation that failed', async () => {
    const results = await Promise.allSettled([store.accept(LIST, hashOf('one'), ANN), take('one')]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
  });

  it.each(['../extra', '', '.incoming', 'a/b', 'A', `a${'b'.repeat(64)}`])('has no list %j', async (name) => {
    expect(await failureOf(store.status(name))).toMatch(/^ERR_LIST_STORE naming the directory of list/);
  });

  it('bounds its history, the oldest decisions go', async () => {
    await store.noteFailure(LIST, 'x');
    const [first] = await store.history(LIST);
    const lines = Array.from({ length: 1000 }, (_value, index) =>
      JSON.stringify({ ...first, sequence: index - 999 }),
    );
    writeFileSync(pathOf('history.jsonl'), `${lines.join('\n')}\n`);
    await store.noteFailure(LIST, 'x');
    const history = await store.history(LIST);
    expect(history).toHaveLength(1000);
    expect(history.at(-1)?.sequence).toBe(2);
    expect(readFileSync(pathOf('history.jsonl'), 'utf8').split('\n')).toHaveLength(1001);
  });
});

describe('ListStore on a bad day', () => {
  it('empties what a crash left of a fetch', async () => {
    arrival('half');
    mkdirSync(join(store.incoming, 'x'));
    expect(readdirSync((await reopen()).incoming)).toEqual([]);
  });

  it('reads the record before when the last one is damaged', async () => {
    await take('one');
    await take('two');
    truncateSync(pathOf('record.json'), 100);
    expect(await rolesOf(await reopen())).toBe('one; ; -');
    await take('two');
    expect(await rolesOf()).toBe('two; one; -');
  });

  it('says so when both are damaged, and takes nothing for an empty list', async () => {
    await take('one');
    await take('two');
    truncateSync(pathOf('record.json'), 10);
    truncateSync(pathOf('record.old.json'), 10);
    expect(await failureOf(store.status(LIST))).toMatch(/^ERR_LIST_STORE reading .*: it is damaged/);
    expect(await failureOf(take('three'))).toContain('ERR_LIST_STORE');
    expect(existsSync(store.pathOf(LIST, hashOf('two')))).toBe(true);
  });

  it('finds the latest content that is not damaged', async () => {
    for (const content of ['one', 'two', 'three']) await take(content);
    writeFileSync(store.pathOf(LIST, hashOf('three')), 'thr');
    rmSync(store.pathOf(LIST, hashOf('two')));
    expect((await store.findIntact(LIST))?.sha256).toBe(hashOf('one'));
  });

  it('leaves half a line of the history out, and loses no decision when the history is gone', async () => {
    await take('one');
    appendFileSync(pathOf('history.jsonl'), '{"sequence":3,"ti');
    expect(await actionsOf()).toEqual(['fetched', 'accepted']);
    rmSync(pathOf('history.jsonl'));
    expect(await actionsOf()).toEqual(['fetched', 'accepted']);
    await store.noteUnchanged(LIST);
    expect(await actionsOf()).toEqual(['fetched', 'accepted', 'unchanged']);
  });

  it('keeps the old state on a disk without room', async () => {
    await take('one');
    const candidate = arrival('two');
    const before = readFileSync(pathOf('record.json'), 'utf8');
    // A limit of one block for files does to a write what a full disk does: the first bytes go, the rest does not.
    const child = run(
      'ulimit -f 1;',
      `import { ListStore } from ${JSON.stringify(STORE_URL)};
       const store = await ListStore.open(${JSON.stringify(directory)}, Date.now);
       const { writeFileSync } = await import('node:fs');
       writeFileSync(${JSON.stringify(candidate.path)}, 'two');
       const reasons = Array.from({ length: 4 }, () => ({ code: 'grown', text: 'x'.repeat(400) }));
       await store.hold('${LIST}', ${JSON.stringify(candidate)}, reasons).then(
         () => console.log('done'),
         (thrown) => console.log(thrown.code, thrown.message),
       );`,
    );
    const output = text(child.stdout);
    await once(child, 'close');
    expect(await output).toMatch(/^ERR_LIST_STORE keeping list extra: EFBIG/);
    expect(readFileSync(pathOf('record.json'), 'utf8')).toBe(before);
    expect(readdirSync(pathOf('.')).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    expect(await rolesOf(await reopen())).toBe('one; ; -');
    await hold('two');
    expect(await rolesOf()).toBe('one; ; two');
  });

  it('is whole whenever its process is killed', async () => {
    const child = run(
      '',
      `import { ListStore } from ${JSON.stringify(STORE_URL)};
       import { createHash } from 'node:crypto';
       import { writeFileSync } from 'node:fs';
       const store = await ListStore.open(${JSON.stringify(directory)}, Date.now);
       const facts = ${JSON.stringify(arrival('x').facts)};
       for (let turn = 0; ; turn++) {
         const content = 'content ' + turn;
         const path = store.incoming + '/' + turn;
         writeFileSync(path, content);
         const sha256 = createHash('sha256').update(content).digest('hex');
         await store.take('${LIST}', { path, sha256, facts, validators: undefined });
         console.log(turn);
       }`,
    );
    // Killed after some decisions, in the middle of whatever comes next.
    let turns = 0;
    for await (const piece of child.stdout) {
      turns += String(piece).trim().split('\n').length;
      if (turns >= 8) child.kill('SIGKILL');
    }
    store = await reopen();
    const { current, previous, sequence } = await store.status(LIST);
    expect(sequence).toBeGreaterThanOrEqual(16);
    expect(previous).toHaveLength(3);
    expect((await store.findIntact(LIST))?.sha256).toBe(current?.sha256);
    expect((await store.history(LIST)).map((decision) => decision.sequence)).toEqual(
      Array.from({ length: sequence }, (_value, index) => index + 1),
    );
    await take('after');
    expect((await store.findIntact(LIST))?.sha256).toBe(hashOf('after'));
  });
});
