// DNAMEs and aliases that go round, between real servers and clients: NSD and BIND's named have the zones, signed.
//
// What a server says behind an alias need not be the whole truth: NSD gives a part of the proof, named leaves the end out.
// The program has to say what is true of both, from the servers and from what it has kept, and to refuse listed names on
// every such way. The program stands in the modes `validate` and `off`.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EDNS_DO, FLAG, RCODE } from '../../src/wire/dns/dns.ts';
import { AnswerBook } from '../support/answer-book.ts';
import { ask, type Reply } from '../support/client.ts';
import { type Nsd, startNsd } from '../support/nsd.ts';
import { findProgram, requireProgram } from '../support/process.ts';
import { answer, answerCode, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';
import { type SignedZone, signZone } from '../support/signed-zone.ts';
import { askForProof, withoutProof, withoutTtl } from '../support/validators.ts';

/** A client of a group without lists. */
const FREE_CLIENT = '127.0.0.9';
const EDE_INVALID_DATA = 24;
const EDE_BLOCKED = 15;

const soa = (apex: string): string => `${apex} 300 IN SOA ns.${apex} host.${apex} 1 3600 1200 604800 77`;

const CHILD = [
  soa('child.example.'),
  'here.child.example. 300 IN A 192.0.2.9',
  'zz.child.example. 300 IN A 192.0.2.10',
];
const PARENT = [
  soa('example.'),
  'in.example. 400 IN DNAME there.example.',
  'known.there.example. 300 IN A 192.0.2.1',
  'out.example. 400 IN DNAME child.example.',
  'listed.example. 400 IN DNAME bad.example.',
  'www.bad.example. 300 IN A 192.0.2.66',
  'fine.bad.example. 300 IN A 192.0.2.67',
  'way.example. 300 IN CNAME www.bad.example.',
  'one.example. 300 IN CNAME two.example.',
  'two.example. 300 IN CNAME one.example.',
  'self.example. 300 IN CNAME self.example.',
  'deeper.example. 300 IN DNAME deeper.deeper.example.',
  'round.example. 300 IN CNAME www.bad2.example.',
  'www.bad2.example. 300 IN CNAME round.example.',
  '*.wild.example. 400 IN DNAME there.example.',
  'far.example. 400 IN DNAME star.example.',
  '*.star.example. 300 IN A 192.0.2.77',
  'all.star.example. 300 IN A 192.0.2.78',
];

let nsd: Nsd | undefined;
let validating: Cordon | undefined;
let plain: Cordon | undefined;
let parent: SignedZone;

beforeAll(async () => {
  if (findProgram('nsd') === undefined || findProgram('dnssec-signzone') === undefined) return;
  const child = signZone({ apex: 'child.example.', records: CHILD });
  parent = signZone({
    apex: 'example.',
    records: [...PARENT, 'child.example. 300 IN NS ns.child.example.', ...child.ds],
  });
  nsd = await startNsd({ 'example.': parent.text, 'child.example.': child.text });
  const config = (mode: string): string => `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
upstreams: ["127.0.0.1:${nsd?.endpoint.port}"]
dnssec: ${mode}
lists: [{ id: own, file: own.txt }]
groups:
  - { name: default, lists: [own] }
  - { name: lab, clients: ["${FREE_CLIENT}/32"], lists: [] }`;
  const files = { 'own.txt': 'www.bad.example\nwww.bad2.example\n', 'anchors.txt': parent.ds.join('\n') };
  validating = await startCordon({ config: config('{ mode: validate, anchors: anchors.txt }'), files });
  plain = await startCordon({ config: config('{ mode: "off" }'), files });
});

afterAll(async () => {
  await validating?.stop();
  await plain?.stop();
  await nsd?.stop();
});

const programs = (context: Parameters<typeof requireProgram>[0]): { validating: Cordon; plain: Cordon } => {
  for (const program of ['nsd', 'dnssec-signzone']) requireProgram(context, program);
  if (validating === undefined || plain === undefined) throw new Error('not started');
  return { validating, plain };
};

/** What a client sees of an answer: RCODE, AD, and the records that are no proof, without TTL. */
const view = ({ rcode, flags, answer, authority }: Reply): unknown => ({
  rcode,
  isSecure: (flags & FLAG.AD) !== 0,
  answer: withoutTtl(withoutProof(answer)),
  authority: withoutTtl(withoutProof(authority)),
});

const NOPE_OUT = {
  answer: ['nope.out.example. IN CNAME nope.child.example.', 'out.example. IN DNAME child.example.'],
  authority: ['child.example. IN SOA ns.child.example. host.child.example. 1 3600 1200 604800 77'],
};

describe('a DNAME', () => {
  test('with a name error behind it of which the server proves a part is secure', async (context) => {
    const { validating, plain } = programs(context);
    const expected = { rcode: RCODE.NXDOMAIN, isSecure: true, ...NOPE_OUT };
    expect(view(await askForProof(validating.dns, 'nope.out.example. A'))).toEqual(expected);
    expect(view(await ask(plain.dns, 'nope.out.example. A'))).toEqual({ ...expected, isSecure: false });
    // Again, by the DNAME that is kept: of an end that is there, and of one that is not.
    expect(view(await askForProof(validating.dns, 'other.out.example. TXT'))).toMatchObject({
      rcode: RCODE.NXDOMAIN,
      isSecure: true,
      answer: ['other.out.example. IN CNAME other.child.example.', 'out.example. IN DNAME child.example.'],
    });
    expect(view(await askForProof(validating.dns, 'HERE.out.example. A'))).toEqual({
      rcode: RCODE.NOERROR,
      isSecure: true,
      answer: expect.arrayContaining(['here.child.example. IN A 192.0.2.9']) as unknown,
      authority: [],
    });
  });

  test('answers a question for the alias itself, wherever that leads', async (context) => {
    const { validating, plain } = programs(context);
    for (const cordon of [validating, plain]) {
      const known = [
        'known.in.example. IN CNAME known.there.example.',
        'in.example. IN DNAME there.example.',
      ];
      await ask(cordon.dns, 'known.in.example. A');
      for (const name of ['known', 'none']) {
        const expected = {
          rcode: RCODE.NOERROR,
          answer: known.map((record) => record.replaceAll('known', name)).toSorted(),
          authority: [],
        };
        // Cold or by the DNAME that is kept, then from the cache.
        expect(view(await ask(cordon.dns, `${name}.in.example. CNAME`))).toMatchObject(expected);
        expect(view(await ask(cordon.dns, `${name}.in.example. CNAME`))).toMatchObject(expected);
      }
    }
  });

  test('above the name is no data of it: the SOA stays, and how long there is none', async (context) => {
    const { validating, plain } = programs(context);
    for (const cordon of [validating, plain]) {
      const reply = await ask(cordon.dns, 'known.in.example. DNAME');
      expect(view(reply)).toMatchObject({
        rcode: RCODE.NOERROR,
        authority: ['example. IN SOA ns.example. host.example. 1 3600 1200 604800 77'],
      });
      expect(reply.authority[0]).toMatch(/^example\. 7\d IN SOA/);
      // It is data of its own name.
      expect(view(await ask(cordon.dns, 'in.example. DNAME'))).toMatchObject({
        answer: ['in.example. IN DNAME there.example.'],
        authority: [],
      });
    }
  });

  test('to what a wildcard stands for is data, though the server proves a part of it', async (context) => {
    const { validating } = programs(context);
    for (const name of ['a.b.far.example.', 'c.far.example.'])
      expect(view(await askForProof(validating.dns, `${name} A`))).toMatchObject({
        rcode: RCODE.NOERROR,
        isSecure: true,
        answer: expect.arrayContaining([`${name.replace('far', 'star')} IN A 192.0.2.77`]) as unknown,
      });
  });

  test('that a wildcard stands for is data, and nothing follows from it', async (context) => {
    const { validating } = programs(context);
    expect(view(await askForProof(validating.dns, 'x.wild.example. DNAME'))).toMatchObject({
      rcode: RCODE.NOERROR,
      isSecure: true,
      answer: ['x.wild.example. IN DNAME there.example.'],
    });
    // The zone's own server says that there is no data.
    expect(view(await askForProof(validating.dns, 'known.x.wild.example. A'))).toMatchObject({
      rcode: RCODE.NOERROR,
      isSecure: true,
      answer: [],
    });
  });

  test('to a listed name is refused, cold, kept and from the cache, and no other name below it', async (context) => {
    const { validating, plain } = programs(context);
    for (const cordon of [validating, plain]) {
      const refused = { rcode: RCODE.NXDOMAIN, answer: [], ede: { infoCode: EDE_BLOCKED } };
      expect(await ask(cordon.dns, 'www.listed.example. A')).toMatchObject(refused);
      expect(view(await ask(cordon.dns, 'fine.listed.example. A'))).toMatchObject({
        rcode: RCODE.NOERROR,
        answer: expect.arrayContaining(['fine.bad.example. IN A 192.0.2.67']) as unknown,
      });
      // The DNAME is kept now.
      for (const flags of [FLAG.RD, FLAG.RD | FLAG.CD])
        for (const type of ['A', 'AAAA', 'TXT', 'DNAME'])
          expect(
            await ask(cordon.dns, `www.listed.example. ${type}`, { flags, edns: { ttl: EDNS_DO } }),
          ).toMatchObject(refused);
      expect(view(await ask(cordon.dns, 'www.listed.example. A', { from: FREE_CLIENT }))).toMatchObject({
        rcode: RCODE.NOERROR,
        answer: expect.arrayContaining(['www.bad.example. IN A 192.0.2.66']) as unknown,
      });
    }
  });
});

describe('a DNAME that is kept', () => {
  test('spares the question for it, and leads a listed name into its refusal while the end is silent', async (context) => {
    requireProgram(context, 'dnssec-signzone');
    const zone = signZone({
      apex: 'zone.example.',
      records: ['old.zone.example. 300 IN DNAME new.example.'],
    });
    const signedDname = ['DNAME', 'RRSIG'].flatMap((type) =>
      zone.text
        .split('\n')
        .filter((line) => new RegExp(`^old\\S*\\s+\\d+\\s+IN\\s+${type}\\s+(new|DNAME)`).test(line)),
    );
    const keys = zone.text
      .split('\n')
      .filter((line) => /^zone\S*\s+\d+\s+IN\s+(DNSKEY|RRSIG\s+DNSKEY)\s/.test(line));
    const book = new AnswerBook();
    book.set('zone.example. DNSKEY', keys);
    book.set('a.old.zone.example. A', [
      ...signedDname,
      'a.old.zone.example. 300 IN CNAME a.new.example.',
      'a.new.example. 300 IN A 192.0.2.1',
    ]);
    book.set('b.new.example. A', ['b.new.example. 60 IN A 192.0.2.2']);
    book.set('www.new.example. A', (query) => answerCode(query, RCODE.REFUSED));
    const upstream = await ScriptedUpstream.open(book.handler);
    const cordon = await startCordon({
      files: { 'own.txt': 'www.new.example\n', 'anchors.txt': zone.ds.join('\n') },
      config: `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
dnssec: { mode: validate, anchors: anchors.txt }
resolver: { timeout: 2s }
lists: [{ id: own, file: own.txt }]`,
    });
    try {
      expect(await ask(cordon.dns, 'a.old.zone.example. A')).toMatchObject({ rcode: RCODE.NOERROR });
      const reply = await ask(cordon.dns, 'b.old.zone.example. A');
      expect(withoutTtl(reply.answer)).toEqual([
        'b.new.example. IN A 192.0.2.2',
        'b.old.zone.example. IN CNAME b.new.example.',
        'old.zone.example. IN DNAME new.example.',
      ]);
      expect(upstream.count('b.old.zone.example.')).toBe(0);
      // Nobody answers for the end.
      expect(await ask(cordon.dns, 'www.old.zone.example. A')).toMatchObject({
        rcode: RCODE.NXDOMAIN,
        ede: { infoCode: EDE_BLOCKED },
      });
      expect(upstream.count('www.old.zone.example.')).toBe(0);
    } finally {
      await cordon.stop();
      await upstream.close();
    }
  });
});

describe('aliases that go round', () => {
  test.for(['one.example. A', 'self.example. A', 'x.deeper.example. A'])(
    '%s is a failure',
    async (question, context) => {
      const { validating, plain } = programs(context);
      for (const cordon of [validating, plain])
        for (const flags of [FLAG.RD, FLAG.RD | FLAG.CD])
          expect(await ask(cordon.dns, question, { flags, edns: { ttl: EDNS_DO } })).toMatchObject({
            rcode: RCODE.SERVFAIL,
            answer: [],
            ede: { infoCode: EDE_INVALID_DATA },
          });
    },
  );

  test('are refused where a name of them is listed', async (context) => {
    const { validating, plain } = programs(context);
    const refused = { rcode: RCODE.NXDOMAIN, answer: [], ede: { infoCode: EDE_BLOCKED } };
    for (const cordon of [validating, plain])
      for (const _try of ['cold', 'remembered']) {
        expect(await ask(cordon.dns, 'round.example. A')).toMatchObject(refused);
        expect(await ask(cordon.dns, 'round.example. A', { from: FREE_CLIENT })).toMatchObject({
          rcode: RCODE.SERVFAIL,
          answer: [],
        });
      }
  });
});

describe('an alias whose end cannot be had', () => {
  test('is refused where it leads to a listed name, and SERVFAIL for others', async () => {
    const book = new AnswerBook();
    book.set('www.open.example. A', ['www.open.example. 300 IN CNAME www.bad.example.']);
    book.set('www.data.example. TXT', ['www.data.example. 300 IN CNAME www.told.example.']);
    book.set('www.lead.example. A', ['www.lead.example. 300 IN CNAME www.moved.example.']);
    for (const end of ['www.bad.example. A', 'www.told.example. TXT', 'www.moved.example. A'])
      book.set(end, (query) => answerCode(query, RCODE.REFUSED));
    book.set('www.there.example. A', ['www.there.example. 300 IN A 192.0.2.5']);
    book.set('loop.example. A', (query) =>
      answer(query, ['loop.example. 300 IN CNAME loop.example.'], { authority: [soa('example.')] }),
    );
    const upstream = await ScriptedUpstream.open(book.handler);
    const cordon = await startCordon({
      files: {
        'own.txt': 'www.bad.example\n',
        'rpz.zone': '$TTL 60\nwww.told.example TXT "told"\nwww.moved.example CNAME www.there.example.\n',
      },
      config: `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
dnssec: { mode: "off" }
resolver: { timeout: 1s }
lists: [{ id: own, file: own.txt }, { id: zone, file: rpz.zone, format: rpz, everything: true }]
groups:
  - { name: default, lists: [own, zone] }
  - { name: lab, clients: ["${FREE_CLIENT}/32"], lists: [] }`,
    });
    try {
      for (const _try of ['cold', 'remembered']) {
        expect(await ask(cordon.dns, 'www.open.example. A')).toMatchObject({
          rcode: RCODE.NXDOMAIN,
          answer: [],
          ede: { infoCode: EDE_BLOCKED },
        });
        expect(await ask(cordon.dns, 'www.open.example. A', { from: FREE_CLIENT })).toMatchObject({
          rcode: RCODE.SERVFAIL,
          answer: [],
        });
        expect(await ask(cordon.dns, 'www.data.example. TXT')).toMatchObject({
          rcode: RCODE.NOERROR,
          answer: ['www.data.example. 300 IN CNAME www.told.example.', 'www.told.example. 60 IN TXT "told"'],
        });
        const led = await ask(cordon.dns, 'www.lead.example. A');
        expect({ rcode: led.rcode, answer: withoutTtl(led.answer) }).toEqual({
          rcode: RCODE.NOERROR,
          answer: [
            'www.lead.example. IN CNAME www.moved.example.',
            'www.moved.example. IN CNAME www.there.example.',
            'www.there.example. IN A 192.0.2.5',
          ],
        });
      }
      expect(await ask(cordon.dns, 'loop.example. A')).toMatchObject({
        rcode: RCODE.SERVFAIL,
        answer: [],
        ede: { infoCode: EDE_INVALID_DATA },
      });
    } finally {
      await cordon.stop();
      await upstream.close();
    }
  });
});
