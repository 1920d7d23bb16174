// Hosts of lists: looked up at the upstreams, and foreign names do not lead into the network.
import { afterEach, beforeEach, expect, test } from 'vitest';
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
