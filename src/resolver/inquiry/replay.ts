// Judges questions that were asked and answered before, by a configuration: what a client would get now for the same
// question if upstreams said the same again.
//
// It is the pipeline that answers clients, with the settings of a worker; only its resolver is another one, which says what
// was said then. Answers live for no second, so that none of them answers another question.
import {
  type AddressWords,
  createAddress,
  formatAddress,
  isIpv4,
  parseAddress,
  systemClock,
} from '../../base/base.ts';
import { TRANSPORT } from '../../base/words/words.ts';
import type { Config } from '../../config/config.ts';
import { type AccessTable, type Client, Clients } from '../../policy/access/access.ts';
import { buildGeneration, type PathOf } from '../../policy/generation/generation.ts';
import { withoutMissing } from '../../policy/keeping/keeping.ts';
import type { Policy } from '../../policy/policy.ts';
import type { LoggedQuery, QueryObserver } from '../../telemetry/events/events.ts';
import { createUnreadCounters } from '../../telemetry/observe/observe.ts';
import {
  CLASS,
  FLAG,
  MESSAGE_LENGTH_MAX,
  MessageBuilder,
  parseName,
  parseRecord,
  RCODE,
  SECTION,
  setTranslationPrefix,
  type Targets,
  TYPE,
  UDP_LENGTH_MAX,
} from '../../wire/dns/dns.ts';
import { AnswerCache, createAnswer } from '../cache/cache.ts';
import { PENDING, Pipeline, type Resolver } from '../pipeline/pipeline.ts';
import { toRules } from '../workers/workers.ts';
import { openByConfig, stateOf } from './by-config.ts';

/** Nothing stays in it. */
const CACHE_BYTES = 1 << 20;
const NO_LIFETIME = { minSec: 0, maxSec: 0, negativeMaxSec: 0 };
/** Any port that clients can have. */
const PORT = 1;

/** A record of an answer, in presentation format. */
export interface ReplayedRecord {
  readonly name: string;
  readonly type: string;
  readonly data: string;
}

/** What was asked, by whom, and what was answered. */
export interface Replayed {
  /** Uncompressed wire name. */
  readonly name: Uint8Array;
  readonly type: number;
  /** Undefined: whoever it was, it was one of `group`. */
  readonly address: AddressWords | undefined;
  /** Name of the group; undefined: the default one. */
  readonly group: string | undefined;
  /** What upstreams said, as toReplayedAnswer() makes it. */
  readonly answer: Uint8Array;
}

/** Which list refuses it, or answers in place of what was asked for; undefined: none. */
export interface ReplayVerdict {
  readonly list: string;
  readonly line: number;
}

/** Clients of whom no address is known stand in the group that they were in. */
class KnownGroups extends Clients {
  /** Index of the group; -1: by address. */
  chosen = -1;
  readonly #access: AccessTable;

  constructor(access: AccessTable) {
    super(access);
    this.#access = access;
  }

  override identify(
    address: AddressWords,
    listener: string,
    who?: Parameters<Clients['identify']>[2],
  ): Client {
    if (this.chosen < 0) return super.identify(address, listener, who);
    return {
      group: this.chosen,
      view: this.#access.views?.[this.chosen] ?? 0,
      allowed: true,
      readsCache: false,
    };
  }
}

/** A configuration that judges. */
export class Replay {
  readonly #pipeline: Pipeline;
  readonly #clients: KnownGroups;
  readonly #groups: ReadonlyMap<string, number>;
  readonly #lists: readonly string[];
  readonly #policy: Policy | undefined;
  readonly #hasClientRules: boolean;
  readonly #out = new Uint8Array(MESSAGE_LENGTH_MAX);
  readonly #query = new Uint8Array(UDP_LENGTH_MAX);
  readonly #builder = new MessageBuilder(this.#query);
  readonly #nobody = createAddress();
  #answer: Uint8Array = new Uint8Array(0);
  #list = -1;
  #line = 0;

  private constructor(
    rules: ConstructorParameters<typeof Pipeline>[0]['rules'],
    clients: KnownGroups,
    groups: readonly string[],
    lists: readonly string[],
  ) {
    this.#clients = clients;
    this.#groups = new Map(groups.map((name, index) => [name, index]));
    this.#lists = lists;
    this.#policy = rules.policy;
    this.#hasClientRules = rules.policy?.table.hasClientRules === true;
    const observer: QueryObserver = {
      wants: () => true,
      write: (query: LoggedQuery) => {
        this.#list = query.list;
        this.#line = query.line;
      },
    };
    const resolver: Resolver = {
      joinsVariants: () => true,
      resolve: (_question, done) => done({ kind: 'answer', message: this.#answer }),
    };
    this.#pipeline = new Pipeline({
      // What lives for no second is in no cache, and what is private was private before.
      rules: {
        ...rules,
        clients,
        ttlLimits: NO_LIFETIME,
        stale: undefined,
        rebinding: undefined,
      },
      resolver,
      cache: new AnswerCache({ sizeBytes: CACHE_BYTES, observer: { cacheEvicted: () => undefined } }),
      clock: systemClock,
      observer: createUnreadCounters(),
      queryLog: observer,
    });
  }

  /** Reads lists as a start would; `pathOf` tells where those lie that were fetched. Exemptions are not looked at. */
  static async open(config: Config, pathOf: PathOf): Promise<Replay> {
    const enforced = withoutMissing(config, pathOf);
    const generation = buildGeneration(enforced, 1, systemClock(), pathOf);
    const means = await openByConfig(config, await stateOf(config, enforced, generation));
    means.close();
    const { settings } = means;
    setTranslationPrefix(settings.resolution.dns64?.prefix);
    return new Replay(
      toRules(settings),
      new KnownGroups(settings.access),
      generation.policy.groups.map(({ name }) => name),
      generation.lists.map(({ id }) => id),
    );
  }

  /** What is the same for two clients that are judged alike: their group, or where a rule is for one client its address. */
  clientKey(address: AddressWords): string {
    if (this.#hasClientRules) return formatAddress(address);
    this.#clients.chosen = -1;
    const { group, allowed } = this.#clients.identify(address, '');
    return allowed ? String(group) : '-';
  }

  /** True when no rule, for whomever, concerns the folded name or the targets. */
  isUnlisted(name: Uint8Array, targets: Targets): boolean {
    return this.#policy?.isUnlisted(name, name.length, targets) === true;
  }

  /** Judges one question. */
  judge({ name, type, address, group, answer }: Replayed): ReplayVerdict | undefined {
    // A group that is not there any more is the default one.
    this.#clients.chosen = address === undefined ? (this.#groups.get(group ?? '') ?? 0) : -1;
    this.#answer = answer;
    this.#list = -1;
    const query = this.#builder;
    query.start(0, FLAG.RD).question(name, type, CLASS.IN);
    const client = address ?? this.#nobody;
    const { length } = query;
    const pipeline = this.#pipeline;
    const end = pipeline.decide(this.#query, length, client, PORT, TRANSPORT.TCP, this.#out, '');
    if (end === PENDING) pipeline.resolve(() => undefined);
    if (this.#list < 0) return undefined;
    return { list: this.#lists[this.#list] ?? '', line: this.#line };
  }
}

/**
 * True when no rule of any of the policies, for whomever, concerns the folded name or where the answer leads: then the
 * pipeline leaves all judging out as well (Policy.isUnlisted()), and each of them would let it pass.
 */
export const concernsNobody = (name: Uint8Array, answer: Uint8Array, replays: readonly Replay[]): boolean => {
  const made = createAnswer(answer, name, false, NO_LIFETIME, 0);
  return made !== undefined && replays.every((replay) => replay.isUnlisted(name, made.targets));
};

const builder = new MessageBuilder(new Uint8Array(MESSAGE_LENGTH_MAX));

/** An answer with the records of one before that can be read; valid until the next one is made. */
export const toReplayedAnswer = (
  name: Uint8Array,
  type: number,
  records: readonly ReplayedRecord[],
): Uint8Array => {
  builder.start(0, FLAG.QR | FLAG.RD | FLAG.RA | RCODE.NOERROR).question(name, type, CLASS.IN);
  for (const one of records) {
    const record = readRecord(one);
    if (record !== undefined)
      builder.record(SECTION.ANSWER, record.owner, record.type, record.class, 0, record.rdata);
  }
  return builder.finish();
};

const readRecord = ({ name, type, data }: ReplayedRecord): ReturnType<typeof parseRecord> | undefined => {
  const plain = readPlain(name, type, data);
  if (plain !== undefined) return plain;
  try {
    return parseRecord(`${name === '.' ? '' : name}. 0 IN ${type} ${data}`);
  } catch {
    // What a log shortened leads nowhere.
    return undefined;
  }
};

/** Most records: a name of plain letters, and an address. */
const readPlain = (name: string, type: string, data: string): ReturnType<typeof parseRecord> | undefined => {
  const isV4 = type === 'A';
  if ((!isV4 && type !== 'AAAA') || !PLAIN_NAME.test(name)) return undefined;
  const owner = parseName(name);
  if (typeof owner === 'string' || !parseAddress(data, words) || isV4 !== isIpv4(words)) return undefined;
  const rdata = new Uint8Array(isV4 ? 4 : 16);
  for (let i = 0; i < rdata.length; i++)
    rdata[i] = (words[(isV4 ? 3 : 0) + (i >> 2)] ?? 0) >>> (24 - 8 * (i & 3));
  return { owner, type: isV4 ? TYPE.A : TYPE.AAAA, class: CLASS.IN, ttl: 0, rdata };
};

const PLAIN_NAME = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/;
const words = createAddress();
