// What is told of queries for the records: which, once each, with what was answered.

import { describe, expect, test } from 'vitest';
import { TRANSPORT } from '../../../src/resolver/pipeline/pipeline.ts';
import type { QueryEvent } from '../../../src/telemetry/events/events.ts';
import { FLAG } from '../../../src/wire/dns/dns.ts';
import { buildQuery } from '../../support/records.ts';
import { answerAsked, Bench, CLIENT, CLIENT_PORT, createRules } from './setup.ts';

describe('a refusal is told', () => {
  test.each<[string, string, string]>([
    ['as the list answers it', 'a.tiktok.example', 'refusal 0:1 qname x.a.tiktok.example. A NXDOMAIN ede=15'],
    [
      'as the rule answers it',
      'tiktok.example => nodata',
      'refusal 0:1 qname x.a.tiktok.example. A NOERROR ede=15',
    ],
    ['when nothing is answered', 'tiktok.example => drop', 'refusal 0:1 qname x.a.tiktok.example. A dropped'],
    [
      'when a record is given in its place',
      'tiktok.example => A 198.51.100.7',
      'refusal 0:1 qname x.a.tiktok.example. A NOERROR ede=15',
    ],
    ['by the client', 'client:192.0.2.0/24', 'refusal 0:1 client-ip x.a.tiktok.example. A NXDOMAIN ede=15'],
  ])('%s', (_name, rule, expected) => {
    const bench = new Bench({ lists: [[rule]] });
    bench.ask('x.a.tiktok.example. A');
    expect(bench.events).toEqual([expected]);
  });

  test('without an EDE where none was sent', () => {
    const bench = new Bench({ lists: [['tiktok.example']] });
    bench.send(buildQuery('tiktok.example. HTTPS'));
    expect(bench.events).toEqual(['refusal 0:1 qname tiktok.example. HTTPS NXDOMAIN']);
  });

  test('not where the client only has to come back over TCP', () => {
    const bench = new Bench({ lists: [['tiktok.example => tcp-only']] });
    bench.ask('tiktok.example. A');
    bench.send(buildQuery('tiktok.example. A'), CLIENT.DEFAULT, TRANSPORT.TCP);
    expect(bench.events).toEqual([]);
  });

  test('with what the answer led to, for the cache and for everybody who waited', () => {
    const bench = new Bench({ lists: [['tiktok.example', '203.0.113.0/24']] });
    bench.ask('a.example. HTTPS');
    bench.ask('a.example. HTTPS', {}, CLIENT.LAB);
    answerAsked(bench.asked[0], 'a.example. HTTPS', {
      answer: ['a.example. 60 IN HTTPS 1 edge.example. ipv4hint=203.0.113.7'],
    });
    bench.ask('a.example. HTTPS', {}, CLIENT.STAFF);
    const told = 'refusal 0:2 https-hint a.example. HTTPS NXDOMAIN ede=15 target=203.0.113.7';
    // The group of the second client has no list.
    expect(bench.events).toEqual([told, told]);
  });

  test('once where a rule leads elsewhere, with what that came to', () => {
    const bench = new Bench({ lists: [['tiktok.example => CNAME wall.example.']] });
    bench.ask('www.tiktok.example. A');
    expect(bench.events).toEqual([]);
    answerAsked(bench.asked[0], 'wall.example. A', { answer: ['wall.example. 60 IN A 198.51.100.1'] });
    const told = 'refusal 0:1 qname www.tiktok.example. A NOERROR ede=15';
    expect(bench.events).toEqual([told]);
    bench.ask('www.tiktok.example. A');
    expect(bench.events).toEqual([told, told]);
  });

  test('once where a rule leads from the answer elsewhere, and with where it stood', () => {
    const bench = new Bench({ lists: [['edge.example => CNAME wall.example.']] });
    bench.ask('a.example. A');
    answerAsked(bench.asked[0], 'a.example. A', { answer: ['a.example. 60 IN CNAME edge.example.'] });
    expect(bench.events).toEqual([]);
    answerAsked(bench.asked[1], 'wall.example. A', { answer: ['wall.example. 60 IN A 198.51.100.1'] });
    expect(bench.events).toEqual(['refusal 0:1 cname a.example. A NOERROR ede=15 target=edge.example.']);
  });

  test('by the list whose turn it is where a rule leads to what another list has', () => {
    const bench = new Bench({
      lists: [['wall.example'], ['tiktok.example => CNAME wall.example.']],
      masks: [0b11, 0, 0],
    });
    bench.ask('tiktok.example. A');
    answerAsked(bench.asked[0], 'wall.example. A', { answer: ['wall.example. 60 IN A 198.51.100.1'] });
    expect(bench.events).toEqual([
      'refusal 0:1 qname tiktok.example. A NXDOMAIN ede=15 target=wall.example.',
    ]);
  });

  test('with the name that is refused where a rule leads a question for the alias itself', () => {
    const bench = new Bench({ lists: [['wall.example'], ['tiktok.example => CNAME wall.example.']] });
    bench.ask('tiktok.example. CNAME');
    expect(bench.events).toEqual([
      'refusal 0:1 qname tiktok.example. CNAME NXDOMAIN ede=15 target=wall.example.',
    ]);
  });
});

describe('what a watched list would refuse is told', () => {
  const WATCHED = { lists: [['tiktok.example', '203.0.113.0/24']], listChanges: [{ logOnly: true }] };

  test('with the answer that the client got, when it got it', () => {
    const bench = new Bench(WATCHED);
    bench.ask('tiktok.example. A');
    expect(bench.events).toEqual([]);
    answerAsked(bench.asked[0], 'tiktok.example. A', {});
    expect(bench.events).toEqual(['would-refuse 0:1 qname tiktok.example. A NOERROR']);
  });

  test('for what an answer leads to', () => {
    const bench = new Bench(WATCHED);
    bench.ask('a.example. A');
    answerAsked(bench.asked[0], 'a.example. A', { answer: ['a.example. 60 IN A 203.0.113.7'] });
    expect(bench.events).toEqual(['would-refuse 0:2 response-ip a.example. A NOERROR target=203.0.113.7']);
  });

  test('once for a question that cannot be resolved at all', () => {
    const bench = new Bench(WATCHED);
    bench.ask('tiktok.example. AXFR');
    bench.ask('tiktok.example. A', { flags: 0 });
    expect(bench.events).toEqual([
      'would-refuse 0:1 qname tiktok.example. AXFR REFUSED',
      'would-refuse 0:1 qname tiktok.example. A REFUSED',
    ]);
  });
});

describe('signs of a way around', () => {
  test('a query from outside is counted and told, at most ten times a second', () => {
    const bench = new Bench();
    for (let i = 0; i < 25; i++) bench.ask('www.example. A', {}, CLIENT.OUTSIDE);
    expect(bench.counts.filter((line) => line === 'bypass 4')).toHaveLength(25);
    expect(bench.events).toHaveLength(10);
    expect(bench.events[0]).toBe('bypass www.example. A REFUSED ede=18 signal=4');
    bench.nowMs += 1000;
    bench.ask('www.example. A', {}, CLIENT.OUTSIDE);
    expect(bench.events).toHaveLength(11);
  });

  test('a look-up of designated resolvers is only counted, whatever its letters', () => {
    const bench = new Bench();
    bench.ask('_dns.resolver.arpa. SVCB');
    bench.ask('_DNS.Resolver.ARPA. A');
    bench.ask('resolver.arpa. SVCB');
    expect(bench.counts.filter((line) => line.startsWith('bypass'))).toEqual(['bypass 3', 'bypass 3']);
    expect(bench.events).toEqual([]);
  });
});

test('an event says who asked, how and when, under which policy', () => {
  const bench = new Bench({ lists: [['tiktok.example']], masks: [1, 1, 1], generation: 9 });
  const seen: object[] = [];
  bench.pipeline.setEvents({
    write: ({ address, query: _query, target: _target, ...event }: QueryEvent) => {
      seen.push({ ...event, address: [...address] });
      return true;
    },
  });
  bench.nowMs += 123;
  const bytes = buildQuery('tiktok.example. AAAA', { id: 0xbeef, flags: FLAG.RD | FLAG.CD });
  bench.send(bytes, CLIENT.LAB, TRANSPORT.TCP, '', CLIENT_PORT + 1);
  expect(seen).toEqual([
    {
      kind: 0,
      timeMs: 1_000_123,
      address: [0, 0, 0xffff, 0xc0000281],
      port: CLIENT_PORT + 1,
      transport: TRANSPORT.TCP,
      generation: 9,
      group: 1,
      rule: { list: 0, line: 1, match: 1, trigger: 0, exemption: 0 },
      qtype: 28,
      rcode: 3,
      edeCode: -1,
      forwarder: -1,
      signal: -1,
      id: 0xbeef,
      flags: FLAG.RD | FLAG.CD,
      qnameStart: 12,
      qnameLength: 16,
      targetLength: 0,
      targetAddress: undefined,
    },
  ]);
});

test('a waiter is told with its own address and port', () => {
  const bench = new Bench();
  const ports: number[] = [];
  bench.pipeline.setEvents({ write: ({ port }) => ports.push(port) > 0 });
  const query = buildQuery('tiktok.example. A');
  bench.send(query, CLIENT.DEFAULT, TRANSPORT.UDP, '', 1111);
  bench.send(query, CLIENT.DEFAULT, TRANSPORT.UDP, '', 2222);
  bench.pipeline.setRules(createRules({ lists: [['tiktok.example']] }));
  answerAsked(bench.asked[0], 'tiktok.example. A', {});
  expect(ports).toEqual([1111, 2222]);
});

test('nothing is told, and nothing differs, where nobody keeps records', () => {
  const bench = new Bench({ lists: [['tiktok.example']] });
  bench.pipeline.setEvents(undefined);
  expect(bench.ask('tiktok.example. A')).toHaveLength(1);
  expect(bench.events).toEqual([]);
  expect(bench.counts).toContain('refusal 0 1 0 0 1');
});
