// DNS cookies as clients see them: dig and kdig, which keep and check what they get, and raw queries (RFC 7873, 9018).
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EDE, FLAG, OPTION, RCODE, readEde, readOptions, readU32 } from '../../src/wire/dns/dns.ts';
import { AnswerBook } from '../support/answer-book.ts';
import { ask, exchangeUdp, type Reply, readReply, TcpClient } from '../support/client.ts';
import { requireProgram, run } from '../support/process.ts';
import { buildQuery } from '../support/records.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

const FOREIGN_CLIENT = '127.0.0.77';
const CLIENT_COOKIE = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const LONG = Array.from({ length: 20 }, (_, i) => `long.example. 300 IN AAAA 2001:db8::${i + 1}`);
/** What a cookie takes in an answer. */
const COOKIE_LENGTH = 4 + 24;

const book = new AnswerBook();
let upstream: ScriptedUpstream;
let cordon: Cordon;

beforeAll(async () => {
  book.set('www.example. A', ['www.example. 300 IN A 192.0.2.1']);
  book.set('long.example. AAAA', LONG);
  upstream = await ScriptedUpstream.open(book.handler);
  cordon = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0", "[::1]:0"], admin: "127.0.0.1:0" }
workers: 2
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists: [{ id: listed, file: listed.txt }, { id: aliased, file: aliased.rpz, format: rpz }]
access: { allow: ["127.0.0.0/26", "::1"] }
`,
    files: {
      'listed.txt': 'listed.example\n',
      'aliased.rpz': 'aliased.example 300 IN CNAME long.example.\n',
    },
  });
});

afterAll(async () => {
  await cordon?.stop();
  await upstream?.close();
});

const optionOf = (cookie: Uint8Array): Uint8Array =>
  Uint8Array.of(0, OPTION.COOKIE, 0, cookie.length, ...cookie);

const optionsOf = ({ opt }: Reply) => {
  const options = opt?.options ?? new Uint8Array(0);
  return readOptions(options, 0, options.length);
};

/** The cookie of an answer, which has to have one. */
const cookieOf = (reply: Reply): Uint8Array => {
  const cookies = optionsOf(reply).filter(({ code }) => code === OPTION.COOKIE);
  expect(cookies).toHaveLength(1);
  return cookies[0]?.data ?? new Uint8Array(0);
};

const askWith = (
  cookie: Uint8Array,
  question = 'www.example. A',
  more: { from?: string; transport?: 'udp' | 'tcp'; udpLength?: number } = {},
): Promise<Reply> => {
  const { udpLength = 1232, ...options } = more;
  return ask(cordon.dns, question, { ...options, edns: { udpLength, options: optionOf(cookie) } });
};

/** A query for nothing but a cookie. */
const onlyCookie = (cookie: Uint8Array): Uint8Array => {
  const opt = buildQuery('. A', { edns: { options: optionOf(cookie) } }).subarray(12 + 5);
  return Uint8Array.from([0x12, 0x34, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, ...opt]);
};

describe('a cookie comes back', () => {
  test.each([
    ['from an upstream and the cache', 'www.example. A', {}],
    ['over TCP', 'www.example. A', { transport: 'tcp' as const }],
    ['with a refusal', 'listed.example. A', {}],
    ['with local data', 'localhost. A', {}],
    ['with the answer to ANY', 'www.example. ANY', {}],
    ['with an error', 'www.example. CH A', {}],
  ])('%s', async (_, question, more) => {
    const first = cookieOf(await askWith(CLIENT_COOKIE, question, more));
    expect(first).toHaveLength(24);
    expect(first.subarray(0, 8)).toEqual(CLIENT_COOKIE);
    expect([...first.subarray(8, 12)]).toEqual([1, 0, 0, 0]);
    expect(Math.abs(readU32(first, 12) - Date.now() / 1000)).toBeLessThan(60);
    // A valid one comes back as it is, whichever worker it is shown to: each socket may meet another one.
    for (let i = 0; i < 8; i++) {
      expect(cookieOf(await askWith(first, question, more))).toEqual(first);
    }
  });

  test('before the EDE', async () => {
    const options = optionsOf(await askWith(CLIENT_COOKIE, 'listed.example. A'));
    expect(options.map(({ code }) => code)).toEqual([OPTION.COOKIE, OPTION.EDE]);
    expect(options[1] && readEde(options[1])?.infoCode).toBe(EDE.BLOCKED);
  });

  test('not to a client that may not ask: it learns nothing', async () => {
    const reply = await askWith(CLIENT_COOKIE, 'www.example. A', { from: FOREIGN_CLIENT });
    expect(reply.rcode).toBe(RCODE.REFUSED);
    expect(optionsOf(reply).map(({ code }) => code)).toEqual([OPTION.EDE]);
  });

  test('only when one was sent', async () => {
    for (const edns of [false, {}] as const) {
      expect(optionsOf(await ask(cordon.dns, 'www.example. A', { edns }))).toEqual([]);
    }
  });

  test('to every client that waits for one answer: its own', async () => {
    book.set('waited.example. A', ['waited.example. 300 IN A 192.0.2.9']);
    const clients = [1, 2, 3, 4].map((byte) => ({
      cookie: CLIENT_COOKIE.with(0, byte),
      from: `127.0.0.${byte}`,
    }));
    const replies = await Promise.all(
      clients.map(({ cookie, from }) => askWith(cookie, 'waited.example. A', { from })),
    );
    for (const [index, { cookie, from }] of clients.entries()) {
      const reply = replies[index];
      const ours = reply === undefined ? new Uint8Array(0) : cookieOf(reply);
      expect(ours.subarray(0, 8)).toEqual(cookie);
      expect(cookieOf(await askWith(ours, 'waited.example. A', { from }))).toEqual(ours);
    }
  });
});

describe('a cookie that is not valid', () => {
  test('is replaced, and its client served', async () => {
    const ours = cookieOf(await askWith(CLIENT_COOKIE));
    for (const shown of [ours.with(23, (ours[23] ?? 0) ^ 1), ours.with(8, 2), ours.subarray(0, 16)]) {
      const reply = await askWith(shown);
      expect(reply).toMatchObject({
        rcode: RCODE.NOERROR,
        answer: [expect.stringMatching(/^www\.example\. \d+ IN A 192\.0\.2\.1$/)],
      });
      expect(cookieOf(await askWith(cookieOf(reply)))).toEqual(cookieOf(reply));
    }
    // Another client's is none.
    const other = cookieOf(await askWith(ours, 'www.example. A', { from: '127.0.0.2' }));
    expect(other.subarray(16)).not.toEqual(ours.subarray(16));
  });

  test.each([0, 3, 7, 9, 15, 41])('of %i bytes is FORMERR, with an OPT record', async (length) => {
    for (const transport of ['udp', 'tcp'] as const) {
      const reply = await askWith(new Uint8Array(length), 'www.example. A', { transport });
      expect(reply).toMatchObject({ rcode: RCODE.FORMERR, question: 'www.example. A', answer: [] });
      expect(reply.opt).toMatchObject({ udpLength: 1232, options: new Uint8Array(0) });
    }
  });
});

describe('a query for nothing but a cookie', () => {
  test('gets one, and is told whether one is good', async () => {
    const first = readReply(await exchangeUdp(cordon.dns, onlyCookie(CLIENT_COOKIE)));
    expect(first).toMatchObject({
      id: 0x1234,
      rcode: RCODE.NOERROR,
      answer: [],
      authority: [],
      additional: [],
    });
    expect(first.bytes).toHaveLength(12 + 11 + 28);
    expect([...first.bytes.subarray(4, 12)]).toEqual([0, 0, 0, 0, 0, 0, 0, 1]);
    const ours = cookieOf(first);
    const client = await TcpClient.open(cordon.dns);
    client.send(onlyCookie(ours), onlyCookie(ours.with(20, (ours[20] ?? 0) ^ 1)));
    const good = readReply(await client.read());
    expect(good.rcode).toBe(RCODE.NOERROR);
    expect(cookieOf(good)).toEqual(ours);
    const bad = readReply(await client.read());
    expect(bad.rcode).toBe(RCODE.BADCOOKIE);
    expect(cookieOf(bad)).toHaveLength(24);
    client.end();
  });

  test('is refused to a client that may not ask, and is FORMERR when malformed', async () => {
    const refused = readReply(await exchangeUdp(cordon.dns, onlyCookie(CLIENT_COOKIE), FOREIGN_CLIENT));
    expect(refused.rcode).toBe(RCODE.REFUSED);
    expect(optionsOf(refused).some(({ code }) => code === OPTION.COOKIE)).toBe(false);
    const malformed = readReply(await exchangeUdp(cordon.dns, onlyCookie(new Uint8Array(5))));
    expect(malformed.rcode).toBe(RCODE.FORMERR);
    expect(malformed.opt?.options).toEqual(new Uint8Array(0));
  });
});

describe('room for the cookie', () => {
  test.each([
    ['long.example. AAAA', 20],
    ['aliased.example. AAAA', 21],
  ])('%s: an answer that would be too long with it is truncated', async (question, count) => {
    const plain = await ask(cordon.dns, question, { edns: { udpLength: 1232 } });
    expect(plain.answer).toHaveLength(count);
    const ede = optionsOf(plain).reduce((sum, { data }) => sum + 4 + data.length, 0);
    const length = plain.bytes.length - ede + COOKIE_LENGTH;
    expect(length).toBeGreaterThan(512);
    const fitting = await askWith(CLIENT_COOKIE, question, { udpLength: length });
    expect(fitting.answer).toHaveLength(count);
    expect(fitting.bytes).toHaveLength(length);
    const truncated = await askWith(CLIENT_COOKIE, question, { udpLength: length - 1 });
    expect(truncated.flags & FLAG.TC).toBe(FLAG.TC);
    expect(truncated.answer).toEqual([]);
    for (const reply of [fitting, truncated]) expect(cookieOf(reply)).toHaveLength(24);
  });
});

describe('dig and kdig', () => {
  const dig = async (...args: string[]): Promise<string> => {
    const { address, port } = cordon.dns;
    const { stdout } = await run('dig', [`@${address}`, '-p', String(port), '+tries=1', ...args]);
    return stdout;
  };

  test('dig finds the cookie good', async (context) => {
    requireProgram(context, 'dig');
    for (const args of [
      ['+cookie'],
      ['+cookie', '+tcp'],
      ['+cookie', 'listed.example'],
      ['+cookie', '+dnssec'],
    ]) {
      const output = await dig('www.example', 'A', ...args);
      expect(output, args.join(' ')).toMatch(/; COOKIE: [0-9a-f]{48} \(good\)/);
      expect(output).not.toMatch(/COOKIE: .*\((?:bad|echoed)\)/);
    }
  });

  test('dig shows it again and gets the same', async (context) => {
    requireProgram(context, 'dig');
    const cookieIn = (output: string) => /COOKIE: ([0-9a-f]{48}) \(good\)/.exec(output)?.[1] ?? '';
    const first = cookieIn(await dig('+cookie', 'www.example', 'A'));
    expect(first).toHaveLength(48);
    expect(cookieIn(await dig(`+cookie=${first}`, 'www.example', 'A'))).toBe(first);
  });

  test('dig is told by a query without a question', async (context) => {
    requireProgram(context, 'dig');
    const output = await dig('+header-only', '+cookie', 'www.example');
    expect(output).toMatch(/status: NOERROR/);
    expect(output).toMatch(/QUERY: 0, ANSWER: 0/);
    expect(output).toMatch(/\(good\)/);
    const badCookie = `+cookie=${'01'.repeat(24)}`;
    expect(await dig('+header-only', '+nobadcookie', badCookie, 'www.example')).toMatch(/status: BADCOOKIE/);
  });

  test('kdig gets one', async (context) => {
    requireProgram(context, 'kdig');
    const { address, port } = cordon.dns;
    const { stdout } = await run('kdig', [`@${address}`, '-p', String(port), '+cookie', 'www.example', 'A']);
    expect(stdout).toMatch(/status: NOERROR/);
    expect(stdout).toMatch(/COOKIE: [0-9a-fA-F]{16,}/i);
  });
});
