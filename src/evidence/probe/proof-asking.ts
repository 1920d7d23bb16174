// One resolver, asked and judged: with the questions of proof-questions.ts, and the run and the judge of the self-probe.
import { type Clock, formatEndpoint } from '../../base/base.ts';
import type { Outcome, RefusalForm } from './judge.ts';
import { describeQuestion } from './plan.ts';
import type { ListedName, ProbeQuestion } from './plan-facts.ts';
import type { Answered, Found, Leak } from './proof-certificate.ts';
import { BYPASS_LISTS, CANARY_LIST, type Pack, type PackedName, type Packs } from './proof-packs.ts';
import { type Asked, type AskedList, mixedQuestions, type Part, quietQuestions } from './proof-questions.ts';
import { channelTo, type Proven, type Resolver, type Way } from './proof-ways.ts';
import { type ProbeRun, runProbe } from './run.ts';

/** As long as a client waits for a resolver that asks others. */
const TIMEOUT_MS = 3_000;
/** The pace at which a person's device asks: nothing that limits or knows programs by their rate stirs. */
const QUIET_RATE = 6;
/** Leaks that a certificate quotes. */
const LEAKS_MAX = 200;

/** What is wanted of each resolver. */
export interface ProofRequest {
  readonly packs: Packs;
  readonly mandate: Pack;
  readonly decoys: readonly string[];
  /** Names of the agency that lead to prohibited ones. */
  readonly aliases: readonly string[];
  /** How a refusal may look. */
  readonly forms: readonly RefusalForm[];
  readonly rate: number;
  /** Of the first few questions; QUIET_RATE unless a test has another. */
  readonly quietRate?: number;
  /** TIMEOUT_MS unless a test has another. */
  readonly timeoutMs?: number;
  readonly questionsMax: number;
  readonly authorities: readonly string[] | undefined;
  readonly clock: Clock;
  readonly createSeed: () => number;
  readonly onProgress: (asked: number, total: number) => void;
}

/** Asks one resolver all there is to ask. */
export const askResolver = async (resolver: Resolver, request: ProofRequest): Promise<Answered> => {
  const proven = new Map<string, Proven>();
  const open = (): ReturnType<typeof channelTo> =>
    channelTo(resolver, request.authorities, (one) => proven.set(one.fingerprint, one));
  const asked = askedOf(resolver, request);
  const listed = new Set(asked.mandate.lists.flatMap(({ names }) => names.map(([name]) => name)));
  const askOver = async (
    channel: ReturnType<typeof channelTo>,
    question: ProbeQuestion,
  ): Promise<Outcome> => {
    const way = wayOf(question.transport);
    const outcome = await channel.ask(
      { server: resolver.server, transport: way, timeoutMs: request.timeoutMs ?? TIMEOUT_MS },
      question,
    );
    return question.view === 'aliases' ? withoutLead(outcome, listed) : outcome;
  };
  // From a socket for each question, as a device asks: nothing that knows programs by their ports stirs.
  const askAlone = async (question: ProbeQuestion): Promise<Outcome> => {
    const own = open();
    try {
      return await askOver(own, question);
    } finally {
      own.close();
    }
  };
  const channel = open();
  const run = async (
    questions: ReturnType<typeof quietQuestions>,
    rate: number,
    ask: typeof askAlone,
  ): Promise<ProbeRun> => {
    const done = await runProbe({
      createPlan: () => Promise.resolve(questions),
      ask,
      epoch: () => 0,
      isExempted: () => false,
      rate: () => rate,
      clock: request.clock,
      signal: new AbortController().signal,
      onProgress: request.onProgress,
    });
    if (done === undefined) throw new Error('a run that nobody ends came to no end');
    return done;
  };
  try {
    const quiet = await run(quietQuestions(asked), request.quietRate ?? QUIET_RATE, askAlone);
    // Nobody is there: what is silent to six questions would be asked for minutes.
    const runs = quiet.isSilent
      ? [quiet]
      : [quiet, await run(mixedQuestions(asked), request.rate, (one) => askOver(channel, one))];
    return toAnswered(resolver, asked, runs, [...proven.values()]);
  } finally {
    channel.close();
  }
};

const wayOf = (transport: ProbeQuestion['transport']): Way => (transport === 'doq' ? 'udp' : transport);

const askedOf = (
  { ways }: Resolver,
  { packs, mandate, decoys, aliases, forms, questionsMax, createSeed }: ProofRequest,
): Asked => {
  const listsOf = (ids: readonly string[]): readonly AskedList[] =>
    packs.lists.filter(({ id }) => ids.includes(id));
  const ofAliases = aliases.map((name): PackedName => [name, 'exact']);
  return {
    transports: ways,
    mandate: { part: 'mandate', lists: listsOf(mandate.lists), forms },
    others: [
      { part: 'aliases', lists: [{ id: 'aliases', names: ofAliases }], forms },
      {
        part: 'canaries',
        lists: listsOf([CANARY_LIST]),
        // An address, even one that leads nowhere, means that the network does not mind.
        forms: [{ kind: 'nxdomain' }, { kind: 'nodata' }],
      },
      { part: 'bypasses', lists: listsOf(BYPASS_LISTS), forms },
    ],
    decoys,
    questionsMax,
    seed: createSeed(),
  };
};

/** That an alias leads to a prohibited name is known to who made it: what stands there is what counts. */
const withoutLead = (outcome: Outcome, listed: ReadonlySet<string>): Outcome => {
  if (outcome.kind !== 'answer') return outcome;
  const isListed = (owner: string): boolean => {
    for (let zone = owner.toLowerCase().replace(/\.$/, ''); zone !== ''; ) {
      if (listed.has(zone)) return true;
      const dot = zone.indexOf('.');
      zone = dot < 0 ? '' : zone.slice(dot + 1);
    }
    return false;
  };
  const { reading } = outcome;
  const answers = reading.answers.filter(
    ({ type, name }) => (type !== 'CNAME' && type !== 'DNAME') || isListed(name),
  );
  return { kind: 'answer', reading: { ...reading, answers } };
};

const toAnswered = (
  resolver: Resolver,
  asked: Asked,
  runs: readonly ProbeRun[],
  proven: readonly Proven[],
): Answered => {
  const main = runs.at(-1);
  const results = runs.flatMap(({ results: of }) => of);
  const found: Found[] = results.map(
    ({ view, transport, qtype, asked: count, leaked, failed, examples }) => ({
      part: view,
      transport,
      type: qtype,
      asked: count,
      leaked,
      failed,
      examples,
    }),
  );
  const leaks = leaksOf(runs, asked);
  return {
    resolver: resolver.text,
    address: formatEndpoint(resolver.server),
    ways: resolver.ways,
    certificates: proven,
    began: new Date(runs[0]?.beganMs ?? 0).toISOString(),
    ended: new Date(main?.endedMs ?? 0).toISOString(),
    seed: asked.seed,
    names: main?.coverage.names ?? 0,
    askedNames: main?.coverage.asked ?? 0,
    share: main?.coverage.share ?? 0,
    isSilent: runs.every(({ isSilent }) => isSilent),
    isCutShort: runs.some(({ isCutShort }) => isCutShort),
    results: found,
    leakedNames: namesLeaked(runs).size,
    leaks: leaks.slice(0, LEAKS_MAX),
  };
};

/** Where prohibited names are asked for. */
const PROHIBITED_PARTS: ReadonlySet<string> = new Set<Part>(['mandate', 'quiet', 'aliases']);

/** All prohibited names that leaked, however many. */
const namesLeaked = (runs: readonly ProbeRun[]): ReadonlySet<string> => {
  const names = new Set<string>();
  for (const { leakedByView } of runs)
    for (const [view, rules] of leakedByView)
      if (PROHIBITED_PARTS.has(view)) for (const rule of rules) names.add((rule as ListedName).name);
  return names;
};

/** One of each prohibited name that leaked, of as many as a run keeps. */
const leaksOf = (runs: readonly ProbeRun[], { mandate }: Asked): readonly Leak[] => {
  const leaks = new Map<string, Leak>();
  for (const { question, verdict, text } of runs.flatMap(({ failures }) => failures)) {
    const { rule, view } = question;
    if (verdict !== 'leaked' || rule === undefined || !('name' in rule) || leaks.has(rule.name)) continue;
    if (!PROHIBITED_PARTS.has(view)) continue;
    const list = view === 'aliases' ? 'aliases' : (mandate.lists[rule.list]?.id ?? '');
    leaks.set(rule.name, { name: rule.name, list, question: describeQuestion(question), answer: text });
  }
  return [...leaks.values()];
};
