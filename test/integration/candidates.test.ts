// Names that a mandate list may be missing: seen by the running program, shown by the command, blocked by nobody.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RCODE } from '../../src/wire/dns/dns.ts';
import { AnswerBook } from '../support/answer-book.ts';
import { ask, readMetric } from '../support/client.ts';
import { runCommandHere } from '../support/command.ts';
import type { RunResult } from '../support/process.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

const ALIAS = 'clips.agency.example.';

let upstream: ScriptedUpstream;
let cordon: Cordon;

beforeAll(async () => {
  upstream = await ScriptedUpstream.open();
  upstream.onQuery(
    new AnswerBook()
      .set(`${ALIAS} A`, [`${ALIAS} 60 IN CNAME www.tiktok.com.`, 'www.tiktok.com. 60 IN A 192.0.2.1'])
      .set(`${ALIAS} AAAA`, [`${ALIAS} 60 IN AAAA 2001:db8::1`])
      .set('www.example.com. A', ['www.example.com. 60 IN A 192.0.2.1']).handler,
  );
  cordon = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 2
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
`,
  });
});

afterAll(async () => {
  await cordon?.stop();
  await upstream?.close();
});

const candidates = (...args: string[]): Promise<RunResult> =>
  runCommandHere(['lists', 'candidates', '--config', join(cordon.directory, 'cordon.yaml'), ...args]);

test('no name is one before anybody asked', async () => {
  expect(await candidates()).toMatchObject({ code: 0, stdout: expect.stringMatching(/^No name led/) });
});

test('a name that led to a mandate list is shown with its evidence, others are not', async () => {
  for (const name of [`${ALIAS} A`, `${ALIAS} A`, 'www.tiktok.com. A', 'www.example.com. A', `${ALIAS} AAAA`])
    await ask(cordon.dns, name);
  const { code, stdout } = await candidates('--json');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual([
    {
      name: 'clips.agency.example',
      count: 2,
      list: 'tiktok',
      line: expect.any(Number) as number,
      trigger: 'cname',
      firstSeen: expect.stringMatching(/^\d{4}-/) as string,
      lastSeen: expect.stringMatching(/^\d{4}-/) as string,
    },
  ]);
  expect((await candidates()).stdout).toMatch(/clips\.agency\.example +2 +tiktok:\d+ by cname/);
  expect(await readMetric(cordon, 'cordon_list_candidates')).toBeGreaterThan(0);
});

test('its other answers pass: it is on no list', async () => {
  const reply = await ask(cordon.dns, `${ALIAS} AAAA`);
  // From the cache by now: its TTL has gone down by as many seconds as the commands above took.
  expect(reply).toMatchObject({
    rcode: RCODE.NOERROR,
    answer: [expect.stringMatching(/^clips\.agency\.example\. \d+ IN AAAA 2001:db8::1$/)],
  });
});
