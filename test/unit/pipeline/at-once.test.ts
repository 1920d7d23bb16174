// A resolver that answers at once, from inside decide() or from inside a reply, changes nothing for anybody: every
// client gets the bytes that it gets from a resolver that answers later.
import { describe, expect, test } from 'vitest';
import { createAddress, parseAddress } from '../../../src/base/base.ts';
import {
  PENDING,
  type PipelineRules,
  type Question,
  type Resolution,
  type Resolver,
  TRANSPORT,
} from '../../../src/resolver/pipeline/pipeline.ts';
import { EDE, EDNS_DO, FLAG, formatName, formatType } from '../../../src/wire/dns/dns.ts';
import { inTwo } from '../../support/night.ts';
import { buildQuery, buildResponse } from '../../support/records.ts';
import { Bench, CLIENT, CLIENT_PORT, createRules, onlyAnswer } from './setup.ts';

const TTL_SEC = 60;
const WORLD = new Map([
  ['plain.example. A', [`plain.example. ${TTL_SEC} IN A 198.51.100.1`]],
  ['other.example. A', [`other.example. ${TTL_SEC} IN A 198.51.100.9`]],
  ['hosted.example. A', [`hosted.example. ${TTL_SEC} IN A 203.0.113.9`]],
  [
    'alias.example. A',
    [
      `alias.example. ${TTL_SEC} IN CNAME edge.led.example.`,
      `edge.led.example. ${TTL_SEC} IN A 198.51.100.2`,
    ],
  ],
  ['end.example. A', [`end.example. ${TTL_SEC} IN A 198.51.100.3`]],
  ['listed-end.example. A', [`listed-end.example. ${TTL_SEC} IN A 203.0.113.4`]],
]);
const NAMES = [
  'plain',
  'other',
  'hosted',
  'alias',
  'led',
  'to-listed',
  'refused',
  'bogus',
  'dead',
  'end',
  'to-plain',
] as const;
const LISTS = [
  ['refused.example', '203.0.113.0/24'],
  ['led.example => CNAME end.example.', 'to-listed.example => CNAME listed-end.example.'],
  ['to-plain.example => CNAME plain.example.'],
] as const;

const resolutionOf = (question: Question): Resolution => {
  const text = `${formatName(question.name).toLowerCase()} ${formatType(question.type)}`;
  if (text.startsWith('dead.')) return { kind: 'failure', reason: 'timeout' };
  const answer = WORLD.get(text) ?? [];
  const message = buildResponse({ question: text, answer });
  return text.startsWith('bogus.')
    ? { kind: 'bogus', code: EDE.DNSSEC_BOGUS, text: 'wrong', message }
    : { kind: 'answer', message };
};

/** Answers when it is told to. */
class Late implements Resolver {
  readonly joinsVariants: () => boolean;
  readonly #waiting: (() => void)[] = [];

  constructor(joins: boolean) {
    this.joinsVariants = () => joins;
  }

  resolve(question: Question, done: (resolution: Resolution) => void): void {
    this.#waiting.push(() => done(resolutionOf(question)));
  }

  answerAll(): void {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) next();
  }
}

const atOnce = (joins: boolean): Resolver => ({
  joinsVariants: () => joins,
  resolve: (question, done) => done(resolutionOf(question)),
});

const open = (resolver: Resolver, generation: number): Bench => {
  const rules: PipelineRules = {
    ...createRules({ lists: LISTS, masks: [7, 2, 1], generation }),
    stale: { afterMs: 0, ttlSec: 30 },
    prefetch: true,
  };
  const bench = new Bench(rules, resolver);
  bench.cache.setStale(600_000);
  return bench;
};

/** Numbers that look random and are the same each time (a linear congruence). */
const createRandom = (seed: number) => {
  let state = seed;
  return (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
};

describe.each([false, true])('a resolver that joins variants: %s', (joins) => {
  for (const [options, seeds] of inTwo([1, 2, 3, 4], (seed) => seed < 2))
    test.each(seeds)('answers at once as it does later (%s)', options, (seed) => {
      const late = new Late(joins);
      const generation = 1000 + seed;
      const benches = [open(atOnce(joins), generation), open(late, generation)] as const;
      const random = createRandom(seed);
      const wrong: string[] = [];
      for (let id = 1; id <= 1500; id++) {
        const name = NAMES[random(NAMES.length)] ?? 'plain';
        const flags = (random(8) > 0 ? FLAG.RD : 0) | (random(3) === 0 ? FLAG.CD : 0);
        const edns = { ttl: random(3) === 0 ? EDNS_DO : 0 };
        const query = buildQuery(`${name}.example. A`, { id, flags, edns });
        const client = [CLIENT.DEFAULT, CLIENT.LAB, CLIENT.STAFF][random(3)] ?? CLIENT.DEFAULT;
        const stepMs = random(4) === 0 ? random(20_000) : random(500);
        const answers = benches.map((bench) => {
          bench.nowMs += stepMs;
          const sent = bench.send(query, client);
          if (bench === benches[1]) late.answerAll();
          return sent.answers.map((answer) => Buffer.from(answer).toString('hex'));
        });
        // An expect() for each, with its bytes one by one, takes longer than the queries.
        const [now = [], later = []] = answers;
        if (now.length !== 1 || now[0] !== later[0] || later.length !== 1)
          wrong.push(`${name} after ${id} queries: ${now.join()}, and later ${later.join()}`);
      }
      expect(wrong).toEqual([]);
      expect(benches[0].events).toEqual(benches[1].events);
      expect(benches[0].counts.filter(isOfAnswers)).toEqual(benches[1].counts.filter(isOfAnswers));
    });
});

const isOfAnswers = (line: string): boolean => /^(?:answer|hit|miss|refusal|prefetched)/.test(line);

test('a reply that asks again does not change what the others get who wait for the same answer', () => {
  const late = new Late(false);
  const bench = open(late, 2000);
  const first = buildQuery('plain.example. A', { id: 1, edns: {} });
  const second = buildQuery('plain.example. A', { id: 2, edns: {} });
  const third = buildQuery('other.example. A', { id: 3, edns: {} });
  const answers: Uint8Array[] = [];
  let asked: readonly Uint8Array[] = [];
  const { pipeline } = bench;
  const address = createAddress();
  parseAddress(CLIENT.DEFAULT, address);
  const out = new Uint8Array(0xffff);
  expect(pipeline.decide(first, first.length, address, CLIENT_PORT, TRANSPORT.UDP, out, '')).toBe(PENDING);
  pipeline.resolve((message) => {
    answers.push(Uint8Array.from(message));
    pipeline.setResolver(atOnce(false));
    asked = bench.send(third).answers;
  });
  const { answers: others } = bench.send(second, CLIENT.LAB);
  late.answerAll();
  expect(answers).toHaveLength(1);
  expect(onlyAnswer(others).answer).toEqual(WORLD.get('plain.example. A'));
  expect(onlyAnswer(asked).answer).toEqual(WORLD.get('other.example. A'));
});
