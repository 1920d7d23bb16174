// Addresses for firewalls: exported by the command, polled from the admin listener, and loaded by nft in a network of
// their own, where a listed address cannot be reached and a guarded one can.
import { execFileSync, spawn } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AnswerBook } from '../support/answer-book.ts';
import { reload } from '../support/client.ts';
import { runCommandHere } from '../support/command.ts';
import { requireProgram } from '../support/process.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

let directory: string;
let upstream: ScriptedUpstream;

const LIST = `
id: own
title: Own
category: own
mandate: false
default: false
entries:
  - { suffix: alias.example, service: S, owner: O, evidence: e, reviewed: 2026-11-26 }
  - { suffix: direct.example, service: S, owner: O, evidence: e, reviewed: 2026-11-26 }
  - { suffix: flat.example, service: S, owner: O, evidence: e, reviewed: 2026-11-26 }
  - { suffix: inner.example, service: S, owner: O, evidence: e, reviewed: 2026-11-26 }
  - { suffix: none.example, service: S, owner: O, evidence: e, reviewed: 2026-11-26 }
  - { prefix: 151.100.0.0/15, service: S, owner: O, evidence: e, reviewed: 2026-11-26 }
  - { prefix: 45.12.0.0/24, service: S, owner: O, evidence: e, reviewed: 2026-11-26 }
`;
const config = (more = ''): string => `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
state: state
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists:
  - { id: own, file: own.yaml, format: cordon }
${more}`;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-firewall-'));
  const book = new AnswerBook()
    .set('alias.example. A', [
      'alias.example. 300 IN CNAME x.cdn.example.',
      'x.cdn.example. 300 IN A 45.13.0.1',
    ])
    .set('direct.example. A', ['direct.example. 300 IN A 45.13.0.2'])
    .set('direct.example. AAAA', ['direct.example. 300 IN AAAA 2a10:1::2'])
    .set('flat.example. A', ['flat.example. 300 IN A 104.16.1.1'])
    .set('inner.example. A', [
      'inner.example. 300 IN CNAME a.direct.example.',
      'a.direct.example. 300 IN A 45.13.0.3',
      'a.direct.example. 300 IN A 10.0.0.1',
    ]);
  upstream = await ScriptedUpstream.open(book.handler);
  writeFileSync(join(directory, 'own.yaml'), LIST);
  writeFileSync(join(directory, 'cordon.yaml'), config());
});
afterAll(async () => {
  await upstream.close();
  rmSync(directory, { recursive: true });
});

const exported = async (...args: string[]): Promise<{ text: string; facts: string; code: number | null }> => {
  const result = await runCommandHere([
    'lists',
    'export',
    '--config',
    join(directory, 'cordon.yaml'),
    ...args,
  ]);
  return { text: result.stdout, facts: result.stderr, code: result.code };
};
const prefixesIn = (text: string): string[] =>
  text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

describe('cordon lists export --for', () => {
  test('writes prefixes of lists without what is guarded, and says what that was', async () => {
    const { text, facts } = await exported('--for', 'edl');
    expect(prefixesIn(text)).toEqual(['45.12.0.0/24 own line 14', '151.100.0.0/16 own line 13']);
    expect(text).toMatch(/^# Serial: \d{10}$/m);
    expect(text).toMatch(/^# List: own, 7 rules, SHA-256 [0-9a-f]{64}$/m);
    expect(text).toContain('# Left out: 151.101.0.0/16 (own line 13): Fastly');
    expect(facts).toContain('without 151.101.0.0/16 (own line 13): guarded, Fastly');
    expect(upstream.queries).toEqual([]);
  });

  test('with --resolve adds addresses to which listed names alone lead', async () => {
    const { text, facts } = await exported('--for', 'edl', '--resolve');
    expect(prefixesIn(text)).toEqual([
      '45.12.0.0/24 own line 14',
      '45.13.0.2/32 address of direct.example',
      '45.13.0.3/32 address of inner.example',
      '151.100.0.0/16 own line 13',
      '2a10:1::2/128 address of direct.example',
    ]);
    expect(facts).toContain(
      'without alias.example: it leads to x.cdn.example, which is not listed and may serve others',
    );
    expect(facts).toContain('without none.example: it has no address');
    expect(facts).toContain('without 104.16.1.1/32 (address of flat.example): guarded, Cloudflare');
    expect(facts).toContain(
      'without 10.0.0.1/32 (address of inner.example): guarded, special-purpose addresses',
    );
  });

  test('keeps the serial of a file with the same addresses, and takes the next one for others', async () => {
    const out = join(directory, 'set.txt');
    const serialOf = () => Number(/Serial: (\d+)/.exec(readFileSync(out, 'utf8'))?.[1]);
    await exported('--for', 'plain', '--output', out);
    const first = serialOf();
    await exported('--for', 'nftables', '--output', out);
    expect(serialOf()).toBe(first);
    await exported('--for', 'plain', '--resolve', '--output', out);
    expect(serialOf()).toBe(first + 1);
  });

  test('leaves out the servers that this configuration asks', async () => {
    const path = join(directory, 'own.yml');
    writeFileSync(path, config('forward: [{ zones: [z.example], upstreams: [45.12.0.53] }]\n'));
    const { text, facts } = await exported('--for', 'plain', '--config', path);
    expect(prefixesIn(text)).not.toContain('45.12.0.0/24');
    expect(prefixesIn(text)).toContain('45.12.0.52/32');
    expect(prefixesIn(text).some((prefix) => prefix.startsWith('45.12.0.53'))).toBe(false);
    expect(facts).toContain(
      'without 45.12.0.53/32 (own line 14): guarded, a server that this configuration asks',
    );
  });

  test.each([
    [['--for', 'iptables'], 2],
    [['--for', 'plain', '--format', 'rpz'], 2],
    [['--resolve', '--format', 'rpz'], 2],
    [['--for', 'plain', '--list', 'gone'], 1],
  ])('refuses %j', async (args, code) => {
    expect((await exported(...args)).code).toBe(code);
  });
});

test('the admin listener serves what is in force to firewalls that poll', async () => {
  const cordon: Cordon = await startCordon({ config: config(), files: { 'own.yaml': LIST } });
  try {
    const get = async (headers: Record<string, string> = {}) => {
      const response = await fetch(`http://127.0.0.1:${cordon.admin.port}/addresses/plain`, { headers });
      return {
        status: response.status,
        etag: response.headers.get('etag') ?? '',
        modified: response.headers.get('last-modified') ?? '',
        body: await response.text(),
      };
    };
    const first = await get();
    expect([first.status, prefixesIn(first.body)]).toEqual([200, ['45.12.0.0/24', '151.100.0.0/16']]);
    expect((await get({ 'if-none-match': first.etag })).status).toBe(304);
    // A reload that changes nothing about addresses changes nothing for firewalls.
    await reload(cordon, { 'cordon.yaml': config('block: { ttl: 31s }\n') });
    expect((await get({ 'if-none-match': first.etag, 'if-modified-since': first.modified })).status).toBe(
      304,
    );
    expect((await get()).body).toBe(first.body);
    await reload(cordon, { 'own.yaml': LIST.replace('45.12.0.0/24', '45.12.1.0/24') });
    const second = await get({ 'if-none-match': first.etag });
    expect([second.status, prefixesIn(second.body)]).toEqual([200, ['45.12.1.0/24', '151.100.0.0/16']]);
  } finally {
    await cordon.kill();
  }
});

test('nothing of a file that no reload took is given to a firewall or exported', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const key = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64');
  const forged = LIST.replace('45.12.0.0/24', '45.12.9.9/32');
  const cordon: Cordon = await startCordon({
    config: config().replace('format: cordon', `format: cordon, public-key: "${key}"`),
    files: {
      'own.yaml': LIST,
      'own.yaml.sig': sign(null, Buffer.from(LIST), privateKey).toString('base64'),
    },
  });
  try {
    const get = async (form: string): Promise<[number, string]> => {
      const response = await fetch(`http://127.0.0.1:${cordon.admin.port}/addresses/${form}`);
      return [response.status, await response.text()];
    };
    const own = join(cordon.directory, 'own.yaml');
    const path = join(cordon.directory, 'cordon.yaml');
    const place = (text: string, signature: string): void => {
      writeFileSync(own, text);
      writeFileSync(`${own}.sig`, signature);
    };
    const signed = (text: string): string => sign(null, Buffer.from(text), privateKey).toString('base64');
    // A forger's, and the publisher's next one, which no reload took.
    for (const [text, signature] of [
      [forged, signed(LIST)],
      [forged, signed(forged)],
    ] as const) {
      place(text, signature);
      expect(await get('plain')).toEqual([409, expect.not.stringContaining('45.12.9.9') as string]);
    }
    place(forged, signed(LIST));
    for (const how of [
      ['--for', 'plain'],
      ['--format', 'domains'],
    ]) {
      const { code, stderr } = await runCommandHere(['lists', 'export', ...how, '--config', path]);
      expect([code, stderr]).toEqual([1, expect.stringContaining('ERR_LIST_SIGNATURE') as string]);
    }
    place(LIST, signed(LIST));
    const [status, text] = await get('plain');
    expect([status, prefixesIn(text)]).toEqual([200, ['45.12.0.0/24', '151.100.0.0/16']]);
    // Once it was read, every form is of what is in force.
    place(forged, signed(LIST));
    expect(await get('edl')).toEqual([200, expect.stringContaining('45.12.0.0/24') as string]);
  } finally {
    await cordon.kill();
  }
});

/** Takes connections on every address, and asks for one that is answered. */
const SERVER =
  'import socket\ns = socket.create_server(("0.0.0.0", 7777))\nwhile True: s.accept()[0].close()';
const CONNECT = (address: string): string =>
  `for try in 1 2 3 4 5 6 7 8; do python3 -c "import socket; socket.create_connection((\\"${address}\\", 7777), 1)" 2>/dev/null && echo yes && exit 0; test "$ONCE" && break; sleep 0.2; done; echo no`;

/** Two networks with a link: a client, and a server that has listed and other addresses. Needs root. */
const inNamespaces = (use: (inClient: (command: string) => string) => void): void => {
  const name = `cordon-${process.pid}`;
  const sh = (command: string): string =>
    execFileSync('sh', ['-ec', command], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const inClient = (command: string): string => sh(`ip netns exec ${name}c sh -c '${command}'`);
  try {
    sh(`ip netns add ${name}c; ip netns add ${name}s; ip link add ${'vc'} netns ${name}c type veth peer name vs netns ${name}s
      ip -n ${name}c addr add 198.18.0.1/24 dev vc; ip -n ${name}s addr add 198.18.0.2/24 dev vs
      for address in 45.12.0.9 45.12.9.9 151.101.1.1 151.100.1.1; do ip -n ${name}s addr add $address/32 dev vs; done
      for end in "${name}c vc" "${name}s vs"; do set -- $end; ip -n $1 link set lo up; ip -n $1 link set $2 up; done
      ip -n ${name}c route add default via 198.18.0.2`);
    const server = spawn('ip', ['netns', 'exec', `${name}s`, 'python3', '-c', SERVER], { stdio: 'ignore' });
    try {
      use(inClient);
    } finally {
      server.kill('SIGKILL');
    }
  } finally {
    for (const end of ['c', 's']) {
      try {
        sh(`ip netns del ${name}${end}`);
      } catch {
        // It was never made.
      }
    }
  }
};

const mayUseNamespaces = (): boolean => {
  try {
    inNamespaces(() => {});
    return true;
  } catch {
    return false;
  }
};

test('a listed address is stopped by the loaded set, and no guarded one', {
  tags: 'night',
}, async (context) => {
  requireProgram(context, 'nft');
  requireProgram(context, 'ip');
  requireProgram(context, 'python3');
  if (!mayUseNamespaces()) {
    context.skip('network namespaces are not permitted here: run it as root');
    return;
  }
  const file = join(directory, 'set.nft');
  await exported('--for', 'nftables', '--output', file);
  inNamespaces((inClient) => {
    const reaches = (address: string, once = ''): boolean =>
      inClient(`${once} ${CONNECT(address)}`).trim() === 'yes';
    const all = (once = 'ONCE=1;') =>
      Object.fromEntries(
        ['45.12.0.9', '151.100.1.1', '45.12.9.9', '151.101.1.1'].map((address) => [
          address,
          reaches(address, once),
        ]),
      );
    expect(all('')).toEqual({
      '45.12.0.9': true,
      '151.100.1.1': true,
      '45.12.9.9': true,
      '151.101.1.1': true,
    });
    inClient(`nft -f ${file}`);
    // 151.101.0.0/16 lies in a listed prefix, and is Fastly's.
    expect(all()).toEqual({
      '45.12.0.9': false,
      '151.100.1.1': false,
      '45.12.9.9': true,
      '151.101.1.1': true,
    });
    // Loaded once more, it is replaced as a whole.
    inClient(`nft -f ${file}`);
    expect(reaches('45.12.0.9', 'ONCE=1;')).toBe(false);
  });
});
