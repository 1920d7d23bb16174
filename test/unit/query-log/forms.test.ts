// What the log makes of queries, whatever bytes clients and upstreams sent; and the ring that they come through.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DnstapForm } from '../../../src/evidence/query-log/dnstap-form.ts';
import { Piece } from '../../../src/evidence/query-log/encoder.ts';
import { JsonForm } from '../../../src/evidence/query-log/json-form.ts';
import { type LogIdentity, Naming } from '../../../src/evidence/query-log/naming.ts';
import { SyslogForm } from '../../../src/evidence/query-log/syslog-form.ts';
import { KnownGenerations } from '../../../src/evidence/records/facts.ts';
import { PseudonymReader } from '../../../src/evidence/records/pseudonym-keys.ts';
import {
  createQueryRing,
  LOGGED,
  LoggedQuery,
  QueryRingReader,
  QueryRingWriter,
  type RingQuery,
} from '../../../src/telemetry/events/query-ring.ts';
import { addressWords } from '../../support/record-events.ts';
import { buildQuery } from '../../support/records.ts';

const namingOf = (identity: LogIdentity): Naming => {
  const generations = new KnownGenerations();
  generations.define({
    generation: 1,
    groups: ['ü "quoted" group\n'],
    lists: [{ id: 'tiktok', version: 'abc' }],
    forwarders: ['branch-12'],
  });
  return new Naming(identity, generations, new PseudonymReader('/nowhere'));
};

let dirt = 1;

const throughRing = (fill: (entry: LoggedQuery) => void, take: (query: RingQuery) => void): void => {
  const ring = createQueryRing(1 << 19);
  // What was there before is nobody's.
  new Uint8Array(ring).fill(dirt++ & 0xff, 3 * 128);
  const entry = new LoggedQuery();
  entry.timeMs = Date.parse('2026-11-30T10:00:00.007Z');
  entry.address = addressWords('2001:db8::7');
  entry.generation = 1;
  entry.group = 0;
  entry.list = 0;
  entry.line = 12;
  fill(entry);
  new QueryRingWriter({ ring, sample: 1 }).write(entry);
  expect(new QueryRingReader(ring).read(10, take)).toBe(1);
};

const fillWith =
  (query: Uint8Array, response: Uint8Array) =>
  (entry: LoggedQuery): void => {
    entry.query = query;
    entry.queryLength = query.length;
    entry.response = response;
    entry.responseLength = response.length;
  };

/** Bytes that begin as messages do, and then are anything. */
const message = fc
  .tuple(fc.nat(3), fc.nat(4), fc.nat(2), fc.nat(2), fc.uint8Array({ maxLength: 400 }))
  .map(([qd, an, ns, ar, rest]) =>
    Uint8Array.from([0x12, 0x34, 0x81, 0x80, 0, qd, 0, an, 0, ns, 0, ar, ...rest]),
  );

describe('whatever the bytes are', () => {
  test('a line is one JSON object', () => {
    const form = new JsonForm(namingOf({ kind: 'address' }), 'ns1 "ü"');
    fc.assert(
      fc.property(fc.oneof(message, fc.uint8Array({ maxLength: 60 })), message, (query, response) => {
        throughRing(fillWith(query, response), (read) => {
          const piece = new Piece();
          form.encode(read, piece);
          const text = piece.take().toString('latin1');
          expect(text).toMatch(/^[\x20-\x7e]+\n$/);
          const line = JSON.parse(text) as Record<string, Record<string, unknown>>;
          expect(line['@timestamp']).toBe('2026-11-30T10:00:00.007Z');
          expect(line['source']).toMatchObject({ ip: '2001:db8::7' });
          expect(line['observer']?.['name']).toBe('ns1 "ü"');
          expect(line['cordon']?.['group']).toBe('ü "quoted" group\n');
          expect(line['rule']).toEqual({ ruleset: 'tiktok', id: 'tiktok:12' });
        });
      }),
    );
  });

  test('what was written before is used for the same question and answer only', () => {
    const form = new JsonForm(namingOf({ kind: 'address' }), 'ns1');
    const withoutMemory = new JsonForm(namingOf({ kind: 'address' }), 'ns1');
    const base = {
      ...{ name: 'www.example', type: 'A', flags: 0x8180, ttl: 7, rdata: Uint8Array.of(192, 0, 2, 1), id: 1 },
      ...{ group: 0, list: 0, line: 1, source: 0, rest: new Uint8Array(0), isAnswered: true },
    };
    /** One of them is another one. */
    const changed = fc.oneof(
      fc.record({ name: fc.constantFrom('a.example', 'www.exampl', '') }),
      fc.record({ type: fc.constantFrom('AAAA', 'TYPE65') }),
      fc.record({ flags: fc.constantFrom(0x8580, 0x8183, 0x0100) }),
      fc.record({ ttl: fc.nat(2) }),
      fc.record({ rdata: fc.uint8Array({ minLength: 4, maxLength: 7 }) }),
      fc.record({ rdata: fc.constant(Uint8Array.of(192, 0, 2, 9)) }),
      fc.record({ rest: fc.uint8Array({ minLength: 1, maxLength: 3 }) }),
      fc.record({ group: fc.constant(-1) }),
      fc.record({ list: fc.constant(-1) }),
      fc.record({ line: fc.nat(3) }),
      fc.record({ source: fc.constant(1) }),
      fc.record({ id: fc.nat(9) }),
      fc.record({ isAnswered: fc.constant(false) }),
    );
    const lineOf = (made: JsonForm, query: typeof base): string => {
      const { name, type, flags, ttl, rdata, rest, isAnswered, id, ...decided } = query;
      const asked = buildQuery(`${name}. ${type}`);
      const number = type === 'A' ? 1 : 28;
      const answer = [0xc0, 12, 0, number, 0, 1, 0, 0, 0, ttl, 0, rdata.length, ...rdata, ...rest];
      const response = Buffer.concat([asked, Buffer.from(answer)]);
      response.writeUInt16BE(id, 0);
      response.writeUInt16BE(flags, 2);
      response.writeUInt16BE(1, 6);
      let line = '';
      const fill = (entry: LoggedQuery): void => {
        fillWith(asked, isAnswered ? response : new Uint8Array(0))(entry);
        Object.assign(entry, decided);
      };
      throughRing(fill, (read) => {
        const piece = new Piece();
        made.encode(read, piece);
        line = piece.take().toString('latin1');
      });
      return line;
    };
    fc.assert(
      fc.property(fc.array(changed, { maxLength: 8 }), (changes) => {
        for (const change of changes.flatMap((one) => [{}, one])) {
          const query = { ...base, ...change };
          // Takes the place of whatever is kept of this question.
          lineOf(withoutMemory, { ...query, isAnswered: true, ttl: 200, rest: Uint8Array.of(9, 9, 9, 9, 9) });
          expect(lineOf(form, query)).toBe(lineOf(withoutMemory, query));
        }
      }),
      { numRuns: 40 },
    );
  });

  test('a frame of dnstap has the length that it says, and names nobody unless it may', () => {
    for (const kind of ['address', 'none'] as const) {
      const form = new DnstapForm(namingOf({ kind }), 'ns1', '1', ['client-query', 'client-response']);
      fc.assert(
        fc.property(message, message, (query, response) => {
          throughRing(fillWith(query, response), (read) => {
            const piece = new Piece();
            expect(form.encode(read, piece)).toBe(2);
            const bytes = piece.take();
            const first = bytes.readUInt32BE(0);
            expect(bytes.readUInt32BE(4 + first) + first + 8).toBe(bytes.length);
            const address = Buffer.from('20010db8000000000000000000000007', 'hex');
            // As field 4 of the message, with its length before it.
            expect(bytes.includes(Buffer.concat([Buffer.from([0x22, 16]), address]))).toBe(
              kind === 'address',
            );
          });
        }),
      );
    }
  });

  test.each<[LogIdentity['kind'], boolean]>([
    ['address', true],
    ['pseudonym', false],
    ['prefix', false],
    ['none', false],
  ])('a device is said as the policy says clients: %s', (kind, isClear) => {
    const identity = kind === 'prefix' ? { kind, ipv4Bits: 24, ipv6Bits: 48 } : { kind };
    const device = Buffer.from('mac:02:00:5e:10:00:01');
    const query = buildQuery('a. A');
    const fill = (entry: LoggedQuery): void => {
      fillWith(query, query)(entry);
      entry.device = device;
      entry.forwarder = 0;
    };
    throughRing(fill, (read) => {
      const piece = new Piece();
      new JsonForm(namingOf(identity), 'ns1').encode(read, piece);
      const { cordon } = JSON.parse(piece.take().toString()) as { cordon: Record<string, unknown> };
      expect(cordon['device']).toBe(isClear ? 'mac:02:00:5e:10:00:01' : undefined);
      expect(cordon['reported_by']).toBe('branch-12');
      new DnstapForm(namingOf(identity), 'ns1', '1', ['client-query', 'client-response']).encode(read, piece);
      const frames = piece.take().toString('latin1');
      expect(frames.includes(device.toString())).toBe(isClear);
      expect(frames).toContain('"reported_by":"branch-12"');
    });
  });

  test('a message of syslog is no longer than receivers take', () => {
    const form = new SyslogForm(namingOf({ kind: 'address' }), {
      ...({ resolver: 'ns1', version: '1', facility: 'local1', processId: 7 } as const),
    });
    const answers = Array.from({ length: 900 }, (_, i) => [
      0xc0,
      12,
      0,
      1,
      0,
      1,
      0,
      0,
      0,
      60,
      0,
      4,
      192,
      0,
      2,
      i & 255,
    ]);
    const query = buildQuery('www.example.com. A');
    const response = Buffer.concat([query, Buffer.from(answers.flat())]);
    response.writeUInt16BE(900, 6);
    throughRing(fillWith(query, response), (read) => {
      const piece = new Piece();
      form.encode(read, piece);
      const [, length = '', rest = ''] = /^(\d+) (.*)$/s.exec(piece.take().toString('latin1')) ?? [];
      expect(rest.length).toBe(Number(length));
      expect(rest.length).toBeLessThanOrEqual(8_192);
      const line = JSON.parse(rest.slice(rest.indexOf('] {') + 2)) as { cordon: { answers_omitted: number } };
      expect(line.cordon.answers_omitted).toBeGreaterThan(800);
    });
  });

  test.each(['::', '::1', '1::', '1:2:3:4:5:6:7:8', '1:0:0:2:0:0:0:3', '0:1::', '2001:db8::7:0:1'])(
    'an address is written as others write it: %s',
    (text) => {
      const words = addressWords(text);
      const rdata = Buffer.alloc(16);
      for (let i = 0; i < 4; i++) rdata.writeUInt32BE(words[i] ?? 0, 4 * i);
      const query = buildQuery('a. AAAA');
      const response = Buffer.concat([
        query,
        Buffer.from([0xc0, 12, 0, 28, 0, 1, 0, 0, 0, 60, 0, 16]),
        rdata,
      ]);
      response.writeUInt16BE(1, 6);
      throughRing(fillWith(query, response), (read) => {
        const piece = new Piece();
        new JsonForm(namingOf({ kind: 'none' }), 'a').encode(read, piece);
        const line = JSON.parse(piece.take().toString('latin1')) as { dns: { answers: { data: string }[] } };
        expect(line.dns.answers[0]?.data).toBe(new URL(`http://[${text}]/`).hostname.slice(1, -1));
      });
    },
  );
});

describe('the ring', () => {
  test('gives back what was written, over its end and with what found no room counted', () => {
    const ring = createQueryRing(1 << 19);
    const writer = new QueryRingWriter({ ring, sample: 1 });
    const reader = new QueryRingReader(ring);
    const entry = new LoggedQuery();
    entry.query = new Uint8Array(1_000);
    let written = 0;
    let read = 0;
    for (let round = 0; round < 40; round++) {
      for (let i = 0; i < 100; i++) {
        entry.queryLength = 20 + ((i * 37 + round) % 900);
        entry.port = i;
        entry.kind = LOGGED.UPSTREAM;
        writer.write(entry);
        written++;
      }
      let next = 0;
      reader.read(1_000, (query) => {
        expect(query.port).toBe(next++);
        expect(query.queryLength).toBe(20 + ((query.port * 37 + round) % 900));
        expect(query.kind).toBe(LOGGED.UPSTREAM);
        read++;
      });
    }
    expect(read).toBe(written);
    entry.queryLength = 1_000;
    for (let i = 0; i < 1_000; i++) writer.write(entry);
    expect(reader.lost).toBeGreaterThan(400);
    expect(reader.read(5_000, () => undefined) + reader.lost).toBe(1_000);
  });

  test('a sample is one of so many', () => {
    const writer = new QueryRingWriter({ ring: createQueryRing(1 << 19), sample: 10 });
    const wanted = Array.from({ length: 20_000 }, () => writer.wants()).filter(Boolean).length;
    expect(wanted).toBeGreaterThan(1_700);
    expect(wanted).toBeLessThan(2_300);
  });
});
