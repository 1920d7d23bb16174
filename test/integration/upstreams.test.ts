// Upstreams that misbehave, judged by what a client of the running program gets, and when.
//
// In most cases two upstreams are there for a zone, a misbehaving one first. What is wrong on purpose says WRONG, so
// that it would be seen if it came through or was kept.
import assert from 'node:assert/strict';
import { createHash, createPublicKey } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { constants } from 'node:http2';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Endpoint } from '../../src/base/base.ts';
import { FLAG, RCODE, TYPE } from '../../src/wire/dns/dns.ts';
import { CertificateAuthority, type Issued, openssl } from '../support/certificates.ts';
import { type AskOptions, ask, type Reply, readMetric, reload } from '../support/client.ts';
import { runCommandHere } from '../support/command.ts';
import {
  type EncryptedUnbound,
  startEncryptedUnbound,
  UNBOUND_ADDRESS,
} from '../support/encrypted-unbound.ts';
import { DatagramUpstream, type StrangeReply, StrangeUpstream } from '../support/misbehaving-upstream.ts';
import { inTwo } from '../support/night.ts';
import { isInstalled, requireProgram, startCordon as startProcess } from '../support/process.ts';
import {
  answer,
  answerCode,
  frame,
  type ScriptedHandler,
  type ScriptedQuery,
  ScriptedUpstream,
} from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

/** Time of one try. */
const TRY_MS = 8_000;
/** Silence after which an upstream that was never heard of gets company. */
const HEDGE_MS = 300;
/** Between two probes of an upstream that is down. */
const PROBE_MS = 2_000;
/** What a loaded machine may add: with a hedge before it, still below the time of a try. */
const MARGIN_MS = 7_000;
/** Until an upstream is known to be down: so many faults in a row. */
const FAULTS = 3;
const RIGHT = '192.0.2.1';
const WRONG = '192.0.2.66';
const SERVER_NAME = 'dns.example.net';

const give =
  (address: string) =>
  (query: ScriptedQuery): Uint8Array =>
    answer(query, [`${query.name} 300 IN A ${address}`]);
const lie = give(WRONG);
const fail: ScriptedHandler = (query) => answerCode(query, RCODE.SERVFAIL);
const truncate = (query: ScriptedQuery): Uint8Array => answerCode(query, RCODE.NOERROR, FLAG.TC);
/** Replies of another kind over TCP, or none that was expected. */
const overTcp =
  (tcp: ScriptedHandler): ScriptedHandler =>
  (query) =>
    query.transport === 'udp' ? truncate(query) : tcp(query);

const later = (timeMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, timeMs));

interface Closable {
  close(): Promise<void>;
}

const open: Closable[] = [];
const programs: Cordon[] = [];

/** Closed when all tests of the block are over. */
const keep = <Kept extends Closable>(upstream: Kept): Kept => {
  open.push(upstream);
  return upstream;
};

/** Variables of Node.js are of a process. */
const start = async (config: string, env?: Readonly<Record<string, string>>): Promise<Cordon> => {
  const program = await (env === undefined ? startCordon({ config }) : startProcess({ config, env }));
  programs.push(program);
  return program;
};

const closeAll = async (): Promise<void> => {
  for (const program of programs.splice(0)) await program.stop();
  for (const upstream of open.splice(0)) await upstream.close();
};

const openScripted = async (handler: ScriptedHandler = give(RIGHT)): Promise<ScriptedUpstream> =>
  keep(await ScriptedUpstream.open(handler));

const textOf = ({ endpoint }: { readonly endpoint: Endpoint }): string =>
  `${endpoint.address}:${endpoint.port}`;

const encryptedTextOf = ({ transport, endpoint }: StrangeUpstream): string =>
  `${transport}://127.0.0.1:${endpoint.port}${transport === 'https' ? '/dns-query' : ''}#${SERVER_NAME}`;

const configWith = (lines: string): string => `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
lists: []
dnssec: { mode: off }
${lines}`;

const failures = (program: Cordon, upstream: string, reason: string): Promise<number> =>
  readMetric(program, 'cordon_upstream_failures_total', { upstream, reason });

const hedges = (program: Cordon, upstream: string): Promise<number> =>
  readMetric(program, 'cordon_upstream_hedges_total', { upstream });

const isUp = async (program: Cordon, upstream: string): Promise<boolean> =>
  (await readMetric(program, 'cordon_upstream_up', { upstream })) === 1;

/** The address that a client gets, and after how many milliseconds. */
interface Timed {
  readonly address: string;
  readonly tookMs: number;
  readonly reply: Reply;
}

const askTimed = async (program: Cordon, name: string, options: AskOptions = {}): Promise<Timed> => {
  const sinceMs = performance.now();
  const reply = await ask(program.dns, `${name} A`, options);
  const address = reply.answer[0]?.split(' ').at(-1) ?? `RCODE ${reply.rcode}`;
  return { address, tookMs: performance.now() - sinceMs, reply };
};

/** What a case expects of the program. */
interface Expected {
  /** When the client has its answer at the latest: at once, or after the hedge. */
  readonly within: number;
  /** Label of `cordon_upstream_failures_total`; undefined: none of any reason. */
  readonly reason: string | undefined;
  /** Whether the upstream still counts as up after FAULTS questions; undefined: either may be. */
  readonly isUp: boolean | undefined;
  /** Whether the other upstream was asked because this one was silent. */
  readonly isHedged: boolean;
}

const AT_ONCE = { within: MARGIN_MS, isHedged: false };
const HEDGED = { within: HEDGE_MS + MARGIN_MS, isHedged: true };

const askInTurn = async (program: Cordon, names: readonly string[]): Promise<Timed[]> => {
  const timed: Timed[] = [];
  for (const name of names) timed.push(await askTimed(program, name));
  return timed;
};

/** Asks, asks again, and looks at what was counted. */
const judge = async (
  program: Cordon,
  zone: string,
  text: string,
  expected: Expected,
  soundCount: (name: string) => number,
): Promise<void> => {
  const names = Array.from({ length: FAULTS }, (_, i) => `www${i}.${zone}`);
  // Together where each has to wait; else one by one, because what is said on one connection would mix.
  const first = expected.isHedged
    ? await Promise.all(names.map((name) => askTimed(program, name)))
    : await askInTurn(program, names);
  expect(first.map(({ address }) => address)).toEqual(names.map(() => RIGHT));
  for (const { tookMs } of first) expect(tookMs).toBeLessThan(expected.within);
  // A machine that stands still for a moment may make one of them a hedge, not all.
  expect((await hedges(program, text)) === names.length).toBe(expected.isHedged);
  const { reason } = expected;
  if (reason !== undefined) {
    // Not expect.poll(), which cannot tell the tests that run at the same time from each other.
    await vi.waitFor(
      async () => expect(await failures(program, text, reason)).toBeGreaterThanOrEqual(names.length),
      { timeout: TRY_MS + MARGIN_MS },
    );
  }
  // One that is silent is asked once more, for what any server answers, before it counts as down.
  const failed = await readMetric(program, 'cordon_upstream_failures_total', { upstream: text });
  const checks = reason === 'timeout' ? 1 : 0;
  expect(failed).toBeGreaterThanOrEqual(reason === undefined ? 0 : names.length);
  expect(failed).toBeLessThanOrEqual(reason === undefined ? 0 : names.length + checks);
  if (expected.isUp !== undefined)
    await vi.waitFor(async () => expect(await isUp(program, text)).toBe(expected.isUp), {
      timeout: TRY_MS + MARGIN_MS,
    });
  // Whatever came too late was not kept, and what was kept is right.
  const asked = names.map(soundCount);
  expect(asked).toEqual(names.map(() => 1));
  for (const name of names) expect((await askTimed(program, name)).address).toBe(RIGHT);
  expect(names.map(soundCount)).toEqual(asked);
};

describe('over UDP and TCP', () => {
  /** `killed` and `tcp-closed` are opened apart. */
  const CASES: Readonly<Record<string, { handler?: ScriptedHandler } & Expected>> = {
    killed: { ...AT_ONCE, reason: 'network', isUp: false },
    frozen: { handler: () => undefined, ...HEDGED, reason: 'timeout', isUp: false },
    servfail: { handler: fail, ...AT_ONCE, reason: 'servfail', isUp: true },
    refused: {
      handler: (query) => answerCode(query, RCODE.REFUSED),
      ...AT_ONCE,
      reason: 'refused',
      isUp: true,
    },
    cut: { handler: (query) => lie(query).subarray(0, -2), ...AT_ONCE, reason: 'malformed', isUp: true },
    garbage: {
      handler: () => [new Uint8Array(5), new Uint8Array(100).fill(0xff), new Uint8Array(12)],
      ...HEDGED,
      reason: 'timeout',
      isUp: false,
    },
    'wrong-id': {
      handler: (query) => lie({ ...query, id: query.id ^ 1 }),
      ...HEDGED,
      reason: 'timeout',
      isUp: false,
    },
    'wrong-question': {
      handler: (query) => lie({ ...query, name: 'www.example.' }),
      ...HEDGED,
      reason: 'timeout',
      isUp: false,
    },
    // What fits into a datagram can still be had from these.
    'tcp-closed': { ...AT_ONCE, reason: 'network', isUp: true },
    // Whether it is up depends on what comes last: that it does not fit, or silence.
    'tcp-frozen': {
      handler: overTcp(() => undefined),
      ...HEDGED,
      reason: 'timeout',
      isUp: undefined,
    },
    'tcp-cut': {
      handler: overTcp((query) => ({ pieces: [frame(lie(query)).subarray(0, 30)] })),
      ...AT_ONCE,
      reason: 'network',
      isUp: true,
    },
    'tcp-wrong-question': {
      handler: overTcp((query) => lie({ ...query, name: 'www.example.' })),
      ...AT_ONCE,
      reason: 'malformed',
      isUp: true,
    },
  };

  let program: Cordon;
  let sound: ScriptedUpstream;
  const texts = new Map<string, string>();

  beforeAll(async () => {
    sound = await openScripted();
    const zones: string[] = [];
    const add = (what: string, bad: { readonly endpoint: Endpoint }): void => {
      texts.set(what, textOf(bad));
      zones.push(`{ zones: [${what}.example], upstreams: ["${textOf(bad)}", "${textOf(sound)}"] }`);
    };
    for (const [what, { handler }] of Object.entries(CASES)) {
      if (handler !== undefined) add(what, await openScripted(handler));
    }
    const killed = await DatagramUpstream.open(lie);
    add('killed', killed);
    await killed.close();
    add('tcp-closed', keep(await DatagramUpstream.open(truncate)));
    add('late', await openScripted((query) => ({ delayMs: 2_000, messages: lie(query) })));
    // Alone: a hedge would hide where the answer comes from.
    const addAlone = (what: string, only: ScriptedUpstream): void => {
      texts.set(what, textOf(only));
      zones.push(`{ zones: [${what}.example], upstreams: ["${textOf(only)}"] }`);
    };
    addAlone('tcp-whole', await openScripted(overTcp(give(RIGHT))));
    const piecewise = overTcp((query) => ({
      pieces: [...frame(give(RIGHT)(query))].map((byte) => Uint8Array.of(byte)),
    }));
    addAlone('tcp-bytes', await openScripted(piecewise));
    program = await start(
      configWith(`
upstreams: ["${textOf(sound)}"]
forward: [${zones.join(', ')}]
resolver: { timeout: 20s, try-timeout: ${TRY_MS}ms }`),
    );
  });

  afterAll(closeAll);

  const soundCount = (name: string): number => sound.count(`${name}.`);

  test.concurrent.each(Object.keys(CASES))('an upstream that is %s costs a client little', async (what) => {
    const expected = CASES[what];
    assert.ok(expected !== undefined);
    await judge(program, `${what}.example`, texts.get(what) ?? '', expected, soundCount);
  });

  test('an answer that comes after that of another upstream is not given, not kept and no failure', async () => {
    const text = texts.get('late') ?? '';
    const { address, tookMs } = await askTimed(program, 'www.late.example');
    expect(address).toBe(RIGHT);
    expect(tookMs).toBeLessThan(HEDGE_MS + MARGIN_MS);
    expect(await hedges(program, text)).toBe(1);
    await expect.poll(() => readMetric(program, 'cordon_upstream_answers_total', { upstream: text })).toBe(1);
    expect((await askTimed(program, 'www.late.example')).address).toBe(RIGHT);
    expect(soundCount('www.late.example')).toBe(1);
    expect(await readMetric(program, 'cordon_upstream_failures_total', { upstream: text })).toBe(0);
    expect(await isUp(program, text)).toBe(true);
  });

  test.each(['tcp-whole', 'tcp-bytes'])('an answer that only fits over TCP is taken: %s', async (what) => {
    const { address, tookMs } = await askTimed(program, `www.${what}.example`);
    expect(address).toBe(RIGHT);
    expect(tookMs).toBeLessThan(MARGIN_MS);
    expect(soundCount(`www.${what}.example`)).toBe(0);
    const upstream = texts.get(what) ?? '';
    for (const transport of ['udp', 'tcp']) {
      expect(await readMetric(program, 'cordon_upstream_queries_total', { upstream, transport })).toBe(1);
    }
    expect(await readMetric(program, 'cordon_upstream_failures_total', { upstream })).toBe(0);
  });

  test('forged datagrams are counted', async () => {
    for (const what of ['garbage', 'wrong-id', 'wrong-question']) {
      const upstream = texts.get(what) ?? '';
      expect(await readMetric(program, 'cordon_upstream_unwanted_total', { upstream }), what).toBeGreaterThan(
        0,
      );
    }
  });
});

describe('over TLS and HTTPS', () => {
  const authority = CertificateAuthority.create();
  const stranger = CertificateAuthority.create('Stranger');
  const good = authority.issue({ names: [`DNS:${SERVER_NAME}`] });

  interface EncryptedCase extends Expected {
    readonly reply?: (query: ScriptedQuery) => StrangeReply;
    readonly certificate?: Issued;
    /** Queries that arrive at the misbehaving upstream: none before it has proven who it is. */
    readonly isAsked: boolean;
  }

  const asked = { isAsked: true };
  const BOTH: Readonly<Record<string, EncryptedCase>> = {
    killed: { ...AT_ONCE, reason: 'network', isUp: false, isAsked: false },
    frozen: { reply: () => undefined, ...asked, ...HEDGED, reason: 'timeout', isUp: false },
    servfail: {
      reply: (query) => answerCode(query, RCODE.SERVFAIL),
      ...asked,
      ...AT_ONCE,
      reason: 'servfail',
      isUp: true,
    },
    'wrong-question': {
      reply: (query) => lie({ ...query, name: 'www.example.' }),
      ...asked,
      ...AT_ONCE,
      reason: 'malformed',
      isUp: true,
    },
    'wrong-name': {
      certificate: authority.issue({ names: ['DNS:dns.example.org'], commonName: SERVER_NAME }),
      isAsked: false,
      ...AT_ONCE,
      reason: 'certificate',
      isUp: false,
    },
    'unknown-ca': {
      certificate: stranger.issue({ names: [`DNS:${SERVER_NAME}`] }),
      isAsked: false,
      ...AT_ONCE,
      reason: 'certificate',
      isUp: false,
    },
    expired: {
      certificate: authority.issue({ names: [`DNS:${SERVER_NAME}`], endsInDays: -1 }),
      isAsked: false,
      ...AT_ONCE,
      reason: 'certificate',
      isUp: false,
    },
  };
  const CASES: Readonly<Record<'tls' | 'https', Readonly<Record<string, EncryptedCase>>>> = {
    tls: {
      ...BOTH,
      'closed-in-answer': {
        reply: (query) => ({ pieces: [frame(lie(query)).subarray(0, 30)] }),
        ...asked,
        ...AT_ONCE,
        reason: 'network',
        isUp: false,
      },
      'wrong-id': {
        reply: (query) => lie({ ...query, id: query.id ^ 1 }),
        ...asked,
        ...HEDGED,
        reason: 'timeout',
        isUp: false,
      },
    },
    https: {
      ...BOTH,
      'status-500': {
        reply: (query) => ({ status: 500, body: lie(query) }),
        ...asked,
        ...AT_ONCE,
        reason: 'network',
        isUp: false,
      },
      'wrong-type': {
        reply: (query) => ({ type: 'text/html', body: lie(query) }),
        ...asked,
        ...AT_ONCE,
        reason: 'malformed',
        isUp: true,
      },
      short: {
        reply: () => new Uint8Array(2),
        ...asked,
        ...AT_ONCE,
        reason: 'malformed',
        isUp: true,
      },
      goaway: {
        reply: () => ({ goaway: constants.NGHTTP2_ENHANCE_YOUR_CALM }),
        ...asked,
        ...AT_ONCE,
        reason: 'network',
        isUp: false,
      },
    },
  };

  describe.each(['tls', 'https'] as const)('%s', (transport) => {
    const cases = CASES[transport];
    let program: Cordon;
    let sound: StrangeUpstream;
    let retiring: StrangeUpstream;
    const bad = new Map<string, StrangeUpstream>();

    beforeAll(async () => {
      const openStrange = async (
        reply: (query: ScriptedQuery) => StrangeReply,
        certificate = good,
      ): Promise<StrangeUpstream> => keep(await StrangeUpstream.open({ transport, certificate, reply }));
      sound = await openStrange(give(RIGHT));
      retiring = await openStrange((query) => ({
        goaway: constants.NGHTTP2_NO_ERROR,
        body: give(RIGHT)(query),
      }));
      for (const [what, { reply, certificate }] of Object.entries(cases)) {
        const upstream = await openStrange(reply ?? lie, certificate);
        bad.set(what, upstream);
        if (what === 'killed') await upstream.stop();
      }
      const zones = [...bad, ['retiring', retiring] as const].map(
        ([what, upstream]) =>
          `{ zones: [${what}.example], upstreams: ["${encryptedTextOf(upstream)}", "${encryptedTextOf(sound)}"] }`,
      );
      const unproven = ['wrong-name', 'unknown-ca'].flatMap((what) => bad.get(what) ?? []);
      const texts = unproven.map((upstream) => `"${encryptedTextOf(upstream)}"`).join(', ');
      zones.push(`{ zones: [unproven.example], upstreams: [${texts}] }`);
      program = await start(
        configWith(`
upstreams: ["${encryptedTextOf(sound)}"]
forward: [${zones.join(', ')}]
resolver: { timeout: 20s, try-timeout: ${TRY_MS}ms }`),
        { NODE_EXTRA_CA_CERTS: authority.issued.certificateFile },
      );
    });

    afterAll(closeAll);

    const soundCount = (name: string): number =>
      sound.queries.filter((query) => query.name === `${name}.`).length;

    // Whoever waits for a hedge waits as long over each of the two, and over UDP and TCP the same is asked.
    const isInGate = (what: string): boolean => cases[what]?.within !== HEDGED.within;
    for (const [options, whats] of inTwo(Object.keys(cases), isInGate))
      test.each(whats)(
        'an upstream that is %s costs a client little, and no question goes out in plaintext',
        options,
        async (what) => {
          const [expected, upstream] = [cases[what], bad.get(what)];
          assert.ok(expected !== undefined && upstream !== undefined);
          await judge(program, `${what}.example`, encryptedTextOf(upstream), expected, soundCount);
          expect(upstream.queries.length > 0).toBe(expected.isAsked);
          expect([upstream.plaintextCount, sound.plaintextCount]).toEqual([0, 0]);
        },
      );

    test.runIf(transport === 'https')('a session that the server ends in order is replaced', async () => {
      for (let i = 0; i < 3; i++) {
        expect((await askTimed(program, `www${i}.retiring.example`)).address).toBe(RIGHT);
        expect(soundCount(`www${i}.retiring.example`)).toBe(0);
      }
      expect(retiring.connectionCount).toBe(3);
      const upstream = encryptedTextOf(retiring);
      expect(await readMetric(program, 'cordon_upstream_failures_total', { upstream })).toBe(0);
    });

    test('queries are padded to blocks of 128 bytes and say nothing about the client', async () => {
      const long = `${'a'.repeat(60)}.${'b'.repeat(60)}.example`;
      // Client subnet 198.51.100.0/24 and a cookie (RFC 7871, RFC 7873).
      const options = Uint8Array.of(
        0,
        8,
        0,
        7,
        0,
        1,
        24,
        0,
        198,
        51,
        100,
        0,
        10,
        0,
        8,
        1,
        2,
        3,
        4,
        5,
        6,
        7,
        8,
      );
      for (const name of ['short.example', long]) await askTimed(program, name, { edns: { options } });
      const seen = sound.queries.filter(({ name }) => ['short.example.', `${long}.`].includes(name));
      expect(seen.map(({ bytes }) => bytes.length)).toEqual([128, 256]);
      for (const { bytes } of seen) {
        const text = Buffer.from(bytes).toString('latin1');
        expect(text).not.toContain(Buffer.of(198, 51, 100).toString('latin1'));
        expect(text).not.toContain(Buffer.of(1, 2, 3, 4, 5, 6, 7, 8).toString('latin1'));
      }
    });

    test('an upstream that comes back is used again', async () => {
      const upstream = bad.get('killed');
      assert.ok(upstream !== undefined);
      upstream.reply = give(RIGHT);
      await upstream.restart();
      await untilAsked(program, 'killed.example', upstream);
      expect(await isUp(program, encryptedTextOf(upstream))).toBe(true);
    });

    test('with no upstream left that proves who it is, nothing is answered and nothing is in plaintext', async () => {
      const upstreams = ['wrong-name', 'unknown-ca'].map((what) => bad.get(what));
      const before = sound.queries.length;
      for (let i = 0; i < FAULTS; i++) {
        const { reply } = await askTimed(program, `www${i}.unproven.example`);
        expect([reply.rcode, reply.answer]).toEqual([RCODE.SERVFAIL, []]);
      }
      for (const upstream of upstreams)
        expect([upstream?.plaintextCount, upstream?.queries.length]).toEqual([0, 0]);
      expect(sound.queries.length).toBe(before);
    });
  });
});

/** Asks new names of a zone until one of them arrives at the upstream: that has to be within the time of a probe. */
const untilAsked = async (
  program: Cordon,
  zone: string,
  { queries }: { readonly queries: readonly ScriptedQuery[] },
): Promise<void> => {
  const endMs = performance.now() + PROBE_MS + MARGIN_MS;
  const before = queries.length;
  // The copy of a question that is a probe arrives as well, while the client is answered by the other upstream.
  let names = 0;
  while (queries.length < before + 2) {
    expect(performance.now()).toBeLessThan(endMs);
    expect((await askTimed(program, `again${names++}.${zone}`)).address).toBe(RIGHT);
    await later(50);
  }
};

describe('which upstream is asked', () => {
  afterEach(closeAll);

  /** How often each upstream was asked for names that begin like this. */
  const counts = (upstreams: readonly ScriptedUpstream[], prefix: string): number[] =>
    upstreams.map(({ queries }) => queries.filter(({ name }) => name.startsWith(prefix)).length);

  test('each strategy chooses in its way, and a reload changes it', async () => {
    /** Longer than anything a loaded machine adds to the fast one, and shorter than a try. */
    const slowMs = 250;
    const slow: ScriptedHandler = (query) => ({ delayMs: slowMs, messages: give(RIGHT)(query) });
    const upstreams = [await openScripted(), await openScripted(), await openScripted()] as const;
    const [first, , third] = upstreams;
    const configOf = (strategy: string): string =>
      configWith(`
upstreams: [${upstreams.map((upstream) => `"${textOf(upstream)}"`).join(', ')}]
resolver: { strategy: ${strategy}, timeout: 20s, try-timeout: ${TRY_MS}ms }`);
    const program = await start(configOf('ordered'));
    const askMany = async (prefix: string, count: number): Promise<void> => {
      const names = Array.from({ length: count }, (_, i) => `${prefix}${i}.example`);
      for (const { address } of await askInTurn(program, names)) expect(address).toBe(RIGHT);
    };

    await askMany('ordered', 20);
    // A moment in which the machine stands still makes a hedge, but not often.
    const [orderedFirst, ...orderedOthers] = counts(upstreams, 'ordered');
    expect(orderedFirst).toBe(20);
    expect(orderedOthers.reduce((sum, count) => sum + count)).toBeLessThan(10);

    await reload(program, { 'cordon.yaml': configOf('random') });
    await askMany('random', 90);
    // 30 each; fewer than 8 at one of them happens once in a billion times.
    for (const count of counts(upstreams, 'random')) expect(count).toBeGreaterThanOrEqual(8);
    const randomCount = counts(upstreams, 'random').reduce((sum, count) => sum + count);
    expect(randomCount).toBeGreaterThanOrEqual(90);
    expect(randomCount).toBeLessThan(120);

    await reload(program, { 'cordon.yaml': configOf('parallel') });
    await askMany('parallel', 10);
    await expect.poll(() => counts(upstreams, 'parallel')).toEqual([10, 10, 10]);

    for (const upstream of [first, third]) upstream.onQuery(slow);
    await reload(program, { 'cordon.yaml': configOf('fastest') });
    await askMany('fastest', 40);
    const [firstCount = 0, secondCount = 0, thirdCount = 0] = counts(upstreams, 'fastest');
    expect(secondCount).toBeGreaterThanOrEqual(30);
    expect(firstCount).toBeGreaterThanOrEqual(1);
    expect(thirdCount).toBeGreaterThanOrEqual(1);
  });

  test('an upstream that was killed or frozen is used again soon after it is back', {
    tags: 'night',
  }, async () => {
    let isFrozen = true;
    const killed = await DatagramUpstream.open(give(RIGHT));
    await killed.close();
    const frozen = await openScripted((query) => (isFrozen ? undefined : give(RIGHT)(query)));
    const sound = await openScripted();
    const program = await start(
      configWith(`
upstreams: ["${textOf(sound)}"]
forward:
  - { zones: [killed.example], upstreams: ["${textOf(killed)}", "${textOf(sound)}"] }
  - { zones: [frozen.example], upstreams: ["${textOf(frozen)}", "${textOf(sound)}"] }
resolver: { timeout: 8s, try-timeout: 2s }`),
    );
    for (const [zone, upstream] of [
      ['killed.example', killed],
      ['frozen.example', frozen],
    ] as const) {
      const names = Array.from({ length: FAULTS }, (_, i) => `www${i}.${zone}`);
      await Promise.all(names.map((name) => askTimed(program, name)));
      await expect.poll(() => isUp(program, textOf(upstream)), { timeout: TRY_MS }).toBe(false);
      // While it is down, nobody waits for it.
      expect((await askTimed(program, `down.${zone}`)).address).toBe(RIGHT);
      expect(await hedges(program, textOf(upstream))).toBe(zone === 'frozen.example' ? FAULTS : 0);
      if (upstream === killed) {
        keep(killed);
        await killed.reopen();
      } else {
        isFrozen = false;
      }
      await untilAsked(program, zone, upstream);
      expect(await isUp(program, textOf(upstream))).toBe(true);
      await askTimed(program, `last.${zone}`);
      expect(upstream.queries.at(-1)?.name).toBe(`last.${zone}.`);
    }
  });

  test('an upstream whose host cannot be looked up at first is used soon after it can', {
    tags: 'night',
  }, async () => {
    const authority = CertificateAuthority.create();
    const certificate = authority.issue({ names: [`DNS:${SERVER_NAME}`] });
    let isAnswering = false;
    const bootstrap = await openScripted((query) => {
      if (!isAnswering) return undefined;
      return answer(query, query.type === TYPE.A ? [`${query.name} 300 IN A 127.0.0.1`] : []);
    });
    const named = keep(await StrangeUpstream.open({ transport: 'tls', certificate, reply: give(RIGHT) }));
    const program = await start(
      configWith(`
upstreams: ["tls://${SERVER_NAME}:${named.endpoint.port}"]
bootstrap: ["${textOf(bootstrap)}"]`),
      { NODE_EXTRA_CA_CERTS: authority.issued.certificateFile },
    );
    expect((await askTimed(program, 'early.example')).address).toBe('RCODE 2');
    isAnswering = true;
    // A look-up that is under way may have to be over first, and the next one comes within two seconds.
    await expect
      .poll(async () => (await askTimed(program, 'late.example')).address, { timeout: 90_000 })
      .toBe(RIGHT);
    expect(bootstrap.queries.every(({ name }) => name === `${SERVER_NAME}.`)).toBe(true);
    expect(named.plaintextCount).toBe(0);
  });

  test.each([
    ['is refused', 'lists: [{ id: gone, file: gone.txt }]'],
    ['waits for a list', 'lists: [{ id: far, url: "http://127.0.0.1:9/list.txt", mandate: true }]'],
  ])(
    'a reload that %s takes no address from the hosts of upstreams in force',
    { tags: 'night' },
    async (_what, lists) => {
      const authority = CertificateAuthority.create();
      const certificate = authority.issue({ names: [`DNS:${SERVER_NAME}`] });
      const bootstrap = await openScripted((query) =>
        answer(query, query.type === TYPE.A ? [`${query.name} 300 IN A 127.0.0.1`] : []),
      );
      const named = keep(await StrangeUpstream.open({ transport: 'tls', certificate, reply: give(RIGHT) }));
      const configOf = (host: string, more: string): string => `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
state: state
dnssec: { mode: off }
upstreams: ["tls://${host}:${named.endpoint.port}"]
bootstrap: ["${textOf(bootstrap)}"]
${more}`;
      const inForce = configOf(SERVER_NAME, 'lists: []');
      const env = { NODE_EXTRA_CA_CERTS: authority.issued.certificateFile };
      const program = await start(inForce, env);
      expect((await askTimed(program, 'before.example')).address).toBe(RIGHT);
      const other = configOf('other.example', lists);
      const from = program.logs().length;
      writeFileSync(join(program.directory, 'cordon.yaml'), other);
      program.signal('SIGHUP');
      await program.waitForLog(({ msg }) => /^reload (refused|waits)/.test(msg), from);
      // What is in force is put in force again, as it is when anything was learned.
      const path = join(program.directory, 'in-force.yaml');
      writeFileSync(path, inForce);
      const paused = await runCommandHere(['pause', '5m', '--reason', 'test', '--config', path]);
      expect(paused.code, paused.stderr).toBe(0);
      expect((await askTimed(program, 'after.example')).address).toBe(RIGHT);
    },
  );

  test('the fallback is asked when all others have failed, and only then', async () => {
    const [one, two, last] = [await openScripted(), await openScripted(), await openScripted()];
    const program = await start(
      configWith(`
upstreams: ["${textOf(one)}", "${textOf(two)}"]
fallback: ["${textOf(last)}"]
resolver: { timeout: 16s, try-timeout: 4s }`),
    );
    const all = [one, two, last];
    await askTimed(program, 'sound.example');
    one.onQuery(fail);
    expect((await askTimed(program, 'one-fails.example')).address).toBe(RIGHT);
    // The second may be a hedge, where the machine stood still.
    expect([counts(all, 'sound'), counts(all, 'one-fails')]).toEqual([
      [1, expect.any(Number), 0],
      [1, 1, 0],
    ]);
    two.onQuery(fail);
    const failed = await askTimed(program, 'both-fail.example');
    expect([failed.address, counts(all, 'both-fail')]).toEqual([RIGHT, [1, 1, 1]]);
    expect(failed.tookMs).toBeLessThan(MARGIN_MS);
    for (const upstream of [one, two]) upstream.onQuery(() => undefined);
    const frozen = await askTimed(program, 'both-frozen.example');
    // Each has its try; the second begins with the hedge.
    expect([frozen.address, counts(all, 'both-frozen').at(-1)]).toEqual([RIGHT, 1]);
    expect(frozen.tookMs).toBeLessThan(8_000 + MARGIN_MS);
    one.onQuery(give(RIGHT));
    expect((await askTimed(program, 'back.example')).address).toBe(RIGHT);
    expect(counts(all, 'back')).toEqual([1, expect.any(Number), 0]);
    last.onQuery(fail);
    one.onQuery(fail);
    two.onQuery(fail);
    expect((await askTimed(program, 'all-fail.example')).address).toBe('RCODE 2');
    expect(counts(all, 'all-fail')).toEqual([1, 1, 1]);
  });

  test('a group has its own upstreams and fallback; forwarded zones are the same for all', async () => {
    const [common, own, ownLast, zone] = [
      await openScripted(),
      await openScripted(give('192.0.2.2')),
      await openScripted(give('192.0.2.3')),
      await openScripted(give('192.0.2.4')),
    ];
    const all = [common, own, ownLast, zone];
    const program = await start(
      configWith(`
upstreams: ["${textOf(common)}"]
forward: [{ zones: [agency.example], upstreams: ["${textOf(zone)}"] }]
groups:
  - { name: default, lists: [] }
  - name: own
    clients: [127.0.0.9/32]
    lists: []
    upstreams: ["${textOf(own)}"]
    fallback: ["${textOf(ownLast)}"]
resolver: { timeout: 20s, try-timeout: 10s }`),
    );
    const fromGroup = { from: '127.0.0.9' };
    // The same name twice: neither gets what the cache has for the other.
    expect((await askTimed(program, 'both.example')).address).toBe(RIGHT);
    expect((await askTimed(program, 'both.example', fromGroup)).address).toBe('192.0.2.2');
    expect((await askTimed(program, 'both.example')).address).toBe(RIGHT);
    expect(counts(all, 'both')).toEqual([1, 1, 0, 0]);
    expect((await askTimed(program, 'www.agency.example')).address).toBe('192.0.2.4');
    expect((await askTimed(program, 'www.agency.example', fromGroup)).address).toBe('192.0.2.4');
    expect(counts(all, 'www')).toEqual([0, 0, 0, expect.any(Number)]);
    own.onQuery(fail);
    expect((await askTimed(program, 'own-fails.example', fromGroup)).address).toBe('192.0.2.3');
    expect(counts(all, 'own-fails')).toEqual([0, 1, 1, 0]);
    // Trouble of a zone leads to no other upstream.
    zone.onQuery(fail);
    expect((await askTimed(program, 'down.agency.example', fromGroup)).address).toBe('RCODE 2');
    expect(counts(all, 'down')).toEqual([0, 0, 0, 1]);
    // Nor does the group without a fallback have that of another.
    common.onQuery(fail);
    expect((await askTimed(program, 'common-fails.example')).address).toBe('RCODE 2');
    expect(counts(all, 'common-fails')).toEqual([1, 0, 0, 0]);
  });
});

describe('unbound over TLS and HTTPS', () => {
  const authority = CertificateAuthority.create();
  const issued = authority.issue({ names: [`DNS:${SERVER_NAME}`] });
  const other = authority.issue({ names: [`DNS:${SERVER_NAME}`] });
  let unbound: EncryptedUnbound;
  let bootstrap: ScriptedUpstream;
  let program: Cordon;

  beforeAll(async () => {
    if (!isInstalled('unbound')) return;
    unbound = await startEncryptedUnbound(issued);
    bootstrap = await openScripted((query) =>
      answer(query, query.type === TYPE.A ? [`${query.name} 300 IN A 127.0.0.1`] : []),
    );
    const { tlsPort, httpsPort } = unbound;
    const tls = `tls://127.0.0.1:${tlsPort}`;
    const upstreams: Readonly<Record<string, string>> = {
      name: `${tls}#${SERVER_NAME}`,
      'wrong-name': `${tls}#dns.example.org`,
      pin: `${tls}#${SERVER_NAME}&pin-sha256=${pinOf(issued)}`,
      'wrong-pin': `${tls}#${SERVER_NAME}&pin-sha256=${pinOf(other)}`,
      https: `https://127.0.0.1:${httpsPort}/dns-query#${SERVER_NAME}`,
      'wrong-path': `https://127.0.0.1:${httpsPort}/elsewhere#${SERVER_NAME}`,
      'tls-host': `tls://${SERVER_NAME}:${tlsPort}`,
      'https-host': `https://${SERVER_NAME}:${httpsPort}/dns-query`,
      'tls-stamp': stampOf(0x03, tlsPort, hashOf(issued)),
      'https-stamp': stampOf(0x02, httpsPort, hashOf(issued), '/dns-query'),
      'wrong-stamp': stampOf(0x03, tlsPort, hashOf(other)),
    };
    const zones = Object.entries(upstreams).map(
      ([what, text]) => `  - { zones: [${what}.example.test], upstreams: ["${text}"] }`,
    );
    program = await start(
      configWith(`
upstreams: ["${tls}#${SERVER_NAME}"]
bootstrap: ["${textOf(bootstrap)}"]
forward:
${zones.join('\n')}
resolver: { timeout: 20s, try-timeout: ${TRY_MS}ms }`),
      { NODE_EXTRA_CA_CERTS: authority.issued.certificateFile },
    );
  });

  afterAll(async () => {
    await closeAll();
    unbound?.stop();
  });

  beforeEach((context) => requireProgram(context, 'unbound'));

  const PROVEN = ['name', 'pin', 'https', 'tls-host', 'https-host', 'tls-stamp', 'https-stamp'];
  for (const [options, whats] of inTwo(PROVEN, (_, index) => index % 2 === 0))
    test.each(whats)(
      'it answers many questions at once when it proves who it is: %s',
      options,
      async (what) => {
        // More than the streams that it lets one HTTPS connection have.
        const names = Array.from({ length: 200 }, (_, i) => `www${i}.${what}.example.test`);
        const replies = await Promise.all(names.map((name) => askTimed(program, name)));
        expect(replies.map(({ address }) => address)).toEqual(names.map(() => UNBOUND_ADDRESS));
      },
    );

  test.each(['wrong-name', 'wrong-pin', 'wrong-stamp'])(
    'it is not asked when it is another than the configured one: %s',
    async (what) => {
      const before = await readMetric(program, 'cordon_upstream_failures_total', { reason: 'certificate' });
      const { reply, tookMs } = await askTimed(program, `www.${what}.example.test`);
      expect([reply.rcode, reply.answer]).toEqual([RCODE.SERVFAIL, []]);
      expect(tookMs).toBeLessThan(MARGIN_MS);
      const after = await readMetric(program, 'cordon_upstream_failures_total', { reason: 'certificate' });
      expect(after).toBeGreaterThan(before);
    },
  );

  test('a path that is not there is a failure', async () => {
    const { reply } = await askTimed(program, 'www.wrong-path.example.test');
    expect(reply.rcode).toBe(RCODE.SERVFAIL);
  });

  test('bootstrap servers are asked for hosts of upstreams and nothing else', () => {
    expect(new Set(bootstrap.queries.map(({ name }) => name))).toEqual(new Set([`${SERVER_NAME}.`]));
  });
});

/** SHA-256 of the public key in Base64 (RFC 7858 section 4.2). */
const pinOf = ({ certificate }: Issued): string =>
  createHash('sha256')
    .update(createPublicKey(certificate).export({ type: 'spki', format: 'der' }))
    .digest('base64');

/** SHA-256 of the part of a certificate that is signed, as stamps have it. */
const hashOf = ({ certificateFile }: Issued): Buffer => {
  const signed = openssl('.', 'asn1parse', '-in', certificateFile, '-strparse', '4', '-noout', '-out', '-');
  return createHash('sha256').update(signed).digest();
};

/** A DNS stamp: protocol, properties, address, hashes, host and path, each behind its length. */
const stampOf = (protocol: number, port: number, hash: Buffer, path?: string): string => {
  const fields = [Buffer.from(`127.0.0.1:${port}`), hash, Buffer.from(SERVER_NAME)];
  if (path !== undefined) fields.push(Buffer.from(path));
  const bytes = fields.flatMap((field) => [Buffer.of(field.length), field]);
  return `sdns://${Buffer.concat([Buffer.of(protocol), Buffer.alloc(8), ...bytes]).toString('base64url')}`;
};
