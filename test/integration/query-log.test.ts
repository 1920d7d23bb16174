// The query log of the whole program: every query with its answer, on the disk, over syslog and as dnstap, by the clients'
// identity policy, and what happens to answers while none of it can be written.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { ask, readMetric, reload } from '../support/client.ts';
import { runCommandHere } from '../support/command.ts';
import { answer, answerCode, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

const WAIT = { timeout: 60_000, interval: 50 };

interface Line {
  readonly '@timestamp': string;
  readonly dns: {
    readonly type: string;
    readonly question: { readonly name: string; readonly type: string };
    readonly response_code?: string;
    readonly answers?: readonly { readonly type: string; readonly data: string; readonly ttl: number }[];
    readonly resolved_ip?: readonly string[];
  };
  readonly event: { readonly duration: number };
  readonly source?: { readonly address: string; readonly ip?: string; readonly port?: number };
  readonly rule?: { readonly ruleset: string };
  readonly cordon: { readonly source: string; readonly group?: string; readonly validation: string };
}

let upstream: ScriptedUpstream;
let receiver: Server;
let received = '';
let cordon: Cordon;
let disk: string;
let port = 0;

const configOf = (log: string): string => `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists: [{ id: tiktok, shipped: tiktok }]
${log}
`;

const linesOf = (path = join(cordon.directory, 'queries.jsonl')): Line[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((text) => text !== '')
    .map((text) => JSON.parse(text) as Line);

beforeAll(async () => {
  upstream = await ScriptedUpstream.open((query) => {
    if (query.name.startsWith('fails.')) return answerCode(query, 2);
    if (query.name.startsWith('alias.'))
      return answer(query, [
        `${query.name} 300 IN CNAME b.example.`,
        'b.example. 60 IN AAAA 2001:db8::7:0:1',
      ]);
    if (query.type === 16) return answer(query, [`${query.name} 300 IN TXT "a \\"text\\" \\200"`]);
    return answer(query, [`${query.name} 300 IN A 192.0.2.1`]);
  });
  receiver = createServer((socket) => {
    socket.on('data', (piece) => (received += piece.toString('latin1')));
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const address = receiver.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
  disk = mkdtempSync(join(tmpdir(), 'cordon-log-'));
  cordon = await startCordon({
    config: configOf(
      `query-log: { identity: address, outputs: [{ to: "file:queries.jsonl" }, { to: "syslog+tcp://127.0.0.1:${port}" }, { to: "dnstap+unix:nobody.sock" }] }`,
    ),
  });
});

afterAll(async () => {
  await cordon.stop();
  await upstream.close();
  receiver.close();
  rmSync(disk, { recursive: true, force: true });
});

test('every query is a line with its answer, where it came from, its group and its client', async () => {
  for (const question of [
    'a.example. A',
    'a.example. A',
    'alias.example. AAAA',
    'text.example. TXT',
    'fails.example. A',
    'www.tiktok.com. A',
    '\\000\\"x\\..example. A',
    'localhost. A',
  ])
    await ask(cordon.dns, question);
  await vi.waitFor(() => expect(linesOf()).toHaveLength(8), WAIT);
  const [first, again, alias, text, fails, refused, odd, local] = linesOf();
  expect(first).toMatchObject({
    dns: {
      type: 'answer',
      question: { name: 'a.example', type: 'A', class: 'IN' },
      header_flags: ['RD', 'RA'],
      response_code: 'NOERROR',
      answers: [{ name: 'a.example', type: 'A', ttl: 300, data: '192.0.2.1' }],
      resolved_ip: ['192.0.2.1'],
    },
    source: { address: '127.0.0.1', ip: '127.0.0.1' },
    network: { transport: 'udp', protocol: 'dns' },
    cordon: { source: 'upstream', group: 'default', validation: 'none' },
  });
  expect(first?.source?.port).toBeGreaterThan(0);
  expect(again?.cordon.source).toBe('cache');
  expect(again?.event.duration).toBe(0);
  expect(alias?.dns.answers?.map(({ data }) => data)).toEqual(['b.example', '2001:db8::7:0:1']);
  expect(text?.dns.answers?.[0]?.data).toBe('"a \\"text\\" \\200"');
  expect(fails?.dns).toMatchObject({ response_code: 'SERVFAIL' });
  expect(refused).toMatchObject({ rule: { ruleset: 'tiktok' }, cordon: { source: 'policy' } });
  expect(odd?.dns.question.name).toBe('\\000\\034x\\046.example');
  expect(local?.cordon.source).toBe('local');
});

test('a receiver of syslog gets the same lines in counted frames', async () => {
  await vi.waitFor(() => expect(received).toContain('localhost'), WAIT);
  const [, length, priority] = /^(\d+) <(\d+)>1 /.exec(received) ?? [];
  expect(priority).toBe(String(17 * 8 + 6));
  const frame = received.slice(String(length).length + 1).slice(0, Number(length));
  const [, json = ''] = /^[^[]*\[cordon@32473 resolver="[^"]+"\] (\{.*\})$/.exec(frame) ?? [];
  expect(JSON.parse(json)).toMatchObject({ dns: { question: { name: 'a.example' } } });
});

test('metrics tell what was written, and that a receiver is away', async () => {
  await vi.waitFor(
    async () =>
      expect(
        await readMetric(cordon, 'cordon_query_log_written_total', {
          output: `file:${join(cordon.directory, 'queries.jsonl')}`,
        }),
      ).toBeGreaterThanOrEqual(8),
    WAIT,
  );
  expect(
    await readMetric(cordon, 'cordon_query_log_connected', {
      output: `dnstap+unix:${join(cordon.directory, 'nobody.sock')}`,
    }),
  ).toBe(0);
});

test('another policy names clients by the pseudonyms of the records, by prefix, or not at all', async () => {
  for (const [identity, expected] of [
    ['pseudonym', /^p:1:/],
    ['prefix', /^127\.0\.0\.0\/24$/],
    ['none', undefined],
  ] as const) {
    const line = await reload(cordon, {
      'cordon.yaml': configOf(
        `query-log: { identity: ${identity}, outputs: [{ to: "file:${identity}.jsonl" }] }`,
      ),
    });
    expect(line.isRefused).toBe(false);
    const path = join(cordon.directory, `${identity}.jsonl`);
    await vi.waitFor(async () => {
      await ask(cordon.dns, 'a.example. A');
      const last = linesOf(path).at(-1);
      if (expected === undefined) expect(last?.source).toBeUndefined();
      else expect(last?.source?.address).toMatch(expected);
      expect(last?.source?.ip).toBeUndefined();
    }, WAIT);
  }
});

/** What `cordon lists try` counts. */
interface Told {
  readonly queries: number;
  readonly refusedBefore: number;
  readonly refusedAfter: number;
  readonly newlyRefused: { readonly queries: number; readonly names: number; readonly clients: number };
  readonly newlyPassing: { readonly queries: number };
  readonly top: readonly { readonly name: string; readonly list: string }[];
}

test('a change that is tried on the log says what the program does once it is in force', async () => {
  const lists = (more: string): string =>
    `lists: [{ id: tiktok, shipped: tiktok }, { id: extra, file: extra.txt, format: cordon }${more}]`;
  const entry = (trigger: string): string =>
    `  - { ${trigger}, service: S, owner: O Ltd., evidence: e, reviewed: 2026-11-01 }\n`;
  const listOf = (triggers: readonly string[]): string =>
    `id: extra\ntitle: t\ncategory: c\nmandate: false\ndefault: false\nentries:\n${triggers.map(entry).join('')}`;
  const configWith = (file: string): string =>
    configOf(
      `query-log: { identity: address, search: ${file === 'after'}, outputs: [{ to: "file:${file}.jsonl" }] }`,
    ).replace(/^lists: .*$/m, lists('').replace('extra.txt', 'extra.yaml'));
  const before = await reload(cordon, {
    'extra.yaml': listOf(['suffix: old.example']),
    'cordon.yaml': configWith('before'),
  });
  expect(before.isRefused, cordon.output().slice(-2000)).toBe(false);
  const questions = [
    ...Array.from({ length: 30 }, (_, i) => `n${i % 7}.old.example. A`),
    ...Array.from({ length: 50 }, (_, i) => `n${i % 11}.new.example. ${i % 2 === 0 ? 'A' : 'AAAA'}`),
    ...['alias.a.example. AAAA', 'alias.b.example. AAAA', 'www.tiktok.com. A', 'plain.example. TXT'],
    ...['localhost. A', 'b.example. A', 'x.b.example. A'],
  ];
  for (const question of questions) await ask(cordon.dns, question);
  const log = join(cordon.directory, 'before.jsonl');
  await vi.waitFor(() => expect(linesOf(log)).toHaveLength(questions.length), WAIT);
  // The new content refuses other names, and an alias by where it leads.
  const content = listOf(['suffix: new.example', 'suffix: b.example']);
  const tried = join(disk, 'tried.yaml');
  writeFileSync(tried, content);
  const config = join(cordon.directory, 'cordon.yaml');
  const { stdout, stderr } = await runCommandHere([
    'lists',
    'try',
    'extra',
    '--with',
    tried,
    '--log',
    log,
    '--config',
    config,
    '--json',
  ]);
  expect(stderr).toBe('');
  const told = JSON.parse(stdout) as Told;
  expect(told).toMatchObject({ queries: questions.length, refusedBefore: 31 });
  expect(told.newlyPassing.queries).toBe(30);
  expect(told.top[0]).toMatchObject({ list: 'extra', owner: 'O Ltd.' });
  await reload(cordon, { 'extra.yaml': content, 'cordon.yaml': configWith('after') });
  for (const question of questions) await ask(cordon.dns, question);
  const after = join(cordon.directory, 'after.jsonl');
  await vi.waitFor(() => expect(linesOf(after)).toHaveLength(questions.length), WAIT);
  const refused = linesOf(after).filter(({ rule }) => rule !== undefined);
  expect(told.refusedAfter).toBe(refused.length);
  expect(told.newlyRefused.queries).toBe(refused.length - 1);
});

test('files are searched, packed or not', async () => {
  const config = join(cordon.directory, 'cordon.yaml');
  const { stdout } = await runCommandHere(['log', 'search', '--name', 'new.example', '--config', config]);
  const found = stdout.trim().split('\n');
  expect(found.length).toBe(50);
  expect(found[0]).toContain('new.example');
});

/** The records of searches, the last one last. */
const searchesIn = async (config: string): Promise<readonly Record<string, unknown>[]> => {
  const { stdout } = await runCommandHere([
    ...['records', 'list', '--class', 'changes', '--kind', 'admin', '--json', '--config', config],
  ]);
  const found = JSON.parse(stdout) as readonly { readonly record: Record<string, unknown> }[];
  return found.map(({ record }) => record).filter(({ action }) => action === 'queries-searched');
};

test('the service searches for who gives a reason: on the record, by references, a page at a time', async () => {
  const config = join(cordon.directory, 'cordon.yaml');
  const search = (...args: readonly string[]) =>
    runCommandHere(['log', 'search', '--json', '--config', config, ...args]);
  const reason = ['--reason', 'ticket 4711'];
  const first = await search(...reason, '--name', 'new.example', '--limit', '20');
  const rows = (text: string): Record<string, unknown>[] =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const found = rows(first.stdout);
  expect(found).toHaveLength(20);
  expect(first.stdout).not.toMatch(/127\.0\.0\.1|p:1:/);
  const [, place = ''] = /older ones not yet: --before (\S+)/.exec(first.stderr) ?? [];
  const next = await search(...reason, '--name', 'new.example', '--limit', '500', '--before', place);
  expect(rows(next.stdout)).toHaveLength(30);
  expect(next.stderr).toMatch(/^read back to 20.*; nothing older fits\n$/);
  // The same client as in the records of what was refused, though the log has addresses and they have pseudonyms.
  const { stdout: refusals } = await runCommandHere([
    ...['records', 'list', '--class', 'queries', '--json', '--config', config],
  ]);
  expect(refusals).toMatch(/"client": "p:1:/);
  const [row] = found;
  const reference = String(row?.['client']);
  expect(reference).toMatch(/^[0-9A-Z]{4}-[0-9A-Z]{2}$/);
  const his = await search(...reason, '--client', reference, '--limit', '500', '--since', '2026-01-01');
  expect(rows(his.stdout).length).toBeGreaterThanOrEqual(50);
  const byAddress = await search(...reason, '--client', '127.0.0.1', '--name', 'b.example');
  expect(rows(byAddress.stdout).map(({ client }) => client)).toEqual(
    rows(byAddress.stdout).map(() => reference),
  );
  expect(rows(byAddress.stdout).length).toBeGreaterThan(0);
  expect((await search(...reason, '--client', '127.0.0.9')).code).toBe(1);
  const told = await runCommandHere([
    ...['records', 'reidentify', reference, '--reason', 'ticket 4711', '--config', config],
  ]);
  expect(told.stdout).toContain('127.0.0.1');
  const kept = await searchesIn(config);
  expect(kept.map(({ reason: why }) => why)).toEqual(kept.map(() => 'ticket 4711'));
  expect(kept[0]).toMatchObject({ detail: { name: 'new.example' } });
  expect(kept[1]).toMatchObject({ detail: { name: 'new.example', before: place } });
  expect(kept[2]).toMatchObject({ detail: { reference } });
  expect(kept[3]).toMatchObject({ detail: { name: 'b.example', client: 'an address' } });
  expect(JSON.stringify(kept)).not.toContain('127.0.0.');
});

test('the tail shows what is there, and ends when the log may not be searched any more', async () => {
  const config = join(cordon.directory, 'cordon.yaml');
  const searches = (): Promise<number> =>
    readMetric(cordon, 'cordon_admin_actions_total', { action: 'queries-searched' });
  const before = await searches();
  const tail = runCommandHere([
    ...['log', 'tail', '--reason', 'ticket 4711', '--name', 'new.example', '--json', '--config', config],
  ]);
  await vi.waitFor(async () => expect(await searches()).toBe(before + 1), WAIT);
  await reload(cordon, {
    'cordon.yaml': readFileSync(config, 'utf8').replace('search: true', 'search: false'),
  });
  const { code, stdout, stderr } = await tail;
  expect(code).toBe(0);
  expect(stdout.match(/"name":"n\d+\.new\.example"/g)?.length).toBeGreaterThanOrEqual(20);
  expect(stdout).not.toContain('127.0.0.1');
  expect(stderr).toContain('this search is over');
});

/** The last field of a number in a message of Protocol Buffers with numbers below 16, as bytes or a number. */
const fieldsOf = (bytes: Buffer): Map<number, Buffer | number> => {
  const fields = new Map<number, Buffer | number>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    if ((tag & 7) === 2) {
      const length = varint();
      fields.set(tag >> 3, bytes.subarray(at, at + length));
      at += length;
    } else if ((tag & 7) === 5) {
      fields.set(tag >> 3, bytes.readUInt32LE(at));
      at += 4;
    } else fields.set(tag >> 3, varint());
  }
  return fields;
};

test('dnstap has queries and answers of clients and of upstreams, and nothing that names a client when none is', async () => {
  const path = join(disk, 'dnstap.sock');
  const frames: Buffer[] = [];
  const control = (type: number): Buffer => {
    const text = Buffer.from('protobuf:dnstap.Dnstap');
    const head = Buffer.alloc(20);
    for (const [index, value] of [0, 12 + text.length, type, 1, text.length].entries())
      head.writeUInt32BE(value, 4 * index);
    return Buffer.concat([head, text]);
  };
  const server = createServer((socket) => {
    let bytes = Buffer.alloc(0);
    socket.on('data', (piece: Buffer) => {
      bytes = Buffer.concat([bytes, piece]);
      for (;;) {
        if (bytes.length < 8) return;
        const length = bytes.readUInt32BE(0);
        const [start, size] = length === 0 ? [8, bytes.readUInt32BE(4)] : [4, length];
        if (bytes.length < start + size) return;
        const frame = bytes.subarray(start, start + size);
        bytes = bytes.subarray(start + size);
        if (length > 0) frames.push(frame);
        else if (frame.readUInt32BE(0) === 4) socket.write(control(1));
      }
    });
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  try {
    await reload(cordon, {
      'cordon.yaml': configOf(
        `query-log: { identity: none, outputs: [{ to: "dnstap+unix:${path}", messages: [client-query, client-response, forwarder-query, forwarder-response] }] }`,
      ),
    });
    await ask(cordon.dns, 'fresh.example. A', {
      id: 4711,
      edns: { options: Buffer.from('000a0008c00c1ec00c1ec00c', 'hex') },
    });
    await vi.waitFor(() => expect(frames.length).toBeGreaterThanOrEqual(4), WAIT);
    const messages = frames.map((frame) => fieldsOf(fieldsOf(frame).get(14) as Buffer));
    const types = messages.map((message) => message.get(1));
    expect(types).toEqual(expect.arrayContaining([5, 6, 7, 8]));
    const of = (type: number): Map<number, Buffer | number> => messages[types.indexOf(type)] ?? new Map();
    for (const [type, field] of [
      [5, 10],
      [6, 14],
      [7, 10],
      [8, 14],
    ] as const) {
      const message = of(type).get(field) as Buffer;
      expect(message.includes('\x05fresh')).toBe(true);
      if (type > 6) continue;
      // No ID, no address, no port, no cookie.
      expect(message.readUInt16BE(0)).toBe(0);
      expect(message.readUInt16BE(10)).toBe(0);
      expect(of(type).has(4)).toBe(false);
      expect(of(type).has(6)).toBe(false);
    }
    expect(of(8).get(5)).toEqual(Buffer.from([127, 0, 0, 1]));
    expect(of(8).get(7)).toBe(upstream.endpoint.port);
    expect(String(fieldsOf(frames[types.indexOf(6)] ?? Buffer.alloc(0)).get(3))).toContain(
      '"source":"upstream"',
    );
  } finally {
    server.close();
  }
});

test('a disk without room, and a receiver that is dead, cost no answer', async () => {
  const to = [
    `{ to: "file:/dev/full" }`,
    `{ to: "syslog+tcp://127.0.0.1:9" }`,
    `{ to: "dnstap+unix:${join(disk, 'nobody.sock')}" }`,
  ];
  const { isRefused } = await reload(cordon, {
    'cordon.yaml': configOf(
      `query-log: { identity: none, bytes-per-day: 1MiB, outputs: [${to.join(', ')}] }`,
    ),
  });
  expect(isRefused).toBe(false);
  // A long name makes a long line: fewer are over the bytes of the day.
  const long = `${'x'.repeat(60)}.`.repeat(3);
  const sent = 2_000;
  let answered = 0;
  for (let at = 0; at < sent; at += 100)
    await Promise.all(
      Array.from({ length: 100 }, async (_, i) => {
        const { rcode } = await ask(cordon.dns, `n${(at + i) % 500}.${long}full.example. A`);
        if (rcode === 0) answered++;
      }),
    );
  expect(answered).toBe(sent);
  // Some 1,000 bytes each: what is over the bytes of the day is counted.
  await vi.waitFor(
    async () =>
      expect(await readMetric(cordon, 'cordon_query_log_lost_total', { reason: 'day' })).toBeGreaterThan(0),
    WAIT,
  );
  expect(await readMetric(cordon, 'cordon_query_log_connected', { output: 'file:/dev/full' })).toBe(0);
});
