// Every way in which an answer for an innocent name can lead to a listed name or address, through the whole program.
//
// Each trick is tried three times: cold, from the cache, and by a client whose group has no list, which must get the
// very answer that the others are refused; so a refusal is known to come from the policy and not from a broken reply.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  CLASS,
  EDE,
  FLAG,
  MessageBuilder,
  nameFrom,
  parseType,
  RCODE,
  SECTION,
  TYPE,
} from '../../src/wire/dns/dns.ts';
import { AnswerBook } from '../support/answer-book.ts';
import { ask, readMetric } from '../support/client.ts';
import { answer, answerCode, type ScriptedQuery, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

/** A client of a group without lists. */
const FREE_CLIENT = '127.0.0.9';
const SOA = 'example. 300 IN SOA ns.example. admin.example. 1 3600 1200 604800 300';

interface Trick {
  readonly title: string;
  readonly type?: string;
  readonly trigger: 'cname' | 'dname' | 'https-target' | 'response-ip' | 'https-hint';
  /** The ANSWER section for the name that is asked. */
  readonly records: (name: string) => readonly string[];
  /** Those that a group without lists gets; all where nothing is said. */
  readonly kept?: readonly number[];
}

const TRICKS: readonly Trick[] = [
  {
    title: 'CNAME to a listed name',
    trigger: 'cname',
    records: (name) => [`${name} 300 IN CNAME www.tiktok.com.`, 'www.tiktok.com. 300 IN A 192.0.2.1'],
  },
  {
    title: 'CNAME in mixed letters',
    trigger: 'cname',
    records: (name) => [`${name} 300 IN CNAME wWw.TiKtOk.CoM.`, 'WWW.tiktok.com. 300 IN A 192.0.2.1'],
  },
  {
    title: 'CNAME chain with the listed name in the middle',
    trigger: 'cname',
    records: (name) => [
      `${name} 300 IN CNAME a.example.`,
      'a.example. 300 IN CNAME v16.tiktokcdn.com.',
      'v16.tiktokcdn.com. 300 IN CNAME b.example.',
      'b.example. 300 IN A 192.0.2.1',
    ],
  },
  {
    title: 'CNAME chain of twelve, the last one listed',
    trigger: 'cname',
    records: (name) => [
      `${name} 300 IN CNAME c0.example.`,
      ...Array.from({ length: 11 }, (_, step) => `c${step}.example. 300 IN CNAME c${step + 1}.example.`),
      'c11.example. 300 IN CNAME www.tiktok.com.',
      'www.tiktok.com. 300 IN A 192.0.2.1',
    ],
  },
  {
    title: 'CNAME chain backwards',
    trigger: 'cname',
    records: (name) => [
      'b.example. 300 IN A 192.0.2.1',
      'www.tiktok.com. 300 IN CNAME b.example.',
      `${name} 300 IN CNAME www.tiktok.com.`,
    ],
  },
  {
    title: 'CNAME behind the address',
    trigger: 'cname',
    records: (name) => [`${name} 300 IN A 192.0.2.1`, `${name} 300 IN CNAME www.tiktok.com.`],
  },
  {
    title: 'CNAME to a listed name for a type that it does not have',
    type: 'TXT',
    trigger: 'cname',
    records: (name) => [`${name} 300 IN CNAME www.tiktok.com.`, 'www.tiktok.com. 300 IN TXT "x"'],
  },
  {
    title: 'CNAME asked for as such',
    type: 'CNAME',
    trigger: 'cname',
    records: (name) => [`${name} 300 IN CNAME www.tiktok.com.`],
  },
  {
    title: 'DNAME whose derived name is listed, with the CNAME',
    trigger: 'dname',
    records: (name) => [
      `${name.replace(/^[^.]+\./, '')} 300 IN DNAME tiktok.com.`,
      `${name} 300 IN CNAME ${name.replace(/\..*$/, '')}.tiktok.com.`,
      `${name.replace(/\..*$/, '')}.tiktok.com. 300 IN A 192.0.2.1`,
    ],
  },
  {
    title: 'DNAME to an innocent zone that has a DNAME to a listed one',
    kept: [0, 1],
    trigger: 'dname',
    records: (name) => [
      `${name.replace(/^[^.]+\./, '')} 300 IN DNAME edge.example.`,
      'edge.example. 300 IN DNAME tiktok.com.',
      'b.example. 300 IN A 192.0.2.1',
    ],
  },
  {
    title: 'DNAME to an innocent zone whose only listed name is the derived one',
    kept: [0],
    trigger: 'dname',
    records: (name) => [
      `${name.replace(/^[^.]+\./, '')} 300 IN DNAME mixed.example.`,
      'b.example. 300 IN A 192.0.2.1',
    ],
  },
  {
    title: 'two DNAMEs, the second one for the name that the first one yields',
    kept: [0, 1],
    trigger: 'dname',
    records: (name) => [
      'step.example. 300 IN DNAME mixed.example.',
      `${name.replace(/^[^.]+\./, '')} 300 IN DNAME step.example.`,
      'b.example. 300 IN A 192.0.2.1',
    ],
  },
  {
    title: 'DNAME at a listed name',
    kept: [1],
    trigger: 'dname',
    records: (name) => ['tiktok.com. 300 IN DNAME b.example.', `${name} 300 IN A 192.0.2.1`],
  },
  {
    title: 'HTTPS in AliasMode',
    type: 'HTTPS',
    trigger: 'https-target',
    records: (name) => [`${name} 300 IN HTTPS 0 www.tiktok.com.`],
  },
  {
    title: 'HTTPS in ServiceMode',
    type: 'HTTPS',
    trigger: 'https-target',
    records: (name) => [`${name} 300 IN HTTPS 1 www.tiktok.com. alpn="h2,h3"`],
  },
  {
    title: 'HTTPS, the second of two records',
    type: 'HTTPS',
    trigger: 'https-target',
    records: (name) => [`${name} 300 IN HTTPS 1 . alpn="h2"`, `${name} 300 IN HTTPS 2 www.tiktok.com.`],
  },
  {
    title: 'SVCB in AliasMode',
    type: 'SVCB',
    trigger: 'https-target',
    records: (name) => [`${name} 300 IN SVCB 0 www.tiktok.com.`],
  },
  {
    title: 'SVCB in ServiceMode',
    type: 'SVCB',
    trigger: 'https-target',
    records: (name) => [`${name} 300 IN SVCB 1 www.tiktok.com. port=8443`],
  },
  {
    title: 'HTTPS with a listed ipv4hint',
    type: 'HTTPS',
    trigger: 'https-hint',
    records: (name) => [`${name} 300 IN HTTPS 1 . alpn="h2" ipv4hint=192.0.2.1,71.18.0.1`],
  },
  {
    title: 'HTTPS with a listed ipv6hint',
    type: 'HTTPS',
    trigger: 'https-hint',
    records: (name) => [`${name} 300 IN HTTPS 1 . ipv6hint=2001:db8::1,2605:340::1`],
  },
  {
    title: 'HTTPS with a listed address as an IPv4-mapped ipv6hint',
    type: 'HTTPS',
    trigger: 'https-hint',
    records: (name) => [`${name} 300 IN HTTPS 1 . ipv6hint=::ffff:71.18.0.1`],
  },
  {
    title: 'A in a listed prefix',
    trigger: 'response-ip',
    records: (name) => [`${name} 300 IN A 192.0.2.1`, `${name} 300 IN A 71.18.0.1`],
  },
  {
    title: 'AAAA in a listed prefix',
    type: 'AAAA',
    trigger: 'response-ip',
    records: (name) => [`${name} 300 IN AAAA 2605:340::1`],
  },
  {
    title: 'AAAA with an IPv4-mapped address',
    type: 'AAAA',
    trigger: 'response-ip',
    records: (name) => [`${name} 300 IN AAAA ::ffff:71.18.0.1`],
  },
  {
    title: 'AAAA with a NAT64 address',
    type: 'AAAA',
    trigger: 'response-ip',
    records: (name) => [`${name} 300 IN AAAA 64:ff9b::4712:1`],
  },
  ...[
    ['6to4', '2002:4712:1::1'],
    ['Teredo (the server)', '2001:0:4712:1::1'],
    ['Teredo (the client)', '2001:0:c000:201:0:ffff:b8ed:fffe'],
    ['IPv4-translated', '::ffff:0:4712:1'],
    ['IPv4-compatible', '::4712:1'],
    ['ISATAP', '2001:db8::5efe:4712:1'],
    ['universal ISATAP', '2001:db8::200:5efe:4712:1'],
    ['local-use NAT64 /48', '64:ff9b:1:4712:0:100::'],
    ['local-use NAT64 /56', '64:ff9b:1:47:12:1::'],
    ['local-use NAT64 /64', '64:ff9b:1:0:47:1200:100:0'],
    ['local-use NAT64 /96', '64:ff9b:1::4712:1'],
  ].map(
    ([form, address]): Trick => ({
      title: `AAAA with an address of the form ${form}`,
      type: 'AAAA',
      trigger: 'response-ip',
      records: (name: string) => [`${name} 300 IN AAAA ${address}`],
    }),
  ),
  {
    title: 'A record of the other family in the answer',
    type: 'TXT',
    kept: [0],
    trigger: 'response-ip',
    records: (name) => [`${name} 300 IN TXT "x"`, `${name} 300 IN AAAA 2605:340::1`],
  },
  {
    title: 'address of a listed name beside the answer',
    kept: [0],
    trigger: 'cname',
    records: (name) => [`${name} 300 IN A 192.0.2.1`, 'www.tiktok.com. 300 IN A 192.0.2.2'],
  },
  {
    title: 'text of a listed name beside the answer',
    kept: [0],
    trigger: 'cname',
    records: (name) => [`${name} 300 IN A 192.0.2.1`, 'www.tiktok.com. 300 IN TXT "x"'],
  },
];

const book = new AnswerBook();
let upstream: ScriptedUpstream;
let cordon: Cordon;

beforeAll(async () => {
  upstream = await ScriptedUpstream.open(book.handler);
  cordon = await startCordon({
    files: { 'own.txt': 'www.mixed.example\n' },
    config: `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists:
  - { id: tiktok, shipped: tiktok }
  - { id: bytedance-prefixes, shipped: bytedance-prefixes }
  - { id: own, file: own.txt }
groups:
  - { name: default, lists: [tiktok, bytedance-prefixes, own] }
  - { name: lab, clients: ["${FREE_CLIENT}/32"], lists: [] }
`,
  });
});

afterAll(async () => {
  await cordon?.stop();
  await upstream?.close();
});

const refused = {
  rcode: RCODE.NXDOMAIN,
  answer: [],
  additional: [],
  isSound: true,
  ede: { infoCode: EDE.BLOCKED },
};

/** Asks three times as the head of this file says; `isKept` is false for what the cache may not hold. */
const tryTrick = async (
  question: string,
  trigger: string,
  expected: unknown,
  isKept = true,
): Promise<void> => {
  const [name = ''] = question.split(' ');
  const labels = { trigger, group: 'default' };
  const before = await readMetric(cordon, 'cordon_refusals_total', labels);
  const cold = await ask(cordon.dns, question);
  expect(cold, 'cold').toMatchObject(refused);
  // Once, or more often where the machine was slow: an answer that is late is asked for again.
  const asked = upstream.asked(name);
  expect(asked).toBeGreaterThan(0);
  expect(await ask(cordon.dns, question), 'from the cache').toMatchObject(refused);
  expect(await ask(cordon.dns, question, { transport: 'tcp' }), 'over TCP').toMatchObject(refused);
  const free = await ask(cordon.dns, question, { from: FREE_CLIENT, transport: 'tcp' });
  expect(free, 'for a group without lists').toMatchObject({
    rcode: RCODE.NOERROR,
    answer: expected,
    isSound: true,
  });
  expect(free.ede).toBeUndefined();
  if (isKept) expect(upstream.asked(name)).toBe(asked);
  else expect(upstream.asked(name)).toBeGreaterThanOrEqual(asked + 3);
  expect(await readMetric(cordon, 'cordon_refusals_total', labels)).toBe(before + 3);
};

/** Records with a TTL that a second may have passed since. */
const aged = (records: readonly string[]): unknown[] =>
  records.map((record): unknown => {
    const [before = '', after = ''] = record.split(' 300 ');
    const literal = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    return expect.stringMatching(new RegExp(`^${literal(before)} (300|29\\d) ${literal(after)}$`));
  });

describe('tricks', () => {
  test.each(TRICKS.map((trick, index) => ({ ...trick, index })))('$title', async (trick) => {
    const name = `www.trick${trick.index}.example.`;
    const question = `${name} ${trick.type ?? 'A'}`;
    const records = trick.records(name);
    book.set(question, (query) => answer(query, records, { authority: [SOA] }));
    const { kept } = trick;
    await tryTrick(question, trick.trigger, aged(kept?.map((index) => records[index] ?? '') ?? records));
  });
});

/** What the upstream says about a listed name, for aliases whose end it leaves out. */
const LISTED_END = 'www.tiktok.com. 300 IN A 192.0.2.1';

describe('answers that are not kept', () => {
  test.each([
    ['a DNAME alone, its derived name listed', 'dname', 'alone2.example. 300 IN DNAME tiktok.com.', []],
    ['a TTL of zero', 'cname', 'www.alone3.example. 0 IN CNAME www.tiktok.com.', [LISTED_END]],
  ] as const)('%s', async (_title, trigger, record, end) => {
    const [owner = ''] = record.split(' ');
    const name = owner.startsWith('www.') ? owner : `www.${owner}`;
    book.set(`${name} A`, [record]).set('www.tiktok.com. A', [LISTED_END]);
    await tryTrick(`${name} A`, trigger, [record, ...end], false);
  });
});

describe('aliases whose end the upstream leaves out', () => {
  test('a listed name is refused wherever it stands in the joined answer', async () => {
    const parts = [
      'www.split.example. 300 IN CNAME t.split.example.',
      't.split.example. 300 IN CNAME www.tiktok.com.',
    ];
    book.set('www.split.example. A', parts.slice(0, 1)).set('t.split.example. A', parts.slice(1));
    book.set('www.tiktok.com. A', [LISTED_END]);
    await tryTrick('www.split.example. A', 'cname', aged([...parts, LISTED_END]));
    // Behind the listed name as well: whatever a later part holds was judged with the rest.
    book.set('www.tiktok.com. A', ['www.tiktok.com. 300 IN CNAME b.split.example.']);
    book.set('b.split.example. A', ['b.split.example. 300 IN A 192.0.2.1']);
    book.set('www.behind.example. A', ['www.behind.example. 300 IN CNAME www.tiktok.com.']);
    const behind = [
      'www.behind.example. 300 IN CNAME www.tiktok.com.',
      'www.tiktok.com. 300 IN CNAME b.split.example.',
      'b.split.example. 300 IN A 192.0.2.1',
    ];
    await tryTrick('www.behind.example. A', 'cname', aged(behind));
  });

  test('so is a listed address, and a hint of a service', async () => {
    const parts = ['www.far.example. 300 IN CNAME t.far.example.', 't.far.example. 300 IN A 71.18.0.1'];
    book.set('www.far.example. A', parts.slice(0, 1)).set('t.far.example. A', parts.slice(1));
    await tryTrick('www.far.example. A', 'response-ip', aged(parts));
    const hint = 't.hint.example. 300 IN HTTPS 1 . ipv4hint=71.18.0.1';
    const alias = 'www.hint.example. 300 IN CNAME t.hint.example.';
    book.set('www.hint.example. HTTPS', [alias]).set('t.hint.example. HTTPS', [hint]);
    await tryTrick('www.hint.example. HTTPS', 'https-hint', aged([alias, hint]));
  });

  test('an innocent end is served, with the RCODE and the proof of the last part', async () => {
    const alias = 'www.open.example. 300 IN CNAME t.open.example.';
    book.set('www.open.example. A', [alias]).set('t.open.example. A', ['t.open.example. 60 IN A 192.0.2.7']);
    expect(await ask(cordon.dns, 'www.open.example. A')).toMatchObject({
      rcode: RCODE.NOERROR,
      answer: [alias, 't.open.example. 60 IN A 192.0.2.7'],
    });
    book.set('www.open.example. AAAA', [alias]);
    book.set('t.open.example. AAAA', (query) =>
      answer(query, [], { flags: FLAG.QR | FLAG.RA | RCODE.NXDOMAIN, authority: [SOA] }),
    );
    const denied = await ask(cordon.dns, 'www.open.example. AAAA');
    expect(denied).toMatchObject({ rcode: RCODE.NXDOMAIN, answer: [alias], authority: [SOA] });
  });

  test('an end that cannot be had is SERVFAIL with the reason of the upstream', async () => {
    book.set('www.lost.example. A', ['www.lost.example. 300 IN CNAME t.lost.example.']);
    book.set('t.lost.example. A', (query) => answerCode(query, RCODE.REFUSED));
    const reply = await ask(cordon.dns, 'www.lost.example. A');
    expect(reply).toMatchObject({
      rcode: RCODE.SERVFAIL,
      answer: [],
      ede: { infoCode: EDE.NO_REACHABLE_AUTHORITY },
    });
    book.set('www.round.example. A', ['www.round.example. 300 IN CNAME t.round.example.']);
    book.set('t.round.example. A', ['t.round.example. 300 IN CNAME www.round.example.']);
    expect(await ask(cordon.dns, 'www.round.example. A')).toMatchObject({
      rcode: RCODE.SERVFAIL,
      ede: { infoCode: EDE.INVALID_DATA, text: expect.stringContaining('aliases go round') },
    });
  });

  test('aliases that an upstream followed for type NSEC go round: SERVFAIL; those of other names do not', async () => {
    const round = [
      'www.round.example. 300 IN CNAME t.round.example.',
      't.round.example. 300 IN CNAME www.round.example.',
    ];
    book.set('www.round.example. NSEC', round);
    const refused = {
      rcode: RCODE.SERVFAIL,
      answer: [],
      ede: { infoCode: EDE.INVALID_DATA, text: expect.stringContaining('aliases go round') },
    };
    expect(await ask(cordon.dns, 'www.round.example. NSEC')).toMatchObject(refused);
    const alias = 'www.even.example. 300 IN CNAME t.even.example.';
    book.set('www.even.example. NSEC', [alias]);
    expect(await ask(cordon.dns, 'www.even.example. NSEC')).toMatchObject({
      rcode: RCODE.NOERROR,
      answer: [alias],
    });
    expect(upstream.count('t.even.example.')).toBe(0);
  });

  test('a name of this network only is asked of no upstream', async () => {
    const alias = 'www.inside.example. 300 IN CNAME printer.local.';
    book.set('www.inside.example. A', [alias]);
    expect(await ask(cordon.dns, 'www.inside.example. A')).toMatchObject({ answer: [alias] });
    expect(upstream.count('printer.local.')).toBe(0);
  });
});

test('an innocent chain, service and address are served', async () => {
  const chain = ['www.good.example. 300 IN CNAME cdn.good.example.', 'cdn.good.example. 300 IN A 192.0.2.1'];
  book.set('www.good.example. A', chain);
  book.set('www.good.example. HTTPS', ['www.good.example. 300 IN HTTPS 1 . alpn=h2 ipv4hint=192.0.2.1']);
  expect((await ask(cordon.dns, 'www.good.example. A')).answer).toEqual(chain);
  expect((await ask(cordon.dns, 'www.good.example. HTTPS')).answer).toHaveLength(1);
});

describe('what nobody asked for', () => {
  const authority = ['tiktok.com. 300 IN NS ns.tiktok.com.', 'www.tiktok.com. 300 IN A 192.0.2.3'];
  const additional = ['ns.tiktok.com. 300 IN A 192.0.2.4', 'www.tiktok.com. 300 IN AAAA 2605:340::1'];

  test('AUTHORITY and ADDITIONAL of a positive answer are not passed on', async () => {
    const records = ['www.extra.example. 300 IN A 192.0.2.1'];
    book.set('www.extra.example. A', (query) => answer(query, records, { authority, additional }));
    for (const from of ['127.0.0.1', FREE_CLIENT]) {
      const reply = await ask(cordon.dns, 'www.extra.example. A', { from });
      expect(reply).toMatchObject({
        rcode: RCODE.NOERROR,
        answer: aged(records),
        authority: [],
        additional: [],
      });
    }
  });

  test.each([RCODE.NOERROR, RCODE.NXDOMAIN])(
    'those of a negative one (RCODE %i) are refused',
    async (rcode) => {
      const name = `www.extra${rcode}.example.`;
      const flags = FLAG.QR | FLAG.RD | FLAG.RA | rcode;
      book.set(`${name} A`, (query) =>
        answer(query, [], { flags, authority: [SOA, ...authority], additional }),
      );
      for (let i = 0; i < 2; i++) {
        const reply = await ask(cordon.dns, `${name} A`);
        expect(reply).toMatchObject(refused);
        expect(reply.authority).toEqual([expect.stringContaining(`${name} 30 IN SOA`)]);
      }
    },
  );
});

describe('how names are written', () => {
  const WIRE_TARGET = Buffer.from(nameFrom('tiktok.com.'));

  /** An answer whose CNAME is `www` and a pointer to the listed zone's name inside a TXT record. */
  const compressed = (query: ScriptedQuery, isForward: boolean): Uint8Array => {
    const builder = new MessageBuilder(new Uint8Array(4096)).start(query.id, FLAG.QR | FLAG.RA);
    const owner = nameFrom(query.name);
    builder.question(owner, query.type, CLASS.IN);
    const hidden = Buffer.from([WIRE_TARGET.length, ...WIRE_TARGET]);
    const alias = (target: number) =>
      Uint8Array.from([3, ...Buffer.from('www'), 0xc0 | (target >> 8), target & 0xff]);
    if (isForward)
      builder.record(SECTION.ANSWER, owner, TYPE.CNAME, CLASS.IN, 300, alias(builder.length + 12 + 6 + 13));
    builder.record(SECTION.ANSWER, owner, TYPE.TXT, CLASS.IN, 300, hidden);
    const target = builder.length - WIRE_TARGET.length;
    if (!isForward) builder.record(SECTION.ANSWER, owner, TYPE.CNAME, CLASS.IN, 300, alias(target));
    builder.record(
      SECTION.ANSWER,
      nameFrom('b.example.'),
      TYPE.A,
      CLASS.IN,
      300,
      Uint8Array.of(192, 0, 2, 1),
    );
    return builder.finish().slice();
  };

  test('a target that ends in a pointer is refused', async () => {
    book.set('www.pointer.example. A', (query) => compressed(query, false));
    // The TXT record that the pointer leads into is no answer to the question.
    const alias = expect.stringMatching(/ IN CNAME www\.tiktok\.com\.$/) as string;
    book.set('www.tiktok.com. A', [LISTED_END]);
    await tryTrick('www.pointer.example. A', 'cname', [alias, LISTED_END]);
  });

  test('a pointer forwards makes the answer unusable', async () => {
    book.set('www.forward.example. A', (query) => compressed(query, true));
    const reply = await ask(cordon.dns, 'www.forward.example. A');
    expect(reply).toMatchObject({ rcode: RCODE.SERVFAIL, answer: [], ede: { infoCode: EDE.INVALID_DATA } });
  });
});

describe('answers that are never served', () => {
  const chainOf = (name: string, length: number): string[] =>
    Array.from({ length }, (_, step) => {
      const owner = step === 0 ? name : `s${step}.example.`;
      return `${owner} 300 IN CNAME s${step + 1}.example.`;
    });
  const BAD: Readonly<Record<string, (query: ScriptedQuery) => Uint8Array>> = {
    'a chain of 200 aliases': (query) => answer(query, chainOf(query.name, 200)),
    'two thousand addresses': (query) =>
      answer(
        query,
        Array.from({ length: 2000 }, (_, i) => `${query.name} 300 IN A 192.0.${i >> 8}.${i & 255}`),
      ),
    'an address of five bytes': (query) => withRecord(query, 'A', CLASS.IN, [71, 18, 0, 1, 0]),
    'an IPv6 address of four bytes': (query) => withRecord(query, 'AAAA', CLASS.IN, [71, 18, 0, 1]),
    'a service record cut off': (query) => withRecord(query, 'HTTPS', CLASS.IN, [0, 1]),
    'a listed address in another class': (query) => withRecord(query, 'A', CLASS.CH, [71, 18, 0, 1]),
  };
  const withRecord = (
    query: ScriptedQuery,
    type: string,
    recordClass: number,
    rdata: number[],
  ): Uint8Array => {
    const builder = new MessageBuilder(new Uint8Array(4096)).start(query.id, FLAG.QR | FLAG.RA);
    const owner = nameFrom(query.name);
    builder.question(owner, query.type, CLASS.IN);
    builder.record(SECTION.ANSWER, owner, parseType(type) ?? 0, recordClass, 300, Uint8Array.from(rdata));
    return builder.finish().slice();
  };

  test.each(Object.entries(BAD).map(([title, reply], index) => ({ title, reply, index })))(
    '$title',
    async ({ reply, index }) => {
      const name = `www.bad${index}.example.`;
      book.set(`${name} A`, (query) =>
        query.transport === 'udp'
          ? answerCode(query, RCODE.NOERROR, FLAG.TC)
          : { pieces: [lengthOf(reply(query)), reply(query)] },
      );
      for (let i = 0; i < 2; i++) {
        const got = await ask(cordon.dns, `${name} A`, { transport: 'tcp' });
        expect(got).toMatchObject({ rcode: RCODE.SERVFAIL, answer: [], authority: [], additional: [] });
      }
      expect(
        upstream.queries.filter((query) => query.name === name && query.transport === 'tcp'),
        'the second one is answered by what the first one failed with',
      ).toHaveLength(1);
    },
  );

  const lengthOf = (message: Uint8Array): Uint8Array =>
    Uint8Array.of(message.length >> 8, message.length & 255);
});
