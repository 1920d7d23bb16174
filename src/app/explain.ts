// Tells for one name and client what would be decided, by which list and line, and on what evidence.
//
// The same functions decide as in the running resolver: a generation is built from the configuration, the client is
// identified, the question is judged for each type that leads to an address, because rules may depend on it, and
// where it passes, the answer is fetched from the configured upstreams and judged too. It needs no running resolver
// and changes nothing.
import { basename } from 'node:path';
import { Clients } from '../access/access.ts';
import {
  type AddressWords,
  createAddress,
  formatEndpoint,
  formatPrefix,
  matchesPrefix,
  parseAddress,
  systemClock,
} from '../base/base.ts';
import { createAnswer } from '../cache/cache.ts';
import type { Config } from '../config/config.ts';
import { CLASS, foldName, formatMessage, formatName, formatRdata, formatType, TYPE } from '../dns/dns.ts';
import { LOCAL, LocalZones } from '../local/local.ts';
import { TRIGGER_WORDS } from '../observe/observe.ts';
import {
  ACTION,
  compileExemptions,
  formatExemption,
  MATCH_NAMES,
  Policy,
  type SharedExemption,
  Verdict,
} from '../policy/policy.ts';
import {
  Forwarding,
  RESOLV_CONF,
  readSystemResolvers,
  type UpstreamOutcome,
  VIEW_DEFAULT,
} from '../upstream/upstream.ts';
import { buildGeneration, type Generation, type PathOf } from './generation.ts';
import { lookUpAddresses } from './upstream-hosts.ts';
import { buildRoutes, upstreamHostNames } from './upstream-routes.ts';

/** The types whose answers are followed: those that lead a client to an address. */
const FOLLOWED = [TYPE.A, TYPE.AAAA, TYPE.HTTPS] as const;

/** Characters of a rule's line: a line of a hosts file may hold hundreds of names. */
const LINE_LENGTH_MAX = 500;

/** The rule that decides about a name or an answer. */
export interface Reason {
  readonly list: string;
  readonly title: string;
  readonly mandate: boolean;
  /** What led to it: `qname`, `cname`, `response-ip`, `client-ip`, …. */
  readonly trigger: string;
  /** How the rule matches: `suffix`, `exact`, `wildcard`, `prefix`, `pattern`. */
  readonly match: string;
  /** What is done, in the words of RPZ or, where the rule leaves it to the list, in those of `block.mode`. */
  readonly action: string;
  /** The answer of a rule that states one: `TYPE RDATA`. */
  readonly data: readonly string[];
  readonly file: string;
  /** Of the file. */
  readonly line: number;
  /** The name of the file among those of a directory; undefined for a list that is one file. */
  readonly part: string | undefined;
  /** The rule's line as it stands in the list, at most 500 characters of it. */
  readonly text: string;
  readonly service: string | undefined;
  readonly owner: string | undefined;
  readonly evidence: string | undefined;
  readonly reviewed: string | undefined;
}

/** A rule that does not count for the client, and why. */
export interface Exempted {
  /** `ex-000001`. */
  readonly exemption: string;
  readonly reason: Reason;
}

/** What became of one followed type. */
export interface FollowedAnswer {
  readonly type: string;
  /**
   * `refused`, `passes`, `passes by passthru of list ID line N` (of a directory: `… of FILE`), `… by exemption ID`, or
   * why it could not be followed.
   */
  readonly outcome: string;
  /** Why it is refused. */
  readonly reason: Reason | undefined;
  /** The rule by which it passes, if any. */
  readonly passedBy: Reason | undefined;
  /** The rules that would refuse it and that exemptions take out, of the question and of its answer. */
  readonly exempted: readonly Exempted[];
  /** What decided: the question of this type, or what its answer leads to. */
  readonly judged: 'question' | 'answer';
  /** The upstream's answer, one record a line. */
  readonly records: readonly string[];
}

/** Everything that decides. */
export interface Explanation {
  readonly name: string;
  readonly client: string;
  /** False: the client is outside access.allow and gets REFUSED for everything. */
  readonly allowed: boolean;
  readonly group: string;
  /** The prefix that put the client there; undefined: it is the default group. */
  readonly groupPrefix: string | undefined;
  /** The listener that put the client there, which goes before every prefix. */
  readonly groupListener: string | undefined;
  readonly lists: readonly string[];
  /** `refused`, `local`, `passes`. */
  readonly outcome: 'refused' | 'local' | 'passes';
  /** Why the question itself is refused: for all of A, AAAA and HTTPS by the same rule. */
  readonly reason: Reason | undefined;
  /** The rule by which the question passes; undefined when no list has one for it. */
  readonly passedBy: Reason | undefined;
  /** What a list that is only watched would refuse the question by. */
  readonly watched: Reason | undefined;
  /** The rules that would refuse the question and that exemptions take out, for any of the types. */
  readonly exempted: readonly Exempted[];
  /** One for each type, where they were followed or where types differ; empty for a refused question. */
  readonly answers: readonly FollowedAnswer[];
}

/**
 * Explains a wire name for a client's address; throws AppError when lists or upstreams cannot be had.
 *
 * `pathOf` tells where the lists lie that were fetched; `listener` is the address of listen.dns that the client asks,
 * as the configuration writes it; `exemptions` are those that may be in force.
 */
export const explain = async (
  config: Config,
  name: Uint8Array,
  client: string,
  follow: boolean,
  pathOf?: PathOf,
  listener = '',
  exemptions: readonly SharedExemption[] = [],
): Promise<Explanation> => {
  const generation = buildGeneration(config, 1, systemClock(), pathOf);
  const policy = new Policy(generation.policy, systemClock());
  const identity = new Clients(generation.access).identifyText(client, listener);
  const group = policy.groups[identity.group];
  const qname = Uint8Array.from(name);
  foldName(qname, 0, qname.length);
  const judge = new Judge(generation, policy, identity.group, qname, client, exemptions);
  const zones = new LocalZones(config.forward.flatMap((rule) => rule.zones));
  const isLocal = FOLLOWED.every((type) => zones.find(qname, qname.length, type) !== LOCAL.NONE);
  const questions = FOLLOWED.map((type) => judge.judgeQuestion(type));
  const [first] = questions;
  const isSame = questions.every(({ place }) => place === first?.place);
  const isRefused = !isLocal && isSame && first?.reason !== undefined;
  const passes = !isLocal && !isRefused;
  const exempted = isLocal ? [] : questions.flatMap((question) => question.exempted);
  return {
    name: formatName(qname),
    client,
    allowed: identity.allowed,
    group: group?.name ?? '',
    groupPrefix: prefixOf(config, identity.group, client),
    groupListener: isListenerOf(config, identity.group, listener) ? listener : undefined,
    lists: generation.lists.filter((_, bit) => ((group?.lists ?? 0) & (1 << bit)) !== 0).map(({ id }) => id),
    outcome: isLocal ? 'local' : passes ? 'passes' : 'refused',
    reason: isRefused ? first.reason : undefined,
    passedBy: passes && isSame ? first?.passedBy : undefined,
    watched: isLocal ? undefined : judge.watchQuestion(),
    exempted: exempted.filter(
      (one, index) => exempted.findIndex((other) => isSameRule(one, other)) === index,
    ),
    answers: passes ? await followAnswers(config, judge, questions, follow) : [],
  };
};

const isSameRule = (a: Exempted, b: Exempted): boolean =>
  a.exemption === b.exemption && a.reason.list === b.reason.list && a.reason.line === b.reason.line;

/** What the lists say of the question of one type. */
interface JudgedQuestion {
  readonly type: number;
  readonly verdict: Verdict;
  readonly reason: Reason | undefined;
  readonly passedBy: Reason | undefined;
  readonly exempted: readonly Exempted[];
  /** List and line of the rule, and what it does: equal for types that one rule decides. */
  readonly place: string;
}

/** Judges one name for one client. */
class Judge {
  readonly qname: Uint8Array;
  readonly #generation: Generation;
  readonly #policy: Policy;
  readonly group: number;
  readonly #client: AddressWords = createAddress();
  /** Of the question or answer in hand. */
  #exempted: Exempted[] = [];

  constructor(
    generation: Generation,
    policy: Policy,
    group: number,
    qname: Uint8Array,
    client: string,
    exemptions: readonly SharedExemption[],
  ) {
    policy.setExemptions(compileExemptions(exemptions), systemClock, {
      exempted: (verdict, _targets, _index, number) => {
        const reason = this.#toReason(verdict);
        if (reason !== undefined) this.#exempted.push({ exemption: formatExemption(number), reason });
      },
    });
    this.#generation = generation;
    this.#policy = policy;
    this.group = group;
    this.qname = qname;
    parseAddress(client, this.#client);
  }

  judgeQuestion(type: number): JudgedQuestion {
    const verdict = new Verdict();
    const { qname } = this;
    this.#exempted = [];
    this.#policy.judgeQuestion(qname, 0, qname.length, type, this.#client, this.group, verdict);
    const reason = this.#toReason(verdict);
    return {
      type,
      verdict,
      reason: verdict.refused ? reason : undefined,
      passedBy: verdict.refused ? undefined : reason,
      exempted: this.#exempted,
      place: `${verdict.list}:${verdict.line}:${verdict.action}`,
    };
  }

  /** The first rule of a watched list that would refuse one of the types. */
  watchQuestion(): Reason | undefined {
    const { qname } = this;
    for (const type of FOLLOWED) {
      const judged = this.judgeQuestion(type).verdict;
      const verdict = new Verdict();
      this.#policy.watchQuestion(qname, qname.length, this.group, judged, verdict);
      if (verdict.refused) return this.#toReason(verdict);
    }
    return undefined;
  }

  /** Judges what came of a question that passes. */
  judgeAnswer(question: JudgedQuestion, outcome: UpstreamOutcome): FollowedAnswer {
    const { verdict, passedBy } = question;
    const row = { ...rowOf(question), judged: 'answer' as const };
    if (outcome.kind === 'failure') return { ...row, outcome: `not followed: upstream ${outcome.reason}` };
    const limits = { minSec: 0, maxSec: 0, negativeMaxSec: 0 };
    const answer = createAnswer(outcome.message, this.qname, false, limits, systemClock());
    const records = formatMessage(outcome.message)
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith(';'));
    if (answer === undefined || answer.overflow)
      return { ...row, outcome: 'refused: the answer is malformed or endless', records };
    // A rule on the question leaves only the lists before its own a say on the answer.
    this.#exempted = [];
    this.#policy.judgeTargets(answer, this.group, verdict);
    const exempted = [...question.exempted, ...this.#exempted];
    const reason = this.#toReason(verdict);
    if (verdict.refused)
      return { ...row, outcome: 'refused', reason, passedBy: undefined, exempted, records };
    const passing = reason ?? passedBy;
    return { ...row, outcome: passingText(passing, exempted), passedBy: passing, exempted, records };
  }

  #toReason(verdict: Verdict): Reason | undefined {
    const list = this.#generation.lists[verdict.list];
    if (list === undefined) return undefined;
    const source = list.loaded.entryAt(verdict.line);
    const place = list.loaded.placeOf(verdict.line);
    const mode = this.#policy.lists[verdict.list]?.mode.kind ?? 'nxdomain';
    return {
      list: list.id,
      title: list.title,
      mandate: list.mandate,
      trigger: TRIGGER_WORDS[verdict.trigger] ?? 'unknown',
      match: MATCH_NAMES[verdict.match],
      action: verdict.action === ACTION.LIST ? mode : (ACTION_WORDS[verdict.action] ?? 'unknown'),
      data: verdict.records.map(({ type, rdata }) => `${formatType(type)} ${formatRdata(type, rdata)}`),
      file: place.path,
      line: place.line,
      part: list.loaded.files === undefined ? undefined : basename(place.path),
      text: source?.text.trim().slice(0, LINE_LENGTH_MAX) ?? '',
      service: source?.entry?.service,
      owner: source?.entry?.owner,
      evidence: source?.entry?.evidence,
      reviewed: source?.entry?.reviewed,
    };
  }
}

/** The words of RPZ by number: `tcp-only` of TCP_ONLY. */
const ACTION_WORDS: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(ACTION).map(([word, number]) => [number, word.toLowerCase().replace('_', '-')]),
);

const passingText = (passedBy: Reason | undefined, exempted: readonly Exempted[]): string => {
  const exemptions = new Set(exempted.map(({ exemption }) => exemption));
  if (exemptions.size > 0) return `passes by exemption ${[...exemptions].join(', ')}`;
  if (passedBy === undefined) return 'passes';
  const { list, line, part } = passedBy;
  return `passes by passthru of list ${list} line ${line}${part === undefined ? '' : ` of ${part}`}`;
};

const rowOf = ({ type, reason, passedBy, exempted }: JudgedQuestion): FollowedAnswer => ({
  type: formatType(type),
  outcome: reason === undefined ? passingText(passedBy, exempted) : 'refused',
  reason,
  passedBy,
  exempted,
  judged: 'question',
  records: [],
});

/** A row for each type; without `follow` only when the types differ, and then of their questions. */
const followAnswers = async (
  config: Config,
  judge: Judge,
  questions: readonly JudgedQuestion[],
  follow: boolean,
): Promise<FollowedAnswer[]> => {
  if (!follow) return questions.some(({ reason }) => reason !== undefined) ? questions.map(rowOf) : [];
  const addresses = await lookUpHosts(config);
  const { routes, views } = buildRoutes(
    config,
    () => readSystemResolvers(RESOLV_CONF, config.listen.dns),
    (name) => addresses.get(name) ?? [],
  );
  const view = views[judge.group] ?? VIEW_DEFAULT;
  const forwarding = new Forwarding({
    routes,
    timeoutMs: config.resolver.timeoutMs,
    tryTimeoutMs: config.resolver.tryTimeoutMs,
    inflightMax: FOLLOWED.length,
    clock: systemClock,
    cookies: config.resolver.cookies,
    mixedCase: config.resolver.mixedCase,
    observer: { sent() {}, answered() {}, failed() {}, unwanted() {}, healthy() {}, hedged() {} },
  });
  const ask = (type: number): Promise<UpstreamOutcome> =>
    new Promise((resolve) => {
      const question = { name: judge.qname, type, class: CLASS.IN, view };
      forwarding.resolve({ ...question, dnssecOk: false, checkingDisabled: false, wantsAd: false }, resolve);
    });
  try {
    return await Promise.all(
      questions.map(async (question) =>
        question.reason === undefined
          ? judge.judgeAnswer(question, await ask(question.type))
          : rowOf(question),
      ),
    );
  } finally {
    forwarding.close();
  }
};

/** The addresses of the upstreams that are given by name, as far as they can be found now. */
const lookUpHosts = async (config: Config): Promise<ReadonlyMap<string, readonly string[]>> => {
  const { signal } = new AbortController();
  const found = new Map<string, readonly string[]>();
  for (const name of upstreamHostNames(config)) {
    const outcomes = await Promise.allSettled([
      lookUpAddresses(name, 4, config.bootstrap, signal),
      lookUpAddresses(name, 6, config.bootstrap, signal),
    ]);
    const addresses = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value : []));
    found.set(
      name,
      addresses.map(({ address }) => address),
    );
  }
  return found;
};

const isListenerOf = (config: Config, group: number, listener: string): boolean =>
  config.groups[group]?.listeners.some((endpoint) => formatEndpoint(endpoint) === listener) ?? false;

const prefixOf = (config: Config, group: number, client: string): string | undefined => {
  const words = createAddress();
  if (!parseAddress(client, words)) return undefined;
  const prefixes = (config.groups[group]?.clients ?? []).filter((prefix) =>
    matchesPrefix(words, prefix.words, prefix.bits),
  );
  const longest = prefixes.sort((a, b) => b.bits - a.bits)[0];
  return longest && formatPrefix(longest);
};
