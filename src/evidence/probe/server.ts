// Another resolver, asked for what the mandate lists of a configuration refuse: does it refuse that, too?
//
// Needs no running Cordon. What such a server says to refuse is unknown, so any form of refusal will do, and no Extended
// DNS Error is asked for. So a name that does not exist for anybody cannot be told from one that is refused, unless the
// answer shows the zone above it. Controls tell a server that refuses from one that answers nothing.
import { type Endpoint, formatEndpoint, isAppError, systemClock } from '../../base/base.ts';
import { reasonText } from '../../base/words/words.ts';
import type { Config } from '../../config/config.ts';
import { buildGeneration, type PathOf } from '../../policy/generation/generation.ts';
import { formatName } from '../../wire/dns/dns.ts';
import { inquireOrSilence } from '../../wire/stub/stub.ts';
import type { ProbeResult } from '../records/records.ts';
import { foreignForms, type Outcome, type RefusalForm } from './judge.ts';
import { readProbeLists } from './lists.ts';
import { describeQuestion, ProbePlan } from './plan.ts';
import type { ProbeList, ProbeQuestion } from './plan-facts.ts';
import { type ProbeRun, runProbe } from './run.ts';

/** A server at the end of the world with an upstream of its own. */
const TIMEOUT_MS = 5_000;
/** Every name with every type: the largest lists that are kept. */
const QUESTIONS_MAX = 200_000;
/** Questions for one name: the plan's, one of which is for the zone that only Cordon has. */
const QUESTIONS_A_NAME = 5;
/** Failures that are told one by one. */
const LEAKS_MAX = 1_000;
const SEED_MAX = 0xffff_ffff;

/** What is wanted. */
export interface ServerProbeRequest {
  readonly server: Endpoint;
  /** Only the lists of this group; undefined: all mandate lists. */
  readonly group: string | undefined;
  /** At most so many names; undefined: all. */
  readonly sample: number | undefined;
  /** Questions a second. */
  readonly rate: number;
  /** Addresses that the server leads refused names to. */
  readonly sinkholes: readonly string[];
  readonly signal: AbortSignal;
  readonly onProgress: (asked: number, total: number) => void;
}

/** A name that was not refused. */
export interface Leak {
  readonly name: string;
  readonly list: string;
  readonly line: number;
  readonly question: string;
  readonly answer: string;
}

/** What was found. */
export interface ServerProbe {
  readonly server: string;
  /** `unreachable`: not one answer. */
  readonly outcome: ProbeResult['outcome'] | 'unreachable';
  readonly began: string;
  readonly ended: string;
  readonly lists: readonly string[];
  readonly asked: number;
  readonly coverage: ProbeRun['coverage'];
  readonly results: readonly ProbeResult[];
  readonly leakedNames: number;
  /** The first LEAKS_MAX of them, one for each name. */
  readonly leaks: readonly Leak[];
  readonly unasked: readonly { readonly view: string; readonly reason: string }[];
}

/** Asks a server; undefined when it was aborted. Throws AppError as reading the lists does. */
export const probeServer = async (
  config: Config,
  request: ServerProbeRequest,
  pathOf: PathOf,
): Promise<ServerProbe | undefined> => {
  const generation = buildGeneration(config, 1, systemClock(), pathOf);
  const seed = Math.floor(Math.random() * SEED_MAX);
  const { lists, names, unasked, unreadable } = readProbeLists({
    generation,
    config,
    seed,
    keep: new Set(),
  });
  const group = generation.policy.groups.find(({ name }) => name === request.group);
  const chosen = lists.flatMap((_, index) =>
    group === undefined || (group.lists & (1 << index)) !== 0 ? [index] : [],
  );
  const view = `server:${formatEndpoint(request.server)}`;
  const sample = request.sample ?? Number.POSITIVE_INFINITY;
  const plan = new ProbePlan(
    {
      generation: 1,
      lists,
      names,
      prefixes: [],
      views: [{ id: view, kind: 'server', lists: chosen, transports: ['udp', 'tcp'], isAllowed: true }],
      controls: config.probe.controls.map((name) => formatName(name).replace(/\.$/, '')),
      workers: 1,
      serverForms: formsOf(lists, request.sinkholes),
    },
    { questionsMax: Math.min(QUESTIONS_MAX, sample * QUESTIONS_A_NAME), isSweep: true, seed },
  );
  const run = await runProbe({
    createPlan: () => Promise.resolve(plan),
    ask: (question) => ask(request.server, question),
    epoch: () => 0,
    isExempted: () => false,
    rate: () => request.rate,
    clock: systemClock,
    signal: request.signal,
    onProgress: request.onProgress,
  });
  if (run === undefined) return undefined;
  return {
    server: formatEndpoint(request.server),
    outcome: run.isSilent ? 'unreachable' : run.outcome,
    began: new Date(run.beganMs).toISOString(),
    ended: new Date(run.endedMs).toISOString(),
    lists: chosen.flatMap((index) => lists[index]?.id ?? []),
    asked: run.asked,
    coverage: run.coverage,
    results: run.results,
    leakedNames: run.leakedNames,
    leaks: leaksOf(run, lists),
    unasked: [
      ...unreadable,
      ...unasked,
      ...(run.isCutShort ? [{ view, reason: reasonText('cut-short') }] : []),
    ],
  };
};

/** What counts as a refusal: what programs do, and what the lists of this configuration do. */
export const formsOf = (
  lists: readonly ProbeList[],
  sinkholes: readonly string[],
): readonly RefusalForm[] => {
  const own = lists.flatMap(({ forms }) => forms);
  const addresses = own.flatMap((form) => (form.kind === 'address' ? form.addresses : []));
  return [...foreignForms([...addresses, ...sinkholes]), ...own.filter(({ kind }) => kind === 'data')];
};

/** One of each name that leaked. */
const leaksOf = ({ failures }: ProbeRun, lists: readonly ProbeList[]): readonly Leak[] => {
  const leaks = new Map<string, Leak>();
  for (const { question, verdict, text } of failures) {
    const { rule } = question;
    if (verdict !== 'leaked' || rule === undefined || !('name' in rule) || leaks.has(rule.name)) continue;
    const { name, line } = rule;
    const list = lists[rule.list]?.id ?? '';
    leaks.set(name, { name, list, line, question: describeQuestion(question), answer: text });
    if (leaks.size >= LEAKS_MAX) break;
  }
  return [...leaks.values()];
};

const ask = async (server: Endpoint, question: ProbeQuestion): Promise<Outcome> => {
  const transport = question.transport === 'udp' ? 'udp' : 'tcp';
  try {
    const reading = await inquireOrSilence({ ...question, server, transport, timeoutMs: TIMEOUT_MS });
    return reading === undefined ? { kind: 'silence' } : { kind: 'answer', reading };
  } catch (thrown) {
    if (!isAppError(thrown)) throw thrown;
    return { kind: 'fault', text: thrown.message };
  }
};
