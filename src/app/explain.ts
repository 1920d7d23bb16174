// Tells for one name and client what would be decided, by which list and line, and on what evidence.
//
// The same functions decide as in the running resolver: a generation is built from the configuration, the client is
// identified, the question is judged, and when it passes, the answer is fetched from the configured upstreams and
// judged too. It needs no running resolver and changes nothing.
import { Clients } from '../access/access.ts';
import { createAddress, formatPrefix, matchesPrefix, parseAddress, systemClock } from '../base/base.ts';
import { createAnswer } from '../cache/cache.ts';
import type { Config } from '../config/config.ts';
import { CLASS, foldName, formatMessage, formatName, formatType, TYPE } from '../dns/dns.ts';
import { LOCAL, LocalZones } from '../local/local.ts';
import { TRIGGER_WORDS } from '../observe/observe.ts';
import { MATCH_NAMES, Policy, Verdict } from '../policy/policy.ts';
import { Forwarding, RESOLV_CONF, readSystemResolvers, type UpstreamOutcome } from '../upstream/upstream.ts';
import { buildGeneration, type Generation } from './generation.ts';

/** The types whose answers are followed: those that lead a client to an address. */
const FOLLOWED = [TYPE.A, TYPE.AAAA, TYPE.HTTPS] as const;

/** Why a name or an answer is refused. */
export interface Reason {
  readonly list: string;
  readonly title: string;
  readonly mandate: boolean;
  /** What led to it: `qname`, `cname`, `response-ip`, …. */
  readonly trigger: string;
  /** How the rule matches: `suffix`, `exact`, `wildcard`, `prefix`. */
  readonly match: string;
  readonly file: string;
  readonly line: number;
  /** The rule's line as it stands in the list. */
  readonly text: string;
  readonly service: string | undefined;
  readonly owner: string | undefined;
  readonly evidence: string | undefined;
  readonly reviewed: string | undefined;
}

/** What became of one followed type. */
export interface FollowedAnswer {
  readonly type: string;
  /** `refused`, `passes`, or why it could not be followed. */
  readonly outcome: string;
  readonly reason: Reason | undefined;
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
  readonly lists: readonly string[];
  /** `refused`, `local`, `passes`. */
  readonly outcome: 'refused' | 'local' | 'passes';
  /** Why the question itself is refused. */
  readonly reason: Reason | undefined;
  readonly answers: readonly FollowedAnswer[];
}

/** Explains a wire name for a client's address; throws AppError when lists or upstreams cannot be had. */
export const explain = async (
  config: Config,
  name: Uint8Array,
  client: string,
  follow: boolean,
): Promise<Explanation> => {
  const generation = buildGeneration(config, 1, systemClock());
  const policy = new Policy(generation.policy);
  const identity = new Clients(generation.access).identifyText(client);
  const group = policy.groups[identity.group];
  const qname = Uint8Array.from(name);
  foldName(qname, 0, qname.length);
  const verdict = new Verdict();
  policy.judgeQuestion(qname, 0, qname.length, identity.group, verdict);
  const reason = verdict.refused ? toReason(generation, verdict) : undefined;
  const zones = config.forward.flatMap((rule) => rule.zones);
  const isLocal = new LocalZones(zones).find(qname, qname.length, TYPE.A) !== LOCAL.NONE;
  const passes = reason === undefined && !isLocal;
  return {
    name: formatName(qname),
    client,
    allowed: identity.allowed,
    group: group?.name ?? '',
    groupPrefix: prefixOf(config, identity.group, client),
    lists: generation.lists.filter((_, bit) => ((group?.lists ?? 0) & (1 << bit)) !== 0).map(({ id }) => id),
    outcome: isLocal ? 'local' : passes ? 'passes' : 'refused',
    reason: isLocal ? undefined : reason,
    answers: passes && follow ? await followAnswers(config, generation, policy, qname, identity.group) : [],
  };
};

const followAnswers = async (
  config: Config,
  generation: Generation,
  policy: Policy,
  qname: Uint8Array,
  group: number,
): Promise<FollowedAnswer[]> => {
  const forwarding = new Forwarding({
    routes: [
      {
        zone: Uint8Array.of(0),
        endpoints: config.upstreams ?? readSystemResolvers(RESOLV_CONF, config.listen.dns),
      },
      ...config.forward.flatMap((rule) => rule.zones.map((zone) => ({ zone, endpoints: rule.upstreams }))),
    ],
    timeoutMs: config.resolver.timeoutMs,
    tryTimeoutMs: config.resolver.tryTimeoutMs,
    inflightMax: FOLLOWED.length,
    clock: systemClock,
    observer: { sent() {}, answered() {}, failed() {}, unwanted() {}, healthy() {} },
  });
  const ask = (type: number): Promise<UpstreamOutcome> =>
    new Promise((resolve) => {
      const question = { name: qname, type, class: CLASS.IN, dnssecOk: false, checkingDisabled: false };
      forwarding.resolve(question, resolve);
    });
  try {
    return await Promise.all(
      FOLLOWED.map(async (type) => {
        const outcome = await ask(type);
        return toFollowed(generation, policy, qname, group, type, outcome);
      }),
    );
  } finally {
    forwarding.close();
  }
};

const toFollowed = (
  generation: Generation,
  policy: Policy,
  qname: Uint8Array,
  group: number,
  type: number,
  outcome: UpstreamOutcome,
): FollowedAnswer => {
  const row = { type: formatType(type), reason: undefined, records: [] };
  if (outcome.kind === 'failure') return { ...row, outcome: `not followed: upstream ${outcome.reason}` };
  const limits = { minSec: 0, maxSec: 0, negativeMaxSec: 0 };
  const answer = createAnswer(outcome.message, qname, false, limits, systemClock());
  const records = formatMessage(outcome.message)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith(';'));
  if (answer === undefined || answer.overflow)
    return { ...row, outcome: 'refused: the answer is malformed or endless', records };
  const verdict = new Verdict();
  policy.judgeTargets(answer, group, verdict);
  return {
    ...row,
    outcome: verdict.refused ? 'refused' : 'passes',
    reason: verdict.refused ? toReason(generation, verdict) : undefined,
    records,
  };
};

const toReason = (generation: Generation, verdict: Verdict): Reason | undefined => {
  const list = generation.lists[verdict.list];
  if (list === undefined) return undefined;
  const source = list.loaded.entryAt(verdict.line);
  return {
    list: list.id,
    title: list.title,
    mandate: list.mandate,
    trigger: TRIGGER_WORDS[verdict.trigger] ?? 'unknown',
    match: MATCH_NAMES[verdict.match],
    file: list.loaded.path,
    line: verdict.line,
    text: source?.text.trim() ?? '',
    service: source?.entry?.service,
    owner: source?.entry?.owner,
    evidence: source?.entry?.evidence,
    reviewed: source?.entry?.reviewed,
  };
};

const prefixOf = (config: Config, group: number, client: string): string | undefined => {
  const words = createAddress();
  if (!parseAddress(client, words)) return undefined;
  const prefixes = (config.groups[group]?.clients ?? []).filter((prefix) =>
    matchesPrefix(words, prefix.words, prefix.bits),
  );
  const longest = prefixes.sort((a, b) => b.bits - a.bits)[0];
  return longest && formatPrefix(longest);
};
