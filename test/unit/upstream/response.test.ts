import { expect, test } from 'vitest';
import { ResponseReader, repeatsQuestion } from '../../../src/resolver/upstream/response.ts';
import { OPTION } from '../../../src/wire/dns/dns.ts';
import { buildResponse } from '../../support/records.ts';
import { question } from './setup.ts';

test('repeatsQuestion() refuses a compressed or cut question', () => {
  const asked = question('www.example.com.');
  const response = buildResponse({ question: 'www.example.com. A' });
  expect(repeatsQuestion(response, asked)).toBe(true);
  for (let length = 12; length < response.length; length++) {
    expect(repeatsQuestion(response.subarray(0, length), asked)).toBe(false);
  }
  const oddClass = { ...asked, class: 0x0100 };
  const cut = buildResponse({ question: 'www.example.com. CLASS256 A' });
  expect(repeatsQuestion(cut, oddClass)).toBe(true);
  expect(repeatsQuestion(cut.subarray(0, cut.length - 1), oddClass)).toBe(false);
  const compressed = Uint8Array.from(response);
  compressed[12] = 0xc0;
  expect(repeatsQuestion(compressed, asked)).toBe(false);
});

test('read() joins the extended bits and refuses cut records', () => {
  const reader = new ResponseReader();
  const asked = question('www.example.com.');
  const response = buildResponse({
    flags: 0x8183,
    question: 'www.example.com. A',
    answer: ['www.example.com. 300 IN A 192.0.2.1'],
    edns: { ttl: 0x01_00_80_00 },
  });
  expect(reader.read(response, asked)).toBe(true);
  expect(reader.rcode).toBe(0x13);
  for (let length = 33; length < response.length; length++) {
    expect(reader.read(response.subarray(0, length), asked)).toBe(false);
  }
});

const option = (code: number, ...data: number[]): number[] => [
  code >>> 8,
  code & 0xff,
  0,
  data.length,
  ...data,
];

const withOptions = (...options: number[][]): Uint8Array =>
  buildResponse({ question: 'www.example.com. A', edns: { options: Uint8Array.from(options.flat()) } });

test.each([
  { what: 'no option', options: [], cookie: -1, blamesZone: false },
  { what: 'a cookie', options: [option(OPTION.COOKIE, 1, 2, 3)], cookie: 3, blamesZone: false },
  { what: 'DNSSEC Bogus', options: [option(OPTION.EDE, 0, 6)], cookie: -1, blamesZone: true },
  { what: 'NSEC Missing', options: [option(OPTION.EDE, 0, 12, 0x61)], cookie: -1, blamesZone: true },
  { what: 'Cached Error', options: [option(OPTION.EDE, 0, 13)], cookie: -1, blamesZone: false },
  { what: 'Indeterminate', options: [option(OPTION.EDE, 0, 5)], cookie: -1, blamesZone: false },
  { what: 'an EDE of one byte', options: [option(OPTION.EDE, 6)], cookie: -1, blamesZone: false },
  {
    what: 'several',
    options: [option(OPTION.EDE, 0, 9), option(OPTION.COOKIE), option(OPTION.EDE, 0, 22)],
    cookie: 0,
    blamesZone: true,
  },
  {
    what: 'two cookies, of which the first counts',
    options: [option(OPTION.COOKIE, 1, 2, 3), option(OPTION.COOKIE, 1)],
    cookie: 3,
    blamesZone: false,
  },
  {
    what: 'one longer than the record',
    options: [[0, OPTION.COOKIE, 0, 9, 1, 2]],
    cookie: -1,
    blamesZone: false,
  },
])('read() finds cookie and EDE: $what', ({ options, cookie, blamesZone }) => {
  const reader = new ResponseReader();
  const asked = question('www.example.com.');
  // What an earlier message had must not shine through.
  reader.read(withOptions(option(OPTION.COOKIE, 1), option(OPTION.EDE, 0, 7)), asked);
  expect(reader.read(withOptions(...options), asked)).toBe(true);
  expect([reader.cookieLength, reader.blamesZone]).toEqual([cookie, blamesZone]);
});
