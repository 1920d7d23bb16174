// Judges questions that were asked and answered before, by a configuration: what a client would get now for the same
// question if upstreams said the same again.
//
// It is the pipeline that answers clients, with the settings of a worker; only its resolver is another one, which says what
// was said then. Answers live for no second, so that none of them answers another question.
import { type AddressWords, createAddress, formatAddress, systemClock } from '../../base/base.ts';
import { TRANSPORT } from '../../base/words/words.ts';
import type { Config } from '../../config/config.ts';
import { type AccessTable, type Client, Clients } from '../../policy/access/access.ts';
import { buildGeneration, type PathOf } from '../../policy/generation/generation.ts';
import { withoutMissing } from '../../policy/keeping/keeping.ts';
import type { LoggedQuery, QueryObserver } from '../../telemetry/events/events.ts';
import { createUnreadCounters } from '../../telemetry/observe/observe.ts';
import {
  CLASS,
  FLAG,
  MESSAGE_LENGTH_MAX,
  MessageBuilder,
  parseRecord,
  RCODE,
  SECTION,
  setTranslationPrefix,
  UDP_LENGTH_MAX,
} from '../../wire/dns/dns.ts';
import { AnswerCache } from '../cache/cache.ts';
import { PENDING, Pipeline, type Resolver } from '../pipeline/pipeline.ts';
import { toRules } from '../workers/workers.ts';
import { openByConfig, stateOf } from './by-config.ts';

/** Nothing stays in it. */
const CACHE_BYTES = 1 << 20;
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
        ttlLimits: { minSec: 0, maxSec: 0, negativeMaxSec: 0 },
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
  try {
    return parseRecord(`${name === '.' ? '' : name}. 0 IN ${type} ${data}`);
  } catch {
    // What a log shortened leads nowhere.
    return undefined;
  }
};
