// The wire code against dns2 and dns-packet: the corpus and changed messages, decoded by all three.
//
// The rows of CAUSES in test/support/opinions.ts are the only disagreements that may occur.
import { Packet } from 'dns2';
import { describe, expect, test } from 'vitest';
import { messageId, TYPE } from '../../src/wire/dns/dns.ts';
import { corpusRecords, soundMessages } from '../support/corpus.ts';
import { createRandom, mutate } from '../support/mutate.ts';
import { CAUSES, causeOf, compareOpinions, ORACLES, ourOpinion } from '../support/opinions.ts';
import { parseMessage } from '../support/records.ts';

/** Changed messages that the suite compares; the long run is test/soak/fuzz.ts. */
const MUTATION_COUNT = 8_000;

type Resource = Packet['answers'][number];

const show = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe.each(ORACLES)('$name', (oracle) => {
  test(`agrees on ${soundMessages.length} sound messages`, () => {
    expect(soundMessages.length).toBeGreaterThanOrEqual(100);
    const types = new Set<number>();
    const known = new Set<string>();
    for (const bytes of soundMessages) {
      for (const record of ourOpinion(bytes, oracle).records) {
        expect(record.fields, show(bytes)).not.toBe('malformed');
        types.add(record.type);
      }
      for (const disagreement of compareOpinions(bytes, oracle)) {
        const cause = causeOf(disagreement)?.cause;
        expect(cause, show(bytes)).toBeDefined();
        known.add(cause ?? '');
      }
    }
    expect(types.size).toBeGreaterThanOrEqual(40);
    const binaryText = 'keeps character-strings as UTF-8 text, so that other bytes become U+FFFD';
    expect([...known]).toEqual(oracle.name === 'dns2' ? [binaryText] : []);
  });

  test(`agrees on ${MUTATION_COUNT} changed messages, or the cause is known`, () => {
    const random = createRandom(3597);
    const counts = new Map<string, number>();
    let accepted = 0;
    for (let i = 0; i < MUTATION_COUNT; i++) {
      const bytes = mutate(soundMessages, random);
      if (ourOpinion(bytes, oracle).fault === undefined) accepted++;
      for (const disagreement of compareOpinions(bytes, oracle)) {
        const cause = causeOf(disagreement)?.cause;
        if (cause === undefined) {
          const { about, ours, theirs, index } = disagreement;
          const detail = {
            about,
            ours: ours.records[index] ?? ours.fault,
            theirs: theirs.records[index] ?? theirs.fault,
          };
          expect.unreachable(`${show(bytes)}: ${JSON.stringify(detail)}`);
        }
        counts.set(cause, (counts.get(cause) ?? 0) + 1);
      }
    }
    // Both kinds of message have to occur in numbers, or the comparison compares nothing.
    expect(accepted).toBeGreaterThan(MUTATION_COUNT / 20);
    expect(accepted).toBeLessThan((MUTATION_COUNT * 3) / 4);
    const causes = CAUSES.filter((row) => row.oracle === oracle.name).map((row) => row.cause);
    expect(causes).toEqual(expect.arrayContaining([...counts.keys()]));
    expect(counts.size).toBeGreaterThanOrEqual(3);
  });
});

describe('messages that dns2 writes', () => {
  test('are read as it meant them', () => {
    const packet = new Packet();
    packet.header.id = 4711;
    packet.header.qr = 1;
    packet.questions.push({ name: 'www.example.com', type: TYPE.A, class: 1 } as Packet['questions'][number]);
    const record = { name: 'www.example.com', ttl: 300, class: 1 };
    packet.answers.push(
      { ...record, type: TYPE.CNAME, domain: 'a.example.com' } as Resource,
      { ...record, name: 'a.example.com', type: TYPE.A, address: '192.0.2.1' } as Resource,
      { ...record, name: 'a.example.com', type: TYPE.AAAA, address: '2001:db8::1' } as Resource,
      {
        ...record,
        name: 'example.com',
        type: TYPE.MX,
        priority: 10,
        exchange: 'mail.example.com',
      } as Resource,
      { ...record, name: 'example.com', type: TYPE.TXT, data: ['a', 'b c'] } as Resource,
      {
        ...record,
        type: TYPE.SRV,
        priority: 1,
        weight: 2,
        port: 3,
        target: 'a.example.com',
      } as Resource,
    );
    const bytes = Uint8Array.from(packet.toBuffer());
    expect(messageId(bytes)).toBe(4711);
    expect(parseMessage(bytes)).toMatchObject({
      question: 'www.example.com. A',
      answer: [
        'www.example.com. 300 IN CNAME a.example.com.',
        'a.example.com. 300 IN A 192.0.2.1',
        'a.example.com. 300 IN AAAA 2001:db8::1',
        'example.com. 300 IN MX 10 mail.example.com.',
        'example.com. 300 IN TXT "a" "b c"',
        'www.example.com. 300 IN SRV 1 2 3 a.example.com.',
      ],
      isSound: true,
    });
  });
});

test('the corpus has each record once', () => {
  expect(new Set(corpusRecords).size).toBe(corpusRecords.length);
});
