// Puts several times as many everyday answers into a cache of 32 MiB as it holds, in a process of its own, and prints
// what it says it holds and what the resident memory grew by. Needs --expose-gc.
import { AnswerCache, createAnswer } from '../../../src/resolver/cache/cache.ts';
import { copyName, HEADER_LENGTH } from '../../../src/wire/dns/dns.ts';
import { buildResponse } from '../../support/records.ts';
import { ARRIVAL_MS, LIMITS } from './setup.ts';

const SIZE_BYTES = 32 * 1024 * 1024;
const ANSWERS = 600_000;
/** The digits of a name's number. */
const DIGITS = 8;

const collectGarbage = globalThis.gc;
if (collectGarbage === undefined) throw new Error('run with --expose-gc');

const residentBytes = (): number => {
  collectGarbage();
  collectGarbage();
  return process.memoryUsage.rss();
};

const name = '00000000.department.example.';
/** An address, an alias with an address, and a name that does not exist, as resolvers see them. */
const messages = [
  { question: `${name} A`, answer: [`${name} 300 IN A 192.0.2.1`] },
  {
    question: `${name} A`,
    answer: [`${name} 60 IN CNAME e.cdn.example.`, 'e.cdn.example. 60 IN A 192.0.2.1'],
  },
  { question: `${name} AAAA`, authority: ['example. 300 IN SOA ns.example. host.example. 1 2 3 4 300'] },
].map((text) => buildResponse(text));

const fill = (cache: AnswerCache | undefined): void => {
  for (let index = 0; index < ANSWERS; index++) {
    const message = messages[index % messages.length] ?? new Uint8Array(0);
    for (let digit = 0, rest = index; digit < DIGITS; digit++, rest = Math.floor(rest / 10))
      message[HEADER_LENGTH + DIGITS - digit] = 0x30 + (rest % 10);
    const qname = copyName(message, HEADER_LENGTH, message.length) ?? new Uint8Array(0);
    const answer = createAnswer(message, qname, false, LIMITS, ARRIVAL_MS);
    if (answer !== undefined) cache?.set(answer, 0);
  }
};

// The same work without a cache first: what the messages of this test cost is not the cache's.
fill(undefined);
const before = residentBytes();
const cache = new AnswerCache({ sizeBytes: SIZE_BYTES, observer: { cacheEvicted: () => {} } });
fill(cache);
const grownBytes = residentBytes() - before;
process.stdout.write(JSON.stringify({ bytes: cache.bytes, grownBytes, entries: cache.entries }));
