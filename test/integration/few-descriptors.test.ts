// A process with hardly any descriptors says so once, and refuses, resolves and reloads all the same.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { EDE, RCODE } from '../../src/wire/dns/dns.ts';
import { AnswerBook } from '../support/answer-book.ts';
import { ask, readMetric } from '../support/client.ts';
import { type Cordon, requireProgram, startCordon } from '../support/process.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';

/** Too few for the two workers that are configured: one lives. */
const LIMIT = 64;
const WAIT_MS = 60_000;
/** From so many ports that the kernel gives both workers some. */
const QUERIES = 32;

const askAll = (cordon: Cordon, name: string): Promise<(number | undefined)[]> =>
  Promise.all(
    Array.from({ length: QUERIES }, async () => (await ask(cordon.dns, `${name}. A`)).ede?.infoCode),
  );

test(
  'two workers with 64 descriptors: one starts, says what does not suffice, refuses, resolves and reloads',
  async (context) => {
    requireProgram(context, 'prlimit');
    const book = new AnswerBook();
    book.set('www.open.example. A', ['www.open.example. 300 IN A 192.0.2.1']);
    const upstream = await ScriptedUpstream.open(book.handler);
    onTestFinished(() => upstream.close());
    const cordon = await startCordon({
      config: `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 2
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists: [{ id: own, file: own.txt, mandate: true }]
`,
      files: { 'own.txt': 'listed.example\n' },
      through: ['prlimit', `--nofile=${LIMIT}:${LIMIT}`],
    });
    onTestFinished(() => cordon.kill());
    const refused = Array.from({ length: QUERIES }, () => EDE.BLOCKED);
    expect(await askAll(cordon, 'www.listed.example')).toEqual(refused);
    expect(await ask(cordon.dns, 'www.open.example. A')).toMatchObject({ rcode: RCODE.NOERROR });
    writeFileSync(join(cordon.directory, 'own.txt'), 'listed.example\nlater.example\n');
    cordon.signal('SIGHUP');
    await cordon.waitForLog(({ msg }) => msg === 'reloaded');
    expect(await askAll(cordon, 'www.later.example')).toEqual(refused);
    expect(await readMetric(cordon, 'cordon_workers')).toBe(1);
    const errors = cordon.logs().filter(({ level }) => level === 'error' || level === 'fatal');
    expect(errors).toEqual([
      expect.objectContaining({
        msg: 'descriptors do not suffice: metrics, control socket, lists and upstreams may fail',
        limit: LIMIT,
        workers: 1,
        hint: expect.stringContaining('LimitNOFILE'),
      }),
    ]);
    await cordon.stop();
  },
  2 * WAIT_MS,
);
