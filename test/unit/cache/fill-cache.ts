// Fills a 32 MiB cache with answers of everyday kinds in a process of its own and prints what it charged for them
// and what the process grew by. Needs --expose-gc.
import { AnswerCache } from '../../../src/cache/cache.ts';
import { ARRIVAL_MS, answerOf } from './setup.ts';

const SIZE_BYTES = 32 * 1024 * 1024;
/** More than the cache holds, so that what is measured is a full one. */
const ANSWERS = 60_000;

const collectGarbage = globalThis.gc;
if (collectGarbage === undefined) throw new Error('run with --expose-gc');

const usedBytes = (): number => {
  collectGarbage();
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

/** An address, an alias with addresses, or a name that does not exist, as resolvers see them. */
const textOf = (index: number) => {
  const name = `host-${index}.department.example.`;
  const address = `192.0.2.${index & 0xff}`;
  const kinds = [
    { question: `${name} A`, answer: [`${name} 300 IN A ${address}`] },
    {
      question: `${name} A`,
      answer: [
        `${name} 60 IN CNAME edge-${index}.cdn.example.`,
        `edge-${index}.cdn.example. 60 IN A ${address}`,
      ],
    },
    { question: `${name} AAAA`, authority: ['example. 300 IN SOA ns.example. host.example. 1 2 3 4 300'] },
  ];
  return kinds[index % kinds.length] ?? {};
};

/** A key is made per query out of bytes, not taken from a literal. */
const keyOf = (index: number): string =>
  Buffer.from(`host-${index}.department.example...`).toString('latin1');

const cache = new AnswerCache({ sizeBytes: SIZE_BYTES, observer: { cacheEvicted: () => {} } });
for (let index = 0; index < 3000; index++) answerOf(textOf(index));
const before = usedBytes();
for (let index = 0; index < ANSWERS; index++) {
  const answer = answerOf(textOf(index));
  if (answer !== undefined) cache.set(keyOf(index), answer);
}
const grownBytes = usedBytes() - before;
process.stdout.write(
  JSON.stringify({
    chargedBytes: cache.bytes,
    grownBytes,
    entries: cache.entries,
    alive:
      cache.get(Buffer.from(keyOf(ANSWERS - 1), 'latin1'), keyOf(ANSWERS - 1).length, ARRIVAL_MS) !==
      undefined,
  }),
);
