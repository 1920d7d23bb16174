// What clients get while upstreams are down, slow, flooded or not to be trusted: stale answers, shared and remembered
// failures, fair shares, translated and refused addresses. And what goes out to upstreams, and is not believed of them.
import assert from 'node:assert/strict';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { createEde, EDE, FLAG, OPTION, RCODE, readOptions } from '../../src/wire/dns/dns.ts';
import { AnswerBook } from '../support/answer-book.ts';
import { ask, exchangeDatagrams, type Reply, readMetric, readReply, reload } from '../support/client.ts';
import { buildQuery } from '../support/records.ts';
import {
  answer,
  answerCode,
  type ScriptedHandler,
  type ScriptedQuery,
  ScriptedUpstream,
} from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

/** What a loaded machine may add to what is waited for. */
const MARGIN_MS = 8_000;
/** How long a failure is remembered (RFC 9520 section 3.2). */
const FAILURE_MS = 1_000;
/** Longer than a TTL of a second, which is counted in whole ones. */
const OVER_MS = 1_200;
const RIGHT = '192.0.2.1';
const SOA = 'example. 1 IN SOA ns.example. admin.example. 1 3600 1200 604800 1';
const silence: ScriptedHandler = () => undefined;

const later = (timeMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, timeMs));
const give =
  (address: string, ttlSec = 300): ScriptedHandler =>
  (query) =>
    answer(query, [`${query.name} ${ttlSec} IN A ${address}`]);

const upstreams: ScriptedUpstream[] = [];
const programs: Cordon[] = [];

const openUpstream = async (handler: ScriptedHandler = give(RIGHT)): Promise<ScriptedUpstream> => {
  const upstream = await ScriptedUpstream.open(handler);
  upstreams.push(upstream);
  return upstream;
};

const textOf = ({ endpoint }: ScriptedUpstream): string => `"${endpoint.address}:${endpoint.port}"`;

const configWith = (asked: readonly ScriptedUpstream[], lines: string): string => `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
dnssec: { mode: off }
upstreams: [${asked.map(textOf).join(', ')}]
${lines}`;

const start = async (
  asked: readonly ScriptedUpstream[],
  lines: string,
  files: Readonly<Record<string, string>> = {},
): Promise<Cordon> => {
  const hasLists = lines.includes('lists:');
  const program = await startCordon({
    config: configWith(asked, hasLists ? lines : `lists: []\n${lines}`),
    files,
  });
  programs.push(program);
  return program;
};

const closeAll = async (): Promise<void> => {
  for (const program of programs.splice(0)) await program.stop();
  for (const upstream of upstreams.splice(0)) await upstream.close();
};

const timed = async (question: Promise<Reply>): Promise<{ reply: Reply; tookMs: number }> => {
  const sinceMs = performance.now();
  const reply = await question;
  return { reply, tookMs: performance.now() - sinceMs };
};

const ttlOf = (record = ''): number => Number(record.split(' ')[1]);
const dataOf = ({ answer }: Reply): readonly string[] =>
  answer.map((record) => record.split(' ').slice(4).join(' '));

const edeOption = (code: number, text = ''): Uint8Array => {
  const data = createEde(code, text);
  return Uint8Array.of(0, OPTION.EDE, 0, data.length, ...data);
};

/** Names that many questions are asked about. */
const namesOf = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}${i}.example.`);

describe('stale answers', () => {
  /** Long enough to tell a wait from a loaded machine. */
  const AFTER_MS = 2_000;
  const common = `resolver: { timeout: 12s, try-timeout: 3s }
lists: [{ id: own, file: own.txt }]`;
  let upstream: ScriptedUpstream;
  let program: Cordon;
  let isDown = false;

  beforeAll(async () => {
    upstream = await openUpstream((query) => {
      if (isDown) return undefined;
      if (query.name.startsWith('absent'))
        return answer(query, [], {
          flags: FLAG.QR | FLAG.RD | FLAG.RA | RCODE.NXDOMAIN,
          authority: [SOA],
        });
      return give(RIGHT, 1)(query);
    });
    program = await start([upstream], `cache: { stale: { after: ${AFTER_MS}ms } }\n${common}`, {
      'own.txt': 'listed.example\n',
    });
    for (const name of ['www', 'absent', 'failing', 'at-once', 'condemned', 'twice'])
      await ask(program.dns, `${name}.example. A`);
    isDown = true;
    await later(OVER_MS);
  });

  afterAll(closeAll);

  test('are given after a wait, say so, and live for half a minute', async () => {
    const { reply, tookMs } = await timed(ask(program.dns, 'www.example. A'));
    expect([reply.rcode, reply.answer, reply.ede?.infoCode]).toEqual([
      RCODE.NOERROR,
      [`www.example. 30 IN A ${RIGHT}`],
      EDE.STALE_ANSWER,
    ]);
    expect(tookMs).toBeGreaterThanOrEqual(AFTER_MS - 50);
    expect(tookMs).toBeLessThan(AFTER_MS + MARGIN_MS);
    // A client that comes while it is still asked for does not wait again.
    const again = await timed(ask(program.dns, 'www.example. A'));
    expect(again.reply.ede?.infoCode).toBe(EDE.STALE_ANSWER);
    expect(again.tookMs).toBeLessThan(AFTER_MS);
    expect(await readMetric(program, 'cordon_answers_total', { source: 'stale' })).toBe(2);
  });

  test('of a name that did not exist have another code', { tags: 'night' }, async () => {
    const reply = await ask(program.dns, 'absent.example. A');
    expect([reply.rcode, reply.answer, reply.ede?.infoCode]).toEqual([
      RCODE.NXDOMAIN,
      [],
      EDE.STALE_NXDOMAIN_ANSWER,
    ]);
    expect(reply.authority.map(ttlOf)).toEqual([30]);
  });

  test('are given at once when all upstreams have failed', async () => {
    upstream.onQuery((query) => answerCode(query, RCODE.SERVFAIL));
    const { reply, tookMs } = await timed(ask(program.dns, 'failing.example. A'));
    expect([dataOf(reply), reply.ede?.infoCode]).toEqual([[RIGHT], EDE.STALE_ANSWER]);
    expect(tookMs).toBeLessThan(AFTER_MS + MARGIN_MS);
    upstream.onQuery(silence);
  });

  test('are never there for what was not asked before', async () => {
    upstream.onQuery((query) => answerCode(query, RCODE.SERVFAIL));
    const reply = await ask(program.dns, 'other.example. A');
    expect([reply.rcode, reply.answer]).toEqual([RCODE.SERVFAIL, []]);
    upstream.onQuery(silence);
  });

  test('are given without a wait where a reload says so, and replaced behind the client', {
    tags: 'night',
  }, async () => {
    await reload(program, {
      'cordon.yaml': configWith([upstream], `cache: { stale: { after: 0ms } }\n${common}`),
    });
    upstream.onQuery(give('192.0.2.2'));
    const before = upstream.asked('at-once.example.');
    // The upstream answers within a millisecond: had the client waited, the answer were fresh.
    const reply = await ask(program.dns, 'at-once.example. A');
    expect([dataOf(reply), reply.ede?.infoCode]).toEqual([[RIGHT], EDE.STALE_ANSWER]);
    await expect.poll(() => upstream.asked('at-once.example.')).toBe(before + 1);
    await expect
      .poll(async () => {
        const fresh = await ask(program.dns, 'at-once.example. A');
        return [dataOf(fresh), fresh.ede?.infoCode];
      })
      .toEqual([['192.0.2.2'], undefined]);
  });

  test('are judged by the lists that are in force when they are given', async () => {
    upstream.onQuery((query) => answerCode(query, RCODE.SERVFAIL));
    expect((await ask(program.dns, 'condemned.example. A')).ede?.infoCode).toBe(EDE.STALE_ANSWER);
    await reload(program, { 'own.txt': 'listed.example\ncondemned.example\n' });
    const reply = await ask(program.dns, 'condemned.example. A');
    expect([reply.rcode, reply.answer, reply.ede?.infoCode]).toEqual([RCODE.NXDOMAIN, [], EDE.BLOCKED]);
  });

  test('are not given where a reload turns them off', { tags: 'night' }, async () => {
    await reload(program, {
      'cordon.yaml': configWith([upstream], `cache: { stale: { max: 0s } }\n${common}`),
    });
    upstream.onQuery((query) => answerCode(query, RCODE.SERVFAIL));
    expect((await ask(program.dns, 'twice.example. A')).rcode).toBe(RCODE.SERVFAIL);
  });
});

describe('with zones of different upstreams', () => {
  /** Long enough that its last tenth can be met on a loaded machine. */
  const TTL_SEC = 20;
  const ZONES = ['popular', 'dead', 'bogus', 'ede', 'stray', 'private', 'cookie'] as const;
  type Zone = (typeof ZONES)[number];
  const zones = new Map<Zone, ScriptedUpstream>();
  /** Those of the zone `bogus`. */
  let blaming: readonly ScriptedUpstream[] = [];
  let program: Cordon;
  let sinceMs: number;

  beforeAll(async () => {
    for (const zone of ZONES) zones.set(zone, await openUpstream());
    const { bogus, popular } = Object.fromEntries(zones);
    assert.ok(bogus !== undefined && popular !== undefined);
    blaming = [bogus, await openUpstream(), await openUpstream()];
    const rules = [...zones].map(([zone, upstream]) => {
      const asked = upstream === bogus ? blaming : [upstream];
      return `{ zones: [${zone}.example], upstreams: [${asked.map(textOf).join(', ')}] }`;
    });
    popular.onQuery((query) => give(popular.count(query.name) > 1 ? '192.0.2.2' : RIGHT, TTL_SEC)(query));
    program = await start([popular], `forward: [${rules.join(', ')}]`);
    for (const name of ['www', 'rare']) await ask(program.dns, `${name}.popular.example. A`);
    sinceMs = performance.now();
  });

  afterAll(closeAll);

  /** The upstream of a zone, with a handler. */
  const upstreamOf = (zone: Zone, handler: ScriptedHandler): ScriptedUpstream => {
    const upstream = zones.get(zone);
    assert.ok(upstream !== undefined);
    upstream.onQuery(handler);
    return upstream;
  };

  const optionsOf = (query: ScriptedQuery | undefined) => {
    const { opt } = readReply(query?.bytes ?? new Uint8Array(12));
    return readOptions(opt?.options ?? new Uint8Array(0), 0, opt?.options.length ?? 0);
  };
  const cookieOf = (query: ScriptedQuery | undefined): Uint8Array =>
    optionsOf(query).find(({ code }) => code === OPTION.COOKIE)?.data ?? new Uint8Array(0);

  test('a failure is remembered for a second, and the upstream is left alone meanwhile', async () => {
    const upstream = upstreamOf('dead', (query) => answerCode(query, RCODE.SERVFAIL));
    let names = 0;
    let name = '';
    // Where the second is over before all have asked, another name shows it.
    await vi.waitFor(
      async () => {
        name = `www${names++}.dead.example.`;
        const first = await ask(program.dns, `${name} A`);
        expect([first.rcode, first.ede?.infoCode]).toEqual([RCODE.SERVFAIL, EDE.NO_REACHABLE_AUTHORITY]);
        for (let i = 0; i < 3; i++) {
          const again = await ask(program.dns, `${name} A`);
          expect([again.rcode, again.ede?.infoCode]).toEqual([RCODE.SERVFAIL, EDE.CACHED_ERROR]);
        }
        expect(upstream.asked(name)).toBe(1);
      },
      { timeout: 90_000 },
    );
    upstream.onQuery(give(RIGHT));
    await later(FAILURE_MS + 100);
    expect(dataOf(await ask(program.dns, `${name} A`))).toEqual([RIGHT]);
    expect(upstream.asked(name)).toBe(2);
  });

  test('a failure that blames the zone is passed on in the words of the upstream, and not tried everywhere', async () => {
    const blame: ScriptedHandler = (query) =>
      answer(query, [], {
        flags: FLAG.QR | FLAG.RD | FLAG.RA | RCODE.SERVFAIL,
        edns: { options: edeOption(EDE.DNSSEC_BOGUS, 'no such key') },
      });
    for (const upstream of blaming) upstream.onQuery(blame);
    const reply = await ask(program.dns, 'www.bogus.example. A');
    expect([reply.rcode, reply.ede]).toEqual([
      RCODE.SERVFAIL,
      { infoCode: EDE.DNSSEC_BOGUS, text: 'no such key' },
    ]);
    expect(blaming.map((upstream) => upstream.asked())).toEqual([1, 1, 0]);
  });

  test('an EDE beside an answer is passed on, also from the cache', async () => {
    const upstream = upstreamOf('ede', (query) =>
      answer(query, [`${query.name} 300 IN A ${RIGHT}`], {
        edns: { options: edeOption(EDE.FORGED_ANSWER) },
      }),
    );
    for (let i = 0; i < 2; i++) {
      const reply = await ask(program.dns, 'www.ede.example. A');
      expect([dataOf(reply), reply.ede?.infoCode]).toEqual([[RIGHT], EDE.FORGED_ANSWER]);
    }
    expect(upstream.asked()).toBe(1);
  });

  test('records that nobody asked for are neither given nor kept', async () => {
    const WRONG = '192.0.2.66';
    const upstream = upstreamOf('stray', (query) =>
      query.name === 'www.stray.example.'
        ? answer(
            query,
            [
              `bank.stray.example. 300 IN A ${WRONG}`,
              'www.stray.example. 300 IN CNAME real.stray.example.',
              `real.stray.example. 300 IN A ${RIGHT}`,
              `mail.stray.example. 300 IN A ${WRONG}`,
            ],
            {
              authority: [
                'stray.example. 300 IN NS ns.stray.example.',
                `ns.stray.example. 300 IN A ${WRONG}`,
              ],
              additional: [`ns.stray.example. 300 IN A ${WRONG}`, `bank.stray.example. 300 IN A ${WRONG}`],
            },
          )
        : give('192.0.2.2')(query),
    );
    for (let i = 0; i < 2; i++) {
      const reply = await ask(program.dns, 'www.stray.example. A');
      expect([reply.answer.length, reply.authority, reply.additional]).toEqual([2, [], []]);
      expect(dataOf(reply)).toEqual(['real.stray.example.', RIGHT]);
    }
    for (const name of [
      'bank.stray.example.',
      'mail.stray.example.',
      'ns.stray.example.',
      'real.stray.example.',
    ]) {
      expect(dataOf(await ask(program.dns, `${name} A`)), name).toEqual(['192.0.2.2']);
    }
    expect(upstream.asked()).toBe(5);
  });

  test('nothing about a client goes out', async () => {
    const upstream = upstreamOf('private', give(RIGHT));
    // Client subnet 198.51.100.0/24, a cookie, and an option for private use (RFC 7871, RFC 7873, RFC 6891).
    const options = Uint8Array.of(
      ...[0, 8, 0, 7, 0, 1, 24, 0, 198, 51, 100],
      ...[0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8],
      ...[0xfd, 0xe9, 0, 2, 7, 7],
    );
    await ask(program.dns, 'www.private.example. A', { edns: { options } });
    const [query] = upstream.queries;
    expect(optionsOf(query).map(({ code }) => code)).toEqual([OPTION.COOKIE]);
    expect(cookieOf(query)).toHaveLength(8);
    expect(cookieOf(query)).not.toEqual(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
  });

  test('an answer without the cookie that its server always has is not believed', async () => {
    const serverCookie = Buffer.from('servercookie0001');
    const withCookie = (query: ScriptedQuery, address: string): Uint8Array => {
      const cookie = Buffer.concat([cookieOf(query).subarray(0, 8), serverCookie]);
      const options = Buffer.concat([Buffer.of(0, OPTION.COOKIE, 0, cookie.length), cookie]);
      return answer(query, [`${query.name} 300 IN A ${address}`], { edns: { options } });
    };
    const upstream = upstreamOf('cookie', (query) => withCookie(query, RIGHT));
    await ask(program.dns, 'first.cookie.example. A');
    expect(dataOf(await ask(program.dns, 'second.cookie.example. A'))).toEqual([RIGHT]);
    const [first, second] = upstream.queries;
    expect(Buffer.from(cookieOf(second)).equals(Buffer.concat([cookieOf(first), serverCookie]))).toBe(true);
    // A forger knows no cookie: its answer is dropped, and the truth is asked for over TCP.
    upstream.onQuery((query) =>
      query.transport === 'udp' ? give('192.0.2.66')(query) : withCookie(query, RIGHT),
    );
    expect(dataOf(await ask(program.dns, 'forged.cookie.example. A'))).toEqual([RIGHT]);
    const ways = upstream.questions('forged.cookie.example.');
    expect(ways.map(({ transport }) => transport)).toEqual(['udp', 'tcp']);
    expect(
      await readMetric(program, 'cordon_upstream_unwanted_total', {
        upstream: textOf(upstream).slice(1, -1),
      }),
    ).toBe(1);
  });

  test('an answer is fetched anew when somebody asks near its end, and only then', {
    tags: 'night',
  }, async () => {
    const upstream = zones.get('popular');
    const www = 'www.popular.example.';
    await ask(program.dns, `${www} A`);
    expect(upstream?.asked(www)).toBe(1);
    await later(0.905 * TTL_SEC * 1000 - (performance.now() - sinceMs));
    const last = await ask(program.dns, `${www} A`);
    expect(dataOf(last)).toEqual([RIGHT]);
    expect(ttlOf(last.answer[0])).toBeLessThanOrEqual(TTL_SEC / 10);
    await expect.poll(() => upstream?.asked(www)).toBe(2);
    await expect.poll(async () => dataOf(await ask(program.dns, `${www} A`))).toEqual(['192.0.2.2']);
    expect(ttlOf((await ask(program.dns, `${www} A`)).answer[0])).toBeGreaterThan(TTL_SEC / 2);
    expect([upstream?.asked(www), upstream?.asked('rare.popular.example.')]).toEqual([2, 1]);
    expect(await readMetric(program, 'cordon_prefetches_total')).toBe(1);
  });
});

describe('much that waits', () => {
  afterEach(closeAll);

  test('a dead name that a hundred clients ask for costs one question for each try', {
    tags: 'night',
  }, async () => {
    const frozen = await openUpstream(silence);
    const program = await start([frozen], 'resolver: { timeout: 5s, try-timeout: 2s }');
    const clients = Array.from({ length: 100 }, (_, i) => `127.0.1.${i + 1}`);
    const replies = await Promise.all(
      clients.map((from) => timed(ask(program.dns, 'www.example. A', { from }))),
    );
    for (const { reply, tookMs } of replies) {
      expect([reply.rcode, reply.ede?.infoCode]).toEqual([RCODE.SERVFAIL, EDE.NO_REACHABLE_AUTHORITY]);
      expect(tookMs).toBeLessThan(5_000 + MARGIN_MS);
    }
    // At once, after 300 and 600 ms more, and after each try of 2 s: six at most.
    expect(frozen.count('www.example.')).toBeLessThanOrEqual(6);
    expect(await readMetric(program, 'cordon_coalesced_queries_total')).toBe(99);
  });

  test('one client is refused beyond its share, others are not, and in a full room the greedy give way', {
    tags: 'night',
  }, async () => {
    const frozen = await openUpstream(silence);
    const program = await start(
      [frozen],
      'resolver: { timeout: 10s, try-timeout: 10s, inflight: 16, client-share: 25% }',
    );
    /** Asks names from one socket and returns those that are answered before anything times out. */
    const flood = (from: string, names: readonly string[], refusedCount: number): Promise<Reply[]> =>
      exchangeDatagrams(
        program.dns,
        names.map((name, id) => buildQuery(`${name} A`, { id, edns: {} })),
        refusedCount,
        from,
      ).then((replies) => replies.map(readReply));
    // Half of the room is for whoever comes; from there on the greedy one has long had its quarter.
    const greedy = await flood('127.0.0.10', namesOf('greedy', 20), 12);
    for (const reply of greedy)
      expect([reply.rcode, reply.ede?.infoCode]).toEqual([RCODE.SERVFAIL, EDE.OTHER]);
    expect(greedy[0]?.ede?.text).toContain('client');
    expect(await readMetric(program, 'cordon_inflight_queries')).toBe(8);
    expect(await readMetric(program, 'cordon_client_share_refused_total')).toBe(12);
    // Others have their quarter: six questions, of which two are too many.
    expect(await flood('127.0.0.11', namesOf('modest', 6), 2)).toHaveLength(2);
    expect(await flood('127.0.0.12', namesOf('third', 6), 2)).toHaveLength(2);
    expect(await readMetric(program, 'cordon_inflight_queries')).toBe(16);
    // Whoever comes to a full room is asked for all the same, once the oldest question of the greedy one is no longer young.
    let tries = 0;
    await expect
      .poll(() => {
        void ask(program.dns, `late${tries++}.example. A`, { from: '127.0.0.13' });
        return frozen.count();
      })
      .toBeGreaterThan(16);
    // One gives way before another takes its place.
    await expect.poll(() => readMetric(program, 'cordon_inflight_queries')).toBe(16);
    expect(
      await readMetric(program, 'cordon_questions_given_up_total', { reason: 'client' }),
    ).toBeGreaterThan(0);
    // What was refused is not remembered as a failure, and there is room again after the time-out.
    frozen.onQuery(give(RIGHT));
    await expect.poll(() => readMetric(program, 'cordon_inflight_queries'), { timeout: 90_000 }).toBe(0);
    expect(dataOf(await ask(program.dns, 'greedy19.example. A', { from: '127.0.0.10' }))).toEqual([RIGHT]);
    expect(dataOf(await ask(program.dns, 'greedy0.example. A', { from: '127.0.0.13' }))).toEqual([RIGHT]);
  });
});

describe('what an upstream says', () => {
  afterEach(closeAll);

  test('private addresses for a public name are kept from clients, in every form', {
    tags: 'night',
  }, async () => {
    const book = new AnswerBook();
    const records: Readonly<Record<string, string>> = {
      'a.example. A': 'a.example. 300 IN A 192.168.1.1',
      'mapped.example. AAAA': 'mapped.example. 300 IN AAAA ::ffff:10.0.0.1',
      'local.example. AAAA': 'local.example. 300 IN AAAA fd00::1',
      'hint.example. HTTPS': 'hint.example. 300 IN HTTPS 1 . ipv4hint=10.0.0.1',
      'loop.example. A': 'loop.example. 300 IN A 127.0.0.1',
    };
    for (const [question, record] of Object.entries(records)) book.set(question, [record]);
    book.set('alias.example. A', [
      'alias.example. 300 IN CNAME inner.allowed.example.',
      'inner.allowed.example. 300 IN A 10.0.0.1',
    ]);
    book.set('mixed.example. A', [`mixed.example. 300 IN A ${RIGHT}`, 'mixed.example. 300 IN A 10.0.0.1']);
    book.set('public.example. A', [`public.example. 300 IN A ${RIGHT}`]);
    for (const zone of ['allowed.example.', 'forwarded.example.'])
      book.set(`www.${zone} A`, [`www.${zone} 300 IN A 10.0.0.1`]);
    const upstream = await openUpstream(book.handler);
    const program = await start(
      [upstream],
      `forward: [{ zones: [forwarded.example], upstreams: [${textOf(upstream)}] }]
rebinding: { protect: true, allow: [allowed.example] }`,
    );
    const refused = [...Object.keys(records), 'alias.example. A', 'mixed.example. A'];
    for (const question of refused) {
      for (let i = 0; i < 2; i++) {
        const reply = await ask(program.dns, question);
        expect([reply.rcode, reply.answer, reply.ede?.infoCode], question).toEqual([
          RCODE.NOERROR,
          [],
          EDE.FILTERED,
        ]);
      }
    }
    expect(await readMetric(program, 'cordon_rebinding_refused_total')).toBe(refused.length);
    expect(dataOf(await ask(program.dns, 'public.example. A'))).toEqual([RIGHT]);
    for (const zone of ['allowed.example.', 'forwarded.example.'])
      expect(dataOf(await ask(program.dns, `www.${zone} A`)), zone).toEqual(['10.0.0.1']);
  });

  test('names with IPv4 addresses only get IPv6 addresses, which lists judge by what is in them', async () => {
    const book = new AnswerBook()
      .set('four.example. A', ['four.example. 300 IN A 192.0.2.1'])
      .set('four.example. AAAA', (query) => answer(query, [], { authority: [SOA] }))
      .set('listed.example. A', ['listed.example. 300 IN A 198.51.100.7'])
      .set('listed.example. AAAA', (query) => answer(query, [], { authority: [SOA] }))
      .set('six.example. AAAA', ['six.example. 300 IN AAAA 2001:db8::6'])
      .set('six.example. A', ['six.example. 300 IN A 192.0.2.6'])
      .set('mapped.example. AAAA', ['mapped.example. 300 IN AAAA ::ffff:192.0.2.9'])
      .set('mapped.example. A', ['mapped.example. 300 IN A 192.0.2.9'])
      .set('1.2.0.192.in-addr.arpa. PTR', ['1.2.0.192.in-addr.arpa. 300 IN PTR four.example.']);
    const upstream = await openUpstream(book.handler);
    const program = await start(
      [upstream],
      `dns64: {}
lists: [{ id: own, file: own.rpz, format: rpz }]`,
      { 'own.rpz': '24.0.100.51.198.rpz-ip 300 IN CNAME .\n' },
    );
    for (let i = 0; i < 2; i++) {
      expect(dataOf(await ask(program.dns, 'four.example. AAAA'))).toEqual(['64:ff9b::c000:201']);
      expect(dataOf(await ask(program.dns, 'six.example. AAAA'))).toEqual(['2001:db8::6']);
      expect(dataOf(await ask(program.dns, 'mapped.example. AAAA'))).toEqual(['64:ff9b::c000:209']);
      const refused = await ask(program.dns, 'listed.example. AAAA');
      expect([refused.rcode, refused.answer, refused.ede?.infoCode]).toEqual([
        RCODE.NXDOMAIN,
        [],
        EDE.BLOCKED,
      ]);
    }
    expect((await ask(program.dns, 'absent.example. AAAA')).rcode).toBe(RCODE.NXDOMAIN);
    expect(upstream.asked('six.example.')).toBe(1);
    expect(
      await readMetric(program, 'cordon_refusals_total', { list: 'own', qtype: 'AAAA' }),
    ).toBeGreaterThan(0);
  });
});

describe('a translator with a prefix of its own', () => {
  afterEach(closeAll);

  test.each([
    ['fd64::/96', 'fd64::'],
    ['2001:db8:64::/96', '2001:db8:64::'],
  ])('%s: what it makes is given, and no private name leaves', async (prefix, base) => {
    const book = new AnswerBook()
      .set('four.example. A', ['four.example. 300 IN A 93.184.215.14'])
      .set('four.example. AAAA', (query) => answer(query, [], { authority: [SOA] }))
      .set('inside.example. A', ['inside.example. 300 IN A 10.1.2.3'])
      .set('inside.example. AAAA', (query) => answer(query, [], { authority: [SOA] }))
      .set('14.215.184.93.in-addr.arpa. PTR', ['14.215.184.93.in-addr.arpa. 300 IN PTR four.example.']);
    const upstream = await openUpstream(book.handler);
    const program = await start([upstream], `dns64: { prefix: "${prefix}" }\nrebinding: { protect: true }`);
    expect(dataOf(await ask(program.dns, 'four.example. AAAA'))).toEqual([`${base}5db8:d70e`]);
    const inside = await ask(program.dns, 'inside.example. AAAA');
    expect([inside.answer, inside.ede?.infoCode]).toEqual([[], EDE.FILTERED]);
    const reverseOf = (digits: string): string => {
      const head = base.startsWith('fd64') ? 'fd64'.padEnd(24, '0') : '20010db80064'.padEnd(24, '0');
      return `${[...(head + digits)].reverse().join('.')}.ip6.arpa.`;
    };
    const name = reverseOf('5db8d70e');
    expect((await ask(program.dns, `${name} PTR`)).answer).toEqual([
      `${name} 600 IN CNAME 14.215.184.93.in-addr.arpa.`,
      '14.215.184.93.in-addr.arpa. 300 IN PTR four.example.',
    ]);
    const own = reverseOf('0a010203');
    const reply = await ask(program.dns, `${own} PTR`);
    expect([reply.rcode, reply.answer]).toEqual([
      RCODE.NXDOMAIN,
      [`${own} 600 IN CNAME 3.2.1.10.in-addr.arpa.`],
    ]);
    // Nor what is private under the prefix and no address.
    if (base === 'fd64::') expect((await ask(program.dns, `${own} TXT`)).rcode).toBe(RCODE.NXDOMAIN);
    const left = upstream.queries.map(({ name: asked }) => asked.toLowerCase());
    expect(left.filter((asked) => /10\.in-addr|d\.f\.ip6|8\.b\.d/.test(asked))).toEqual([]);
  });
});

describe('letters', () => {
  afterEach(closeAll);

  test('are mixed where that is asked for, and an answer in other letters is not believed', async () => {
    const upstream = await openUpstream();
    const program = await start([upstream], 'resolver: { mixed-case: true, cookies: false }');
    const name = 'abcdefghijklmnopqrstuvwxyz.example.';
    const reply = await ask(program.dns, `${name} A`);
    expect([reply.question, reply.answer]).toEqual([`${name} A`, [`${name} 300 IN A ${RIGHT}`]]);
    const [query] = upstream.queries;
    expect(query?.name.toLowerCase()).toBe(name);
    expect(query?.name).not.toBe(name);
    upstream.onQuery((query) =>
      query.transport === 'udp'
        ? give('192.0.2.66')({ ...query, name: query.name.toLowerCase() })
        : give(RIGHT)(query),
    );
    expect(dataOf(await ask(program.dns, `forged-${name} A`))).toEqual([RIGHT]);
    const ways = upstream.queries.slice(1).map(({ transport }) => transport);
    expect(ways).toEqual(['udp', 'tcp']);
  });
});
