// The wire and its presentation format: what one side writes the other reads, for any input; nothing throws or loops.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  copyName,
  expandRdata,
  formatName,
  formatRecord,
  LABEL_LENGTH_MAX,
  MessageBuilder,
  NAME_LENGTH_MAX,
  nameFrom,
  parseName,
  parseRecord,
  RecordReader,
  TYPE,
} from '../../src/wire/dns/dns.ts';
import { createTypeBitmap, type FieldKind, rdataLayout } from '../../src/wire/dns/rdata.ts';
import { formatRdata } from '../../src/wire/dns/rdata-text.ts';
import { corpusMessages, soundMessages } from '../support/corpus.ts';
import { createRandom, mutate } from '../support/mutate.ts';
import { checkText, exerciseReaders } from '../support/readers.ts';

/** Messages that the suite changes and reads; the long run is test/soak/fuzz.ts. */
const MUTATION_COUNT = 6_000;

const label = fc.uint8Array({ minLength: 1, maxLength: LABEL_LENGTH_MAX });
/** Any name in wire form, with any bytes in its labels. */
const name = fc.array(fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 3 }), label)).map((labels) => {
  const out: number[] = [];
  for (const bytes of labels) {
    if (out.length + bytes.length + 2 > NAME_LENGTH_MAX) break;
    out.push(bytes.length, ...bytes);
  }
  return Uint8Array.from([...out, 0]);
});
/** Names that share suffixes, in mixed case. */
const relatedName = fc
  .array(fc.constantFrom('a', 'B', 'www', 'example', 'Example', 'com', 'a\\.b', '\\000'), { maxLength: 6 })
  .map((labels) => nameFrom(`${labels.join('.')}.`));

const bytesOf = (maxLength: number, minLength = 0) => fc.uint8Array({ minLength, maxLength });
const withLength = (arbitrary: fc.Arbitrary<Uint8Array>) =>
  arbitrary.map((bytes) => Uint8Array.from([bytes.length, ...bytes]));
/** Malformed RDATA that MessageBuilder may be given: it promises nothing about names that are compressed already. */
const withoutPointers = (bytes: Uint8Array) => bytes.map((byte) => byte & 0xbf);
const join = (parts: readonly Uint8Array[]) => Uint8Array.from(Buffer.concat(parts));
const alphanumeric = fc
  .array(fc.constantFrom(...Buffer.from('azAZ09')), { minLength: 1, maxLength: 15 })
  .map((codes) => Uint8Array.from(codes));

/** Service parameters with ascending keys; the values of known keys are not always what the key promises. */
const params = fc
  .uniqueArray(fc.tuple(fc.oneof(fc.nat(9), fc.nat(0xffff)), bytesOf(40)), { selector: ([key]) => key })
  .map((list) =>
    join(
      [...list]
        .sort(([a], [b]) => a - b)
        .map(([key, value]) => Uint8Array.from([key >> 8, key & 0xff, 0, value.length, ...value])),
    ),
  );

/** Bytes that a field of each kind may hold. */
const FIELDS: Readonly<Record<FieldKind, fc.Arbitrary<Uint8Array>>> = {
  name,
  u8: bytesOf(1, 1),
  u16: bytesOf(2, 2),
  u32: bytesOf(4, 4),
  type: bytesOf(2, 2),
  time: bytesOf(4, 4),
  ipv4: bytesOf(4, 4),
  ipv6: fc.oneof(
    bytesOf(16, 16),
    bytesOf(4, 4).map((bytes) => Uint8Array.from([...Array(10).fill(0), 255, 255, ...bytes])),
  ),
  eui48: bytesOf(6, 6),
  eui64: bytesOf(8, 8),
  string: withLength(bytesOf(255)),
  tag: withLength(alphanumeric),
  salt: withLength(bytesOf(255)),
  hash: withLength(bytesOf(255, 1)),
  strings: fc.array(withLength(bytesOf(60)), { minLength: 1, maxLength: 5 }).map(join),
  text: bytesOf(300),
  hex: bytesOf(80, 1),
  base64: bytesOf(80, 1),
  types: fc.uniqueArray(fc.nat(0xffff)).map(createTypeBitmap),
  params,
};

const typedTypes = Object.values(TYPE).filter((type) => rdataLayout(type) !== undefined);
const rdataOf = (type: number): fc.Arbitrary<Uint8Array> =>
  fc.tuple(...(rdataLayout(type) ?? []).map((kind) => FIELDS[kind])).map(join);
const typedRdata = fc.constantFrom(...typedTypes).chain((type) => fc.tuple(fc.constant(type), rdataOf(type)));

describe('names', () => {
  test('parseName() reads what formatName() writes', () => {
    fc.assert(
      fc.property(name, (wire) => {
        expect(parseName(formatName(wire))).toEqual(wire);
        expect(copyName(wire, 0, wire.length)).toEqual(wire);
      }),
      { numRuns: 1000 },
    );
  });

  test('any text is a name of at most 255 bytes or a fault', () => {
    const text = fc
      .array(fc.constantFrom('a', '.', '\\', '0', '2', '5', 'é', ' ', '"'))
      .map((p) => p.join(''));
    fc.assert(
      fc.property(fc.oneof(text, fc.string({ unit: 'binary' })), (source) => {
        const parsed = parseName(source);
        if (typeof parsed === 'string') return;
        expect(copyName(parsed, 0, parsed.length)).toEqual(parsed);
        expect(parseName(formatName(parsed))).toEqual(parsed);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('RDATA', () => {
  test('of every type with a format of its own is read as it was written, and not in the generic form', () => {
    fc.assert(
      fc.property(typedRdata, ([type, rdata]) => {
        checkText(type, rdata);
        expect(formatRdata(type, rdata)).not.toMatch(/^\\#/);
      }),
      { numRuns: 3000 },
    );
  });

  test('of any bytes is read as it was written', () => {
    fc.assert(
      fc.property(fc.constantFrom(...typedTypes, 65_280), bytesOf(64), (type, rdata) => {
        checkText(type, rdata);
      }),
      { numRuns: 3000 },
    );
  });

  test('cut anywhere is read as it was written', () => {
    fc.assert(
      fc.property(typedRdata, fc.nat(), ([type, rdata], cut) => {
        checkText(type, rdata.slice(0, cut % (rdata.length + 1)));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('records', () => {
  const record = fc.record({
    owner: name,
    class: fc.nat(0xffff),
    ttl: fc.nat(0x7fffffff),
    typed: typedRdata,
  });

  test('parseRecord() reads what formatRecord() writes', () => {
    fc.assert(
      fc.property(record, ({ typed: [type, rdata], ...rest }) => {
        const expected = { ...rest, type, rdata };
        expect(parseRecord(formatRecord(expected))).toEqual(expected);
      }),
      { numRuns: 1000 },
    );
  });

  test('RecordReader reads what MessageBuilder writes, letters of a shared suffix aside', () => {
    const records = fc.array(
      fc.record({
        owner: fc.oneof(relatedName, name),
        class: fc.nat(0xffff),
        ttl: fc.nat(0xffffffff),
        typed: fc.oneof(
          typedRdata,
          fc.tuple(
            fc.oneof(fc.nat(0xffff), fc.constantFrom(TYPE.CNAME, TYPE.MX, TYPE.SOA)),
            bytesOf(40).map(withoutPointers),
          ),
          fc.tuple(fc.constantFrom(TYPE.NS, TYPE.CNAME, TYPE.PTR), fc.oneof(relatedName, name)),
        ),
        section: fc.nat(2),
      }),
      { maxLength: 100 },
    );
    fc.assert(
      fc.property(records, fc.integer({ min: 12, max: 4000 }), (list, size) => {
        const sorted = list
          .map(({ typed: [type, rdata], ...rest }) => ({ ...rest, type, rdata }))
          .sort((a, b) => a.section - b.section);
        const builder = new MessageBuilder(new Uint8Array(size)).start(1, 0);
        const kept = sorted.filter((item) => {
          const length = builder.length;
          builder.record(item.section, item.owner, item.type, item.class, item.ttl, item.rdata);
          return builder.length > length;
        });
        expect(builder.overflow).toBe(kept.length < sorted.length);
        expect(readAll(builder.finish())).toEqual(
          kept.map(({ owner, ...rest }) => ({ ...rest, owner: formatName(owner).toLowerCase() })),
        );
      }),
      { numRuns: 300 },
    );
  });
});

const readAll = (bytes: Uint8Array): readonly object[] => {
  const reader = new RecordReader();
  reader.reset(bytes, bytes.length, 12);
  const records: object[] = [];
  while (reader.next()) {
    const owner = copyName(bytes, reader.ownerOffset, bytes.length);
    records.push({
      section: reader.section,
      owner: owner === undefined ? 'malformed' : formatName(owner).toLowerCase(),
      type: reader.type,
      class: reader.class,
      ttl: reader.ttl,
      rdata:
        expandRdata(bytes, reader.rdataOffset, reader.rdataLength, reader.type, bytes.length) ??
        bytes.slice(reader.rdataOffset, reader.rdataOffset + reader.rdataLength),
    });
  }
  expect(reader.fault).toBe(false);
  expect(reader.offset).toBe(bytes.length);
  return records;
};

describe('no reader throws, loops or leaves the message', () => {
  test.each(corpusMessages)('%s', (_, bytes) => {
    exerciseReaders(bytes);
  });

  test('over sound messages', () => {
    for (const bytes of soundMessages) exerciseReaders(bytes);
  });

  test('over any bytes', () => {
    const header = fc.tuple(
      bytesOf(4, 4),
      fc.array(fc.constantFrom(0, 1, 2, 255), { minLength: 8, maxLength: 8 }),
    );
    const body = fc.array(fc.constantFrom(0, 1, 2, 3, 12, 0x3f, 0x40, 0x80, 0xc0, 0xff), { maxLength: 120 });
    const message = fc
      .tuple(header, body)
      .map(([[start, counts], rest]) => Uint8Array.from([...start, ...counts, ...rest]));
    fc.assert(
      fc.property(fc.oneof(bytesOf(64), message), (bytes) => exerciseReaders(bytes)),
      { numRuns: 2000 },
    );
  });

  test(`over ${MUTATION_COUNT} changed messages`, () => {
    const random = createRandom(1035);
    for (let i = 0; i < MUTATION_COUNT; i++) {
      const bytes = mutate(soundMessages, random);
      try {
        exerciseReaders(bytes);
      } catch (thrown) {
        throw new Error(`message ${Buffer.from(bytes).toString('hex')}`, { cause: thrown });
      }
    }
  });
});
