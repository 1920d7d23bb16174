// Records of the configuration, as clients get them: every type, aliases out of them, zones that are nowhere else, and the
// order in which they stand with special-use names, forwarding, lists and exemptions.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FLAG, messageFlags, RCODE } from '../../src/wire/dns/dns.ts';
import { AnswerBook } from '../support/answer-book.ts';
import { ask, reload } from '../support/client.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

let upstream: ScriptedUpstream;
let cordon: Cordon;

const config = (records: string, more = ''): string => `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
rebinding: { protect: true }
lists:
  - { id: tiktok, shipped: tiktok }
  - { id: prefixes, shipped: bytedance-prefixes }
local:
  reverse: true
  zones: [lan, corp.home.arpa]
  records:
${records}
${more}`;

const RECORDS = `
    - { owner: nas.lan, type: A, data: 10.0.0.5 }
    - { owner: nas.lan, type: A, data: 10.0.0.6 }
    - { owner: nas.lan, type: TXT, data: '"two words" more', ttl: 1h }
    - { owner: six.lan, type: AAAA, data: "fd00::5" }
    - { owner: _sip._tcp.lan, type: SRV, data: 0 5 5060 nas.lan. }
    - { owner: www.lan, type: CNAME, data: nas.lan }
    - { owner: out.lan, type: CNAME, data: public.example }
    - { owner: private.lan, type: CNAME, data: rebound.example }
    - { owner: dead.lan, type: CNAME, data: nothing.local }
    - { owner: round.lan, type: CNAME, data: turn.lan }
    - { owner: turn.lan, type: CNAME, data: round.lan }
    - { owner: "*.apps.lan", type: A, data: 10.0.0.7 }
    - { owner: own.apps.lan, type: A, data: 10.0.0.8 }
    - { owner: a.b.c.lan, type: A, data: 10.0.0.9 }
    - { owner: printer.local, type: A, data: 10.0.0.10 }
    - { owner: override.example, type: A, data: 10.0.0.11 }
    - { owner: 1.2.0.192.in-addr.arpa, type: PTR, data: written.lan }
    - { owner: documented.lan, type: A, data: 192.0.2.1 }
    - { owner: www.tiktok.com, type: A, data: 10.0.0.12 }
    - { owner: sneaky.lan, type: CNAME, data: www.tiktok.com }
    - { owner: into.lan, type: A, data: 71.18.0.1 }
`;

beforeAll(async () => {
  const book = new AnswerBook()
    .set('public.example. A', ['public.example. 300 IN A 192.0.2.80'])
    .set('rebound.example. A', ['rebound.example. 300 IN A 10.9.9.9'])
    .set('override.example. A', ['override.example. 300 IN A 192.0.2.81'])
    .set('www.tiktok.com. A', ['www.tiktok.com. 300 IN A 192.0.2.82']);
  upstream = await ScriptedUpstream.open(book.handler);
  cordon = await startCordon({ config: config(RECORDS) });
});

afterAll(async () => {
  await cordon.kill();
  await upstream.close();
});

/** `RCODE: records of ANSWER`, TTLs left out. */
const answersOf = async (question: string): Promise<string> => {
  const { rcode, answer } = await ask(cordon.dns, question);
  const texts = answer.map((record) => record.replace(/ \d+ IN /, ' ')).sort();
  return [
    rcode === RCODE.NOERROR ? 'NOERROR' : rcode === RCODE.NXDOMAIN ? 'NXDOMAIN' : `RCODE ${rcode}`,
    ...texts,
  ].join(' | ');
};

describe('a record of the configuration', () => {
  test.each([
    ['nas.lan. A', 'NOERROR | nas.lan. A 10.0.0.5 | nas.lan. A 10.0.0.6'],
    ['NAS.Lan. A', 'NOERROR | NAS.Lan. A 10.0.0.5 | NAS.Lan. A 10.0.0.6'],
    ['nas.lan. TXT', 'NOERROR | nas.lan. TXT "two words" "more"'],
    ['nas.lan. AAAA', 'NOERROR'],
    ['six.lan. AAAA', 'NOERROR | six.lan. AAAA fd00::5'],
    ['_sip._tcp.lan. SRV', 'NOERROR | _sip._tcp.lan. SRV 0 5 5060 nas.lan.'],
    ['www.lan. A', 'NOERROR | nas.lan. A 10.0.0.5 | nas.lan. A 10.0.0.6 | www.lan. CNAME nas.lan.'],
    ['www.lan. CNAME', 'NOERROR | www.lan. CNAME nas.lan.'],
    ['www.lan. AAAA', 'NOERROR | www.lan. CNAME nas.lan.'],
    ['out.lan. A', 'NOERROR | out.lan. CNAME public.example. | public.example. A 192.0.2.80'],
    ['dead.lan. A', 'NXDOMAIN | dead.lan. CNAME nothing.local.'],
    ['round.lan. A', 'RCODE 2'],
    ['one.apps.lan. A', 'NOERROR | one.apps.lan. A 10.0.0.7'],
    ['two.one.apps.lan. A', 'NOERROR | two.one.apps.lan. A 10.0.0.7'],
    ['own.apps.lan. A', 'NOERROR | own.apps.lan. A 10.0.0.8'],
    ['apps.lan. A', 'NOERROR'],
    ['override.example. A', 'NOERROR | override.example. A 10.0.0.11'],
    ['printer.local. A', 'NOERROR | printer.local. A 10.0.0.10'],
    ['other.local. A', 'NXDOMAIN'],
  ])('%s is %s', async (question, expected) => {
    expect(await answersOf(question)).toBe(expected);
  });

  test.each([
    ['nothing.lan. A', 'NXDOMAIN'],
    ['b.c.lan. A', 'NOERROR'],
    ['lan. A', 'NOERROR'],
    ['below.nas.lan. A', 'NXDOMAIN'],
    ['nothing.corp.home.arpa. A', 'NXDOMAIN'],
    ['corp.home.arpa. A', 'NOERROR'],
  ])('no upstream is asked for a name of a zone without a record: %s is %s', async (question, expected) => {
    expect(await answersOf(question)).toBe(expected);
    const name = question.split(' ')[0];
    expect(upstream.queries.filter((query) => query.name.toLowerCase() === name)).toEqual([]);
  });

  test('gets pointers for its addresses, but where one is written', async () => {
    expect(await answersOf('5.0.0.10.in-addr.arpa. PTR')).toBe(
      'NOERROR | 5.0.0.10.in-addr.arpa. PTR nas.lan.',
    );
    expect(await answersOf('1.2.0.192.in-addr.arpa. PTR')).toBe(
      'NOERROR | 1.2.0.192.in-addr.arpa. PTR written.lan.',
    );
    expect(await answersOf('99.0.0.10.in-addr.arpa. PTR')).toBe('NXDOMAIN');
    expect(await answersOf('0.0.10.in-addr.arpa. PTR')).toBe('NOERROR');
    expect(await answersOf(`5.${'0.'.repeat(29)}d.f.ip6.arpa. PTR`)).toBe(
      `NOERROR | 5.${'0.'.repeat(29)}d.f.ip6.arpa. PTR six.lan.`,
    );
  });

  test('has its own TTL, a negative answer an SOA; neither is authoritative', async () => {
    const positive = await ask(cordon.dns, 'nas.lan. TXT');
    expect(positive.answer.every((record) => / (3600|35\d\d) IN /.test(record))).toBe(true);
    const negative = await ask(cordon.dns, 'nas.lan. AAAA');
    expect(negative.authority).toEqual([
      expect.stringMatching(/^lan\. \d+ IN SOA lan\. hostmaster\.invalid\. /),
    ]);
    for (const { bytes } of [positive, negative]) expect(messageFlags(bytes) & (FLAG.AA | FLAG.AD)).toBe(0);
  });

  test('may be private; what an alias of it leads to outside may not', async () => {
    expect(await answersOf('nas.lan. A')).toContain('10.0.0.5');
    expect(await answersOf('private.lan. A')).toBe('NOERROR');
  });
});

describe('a list goes before a record', () => {
  test.each([
    ['www.tiktok.com. A', 'the name is listed'],
    ['sneaky.lan. A', 'the record is an alias of a listed name'],
    ['into.lan. A', 'the record has a listed address'],
  ])('%s is refused: %s', async (question) => {
    const { rcode, ede, answer } = await ask(cordon.dns, question);
    expect({ rcode, code: ede?.infoCode, answer }).toEqual({ rcode: RCODE.NXDOMAIN, code: 15, answer: [] });
  });
});

test('a reload puts other records in force at once', async () => {
  expect(await answersOf('later.lan. A')).toBe('NXDOMAIN');
  await reload(cordon, {
    'cordon.yaml': config(`${RECORDS}    - { owner: later.lan, type: A, data: 10.0.0.77 }\n`),
  });
  expect(await answersOf('later.lan. A')).toBe('NOERROR | later.lan. A 10.0.0.77');
  await reload(cordon, { 'cordon.yaml': config(RECORDS) });
  expect(await answersOf('later.lan. A')).toBe('NXDOMAIN');
});
