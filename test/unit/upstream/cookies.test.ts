import { expect, test } from 'vitest';
import { CookieJar } from '../../../src/resolver/upstream/cookie-jar.ts';
import { FLAG, messageFlags, OPTION, RCODE, readU16, writeU16 } from '../../../src/wire/dns/dns.ts';
import { parseMessage } from '../../support/records.ts';
import {
  answer,
  answerCode,
  type ScriptedHandler,
  type ScriptedQuery,
} from '../../support/scripted-upstream.ts';
import { ask, openUpstream, patientClock, question, startForwarding } from './setup.ts';

const NAME = 'www.example.com.';
const RECORD = 'www.example.com. 300 IN A 192.0.2.1';
const FORGED = 'www.example.com. 300 IN A 203.0.113.66';
const SERVER_COOKIE = Uint8Array.from({ length: 16 }, (_, i) => 0xa0 + i);
const BADCOOKIE_TTL = (RCODE.BADCOOKIE >>> 4) << 24;
const BADCOOKIE_FLAGS = FLAG.QR | (RCODE.BADCOOKIE & 0xf);

/** The data of the COOKIE option of a query. */
const cookieOf = (query: ScriptedQuery): Uint8Array | undefined => {
  const options = parseMessage(query.bytes).opt?.options;
  return options !== undefined && options.length > 4 && readU16(options, 0) === OPTION.COOKIE
    ? options.subarray(4, 4 + readU16(options, 2))
    : undefined;
};

const optionOf = (data: Uint8Array): Uint8Array => {
  const option = new Uint8Array(4 + data.length);
  writeU16(option, 0, OPTION.COOKIE);
  writeU16(option, 2, data.length);
  option.set(data, 4);
  return option;
};

/** An answer with the client's cookie and that of the server. */
const withCookie = (
  query: ScriptedQuery,
  records: readonly string[] = [RECORD],
  server = SERVER_COOKIE,
): Uint8Array => {
  const client = cookieOf(query)?.subarray(0, 8) ?? new Uint8Array(0);
  return answer(query, records, { edns: { options: optionOf(Uint8Array.of(...client, ...server)) } });
};

const badCookie = (query: ScriptedQuery, server = SERVER_COOKIE): Uint8Array => {
  const client = cookieOf(query)?.subarray(0, 8) ?? new Uint8Array(0);
  return answer(query, [], {
    flags: BADCOOKIE_FLAGS,
    edns: { ttl: BADCOOKIE_TTL, options: optionOf(Uint8Array.of(...client, ...server)) },
  });
};

const start = async (handler: ScriptedHandler, options = {}) => {
  const upstream = await openUpstream(handler);
  const { forwarding, events } = startForwarding([{ endpoints: [upstream.endpoint] }], {
    cookies: true,
    ...options,
  });
  const resolve = async (): Promise<readonly string[] | string> => {
    const outcome = await ask(forwarding, question(NAME));
    return outcome.kind === 'answer' ? parseMessage(outcome.message).answer : outcome.reason;
  };
  return { upstream, forwarding, events, resolve };
};

test('resolve() sends a client cookie, learns the server cookie and sends it back', async () => {
  const { upstream, resolve } = await start((query) => withCookie(query));
  for (let i = 0; i < 3; i++) expect(await resolve()).toEqual([RECORD]);
  const cookies = upstream.queries.map(cookieOf);
  expect(cookies.map((cookie) => cookie?.length)).toEqual([8, 24, 24]);
  expect(cookies[1]?.subarray(0, 8)).toEqual(cookies[0]);
  expect(cookies[1]?.subarray(8)).toEqual(SERVER_COOKIE);
  // Nothing else: no client subnet, no padding.
  expect(parseMessage(upstream.queries[0]?.bytes ?? new Uint8Array(12)).opt?.options).toHaveLength(12);
});

test('resolve() keeps nothing of a message that is used for another answer', async () => {
  const { upstream, forwarding } = await start((query) => withCookie(query));
  for (let i = 0; i < 3; i++) {
    const outcome = await ask(forwarding, question(NAME));
    if (outcome.kind !== 'answer') throw new Error(outcome.reason);
    // slice() of a Buffer is no copy.
    expect(Object.getPrototypeOf(outcome.message)).toBe(Uint8Array.prototype);
    outcome.message.fill(0xaa);
    outcome.end?.();
  }
  expect(upstream.queries.map((query) => cookieOf(query)?.subarray(8))).toEqual([
    new Uint8Array(0),
    SERVER_COOKIE,
    SERVER_COOKIE,
  ]);
});

test('resolve() shows each server another client cookie, and each process', async () => {
  const seen = new Set<string>();
  for (let process = 0; process < 2; process++) {
    const upstreams = [
      await openUpstream((query) => answerCode(query, 2)),
      await openUpstream((query) => answer(query)),
    ];
    const { forwarding } = startForwarding([{ endpoints: upstreams.map((one) => one.endpoint) }], {
      cookies: true,
    });
    await ask(forwarding, question(NAME));
    for (const upstream of upstreams) {
      const cookie = upstream.queries.map(cookieOf)[0];
      seen.add(Buffer.from(cookie ?? new Uint8Array(0)).toString('hex'));
    }
  }
  expect(seen.size).toBe(4);
  expect(seen.has('')).toBe(false);
});

test('resolve() sends no cookie unless it is told to, nor over TCP upstreams', async () => {
  const off = await start((query) => answer(query), { cookies: false });
  await off.resolve();
  expect(cookieOf(off.upstream.queries[0] ?? fail())).toBeUndefined();
  const upstream = await openUpstream((query) => answer(query));
  const { forwarding } = startForwarding(
    [{ servers: [{ endpoint: upstream.endpoint, transport: 'tcp', text: 'tcp' }] }],
    { cookies: true },
  );
  await ask(forwarding, question(NAME));
  expect(cookieOf(upstream.queries[0] ?? fail())).toBeUndefined();
});

const wrongCookies: { what: string; change: (cookie: Uint8Array) => Uint8Array }[] = [
  { what: 'another client cookie', change: (cookie) => cookie.map((byte, i) => (i === 7 ? byte ^ 1 : byte)) },
  { what: 'a short client cookie', change: (cookie) => cookie.subarray(0, 7) },
  { what: 'nothing in the option', change: () => new Uint8Array(0) },
  { what: 'a server cookie of 7 bytes', change: (cookie) => cookie.subarray(0, 15) },
  {
    what: 'a server cookie of 33 bytes',
    change: (cookie) => Uint8Array.of(...cookie.subarray(0, 8), ...new Uint8Array(33)),
  },
];

test.each(wrongCookies)(
  'resolve() drops an answer with $what and takes the one after it',
  async ({ change }) => {
    const { upstream, events, resolve } = await start((query) => {
      const client = cookieOf(query)?.subarray(0, 8) ?? new Uint8Array(0);
      const cookie = change(Uint8Array.of(...client, ...SERVER_COOKIE));
      return [answer(query, [FORGED], { edns: { options: optionOf(cookie) } }), withCookie(query)];
    });
    expect(await resolve()).toEqual([RECORD]);
    expect(events).toEqual(['0 sent udp', '0 unwanted cookie', '0 answered 0']);
    expect(upstream.count()).toBe(1);
  },
);

test('resolve() takes answers without a cookie from a server that never gave one', async () => {
  const { events, resolve } = await start((query) => answer(query, [RECORD]));
  for (let i = 0; i < 3; i++) expect(await resolve()).toEqual([RECORD]);
  expect(events).toEqual([
    '0 sent udp',
    '0 answered 0',
    '0 sent udp',
    '0 answered 0',
    '0 sent udp',
    '0 answered 0',
  ]);
});

test('resolve() asks over TCP when a server that has cookies answers without one', async () => {
  let isForged = false;
  const { events, resolve } = await start((query) =>
    isForged && query.transport === 'udp' ? answer(query, [FORGED]) : withCookie(query),
  );
  await resolve();
  isForged = true;
  for (let i = 0; i < 2; i++) {
    events.length = 0;
    // The cookie over TCP shows that the server still has them: the next forger gains nothing either.
    expect(await resolve()).toEqual([RECORD]);
    expect(events).toEqual(['0 sent udp', '0 unwanted cookie', '0 sent tcp', '0 answered 0']);
  }
});

test('resolve() expects no cookies for a while from a server that gave them up', async () => {
  let offsetMs = 0;
  const patient = patientClock();
  let hasCookies = true;
  const { upstream, events, resolve } = await start(
    (query) => (hasCookies ? withCookie(query) : answer(query, [RECORD])),
    { clock: () => patient() + offsetMs },
  );
  await resolve();
  hasCookies = false;
  events.length = 0;
  for (let i = 0; i < 2; i++) expect(await resolve()).toEqual([RECORD]);
  expect(events).toEqual([
    '0 sent udp',
    '0 unwanted cookie',
    '0 sent tcp',
    '0 answered 0',
    '0 sent udp',
    '0 answered 0',
  ]);
  expect(cookieOf(upstream.queries.at(-1) ?? fail())).toBeUndefined();
  offsetMs = 600_000;
  hasCookies = true;
  await resolve();
  expect(cookieOf(upstream.queries.at(-1) ?? fail())).toHaveLength(8);
});

test('resolve() goes on without cookies when TCP cannot tell the truth', async () => {
  let hasCookies = true;
  const { events, resolve } = await start((query) => {
    if (query.transport === 'tcp') return { pieces: [] };
    return hasCookies ? withCookie(query) : answer(query, [RECORD]);
  });
  await resolve();
  hasCookies = false;
  expect(await resolve()).toBe('network');
  expect(events).toContain('0 unwanted cookie');
  expect(await resolve()).toEqual([RECORD]);
});

test('resolve() asks once more with the cookie that came with BADCOOKIE', async () => {
  const { upstream, events, resolve } = await start((query) =>
    cookieOf(query)?.length === 24 ? withCookie(query) : badCookie(query),
  );
  expect(await resolve()).toEqual([RECORD]);
  expect(events).toEqual(['0 sent udp', '0 answered 23', '0 sent udp', '0 answered 0']);
  expect(upstream.queries.every((query) => query.hasEdns)).toBe(true);
});

test('resolve() asks over TCP after BADCOOKIE twice', async () => {
  const { events, resolve } = await start((query) =>
    query.transport === 'udp' ? badCookie(query) : withCookie(query),
  );
  expect(await resolve()).toEqual([RECORD]);
  expect(events).toEqual([
    '0 sent udp',
    '0 answered 23',
    '0 sent udp',
    '0 answered 23',
    '0 sent tcp',
    '0 answered 0',
  ]);
});

test('resolve() fails at a server that says BADCOOKIE for ever', async () => {
  const { upstream, resolve } = await start((query) => badCookie(query));
  expect(await resolve()).toBe('servfail');
  expect(upstream.count()).toBe(3);
});

test('resolve() leaves the cookie away, then OPT, for a server that cannot take them', async () => {
  const noOptions = await start((query) =>
    cookieOf(query) === undefined ? answer(query, [RECORD]) : answerCode(query, RCODE.FORMERR),
  );
  expect(await noOptions.resolve()).toEqual([RECORD]);
  expect(await noOptions.resolve()).toEqual([RECORD]);
  expect(noOptions.upstream.queries.map((query) => [query.hasEdns, cookieOf(query) !== undefined])).toEqual([
    [true, true],
    [true, false],
    [true, false],
  ]);
  const noEdns = await start((query) =>
    query.hasEdns ? answerCode(query, RCODE.FORMERR) : answer(query, [RECORD]),
  );
  expect(await noEdns.resolve()).toEqual([RECORD]);
  expect(noEdns.upstream.queries.map((query) => query.hasEdns)).toEqual([true, true, false]);
});

test('resolve() leaves the cookie away where queries with one vanish', async () => {
  const { upstream, resolve } = await start(
    (query) => (cookieOf(query) === undefined ? answer(query, [RECORD]) : undefined),
    { tryTimeoutMs: 40 },
  );
  expect(await resolve()).toEqual([RECORD]);
  expect(await resolve()).toEqual([RECORD]);
  expect(upstream.queries.map((query) => cookieOf(query) !== undefined)).toEqual([true, true, false, false]);
});

test('resolve() asks with AD and cookie for what was truncated', async () => {
  const { upstream, resolve } = await start((query) =>
    query.transport === 'udp' ? answerCode(query, 0, FLAG.TC) : withCookie(query),
  );
  expect(await resolve()).toEqual([RECORD]);
  expect(upstream.queries.map((query) => cookieOf(query)?.length)).toEqual([8, 8]);
  expect(upstream.queries.map((query) => messageFlags(query.bytes))).toEqual([FLAG.RD, FLAG.RD]);
});

test('examine() takes a client cookie alone without expecting more from then on', () => {
  const jar = new CookieJar('192.0.2.53:53', new Uint8Array(32), Date.now);
  const client = jar.next(false) ?? new Uint8Array(0);
  expect(client).toHaveLength(8);
  expect(jar.examine(client, 0, 8)).toBe('fits');
  expect(jar.examine(client, 0, -1)).toBe('none');
  expect(jar.examine(Uint8Array.of(...client, ...SERVER_COOKIE), 0, 24)).toBe('fits');
  expect(jar.examine(client, 0, -1)).toBe('missing');
});

const fail = (): never => {
  throw new Error('no query arrived');
};
