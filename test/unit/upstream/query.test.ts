import { decode } from 'dns-packet';
import { expect, test } from 'vitest';
import { createQuery } from '../../../src/resolver/upstream/query.ts';
import { nameFrom } from '../../../src/wire/dns/dns.ts';
import { question } from './setup.ts';

test.each([
  { dnssecOk: true, checkingDisabled: true, wantsAd: false, form: 'edns' },
  { dnssecOk: true, checkingDisabled: false, wantsAd: true, form: 'edns' },
  { dnssecOk: false, checkingDisabled: true, wantsAd: true, form: 'edns' },
  { dnssecOk: false, checkingDisabled: false, wantsAd: false, form: 'bare' },
] as const)('createQuery() writes what another codec reads back: %o', (flags) => {
  const { dnssecOk, checkingDisabled, wantsAd, form } = flags;
  const asked = question('wWw.example.COM.', 'SRV', { dnssecOk, checkingDisabled, wantsAd });
  const query = createQuery(0xabcd, asked, form, undefined);
  const read = decode(Buffer.from(query));
  expect(read).toMatchObject({
    id: 0xabcd,
    type: 'query',
    flag_rd: true,
    flag_cd: checkingDisabled,
    flag_ad: wantsAd,
    questions: [{ name: 'wWw.example.COM', type: 'SRV', class: 'IN' }],
    answers: [],
    authorities: [],
    additionals:
      form === 'edns' ? [{ type: 'OPT', udpPayloadSize: 1232, flag_do: dnssecOk, options: [] }] : [],
  });
  expect(decode.bytes).toBe(query.length);
});

test('createQuery() takes the longest name and the root', () => {
  for (const text of [`${'a'.repeat(63)}.`.repeat(3) + 'a'.repeat(61), '.']) {
    const query = createQuery(1, { ...question('.'), name: nameFrom(text) }, 'edns', undefined);
    expect(decode(Buffer.from(query)).questions?.[0]?.name).toBe(text);
  }
});

test('createQuery() writes the cookie as the only option', () => {
  const cookie = Uint8Array.from({ length: 24 }, (_, i) => i);
  const query = createQuery(1, question('www.example.com.'), 'edns', cookie);
  const read = decode(Buffer.from(query));
  expect(read.additionals).toMatchObject([
    { type: 'OPT', options: [{ code: 10, data: Buffer.from(cookie) }] },
  ]);
  expect(decode.bytes).toBe(query.length);
});

test('createQuery() pads to a multiple of 128 bytes with zeros, whatever the length of the name', () => {
  // Every remainder, so that also the query comes up whose padding is empty.
  for (let length = 1; length <= 129; length++) {
    const labels = 'a'.repeat(length).match(/.{1,63}/g) ?? [];
    const query = createQuery(1, question(labels.join('.')), 'padded', undefined);
    const read = decode(Buffer.from(query));
    const options = read.additionals?.flatMap((record) => (record.type === 'OPT' ? record.options : []));
    expect(options).toMatchObject([{ code: 12 }]);
    expect(decode.bytes).toBe(query.length);
    expect(query.length % 128).toBe(0);
    expect(query.length).toBeLessThanOrEqual(256);
    const end = 12 + length + Math.ceil(length / 63) + 1 + 4 + 11 + 4;
    expect(query.subarray(end).every((byte) => byte === 0)).toBe(true);
  }
});
