// A start without its lists: the generation that was saved is in force, and never one that is damaged or of others.
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { EDE, RCODE } from '../../src/wire/dns/dns.ts';
import { AnswerBook } from '../support/answer-book.ts';
import { ask, readAdmin, readMetric } from '../support/client.ts';
import { inTwo } from '../support/night.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

const LOADED = 'cordon_list_last_success_timestamp_seconds';

let upstream: ScriptedUpstream;
let cordon: Cordon | undefined;
/** Outlives the program: holds the list and the state. */
let directory: string;
/** What the program saved, and when it had loaded its list, seconds. */
let good: { readonly bytes: Buffer; readonly loadedSec: number };

beforeEach(async () => {
  const book = new AnswerBook();
  for (const name of ['always', 'news', 'other']) {
    book.set(`www.${name}.example. A`, [`www.${name}.example. 300 IN A 192.0.2.1`]);
  }
  upstream = await ScriptedUpstream.open(book.handler);
  writeFileSync(listFile(), 'always.example\n');
});

afterEach(async () => {
  await cordon?.kill();
  cordon = undefined;
  await upstream.close();
  rmSync(stateDirectory(), { recursive: true, force: true });
});

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-saved-'));
  writeFileSync(listFile(), 'always.example\n');
  const program = await startCordon({ config: configWith('', 53) });
  await program.waitForLog(({ msg }) => msg === 'generation saved');
  good = {
    bytes: readFileSync(savedFile()),
    loadedSec: await readMetric(program, LOADED, { list: 'own' }),
  };
  await program.stop();
});

afterAll(() => {
  rmSync(directory, { recursive: true });
});

const listFile = (): string => join(directory, 'own.txt');
const stateDirectory = (): string => join(directory, 'state');
const savedFile = (): string => join(stateDirectory(), 'generation.saved');

/** The state directory as the program left it, or with another file. */
const restore = (bytes: Uint8Array = good.bytes): void => {
  mkdirSync(stateDirectory(), { recursive: true });
  writeFileSync(savedFile(), bytes);
};

const configWith = (lines: string, port: number): string => `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 2
state: ${stateDirectory()}
upstreams: ["127.0.0.1:${port}"]
lists: [{ id: own, file: ${listFile()}, format: domains, mandate: true }]
${lines}`;

const start = async (lines = ''): Promise<Cordon> => {
  cordon = await startCordon({ config: configWith(lines, upstream.endpoint.port) });
  return cordon;
};

const outcomeOf = async (program: Cordon, name: string): Promise<string> => {
  const { rcode, ede, answer } = await ask(program.dns, `www.${name}.example. A`);
  if (answer.length > 0) return 'answered';
  return ede?.infoCode === EDE.BLOCKED ? 'refused' : `RCODE ${rcode}, EDE ${ede?.infoCode}`;
};

const NOT_READY = `RCODE ${RCODE.SERVFAIL}, EDE ${EDE.NOT_READY}`;

describe('a start whose list', () => {
  const FAULTS: readonly [string, () => void, string][] = [
    ['is gone', () => rmSync(listFile()), 'ERR_LIST_READ'],
    ['is empty', () => truncateSync(listFile()), 'ERR_LIST_EMPTY'],
    ['is cut off before its first dot', () => truncateSync(listFile(), 4), 'ERR_LIST_EMPTY'],
    ['is a web page', () => writeFileSync(listFile(), '<!DOCTYPE html>\n'), 'ERR_LIST_PARSE'],
  ];
  const refusesOn = async (spoil: () => void, code: string): Promise<void> => {
    restore();
    spoil();
    const program = await start();
    const warning = await program.waitForLog(({ msg }) => msg.startsWith('lists cannot be loaded'));
    expect(warning).toMatchObject({ level: 'warn', err: { code }, ageSec: expect.any(Number) as number });
    expect(warning['loadedAt']).toBe(new Date(good.loadedSec * 1000).toISOString());
    expect(warning.msg).toContain('the saved generation stays in force');
    expect(await outcomeOf(program, 'always')).toBe('refused');
    expect(await outcomeOf(program, 'other')).toBe('answered');
    expect((await readAdmin(program, '/readyz')).status).toBe(200);
    expect(await readMetric(program, 'cordon_policy_enforcing')).toBe(1);
    expect(await readMetric(program, LOADED, { list: 'own' })).toBe(good.loadedSec);
    await program.stop();
  };
  for (const [options, faults] of inTwo(FAULTS, (_, index) => index === 0))
    test.each(faults)('%s refuses what was refused before', options, (_, spoil, code) =>
      refusesOn(spoil, code),
    );

  test('comes back later takes it with a reload', async () => {
    restore();
    rmSync(listFile());
    const program = await start();
    await program.waitForLog(({ msg }) => msg.startsWith('lists cannot be loaded'));
    writeFileSync(listFile(), 'news.example\n');
    program.signal('SIGHUP');
    await program.waitForLog(({ msg }) => msg === 'reloaded');
    expect(await outcomeOf(program, 'news')).toBe('refused');
    expect(await outcomeOf(program, 'always')).toBe('answered');
    expect(await readMetric(program, LOADED, { list: 'own' })).toBeGreaterThan(good.loadedSec);
    await program.stop();
  });
});

test('a start is ready with the saved generation, and replaces it when the lists are read', async () => {
  restore();
  writeFileSync(listFile(), 'news.example\n');
  let program = await start();
  await program.waitForLog(({ msg }) => msg === 'generation saved');
  const messages = program.logs().map(({ msg }) => msg);
  // Neither is about the generation: a slow machine, and the user that the tests run as.
  const beside = ['worker is started again', 'runs as root, and does not give it up'];
  expect(messages.filter((msg) => !beside.includes(String(msg)))).toEqual([
    'in force: every mandate list is in force',
    'the saved generation is in force while the lists are read',
    'ready',
    'lists loaded',
    'generation saved',
  ]);
  expect(await outcomeOf(program, 'news')).toBe('refused');
  expect(await outcomeOf(program, 'always')).toBe('answered');
  await program.stop();
  rmSync(listFile());
  program = await start();
  expect(await outcomeOf(program, 'news')).toBe('refused');
  await program.stop();
});

describe('without its list, a start answers nothing', () => {
  const DAMAGES: readonly [string, (bytes: Buffer) => Uint8Array][] = [
    ['a byte is another', (bytes) => bytes.map((byte, at) => (at === bytes.length - 20 ? byte ^ 1 : byte))],
    ['it is cut off', (bytes) => bytes.subarray(0, -1)],
    ['it is empty', () => Buffer.alloc(0)],
  ];
  for (const [options, damages] of inTwo(DAMAGES, (_, index) => index === 0))
    test.each(damages)('when of the saved generation %s', options, async (_, spoil) => {
      restore(spoil(good.bytes));
      rmSync(listFile());
      await expectNotReady(await start());
    });

  const OTHERS = [
    ['other answers', 'block: { mode: nodata }'],
    [
      'other groups',
      'groups: [{ name: default, lists: [own] }, { name: lab, clients: ["127.0.0.9"], lists: [] }]',
    ],
  ] as const;
  for (const [options, others] of inTwo(OTHERS, (_, index) => index === 1))
    test.each(others)('when the saved generation is of %s', options, async (_, lines) => {
      restore();
      rmSync(listFile());
      await expectNotReady(await start(lines));
    });

  const expectNotReady = async (program: Cordon): Promise<void> => {
    expect(program.logs().find(({ msg }) => msg === 'the saved generation is not used')).toMatchObject({
      level: 'warn',
      err: { code: 'ERR_APP_SAVED' },
    });
    for (const name of ['always', 'other']) expect(await outcomeOf(program, name)).toBe(NOT_READY);
    expect((await readAdmin(program, '/readyz')).status).toBe(503);
    expect(await readMetric(program, 'cordon_policy_enforcing')).toBe(0);
    await program.stop();
  };
});

test('a state directory that cannot be written is a warning and nothing else', async () => {
  writeFileSync(stateDirectory(), 'a file');
  chmodSync(stateDirectory(), 0o400);
  const program = await start();
  const warning = await program.waitForLog(({ msg }) => msg === 'generation cannot be saved');
  expect(warning).toMatchObject({ level: 'warn', err: { code: 'ERR_APP_SAVE' } });
  expect(await outcomeOf(program, 'always')).toBe('refused');
  expect(await outcomeOf(program, 'other')).toBe('answered');
  expect((await readAdmin(program, '/readyz')).status).toBe(200);
  await program.stop();
});
