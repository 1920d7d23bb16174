// Hosts of lists: looked up at the upstreams, and foreign names do not lead into the network.
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fetchSource, type ResolveHost } from '../../../src/policy/lists/lists.ts';
import { createPublicLookup } from '../../../src/resolver/hosts/hosts.ts';
import { buildRoutes, type State } from '../../../src/resolver/workers/workers.ts';
import { AnswerBook } from '../../support/answer-book.ts';
import { ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { configOf } from '../config/support.ts';

let upstream: ScriptedUpstream;
let book: AnswerBook;

beforeEach(async () => {
  book = new AnswerBook();
  upstream = await ScriptedUpstream.open(book.handler);
});

afterEach(() => upstream.close());

const lookupWith = (more: string) => {
  const config = configOf(`upstreams: ["127.0.0.1:${upstream.endpoint.port}"]\n${more}`);
  const { routes } = buildRoutes(
    config,
    () => [],
    () => [],
  );
  return createPublicLookup(() => ({ config, routes }) as unknown as State);
};

const lookUp = async (host: string, more = ''): Promise<string> => {
  try {
    const found = await lookupWith(more)(host, AbortSignal.timeout(10_000));
    return found.map(({ address }) => address).join(' ');
  } catch (thrown) {
    return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : String(thrown);
  }
};

test.each([
  ['A', '192.0.2.1', '192.0.2.1'],
  ['AAAA', '2001:db8::1', '2001:db8::1'],
  ['A', '127.0.0.1', 'ERR_LIST_PRIVATE'],
  ['A', '127.9.9.9', 'ERR_LIST_PRIVATE'],
  ['A', '0.0.0.0', ''],
  ['A', '10.1.2.3', 'ERR_LIST_PRIVATE'],
  ['A', '100.64.0.1', 'ERR_LIST_PRIVATE'],
  ['A', '169.254.169.254', 'ERR_LIST_PRIVATE'],
  ['A', '172.31.0.1', 'ERR_LIST_PRIVATE'],
  ['A', '192.168.1.1', 'ERR_LIST_PRIVATE'],
  ['AAAA', '::1', 'ERR_LIST_PRIVATE'],
  ['AAAA', '::', ''],
  ['AAAA', 'fe80::1', 'ERR_LIST_PRIVATE'],
  ['AAAA', 'fd00::1', 'ERR_LIST_PRIVATE'],
  ['AAAA', '::ffff:127.0.0.1', 'ERR_LIST_PRIVATE'],
  ['AAAA', '::127.0.0.1', 'ERR_LIST_PRIVATE'],
  ['AAAA', '64:ff9b::7f00:1', 'ERR_LIST_PRIVATE'],
  ['AAAA', '2002:7f00:1::', 'ERR_LIST_PRIVATE'],
  ['A', '198.18.0.1', 'ERR_LIST_PRIVATE'],
  ['A', '192.0.0.8', 'ERR_LIST_PRIVATE'],
  ['A', '224.0.0.1', 'ERR_LIST_PRIVATE'],
  ['A', '240.0.0.1', 'ERR_LIST_PRIVATE'],
  ['A', '255.255.255.255', 'ERR_LIST_PRIVATE'],
  ['AAAA', 'fec0::1', 'ERR_LIST_PRIVATE'],
  ['AAAA', '64:ff9b:1::7f00:1', 'ERR_LIST_PRIVATE'],
  ['AAAA', 'ff02::1', 'ERR_LIST_PRIVATE'],
  ['AAAA', '::ffff:0:127.0.0.1', 'ERR_LIST_PRIVATE'],
  ['AAAA', '2001:0:4136:e378:8000:63bf:80ff:fffe', 'ERR_LIST_PRIVATE'],
  ['AAAA', '64:ff9b::a01:203', 'ERR_LIST_PRIVATE'],
])('a foreign host with %s %s: %s', async (type, address, expected) => {
  book.set(`lists.example. ${type}`, [`lists.example. 60 IN ${type} ${address}`]);
  expect(await lookUp('lists.example')).toBe(expected);
});

test('one private address among others spoils all of them', async () => {
  book.set('lists.example. A', ['lists.example. 60 IN A 192.0.2.1', 'lists.example. 60 IN A 127.0.0.1']);
  expect(await lookUp('lists.example')).toBe('ERR_LIST_PRIVATE');
});

test.each([
  ['rebinding: { allow: [example] }', '10.1.2.3'],
  ['rebinding: { allow: [other.example] }', 'ERR_LIST_PRIVATE'],
  ['rebinding: { allow: [ample] }', 'ERR_LIST_PRIVATE'],
])('a name that may lead into the network: %s', async (more, expected) => {
  book.set('lists.example. A', ['lists.example. 60 IN A 10.1.2.3']);
  expect(await lookUp('LISTS.example', more)).toBe(expected);
});

test('what is connected to is what was looked at: one look-up a request, and another one for each redirect', async () => {
  const server = createServer((request, response) => {
    if (request.url === '/list.txt') response.writeHead(302, { location: '/moved.txt' }).end();
    else response.end('one.example\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  // An attacker's name server: what passed for the first request leads into the network for the next.
  book.set('lists.example. A', ['lists.example. 0 IN A 10.9.9.9']);
  const lookup = lookupWith('');
  const asked: string[] = [];
  const resolve: ResolveHost = async (host, signal) => {
    asked.push(host);
    // No address is both foreign and of this machine: the first look-up is as if it had passed.
    return asked.length === 1 ? [{ address: '127.0.0.1', family: 4 }] : lookup(host, signal);
  };
  const directory = mkdtempSync(join(tmpdir(), 'cordon-list-hosts-'));
  const fetched = fetchSource({
    url: `http://lists.example:${port}/list.txt`,
    directory,
    resolve,
    userAgent: 'x',
  });
  await expect(fetched).rejects.toMatchObject({ code: 'ERR_LIST_PRIVATE' });
  expect(asked).toEqual(['lists.example', 'lists.example']);
  expect(readdirSync(directory)).toEqual([]);
  rmSync(directory, { recursive: true });
  server.close();
});
