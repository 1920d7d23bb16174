// What stands between pipeline and upstreams: that a question with validation ends in time, and that an answer whose
// aliases an upstream leaves open is completed, validated part by part, and as secure as its weakest part.
import assert from 'node:assert/strict';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { parsePrefix } from '../../../src/base/base.ts';
import { ROOT_ANCHORS, type ValidatedOutcome, Validator } from '../../../src/resolver/dnssec/dnssec.ts';
import type { Question, Resolution } from '../../../src/resolver/pipeline/pipeline.ts';
import { createResolver, type ResolutionSettings } from '../../../src/resolver/resolve/chain.ts';
import {
  AliasFollower,
  type Exchange,
  Forwarding,
  type ForwardingRoute,
} from '../../../src/resolver/upstream/upstream.ts';
import {
  CLASS,
  FLAG,
  formatName,
  formatType,
  isInZone,
  messageRcode,
  nameFrom,
  parseRecord,
  parseType,
  RCODE,
  TYPE,
} from '../../../src/wire/dns/dns.ts';
import { isInstalled, requireProgram } from '../../support/process.ts';
import { parseMessage } from '../../support/records.ts';
import {
  answer,
  answerCode,
  type ScriptedHandler,
  ScriptedUpstream,
} from '../../support/scripted-upstream.ts';
import { plainZone, type Tamper, type ZoneReply } from '../../support/zone-lookup.ts';
import { signTree, type ZoneTree } from '../../support/zone-tree.ts';

const TIMEOUT_MS = 300;

describe('time', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterEach(() => void vi.useRealTimers());

  test('a question whose validation takes too long ends by the time-out, once', async () => {
    const silent = await ScriptedUpstream.open(() => undefined);
    const endpoint = silent.endpoint;
    const forwarding = new Forwarding({
      routes: [
        {
          zone: nameFrom('.'),
          view: 0,
          servers: [{ endpoint, transport: 'udp', text: 'silent' }],
          strategy: 'ordered',
        },
      ],
      // Each look-up may take ten times as long as the whole question.
      timeoutMs: TIMEOUT_MS * 10,
      tryTimeoutMs: TIMEOUT_MS * 10,
      inflightMax: 16,
      clock: Date.now,
      observer: {
        sent: () => {},
        answered: () => {},
        failed: () => {},
        unwanted: () => {},
        nearMiss: () => {},
        guarded: () => {},
        silentZone: () => {},
        healthy: () => {},
        hedged: () => {},
      },
    });
    const resolver = createResolver(
      {
        mode: 'validate',
        timeoutMs: TIMEOUT_MS,
        anchors: ROOT_ANCHORS,
        negativeAnchors: [],
        aggressiveNsec: true,
        allowSha1: false,
        dns64: undefined,
        local: { records: [], zones: [] },
      },
      forwarding,
      Date.now,
      { validated: () => {} },
    );
    const outcomes: Resolution[] = [];
    const question = { name: nameFrom('www.example.'), type: TYPE.A, class: CLASS.IN, view: 0 };
    resolver.resolve({ ...question, dnssecOk: false, checkingDisabled: false, wantsAd: false }, (outcome) => {
      outcomes.push(outcome);
    });
    vi.advanceTimersByTime(TIMEOUT_MS - 1);
    expect(outcomes).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(outcomes).toEqual([{ kind: 'failure', reason: 'timeout' }]);
    forwarding.close();
    await Promise.resolve();
    expect(outcomes).toHaveLength(1);
    await silent.close();
  });
});

const SETTINGS: ResolutionSettings = {
  mode: 'off',
  timeoutMs: 5000,
  anchors: [],
  negativeAnchors: [],
  aggressiveNsec: false,
  allowSha1: false,
  dns64: undefined,
  local: { records: [], zones: [] },
};

const openForwarding = (routes: readonly { zone: string; upstream: ScriptedUpstream }[]): Forwarding =>
  new Forwarding({
    routes: routes.map(
      ({ zone, upstream }): ForwardingRoute => ({
        zone: nameFrom(zone),
        view: 0,
        servers: [{ endpoint: upstream.endpoint, transport: 'tcp', text: zone }],
        strategy: 'ordered',
      }),
    ),
    timeoutMs: 5000,
    tryTimeoutMs: 5000,
    inflightMax: 16,
    clock: Date.now,
    observer: {
      sent: () => {},
      answered: () => {},
      failed: () => {},
      unwanted: () => {},
      nearMiss: () => {},
      guarded: () => {},
      silentZone: () => {},
      healthy: () => {},
      hedged: () => {},
    },
  });

const questionFor = (text: string): Question => {
  const [name = '', type = ''] = text.split(' ');
  return {
    name: nameFrom(name),
    type: parseType(type) ?? 0,
    class: CLASS.IN,
    dnssecOk: true,
    checkingDisabled: false,
    view: 0,
    wantsAd: false,
  };
};

/** What one question comes to by way of scripted upstreams for the root and a zone. */
const resolve = async (
  text: string,
  handlers: Readonly<Record<string, ScriptedHandler>>,
  settings: Partial<ResolutionSettings> = {},
  flags: Partial<Question> = {},
) => {
  const routes = await Promise.all(
    Object.entries(handlers).map(async ([zone, handler]) => ({
      zone,
      upstream: await ScriptedUpstream.open(handler),
    })),
  );
  const forwarding = openForwarding(routes);
  const results: number[] = [];
  const resolver = createResolver({ ...SETTINGS, ...settings }, forwarding, Date.now, {
    validated: (result) => void results.push(result),
  });
  const resolution = await new Promise<Resolution>((done) =>
    resolver.resolve({ ...questionFor(text), ...flags }, done),
  );
  forwarding.close();
  const asked = routes.map(({ upstream }) =>
    upstream.queries.map((query) => `${query.name} ${formatType(query.type)}`),
  );
  await Promise.all(routes.map(({ upstream }) => upstream.close()));
  const message = resolution.kind === 'answer' ? parseMessage(resolution.message) : undefined;
  return { resolution, message, asked };
};

describe('names of private addresses behind a translation prefix', () => {
  const own =
    (host: string): ScriptedHandler =>
    (query) =>
      query.type === TYPE.PTR
        ? answer(query, [`${query.name} 60 IN PTR ${host}`])
        : answerCode(query, RCODE.NXDOMAIN);
  const prefixOf = (text: string) => {
    const prefix = parsePrefix(text);
    assert.ok(prefix !== undefined);
    return { dns64: { prefix, exclude: [] } };
  };
  const nameOf = (digits: string): string => `${[...digits].reverse().join('.')}.ip6.arpa.`;
  const PUBLIC = `2a0104f8006400000000${'0'.repeat(4)}`;
  const PRIVATE = 'fd64'.padEnd(24, '0');

  test.each([
    ['2a01:4f8:64::/96', PUBLIC],
    ['fd64::/96', PRIVATE],
  ])('are asked of nobody, %s', async (prefix, head) => {
    for (const digits of ['0a010203', 'c0a80101', '7f000002', 'a9fe0001']) {
      const qname = nameOf(head + digits);
      const { message, asked } = await resolve(
        `${qname} PTR`,
        { '.': own('host.example.') },
        prefixOf(prefix),
      );
      expect((message?.flags ?? 0) & 0xf).toBe(RCODE.NXDOMAIN);
      expect(message?.answer).toHaveLength(1);
      expect(message?.authority[0]).toMatch(/ 10800 IN SOA localhost\./);
      expect(asked).toEqual([[]]);
    }
    const public_ = await resolve(
      `${nameOf(`${head}5db8d70e`)} PTR`,
      { '.': own('host.example.') },
      prefixOf(prefix),
    );
    expect(public_.asked).toEqual([['14.215.184.93.in-addr.arpa. PTR']]);
  });

  test('are asked of who has their zone, and known to the configuration', async () => {
    const qname = nameOf(`${PUBLIC}0a010203`);
    const zone = '10.in-addr.arpa.';
    const handlers = { '.': own('wrong.example.'), [zone]: own('host.corp.example.') };
    const { message, asked } = await resolve(`${qname} PTR`, handlers, prefixOf('2a01:4f8:64::/96'));
    expect(message?.answer.at(-1)).toBe('3.2.1.10.in-addr.arpa. 60 IN PTR host.corp.example.');
    expect(asked).toEqual([[], ['3.2.1.10.in-addr.arpa. PTR']]);
    const record = parseRecord('3.2.1.10.in-addr.arpa. 60 IN PTR printer.example.');
    const written = await resolve(
      `${qname} PTR`,
      { '.': own('wrong.example.') },
      {
        ...prefixOf('2a01:4f8:64::/96'),
        local: { records: [{ ...record, ttlSec: 60, isWildcard: false, owner: record.owner }], zones: [] },
      },
    );
    expect(written.message?.answer.at(-1)).toBe('3.2.1.10.in-addr.arpa. 60 IN PTR printer.example.');
    expect(written.asked).toEqual([[]]);
  });

  test.each(['TXT', 'PTR'])(
    'nor what is private under the prefix and is not translated, %s',
    async (type) => {
      const qname = type === 'TXT' ? nameOf(`${PRIVATE}5db8d70e`) : nameOf(PRIVATE);
      for (const checkingDisabled of [false, true]) {
        const settings = prefixOf('fd64::/96');
        const flags = { checkingDisabled };
        const { message, asked } = await resolve(
          `${qname} ${type}`,
          { '.': own('wrong.example.') },
          settings,
          flags,
        );
        expect((message?.flags ?? 0) & 0xf).toBe(RCODE.NXDOMAIN);
        expect(asked).toEqual([[]]);
      }
    },
  );
});

describe('aliases whose end an upstream leaves out', () => {
  const ALIAS = 'www.corp.example. 300 IN CNAME host.corp.example.';
  const END = 'host.corp.example. 60 IN A 192.0.2.1';
  const handler =
    (
      records: Readonly<Record<string, readonly string[]>>,
      flags: number = FLAG.QR | FLAG.RA,
    ): ScriptedHandler =>
    (query) => {
      const found = records[query.name];
      return found === undefined ? answerCode(query, RCODE.NXDOMAIN) : answer(query, found, { flags });
    };

  test('are followed without validation', async () => {
    const { message, asked } = await resolve('www.corp.example. A', {
      '.': handler({ 'www.corp.example.': [ALIAS], 'host.corp.example.': [END] }),
    });
    expect(message?.answer).toEqual([ALIAS, END]);
    expect(asked).toEqual([['www.corp.example. A', 'host.corp.example. A']]);
  });

  test('from a zone to the servers of the others, and to special-use names that are forwarded only', async () => {
    const handlers = {
      '.': handler({ 'www.example.net.': ['www.example.net. 60 IN A 192.0.2.9'] }),
      'corp.local.': handler({
        'out.corp.local.': ['out.corp.local. 60 IN CNAME www.example.net.'],
        'in.corp.local.': ['in.corp.local. 60 IN CNAME host.corp.local.'],
        'host.corp.local.': ['host.corp.local. 60 IN A 192.0.2.8'],
        'other.corp.local.': ['other.corp.local. 60 IN CNAME printer.local.'],
      }),
    };
    const outward = await resolve('out.corp.local. A', handlers);
    expect(outward.message?.answer).toHaveLength(2);
    expect(outward.asked).toEqual([['www.example.net. A'], ['out.corp.local. A']]);
    expect((await resolve('in.corp.local. A', handlers)).message?.answer).toHaveLength(2);
    const special = await resolve('other.corp.local. A', handlers);
    expect(special.message?.answer).toHaveLength(1);
    expect(special.asked).toEqual([[], ['other.corp.local. A']]);
  });

  test('are not secure by the word of an upstream that did not come encrypted', async () => {
    const records = { 'www.corp.example.': [ALIAS], 'host.corp.example.': [END] };
    const secure = await resolve(
      'www.corp.example. A',
      { '.': handler(records, FLAG.QR | FLAG.RA | FLAG.AD) },
      { mode: 'trust-ad' },
    );
    expect(secure.message?.answer).toEqual([ALIAS, END]);
    expect(secure.resolution).toMatchObject({ security: 'insecure' });
  });

  test('are followed below DNS64', async () => {
    const { message } = await resolve(
      'www.corp.example. AAAA',
      {
        '.': (query) => {
          if (query.name === 'www.corp.example.') return answer(query, [ALIAS]);
          return answer(query, query.type === TYPE.A ? [END] : []);
        },
      },
      { dns64: { prefix: { words: Uint32Array.of(0x0064ff9b, 0, 0, 0), bits: 96 }, exclude: [] } },
      { dnssecOk: false },
    );
    expect(message?.answer).toEqual([ALIAS, 'host.corp.example. 60 IN AAAA 64:ff9b::c000:201']);
  });
});

describe('parts that are validated', () => {
  let tree: ZoneTree;
  beforeAll(() => {
    if (!isInstalled('dnssec-signzone')) return;
    tree = signTree({
      zones: [
        {
          apex: 'one.test.',
          records: [
            'www.one.test. 300 IN CNAME www.two.test.',
            'gone.one.test. 300 IN CNAME gone.two.test.',
            'plain.one.test. 300 IN CNAME www.plain.test.',
            '*.wild.one.test. 300 IN CNAME www.two.test.',
          ],
        },
        { apex: 'two.test.', records: ['www.two.test. 300 IN A 192.0.2.1'], denial: 'nsec3' },
      ],
      plain: [
        plainZone('plain.test.', [
          'www.plain.test. 300 IN A 192.0.2.2',
          'in.plain.test. 300 IN CNAME www.two.test.',
        ]),
      ],
    });
  });
  beforeEach((context) => {
    requireProgram(context, 'dnssec-signzone');
    tree.lookup.reset();
  });

  /** What a server knows that has no other zone: its own alias, and what proves the wildcard of it. */
  const ofAlias = (name: string, reply: ZoneReply): ZoneReply => {
    const owned = reply.answer.filter(({ owner }) => formatName(owner).toLowerCase() === name);
    if (!owned.some(({ type }) => type === TYPE.CNAME)) return reply;
    const zone = nameFrom(name.split('.').slice(-3).join('.'));
    const authority = reply.authority.filter(
      ({ owner, type }) => isInZone(owner, zone) && type !== TYPE.SOA && owner.length > zone.length,
    );
    return { rcode: RCODE.NOERROR, answer: owned, authority };
  };

  /** What a question comes to that is validated behind such servers, and what was asked. */
  const validate = async (text: string, tamper: Tamper = (_asked, reply) => reply) => {
    const { lookup } = tree;
    lookup.reset();
    lookup.tamper = (asked, reply, times) => {
      const [name = ''] = asked.split(' ');
      return tamper(asked, ofAlias(name, reply), times);
    };
    const exchange: Exchange = {
      resolve: (question, done) => {
        lookup.resolve(question, (outcome) => {
          done(
            outcome.kind === 'answer'
              ? { rttMs: 1, isEncrypted: false, isOnly: false, ...outcome, endpoint: outcome.endpoint ?? '' }
              : { ...outcome, message: outcome.message },
          );
        });
      },
    };
    const follower = new AliasFollower({
      exchange,
      timeoutMs: 5000,
      clock: Date.now,
      isKeptHere: () => false,
    });
    const validator = new Validator({
      lookup: follower,
      chainLookup: lookup,
      anchors: tree.anchors,
      negativeAnchors: [],
      clock: Date.now,
      aggressiveNsec: false,
      observer: {
        chainLookup: () => {},
        validated: () => {},
        retried: () => {},
        denied: () => {},
        exceeded: () => {},
        defect: (thrown) => {
          throw thrown;
        },
      },
    });
    const outcome = await new Promise<ValidatedOutcome>((done) => {
      validator.resolve(questionFor(text), done);
    });
    const isAnswer = outcome.kind === 'answer';
    return {
      result: isAnswer ? outcome.security : outcome.kind,
      rcode: isAnswer ? messageRcode(outcome.message) : undefined,
      message: isAnswer ? parseMessage(outcome.message) : undefined,
      asked: lookup.asked.filter((asked) => !/ (DS|DNSKEY)$/.test(asked)),
    };
  };

  test.each([
    ['signed aliases and data', 'www.one.test. A', 'secure', RCODE.NOERROR, 'www.two.test. A'],
    ['a signed alias without the type', 'www.one.test. MX', 'secure', RCODE.NOERROR, 'www.two.test. MX'],
    ['a signed alias to no name', 'gone.one.test. A', 'secure', RCODE.NXDOMAIN, 'gone.two.test. A'],
    ['an alias of a wildcard', 'a.wild.one.test. A', 'secure', RCODE.NOERROR, 'www.two.test. A'],
    ['a signed alias to unsigned data', 'plain.one.test. A', 'insecure', RCODE.NOERROR, 'www.plain.test. A'],
    ['an unsigned alias to signed data', 'in.plain.test. A', 'insecure', RCODE.NOERROR, 'www.two.test. A'],
  ])('%s (%s) are %s', async (_title, text, result, rcode, end) => {
    const found = await validate(text);
    expect(found).toMatchObject({ result, rcode, asked: [text, end] });
    expect(found.message?.answer[0]).toContain(' CNAME ');
  });

  test('a part that was changed makes the whole bogus, whichever it is', async () => {
    const forge =
      (question: string): Tamper =>
      (asked, reply) =>
        asked === question
          ? { ...reply, answer: reply.answer.filter(({ type }) => type !== TYPE.RRSIG) }
          : reply;
    for (const [text, part] of [
      ['www.one.test. A', 'www.one.test. A'],
      ['www.one.test. A', 'www.two.test. A'],
      ['in.plain.test. A', 'www.two.test. A'],
      ['plain.one.test. A', 'plain.one.test. A'],
    ] as const)
      expect([text, part, (await validate(text, forge(part))).result]).toEqual([text, part, 'bogus']);
    const unproven: Tamper = (_asked, reply) => ({ ...reply, authority: [] });
    for (const text of ['gone.one.test. A', 'a.wild.one.test. A', 'www.one.test. MX'])
      expect([
        text,
        (
          await validate(text, (asked, reply, times) =>
            / (DS|DNSKEY)$/.test(asked) ? reply : unproven(asked, reply, times),
          )
        ).result,
      ]).toEqual([text, 'bogus']);
  });

  test('an end that says nothing, and has no proof, is bogus', async () => {
    const empty: Tamper = (asked, reply) =>
      asked === 'www.two.test. A' ? { rcode: RCODE.NOERROR, answer: [], authority: [] } : reply;
    expect((await validate('www.one.test. A', empty)).result).toBe('bogus');
  });

  test('an end that cannot be had is a failure', async () => {
    const lost: Tamper = (asked, reply) =>
      asked === 'www.two.test. A' ? { kind: 'failure', reason: 'timeout' } : reply;
    expect((await validate('www.one.test. A', lost)).result).toBe('failure');
  });
});
