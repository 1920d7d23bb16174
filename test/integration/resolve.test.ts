// Everything that is not refused is answered as an upstream answers it: failover, TCP, zones, caching, sizes.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  EDE,
  EDNS_DO,
  FLAG,
  OPTION,
  RCODE,
  readOptions,
  UDP_LENGTH_MAX,
  writeU16,
} from '../../src/wire/dns/dns.ts';
import { AnswerBook } from '../support/answer-book.ts';
import { ask, readMetric, readReply } from '../support/client.ts';
import {
  answer,
  answerCode,
  type ScriptedHandler,
  type ScriptedQuery,
  ScriptedUpstream,
} from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

/** Long enough to become visible in TTLs, which count whole seconds. */
const AGING_MS = 1_100;
const SOA_OF_EXAMPLE = 'example. 900 IN SOA ns.example. admin.example. 1 3600 1200 604800';
/**
 * Tries within the time-out of one question, those that follow the round trip included, and looks at whether the server
 * lives; a loop would make hundreds.
 */
const LOOP_QUERIES_MAX = 24;
/** Tries of one question whose server takes its time. */
const TRIES_MAX = 4;
const refuse: ScriptedHandler = (query) => answerCode(query, RCODE.REFUSED);
const fail: ScriptedHandler = (query) => answerCode(query, RCODE.SERVFAIL);
const give =
  (address: string): ScriptedHandler =>
  (query) =>
    answer(query, [`${query.name} 300 IN A ${address}`]);

let cordon: Cordon | undefined;
let open: ScriptedUpstream[] = [];

const upstreamWith = async (handler?: ScriptedHandler): Promise<ScriptedUpstream> => {
  const upstream = await ScriptedUpstream.open(handler);
  open.push(upstream);
  return upstream;
};

const textOf = (upstream: ScriptedUpstream): string => `"127.0.0.1:${upstream.endpoint.port}"`;

/** For tests that wait for silence. */
const SHORT_TRIES = '{ timeout: 4s, try-timeout: 600ms }';
/** For tests that count queries: however slow the machine is, none is sent twice. */
const LONG_TRIES = '{ timeout: 20s, try-timeout: 10s }';

const start = (upstreams: readonly ScriptedUpstream[], lines = '', resolver = SHORT_TRIES): Promise<Cordon> =>
  startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
upstreams: [${upstreams.map(textOf).join(', ')}]
resolver: ${resolver}
lists: [{ id: tiktok, shipped: tiktok }]
${lines}`,
  });

describe('with one upstream', () => {
  const book = new AnswerBook();
  let upstream: ScriptedUpstream;
  let program: Cordon;

  beforeAll(async () => {
    upstream = await ScriptedUpstream.open(book.handler);
    program = await start([upstream], 'cache: { ttl: { min: 10s, max: 1h, negative-max: 5m } }', LONG_TRIES);
  });

  afterAll(async () => {
    await program?.stop();
    await upstream?.close();
  });

  test('an answer has the client’s id, question and flags, and the records', async () => {
    book.set('www.example. A', ['www.example. 300 IN CNAME a.example.', 'a.example. 300 IN A 192.0.2.1']);
    for (const flags of [FLAG.RD, FLAG.RD | FLAG.AD]) {
      const reply = await ask(program.dns, 'wWw.eXample. A', { id: 0xbeef, flags });
      expect(reply).toMatchObject({
        id: 0xbeef,
        flags: FLAG.QR | FLAG.RD | FLAG.RA,
        question: 'wWw.eXample. A',
        answer: [
          expect.stringMatching(/^wWw\.eXample\. \d+ IN CNAME a\.example\.$/i),
          expect.stringContaining('192.0.2.1'),
        ],
        authority: [],
        additional: [],
        isSound: true,
        opt: { udpLength: UDP_LENGTH_MAX },
      });
    }
    expect(upstream.count('wWw.eXample.')).toBe(1);
    expect((await ask(program.dns, 'www.example. A', { edns: false })).opt).toBeUndefined();
  });

  test('the client’s EDNS options, address and flags do not reach the upstream', async () => {
    book.set('private.example. A', ['private.example. 300 IN A 192.0.2.1']);
    const options = Uint8Array.from([
      0, 8, 0, 7, 0, 1, 24, 0, 192, 0, 2, 0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8,
    ]);
    await ask(program.dns, 'private.example. A', { flags: FLAG.RD | FLAG.AD, edns: { options } });
    const seen = readReply(upstream.queries.at(-1)?.bytes ?? new Uint8Array(12));
    expect(seen).toMatchObject({
      question: 'private.example. A',
      flags: FLAG.RD,
      answer: [],
      additional: [],
    });
    expect(seen.opt).toMatchObject({ udpLength: UDP_LENGTH_MAX, ttl: 0 });
    // The cookie is Cordon's own.
    const [cookie, ...others] = readOptions(seen.opt?.options ?? options, 0, seen.opt?.options.length ?? 0);
    expect([cookie?.code, others]).toEqual([OPTION.COOKIE, []]);
    expect(Buffer.from(cookie?.data ?? []).includes(Buffer.from(options.subarray(-8)))).toBe(false);
  });

  test('identical questions share one upstream query, whatever their letters', async () => {
    book.set('many.example. A', (query) => ({
      delayMs: 1_500,
      messages: answer(query, [`${query.name} 300 IN A 192.0.2.1`]),
    }));
    const names = Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? 'many.example.' : 'MANY.Example.'));
    const replies = await Promise.all(
      names.map((name, id) => ask(program.dns, `${name} A`, { id, transport: id < 7 ? 'udp' : 'tcp' })),
    );
    expect(replies.map((reply) => [reply.id, reply.question])).toEqual(
      names.map((name, id) => [id, `${name} A`]),
    );
    for (const reply of replies) expect(reply.answer).toHaveLength(1);
    // One question, tried again while its server was slow.
    expect(upstream.queries.filter(({ name }) => /^many/i.test(name)).length).toBeLessThanOrEqual(TRIES_MAX);
    expect(await readMetric(program, 'cordon_coalesced_queries_total')).toBe(9);
  });

  test('DO and CD are asked and kept apart', async () => {
    const rrsig = 'sec.example. 300 IN RRSIG A 13 2 300 20300101000000 20200101000000 1 example. AAAA';
    const nsec = 'sec.example. 300 IN NSEC a.example. A';
    book.set('sec.example. A', (query) =>
      answer(query, ['sec.example. 300 IN A 192.0.2.1', rrsig], { authority: [nsec] }),
    );
    const ways = [
      { flags: FLAG.RD, edns: { ttl: 0 } },
      { flags: FLAG.RD, edns: { ttl: EDNS_DO } },
      { flags: FLAG.RD | FLAG.CD, edns: { ttl: 0 } },
      { flags: FLAG.RD | FLAG.CD, edns: { ttl: EDNS_DO } },
    ];
    for (const way of [...ways, ...ways]) {
      const reply = await ask(program.dns, 'sec.example. A', way);
      const isDnssec = way.edns.ttl === EDNS_DO;
      // RFC 4035 section 3.2.1: signatures only for those who asked.
      expect(reply.answer).toHaveLength(isDnssec ? 2 : 1);
      expect(reply.authority).toHaveLength(isDnssec ? 1 : 0);
      expect(reply.opt?.ttl).toBe(way.edns.ttl);
      expect(reply.flags & (FLAG.CD | FLAG.AD)).toBe(way.flags & FLAG.CD);
    }
    const seen = upstream.queries.filter(({ name }) => name === 'sec.example.');
    expect(seen.map(({ dnssecOk, cd }) => [dnssecOk, cd])).toEqual([
      [false, false],
      [true, false],
      [false, true],
      [true, true],
    ]);
  });

  test('an RRSIG that is asked for is given without DO', async () => {
    const rrsig = 'sig.example. 300 IN RRSIG A 13 2 300 20300101000000 20200101000000 1 example. AAAA';
    book.set('sig.example. RRSIG', [rrsig]);
    expect((await ask(program.dns, 'sig.example. RRSIG')).answer).toHaveLength(1);
  });

  describe('lifetimes', () => {
    const negative = (rcode: number, minimum: number) => (query: ScriptedQuery) =>
      answer(query, [], {
        flags: FLAG.QR | FLAG.RD | FLAG.RA | rcode,
        authority: [`${SOA_OF_EXAMPLE} ${minimum}`],
      });
    /** RFC 2181 section 8: a TTL with its top bit set means 0. */
    const topBit = (query: ScriptedQuery) => {
      const message = answer(query, [`${query.name} 3600 IN A 192.0.2.1`]);
      message[message.length - 10] = 0x80;
      return message;
    };
    const CASES = [
      ['up.example. A', ['up.example. 1 IN A 192.0.2.1'], 10],
      ['down.example. A', ['down.example. 604800 IN A 192.0.2.1'], 3600],
      ['top-bit.example. A', topBit, 10],
      ['nx.example. A', negative(RCODE.NXDOMAIN, 60), 60],
      ['nodata.example. A', negative(RCODE.NOERROR, 60), 60],
      ['ttl-first.example. A', negative(RCODE.NXDOMAIN, 100_000), 300],
    ] as const;

    test.each(CASES)('%s', async (question, entry, ttlSec) => {
      book.set(question, entry);
      const reply = await ask(program.dns, question);
      const [record = ''] = [...reply.answer, ...reply.authority];
      expect(Number(record.split(' ')[1])).toBe(ttlSec);
      await ask(program.dns, question);
      expect(upstream.asked(question.split(' ')[0])).toBe(1);
    });

    test('a negative answer without SOA, and one that is an error, is not kept', async () => {
      book.set('bare.example. A', (query) => answerCode(query, RCODE.NXDOMAIN));
      book.set('odd.example. A', (query) => answerCode(query, RCODE.YXDOMAIN));
      for (const [name, rcode] of [
        ['bare.example.', RCODE.NXDOMAIN],
        ['odd.example.', RCODE.YXDOMAIN],
      ] as const) {
        for (let i = 1; i <= 2; i++) {
          expect((await ask(program.dns, `${name} A`)).rcode).toBe(rcode);
          expect(upstream.asked(name)).toBe(i);
        }
      }
    });

    test('TTLs count down, in ANSWER and in AUTHORITY', async () => {
      book.set('age.example. A', ['age.example. 300 IN A 192.0.2.1']);
      book.set('age-nx.example. A', negative(RCODE.NXDOMAIN, 60));
      const read = async (name: string) => {
        const reply = await ask(program.dns, `${name} A`);
        return Number([...reply.answer, ...reply.authority][0]?.split(' ')[1]);
      };
      expect(await read('age.example.')).toBe(300);
      expect(await read('age-nx.example.')).toBe(60);
      await new Promise((resolve) => setTimeout(resolve, AGING_MS));
      for (const [name, ttlSec] of [
        ['age.example.', 300],
        ['age-nx.example.', 60],
      ] as const) {
        const leftSec = await read(name);
        expect(leftSec, name).toBeLessThan(ttlSec);
        expect(leftSec, name).toBeGreaterThan(ttlSec / 2);
      }
      expect(upstream.asked('age.example.') + upstream.asked('age-nx.example.')).toBe(2);
    });
  });

  describe('sizes', () => {
    const big = (name: string, count: number) => (query: ScriptedQuery) => {
      const records = Array.from(
        { length: count },
        (_, i) => `${name} 300 IN TXT "${String(i).padStart(100, '.')}"`,
      );
      const whole = answer(query, records);
      return query.transport === 'tcp' || whole.length <= UDP_LENGTH_MAX
        ? whole
        : answerCode(query, RCODE.NOERROR, FLAG.TC);
    };

    /** Each record takes 118 bytes or so. */
    test.each([
      ['four records', 4, { 512: true, 1232: true, 4096: true }],
      ['eight records', 8, { 512: false, 1232: true, 4096: true }],
      ['20 records', 20, { 512: false, 1232: false, 4096: false }],
      ['510 records, 60 KB', 510, { 512: false, 1232: false, 4096: false }],
    ])('%s', async (title, count, fits) => {
      const name = `big${count}.example.`;
      book.set(`${name} TXT`, big(name, count));
      for (const [limit, isWhole] of Object.entries(fits)) {
        const udpLength = Number(limit);
        for (const edns of udpLength === 512 ? [{ udpLength }, false as const] : [{ udpLength }]) {
          const reply = await ask(program.dns, `${name} TXT`, { edns });
          expect(reply.bytes.length, title).toBeLessThanOrEqual(Math.min(udpLength, UDP_LENGTH_MAX));
          expect(reply.answer, title).toHaveLength(isWhole ? count : 0);
          expect((reply.flags & FLAG.TC) !== 0).toBe(!isWhole);
          expect(reply.isSound).toBe(true);
          expect(reply.opt === undefined).toBe(edns === false);
        }
      }
      const whole = await ask(program.dns, `${name} TXT`, { transport: 'tcp' });
      expect(whole.answer).toHaveLength(count);
      expect(whole.flags & FLAG.TC).toBe(0);
      const transports = upstream.questions(name).map(({ transport }) => transport);
      expect(transports).toEqual(count > 8 ? ['udp', 'tcp'] : ['udp']);
    });
  });

  describe('forged answers', () => {
    const forged = (query: ScriptedQuery) => answer(query, [`${query.name} 300 IN A 203.0.113.66`]);
    const FORGERIES: Readonly<Record<string, (query: ScriptedQuery) => Uint8Array>> = {
      'a wrong id': (query) => {
        const message = forged(query);
        writeU16(message, 0, query.id ^ 1);
        return message;
      },
      'QR not set': (query) => {
        const message = forged(query);
        writeU16(message, 2, FLAG.RD);
        return message;
      },
      'another opcode': (query) => {
        const message = forged(query);
        writeU16(message, 2, FLAG.QR | 0x2000);
        return message;
      },
      'another name': (query) => answer(query, [], { question: 'evil.example. A' }),
      'another type': (query) => answer(query, [], { question: `${query.name} AAAA` }),
      'another class': (query) => answer(query, [], { question: `${query.name} CH A` }),
      'no question': (query) => {
        const message = answer(query).slice(0, 12);
        writeU16(message, 4, 0);
        return message;
      },
      'five bytes': (query) => forged(query).subarray(0, 5),
    };

    test.each(Object.entries(FORGERIES).map(([title, forge], index) => ({ title, forge, index })))(
      '$title',
      async ({ forge, index }) => {
        const name = `forged${index}.example.`;
        const before = await readMetric(program, 'cordon_upstream_unwanted_total');
        book.set(`${name} A`, (query) => [forge(query), answer(query, [`${name} 300 IN A 192.0.2.1`])]);
        expect((await ask(program.dns, `${name} A`)).answer).toEqual([`${name} 300 IN A 192.0.2.1`]);
        expect(await readMetric(program, 'cordon_upstream_unwanted_total')).toBe(before + 1);
      },
    );
  });

  test('an upstream without EDNS is asked without it', async () => {
    book.set('old.example. A', (query) =>
      query.hasEdns ? answerCode(query, RCODE.FORMERR) : answer(query, ['old.example. 300 IN A 192.0.2.1']),
    );
    expect((await ask(program.dns, 'old.example. A')).answer).toHaveLength(1);
  });
});

describe('with several upstreams', () => {
  beforeEach(() => {
    open = [];
  });

  afterEach(async () => {
    await cordon?.kill();
    cordon = undefined;
    for (const upstream of open) await upstream.close();
  });

  test('each kind of failure leads to the next one', async () => {
    const first = await upstreamWith();
    const second = await upstreamWith(give('192.0.2.2'));
    const closed = await upstreamWith();
    await closed.close();
    open = [first, second];
    cordon = await start([closed, first, second]);
    for (const [index, handler] of [() => undefined, fail, refuse, () => new Uint8Array(12)].entries()) {
      first.onQuery(handler);
      const reply = await ask(cordon.dns, `f${index}.example. A`);
      expect(reply.answer).toEqual([`f${index}.example. 300 IN A 192.0.2.2`]);
    }
    const metrics = cordon;
    const failures = (reason: string) => readMetric(metrics, 'cordon_upstream_failures_total', { reason });
    for (const reason of ['timeout', 'servfail', 'refused', 'network']) {
      // A try that a hedge has overtaken is still waited for.
      await vi.waitFor(async () => expect(await failures(reason), reason).toBeGreaterThan(0), {
        timeout: 90_000,
      });
    }
    await cordon.stop();
  });

  test('when all fail, the answer is SERVFAIL and says why, for a second', async () => {
    const only = await upstreamWith();
    cordon = await start([only]);
    const handlers = { silent: () => undefined, servfail: fail, refused: refuse };
    for (const [name, handler] of Object.entries(handlers)) {
      only.onQuery(handler);
      const reply = await ask(cordon.dns, `${name}.example. A`);
      expect(reply, name).toMatchObject({
        rcode: RCODE.SERVFAIL,
        answer: [],
        ede: { infoCode: EDE.NO_REACHABLE_AUTHORITY },
      });
    }
    const { dns } = cordon;
    // RFC 9520: for a second. Where that is over before the next question, another name shows it.
    let failed = '';
    await vi.waitFor(
      async () => {
        failed = `${failed}again.`.slice(-60);
        only.onQuery(fail);
        await ask(dns, `${failed}example. A`);
        only.onQuery(give('192.0.2.1'));
        expect(await ask(dns, `${failed}example. A`)).toMatchObject({
          rcode: RCODE.SERVFAIL,
          ede: { infoCode: EDE.CACHED_ERROR },
        });
      },
      { timeout: 90_000 },
    );
    await vi.waitFor(
      async () => {
        expect((await ask(dns, `${failed}example. A`)).answer).toHaveLength(1);
      },
      { timeout: 90_000, interval: 100 },
    );
    await cordon.stop();
  });

  test('when nobody listens, the answer is SERVFAIL with a network error', async () => {
    const closed = await upstreamWith();
    await closed.close();
    open = [];
    cordon = await start([closed]);
    const reply = await ask(cordon.dns, 'nobody.example. A');
    expect(reply).toMatchObject({ rcode: RCODE.SERVFAIL, ede: { infoCode: EDE.NETWORK_ERROR } });
    expect((await ask(cordon.dns, 'www.tiktok.com. A')).ede?.infoCode).toBe(EDE.BLOCKED);
    await cordon.stop();
  });

  test('zones go to their own upstreams, the longest first, special names included', async () => {
    const [root, corp, deep] = [
      await upstreamWith(give('192.0.2.1')),
      await upstreamWith(give('192.0.2.2')),
      await upstreamWith(give('192.0.2.3')),
    ];
    cordon = await start(
      [root],
      `forward:
  - { zones: [corp.example, test, 10.in-addr.arpa], upstreams: [${textOf(corp)}] }
  - { zones: [deep.corp.example], upstreams: [${textOf(deep)}] }`,
    );
    const EXPECTED = {
      'www.example.': '192.0.2.1',
      'corp.example.': '192.0.2.2',
      'a.CORP.example.': '192.0.2.2',
      'notcorp.example.': '192.0.2.1',
      'deep.corp.example.': '192.0.2.3',
      'x.y.deep.corp.example.': '192.0.2.3',
      'host.test.': '192.0.2.2',
      '1.0.0.10.in-addr.arpa.': '192.0.2.2',
    };
    for (const [name, address] of Object.entries(EXPECTED)) {
      expect((await ask(cordon.dns, `${name} A`)).answer).toEqual([`${name} 300 IN A ${address}`]);
    }
    // Special names that are not forwarded stay here.
    const counts = open.map((upstream) => upstream.count());
    expect((await ask(cordon.dns, 'host.local. A')).rcode).toBe(RCODE.NXDOMAIN);
    expect((await ask(cordon.dns, '1.1.168.192.in-addr.arpa. PTR')).rcode).toBe(RCODE.NXDOMAIN);
    expect(open.map((upstream) => upstream.count())).toEqual(counts);
    await cordon.stop();
  });

  test('a forwarded zone is not asked elsewhere when its upstreams fail', async () => {
    const [root, corp] = [await upstreamWith(give('192.0.2.1')), await upstreamWith(fail)];
    cordon = await start([root], `forward: [{ zones: [corp.example], upstreams: [${textOf(corp)}] }]`);
    expect((await ask(cordon.dns, 'a.corp.example. A')).rcode).toBe(RCODE.SERVFAIL);
    expect(root.count()).toBe(0);
    await cordon.stop();
  });

  test('an upstream that is the program itself is refused at the start', async () => {
    const taken = await upstreamWith();
    const config = `
listen: { dns: [${textOf(taken)}], admin: "127.0.0.1:0" }
upstreams: [${textOf(taken)}]`;
    await expect(startCordon({ config })).rejects.toThrow('questions would go in circles');
  });

  test('two programs that ask each other end with SERVFAIL after a few queries each way', {
    tags: 'night',
  }, async () => {
    const place = await upstreamWith();
    await place.close();
    open = [];
    cordon = await start([place]);
    const other = await startCordon({
      config: `
listen: { dns: [${textOf(place)}], admin: "127.0.0.1:0" }
workers: 1
upstreams: ["127.0.0.1:${cordon.dns.port}"]
resolver: ${SHORT_TRIES}
lists: [{ id: tiktok, shipped: tiktok }]`,
    });
    try {
      expect((await ask(cordon.dns, 'loop.example. A')).rcode).toBe(RCODE.SERVFAIL);
      const sent = await readMetric(cordon, 'cordon_upstream_queries_total');
      expect(sent).toBeGreaterThan(0);
      expect(sent).toBeLessThanOrEqual(LOOP_QUERIES_MAX);
    } finally {
      await other.stop();
    }
    await cordon.stop();
  });
});
