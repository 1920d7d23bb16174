// Lines of our own log are read without being parsed: what is read of them is what a parser finds in them.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Logged } from '../../../src/evidence/impact/logged.ts';
import { OwnLines } from '../../../src/evidence/impact/own-lines.ts';
import { Print, PrintTable } from '../../../src/evidence/impact/print.ts';
import { Piece } from '../../../src/evidence/query-log/encoder.ts';
import { JsonForm } from '../../../src/evidence/query-log/json-form.ts';
import { type LogIdentity, Naming } from '../../../src/evidence/query-log/naming.ts';
import { KnownGenerations } from '../../../src/evidence/records/facts.ts';
import { PseudonymReader } from '../../../src/evidence/records/pseudonym-keys.ts';
import {
  createQueryRing,
  LoggedQuery,
  QueryRingReader,
  QueryRingWriter,
} from '../../../src/telemetry/events/query-ring.ts';
import { addressWords } from '../../support/record-events.ts';

const GROUPS = ['staff', 'ü "quoted" group\n', ''];

const formOf = (identity: LogIdentity): JsonForm => {
  const generations = new KnownGenerations();
  generations.define({
    generation: 1,
    groups: GROUPS,
    lists: [{ id: 'tiktok', version: 'a' }],
    forwarders: ['f'],
  });
  return new JsonForm(new Naming(identity, generations, new PseudonymReader('/nowhere')), 'ns1 "group":"x');
};

const FORMS = [
  formOf({ kind: 'address' }),
  formOf({ kind: 'none' }),
  formOf({ kind: 'prefix', ipv4Bits: 24, ipv6Bits: 56 }),
];

const name = fc
  .array(fc.uint8Array({ minLength: 1, maxLength: 9 }), { maxLength: 4 })
  .map((labels) =>
    Buffer.concat([...labels.map((label) => Buffer.from([label.length, ...label])), Buffer.of(0)]),
  );

/** Addresses, names, texts, and what is none of them. */
const record = fc
  .tuple(fc.constantFrom(1, 28, 5, 16, 65, 999), fc.nat(90_000), fc.uint8Array({ maxLength: 24 }), name)
  .map(([type, ttl, rest, target]) => {
    const sized = type === 1 ? rest.slice(0, 4) : type === 28 ? rest.slice(0, 16) : rest;
    const data = type === 5 ? target : type === 16 ? Buffer.from([rest.length, ...rest]) : sized;
    const head = Buffer.from([0xc0, 12, 0, 0, 0, 1, 0, 0, 0, 0, 0, data.length]);
    head.writeUInt16BE(type, 2);
    head.writeUInt32BE(ttl, 6);
    return Buffer.concat([head, data]);
  });

const query = fc.record({
  ...{ name, type: fc.constantFrom(1, 28, 65, 999), qclass: fc.constantFrom(1, 3) },
  ...{ records: fc.array(record, { maxLength: 4 }), isAnswered: fc.boolean(), flags: fc.nat(0xffff) },
  ...{ timeMs: fc.integer({ min: 1, max: 4e12 }), group: fc.integer({ min: -1, max: 2 }) },
  ...{ list: fc.integer({ min: -1, max: 0 }), address: fc.constantFrom('192.0.2.7', '2001:db8::7') },
  ...{ form: fc.nat(2), forwarder: fc.integer({ min: -1, max: 0 }) },
});

const lineOf = (asked: typeof query extends fc.Arbitrary<infer Of> ? Of : never): Buffer => {
  const ring = createQueryRing(1 << 19);
  const entry = new LoggedQuery();
  const { timeMs, group, list, forwarder, records, isAnswered, flags, type, qclass } = asked;
  Object.assign(entry, { timeMs, group, list, forwarder, generation: 1, tookMs: 3 });
  entry.address = addressWords(asked.address);
  const question = Buffer.from([0, type >> 8, type & 0xff, 0, qclass]).subarray(1);
  const message = (count: number, bits: number): Buffer =>
    Buffer.concat([
      Buffer.from([0, 7, bits >> 8, bits & 0xff, 0, 1, 0, count, 0, 0, 0, 0]),
      asked.name,
      question,
    ]);
  entry.query = message(0, 0x0100);
  entry.queryLength = entry.query.length;
  entry.response = Buffer.concat([message(records.length, flags | 0x8000), ...records]);
  entry.responseLength = isAnswered ? entry.response.length : 0;
  new QueryRingWriter({ ring, sample: 1 }).write(entry);
  const piece = new Piece();
  new QueryRingReader(ring).read(1, (read) => FORMS[asked.form]?.encode(read, piece));
  return piece.take();
};

const fail = (text: string): Error => new Error(text);

interface Found {
  readonly [member: string]: unknown;
}

/** What a line says, as it is read. */
const readLine = (line: Buffer): Found | string => {
  const lines = new OwnLines();
  let logged: Logged | undefined;
  try {
    logged = lines.read(line, 0, line.length - 1, { sinceMs: 0, zoneMs: undefined }, fail);
  } catch (thrown) {
    return (thrown as Error).message;
  }
  if (logged === undefined) return 'none';
  const { name: asked, type, client, group, timeMs } = logged;
  return {
    name: asked,
    type,
    client,
    group,
    timeMs,
    records: logged.records(),
    isScanned: logged.print !== undefined,
  };
};

/** What a parser finds. */
const parseLine = (line: Buffer): Found => {
  const { dns, source, cordon, ...rest } = JSON.parse(line.toString('latin1'));
  return {
    ...{
      name: dns.question.name,
      type: dns.question.type,
      client: source?.address ?? '',
      group: cordon.group,
    },
    ...{ timeMs: Date.parse(rest['@timestamp']), records: dns.answers ?? [], isScanned: true },
  };
};

describe('a line of our own log', () => {
  test('is read as a parser reads it, whatever was asked and answered', () => {
    fc.assert(
      fc.property(query, (asked) => {
        const line = lineOf(asked);
        const { dns } = JSON.parse(line.toString('latin1'));
        const found = readLine(line);
        // A line without a question is none.
        if (dns.question.name === undefined) expect(found).toBe('none');
        else expect(found).toEqual(parseLine(line));
      }),
    );
  });

  test('that was changed is read as a parser reads it, or refused', () => {
    let scanned = 0;
    fc.assert(
      fc.property(
        query,
        fc.nat(),
        fc.integer({ min: 0x20, max: 0x7e }),
        fc.nat(2),
        (asked, place, byte, how) => {
          const line = lineOf(asked);
          const at = place % (line.length - 1);
          const parts = [
            line.subarray(0, at),
            Buffer.alloc(how === 2 ? 0 : 1, byte),
            line.subarray(how === 1 ? at : at + 1),
          ];
          const changed = Buffer.concat(parts);
          let parsed: Found;
          try {
            parsed = parseLine(changed);
            const { source } = JSON.parse(changed.toString('latin1'));
            // Of another log that has both, the address counts.
            if (source?.ip !== undefined && source.ip !== source.address) return;
          } catch {
            return;
          }
          const found = readLine(changed);
          if (typeof found === 'string' || found['isScanned'] !== true) return;
          scanned++;
          expect(found).toEqual(parsed);
        },
      ),
    );
    expect(scanned).toBeGreaterThan(0);
  });
});

/** What a hand, or another program, may make of a line that is read without being parsed. */
test.each([
  ['a part of a second', /"duration":3000000/, '"duration":30.0000'],
  ['a blank before the address', /"source":\{"address"/, '"source":{ "address"'],
  ['a blank before the group', /"group":"/, '"group": "'],
  ['a group elsewhere', /"cordon":/, '"other":{"group":"x"},"cordon":'],
  ['a date that only a lenient reader takes', /"2026-11-/, '"2026-11('],
])('%s changes nothing, or is refused', (_, before, after) => {
  const line = lineOf({
    ...{ name: Buffer.from('\u0003www\u0007example\u0000', 'latin1'), type: 1, qclass: 1, records: [] },
    ...{ isAnswered: true, flags: 0x100, timeMs: Date.parse('2026-11-30T10:00:00.123Z'), group: 0 },
    ...{ list: -1, address: '192.0.2.7', form: 0, forwarder: -1 },
  });
  const changed = Buffer.from(line.toString('latin1').replace(before, after), 'latin1');
  expect(changed).not.toEqual(line);
  expect({ ...readObject(changed), isScanned: true }).toEqual(parseLine(changed));
});

const readObject = (line: Buffer): Found => {
  const found = readLine(line);
  if (typeof found === 'string') throw new Error(found);
  return found;
};

test('a table of prints finds what was put in it, and nothing else', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string(), { maxLength: 40 }), fc.nat(9_000), (texts, more) => {
      const table = new PrintTable();
      const print = new Print();
      const of = (text: string): Print => {
        print.begin();
        print.text(text);
        return print;
      };
      const all = [...texts, ...Array.from({ length: more }, (_, i) => `more-${i}!`)];
      const known = new Set<string>();
      for (const text of all) {
        if (known.has(text)) continue;
        expect(table.find(of(text))).toBe(-1);
        table.put(of(text), known.size);
        known.add(text);
      }
      expect(table.size).toBe(known.size);
      let number = 0;
      for (const text of known) expect(table.find(of(text))).toBe(number++);
      table.clear();
      expect(table.size).toBe(0);
      expect(table.find(of(all[0] ?? ''))).toBe(-1);
    }),
    { numRuns: 10 },
  );
});
