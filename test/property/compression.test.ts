// Compression: the same bytes as a reference that compares every name with every other one, and what it costs.
import dnsPacket from 'dns-packet';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  formatName,
  MessageBuilder,
  NAME_LENGTH_MAX,
  nameFrom,
  SECTION,
  TYPE,
} from '../../src/wire/dns/dns.ts';
import { costOf } from '../support/cost.ts';
import { PlainBuilder } from '../support/plain-builder.ts';

/** Few letters, so that names share ends, or look as if they did; as many labels as a name can have. */
const labels = fc.oneof(
  fc.array(fc.constantFrom('a', 'A', 'b', 'ab', 'example'), { maxLength: 8 }),
  fc
    .tuple(fc.nat(126), fc.constantFrom('a', 'A', 'b', 'aa'), fc.array(fc.constantFrom('a', 'B', 'com')))
    .map(([count, label, last]) => [...Array<string>(count).fill(label), ...last]),
);
const name = labels.map((all) => {
  const kept: string[] = [];
  let length = 1;
  for (const label of all.toReversed()) {
    if (length + label.length + 1 > NAME_LENGTH_MAX) break;
    length += label.length + 1;
    kept.unshift(label);
  }
  return nameFrom(`${kept.join('.')}.`);
});
const concat = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts));
const typedRdata = fc.oneof(
  fc.tuple(fc.constantFrom(TYPE.NS, TYPE.CNAME, TYPE.PTR), name),
  name.map((host): [number, Uint8Array] => [TYPE.MX, concat(Uint8Array.of(0, 5), host)]),
  fc
    .tuple(name, name)
    .map(([mname, rname]): [number, Uint8Array] => [TYPE.SOA, concat(mname, rname, new Uint8Array(20))]),
  fc.constant<[number, Uint8Array]>([TYPE.A, Uint8Array.of(192, 0, 2, 1)]),
  // Behind some of these no pointer reaches.
  fc.nat(9_000).map((length): [number, Uint8Array] => [TYPE.NULL, new Uint8Array(length)]),
);
const records = fc.array(fc.record({ owner: name, typed: typedRdata }), { maxLength: 40 });

test('a message has the bytes of one that was compressed by comparing every name with all before it', () => {
  fc.assert(
    fc.property(name, records, fc.integer({ min: 300, max: 65_535 }), (qname, list, size) => {
      const builder = new MessageBuilder(new Uint8Array(size)).start(1, 0).question(qname, TYPE.A, 1);
      const plain = new PlainBuilder(size, qname);
      for (const { owner, typed } of list) {
        builder.record(SECTION.ANSWER, owner, typed[0], 1, 60, typed[1]);
        plain.record(owner, typed[0], typed[1]);
      }
      expect(Buffer.from(builder.finish()).equals(plain.finish())).toBe(true);
    }),
    { numRuns: 200 },
  );
});

test('a message reads back by another decoder', () => {
  fc.assert(
    fc.property(name, records, (qname, list) => {
      const builder = new MessageBuilder(new Uint8Array(65_535)).start(1, 0).question(qname, TYPE.A, 1);
      const kept = list.filter(({ owner, typed }) => {
        const { length } = builder;
        builder.record(SECTION.ANSWER, owner, typed[0], 1, 60, typed[1]);
        return builder.length > length;
      });
      const { answers = [] } = dnsPacket.decode(Buffer.from(builder.finish()));
      const textOf = (wire: Uint8Array): string => formatName(wire).replace(/\.$/, '').toLowerCase();
      expect(answers.map((answer) => answer.name.replace(/^\.$/, '').toLowerCase())).toEqual(
        kept.map(({ owner }) => textOf(owner)),
      );
      for (const [index, { typed }] of kept.entries()) {
        const answer = answers[index];
        if (answer?.type !== 'CNAME' && answer?.type !== 'NS' && answer?.type !== 'PTR') continue;
        // Names in RDATA keep their letters.
        expect(answer.data.replace(/^\.$/, '')).toBe(formatName(typed[1]).replace(/\.$/, ''));
      }
    }),
    { numRuns: 200 },
  );
});

const EXAMPLE = nameFrom('example.');

/** A message about a name, in which it stands as often as in the answer that cost most. */
const build = (builder: MessageBuilder, qname: Uint8Array, target: Uint8Array): void => {
  builder.start(1, 0).question(qname, TYPE.A, 1);
  builder.record(SECTION.ANSWER, qname, TYPE.CNAME, 1, 5, target);
  builder.record(SECTION.ANSWER, target, TYPE.A, 1, 5, Uint8Array.of(192, 0, 2, 1));
};

test('names of 110 labels cost no more than as many bytes of few labels', () => {
  const builder = new MessageBuilder(new Uint8Array(4_096));
  const many = nameFrom(`cname.${'a.'.repeat(110)}u1.probe.example.`);
  const manyTarget = nameFrom(`${'a.'.repeat(110)}u1.`);
  const few = nameFrom(`cname.${`${'a'.repeat(54)}.`.repeat(4)}u1.probe.example.`);
  const fewTarget = nameFrom(`${`${'a'.repeat(54)}.`.repeat(4)}u1.`);
  const { cost, plain } = costOf(
    () => build(builder, many, manyTarget),
    () => build(builder, few, fewTarget),
  );
  expect(cost / plain).toBeLessThan(6);
});

test('names that end like all that are remembered cost as much as names that end like none', () => {
  const builder = new MessageBuilder(new Uint8Array(65_535));
  const make = (endOf: (index: number) => string) =>
    Array.from({ length: 200 }, (_, i) => nameFrom(`${i}.${'a.'.repeat(115)}${endOf(i)}.`));
  const run = (names: readonly Uint8Array[]) => (): void => {
    builder.start(1, 0).question(EXAMPLE, TYPE.A, 1);
    for (const owner of names) builder.record(SECTION.ANSWER, owner, TYPE.CNAME, 1, 5, EXAMPLE);
  };
  const similar = make((index) => String(1000 + index));
  const short = Array.from({ length: 200 }, (_, i) =>
    nameFrom(`${i}${`.${'b'.repeat(55)}`.repeat(4)}.${1000 + i}.`),
  );
  const { cost, plain } = costOf(run(similar), run(short));
  expect(cost / plain).toBeLessThan(6);
});

test('a record that repeats the owner of the one before has the bytes of one that is told the owner', () => {
  fc.assert(
    fc.property(name, records, fc.integer({ min: 300, max: 65_535 }), (qname, list, size) => {
      const told = new MessageBuilder(new Uint8Array(size)).start(1, 0).question(qname, TYPE.A, 1);
      const repeated = new MessageBuilder(new Uint8Array(size)).start(1, 0).question(qname, TYPE.A, 1);
      for (const { owner, typed } of list) {
        for (let count = 0; count < 3; count++) {
          told.record(SECTION.ANSWER, owner, typed[0], 1, 60, typed[1]);
          repeated.record(SECTION.ANSWER, owner, typed[0], 1, 60, typed[1], count > 0);
        }
      }
      expect(Buffer.from(repeated.finish()).equals(told.finish())).toBe(true);
    }),
    { numRuns: 200 },
  );
});
