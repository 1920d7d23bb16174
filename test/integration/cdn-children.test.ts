// Children of CDNs in the running program: refused on the wire as their zone is, left or taken by the configuration,
// explained, and carried by the exports.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ExplainedBy } from '../../src/resolver/inquiry/explain.ts';
import { RCODE } from '../../src/wire/dns/dns.ts';
import { ask } from '../support/client.ts';
import { runCommandHere } from '../support/command.ts';
import type { RunResult } from '../support/process.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

let upstream: ScriptedUpstream;
let program: Cordon;

beforeAll(async () => {
  upstream = await ScriptedUpstream.open((query) =>
    answer(
      query,
      query.name === 'shop.example.'
        ? ['shop.example. 60 IN CNAME x.ttwstatic.com.edgesuite.net.']
        : [`${query.name} 60 IN A 203.0.113.1`],
    ),
  );
  program = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists:
  - { id: tiktok, shipped: tiktok }
  - { id: pangle, shipped: pangle, cdn-children: false }
  - { id: own, file: own.txt, cdn-children: true }
  - { id: plain, file: plain.txt }
`,
    files: { 'own.txt': 'own.example\n', 'plain.txt': 'plain.example\n' },
  });
});
afterAll(async () => {
  await program.stop();
  await upstream.close();
});

const command = (...args: string[]): Promise<RunResult> => runCommandHere(args, { cwd: program.directory });

test.each([
  ['tiktokcdn-eu.com.rocket-cdn-eu.com', RCODE.NXDOMAIN],
  ['pull-f5.TikTokCDN.com.c.live.rocket-cdnbp.com', RCODE.NXDOMAIN],
  ['www.own.example.edgekey.net', RCODE.NXDOMAIN],
  ['own.example.cdn.cloudflare.net', RCODE.NXDOMAIN],
  // An alias leads there.
  ['shop.example', RCODE.NXDOMAIN],
  // The CDN and its other customers.
  ['edgesuite.net', RCODE.NOERROR],
  ['com.edgesuite.net', RCODE.NOERROR],
  ['www.example.com.edgesuite.net', RCODE.NOERROR],
  ['nottiktokcdn.com.edgesuite.net', RCODE.NOERROR],
  ['tiktokcdn.com.edgesuite.net.example', RCODE.NOERROR],
  // Lists that leave it.
  ['tiktokpangle.us', RCODE.NXDOMAIN],
  ['tiktokpangle.us.edgesuite.net', RCODE.NOERROR],
  ['plain.example.edgekey.net', RCODE.NOERROR],
])('%s is answered with %s', async (name, rcode) => {
  expect((await ask(program.dns, `${name}. A`)).rcode).toBe(rcode);
});

test.each([
  ['x.ttwstatic.com.edgesuite.net', 'ttwstatic.com', 'edgesuite.net'],
  ['shop.example', 'ttwstatic.com', 'edgesuite.net'],
  ['own.example.cdn.cloudflare.net', 'own.example', 'cdn.cloudflare.net'],
])('explain says of %s that it is derived from %s', async (name, zone, suffix) => {
  const { stdout } = await command('explain', name, '--json');
  const found = JSON.parse(stdout) as ExplainedBy;
  const reason = found.reason ?? found.answers[0]?.reason;
  expect(reason?.derived).toContain(`derived from ${zone}: `);
  expect(reason?.derived).toContain(`below ${suffix} (lists/cdn-suffixes.tsv:`);
  expect((await command('explain', name)).stdout).toContain(`derived  derived from ${zone}: `);
});

test('exports carry them, and say how many', async () => {
  const { code, stderr } = await command(
    ...['lists', 'export', '--format', 'rpz', '--list', 'own', '--list', 'plain', '--output', 'out.rpz'],
  );
  expect(code, stderr).toBe(0);
  const zone = readFileSync(join(program.directory, 'out.rpz'), 'utf8').split('\n');
  expect(zone).toContain('own.example.edgesuite.net CNAME .');
  expect(zone).toContain('*.own.example.edgesuite.net CNAME .');
  expect(zone.filter((line) => line.includes('plain.example.'))).toEqual([]);
  expect(zone.join('\n')).toMatch(/^; List: own, 1 rule and \d+ for children of CDNs, SHA-256 /m);
});
