// cordon-proof against resolvers that refuse, that do not, and that tell a proof from a client: each is seen as what it is.
import { afterEach, describe, expect, test } from 'vitest';
import { formatEndpoint } from '../../../src/base/base.ts';
import { foreignForms } from '../../../src/evidence/probe/judge.ts';
import { askResolver, type ProofRequest } from '../../../src/evidence/probe/proof-asking.ts';
import { type Answered, judgeAnswered } from '../../../src/evidence/probe/proof-certificate.ts';
import type { Packs } from '../../../src/evidence/probe/proof-packs.ts';
import { findResolver } from '../../../src/evidence/probe/proof-ways.ts';
import { RCODE, TYPE } from '../../../src/wire/dns/dns.ts';
import {
  answer,
  answerCode,
  frame,
  type ScriptedHandler,
  type ScriptedQuery,
  type ScriptedReply,
  ScriptedUpstream,
} from '../../support/scripted-upstream.ts';

const NAMES = Array.from(
  { length: 40 },
  (_, index) => `${String.fromCharCode(97 + (index % 26))}${index}.example`,
);
const LIST = { id: 'ban', names: NAMES.map((name) => [name, 'suffix'] as const), prefixes: 3 };
const MANDATE = {
  id: 'of-test',
  version: '2026-11-29',
  title: 'Of the test',
  place: 'Nowhere',
  standing: 'in-force',
  sha256: '0'.repeat(64),
  lists: ['ban'],
  notHeld: [],
};
const PACKS: Packs = {
  version: '0',
  mandates: [MANDATE],
  lists: [
    LIST,
    { id: 'canary', names: [['canary.test', 'exact']], prefixes: 0 },
    { id: 'encrypted-resolvers', names: [['doh.test', 'suffix']], prefixes: 0 },
  ],
};

let upstream: ScriptedUpstream | undefined;
afterEach(async () => {
  await upstream?.close();
  upstream = undefined;
});

let seed = 1;
const prove = async (handler: ScriptedHandler, changes: Partial<ProofRequest> = {}): Promise<Answered> => {
  upstream = await ScriptedUpstream.open(handler);
  const resolver = await findResolver(`127.0.0.1:${upstream.endpoint.port}`);
  if (resolver === undefined) throw new Error('no resolver');
  return await askResolver(resolver, {
    packs: PACKS,
    mandate: MANDATE,
    decoys: ['decoy.test', 'other.test'],
    aliases: [],
    forms: foreignForms([]),
    rate: 5_000,
    quietRate: 100,
    questionsMax: 1_500,
    authorities: undefined,
    clock: () => Date.UTC(2026, 10, 30),
    createSeed: () => seed++,
    onProgress: () => {},
    ...changes,
  });
};

const isListed = ({ name }: ScriptedQuery): boolean => /(?:^|\.)[a-z]\d+\.example\.$/i.test(name);
const ADDRESSES: Readonly<Record<number, string>> = {
  [TYPE.A]: 'A 192.0.2.7',
  [TYPE.AAAA]: 'AAAA 2001:db8::7',
};
const world = (query: ScriptedQuery): ScriptedReply => {
  const rdata = ADDRESSES[query.type];
  if (query.type === TYPE.HTTPS) return answer(query, [`${query.name} 60 IN HTTPS 1 . alpn=h2`]);
  return answer(query, rdata === undefined ? [] : [`${query.name} 60 IN ${rdata}`]);
};
const withRcode = (message: Uint8Array, rcode: number): Uint8Array => {
  const changed = Uint8Array.from(message);
  changed[3] = ((changed[3] ?? 0) & 0xf0) | rcode;
  return changed;
};
const refuse = (query: ScriptedQuery): ScriptedReply => answerCode(query, RCODE.NXDOMAIN);
/** Refuses what is listed, canaries and resolvers of others, where `isSeen` says so. */
const refusing =
  (isSeen: (query: ScriptedQuery) => boolean = () => true): ScriptedHandler =>
  (query) => {
    if (/^(?:canary|.*doh)\.test\.$/i.test(query.name)) return refuse(query);
    return isListed(query) && isSeen(query) ? refuse(query) : world(query);
  };
const verdictOf = (answered: Answered) => judgeAnswered(answered).verdict;
const partOf = ({ results }: Answered, part: string) => results.filter((found) => found.part === part);

test('a resolver that refuses every name in every way enforces', async () => {
  const answered = await prove(refusing());
  expect(judgeAnswered(answered)).toEqual({ verdict: 'enforced', reasons: [] });
  expect(answered).toMatchObject({ names: 40, askedNames: 40, share: 1, leakedNames: 0 });
  expect(partOf(answered, 'canaries').every(({ failed, leaked }) => failed + leaked === 0)).toBe(true);
  const queries = upstream?.queries.filter(isListed) ?? [];
  // Each way that a client may choose was chosen.
  expect(new Set(queries.map(({ type }) => type)).size).toBe(4);
  for (const key of ['transport', 'hasEdns', 'dnssecOk', 'cd'] as const)
    expect(new Set(queries.map((query) => query[key])).size).toBe(2);
  expect(queries.some(({ name }) => /[A-Z]/.test(name))).toBe(true);
  expect(queries.some(({ name }) => name.startsWith('www.'))).toBe(true);
});

describe('who lies is seen', () => {
  let last = '';
  let count = 0;
  const decoys = (text: string): boolean => /^(?:decoy|other)\.test\.$/i.test(text);
  test.each<[string, ScriptedHandler]>([
    ['nobody refuses anything', world],
    ['only addresses of IPv4 are refused', refusing(({ type }) => type === TYPE.A)],
    ['everything but HTTPS is refused', refusing(({ type }) => type !== TYPE.HTTPS)],
    ['only over UDP', refusing(({ transport }) => transport === 'udp')],
    ['only in small letters', refusing(({ name }) => !/[A-Z]/.test(name))],
    ['only the name itself', refusing(({ name }) => name.split('.').length === 3)],
    ['only without EDNS', refusing(({ hasEdns }) => !hasEdns)],
    ['not with CD', refusing(({ cd }) => !cd)],
    ['not with DO', refusing(({ dnssecOk }) => !dnssecOk)],
    ['one name of forty is left out', refusing(({ name }) => !/^(?:www\.)?c2\.example\.$/i.test(name))],
    [
      'names that come in their order, and all after them',
      refusing(({ name }) => {
        const isInOrder = last <= name.toLowerCase();
        last = name.toLowerCase();
        return isInOrder;
      }),
    ],
    ['the first names are let pass, until a proof is suspected', refusing(() => count++ > 2)],
    ['after some names nothing is refused any more', refusing(() => count++ < 100)],
    [
      'NXDOMAIN beside the address',
      (query) =>
        isListed(query)
          ? withRcode(answer(query, [`${query.name} 60 IN A 192.0.2.7`]), RCODE.NXDOMAIN)
          : world(query),
    ],
  ])('%s', async (_, handler) => {
    last = '';
    count = 0;
    const answered = await prove(handler);
    expect(verdictOf(answered)).toBe('leaking');
    expect(answered.leaks.length).toBeGreaterThan(0);
  });

  test('by rate: whoever asks slowly is answered', async () => {
    let asked = 0;
    const answered = await prove(refusing(() => asked++ > 3));
    expect(verdictOf(answered)).toBe('leaking');
    expect(partOf(answered, 'quiet').reduce((sum, { leaked }) => sum + leaked, 0)).toBeGreaterThan(0);
  });

  // A device opens a socket for each question, and draws its ID.
  test.each<[string, () => ScriptedHandler]>([
    [
      'by port: whoever asks from one that asked nothing before is answered',
      () => {
        const ports = new Set<number>();
        return refusing(({ port, transport }) => {
          const isKnown = ports.has(port) || ports.size === 0 || transport === 'tcp';
          ports.add(port);
          return isKnown;
        });
      },
    ],
    [
      'by ID: only those are refused that follow each other',
      () => {
        const ids = new Map<number, number>();
        return refusing(({ id, port }) => {
          const before = ids.get(port) ?? id - 1;
          ids.set(port, id);
          return ((id - before) & 0xffff) < 64;
        });
      },
    ],
  ])('%s', async (_, create) => {
    expect(verdictOf(await prove(create(), { createSeed: () => 7 }))).toBe('leaking');
  });

  test.each<[string, ScriptedHandler]>([
    ['everything is refused', refuse],
    [
      'everything leads to an address of nowhere',
      (query) => answer(query, query.type === TYPE.A ? [`${query.name} 60 IN A 0.0.0.0`] : []),
    ],
    [
      'everything leads to this host',
      (query) => answer(query, query.type === TYPE.A ? [`${query.name} 60 IN A 127.0.0.1`] : []),
    ],
    [
      'whoever asks much is refused everything',
      (query) => (count++ > 60 ? refuse(query) : refusing()(query)),
    ],
    [
      'names that have to resolve are refused now and then',
      (query) => (decoys(query.name) && /[A-Z]/.test(query.name) ? refuse(query) : refusing()(query)),
    ],
    ['nobody answers', () => undefined],
  ])(
    'unproven: %s',
    async (name, handler) => {
      count = 0;
      const changes = name === 'nobody answers' ? { timeoutMs: 50 } : {};
      expect(verdictOf(await prove(handler, changes))).toBe('unproven');
      if (name === 'nobody answers') expect(upstream?.queries.length).toBeLessThan(20);
    },
    30_000,
  );

  test('SERVFAIL for prohibited names is no refusal', async () => {
    const answered = await prove((query) =>
      isListed(query) ? answerCode(query, RCODE.SERVFAIL) : refusing()(query),
    );
    expect(verdictOf(answered)).toBe('broken');
  }, 30_000);
});

test('an address of a sinkhole is a refusal where it was named, and a leak where it was not', async () => {
  const sinking: ScriptedHandler = (query) => {
    if (!isListed(query)) return refusing()(query);
    return answer(query, query.type === TYPE.A ? [`${query.name} 60 IN A 192.0.2.99`] : []);
  };
  expect(verdictOf(await prove(sinking))).toBe('leaking');
  await upstream?.close();
  const forms = foreignForms(['192.0.2.99']);
  expect(verdictOf(await prove(sinking, { forms }))).toBe('enforced');
  await upstream?.close();
  const always: ScriptedHandler = (query) =>
    answer(query, query.type === TYPE.A ? [`${query.name} 60 IN A 192.0.2.99`] : []);
  expect(verdictOf(await prove(always, { forms }))).toBe('unproven');
});

test('a certificate counts all names that leaked, and quotes some', async () => {
  const mandate = { ...MANDATE, lists: ['many'] };
  const names = Array.from({ length: 1_200 }, (_, index): [string, 'suffix'] => [
    `m${index}.example`,
    'suffix',
  ]);
  const lists = [{ id: 'many', names, prefixes: 0 }];
  const answered = await prove(world, { packs: { ...PACKS, lists }, mandate, questionsMax: 1_500 });
  expect(answered.leakedNames).toBe(1_200);
  expect(answered.leaks.length).toBe(200);
}, 30_000);

test('an alias that leads to a prohibited name is refused where it leads, or leaks', async () => {
  const following =
    (ends: readonly string[]): ScriptedHandler =>
    (query) =>
      /^go\.test\.$/i.test(query.name)
        ? answer(query, [`${query.name} 60 IN CNAME a0.example.`, ...(query.type === TYPE.A ? ends : [])])
        : refusing()(query);
  const aliases = ['go.test'];
  expect(verdictOf(await prove(following([]), { aliases }))).toBe('enforced');
  await upstream?.close();
  const leaking = await prove(following(['a0.example. 60 IN A 192.0.2.7']), { aliases });
  expect(verdictOf(leaking)).toBe('leaking');
  expect(leaking.leaks).toMatchObject([{ name: 'go.test', list: 'aliases' }]);
});

test('a server that closes its connections now and then, as dnsmasq does after a hundred, still enforces', async () => {
  const served = new Map<number, number>();
  const handler = refusing();
  const answered = await prove((query) => {
    const reply = handler(query);
    if (query.transport === 'udp' || !(reply instanceof Uint8Array)) return reply;
    const count = (served.get(query.port) ?? 0) + 1;
    served.set(query.port, count);
    // What was sent before the end was known is lost.
    if (count > 20) return undefined;
    return count === 20 ? { pieces: [frame(reply)] } : reply;
  });
  expect(judgeAnswered(answered)).toEqual({ verdict: 'enforced', reasons: [] });
  expect(served.size).toBeGreaterThan(3);
});

test('canaries and ways past the resolver are told beside the verdict', async () => {
  const answered = await prove((query) => (isListed(query) ? refuse(query) : world(query)));
  expect(verdictOf(answered)).toBe('enforced');
  for (const part of ['canaries', 'bypasses'])
    expect(partOf(answered, part).reduce((sum, { leaked }) => sum + leaked, 0)).toBeGreaterThan(0);
});

test.each([
  ['192.0.2.53', '192.0.2.53:53 udp,tcp'],
  ['192.0.2.53:5353', '192.0.2.53:5353 udp,tcp'],
  ['[2001:db8::53]:5353', '[2001:db8::53]:5353 udp,tcp'],
  ['fe80::1%eth0', '[fe80::1%eth0]:53 udp,tcp'],
  ['tls://127.0.0.1', '127.0.0.1:853 dot'],
  ['https://[::1]:8443/dns-query', '[::1]:8443 doh'],
  ['127.0.0.1%eth0', undefined],
  ['http://127.0.0.1/', undefined],
  ['tls://', undefined],
  ['example', undefined],
])('%s is asked at %s', async (text, wanted) => {
  const found = await findResolver(text);
  expect(found && `${formatEndpoint(found.server)} ${found.ways.join()}`).toBe(wanted);
});
