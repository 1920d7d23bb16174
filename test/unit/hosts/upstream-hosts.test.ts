// The hosts of upstreams over time: a clock that the test moves, a bootstrap server that it scripts, a real directory.
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Endpoint } from '../../../src/base/base.ts';
import { lookUpAddresses, UpstreamHosts } from '../../../src/resolver/hosts/upstream-hosts.ts';
import { createLog } from '../../../src/telemetry/observe/observe.ts';
import { FLAG, RCODE, TYPE } from '../../../src/wire/dns/dns.ts';
import {
  answer,
  answerCode,
  type ScriptedHandler,
  type ScriptedQuery,
  type ScriptedReply,
  ScriptedUpstream,
} from '../../support/scripted-upstream.ts';
import { createDirectory } from '../app/setup.ts';

const HOST = 'dns.example.net';
const FILE = 'upstream-hosts.json';
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

let bootstrap: ScriptedUpstream;
let directory: string;
let nowMs: number;
let changes: number;
let logged: Record<string, unknown>[];
const opened: UpstreamHosts[] = [];

beforeEach(async () => {
  bootstrap = await ScriptedUpstream.open();
  directory = createDirectory();
  nowMs = Date.UTC(2026, 10, 24);
  changes = 0;
  logged = [];
});

afterEach(async () => {
  for (const hosts of opened.splice(0)) await hosts.close();
  await bootstrap.close();
});

const open = async (
  names: readonly string[] = [HOST],
  servers: readonly Endpoint[] = [bootstrap.endpoint],
): Promise<UpstreamHosts> => {
  const hosts = await UpstreamHosts.open({
    directory,
    clock: () => nowMs,
    log: createLog({ level: 'info', to: { write: (line) => void logged.push(JSON.parse(line) as never) } }),
    onChange: () => {
      changes++;
    },
  });
  opened.push(hosts);
  hosts.follow(names, servers);
  return hosts;
};

/** Answers with these addresses, each family by itself. */
const addresses =
  (texts: readonly string[], ttlSec = 3600): ScriptedHandler =>
  (query) =>
    answer(
      query,
      texts
        .filter((text) => text.includes(':') === (query.type === TYPE.AAAA))
        .map((text) => `${query.name} ${ttlSec} IN ${query.type === TYPE.AAAA ? 'AAAA' : 'A'} ${text}`),
    );

const refuse: ScriptedHandler = (query) => answerCode(query, RCODE.REFUSED);

/** Minutes at which a host was looked up, looking once a second. */
const live = async (hosts: UpstreamHosts, forMs: number, stepMs = 1000): Promise<number[]> => {
  const minutes: number[] = [];
  const startMs = nowMs;
  for (const endMs = nowMs + forMs; nowMs < endMs; nowMs += stepMs) {
    const before = bootstrap.count();
    await hosts.lookUpDue();
    if (bootstrap.count() > before) minutes.push((nowMs - startMs) / MINUTE_MS);
  }
  return minutes;
};

/** A port on which nobody listens. */
const deadEndpoint = async (): Promise<Endpoint> => {
  const dead = await ScriptedUpstream.open();
  await dead.close();
  return dead.endpoint;
};

const savedText = (): string => readFileSync(join(directory, FILE), 'utf8');

describe('a look-up', () => {
  test('finds the addresses of both families in the order of the answers, and tells once', async () => {
    bootstrap.onQuery(addresses(['192.0.2.9', '2001:db8::9', '192.0.2.1', '2001:DB8:0::1']));
    const hosts = await open();
    expect(hosts.addressesOf(HOST)).toEqual([]);
    await hosts.lookUpDue();
    expect(hosts.addressesOf('DNS.example.NET.')).toEqual([
      '192.0.2.9',
      '192.0.2.1',
      '2001:db8::9',
      '2001:db8::1',
    ]);
    expect(changes).toBe(1);
    expect(bootstrap.queries.map(({ type }) => type).sort()).toEqual([TYPE.A, TYPE.AAAA]);
    expect(hosts.facts()).toMatchObject([{ name: HOST, lastSuccessMs: nowMs, failures: 0 }]);
    expect(logged).toMatchObject([{ level: 'info', host: HOST, before: [] }]);
  });

  test('follows aliases, whose TTLs count too', async () => {
    bootstrap.onQuery((query) =>
      query.type === TYPE.A
        ? answer(query, [`${query.name} 600 IN CNAME a.example.`, 'a.example. 7200 IN A 192.0.2.1'])
        : answer(query),
    );
    const hosts = await open();
    expect(await live(hosts, 25 * MINUTE_MS, 10_000)).toEqual([0, 10, 20]);
    expect(hosts.addressesOf(HOST)).toEqual(['192.0.2.1']);
  });

  test('over TCP when the answer did not fit', async () => {
    bootstrap.onQuery((query) =>
      query.transport === 'udp'
        ? answerCode(query, RCODE.NOERROR, FLAG.TC)
        : addresses(['192.0.2.1', '2001:db8::1'])(query),
    );
    const hosts = await open();
    await hosts.lookUpDue();
    expect(hosts.addressesOf(HOST)).toEqual(['192.0.2.1', '2001:db8::1']);
  });

  test.each<[string, ScriptedHandler]>([
    ['refuses', refuse],
    ['fails', (query) => answerCode(query, RCODE.SERVFAIL)],
    [
      'answers with what is no message',
      (query) => answer(query, [`${query.name} 60 IN A 192.0.2.1`]).subarray(0, -2),
    ],
  ])('asks the next server when one %s', async (_name, handler) => {
    const other = await ScriptedUpstream.open(handler);
    bootstrap.onQuery(addresses(['192.0.2.1']));
    const hosts = await open([HOST], [await deadEndpoint(), other.endpoint, bootstrap.endpoint]);
    await hosts.lookUpDue();
    expect(hosts.addressesOf(HOST)).toEqual(['192.0.2.1']);
    expect(other.count()).toBe(2);
    await other.close();
  });

  test('asks no other server when the first one answers', async () => {
    const other = await ScriptedUpstream.open(addresses(['192.0.2.2']));
    bootstrap.onQuery(addresses(['192.0.2.1']));
    const hosts = await open([HOST], [bootstrap.endpoint, other.endpoint]);
    await hosts.lookUpDue();
    expect(hosts.addressesOf(HOST)).toEqual(['192.0.2.1']);
    expect(other.count()).toBe(0);
    await other.close();
  });

  test.each<[string, number, number, string[]]>([
    ['IPv4 only', 12, 0, ['4', '4', '4', '4', '4', '4', '4', '4']],
    ['IPv6 only', 0, 12, ['6', '6', '6', '6', '6', '6', '6', '6']],
    ['both', 12, 12, ['4', '4', '4', '4', '6', '6', '6', '6']],
    ['little IPv6', 12, 1, ['4', '4', '4', '4', '4', '4', '4', '6']],
    ['little IPv4', 2, 12, ['4', '4', '6', '6', '6', '6', '6', '6']],
  ])('keeps eight addresses of a host: %s', async (_name, ipv4, ipv6, families) => {
    const texts = [
      ...Array.from({ length: ipv4 }, (_value, index) => `192.0.2.${index + 1}`),
      ...Array.from({ length: ipv6 }, (_value, index) => `2001:db8::${index + 1}`),
    ];
    bootstrap.onQuery(addresses(texts));
    const hosts = await open();
    await hosts.lookUpDue();
    const found = hosts.addressesOf(HOST);
    expect(found.map((address) => (address.includes(':') ? '6' : '4'))).toEqual(families);
    expect(texts.filter((text) => found.includes(text))).toEqual(found);
  });

  test('does not take the unspecified address for one', async () => {
    bootstrap.onQuery(addresses(['0.0.0.0', '192.0.2.1', '::']));
    const hosts = await open();
    await hosts.lookUpDue();
    expect(hosts.addressesOf(HOST)).toEqual(['192.0.2.1']);
  });

  test('of many hosts tells once', async () => {
    bootstrap.onQuery(addresses(['192.0.2.1']));
    const names = Array.from({ length: 20 }, (_value, index) => `host-${index}.example`);
    const hosts = await open(names);
    await hosts.lookUpDue();
    expect(names.flatMap((name) => hosts.addressesOf(name))).toHaveLength(20);
    expect(changes).toBe(1);
  });
});

describe('time', () => {
  test.each([
    [1, [0, 5, 10]],
    [300, [0, 5, 10]],
    [420, [0, 7, 14]],
  ])('with a TTL of %i s a host is looked up at these minutes: %j', async (ttlSec, minutes) => {
    bootstrap.onQuery(addresses(['192.0.2.1'], ttlSec));
    expect(await live(await open(), 15 * MINUTE_MS, 10_000)).toEqual(minutes);
    expect(changes).toBe(1);
  });

  test('a day later at the latest', async () => {
    bootstrap.onQuery(addresses(['192.0.2.1'], 604_800));
    expect(await live(await open(), 2 * DAY_MS + 1, 60 * MINUTE_MS)).toEqual([0, 1440, 2880]);
  });

  test('a clock that is set back by years is noticed', async () => {
    bootstrap.onQuery(addresses(['192.0.2.1']));
    const hosts = await open();
    await hosts.lookUpDue();
    nowMs = 0;
    await hosts.lookUpDue();
    expect(bootstrap.count()).toBe(4);
  });

  test('start() looks up without being asked, until close()', async () => {
    bootstrap.onQuery(addresses(['192.0.2.1']));
    const hosts = await open();
    hosts.start();
    await vi.waitFor(() => expect(hosts.addressesOf(HOST)).toEqual(['192.0.2.1']), 20_000);
    await hosts.close();
    nowMs += DAY_MS;
    await hosts.lookUpDue();
    expect(changes).toBe(1);
    expect(bootstrap.count()).toBe(2);
  });

  test('what is under way at close() changes nothing', async () => {
    bootstrap.onQuery((query) => {
      const messages = toMessages(addresses(['192.0.2.1'])(query));
      return query.name.startsWith('slow') ? { delayMs: 1_000, messages } : messages;
    });
    const hosts = await open([HOST, 'slow.example']);
    const looking = hosts.lookUpDue();
    await vi.waitFor(() => expect(hosts.addressesOf(HOST)).toHaveLength(1), { timeout: 90_000, interval: 5 });
    await hosts.close();
    await looking;
    expect(hosts.addressesOf('slow.example')).toEqual([]);
    expect(changes).toBe(0);
    expect(readdirSync(directory)).toEqual([]);
  });
});

const toMessages = (reply: ScriptedReply): Uint8Array => {
  if (!(reply instanceof Uint8Array)) throw new TypeError('one message is expected');
  return reply;
};

describe('a change', () => {
  test('is not that answers turn around', async () => {
    const texts = ['192.0.2.1', '192.0.2.2', '2001:db8::1', '2001:db8::2'];
    bootstrap.onQuery(addresses(texts));
    const hosts = await open();
    await hosts.lookUpDue();
    bootstrap.onQuery(addresses(texts.toReversed()));
    nowMs += DAY_MS;
    await hosts.lookUpDue();
    expect(bootstrap.count()).toBe(4);
    expect(changes).toBe(1);
    expect(hosts.addressesOf(HOST)).toEqual(texts);
  });

  test('is not that others of more than eight come first', async () => {
    const texts = Array.from({ length: 12 }, (_value, index) => `192.0.2.${index + 1}`);
    bootstrap.onQuery(addresses(texts));
    const hosts = await open();
    await hosts.lookUpDue();
    bootstrap.onQuery(addresses(texts.toReversed()));
    nowMs += DAY_MS;
    await hosts.lookUpDue();
    expect(changes).toBe(1);
    expect(hosts.addressesOf(HOST)).toEqual(texts.slice(0, 8));
  });

  test('is an address that is gone and one that is new', async () => {
    bootstrap.onQuery(addresses(['192.0.2.1', '192.0.2.2', '2001:db8::1']));
    const hosts = await open();
    await hosts.lookUpDue();
    bootstrap.onQuery(addresses(['192.0.2.3', '192.0.2.2']));
    nowMs += DAY_MS;
    await hosts.lookUpDue();
    expect(changes).toBe(2);
    expect(hosts.addressesOf(HOST)).toEqual(['192.0.2.2', '192.0.2.3']);
    expect(logged.at(-1)).toMatchObject({
      addresses: ['192.0.2.2', '192.0.2.3'],
      before: ['192.0.2.1', '192.0.2.2', '2001:db8::1'],
    });
  });

  test('of the configuration forgets hosts and looks up others', async () => {
    bootstrap.onQuery(addresses(['192.0.2.1']));
    const hosts = await open();
    await hosts.lookUpDue();
    hosts.follow(['other.example'], [bootstrap.endpoint]);
    await hosts.lookUpDue();
    expect(hosts.addressesOf(HOST)).toEqual([]);
    expect(hosts.addressesOf('other.example')).toEqual(['192.0.2.1']);
    expect(savedText()).not.toContain(HOST);
    expect(bootstrap.count(`${HOST}.`)).toBe(2);
  });
});

describe('a failure', () => {
  const TEXTS = ['192.0.2.1', '2001:db8::1'];

  test.each<[string, ScriptedHandler]>([
    ['REFUSED', refuse],
    ['NXDOMAIN', (query) => answerCode(query, RCODE.NXDOMAIN)],
    ['no address', (query) => answer(query)],
    ['only the unspecified address', addresses(['0.0.0.0', '::'])],
  ])('keeps what is known: %s', async (_name, handler) => {
    bootstrap.onQuery(addresses(TEXTS));
    const hosts = await open();
    await hosts.lookUpDue();
    bootstrap.onQuery(handler);
    nowMs += DAY_MS;
    await hosts.lookUpDue();
    expect(hosts.addressesOf(HOST)).toEqual(TEXTS);
    expect(changes).toBe(1);
    expect(hosts.facts()).toMatchObject([{ failures: 1, lastSuccessMs: nowMs - DAY_MS }]);
    expect(logged.at(-1)).toMatchObject({ level: 'warn', host: HOST, addresses: TEXTS, failures: 1 });
    expect(logged.at(-1)).toHaveProperty('err.code', 'ERR_APP_LOOKUP');
  });

  test('of one family keeps the addresses of that family', async () => {
    bootstrap.onQuery(addresses(TEXTS));
    const hosts = await open();
    await hosts.lookUpDue();
    const onlyIpv4 = (query: ScriptedQuery): ScriptedReply =>
      query.type === TYPE.A ? addresses(['192.0.2.2'])(query) : answerCode(query, RCODE.SERVFAIL);
    bootstrap.onQuery(onlyIpv4);
    nowMs += DAY_MS;
    await hosts.lookUpDue();
    expect(hosts.addressesOf(HOST)).toEqual(['192.0.2.2', '2001:db8::1']);
    // An answer without addresses is another thing.
    bootstrap.onQuery(addresses(['192.0.2.2']));
    nowMs += DAY_MS;
    await hosts.lookUpDue();
    expect(hosts.addressesOf(HOST)).toEqual(['192.0.2.2']);
  });

  test('is followed by ever later tries, up to five minutes, and then by ordinary ones', async () => {
    bootstrap.onQuery(refuse);
    const hosts = await open();
    const minutes = await live(hosts, 20 * MINUTE_MS);
    const pauses = minutes.slice(1).map((minute, index) => Math.round((minute - (minutes[index] ?? 0)) * 60));
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    expect(logged[0]).toMatchObject({ level: 'error', host: HOST, addresses: [] });
    bootstrap.onQuery(addresses(TEXTS, 600));
    const later = await live(hosts, 30 * MINUTE_MS);
    expect((later[1] ?? 0) - (later[0] ?? 0)).toBeCloseTo(10);
    expect(hosts.facts()).toMatchObject([{ failures: 0, addresses: TEXTS }]);
  });

  test('is tried again at once when the servers are others', async () => {
    bootstrap.onQuery(addresses(TEXTS));
    const hosts = await open([HOST], [await deadEndpoint()]);
    await hosts.lookUpDue();
    await hosts.lookUpDue();
    expect(hosts.facts()).toMatchObject([{ failures: 1 }]);
    hosts.follow([HOST], [bootstrap.endpoint]);
    await hosts.lookUpDue();
    expect(hosts.addressesOf(HOST)).toEqual(TEXTS);
  });

  test('of a host leaves the others alone', async () => {
    bootstrap.onQuery((query) => (query.name.startsWith('dns') ? refuse(query) : addresses(TEXTS)(query)));
    const hosts = await open([HOST, 'other.example']);
    await hosts.lookUpDue();
    expect(hosts.addressesOf('other.example')).toEqual(TEXTS);
    expect(hosts.addressesOf(HOST)).toEqual([]);
  });
});

describe('a restart', () => {
  test('with a bootstrap server that is gone has the addresses of before', async () => {
    bootstrap.onQuery(addresses(['192.0.2.1', '2001:db8::1']));
    const first = await open();
    await first.lookUpDue();
    await first.close();
    expect(statSync(join(directory, FILE)).mode & 0o777).toBe(0o640);
    expect(readdirSync(directory)).toEqual([FILE]);
    const second = await open([HOST], [await deadEndpoint()]);
    expect(second.addressesOf(HOST)).toEqual(['192.0.2.1', '2001:db8::1']);
    await second.lookUpDue();
    expect(second.addressesOf(HOST)).toEqual(['192.0.2.1', '2001:db8::1']);
    expect(logged.at(-1)).toMatchObject({ level: 'warn', err: { code: 'ERR_COMPLIANCE_ASK' } });
  });

  test('looks the host up all the same', async () => {
    bootstrap.onQuery(addresses(['192.0.2.1']));
    await (await open()).lookUpDue();
    const second = await open();
    bootstrap.onQuery(addresses(['192.0.2.2']));
    await second.lookUpDue();
    expect(second.addressesOf(HOST)).toEqual(['192.0.2.2']);
    expect(changes).toBe(2);
  });

  test.each([
    ['cut off', '{ "version": 1, "hosts": [ {'],
    ['of another version', '{ "version": 2, "hosts": [] }'],
    ['of another form', '[1, 2, 3]'],
    ['too large', `{ "version": 1, "hosts": [${' '.repeat(1024 * 1024)}] }`],
  ])('does not use a file that is %s, and replaces it', async (_name, text) => {
    writeFileSync(join(directory, FILE), text);
    bootstrap.onQuery(addresses(['192.0.2.1']));
    const hosts = await open();
    expect(hosts.addressesOf(HOST)).toEqual([]);
    expect(logged).toMatchObject([{ level: 'warn', err: { code: 'ERR_APP_HOSTS' } }]);
    await hosts.lookUpDue();
    expect(JSON.parse(savedText())).toEqual({
      version: 1,
      hosts: [{ name: HOST, addresses: ['192.0.2.1'] }],
    });
  });

  test('takes from the file what are addresses, and eight of them', async () => {
    const texts = Array.from({ length: 9 }, (_value, index) => `192.0.2.${index + 1}`);
    const hostTexts = ['nonsense', '0.0.0.0', ...texts];
    writeFileSync(
      join(directory, FILE),
      JSON.stringify({ version: 1, hosts: [{ name: HOST, addresses: hostTexts }] }),
    );
    expect((await open()).addressesOf(HOST)).toEqual(texts.slice(0, 8));
  });

  test('a file that cannot be read or written costs the memory only', async () => {
    mkdirSync(join(directory, FILE, 'occupied'), { recursive: true });
    bootstrap.onQuery(addresses(['192.0.2.1']));
    const hosts = await open();
    await hosts.lookUpDue();
    expect(hosts.addressesOf(HOST)).toEqual(['192.0.2.1']);
    expect(changes).toBe(1);
    expect(logged.map(({ err }) => (err as { code?: string } | undefined)?.code)).toEqual([
      'ERR_APP_HOSTS',
      undefined,
      'ERR_APP_HOSTS',
    ]);
    expect(readdirSync(directory)).toEqual([FILE]);
  });
});

describe('lookUpAddresses()', () => {
  test('throws what the last server said', async () => {
    bootstrap.onQuery(refuse);
    const { signal } = new AbortController();
    await expect(lookUpAddresses(HOST, 4, [bootstrap.endpoint], signal)).rejects.toMatchObject({
      code: 'ERR_APP_LOOKUP',
      message: `looking up ${HOST}: REFUSED`,
    });
    await expect(lookUpAddresses(HOST, 4, [], signal)).rejects.toThrow(/no server to ask/);
  });

  test('asks nobody once its signal says so', async () => {
    const aborted = AbortSignal.abort(new Error('enough'));
    await expect(lookUpAddresses(HOST, 4, [bootstrap.endpoint], aborted)).rejects.toThrow('enough');
    expect(bootstrap.count()).toBe(0);
  });
});
