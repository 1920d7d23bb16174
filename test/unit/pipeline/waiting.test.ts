// Queries that wait for the resolver: who shares a question, and by which rules the answer is judged.
import { describe, expect, test, vi } from 'vitest';
import { GAVE_WAY, PENDING, SOURCE, TRANSPORT } from '../../../src/resolver/pipeline/pipeline.ts';
import {
  EDE,
  EDNS_DO,
  FLAG,
  foldName,
  formatName,
  messageId,
  QUERY_LENGTH_MAX,
  RCODE,
} from '../../../src/wire/dns/dns.ts';
import { buildQuery, buildResponse } from '../../support/records.ts';
import { answerAsked, Bench, CLIENT, createRules, edeOf, onlyAnswer, rcodeOf } from './setup.ts';

// Clients or zones whose hashes fall together share (places.ts): with this seed none of these do.
vi.mock('node:crypto', async (load) => ({
  ...(await load<typeof import('node:crypto')>()),
  randomInt: () => 0x5eed,
}));

const QUESTION = 'a.example. A';
const RECORD = 'a.example. 60 IN A 203.0.113.1';
const WAITERS_PER_CLIENT_MAX = 256;

/** Many are answered over several turns of the loop: how many in one depends on how fast the machine is. */
const untilAnswered = async (bench: Bench): Promise<void> => {
  for (let turn = 0; turn < WAITERS_PER_CLIENT_MAX && bench.pipeline.waiting > 0; turn++)
    await new Promise((resolve) => setImmediate(resolve));
};

describe('coalescing', () => {
  test('clients that ask the same share one question, in the letters of the first', () => {
    const bench = new Bench();
    const first = bench.send(buildQuery('A.eXample. A', { id: 1 }));
    const second = bench.send(buildQuery('a.EXAMPLE. A', { id: 2 }), CLIENT.LAB, TRANSPORT.TCP);
    expect([first.decided, second.decided]).toEqual([PENDING, PENDING]);
    expect(bench.asked).toHaveLength(1);
    expect(formatName(bench.asked[0]?.question.name ?? new Uint8Array(0))).toBe('A.eXample.');
    expect(bench.pipeline.waiting).toBe(1);
    answerAsked(bench.asked[0], 'A.eXample. A', { answer: ['A.eXample. 60 IN A 203.0.113.1'] });
    expect(onlyAnswer(first.answers)).toMatchObject({
      id: 1,
      question: 'A.eXample. A',
      answer: ['A.eXample. 60 IN A 203.0.113.1'],
    });
    expect(onlyAnswer(second.answers)).toMatchObject({
      id: 2,
      question: 'a.EXAMPLE. A',
      answer: ['a.EXAMPLE. 60 IN A 203.0.113.1'],
    });
    expect(bench.pipeline.waiting).toBe(0);
    expect(bench.counts.filter((line) => line.startsWith('coalesced'))).toHaveLength(1);
    expect(bench.counts.filter((line) => line.startsWith('inflight'))).toEqual(['inflight 1', 'inflight 0']);
  });

  test.each([
    ['another name', buildQuery('b.example. A')],
    ['another type', buildQuery('a.example. AAAA')],
    ['DO', buildQuery(QUESTION, { edns: { ttl: EDNS_DO } })],
    ['CD', buildQuery(QUESTION, { flags: FLAG.RD | FLAG.CD })],
  ])('%s is a question of its own, and has a place of its own in the cache', (_name, other) => {
    const bench = new Bench();
    bench.send(buildQuery(QUESTION));
    bench.send(other);
    expect(bench.asked).toHaveLength(2);
    answerAsked(bench.asked[0], QUESTION, { answer: [RECORD] });
    expect(bench.send(other).decided).toBe(PENDING);
    expect(bench.send(buildQuery(QUESTION)).answers).toHaveLength(1);
  });

  test("a resolver that calls twice is not heard for somebody else's question", () => {
    const bench = new Bench();
    const first = bench.send(buildQuery(QUESTION)).answers;
    answerAsked(bench.asked[0], QUESTION, { answer: [RECORD] });
    expect(onlyAnswer(first).answer).toEqual([RECORD]);
    // What held the first question holds this one.
    const second = bench.send(buildQuery('b.example. A')).answers;
    answerAsked(bench.asked[0], QUESTION, { answer: [RECORD] });
    expect(second).toEqual([]);
    answerAsked(bench.asked[1], 'b.example. A', { answer: ['b.example. 60 IN A 203.0.113.2'] });
    expect(onlyAnswer(second).answer).toEqual(['b.example. 60 IN A 203.0.113.2']);
    expect(first).toHaveLength(1);
  });

  test("a resolver that changes the name which it was given changes nobody's letters", () => {
    const bench = new Bench();
    const waiting = ['A.eXample. A', 'a.EXAMPLE. A'].map((question) => ({
      question,
      answers: bench.send(Buffer.from(buildQuery(question))).answers,
    }));
    const name = bench.asked[0]?.question.name;
    foldName(name ?? new Uint8Array(0), 0, name?.length ?? 0);
    expect(formatName(name ?? new Uint8Array(0))).toBe('a.example.');
    answerAsked(bench.asked[0], QUESTION, { answer: [RECORD] });
    for (const { question, answers } of waiting) expect(onlyAnswer(answers).question).toBe(question);
  });

  test('the resolver is told what the client asked', () => {
    const bench = new Bench();
    bench.send(buildQuery('a.example. AAAA', { flags: FLAG.RD | FLAG.CD, edns: { ttl: EDNS_DO } }));
    expect(bench.asked[0]?.question).toMatchObject({
      type: 28,
      class: 1,
      dnssecOk: true,
      checkingDisabled: true,
    });
    bench.send(buildQuery('b.example. AAAA'));
    expect(bench.asked[1]?.question).toMatchObject({ dnssecOk: false, checkingDisabled: false });
  });

  test('a client waits for one question 256 times at most, others wait beside it, and all get the answer', async () => {
    const bench = new Bench();
    const ask = (id: number, client?: string) =>
      bench.send(buildQuery(QUESTION, { id, edns: {} }), client).answers;
    const waiting = Array.from({ length: WAITERS_PER_CLIENT_MAX }, (_, id) => ask(id));
    expect(waiting.flat()).toEqual([]);
    const message = onlyAnswer(ask(WAITERS_PER_CLIENT_MAX));
    expect([rcodeOf(message), edeOf(message)]).toEqual([RCODE.SERVFAIL, [EDE.OTHER]]);
    expect(bench.counts).toContain(`answer ${SOURCE.SHED} ${RCODE.SERVFAIL}`);
    const other = ask(0, CLIENT.LAB);
    expect(other).toEqual([]);
    answerAsked(bench.asked[0], QUESTION, { answer: [RECORD] });
    // At most 256 answers in a turn of the loop, fewer where they take long.
    expect(other).toEqual([]);
    expect(bench.pipeline.waiting).toBe(1);
    await untilAnswered(bench);
    expect(onlyAnswer(other).answer).toEqual([RECORD]);
    expect(waiting.every((answers) => onlyAnswer(answers).answer.length === 1)).toBe(true);
    expect([bench.asked.length, bench.pipeline.waiting]).toEqual([1, 0]);
  });

  test('a resolver is told that its answer is over, once, and never while some wait for a later turn', async () => {
    const bench = new Bench();
    const ask = (id: number, client?: string) => bench.send(buildQuery(QUESTION, { id }), client).answers;
    const waiting = Array.from({ length: WAITERS_PER_CLIENT_MAX }, (_, id) => ask(id));
    waiting.push(ask(0, CLIENT.LAB));
    const message = buildResponse({ question: QUESTION, answer: [RECORD] });
    let ended = 0;
    const end = (): void => {
      ended++;
      message.fill(0xff);
    };
    bench.asked[0]?.done({ kind: 'answer', message, end });
    expect(bench.pipeline.waiting).toBe(1);
    await untilAnswered(bench);
    expect(waiting.every((answers) => onlyAnswer(answers).answer.join() === RECORD)).toBe(true);
    // Answers that leave in several turns are read again; then the resolver's is garbage.
    expect(ended).toBe(0);
    const alone = bench.send(buildQuery('b.example. A')).answers;
    const other = buildResponse({ question: 'b.example. A', answer: ['b.example. 60 IN A 203.0.113.2'] });
    bench.asked[1]?.done({
      kind: 'answer',
      message: other,
      end: () => {
        ended++;
        other.fill(0xff);
      },
    });
    expect(ended).toBe(1);
    expect(onlyAnswer(alone).answer).toEqual(['b.example. 60 IN A 203.0.113.2']);
  });

  test('a datagram that a client repeats gets one answer, one that differs its own', () => {
    const bench = new Bench();
    const query = buildQuery(QUESTION, { id: 7 });
    const first = bench.send(query);
    const repeated = bench.send(query);
    const others = [
      bench.send(buildQuery(QUESTION, { id: 8 })),
      bench.send(query, CLIENT.LAB),
      bench.send(query, undefined, TRANSPORT.TCP),
    ];
    answerAsked(bench.asked[0], QUESTION, { answer: [RECORD] });
    expect(onlyAnswer(first.answers).answer).toEqual([RECORD]);
    // Nothing leaves for it.
    expect(repeated.answers.map(({ length }) => length)).toEqual([0]);
    for (const { answers } of others) expect(onlyAnswer(answers).answer).toEqual([RECORD]);
    expect(bench.counts.filter((line) => line === 'repeated')).toHaveLength(1);
  });

  test('a resolver that answers at once is as good', () => {
    const bench = new Bench(
      {},
      {
        resolve: (_question, done) => {
          done({ kind: 'answer', message: buildResponse({ question: QUESTION, answer: [RECORD] }) });
        },
      },
    );
    expect(onlyAnswer(bench.ask(QUESTION)).answer).toEqual([RECORD]);
    expect(bench.pipeline.waiting).toBe(0);
  });
});

describe('rules that change while a query waits', () => {
  const LISTING = { lists: [['a.example', '203.0.113.0/24']], generation: 2 };

  test.each([
    ['a list that names the question', { lists: [['a.example']], generation: 2 }, RCODE.NXDOMAIN],
    ['a list that names the answer', { lists: [['203.0.113.0/24']], generation: 2 }, RCODE.NXDOMAIN],
    ['no policy', { isReady: false }, RCODE.SERVFAIL],
  ])('%s is in force for the answer', (_name, rules, rcode) => {
    const bench = new Bench();
    const answers = bench.ask(QUESTION);
    bench.pipeline.setRules(createRules(rules));
    answerAsked(bench.asked[0], QUESTION, { answer: [RECORD] });
    const message = onlyAnswer(answers);
    expect(rcodeOf(message)).toBe(rcode);
    expect(message.answer).toEqual([]);
  });

  test('a list that goes away does not refuse the answer', () => {
    const bench = new Bench({ lists: [['203.0.113.0/24']] });
    const answers = bench.ask(QUESTION);
    bench.pipeline.setRules(createRules({ generation: 2 }));
    answerAsked(bench.asked[0], QUESTION, { answer: [RECORD] });
    expect(onlyAnswer(answers).answer).toEqual([RECORD]);
  });

  test('the client is identified again: its new group decides', () => {
    const bench = new Bench({ ...LISTING, masks: [1, 0, 1], lists: [['203.0.113.0/24']] });
    const answers = [bench.ask(QUESTION), bench.ask(QUESTION, {}, CLIENT.LAB)];
    bench.pipeline.setRules(createRules({ lists: [['203.0.113.0/24']], masks: [0, 1, 1], generation: 2 }));
    answerAsked(bench.asked[0], QUESTION, { answer: [RECORD] });
    expect(answers.map((list) => onlyAnswer(list).answer)).toEqual([[RECORD], []]);
  });

  test('a new generation judges what the old one cached', () => {
    const bench = new Bench();
    bench.ask(QUESTION);
    answerAsked(bench.asked[0], QUESTION, { answer: [RECORD] });
    expect(onlyAnswer(bench.ask(QUESTION)).answer).toEqual([RECORD]);
    bench.pipeline.setRules(createRules({ lists: [['203.0.113.0/24']], generation: 2 }));
    expect(bench.pipeline.generation).toBe(2);
    expect(rcodeOf(onlyAnswer(bench.ask(QUESTION)))).toBe(RCODE.NXDOMAIN);
    bench.pipeline.setRules(createRules({ generation: 3 }));
    expect(onlyAnswer(bench.ask(QUESTION)).answer).toEqual([RECORD]);
    expect(bench.asked).toHaveLength(1);
  });

  test('further questions go to another resolver once there is one', () => {
    const bench = new Bench();
    bench.ask(QUESTION);
    const names: string[] = [];
    bench.pipeline.setResolver({ resolve: (question) => void names.push(formatName(question.name)) });
    bench.ask('b.example. A');
    expect(names).toEqual(['b.example.']);
    expect(bench.asked).toHaveLength(1);
  });
});

describe('failures', () => {
  test.each([
    ['timeout', EDE.NO_REACHABLE_AUTHORITY, SOURCE.UPSTREAM],
    ['network', EDE.NETWORK_ERROR, SOURCE.UPSTREAM],
    ['servfail', EDE.NO_REACHABLE_AUTHORITY, SOURCE.UPSTREAM],
    ['refused', EDE.NO_REACHABLE_AUTHORITY, SOURCE.UPSTREAM],
    ['overload', EDE.OTHER, SOURCE.SHED],
  ] as const)('%s is SERVFAIL for all who wait, and for who asks within a second', (reason, ede, source) => {
    const bench = new Bench();
    const lists = [bench.ask(QUESTION, { id: 1 }), bench.ask(QUESTION, { id: 2 })];
    bench.asked[0]?.done({ kind: 'failure', reason });
    for (const [index, list] of lists.entries()) {
      const message = onlyAnswer(list);
      expect(message.id).toBe(index + 1);
      expect(rcodeOf(message)).toBe(RCODE.SERVFAIL);
      expect(edeOf(message)).toEqual([ede]);
    }
    expect(bench.counts).toContain(`answer ${source} ${RCODE.SERVFAIL}`);
    // Our own overload says nothing of the question.
    const isRemembered = source !== SOURCE.SHED;
    bench.nowMs += 999;
    const again = bench.ask(QUESTION, { id: 3 });
    expect(bench.asked).toHaveLength(isRemembered ? 1 : 2);
    if (isRemembered) {
      expect(rcodeOf(onlyAnswer(again))).toBe(RCODE.SERVFAIL);
      expect(edeOf(onlyAnswer(again))).toEqual([EDE.CACHED_ERROR]);
      expect(bench.counts).toContain(`answer ${SOURCE.CACHE} ${RCODE.SERVFAIL}`);
    }
    bench.nowMs += 1;
    bench.ask(QUESTION);
    expect(bench.asked).toHaveLength(2);
  });

  test('a failure is forgotten with the upstreams that it was of', () => {
    const bench = new Bench();
    bench.ask(QUESTION);
    bench.asked[0]?.done({ kind: 'failure', reason: 'timeout' });
    const asked: unknown[] = [];
    bench.pipeline.setResolver({ resolve: (question) => void asked.push(question) });
    bench.ask(QUESTION);
    expect(asked).toHaveLength(1);
  });

  test('an answer that cannot be read is SERVFAIL with EDE 24', () => {
    const bench = new Bench();
    const answers = bench.ask(QUESTION);
    const message = buildResponse({ question: QUESTION, answer: [RECORD] });
    bench.asked[0]?.done({ kind: 'answer', message: message.slice(0, -1) });
    expect(edeOf(onlyAnswer(answers))).toEqual([EDE.INVALID_DATA]);
  });
});

test('a cached answer ages by the clock and is asked for again at its end', () => {
  const bench = new Bench();
  bench.ask(QUESTION);
  answerAsked(bench.asked[0], QUESTION, { answer: [RECORD] });
  for (const [ageMs, ttl] of [
    [0, 60],
    [999, 60],
    [1000, 59],
    [59_999, 1],
  ] as const) {
    bench.nowMs = 1_000_000 + ageMs;
    expect(onlyAnswer(bench.ask(QUESTION)).answer).toEqual([`a.example. ${ttl} IN A 203.0.113.1`]);
  }
  bench.nowMs = 1_060_000;
  expect(bench.ask(QUESTION)).toEqual([]);
  expect(bench.asked).toHaveLength(2);
});

test('what a client waited is counted, never as less than nothing', () => {
  const bench = new Bench();
  bench.ask(QUESTION);
  bench.nowMs += 25;
  answerAsked(bench.asked[0], QUESTION, { answer: [RECORD] });
  bench.ask('b.example. A');
  bench.nowMs -= 1000;
  answerAsked(bench.asked[1], 'b.example. A', {});
  expect(bench.counts.filter((line) => line.startsWith('duration'))).toEqual(['duration 25', 'duration 0']);
});

test('each waiter gets its own id although all share one buffer', async () => {
  const bench = new Bench();
  const lists = Array.from({ length: 50 }, (_, id) => bench.ask(QUESTION, { id }));
  answerAsked(bench.asked[0], QUESTION, { answer: [RECORD] });
  await untilAnswered(bench);
  expect(lists.map(([bytes]) => messageId(bytes ?? new Uint8Array(2)))).toEqual(lists.map((_, id) => id));
});

test('a waiter keeps a copy of its query: the memory of the socket may serve the next one', () => {
  const bench = new Bench();
  const datagram = Buffer.from(buildQuery(QUESTION, { id: 0x1234 }));
  const { answers } = bench.send(datagram);
  datagram.fill(0);
  answerAsked(bench.asked[0], QUESTION, { answer: [RECORD] });
  expect(onlyAnswer(answers)).toMatchObject({ id: 0x1234, question: QUESTION, answer: [RECORD] });
});

describe('bytes of queries that wait', () => {
  const MIB = 1024 * 1024;
  /** A query with so many bytes in all. */
  const lengthen = (query: Uint8Array, bytes: number): Uint8Array => {
    const long = new Uint8Array(bytes);
    long.set(query);
    return long;
  };

  test('long queries of one client leave room for the questions of others', () => {
    const bench = new Bench();
    for (let i = 0; i < 9000; i++)
      bench.send(lengthen(buildQuery(`n${i}.example.com. A`, { edns: {} }), QUERY_LENGTH_MAX));
    const asked = bench.asked.length;
    expect(asked * QUERY_LENGTH_MAX).toBeGreaterThan(32 * MIB);
    expect(bench.send(buildQuery(QUESTION), CLIENT.LAB)).toMatchObject({ decided: PENDING, answers: [] });
    expect(bench.asked).toHaveLength(asked + 1);
  });

  test('a query longer than any that a client needs waits for nothing', () => {
    const bench = new Bench();
    const { answers } = bench.send(lengthen(buildQuery(QUESTION, { edns: {} }), QUERY_LENGTH_MAX + 1));
    expect(edeOf(onlyAnswer(answers))).toEqual([EDE.OTHER]);
    expect(bench.asked).toEqual([]);
  });

  test('those who share questions take a bounded number of bytes; who asks anew has room', () => {
    const bench = new Bench();
    const sent = Array.from({ length: 9000 }, (_, i) =>
      bench.send(
        lengthen(buildQuery(`n${i % 36}.example.com. A`, { id: i, edns: {} }), QUERY_LENGTH_MAX),
        CLIENT.LAB,
        TRANSPORT.TCP,
      ),
    );
    const shed = sent.filter(({ answers }) => answers.length > 0);
    expect((9000 - shed.length) * QUERY_LENGTH_MAX).toBeLessThan(33 * MIB);
    expect(shed.length).toBeGreaterThan(0);
    for (const { answers } of shed) expect(edeOf(onlyAnswer(answers))).toEqual([EDE.OTHER]);
    expect(bench.send(buildQuery(QUESTION)).answers).toEqual([]);
    answerAsked(bench.asked[0], 'n0.example.com. A', { answer: ['n0.example.com. 60 IN A 192.0.2.1'] });
    expect(bench.send(buildQuery('n1.example.com. A'), CLIENT.LAB).answers).toEqual([]);
  });
});

test('an answer from a resolver that was replaced reaches who waits and is not kept', () => {
  const bench = new Bench();
  const first = bench.send(buildQuery(QUESTION)).answers;
  bench.pipeline.setResolver({ resolve: (question, done) => void bench.asked.push({ question, done }) });
  answerAsked(bench.asked[0], QUESTION, { answer: [RECORD] });
  expect(first).toHaveLength(1);
  expect(bench.send(buildQuery(QUESTION)).decided).toBe(PENDING);
});

describe('who gives way', () => {
  /** Answered by most names before. */
  const YOUNG_MS = 199;
  const LIMIT = { inflightMax: 8, share: 0.5, zoneShare: 0.75 };
  const open = () => new Bench({ ...createRules(), fairness: LIMIT });
  const ask = (bench: Bench, name: string, client: string = CLIENT.DEFAULT) =>
    bench.ask(`${name}. A`, {}, client);
  const floodOf = (
    bench: Bench,
    count: number,
    zone: (index: number) => string,
    client: (index: number) => string,
  ) => Array.from({ length: count }, (_, index) => ask(bench, `n${index}.${zone(index)}`, client(index)));
  const answered = (bench: Bench, index: number, name: string) =>
    answerAsked(bench.asked[index], `${name}. A`, { answer: [`${name}. 60 IN A 203.0.113.1`] });

  test('beyond its share, a client gives up its own oldest question, and others find room', () => {
    const bench = open();
    const flood = floodOf(
      bench,
      4,
      (index) => `z${index}.example`,
      () => CLIENT.DEFAULT,
    );
    bench.nowMs += YOUNG_MS + 1;
    expect(ask(bench, 'fresh.z9.example')).toEqual([]);
    expect(flood.map((answers) => answers.length)).toEqual([1, 0, 0, 0]);
    const [given = []] = flood;
    expect([rcodeOf(onlyAnswer(given)), edeOf(onlyAnswer(given))]).toEqual([RCODE.SERVFAIL, [EDE.OTHER]]);
    expect(ask(bench, 'other.z8.example', CLIENT.LAB)).toEqual([]);
    expect(bench.counts.filter((line) => line.startsWith('gave-way'))).toEqual([
      `gave-way ${GAVE_WAY.CLIENT}`,
    ]);
  });

  test('what has not waited for 200 ms does not give way: its client is refused', () => {
    const bench = open();
    floodOf(
      bench,
      4,
      (index) => `z${index}.example`,
      () => CLIENT.DEFAULT,
    );
    bench.nowMs += YOUNG_MS;
    expect(rcodeOf(onlyAnswer(ask(bench, 'fresh.z9.example')))).toBe(RCODE.SERVFAIL);
    expect(bench.counts).toContain('shed');
  });

  test('below one zone many clients together have the share of a zone, whatever labels they make up', () => {
    const bench = open();
    const flood = floodOf(
      bench,
      6,
      (index) => `x${index}.flood.example`,
      (index) => `192.0.2.${10 + index}`,
    );
    bench.nowMs += YOUNG_MS + 1;
    expect(ask(bench, 'a.b.c.flood.example', '192.0.2.77')).toEqual([]);
    expect(flood.map((answers) => answers.length)).toEqual([1, 0, 0, 0, 0, 0]);
    expect(ask(bench, 'www.good.example', CLIENT.LAB)).toEqual([]);
    expect(bench.counts).toContain(`gave-way ${GAVE_WAY.ZONE}`);
  });

  test('in a full room the greediest gives way, not the oldest', () => {
    const bench = open();
    const patient = ask(bench, 'slow.patient.example', CLIENT.LAB);
    bench.nowMs += 1;
    const clients = [
      '192.0.2.20',
      '192.0.2.20',
      '192.0.2.20',
      '192.0.2.21',
      '192.0.2.22',
      '192.0.2.23',
      '192.0.2.24',
    ];
    const flood = floodOf(
      bench,
      7,
      (index) => `z${index}.example`,
      (index) => clients[index] ?? '',
    );
    bench.nowMs += YOUNG_MS + 1;
    expect(ask(bench, 'fresh.z9.example', '192.0.2.99')).toEqual([]);
    expect(flood.map((answers) => answers.length)).toEqual([1, 0, 0, 0, 0, 0, 0]);
    answered(bench, 0, 'slow.patient.example');
    expect(patient).toHaveLength(1);
  });

  test('when nobody is greedy, the oldest of the later half gives way; the first half runs to its end', () => {
    const bench = open();
    const all = floodOf(
      bench,
      8,
      (index) => `z${index}.example`,
      (index) => `192.0.2.${10 + index}`,
    );
    bench.nowMs += YOUNG_MS + 1;
    expect(ask(bench, 'fresh.z9.example', '192.0.2.99')).toEqual([]);
    expect(all.map((answers) => answers.length)).toEqual([0, 0, 0, 0, 1, 0, 0, 0]);
    expect(bench.counts).toContain(`gave-way ${GAVE_WAY.AGE}`);
  });

  test('a question for which others wait as well becomes theirs', () => {
    const bench = open();
    const shared = ask(bench, 'popular.z0.example');
    const others = ask(bench, 'popular.z0.example', CLIENT.LAB);
    const flood = floodOf(
      bench,
      3,
      (index) => `z${index}.example`,
      () => CLIENT.DEFAULT,
    );
    bench.nowMs += YOUNG_MS + 1;
    ask(bench, 'a.z4.example');
    ask(bench, 'b.z5.example');
    expect([shared.length, others.length]).toEqual([0, 0]);
    expect(flood.map((answers) => answers.length)).toEqual([1, 0, 0]);
  });

  test('whoever resolves is told that nobody waits any more, and a late answer still serves the cache', () => {
    const bench = open();
    const [first = []] = floodOf(
      bench,
      4,
      (index) => `z${index}.example`,
      () => CLIENT.DEFAULT,
    );
    const cancelled: number[] = [];
    for (const [index, { question }] of bench.asked.entries())
      if (question.interest !== undefined) question.interest.cancel = () => void cancelled.push(index);
    bench.nowMs += YOUNG_MS + 1;
    ask(bench, 'fresh.z9.example');
    expect([cancelled, first.length]).toEqual([[0], 1]);
    answered(bench, 0, 'n0.z0.example');
    expect(onlyAnswer(ask(bench, 'n0.z0.example', CLIENT.LAB)).answer).toHaveLength(1);
    expect(first).toHaveLength(1);
  });

  test('a room that is made smaller or larger keeps its questions', () => {
    const bench = open();
    const flood = floodOf(
      bench,
      8,
      (index) => `z${index}.example`,
      (index) => `192.0.2.${10 + index}`,
    );
    bench.pipeline.setRules({ ...createRules(), fairness: { ...LIMIT, inflightMax: 4 } });
    expect(rcodeOf(onlyAnswer(ask(bench, 'fresh.z9.example')))).toBe(RCODE.SERVFAIL);
    bench.pipeline.setRules({ ...createRules(), fairness: { ...LIMIT, inflightMax: 16 } });
    expect(ask(bench, 'fresh.z9.example')).toEqual([]);
    for (const index of flood.keys()) answered(bench, index, `n${index}.z${index}.example`);
    expect(flood.every((answers) => onlyAnswer(answers).answer.length === 1)).toBe(true);
    expect(bench.pipeline.waiting).toBe(1);
  });
});
