// What single steps of a query cost, in nanoseconds: parsing, policy, a cache hit, a refusal, taking in an answer.
//
// The steps run in the harness itself, over the names and with the table of a million names that the other suites
// use, each in turn through all its inputs so that no branch is learned by heart. Counters are the real ones.

import { createAddress, parseAddress, parsePrefix } from '../src/base/base.ts';
import { MATCH, Policy, TableBuilder, Verdict } from '../src/policy/policy.ts';
import { AnswerCache, createAnswer } from '../src/resolver/cache/cache.ts';
import { LocalZones } from '../src/resolver/local/local.ts';
import { PENDING, Pipeline, type Resolver, TRANSPORT } from '../src/resolver/pipeline/pipeline.ts';
import { CounterTotals, WorkerCounters } from '../src/telemetry/observe/observe.ts';
import {
  createEde,
  EDE,
  MESSAGE_LENGTH_MAX,
  nameFrom,
  QUERY_FAULT,
  Query,
  TYPE,
} from '../src/wire/dns/dns.ts';
import { clientsOf } from '../test/support/clients.ts';
import { buildQuery, buildResponse } from '../test/support/records.ts';
import { median, percentile } from './load.ts';
import type { ListedNames } from './names.ts';
import type { Suite, SuiteResult } from './suite.ts';

/** Different inputs of a step; a power of two. */
const INPUTS = 8192;
/** How long a step is repeated for one sample, milliseconds; the first sample only warms up. */
const SAMPLE_MS = 200;
const SAMPLES = 7;
/** Repetitions between two looks at the clock. */
const CHUNK = 4096;
const NOW_MS = 1_800_000_000_000;
const TTL_LIMITS = { minSec: 0, maxSec: 86_400, negativeMaxSec: 3600 };
const CLIENT_PORT = 40_000;
const CACHE_BYTES = 64 * 1024 * 1024;

/** Does one step for the input of the given number; returns something that depends on the result. */
type Step = (input: number) => number;

/** Every step of a query that is measured by itself. */
export const micro: Suite = {
  name: 'micro',
  title: 'Steps of a query',
  run: (context): Promise<SuiteResult> => {
    const listed = context.million();
    const hosts = Array.from(
      { length: INPUTS },
      (_, i) => context.hosts[i % context.hosts.length]?.name ?? '',
    );
    const rows = createSteps(hosts, listed).map(([name, step]) => {
      const samples = sample(step);
      context.print(`  ${name.padEnd(44)} ${median(samples).toFixed(0).padStart(6)} ns`);
      return { name, samples };
    });
    return Promise.resolve({
      conditions: [`${INPUTS} names in turn, ${listed.names.length} names listed, one thread, not pinned`],
      tables: [
        {
          head: ['step', 'ns', 'fastest', 'slowest'],
          rows: rows.map(({ name, samples }) => [
            name,
            ...[0.5, 0, 1].map((share) => percentile(samples, share).toFixed(0)),
          ]),
        },
      ],
      verdicts: [],
      faults: [],
      remarks: [],
      raw: { rows },
    });
  },
};

/** Nanoseconds of one step, several times. */
export const sample = (step: Step): number[] => {
  const samples: number[] = [];
  let sum = 0;
  for (let i = 0; i <= SAMPLES; i++) {
    const startMs = performance.now();
    let count = 0;
    let passedMs = 0;
    while (passedMs < SAMPLE_MS) {
      for (let end = count + CHUNK; count < end; count++) sum = (sum + step(count & (INPUTS - 1))) | 0;
      passedMs = performance.now() - startMs;
    }
    if (i > 0) samples.push((passedMs * 1e6) / count);
  }
  // Without a use of the results, the compiler might leave the work out.
  if (sum === Number.MIN_SAFE_INTEGER) throw new RangeError('unreachable: the sum has 32 bits');
  return samples;
};

const createSteps = (hosts: readonly string[], listed: ListedNames): [string, Step][] => {
  const policy = createPolicy(listed);
  const hostNames = hosts.map((name) => nameFrom(name));
  const listedNames = hosts.map((_, i) => nameFrom(listed.names[(i * 127) % listed.names.length] ?? ''));
  const queries = hosts.map((name) => buildQuery(`${name}. A`, { edns: {} }));
  const refused = hosts.map((_, i) =>
    buildQuery(`www.${listed.names[(i * 127) % listed.names.length] ?? ''}. A`, { edns: {} }),
  );
  const responses = hosts.map((name) =>
    buildResponse({
      question: `${name}. A`,
      answer: [`${name}. 300 IN CNAME edge.example.net.`, 'edge.example.net. 60 IN A 192.0.2.1'],
    }),
  );
  const query = new Query();
  const verdict = new Verdict();
  const client = createAddress();
  parseAddress('127.0.0.1', client);
  const out = new Uint8Array(MESSAGE_LENGTH_MAX);
  const pipeline = createPipeline(policy, (question) => {
    const at = hosts.findIndex((_, i) => Buffer.compare(hostNames[i] ?? out, question) === 0);
    return responses[at] ?? out;
  });
  const decide = (bytes: Uint8Array | undefined): number =>
    pipeline.decide(bytes ?? out, bytes?.length ?? 0, client, CLIENT_PORT, TRANSPORT.UDP, out, '');
  for (const bytes of queries) if (decide(bytes) === PENDING) pipeline.resolve(() => {});
  if (queries.some((bytes) => decide(bytes) <= 0)) throw new Error('a name is not cached that ought to be');
  return [
    [
      'Query.parse(), with EDNS',
      (i) => {
        const bytes = queries[i] ?? out;
        return query.parse(bytes, bytes.length) === QUERY_FAULT.NONE ? query.qnameLength : 0;
      },
    ],
    [
      'Policy.judgeQuestion(), a name that passes',
      (i) => {
        const name = hostNames[i] ?? out;
        policy.judgeQuestion(name, 0, name.length, TYPE.A, client, 0, verdict);
        return verdict.list;
      },
    ],
    [
      'Policy.judgeQuestion(), a listed name',
      (i) => {
        const name = listedNames[i] ?? out;
        policy.judgeQuestion(name, 0, name.length, TYPE.A, client, 0, verdict);
        return verdict.line;
      },
    ],
    ['Pipeline.decide(), a cached name', (i) => decide(queries[i])],
    ['Pipeline.decide(), a refusal', (i) => decide(refused[i])],
    [
      'createAnswer(), an alias and an address',
      (i) =>
        createAnswer(responses[i] ?? out, hostNames[i] ?? out, false, TTL_LIMITS, NOW_MS)?.lifetimeSec ?? 0,
    ],
  ];
};

const createPolicy = ({ names }: ListedNames): Policy => {
  const builder = new TableBuilder();
  const sink = builder.sinkFor(0);
  for (const [index, text] of names.entries()) {
    const name = nameFrom(text);
    sink.addName(MATCH.SUFFIX, name, name.length, index + 1);
  }
  const ede = createEde(EDE.BLOCKED);
  const list = {
    id: 'large',
    category: 'large',
    mandate: true,
    mode: { kind: 'nxdomain' },
    ttlSec: 30,
    ede,
    precedence: 'specificity',
    logOnly: false,
  } as const;
  return new Policy(
    {
      generation: 1,
      table: builder.build(),
      lists: [list],
      groups: [{ name: 'default', lists: 1 }],
    },
    0,
  );
};

/** A pipeline whose resolver answers at once. */
const createPipeline = (policy: Policy, answerTo: (question: Uint8Array) => Uint8Array): Pipeline => {
  const totals = new CounterTotals();
  const counters = new WorkerCounters(
    totals.openCounters({ upstreams: [] }),
    totals.openRefusals({ lists: policy.lists, groups: ['default'] }),
  );
  const loopback = parsePrefix('127.0.0.0/8');
  const resolver: Resolver = {
    resolve: ({ name }, done) => {
      done({ kind: 'answer', message: answerTo(name) });
    },
  };
  return new Pipeline({
    rules: {
      policy,
      clients: clientsOf({ allow: loopback === undefined ? [] : [loopback], groups: [[]], listeners: [] }),
      localZones: new LocalZones([]),
      ttlLimits: TTL_LIMITS,
    },
    resolver,
    cache: new AnswerCache({ sizeBytes: CACHE_BYTES, observer: counters }),
    clock: () => NOW_MS,
    observer: counters,
  });
};
