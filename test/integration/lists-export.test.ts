// cordon lists export: what other name servers do with the files, and what the command says of them.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { feedRules, shippedLists } from '../../src/policy/lists/lists.ts';
import { TYPE } from '../../src/wire/dns/dns.ts';
import { ask } from '../support/client.ts';
import { runCommandHere } from '../support/command.ts';
import { freePort } from '../support/ports.ts';
import { type RunResult, requireProgram } from '../support/process.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { startCordon } from '../support/service.ts';
import { startNameServer, writeNamedConfig, writeUnboundConfig } from '../unit/lists/name-server.ts';
import { RuleLog, readerOf } from '../unit/lists/rule-log.ts';

/** Names of the lists that are asked for, each with one below and one beside it. */
const SAMPLE = 100;
const ORIGIN = 'policy.invalid';
const KNOWN = 'plain.example.';
const SHA256 = /^[0-9a-f]{64}$/;

let directory = '';
let upstream: ScriptedUpstream;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-export-'));
  upstream = await ScriptedUpstream.open((query) =>
    answer(query, query.type === TYPE.A ? [`${query.name} 60 IN A 192.0.2.1`] : []),
  );
});
afterAll(async () => {
  await upstream.close();
  rmSync(directory, { recursive: true, force: true });
});

const exportLists = async (...args: string[]): Promise<RunResult> =>
  runCommandHere(['lists', 'export', ...args], { cwd: directory });

const write = (name: string, text: string): void => writeFileSync(join(directory, name), text);
const read = (name: string): string => readFileSync(join(directory, name), 'utf8');
/** The lines of an export that are no comment. */
const linesOf = (text: string): string[] => text.split('\n').filter((line) => !/^(?:[;#!]|$)/.test(line));

/** Listed names, and for each one below and one beside. */
const sampleNames = (): string[] => {
  const listed = shippedLists()
    .map(({ file }) => readFileSync(file))
    .flatMap((bytes) => {
      const log = new RuleLog();
      const { header } = feedRules('cordon', readerOf(bytes), log);
      if (header?.default !== true) return [];
      return log.rules.flatMap((rule) => /^\d+ (?:suffix|exact|wildcard) (\S+)$/.exec(rule)?.[1] ?? []);
    });
  const step = Math.max(1, Math.floor(listed.length / SAMPLE));
  return listed
    .filter((_, index) => index % step === 0)
    .slice(0, SAMPLE)
    .flatMap((name) => [name, `x.${name}`, `not${name}`]);
};

/** The names that a server has no address for. */
const refusedBy = async (port: number, names: readonly string[]): Promise<string[]> => {
  const refused: string[] = [];
  for (let at = 0; at < names.length; at += 20) {
    const part = names.slice(at, at + 20);
    const replies = await Promise.all(part.map((name) => ask({ address: '127.0.0.1', port }, `${name}. A`)));
    for (const [index, reply] of replies.entries()) {
      if (reply.answer.length === 0) refused.push(part[index] ?? '');
    }
  }
  return refused;
};

describe('the shipped lists in other name servers', () => {
  let names: string[] = [];
  let refused: string[] = [];
  beforeAll(async () => {
    names = sampleNames();
    const cordon = await startCordon({
      config: `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]`,
    });
    refused = await refusedBy(cordon.dns.port, names);
    await cordon.stop();
  });

  const runUnbound = async (clauses: string, modules: string): Promise<string[]> => {
    const port = await freePort();
    const place = { directory, port, upstreamPort: upstream.endpoint.port };
    const server = await startNameServer(
      'unbound',
      ['-d', '-c', writeUnboundConfig(place, modules, clauses)],
      port,
      KNOWN,
    );
    try {
      return await refusedBy(port, names);
    } finally {
      await server.stop();
    }
  };

  test('Cordon refuses some of the sample and not all', () => {
    expect(names).toHaveLength(SAMPLE * 3);
    expect(refused.length).toBeGreaterThan(SAMPLE);
    // Beside a name that lies below a listed zone, its neighbour is refused as well.
    expect(refused.length).toBeLessThan(SAMPLE * 2 + SAMPLE / 5);
  });

  test('rpz in named refuses the same', async (context) => {
    requireProgram(context, 'named');
    const { code, stderr } = await exportLists(
      ...['--format', 'rpz', '--origin', ORIGIN, '--output', 'all.rpz'],
    );
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const port = await freePort();
    const place = { directory, port, upstreamPort: upstream.endpoint.port };
    const config = writeNamedConfig(place, ORIGIN, join(directory, 'all.rpz'));
    const server = await startNameServer('named', ['-g', '-n', '1', '-c', config], port, KNOWN);
    try {
      // named answers before it has put the whole zone in force.
      await expect.poll(() => refusedBy(port, names), { timeout: 60_000, interval: 500 }).toEqual(refused);
    } finally {
      await server.stop();
    }
  });

  test('rpz in unbound refuses the same', async (context) => {
    requireProgram(context, 'unbound');
    await exportLists('--format', 'rpz', '--origin', ORIGIN, '--output', 'unbound.rpz');
    const clauses = `rpz:\n  name: ${ORIGIN}\n  zonefile: "${join(directory, 'unbound.rpz')}"`;
    expect(await runUnbound(clauses, 'respip iterator')).toEqual(refused);
  });

  test('local zones of unbound refuse the same', async (context) => {
    requireProgram(context, 'unbound');
    await exportLists('--format', 'unbound', '--output', 'zones.conf');
    expect(await runUnbound(`include: "${join(directory, 'zones.conf')}"`, 'iterator')).toEqual(refused);
  });
});

const CONFIG = `
lists:
  - { id: order, file: order.txt, format: domains, mandate: true }
  - { id: freed, file: freed.txt, format: domains, allow: true }
  - { id: ads, file: ads.txt, format: adblock }
  - { id: seen, file: seen.txt, format: domains, log-only: true }
  - { id: nights, file: nights.txt, format: domains }
groups:
  - name: default
    lists: [order, freed, ads, seen, nights]
    schedules: [{ list: nights, hours: "20:00-06:00" }]
  - { name: lab, clients: ["192.0.2.0/24"], lists: [order] }
`;

describe('the command', () => {
  beforeAll(() => {
    write('cordon.yaml', CONFIG);
    write('order.txt', 'order.example\n');
    write('freed.txt', 'ok.order.example\nok.ads.example\nalone.example\n');
    write('ads.txt', '||ads.example^\n||only.example^$dnstype=AAAA\n/^track/\n||x.ok.ads.example^\n');
    write('seen.txt', 'seen.example\n');
    write('nights.txt', 'nights.example\n');
  });

  test('merges lists in their order: an allow list frees nothing that a mandate list refuses', async () => {
    const { code, stdout, stderr } = await exportLists('--format', 'rpz');
    expect({ code, lines: linesOf(stdout).slice(4).sort() }).toEqual({
      code: 0,
      lines: [
        '*.ads.example CNAME .',
        '*.ok.ads.example CNAME rpz-passthru.',
        '*.order.example CNAME .',
        'ads.example CNAME .',
        'ok.ads.example CNAME rpz-passthru.',
        'order.example CNAME .',
      ],
    });
    for (const text of [
      'exported 3 rules of order, freed, ads as rpz, serial',
      '1 rule left out: a condition (types, clients or excepted names)',
      '1 rule left out: a regular expression',
      'without seen: it is only watched (log-only)',
      'without nights: it is in force at times only (schedules)',
    ]) {
      expect(stderr).toContain(text);
    }
  });

  test('exports the mandate lists alone, or the lists that are named', async () => {
    const mandate = await exportLists('--format', 'domains', '--mandate-only');
    expect(linesOf(mandate.stdout)).toEqual(['order.example']);
    const named = await exportLists('--format', 'domains', '--list', 'seen', '--list', 'nights');
    expect(linesOf(named.stdout)).toEqual(['seen.example', 'nights.example']);
  });

  test('writes mandate lists of every group, and names what else is in force for other groups', async () => {
    const head = (id: string, isMandate: boolean): string =>
      `id: ${id}\ntitle: T\ncategory: c\nmandate: ${isMandate}\ndefault: false\nentries:\n  - { suffix: ${id}.example, service: S, owner: O, evidence: e, reviewed: 2026-11-26 }\n`;
    write('lab.yaml', head('lab', true));
    write('by-hand.txt', 'by-hand.example\n');
    write('wish.yaml', head('wish', false));
    write(
      'groups.yaml',
      `state: state
upstreams: [192.0.2.53]
lists:
  - { id: own, file: own.txt }
  - { id: lab, file: lab.yaml, format: cordon }
  - { id: by-hand, file: by-hand.txt, mandate: true }
  - { id: wish, file: wish.yaml, format: cordon }
  - { id: nobody, file: own.txt }
groups:
  - { name: default, lists: [own] }
  - { name: lab, clients: [192.0.2.0/24], lists: [lab, by-hand, wish] }
`,
    );
    write('own.txt', 'own.example\n');
    const { stdout, stderr } = await exportLists('--format', 'domains', '--config', 'groups.yaml');
    expect(linesOf(stdout)).toEqual(['lab.example', 'by-hand.example', 'own.example']);
    expect(stderr).toContain('exported 3 rules of lab, by-hand, own as domains');
    expect(stderr).toContain('without wish: it is in force for other groups only (lab); name it with --list');
    expect(stderr).not.toContain('nobody');
  });

  test('tells facts as JSON, and gives the same rules the same serial', async () => {
    const facts = async (...args: string[]) => {
      const { code, stdout } = await exportLists('--format', 'hosts', '--output', 'hosts', '--json', ...args);
      expect(code).toBe(0);
      return JSON.parse(stdout) as Record<string, unknown>;
    };
    const today = (): string => new Date().toISOString().slice(0, 10).replaceAll('-', '');
    const before = today();
    const first = await facts();
    // It may have become midnight.
    const days = [before, today()];
    expect(first).toMatchObject({
      format: 'hosts',
      rules: 3,
      sha256: expect.stringMatching(SHA256),
      output: 'hosts',
      skipped: [{ id: 'seen' }, { id: 'nights' }],
      lists: [
        { id: 'order', sha256: expect.stringMatching(SHA256), entries: 1 },
        { id: 'freed', entries: 3 },
        { id: 'ads', entries: 4 },
      ],
    });
    expect(days).toContain(String(first['serial']).slice(0, 8));
    expect((await facts())['serial']).toBe(first['serial']);
    const second = (await facts('--list', 'order'))['serial'];
    const isNewDay = !String(first['serial']).startsWith(today());
    expect([Number(first['serial']) + 1, ...(isNewDay ? [Number(`${today()}00`)] : [])]).toContain(second);
    expect((await facts('--serial', '7'))['serial']).toBe(7);
    const text = read('hosts');
    expect(text).toContain('# Serial: 7\n');
    expect(text).toContain(`SHA-256: ${String(first['sha256'])}\n`);
  });

  test('leaves no half file behind when it cannot write', async () => {
    const { code, stderr } = await exportLists('--format', 'domains', '--output', 'missing/file');
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(
        /^cordon lists: writing the export missing\/file: .*\[ERR_APP_EXPORT\]\n$/,
      ),
    });
    expect(existsSync(join(directory, 'missing'))).toBe(false);
    expect(readdirSync(directory).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  test.each([
    [[], 2, '--format FORMAT or --for FORM is needed'],
    [['--format', 'bind'], 2, '--format "bind" is none of adblock, dnsmasq'],
    [['--format', 'rpz', '--json'], 2, '--json needs --output'],
    [['--format', 'rpz', '--serial', '4294967296'], 2, '"4294967296" is no serial'],
    [['--format', 'rpz', '--list', 'none'], 1, 'exporting the list "none" (The configuration has order'],
    [['--format', 'rpz', '--origin', 'a..b'], 1, 'the origin "a..b" is not a name'],
    [['--format', 'prefixes'], 1, 'no rule is left'],
  ])('%j: exit code %d', async (args, code, text) => {
    const result = await exportLists(...args);
    expect({ code: result.code, stdout: result.stdout }).toEqual({ code, stdout: '' });
    expect(result.stderr).toContain(text);
  });
});
