// The pipeline against a model that decides one query at a time out of plain texts.
//
// Queries of all kinds come in while lists change, answers arrive late and the clock moves. The model knows the
// upstream's world as a table and tells for each answer its RCODE and its records; beside that, every answer has to
// be sound, to quote its query and to fit the client.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TRANSPORT } from '../../src/resolver/pipeline/pipeline.ts';
import { CLASS, EDNS_DO, FLAG, parseType, RCODE } from '../../src/wire/dns/dns.ts';
import { runsInTwo } from '../support/night.ts';
import { buildQuery, buildResponse, type MessageText, parseMessage } from '../support/records.ts';
import { type Asked, Bench, CLIENT, createRules, type RuleText, rcodeOf } from '../unit/pipeline/setup.ts';

const RUNS = 250;
const TTL_SEC = 60;
const RCODE_MASK = 0xf;

/** What the upstream says of a name and type, and where that leads. */
interface Fact {
  readonly records: readonly string[];
  readonly leadsTo: readonly string[];
}

const fact = (name: string, type: string, rdata: readonly string[], ...leadsTo: string[]): [string, Fact] => [
  `${name} ${type}`,
  { records: rdata.map((text) => `${name} ${TTL_SEC} IN ${type} ${text}`), leadsTo },
];

const WORLD = new Map<string, Fact>([
  fact('plain.example.', 'A', ['198.51.100.1'], '198.51.100.1'),
  fact('plain.example.', 'AAAA', ['2001:db8::1'], '2001:db8::1'),
  fact('plain.example.', 'HTTPS', ['1 edge.tiktok.example.'], 'edge.tiktok.example.'),
  fact('hosted.example.', 'A', ['203.0.113.9'], '203.0.113.9'),
  fact('hosted.example.', 'AAAA', ['::ffff:203.0.113.9'], '203.0.113.9'),
  fact('alias.example.', 'CNAME', ['www.tiktok.example.'], 'www.tiktok.example.'),
  fact('www.tiktok.example.', 'A', ['198.51.100.2'], '198.51.100.2'),
  fact('tiktok.example.', 'A', ['198.51.100.2'], '198.51.100.2'),
  fact(
    'large.example.',
    'TXT',
    [0, 1, 2, 3].map((index) => `"${index}${'x'.repeat(249)}"`),
  ),
]);
const NAMES = [...new Set([...WORLD.keys()].map((key) => key.split(' ')[0] ?? '')), 'localhost.', '.'];
/** Types that decide() treats alike but for the data; ANY, AXFR and OPT have answers of their own. */
const TYPES = ['A', 'AAAA', 'HTTPS', 'TXT', 'CNAME', 'ANY', 'AXFR', 'OPT', 'TYPE65280'] as const;

const RULES: readonly RuleText[] = [
  { isReady: false },
  { generation: 1 },
  { generation: 2, lists: [['tiktok.example.']], masks: [1, 0, 1] },
  {
    generation: 3,
    lists: [['203.0.113.0/24'], ['plain.example.', 'tiktok.example.', 'localhost.']],
    masks: [3, 1, 2],
  },
  { generation: 4, lists: [['large.example.'], ['198.51.100.2/32', 'alias.example.']], masks: [0, 3, 2] },
];

interface Ask {
  readonly kind: 'ask';
  readonly name: string;
  readonly type: (typeof TYPES)[number];
  readonly class: 'IN' | 'CH';
  readonly flags: number;
  readonly edns: MessageText['edns'] | undefined;
  readonly client: keyof typeof CLIENT;
  readonly transport: number;
}

type Step =
  | Ask
  /** Sends one of the queries before again, so that the cache is met at all ages. */
  | { readonly kind: 'again'; readonly index: number }
  | { readonly kind: 'rules'; readonly index: number }
  | { readonly kind: 'answer'; readonly index: number }
  | { readonly kind: 'fail'; readonly index: number }
  | { readonly kind: 'wait'; readonly ms: number };

const letters = fc.constantFrom<(text: string) => string>(
  (text) => text,
  (text) => text.toUpperCase(),
  (text) => text.replaceAll(/[aeiou]/g, (letter) => letter.toUpperCase()),
);
const edns = fc.record({
  udpLength: fc.oneof(fc.constantFrom(0, 512, 1232), fc.nat(0xffff)),
  ttl: fc.constantFrom(0, 0, EDNS_DO, 0x0001_0000, 0x7fff),
  // None, one that nobody knows, a client's cookie.
  options: fc.constantFrom(
    new Uint8Array(0),
    Uint8Array.of(0xfd, 0xe9, 0, 2, 1, 2),
    Uint8Array.of(0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8),
  ),
});
const ask: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant('ask' as const),
  name: fc.tuple(fc.constantFrom(...NAMES), letters).map(([name, change]) => change(name)),
  type: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom('A' as const, 'AAAA' as const) },
    fc.constantFrom(...TYPES),
  ),
  class: fc.oneof({ weight: 9, arbitrary: fc.constant('IN' as const) }, fc.constant('CH' as const)),
  flags: fc
    .tuple(
      fc.constantFrom(FLAG.RD, FLAG.RD, FLAG.RD, 0),
      fc.constantFrom(0, FLAG.CD),
      fc.constantFrom(0, FLAG.AD | FLAG.Z),
    )
    .map(([a, b, c]) => a | b | c),
  edns: fc.option(edns, { nil: undefined }),
  client: fc.constantFrom('DEFAULT', 'DEFAULT', 'LAB', 'STAFF', 'OUTSIDE'),
  transport: fc.constantFrom(TRANSPORT.UDP, TRANSPORT.TCP),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: ask },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('again' as const), index: fc.nat(99) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('answer' as const), index: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('fail' as const), index: fc.nat(9) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('rules' as const), index: fc.nat(RULES.length - 1) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.integer({ min: -20_000, max: 40_000 }),
    }),
  },
);

/** RCODE and records that a client must see; `undefined` records: not looked at. */
interface Expected {
  readonly rcode: number;
  readonly records: readonly string[];
}

const GROUP: Record<keyof typeof CLIENT, number> = { DEFAULT: 0, LAB: 1, STAFF: 2, OUTSIDE: 0 };

/** True when a list that the client's group chose holds one of the names or addresses, all of them plain texts. */
const isListed = (rules: RuleText, client: keyof typeof CLIENT, places: readonly string[]): boolean => {
  const mask = rules.masks?.[GROUP[client]] ?? [0xffff_ffff, 0, 1][GROUP[client]] ?? 0;
  const chosen = (rules.lists ?? []).filter((_, list) => ((mask >>> list) & 1) === 1).flat();
  return chosen.some((rule) =>
    places.some((place) => {
      const [network = '', bits] = rule.split('/');
      if (bits === undefined) return place === rule || place.endsWith(`.${rule}`);
      return bits === '32' ? place === network : place.startsWith(network.replace(/0$/, ''));
    }),
  );
};

/** What is decided before data is needed; undefined: it is. */
const decideEarly = (query: Ask, rules: RuleText): Expected | undefined => {
  const name = query.name.toLowerCase();
  const empty = (rcode: number): Expected => ({ rcode, records: [] });
  if (query.client === 'OUTSIDE') return empty(RCODE.REFUSED);
  if (query.edns?.ttl === 0x0001_0000) return empty(RCODE.BADVERS);
  if (query.class !== 'IN') return empty(RCODE.REFUSED);
  if (rules.isReady === false) return empty(RCODE.SERVFAIL);
  if (name === 'localhost.') {
    const loopback: Record<string, string> = { A: '127.0.0.1', AAAA: '::1' };
    const rdata = loopback[query.type];
    return {
      rcode: RCODE.NOERROR,
      records: rdata === undefined ? [] : [`${query.name} 10800 IN ${query.type} ${rdata}`],
    };
  }
  if (isListed(rules, query.client, [name])) return empty(RCODE.NXDOMAIN);
  if (query.type === 'AXFR') return empty(RCODE.REFUSED);
  if (query.type === 'OPT') return empty(RCODE.FORMERR);
  if (query.type === 'ANY')
    return { rcode: RCODE.NOERROR, records: [`${query.name} 3600 IN HINFO "RFC8482" ""`] };
  return (query.flags & FLAG.RD) === 0 ? empty(RCODE.REFUSED) : undefined;
};

const decideData = (query: Ask, rules: RuleText, ageSec: number): Expected => {
  const found = WORLD.get(`${query.name.toLowerCase()} ${query.type}`);
  if (found === undefined) return { rcode: RCODE.NOERROR, records: [] };
  if (isListed(rules, query.client, found.leadsTo)) return { rcode: RCODE.NXDOMAIN, records: [] };
  const records = found.records.map((record) =>
    record.replace(/^\S+ \d+/, `${query.name} ${TTL_SEC - ageSec}`),
  );
  return { rcode: RCODE.NOERROR, records };
};

const keyOf = (query: Ask): string =>
  [query.name.toLowerCase(), query.type, query.edns?.ttl === EDNS_DO, query.flags & FLAG.CD].join(' ');

const limitOf = (query: Ask): number =>
  query.transport === TRANSPORT.TCP ? 0xffff : Math.min(1232, Math.max(512, query.edns?.udpLength ?? 512));

const checkAnswer = (
  query: Ask,
  sent: Uint8Array,
  bytes: Uint8Array | undefined,
  expected: Expected,
): void => {
  const message = parseMessage(bytes ?? new Uint8Array(12));
  expect(bytes?.length).toBeLessThanOrEqual(limitOf(query));
  expect(message.isSound).toBe(true);
  const questionLength =
    sent.length - (query.edns === undefined ? 0 : 11 + (query.edns.options?.length ?? 0));
  expect(
    Buffer.from(bytes ?? [])
      .subarray(12, questionLength)
      .equals(sent.subarray(12, questionLength)),
  ).toBe(true);
  expect(bytes?.subarray(0, 2)).toEqual(sent.subarray(0, 2));
  const isTruncated = (message.flags & FLAG.TC) !== 0;
  const kept = query.flags & (FLAG.RD | FLAG.CD);
  expect(message.flags & ~(RCODE_MASK | FLAG.TC)).toBe(FLAG.QR | FLAG.RA | kept);
  expect(message.opt !== undefined).toBe(query.edns !== undefined);
  if (message.opt !== undefined) {
    expect(message.opt.udpLength).toBe(1232);
    expect(message.opt.ttl & 0xffff).toBe((query.edns?.ttl ?? 0) & EDNS_DO);
  }
  // Without an OPT record there is no room for the upper bits of an RCODE, and nothing that needs them is asked.
  expect(rcodeOf(message)).toBe(expected.rcode);
  if (isTruncated) {
    expect(message).toMatchObject({ answer: [], authority: [], additional: [] });
    const whole = expected.records.join('').length;
    expect(whole, 'truncated without need').toBeGreaterThan(limitOf(query) / 2);
  } else {
    expect(message.answer).toEqual(expected.records);
  }
};

interface Waiting {
  readonly query: Ask;
  readonly sent: Uint8Array;
  readonly answers: readonly Uint8Array[];
}

class Model {
  readonly bench = new Bench(RULES[1] ?? {});
  #rules: RuleText = RULES[1] ?? {};
  /** Questions that wait for the upstream, by key. */
  readonly #waiting = new Map<string, Waiting[]>();
  /** When cached answers arrived. */
  readonly #cached = new Map<string, number>();
  /** When questions failed last. */
  readonly #failed = new Map<string, number>();
  readonly #asked: Ask[] = [];
  #id = 0;

  run(steps: readonly Step[]): void {
    for (const next of steps) this.#take(next);
    while (this.bench.asked.length > 0) this.#answer(0, true);
    expect(this.bench.pipeline.waiting).toBe(0);
  }

  #take(next: Step): void {
    if (next.kind === 'ask') {
      this.#asked.push(next);
      this.#ask(next);
    } else if (next.kind === 'again') {
      const before = this.#asked[next.index % Math.max(1, this.#asked.length)];
      if (before !== undefined) this.#ask(before);
    } else if (next.kind === 'wait') this.bench.nowMs += next.ms;
    else if (next.kind === 'rules') {
      this.#rules = RULES[next.index] ?? {};
      this.bench.pipeline.setRules(createRules(this.#rules));
      this.#failed.clear();
    } else if (this.bench.asked.length > 0)
      this.#answer(next.index % this.bench.asked.length, next.kind === 'answer');
  }

  #ask(query: Ask): void {
    this.#id = (this.#id * 31 + 7) & 0xffff;
    const text = {
      id: this.#id,
      flags: query.flags,
      ...(query.edns === undefined ? {} : { edns: query.edns }),
    };
    const sent = buildQuery(`${query.name} ${query.class} ${query.type}`, text);
    const asked = this.bench.asked.length;
    const { answers } = this.bench.send(sent, CLIENT[query.client], query.transport);
    const early = decideEarly(query, this.#rules);
    const key = keyOf(query);
    const cachedAt = this.#cached.get(key);
    if (early !== undefined) {
      checkAnswer(query, sent, answers[0], early);
    } else if (cachedAt !== undefined && this.#isFresh(cachedAt)) {
      const ageSec = Math.floor((this.bench.nowMs - cachedAt) / 1000);
      checkAnswer(query, sent, answers[0], decideData(query, this.#rules, ageSec));
    } else if (this.#failedJustNow(key)) {
      this.#cached.delete(key);
      checkAnswer(query, sent, answers[0], { rcode: RCODE.SERVFAIL, records: [] });
    } else {
      this.#cached.delete(key);
      expect(answers).toEqual([]);
      const waiters = this.#waiting.get(key);
      expect(this.bench.asked.length - asked, 'questions sent upstream').toBe(waiters === undefined ? 1 : 0);
      this.#waiting.set(key, [...(waiters ?? []), { query, sent, answers }]);
      return;
    }
    expect(answers).toHaveLength(1);
    expect(this.bench.asked, 'nothing goes upstream').toHaveLength(asked);
  }

  /** RFC 9520: a failure is remembered for a second. */
  #failedJustNow(key: string): boolean {
    const ageMs = this.bench.nowMs - (this.#failed.get(key) ?? Number.NEGATIVE_INFINITY);
    if (ageMs >= 0 && ageMs < 1000) return true;
    // A clock that stepped back ends it for good.
    this.#failed.delete(key);
    return false;
  }

  #isFresh(cachedAt: number): boolean {
    const ageMs = this.bench.nowMs - cachedAt;
    return ageMs >= 0 && ageMs < TTL_SEC * 1000;
  }

  #answer(index: number, succeeds: boolean): void {
    const [asked] = this.bench.asked.splice(index, 1);
    if (asked === undefined) return;
    const [key, waiters] = this.#takeWaiting(asked);
    const first = waiters[0]?.query;
    const found = first && WORLD.get(`${first.name.toLowerCase()} ${first.type}`);
    if (succeeds) {
      const records = (found?.records ?? []).map((record) => record.replace(/^\S+/, first?.name ?? ''));
      asked.done({
        kind: 'answer',
        message: buildResponse({ question: `${first?.name} ${first?.type}`, answer: records }),
      });
      if (records.length > 0) this.#cached.set(key, this.bench.nowMs);
    } else {
      asked.done({ kind: 'failure', reason: 'timeout' });
      this.#failed.set(key, this.bench.nowMs);
    }
    for (const { query, sent, answers } of waiters) {
      expect(answers).toHaveLength(1);
      const failed: Expected = { rcode: RCODE.SERVFAIL, records: [] };
      const late = succeeds ? decideData(query, this.#rules, 0) : failed;
      checkAnswer(query, sent, answers[0], decideEarly(query, this.#rules) ?? late);
    }
  }

  #takeWaiting(asked: Asked): [string, Waiting[]] {
    const { question } = asked;
    for (const [key, waiters] of this.#waiting) {
      const [first] = waiters;
      if (first === undefined) continue;
      const { query } = first;
      const isIt =
        Buffer.from(question.name).equals(first.sent.subarray(12, 12 + question.name.length)) &&
        question.class === CLASS.IN &&
        question.dnssecOk === (query.edns?.ttl === EDNS_DO) &&
        question.checkingDisabled === ((query.flags & FLAG.CD) !== 0) &&
        question.type === parseType(query.type);
      if (!isIt) continue;
      this.#waiting.delete(key);
      return [key, waiters];
    }
    throw new Error('the upstream was asked what nobody waits for');
  }
}

for (const [options, runs] of runsInTwo(RUNS, 8))
  test(
    `every query is answered as the model says, whatever changes while it waits: ${runs} runs`,
    options,
    () => {
      fc.assert(
        fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) => {
          new Model().run(steps);
        }),
        { numRuns: runs },
      );
    },
  );
