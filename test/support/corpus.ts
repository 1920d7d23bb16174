// The DNS corpus as records and as messages.
import { readFileSync } from 'node:fs';
import { buildQuery, buildResponse } from './records.ts';

const linesOf = (file: string): readonly string[] =>
  readFileSync(new URL(`../corpus/dns/${file}`, import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '');

/** Records in the form that formatRecord() writes. */
export const corpusRecords = linesOf('records.txt');

/** Messages that once broke a reader, by name. */
export const corpusMessages: readonly (readonly [name: string, bytes: Uint8Array])[] = linesOf(
  'messages.txt',
).map((line) => {
  const [name = '', hex = ''] = line.split(' ');
  return [name, Uint8Array.from(Buffer.from(hex, 'hex'))];
});

/** A COOKIE and a PADDING option. */
const OPTIONS = Uint8Array.of(0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 12, 0, 1, 0);
const SOA = 'example.com. 5 IN SOA a.example.com. b.example.com. 1 2 3 4 5';

/** Sound messages: each record alone, each in a chain with every section and EDNS, and queries. */
export const soundMessages: readonly Uint8Array[] = [
  buildQuery('www.example.com. A'),
  buildQuery('www.example.com. HTTPS', { edns: { ttl: 0x8000, options: OPTIONS } }),
  buildQuery('. NS', { edns: {} }),
  buildResponse({ question: 'nx.example.com. A', authority: [SOA], flags: 0x8183 }),
  ...corpusRecords.map((record) => buildResponse({ question: 'example.com. A', answer: [record] })),
  ...corpusRecords.map((record) =>
    buildResponse({
      question: 'www.example.com. A',
      answer: ['www.example.com. 5 IN CNAME a.example.com.', record, 'a.example.com. 7 IN AAAA ::1'],
      authority: [SOA],
      additional: [record],
      edns: { options: OPTIONS },
    }),
  ),
];
