import { decode } from 'dns-packet';
import { expect, test } from 'vitest';
import { nameFrom, RecordReader } from '../../../src/dns/dns.ts';
import { createQuery, readRcode, repeatsQuestion } from '../../../src/upstream/query.ts';
import { buildResponse } from '../../support/records.ts';
import { question } from './setup.ts';

test.each([
  { dnssecOk: true, checkingDisabled: true, edns: true },
  { dnssecOk: true, checkingDisabled: false, edns: true },
  { dnssecOk: false, checkingDisabled: true, edns: true },
  { dnssecOk: false, checkingDisabled: false, edns: false },
])('createQuery() writes what another codec reads back: %o', ({ dnssecOk, checkingDisabled, edns }) => {
  const query = createQuery(
    0xabcd,
    question('wWw.example.COM.', 'SRV', { dnssecOk, checkingDisabled }),
    edns,
  );
  const read = decode(Buffer.from(query));
  expect(read).toMatchObject({
    id: 0xabcd,
    type: 'query',
    flag_rd: true,
    flag_cd: checkingDisabled,
    flag_ad: false,
    questions: [{ name: 'wWw.example.COM', type: 'SRV', class: 'IN' }],
    answers: [],
    authorities: [],
    additionals: edns ? [{ type: 'OPT', udpPayloadSize: 1232, flag_do: dnssecOk, options: [] }] : [],
  });
  expect(decode.bytes).toBe(query.length);
});

test('createQuery() takes the longest name and the root', () => {
  for (const text of [`${'a'.repeat(63)}.`.repeat(3) + 'a'.repeat(61), '.']) {
    const query = createQuery(1, { ...question('.'), name: nameFrom(text) }, true);
    expect(decode(Buffer.from(query)).questions?.[0]?.name).toBe(text);
  }
});

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

test('readRcode() joins the extended bits and refuses cut records', () => {
  const records = new RecordReader();
  const asked = question('www.example.com.');
  const response = buildResponse({
    flags: 0x8183,
    question: 'www.example.com. A',
    answer: ['www.example.com. 300 IN A 192.0.2.1'],
    edns: { ttl: 0x01_00_80_00 },
  });
  expect(readRcode(response, asked, records)).toBe(0x13);
  for (let length = 33; length < response.length; length++) {
    expect(readRcode(response.subarray(0, length), asked, records)).toBe(-1);
  }
});
