// Sources of leases that are half written, go away, grow old, or disagree.
import { mkdtempSync, renameSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { formatAddress, packPrefixes, parsePrefix } from '../../../src/base/base.ts';
import { LeaseBook, type LeaseRules } from '../../../src/policy/leases/leases.ts';

const START = Date.parse('2026-11-30T10:00:00Z');
const HOUR_MS = 3_600_000;

let directory = '';
let nowMs = START;
let writtenMs = START;
let server: Server | undefined;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'leases-'));
  nowMs = START;
  writtenMs = START - 60_000;
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
  server?.close();
  server = undefined;
});

const clientsOf = (...texts: string[]): LeaseRules['clients'] =>
  packPrefixes(
    texts.map((text) => {
      const prefix = parsePrefix(text);
      if (typeof prefix === 'string' || prefix === undefined) throw new Error(text);
      return prefix;
    }),
  );

const rulesOf = (form: LeaseRules['form'], name: string, more: Partial<LeaseRules> = {}): LeaseRules => ({
  ...{ form, path: join(directory, name), clients: clientsOf('192.0.2.0/24'), device: 'mac', ...more },
});

const bookOf = (...rules: LeaseRules[]): LeaseBook =>
  new LeaseBook(rules, 100, { clock: () => nowMs, monotonic: () => nowMs });

/** Each write is a second later than the one before. */
const write = (name: string, text: string): void => {
  const path = join(directory, name);
  writeFileSync(path, text);
  writtenMs += 1_000;
  utimesSync(path, writtenMs / 1000, writtenMs / 1000);
};

const lookAt = async (book: LeaseBook): Promise<string[]> => {
  nowMs += 2_000;
  await book.look();
  return book.current().map(({ address, device }) => `${formatAddress(address)} ${device}`);
};

const dnsmasq = (address: string, mac: string, endMs = START + HOUR_MS): string =>
  `${Math.floor(endMs / 1000)} 02:00:5e:10:00:${mac} ${address} pc-${mac} *\n`;

test('an address that changes hands is of who has it now, and of nobody once its lease ended', async () => {
  write('leases', dnsmasq('192.0.2.7', '01'));
  const book = bookOf(rulesOf('dnsmasq', 'leases'));
  expect(await lookAt(book)).toEqual(['192.0.2.7 mac:02:00:5e:10:00:01']);
  write('leases', dnsmasq('192.0.2.7', '02'));
  expect(await lookAt(book)).toEqual(['192.0.2.7 mac:02:00:5e:10:00:02']);
  nowMs += HOUR_MS;
  expect(await lookAt(book)).toEqual([]);
});

test('nobody is believed beyond his networks, and two who disagree name nobody', async () => {
  write('a', dnsmasq('192.0.2.7', '01') + dnsmasq('198.51.100.7', '01') + dnsmasq('192.0.2.8', '01'));
  write('b', dnsmasq('192.0.2.8', '02') + dnsmasq('192.0.2.7', '01'));
  const book = bookOf(rulesOf('dnsmasq', 'a'), rulesOf('dnsmasq', 'b'));
  expect(await lookAt(book)).toEqual(['192.0.2.7 mac:02:00:5e:10:00:01']);
});

test('one device may have several addresses, and may be called by its host', async () => {
  write('leases', dnsmasq('192.0.2.7', '01') + dnsmasq('192.0.2.9', '01'));
  const book = bookOf(rulesOf('dnsmasq', 'leases', { device: 'host' }));
  expect(await lookAt(book)).toEqual(['192.0.2.7 host:pc-01', '192.0.2.9 host:pc-01']);
});

test('a file that is gone is told of, and what was read goes on until its leases end', async () => {
  write('leases', dnsmasq('192.0.2.7', '01'));
  const book = bookOf(rulesOf('dnsmasq', 'leases'));
  await lookAt(book);
  expect(book.troubles()).toEqual([]);
  renameSync(join(directory, 'leases'), join(directory, 'away'));
  expect(await lookAt(book)).toHaveLength(1);
  expect(book.troubles()).toEqual([
    { source: expect.stringMatching(/^dnsmasq:.*leases$/), text: expect.stringContaining('ENOENT') },
  ]);
  nowMs += HOUR_MS;
  expect(await lookAt(book)).toEqual([]);
  renameSync(join(directory, 'away'), join(directory, 'leases'));
  await lookAt(book);
  expect(book.troubles()).toEqual([]);
});

test('a file that nobody writes any more is believed until it is too old, and told of then', async () => {
  write('leases', '{"address":"192.0.2.7","mac":"02:00:5e:10:00:01"}\n');
  const book = bookOf(rulesOf('plain', 'leases', { maxAgeMs: 600_000 }));
  expect(await lookAt(book)).toEqual(['192.0.2.7 mac:02:00:5e:10:00:01']);
  nowMs = writtenMs + 600_000 - 4_000;
  expect(await lookAt(book)).toHaveLength(1);
  expect(book.troubles()).toEqual([]);
  expect(await lookAt(book)).toEqual([]);
  expect(book.troubles()).toEqual([
    { source: expect.stringMatching(/^plain:/), text: expect.stringContaining('older than max-age') },
  ]);
  // Gone as well: both are one trouble, and what was read does not come back.
  renameSync(join(directory, 'leases'), join(directory, 'away'));
  expect(await lookAt(book)).toEqual([]);
  expect(book.troubles()).toHaveLength(1);
  writtenMs = nowMs;
  write('leases', '{"address":"192.0.2.7","mac":"02:00:5e:10:00:02"}\n');
  expect(await lookAt(book)).toEqual(['192.0.2.7 mac:02:00:5e:10:00:02']);
  expect(book.troubles()).toEqual([]);
});

test('a file that is older than before is not believed until it is touched', async () => {
  write('leases', dnsmasq('192.0.2.7', '01'));
  const book = bookOf(rulesOf('dnsmasq', 'leases'));
  await lookAt(book);
  writtenMs -= 20_000;
  write('leases', dnsmasq('192.0.2.7', '02'));
  expect(await lookAt(book)).toEqual(['192.0.2.7 mac:02:00:5e:10:00:01']);
  expect(book.troubles()[0]?.text).toContain('older than what was read before');
  writtenMs += 30_000;
  write('leases', dnsmasq('192.0.2.7', '02'));
  expect(await lookAt(book)).toEqual(['192.0.2.7 mac:02:00:5e:10:00:02']);
  expect(book.troubles()).toEqual([]);
});

const KEA = 'address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state\n';
const kea = (address: string, mac: string): string =>
  `${address},02:00:5e:10:00:${mac},,3600,${Math.floor((START + HOUR_MS) / 1000)},1,0,0,,0\n`;

test('half of a line is not there yet; a line that is none is told of, and the others count', async () => {
  write('kea', `${KEA}${kea('192.0.2.7', '01')}192.0.2.8,02:00:5e:10`);
  const book = bookOf(rulesOf('kea', 'kea'));
  expect(await lookAt(book)).toEqual(['192.0.2.7 mac:02:00:5e:10:00:01']);
  expect(book.troubles()).toEqual([]);
  write('kea', `${KEA}${kea('192.0.2.7', '01')}nonsense\n${kea('192.0.2.8', '02')}`);
  expect(await lookAt(book)).toHaveLength(2);
  expect(book.troubles()[0]?.text).toBe('1 lines are none, the first: line 3: 1 columns of 10');
});

test('a file without a line that is one is told of for as long as it is there, and replaces nothing', async () => {
  write('kea', `${KEA}${kea('192.0.2.7', '01')}`);
  renameSync(join(directory, 'kea'), join(directory, 'good'));
  write('kea', dnsmasq('192.0.2.7', '02'));
  const book = bookOf(rulesOf('kea', 'kea'));
  const told = [
    expect.stringContaining('1 lines are none, the first: line 1: no line with the names') as string,
  ];
  for (let look = 0; look < 3; look++) {
    expect(await lookAt(book)).toEqual([]);
    expect(book.troubles().map(({ text }) => text)).toEqual(told);
  }
  // What was there before it comes back, and is no older than anything that was read.
  renameSync(join(directory, 'kea'), join(directory, 'bad'));
  renameSync(join(directory, 'good'), join(directory, 'kea'));
  expect(await lookAt(book)).toEqual(['192.0.2.7 mac:02:00:5e:10:00:01']);
  expect(book.troubles()).toEqual([]);
  renameSync(join(directory, 'bad'), join(directory, 'kea'));
  for (let look = 0; look < 3; look++) {
    expect(await lookAt(book)).toHaveLength(1);
    expect(book.troubles().map(({ text }) => text)).toEqual(told);
  }
});

test('an empty file of a program that appends is told of, and empties nothing', async () => {
  write('kea', `${KEA}${kea('192.0.2.7', '01')}`);
  const book = bookOf(rulesOf('kea', 'kea'));
  await lookAt(book);
  truncateSync(join(directory, 'kea'));
  write('kea', '');
  expect(await lookAt(book)).toHaveLength(1);
  expect(book.troubles()[0]?.text).toBe('nothing is in it any more');
});

test('while Kea tidies up, its leases are in several files', async () => {
  write('kea.2', `${KEA}${kea('192.0.2.7', '01')}`);
  write('kea.1', `${KEA}${kea('192.0.2.8', '02')}`);
  write('kea', `${KEA}${kea('192.0.2.7', '03')}`);
  const book = bookOf(rulesOf('kea', 'kea'));
  expect((await lookAt(book)).sort()).toEqual([
    '192.0.2.7 mac:02:00:5e:10:00:03',
    '192.0.2.8 mac:02:00:5e:10:00:02',
  ]);
});

test('a file that is too large, or none, is not read', async () => {
  write('leases', '');
  truncateSync(join(directory, 'leases'), (32 << 20) + 1);
  const book = bookOf(rulesOf('plain', 'leases'), rulesOf('plain', '.'));
  expect(await lookAt(book)).toEqual([]);
  expect(book.troubles().map(({ text }) => text)).toEqual([
    'it has 33554433 bytes, more than 33554432',
    expect.stringMatching(/EISDIR|no regular file/),
  ]);
});

test('more addresses than a table has are told of', async () => {
  write('leases', Array.from({ length: 103 }, (_, at) => dnsmasq(`192.0.2.${at}`, '01')).join(''));
  const book = bookOf(rulesOf('dnsmasq', 'leases'));
  expect(await lookAt(book)).toHaveLength(100);
  expect(book.troubles()).toEqual([{ source: 'leases', text: '3 addresses are over the 100 that are kept' }]);
});

test('another configuration forgets nothing of a source that it has as well, and believes it for its own networks', async () => {
  write('a', dnsmasq('192.0.2.7', '01') + dnsmasq('198.51.100.7', '02'));
  write('b', dnsmasq('192.0.2.9', '03'));
  const book = bookOf(rulesOf('dnsmasq', 'a'), rulesOf('dnsmasq', 'b'));
  await lookAt(book);
  renameSync(join(directory, 'a'), join(directory, 'away'));
  book.follow([rulesOf('dnsmasq', 'a', { clients: clientsOf('198.51.100.0/24'), device: 'host' })]);
  expect(await lookAt(book)).toEqual(['198.51.100.7 host:pc-02']);
  expect(book.troubles()).toHaveLength(1);
  book.follow([rulesOf('dnsmasq', 'a'), rulesOf('dnsmasq', 'a', { clients: clientsOf('198.51.100.0/24') })]);
  expect(await lookAt(book)).toEqual(['192.0.2.7 mac:02:00:5e:10:00:01']);
  // A source of its own is read by itself.
  renameSync(join(directory, 'away'), join(directory, 'a'));
  expect((await lookAt(book)).sort()).toEqual([
    '192.0.2.7 mac:02:00:5e:10:00:01',
    '198.51.100.7 mac:02:00:5e:10:00:02',
  ]);
  nowMs += HOUR_MS;
  expect(await lookAt(book)).toEqual([]);
});

describe('the control socket of Kea', () => {
  const serve = async (
    replies: (request: { command: string; arguments: { from: string } }) => string,
  ): Promise<void> => {
    server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', (text) => {
        const reply = replies(
          JSON.parse(text.toString()) as { command: string; arguments: { from: string } },
        );
        if (reply !== '') socket.end(reply);
      });
    });
    await new Promise<void>((resolve) => server?.listen(join(directory, 'socket'), resolve));
  };
  const lease = (address: string): object => ({
    ...{ 'ip-address': address, 'hw-address': '02:00:5e:10:00:01', hostname: 'pc', state: 0 },
    ...{ cltt: Math.floor(START / 1000), 'valid-lft': 3600 },
  });

  test('is asked by pages', async () => {
    const pages = [
      Array.from({ length: 1_000 }, (_, at) => lease(`192.0.${2 + (at >> 8)}.${at & 255}`)),
      [lease('192.0.2.255')],
    ];
    const asked: string[] = [];
    await serve((request) => {
      asked.push(`${request.command} ${request.arguments.from}`);
      return JSON.stringify({ result: 0, arguments: { leases: pages[asked.length - 1] } });
    });
    const book = bookOf(rulesOf('kea-socket', 'socket'));
    expect((await lookAt(book)).length).toBe(100);
    expect(asked).toEqual(['lease4-get-page start', 'lease4-get-page 192.0.5.231']);
  });

  test.each([
    ['{"result":2,"text":"unknown command"}', 'it knows no lease commands'],
    ['{"result":1,"text":"no"}', 'it says: no'],
    ['{"result":0,', 'its answer is no JSON'],
    ['7', 'its answer is no object'],
    ['{"result":0,"arguments":{"leases":[7]}}', 'no lease'],
    ['x'.repeat((4 << 20) + 1), 'its answer is too long'],
  ])('that says something else is told of: %.40s', async (reply, text) => {
    await serve(() => reply);
    const book = bookOf(rulesOf('kea-socket', 'socket'));
    expect(await lookAt(book)).toEqual([]);
    expect(book.troubles()[0]?.text).toContain(text);
  });

  test('that is not there is told of', async () => {
    const book = bookOf(rulesOf('kea-socket', 'socket'));
    await lookAt(book);
    expect(book.troubles()[0]?.text).toContain('ENOENT');
  });
});
