// The self-probe of the whole program, and the same questions to another resolver: found enforced when it is, and never
// when it is not.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ProbeRunStatus } from '../../src/evidence/probe/findings.ts';
import type { ServerProbe } from '../../src/evidence/probe/server.ts';
import { RCODE, TYPE } from '../../src/wire/dns/dns.ts';
import { ask, readAdmin, readMetric, reload } from '../support/client.ts';
import { runCommandHere } from '../support/command.ts';
import type { RunResult } from '../support/process.ts';
import { answer, answerCode, type ScriptedQuery, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

/** A sweep of a few names takes a second or two; on a loaded machine ten times that. */
const COMMAND_MS = 60_000;

const LISTS = `
lists:
  - { id: ban, file: ban.txt, format: domains, mandate: true }
  - { id: nets, file: nets.yaml, format: cordon }
`;
const FILES = {
  'ban.txt': 'tiktok.example\nmuscdn.example\nbyteoversea.example\n',
  'nets.yaml': `id: nets
title: Networks
category: nets
mandate: true
default: false
entries:
  - { prefix: 198.51.100.0/24, service: network, owner: Example, evidence: "test", reviewed: 2026-11-24 }
  - { prefix: "2001:db8:51::/48", service: network, owner: Example, evidence: "test", reviewed: 2026-11-24 }
`,
};

/** Controls resolve, everything else too: what is not refused leaks. */
const world = (query: ScriptedQuery): Uint8Array =>
  answer(query, query.type === TYPE.A ? [`${query.name} 60 IN A 203.0.113.7`] : []);

const command = (args: readonly string[], directory: string): Promise<RunResult> =>
  runCommandHere(['probe', '--config', join(directory, 'cordon.yaml'), ...args], { cwd: directory });

describe('of the running program', () => {
  let upstream: ScriptedUpstream;
  let cordon: Cordon;

  const configOf = (groups: string): string => `
listen: { dns: ["127.0.0.1:0", "127.0.0.2:0"], admin: "127.0.0.1:0" }
workers: 2
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
access: { allow: ["127.0.0.0/8", "10.0.0.0/8", "2001:db8::/32"] }
compliance: { pause-max: 5m, out-of-scope: [nets] }
probe: { interval: 1d, rate: 1000 }
${LISTS}
groups:
  - { name: default, lists: [ban, nets] }
${groups}
`;
  const GROUPS = `
  - { name: lab, clients: ["10.1.0.0/16", "2001:db8:1::/48"], lists: [ban, nets] }
  - { name: covered, clients: ["10.2.0.0/24"], lists: [ban] }
  - { name: inner, clients: ["10.2.0.0/24"], lists: [ban] }
`;

  beforeAll(async () => {
    upstream = await ScriptedUpstream.open(world);
    cordon = await startCordon({
      config: configOf(GROUPS.replace('  - { name: inner, clients: ["10.2.0.0/24"], lists: [ban] }\n', '')),
      files: FILES,
      env: { CORDON_PROBE_INTERVAL: '1d' },
    });
  });
  afterAll(async () => {
    await cordon?.stop();
    await upstream?.close();
  });

  const sweep = async (...args: string[]): Promise<ProbeRunStatus & { readonly code: number | null }> => {
    const { code, stdout, stderr } = await command([...args, '--json'], cordon.directory);
    expect(stderr).toBe('');
    return { ...(JSON.parse(stdout) as ProbeRunStatus), code };
  };

  test('everything is enforced, in every view, over each transport, for each type', async () => {
    const found = await sweep();
    expect(found).toMatchObject({
      code: 0,
      outcome: 'enforced',
      event: 'sweep',
      leakedNames: 0,
      failingNames: 0,
    });
    expect(found.coverage).toEqual({ names: 3, asked: 3, share: 1 });
    const views = [...new Set(found.results.map(({ view }) => view))];
    expect(views).toEqual([
      'group:covered',
      'group:default',
      'group:lab',
      `listener:${cordon.dns.address}:${cordon.dns.port}`,
      expect.stringMatching(/^listener:127\.0\.0\.2:/),
    ]);
    for (const view of views.slice(0, 3)) {
      const cells = found.results.filter((result) => result.view === view);
      expect(cells.map(({ transport, qtype }) => `${transport} ${qtype}`)).toEqual(
        ['tcp', 'udp'].flatMap((transport) =>
          ['A', 'AAAA', 'ANY', 'HTTPS'].map((type) => `${transport} ${type}`),
        ),
      );
    }
    // Nothing that is refused was asked of anybody.
    expect(upstream.queries.filter(({ name }) => name.toLowerCase() !== 'example.com.')).toEqual([]);
    expect(
      await readMetric(cordon, 'cordon_enforcement_probe_runs_total', { outcome: 'enforced' }),
    ).toBeGreaterThan(0);
    const { body } = await readAdmin(cordon, '/metrics');
    const success = body.split('\n').filter((line) => line.startsWith('cordon_enforcement_probe_success{'));
    expect(success.length).toBeGreaterThan(0);
    expect(success.filter((line) => !line.endsWith(' 1'))).toEqual([]);
    expect(await readMetric(cordon, 'cordon_enforcement_probe_coverage_ratio')).toBe(1);
  });

  test('what it asks is counted apart, and clients are counted without it', async () => {
    const ofClients = [
      'cordon_queries_total',
      'cordon_group_queries_total',
      'cordon_answers_total',
      'cordon_policy_answers_total',
      'cordon_refusals_total',
      'cordon_resolution_seconds_count',
      'cordon_answer_seconds_count',
      'cordon_cache_hits_total',
      'cordon_cache_misses_total',
      'cordon_bypass_signals_total',
    ];
    const read = async (): Promise<Record<string, number>> =>
      Object.fromEntries(
        await Promise.all(ofClients.map(async (name) => [name, await readMetric(cordon, name)] as const)),
      );
    expect(await read()).toEqual(Object.fromEntries(ofClients.map((name) => [name, 0])));
    expect(await readMetric(cordon, 'cordon_enforcement_probe_queries_total')).toBeGreaterThan(50);
    await ask(cordon.dns, 'tiktok.example. A');
    await ask(cordon.dns, 'client.example.com. A', { transport: 'tcp' });
    await ask(cordon.dns, 'client.example.com. A');
    expect(await read()).toMatchObject({
      cordon_queries_total: 3,
      cordon_group_queries_total: 3,
      cordon_answers_total: 3,
      cordon_policy_answers_total: 1,
      cordon_refusals_total: 1,
      cordon_answer_seconds_count: 3,
    });
    expect(await readMetric(cordon, 'cordon_group_queries_total', { group: 'default' })).toBe(3);
    expect(await readMetric(cordon, 'cordon_cache_limit_bytes')).toBe(2 * 64 * 1024 * 1024);
  });

  test('a table says so to people', async () => {
    const { code, stdout } = await command(['--group', 'lab'], cordon.directory);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ENFORCED: sweep of the group lab \d+, generation \d+/);
    expect(stdout).toMatch(/^ {2}group:lab {2}tcp udp {5}A AAAA ANY HTTPS {2}\d+ +0 +0 +enforced$/m);
  });

  test('suspended refusals leak in every group, and are enforced again', async () => {
    const pause = (...args: string[]): Promise<RunResult> =>
      runCommandHere([...args, '--config', join(cordon.directory, 'cordon.yaml')]);
    expect((await pause('pause', '5m', '--reason', 'test')).code).toBe(0);
    const leaking = await sweep();
    expect(leaking).toMatchObject({ code: 1, outcome: 'leaking', leakedNames: 5 });
    const views = leaking.results.filter(({ outcome }) => outcome === 'leaking').map(({ view }) => view);
    expect([...new Set(views)].filter((view) => view.startsWith('group:'))).toEqual([
      'group:covered',
      'group:default',
      'group:lab',
    ]);
    expect(await readMetric(cordon, 'cordon_enforcement_probe_leaked_names')).toBe(5);
    const { stdout } = await command([], cordon.directory);
    expect(stdout).toMatch(
      /^PAUSED: an operator suspended all refusals.*\n {2}"cordon pause" says who.*\nLEAKING: sweep/,
    );
    expect(stdout).toMatch(/tiktok\.example A (?:udp|tcp).*: NOERROR .* A 203\.0\.113\.7/i);
    expect((await pause('resume', '--reason', 'over')).code).toBe(0);
    expect(await sweep()).toMatchObject({ code: 0, outcome: 'enforced' });
    expect(await readMetric(cordon, 'cordon_enforcement_probe_leaked_names')).toBe(0);
  });

  test('an upstream that is gone breaks the controls only', { tags: 'night' }, async () => {
    upstream.onQuery((query) => answerCode(query, RCODE.SERVFAIL));
    // The cache still has the control that was asked before.
    const groups = GROUPS.replace('  - { name: inner, clients: ["10.2.0.0/24"], lists: [ban] }\n', '');
    const other = configOf(groups).replace('rate: 1000', 'rate: 1000, controls: [other.example.com]');
    expect((await reload(cordon, { 'cordon.yaml': other })).isRefused).toBe(false);
    const found = await sweep('--group', 'lab');
    expect(found).toMatchObject({ code: 1, outcome: 'broken', leakedNames: 0 });
    const examples = found.results.flatMap((result) => result.examples);
    expect(examples.length).toBeGreaterThan(0);
    expect(examples.every((example) => example.startsWith('other.example.com A'))).toBe(true);
    upstream.onQuery(world);
  });

  test('a change is followed by a run of its own', { tags: 'night' }, async () => {
    const runs = (): Promise<number> => readMetric(cordon, 'cordon_enforcement_probe_runs_total');
    const before = await runs();
    const moved = GROUPS.replace(
      '["10.2.0.0/24"], lists: [ban] }\n  - { name: inner',
      '["10.2.0.0/23"], lists: [ban] }\n  - { name: inner',
    );
    expect((await reload(cordon, { 'cordon.yaml': configOf(moved) })).isRefused).toBe(false);
    await expect.poll(runs, { timeout: COMMAND_MS, interval: 200 }).toBeGreaterThan(before);
    const found = await sweep('--group', 'covered');
    expect(found).toMatchObject({ code: 0, outcome: 'enforced' });
  });

  test('an unknown group, and options for another server, are wrong usage', async () => {
    expect((await command(['--group', 'nobody'], cordon.directory)).code).toBe(2);
    expect((await command(['--sample', '5'], cordon.directory)).code).toBe(2);
    expect((await command(['--from', '127.0.0.1', '--rate', '0'], cordon.directory)).code).toBe(2);
    expect((await command(['--from', '::zz:1'], cordon.directory)).code).toBe(2);
  });

  test('its own listener, asked as another server is, refuses the same', async () => {
    const server = `${cordon.dns.address}:${cordon.dns.port}`;
    const { code, stdout } = await command(['--from', server, '--rate', '2000', '--json'], cordon.directory);
    expect(JSON.parse(stdout)).toMatchObject({ outcome: 'enforced', leakedNames: 0, lists: ['ban', 'nets'] });
    expect(code).toBe(0);
  });
});

describe('of another resolver', () => {
  let upstream: ScriptedUpstream;
  let directory: string;
  beforeAll(async () => {
    upstream = await ScriptedUpstream.open();
    directory = mkdtempSync(join(tmpdir(), 'cordon-probe-'));
    const files = { ...FILES, 'cordon.yaml': `listen: { dns: ["127.0.0.1:5353"] }\n${LISTS}` };
    for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
  });
  afterAll(async () => {
    await upstream?.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const isControl = ({ name }: ScriptedQuery): boolean => name.toLowerCase() === 'example.com.';

  const probe = async (
    isLeaking: (query: ScriptedQuery) => boolean,
    ...args: string[]
  ): Promise<ServerProbe & { readonly code: number | null }> => {
    upstream.onQuery((query) =>
      isControl(query) || isLeaking(query)
        ? answer(query, [`${query.name} 60 IN A 203.0.113.7`])
        : answerCode(query, RCODE.NXDOMAIN),
    );
    const server = `127.0.0.1:${upstream.endpoint.port}`;
    const { code, stdout } = await command(
      ['--from', server, '--rate', '5000', '--json', ...args],
      directory,
    );
    return { ...(JSON.parse(stdout) as ServerProbe), code };
  };

  test('that refuses everything is found to', async () => {
    upstream.queries.length = 0;
    const found = await probe(() => false);
    expect(found).toMatchObject({
      code: 0,
      outcome: 'enforced',
      leaks: [],
      leakedNames: 0,
      lists: ['ban', 'nets'],
    });
    expect(found.asked).toBe(upstream.queries.length);
    // All that a client may vary, and nothing of the zone that only Cordon has.
    const { queries } = upstream;
    expect(new Set(queries.map(({ transport }) => transport))).toEqual(new Set(['udp', 'tcp']));
    for (const way of ['hasEdns', 'dnssecOk', 'cd'] as const) {
      expect(new Set(queries.map((query) => query[way]))).toEqual(new Set([true, false]));
    }
    expect(queries.some(({ name }) => name.startsWith('www.'))).toBe(true);
    expect(queries.some(({ name }) => name !== name.toLowerCase())).toBe(true);
    expect(queries.some(({ name }) => name.includes('cordon'))).toBe(false);
  });

  test('that leaks one name is named with the answer', async () => {
    const found = await probe(({ name }) => name.toLowerCase().endsWith('muscdn.example.'));
    expect(found).toMatchObject({ code: 1, outcome: 'leaking', leakedNames: 1 });
    expect(found.leaks).toMatchObject([{ name: 'muscdn.example', list: 'ban', line: 2 }]);
    expect(found.leaks[0]?.answer).toContain('203.0.113.7');
    const server = `127.0.0.1:${upstream.endpoint.port}`;
    const { stdout } = await command(['--from', server, '--rate', '5000'], directory);
    expect(stdout).toMatch(/^LEAKING: 127\.0\.0\.1:\d+, lists ban, nets, /);
    expect(stdout).toMatch(/^1 names leak:\n {2}muscdn\.example \(ban, line 2\)\n/m);
  });

  test('that leaks over TCP only', async () => {
    const found = await probe(({ transport }) => transport === 'tcp');
    expect(found).toMatchObject({ code: 1, outcome: 'leaking', leakedNames: 3 });
    const leaking = found.results.filter(({ outcome }) => outcome === 'leaking');
    expect(new Set(leaking.map(({ transport }) => transport))).toEqual(new Set(['tcp']));
  });

  test('that answers nothing but NXDOMAIN is broken, because nothing else resolves', async () => {
    upstream.onQuery((query) => answerCode(query, RCODE.NXDOMAIN));
    const server = `127.0.0.1:${upstream.endpoint.port}`;
    const { code, stdout } = await command(['--from', server, '--rate', '5000', '--json'], directory);
    expect({ code, outcome: (JSON.parse(stdout) as ServerProbe).outcome }).toEqual({
      code: 1,
      outcome: 'broken',
    });
  });

  test('that leads names to a sinkhole has to be told', async () => {
    upstream.onQuery((query) => {
      if (isControl(query)) return answer(query, [`${query.name} 60 IN A 203.0.113.7`]);
      return answer(query, query.type === TYPE.A ? [`${query.name} 60 IN A 192.0.2.66`] : []);
    });
    const server = `127.0.0.1:${upstream.endpoint.port}`;
    const args = ['--from', server, '--rate', '5000', '--json'];
    expect((await command(args, directory)).code).toBe(1);
    expect((await command([...args, '--sinkhole', '192.0.2.66'], directory)).code).toBe(0);
  });

  test('that is not there is unreachable', async () => {
    const gone = await ScriptedUpstream.open();
    await gone.close();
    const server = `127.0.0.1:${gone.endpoint.port}`;
    const { code, stdout } = await command(['--from', server, '--rate', '5000', '--json'], directory);
    expect({ code, outcome: (JSON.parse(stdout) as ServerProbe).outcome }).toEqual({
      code: 1,
      outcome: 'unreachable',
    });
  });

  test('is asked for a sample', async () => {
    const found = await probe(() => false, '--sample', '1');
    expect(found.coverage).toMatchObject({ names: 3, asked: 1 });
  });
});
