// cordon query: what a client sees of a running Cordon, over both transports.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EDE } from '../../../src/wire/dns/dns.ts';
import type { Reading } from '../../../src/wire/stub/dns2-client.ts';
import { type Cordon, startCordon } from '../../support/process.ts';
import { answer, ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { cordon } from './setup.ts';

let upstream: ScriptedUpstream;
let running: Cordon;
beforeAll(async () => {
  upstream = await ScriptedUpstream.open((query) => answer(query, [`${query.name} 60 IN A 203.0.113.1`]));
  running = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
`,
  });
});
afterAll(async () => {
  await running.stop();
  await upstream.close();
});

const query = (...args: string[]) => cordon(['query', ...args, '--server', `127.0.0.1:${running.dns.port}`]);

test.each([[[]], [['--tcp']]])('a name that passes %j', async (args) => {
  const { code, stdout, stderr } = await query('www.example.com', 'A', ...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^NOERROR, flags qr rd ra, \d+ bytes in [\d.]+ ms\n/);
  expect(stdout).toMatch(/^answer +www\.example\.com\. \d+ A 203\.0\.113\.1$/m);
});

test.each([[[]], [['--tcp']]])('a listed name with its extended error %j', async (args) => {
  const { code, stdout } = await query('www.tiktok.com', ...args);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^NXDOMAIN, /);
  expect(stdout).toMatch(/^EDE \d+/m);
  const json = await query('www.tiktok.com', '--json', ...args);
  const reading = JSON.parse(json.stdout) as Reading;
  expect(reading).toMatchObject({ rcode: 'NXDOMAIN', answers: [] });
  expect([EDE.BLOCKED, EDE.CENSORED, EDE.FILTERED]).toContain(reading.ede[0]?.infoCode);
});

test('a server that does not answer is one line', async () => {
  const silent = await ScriptedUpstream.open();
  const server = `127.0.0.1:${silent.endpoint.port}`;
  await silent.close();
  const { code, stdout, stderr } = await cordon(['query', 'www.example.com', '--tcp', '--server', server]);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(
    /^cordon query: asking 127\.0\.0\.1:\d+ for www\.example\.com: .* \[ERR_COMPLIANCE_ASK\]\n$/,
  );
});
