// Where answers lead: each trigger, what a DNAME yields, and the bounds above which an answer is not usable.

import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { formatAddress, parsePrefix } from '../../../src/base/base.ts';
import { Policy, Verdict } from '../../../src/policy/policy.ts';
import {
  foldName,
  formatName,
  MessageBuilder,
  nameFrom,
  questionEnd,
  RecordReader,
  SECTION,
  TARGET_ADDRESS_WORDS,
  TargetCollector,
  type Targets,
  TRIGGER,
  TYPE,
} from '../../../src/wire/dns/dns.ts';
import { setTranslationPrefix } from '../../../src/wire/dns/embedded-ipv4.ts';
import { buildResponse, type MessageText } from '../../support/records.ts';
import { collectTargets } from '../../support/targets.ts';
import { buildTable, policyList } from '../policy/setup.ts';

const TARGET_NAMES_MAX = 128;
const TARGET_ADDRESSES_MAX = 1024;
const WORDS = Object.fromEntries(Object.entries(TRIGGER).map(([word, number]) => [number, word]));

const collectBytes = (message: Uint8Array, qname: string): Targets => {
  const name = nameFrom(qname);
  foldName(name, 0, name.length);
  return collectTargets(message, message.length, questionEnd(message, message.length), name);
};

const collect = (text: MessageText): Targets =>
  collectBytes(buildResponse(text), text.question?.split(' ')[0] ?? '.');

/** `TRIGGER name` and `TRIGGER address`, in order. */
const formatTargets = (targets: Targets): string[] => {
  const lines: string[] = [];
  const names = targets.names.subarray(targets.namesStart, targets.namesEnd);
  const addresses = targets.addresses.subarray(targets.addressesStart, targets.addressesEnd);
  for (let at = 0; at < names.length; at += 2 + (names[at + 1] ?? 0))
    lines.push(
      `${WORDS[names[at] ?? 0]} ${formatName(names.subarray(at + 2, at + 2 + (names[at + 1] ?? 0)))}`,
    );
  for (let at = 0; at < addresses.length; at += TARGET_ADDRESS_WORDS)
    lines.push(
      `${WORDS[addresses[at] ?? 0]} ${formatAddress(addresses.slice(at + 1, at + TARGET_ADDRESS_WORDS))}`,
    );
  return targets.overflow ? [...lines, 'overflow'] : lines;
};

const answer = (...records: string[]): string[] =>
  formatTargets(collect({ question: 'a.example. A', answer: records }));

describe('collectTargets()', () => {
  test.each<[string, string[], string[]]>([
    ['an address', ['a.example. 60 IN A 192.0.2.1'], ['RESPONSE_IP 192.0.2.1']],
    ['an IPv6 address', ['a.example. 60 IN AAAA 2001:db8::1'], ['RESPONSE_IP 2001:db8::1']],
    ['a mapped address', ['a.example. 60 IN AAAA ::ffff:192.0.2.1'], ['RESPONSE_IP 192.0.2.1']],
    [
      'an address behind NAT64, also as the IPv4 address that it embeds',
      ['a.example. 60 IN AAAA 64:ff9b::c000:201'],
      ['RESPONSE_IP 64:ff9b::c000:201', 'RESPONSE_IP 192.0.2.1'],
    ],
    [
      'a hint behind NAT64',
      ['a.example. 60 IN HTTPS 1 . ipv6hint=64:ff9b::c000:201'],
      ['SERVICE_HINT 64:ff9b::c000:201', 'SERVICE_HINT 192.0.2.1'],
    ],
    [
      'no NAT64 beyond its /96',
      ['a.example. 60 IN AAAA 64:ff9b::1:c000:201'],
      ['RESPONSE_IP 64:ff9b::1:c000:201'],
    ],
    [
      'a 6to4 address',
      ['a.example. 60 IN AAAA 2002:c000:201:1::1'],
      ['RESPONSE_IP 2002:c000:201:1::1', 'RESPONSE_IP 192.0.2.1'],
    ],
    [
      'a Teredo address: its server, and its client with the bits turned over',
      ['a.example. 60 IN AAAA 2001:0:c633:6401:8000:63bf:3fff:fdfe'],
      [
        'RESPONSE_IP 2001:0:c633:6401:8000:63bf:3fff:fdfe',
        'RESPONSE_IP 198.51.100.1',
        'RESPONSE_IP 192.0.2.1',
      ],
    ],
    [
      'an IPv4-translated address',
      ['a.example. 60 IN AAAA ::ffff:0:c000:201'],
      ['RESPONSE_IP ::ffff:0:c000:201', 'RESPONSE_IP 192.0.2.1'],
    ],
    [
      'an IPv4-compatible address',
      ['a.example. 60 IN AAAA ::c000:201'],
      ['RESPONSE_IP ::c000:201', 'RESPONSE_IP 192.0.2.1'],
    ],
    ['nothing in the unspecified address', ['a.example. 60 IN AAAA ::'], ['RESPONSE_IP ::']],
    ['nothing in the loopback address', ['a.example. 60 IN AAAA ::1'], ['RESPONSE_IP ::1']],
    [
      'an ISATAP address, local',
      ['a.example. 60 IN AAAA 2001:db8::5efe:c000:201'],
      ['RESPONSE_IP 2001:db8::5efe:c000:201', 'RESPONSE_IP 192.0.2.1'],
    ],
    [
      'an ISATAP address, universal',
      ['a.example. 60 IN AAAA 2001:db8::200:5efe:c000:201'],
      ['RESPONSE_IP 2001:db8::200:5efe:c000:201', 'RESPONSE_IP 192.0.2.1'],
    ],
    [
      'every reading of an address behind a translator of local use that is one',
      ['a.example. 60 IN AAAA 64:ff9b:1:c000:2:100::'],
      ['RESPONSE_IP 64:ff9b:1:c000:2:100::', 'RESPONSE_IP 192.0.2.1', 'RESPONSE_IP 2.1.0.0'],
    ],
    [
      'one behind such a translator with a /96',
      ['a.example. 60 IN AAAA 64:ff9b:1::c000:201'],
      ['RESPONSE_IP 64:ff9b:1::c000:201', 'RESPONSE_IP 192.0.2.1'],
    ],
    ['an alias in small letters', ['a.example. 60 IN CNAME B.Example.'], ['CNAME b.example.']],
    [
      'a chain, each name once',
      [
        'a.example. 60 IN CNAME b.example.',
        'b.example. 60 IN CNAME c.example.',
        'c.example. 60 IN A 192.0.2.1',
      ],
      ['CNAME b.example.', 'CNAME c.example.', 'RESPONSE_IP 192.0.2.1'],
    ],
    [
      'a loop of aliases',
      ['a.example. 60 IN CNAME b.example.', 'b.example. 60 IN CNAME a.example.'],
      ['CNAME b.example.'],
    ],
    [
      'the owner of another name',
      ['x.example. 60 IN A 192.0.2.1'],
      ['CNAME x.example.', 'RESPONSE_IP 192.0.2.1'],
    ],
    [
      'a DNAME and the name that it yields',
      ['example. 60 IN DNAME other.test.'],
      ['DNAME example.', 'DNAME other.test.', 'DNAME a.other.test.'],
    ],
    [
      'DNAMEs in a chain',
      ['example. 60 IN DNAME other.test.', 'other.test. 60 IN DNAME third.test.'],
      [
        'DNAME example.',
        'DNAME other.test.',
        'DNAME third.test.',
        'DNAME a.other.test.',
        'DNAME a.third.test.',
      ],
    ],
    [
      'a DNAME below an alias',
      ['a.example. 60 IN CNAME x.other.test.', 'other.test. 60 IN DNAME third.test.'],
      ['CNAME x.other.test.', 'DNAME other.test.', 'DNAME third.test.', 'DNAME x.third.test.'],
    ],
    [
      'DNAMEs in a loop',
      ['example. 60 IN DNAME test.', 'test. 60 IN DNAME example.'],
      ['DNAME example.', 'DNAME test.', 'DNAME a.test.'],
    ],
    [
      'a DNAME at the name itself, which does not cover it',
      ['a.example. 60 IN DNAME other.test.'],
      ['DNAME other.test.'],
    ],
    [
      'service targets and hints',
      ['a.example. 60 IN HTTPS 1 svc.test. ipv4hint=192.0.2.1,192.0.2.2 ipv6hint=2001:db8::1'],
      [
        'SERVICE_TARGET svc.test.',
        'SERVICE_HINT 192.0.2.1',
        'SERVICE_HINT 192.0.2.2',
        'SERVICE_HINT 2001:db8::1',
      ],
    ],
    ['the owner as service target', ['a.example. 60 IN HTTPS 1 . alpn=h3'], []],
    ['an AliasMode target', ['a.example. 60 IN SVCB 0 svc.test.'], ['SERVICE_TARGET svc.test.']],
    ['nothing of other types', ['a.example. 60 IN MX 10 mail.test.', 'a.example. 60 IN TXT "tiktok"'], []],
    ['nothing of other classes', ['a.example. 60 CH A 192.0.2.1'], []],
  ])('%s', (_name, records, expected) => {
    expect(answer(...records)).toEqual(expected);
  });

  test('reads all sections', () => {
    const targets = collect({
      question: 'a.example. A',
      answer: ['a.example. 60 IN A 192.0.2.1'],
      authority: ['a.example. 60 IN A 192.0.2.2'],
      additional: ['a.example. 60 IN A 192.0.2.3'],
    });
    expect(formatTargets(targets)).toEqual([
      'RESPONSE_IP 192.0.2.1',
      'RESPONSE_IP 192.0.2.2',
      'RESPONSE_IP 192.0.2.3',
    ]);
  });

  test('leads nowhere without records', () => {
    expect(answer()).toEqual([]);
  });

  test('leaves out a name that a DNAME would make too long', () => {
    const long = `${'x'.repeat(60)}.`.repeat(4);
    const targets = collect({ question: `${long}a. A`, answer: [`a. 60 IN DNAME ${'y'.repeat(30)}.`] });
    expect(formatTargets(targets)).toEqual(['DNAME a.', `DNAME ${'y'.repeat(30)}.`]);
  });
});

test.each([
  [8, false],
  [9, true],
])('follows no more than eight DNAMEs: %d', (count, isOver) => {
  const records = Array.from({ length: count }, (_, i) => `example. 60 IN DNAME d${i}.test.`);
  expect(collect({ question: 'a.example. A', answer: records }).overflow).toBe(isOver);
});

test.each([
  [11, false],
  [12, true],
])('no more than 128 names are made by eight DNAMEs of names that all of them cover: %d', (count, isOver) => {
  // Each DNAME makes of each name what is there already: eight of these and of QNAME, and 28 of the others' owners.
  const covers = Array.from(
    { length: 8 },
    (_, i) => `${'x.'.repeat(i)}test. 60 IN DNAME ${'x.'.repeat(i)}test.`,
  );
  const owners = Array.from({ length: count }, (_, i) => `n${i}.${'x.'.repeat(7)}test. 60 IN A 192.0.2.1`);
  const targets = collect({ question: `q.${'x.'.repeat(7)}test. A`, answer: [...covers, ...owners] });
  expect(targets.overflow).toBe(isOver);
});

test('each of many names is kept once, of one message after the other', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.integer({ min: 0, max: 140 }), { maxLength: 160 }), {
        minLength: 2,
        maxLength: 3,
      }),
      (messages) => {
        const collector = new TargetCollector();
        for (const numbers of messages) {
          const answer = numbers.map((number) => `a.example. 60 IN CNAME n${number}.example.`);
          const message = buildResponse({ question: 'a.example. A', answer });
          const reader = new RecordReader();
          collector.begin(message, message.length, nameFrom('a.example.'));
          reader.reset(message, message.length, questionEnd(message, message.length));
          while (reader.next()) collector.add(reader);
          collector.finish();
          const names = [...new Set(numbers)].map((number) => `CNAME n${number}.example.`);
          const isOver = names.length > TARGET_NAMES_MAX;
          const expected = [...names.slice(0, TARGET_NAMES_MAX), ...(isOver ? ['overflow'] : [])];
          expect(formatTargets(collector)).toEqual(expected);
        }
      },
    ),
    { numRuns: 50 },
  );
});

describe('setTranslationPrefix()', () => {
  afterEach(() => setTranslationPrefix(undefined));

  // The table of RFC 6052 section 2.4, and each address once more with bits that a translator should not look at.
  test.each([
    ['2001:db8::/32', '2001:db8:c000:221::'],
    ['2001:db8:100::/40', '2001:db8:1c0:2:21::'],
    ['2001:db8:122::/48', '2001:db8:122:c000:2:2100::'],
    ['2001:db8:122:300::/56', '2001:db8:122:3c0:0:221::'],
    ['2001:db8:122:344::/64', '2001:db8:122:344:c0:2:2100::'],
    ['2001:db8:122:344::/96', '2001:db8:122:344::c000:221'],
    ['2001:db8::/32', '2001:db8:c000:221:ff00::1'],
    ['2001:db8:100::/40', '2001:db8:1c0:2:ff21::1'],
    ['2001:db8:122::/48', '2001:db8:122:c000:ff02:2100::1'],
    ['2001:db8:122:300::/56', '2001:db8:122:3c0:ff00:221::1'],
    ['2001:db8:122:344::/64', '2001:db8:122:344:ffc0:2:2100:1'],
  ])('under %s, %s is also 192.0.2.33', (prefix, address) => {
    setTranslationPrefix(parsePrefix(prefix));
    const lines = answer(`a.example. 60 IN AAAA ${address}`);
    expect(lines).toHaveLength(2);
    expect(lines).toContain('RESPONSE_IP 192.0.2.33');
  });

  test('an address with the top bit set is read as one without a sign', () => {
    setTranslationPrefix(parsePrefix('2001:db8::/32'));
    expect(answer('a.example. 60 IN AAAA 2001:db8:ffff:fffe::')).toContain('RESPONSE_IP 255.255.255.254');
  });

  test('an address outside the prefix stays as it is', () => {
    setTranslationPrefix(parsePrefix('2001:db8:122:344::/96'));
    expect(answer('a.example. 60 IN AAAA 2001:db8:122:344:0:1:c000:221')).toHaveLength(1);
  });

  test('the well-known prefix counts beside it, and only once when it is named', () => {
    setTranslationPrefix(parsePrefix('2001:db8::/32'));
    expect(answer('a.example. 60 IN AAAA 64:ff9b::c000:201')).toContain('RESPONSE_IP 192.0.2.1');
    setTranslationPrefix(parsePrefix('64:ff9b::/96'));
    expect(answer('a.example. 60 IN AAAA 64:ff9b::c000:201')).toHaveLength(2);
    setTranslationPrefix(undefined);
    expect(answer('a.example. 60 IN AAAA 2001:db8:c000:221::')).toHaveLength(1);
  });

  test.each([
    ['AAAA 2001:db8:c000:221::', TRIGGER.RESPONSE_IP],
    ['AAAA ::ffff:192.0.2.33', TRIGGER.RESPONSE_IP],
    ['AAAA 64:ff9b::192.0.2.33', TRIGGER.RESPONSE_IP],
    ['HTTPS 1 . ipv6hint=2001:db8:c000:221::', TRIGGER.SERVICE_HINT],
  ])('a list with 192.0.2.0/24 refuses %s', (record, trigger) => {
    setTranslationPrefix(parsePrefix('2001:db8::/32'));
    const policy = new Policy(
      {
        generation: 1,
        table: buildTable([['192.0.2.0/24']]),
        lists: [policyList('addresses')],
        groups: [{ name: 'default', lists: 1 }],
      },
      0,
    );
    const judge = (text: string): Verdict => {
      const verdict = new Verdict();
      policy.judgeTargets(collect({ question: 'a.example. AAAA', answer: [text] }), 0, verdict);
      return verdict;
    };
    expect(judge(`a.example. 60 IN ${record}`)).toMatchObject({ refused: true, list: 0, line: 1, trigger });
    const other = record.replace('c000:221', 'c633:6421').replace('192.0.2.33', '198.51.100.33');
    expect(judge(`a.example. 60 IN ${other}`).refused).toBe(false);
  });
});

describe('overflow', () => {
  const aliases = (count: number): string[] =>
    Array.from({ length: count }, (_, index) => `a.example. 60 IN CNAME n${index}.example.`);

  const addresses = (count: number): string[] =>
    Array.from({ length: count }, (_, index) => `a.example. 60 IN A 192.0.${index >> 8}.${index & 0xff}`);

  test('comes with the name after the 128th', () => {
    expect(collect({ question: 'a.example. A', answer: aliases(TARGET_NAMES_MAX) }).overflow).toBe(false);
    expect(collect({ question: 'a.example. A', answer: aliases(TARGET_NAMES_MAX + 1) }).overflow).toBe(true);
  });

  test('comes with the address after the 1024th', () => {
    const most = collect({ question: 'a.example. A', answer: addresses(TARGET_ADDRESSES_MAX) });
    expect(most.overflow).toBe(false);
    expect(most.addresses).toHaveLength(TARGET_ADDRESSES_MAX * TARGET_ADDRESS_WORDS);
    expect(collect({ question: 'a.example. A', answer: addresses(TARGET_ADDRESSES_MAX + 1) }).overflow).toBe(
      true,
    );
  });

  test('comes with the 513th address that embeds another', () => {
    const embedding = (count: number): string[] =>
      Array.from(
        { length: count },
        (_, index) => `a.example. 60 IN AAAA 64:ff9b::c000:${index.toString(16)}`,
      );
    const most = collect({ question: 'a.example. AAAA', answer: embedding(TARGET_ADDRESSES_MAX / 2) });
    expect(most.overflow).toBe(false);
    expect(most.addressesEnd).toBe(TARGET_ADDRESSES_MAX * TARGET_ADDRESS_WORDS);
    const more = collect({ question: 'a.example. AAAA', answer: embedding(TARGET_ADDRESSES_MAX / 2 + 1) });
    expect(more.overflow).toBe(true);
  });

  test('comes with more hints than addresses are kept', () => {
    const hints = Array.from({ length: 1025 }, (_, index) => `192.0.${index >> 8}.${index & 0xff}`).join(',');
    expect(answer(`a.example. 60 IN HTTPS 1 . ipv4hint=${hints}`)).toContain('overflow');
  });

  test('comes with DNAMEs that yield ever new names', () => {
    // DNAMEs to names below themselves: each name that they yield is covered again, until it is too long.
    expect(answer('example. 60 IN DNAME b.example.')).toContain('overflow');
    expect(answer('example. 60 IN DNAME b.test.')).not.toContain('overflow');
  });

  /** A response whose one record has this RDATA, whatever it is. */
  const withRdata = (type: number, rdata: number[]): Uint8Array => {
    const builder = new MessageBuilder(new Uint8Array(512)).start(1, 0x8180);
    const name = nameFrom('a.example.');
    builder.question(name, type, 1).record(SECTION.ANSWER, name, type, 1, 60, Uint8Array.from(rdata));
    return builder.finish().slice();
  };

  test.each<[string, number, number[]]>([
    ['an A record of 3 bytes', TYPE.A, [192, 0, 2]],
    ['an A record of 5 bytes', TYPE.A, [192, 0, 2, 1, 0]],
    ['an A record of 16 bytes', TYPE.A, Array<number>(16).fill(1)],
    ['an AAAA record of 4 bytes', TYPE.AAAA, [192, 0, 2, 1]],
    ['an AAAA record without bytes', TYPE.AAAA, []],
    ['a CNAME without bytes', TYPE.CNAME, []],
    ['a CNAME that points forward', TYPE.CNAME, [0xc0, 0xff]],
    ['a CNAME that points at itself', TYPE.CNAME, [0xc0, 39]],
    ['a DNAME that ends in its label', TYPE.DNAME, [5, 0x61]],
    ['a service without target', TYPE.HTTPS, [0, 1]],
    ['a service whose target leaves its RDATA', TYPE.HTTPS, [0, 1, 63, 0x61]],
    ['a service whose parameter leaves its RDATA', TYPE.SVCB, [0, 1, 0, 0, 4, 0, 8, 192, 0, 2, 1]],
    ['a service with half a parameter', TYPE.SVCB, [0, 1, 0, 0, 4]],
  ])('%s', (_name, type, rdata) => {
    expect(collectBytes(withRdata(type, rdata), 'a.example.').overflow).toBe(true);
  });

  test('a header that claims more records than there are', () => {
    const message = buildResponse({ question: 'a.example. A', answer: ['a.example. 60 IN A 192.0.2.1'] });
    message[7] = 2;
    expect(collectBytes(message, 'a.example.').overflow).toBe(true);
  });
});
