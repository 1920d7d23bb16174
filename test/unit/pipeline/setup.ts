// A pipeline over real rooms and a resolver that a test answers for, with everything that was counted.

import {
  type AddressWords,
  createAddress,
  formatAddress,
  type Prefix,
  parseAddress,
  parsePrefix,
} from '../../../src/base/base.ts';
import { Policy, type PolicyList } from '../../../src/policy/policy.ts';
import { AnswerCache } from '../../../src/resolver/cache/cache.ts';
import { LocalZones } from '../../../src/resolver/local/local.ts';
import {
  DROPPED,
  PENDING,
  Pipeline,
  type PipelineObserver,
  type PipelineRules,
  type Question,
  type Resolution,
  type Resolver,
  TRANSPORT,
} from '../../../src/resolver/pipeline/pipeline.ts';
import type { QueryEvent } from '../../../src/telemetry/events/events.ts';
import { TRIGGER_WORDS } from '../../../src/telemetry/observe/observe.ts';
import {
  formatName,
  formatRcode,
  formatType,
  nameFrom,
  readEde,
  readOptions,
} from '../../../src/wire/dns/dns.ts';
import { clientsOf } from '../../support/clients.ts';
import {
  buildQuery,
  buildResponse,
  type MessageText,
  type ParsedMessage,
  parseMessage,
} from '../../support/records.ts';
import { buildTable, policyList } from '../policy/setup.ts';

/** A client of the default group, one of the group `lab`, one of `staff`, and one outside access.allow. */
export const CLIENT = {
  DEFAULT: '192.0.2.1',
  LAB: '192.0.2.129',
  STAFF: '2001:db8::1',
  OUTSIDE: '198.51.100.1',
} as const;

/** The port that clients ask from. */
export const CLIENT_PORT = 40_000;

/** What a test may say of the rules. */
export interface RuleText {
  /** Rules as policy/setup.ts reads them, one array per list. */
  readonly lists?: readonly (readonly string[])[];
  /** Per list. */
  readonly listChanges?: readonly Partial<PolicyList>[];
  /** Masks of the groups default, lab and staff. */
  readonly masks?: readonly [number, number, number];
  readonly generation?: number;
  readonly isReady?: boolean;
  readonly forwarded?: readonly string[];
}

/** The prefixes of texts. */
export const prefixes = (...texts: string[]): Prefix[] =>
  texts.map((text) => {
    const prefix = parsePrefix(text);
    if (prefix === undefined) throw new TypeError(`"${text}" is not a prefix`);
    return prefix;
  });

let generationCount = 0;

/** Rules of the real rooms, of a generation of their own. */
export const createRules = (text: RuleText = {}): PipelineRules => {
  const { lists = [], listChanges = [], masks = [0xffff_ffff, 0, 1], isReady = true } = text;
  const { generation = ++generationCount } = text;
  return {
    policy: isReady
      ? new Policy(
          {
            generation,
            table: buildTable(lists),
            lists: lists.map((_, index) => policyList(`list-${index}`, listChanges[index])),
            groups: ['default', 'lab', 'staff'].map((name, index) => ({ name, lists: masks[index] ?? 0 })),
          },
          0,
        )
      : undefined,
    clients: clientsOf({
      allow: prefixes('192.0.2.0/24', '2001:db8::/32'),
      groups: [[], prefixes('192.0.2.128/25'), prefixes('2001:db8::/32')],
      listeners: [[], ['lab'], []],
    }),
    localZones: new LocalZones((text.forwarded ?? []).map((zone) => nameFrom(zone))),
    ttlLimits: { minSec: 0, maxSec: 86_400, negativeMaxSec: 900 },
  };
};

/** A question that waits for the test to answer it. */
export interface Asked {
  readonly question: Question;
  readonly done: (resolution: Resolution) => void;
}

/** Answers a question with these records. */
export const answerAsked = (asked: Asked | undefined, question: string, text: MessageText = {}): void => {
  if (asked === undefined) throw new Error('nothing was asked');
  asked.done({ kind: 'answer', message: buildResponse({ question, ...text }) });
};

/** A pipeline and its edges. */
export class Bench {
  nowMs = 1_000_000;
  /** Questions that wait, in order. */
  readonly asked: Asked[] = [];
  /** What was counted: `answer SOURCE RCODE`, `refusal …`, and the like. */
  readonly counts: string[] = [];
  /** What was told for the records, one line each. */
  readonly events: string[] = [];
  /** Ports from which the self-probe asks as any client would. */
  readonly probePorts = new Set<number>();
  /** `NAME LIST:LINE TRIGGER` of names that a list may be missing. */
  readonly candidates: string[] = [];
  readonly cache: AnswerCache;
  readonly pipeline: Pipeline;
  /** What was counted of the self-probe. */
  readonly probeCounts: string[] = [];
  readonly #out = new Uint8Array(0xffff);

  constructor(rules: RuleText | PipelineRules = {}, resolver?: Resolver) {
    this.cache = new AnswerCache({ sizeBytes: 1024 * 1024, observer: { cacheEvicted: () => {} } });
    this.pipeline = new Pipeline({
      rules: 'clients' in rules ? rules : createRules(rules),
      resolver: resolver ?? { resolve: (question, done) => void this.asked.push({ question, done }) },
      cache: this.cache,
      clock: () => this.nowMs,
      observer: this.#observer(this.counts),
      probeObserver: this.#observer(this.probeCounts),
      candidates: {
        candidate: (name, length, list, line, trigger) =>
          void this.candidates.push(`${formatName(name.subarray(0, length))} ${list}:${line} ${trigger}`),
      },
      events: {
        write: (event) => {
          this.events.push(formatEvent(event));
          return true;
        },
      },
      isProbe: (_address, port) => this.probePorts.has(port),
    });
  }

  /** Decides a query; the answer goes into the list, at once or when the resolver answers. */
  send(
    bytes: Uint8Array,
    client: string = CLIENT.DEFAULT,
    transport: number = TRANSPORT.UDP,
    listener = '',
    port = CLIENT_PORT,
  ): { readonly answers: Uint8Array[]; readonly decided: number } {
    const answers: Uint8Array[] = [];
    const decided = this.pipeline.decide(
      bytes,
      bytes.length,
      wordsOf(client),
      port,
      transport,
      this.#out,
      listener,
    );
    if (decided > DROPPED) answers.push(this.#out.slice(0, decided));
    if (decided === PENDING) this.pipeline.resolve((message) => void answers.push(Uint8Array.from(message)));
    return { answers, decided };
  }

  /** The same for a question in presentation form, with EDNS, so that EDE is seen. */
  ask(question: string, text: MessageText = {}, client?: string): Uint8Array[] {
    return this.send(buildQuery(question, { edns: {}, ...text }), client).answers;
  }

  #observer(counts: string[]): PipelineObserver {
    const counted =
      (name: string) =>
      (...numbers: number[]): void =>
        void counts.push([name, ...numbers].join(' '));
    return {
      query: (transport, qtype) => counted('query')(transport, qtype),
      probed: counted('probed'),
      reported: counted('reported'),
      answer: counted('answer'),
      policyAnswer: () => undefined,
      refusal: counted('refusal'),
      dropped: counted('dropped'),
      cacheHit: counted('hit'),
      cacheMiss: counted('miss'),
      coalesced: counted('coalesced'),
      inflight: counted('inflight'),
      missDuration: counted('duration'),
      prefetched: counted('prefetched'),
      clientShed: counted('shed'),
      zoneShed: counted('zone-shed'),
      gaveWay: counted('gave-way'),
      repeated: counted('repeated'),
      overBounds: counted('over-bounds'),
      heldLoop: counted('held-loop'),
      rebindingRefused: counted('rebinding'),
      exempted: counted('exempted'),
      bypass: counted('bypass'),
    };
  }
}

const KIND_WORDS = ['refusal', 'would-refuse', 'exemption-hit', 'bypass'];

/** `KIND LIST:LINE TRIGGER QNAME QTYPE RCODE`, and then EDE, target, exemption and signal as far as there are any. */
const formatEvent = (event: QueryEvent): string => {
  const { kind, rule, qtype, rcode, edeCode, signal, target } = event;
  const { list, line, trigger, exemption } = rule;
  const qname = event.query.slice(event.qnameStart, event.qnameStart + event.qnameLength);
  const words: (string | number)[] = [KIND_WORDS[kind] ?? '?'];
  if (list >= 0) words.push(`${list}:${line}`, TRIGGER_WORDS[trigger] ?? '?');
  words.push(formatName(qname), formatType(qtype), rcode < 0 ? 'dropped' : formatRcode(rcode));
  if (edeCode >= 0) words.push(`ede=${edeCode}`);
  if (event.targetLength > 0) words.push(`target=${formatName(target.subarray(0, event.targetLength))}`);
  if (event.targetAddress !== undefined) words.push(`target=${formatAddress(event.targetAddress)}`);
  if (exemption > 0) words.push(`ex=${exemption}`);
  if (signal >= 0) words.push(`signal=${signal}`);
  return words.join(' ');
};

/** The one answer, parsed; throws when there is none or more than one. */
export const onlyAnswer = (answers: readonly Uint8Array[]): ParsedMessage => {
  const [bytes] = answers;
  if (bytes === undefined || answers.length !== 1) throw new Error(`${answers.length} answers`);
  return parseMessage(bytes);
};

/** The whole RCODE, the bits in the OPT record included. */
export const rcodeOf = (message: ParsedMessage): number =>
  (message.flags & FLAG_RCODE) | (((message.opt?.ttl ?? 0) >>> 24) << 4);

/** The EDE codes of an answer. */
export const edeOf = (message: ParsedMessage): number[] =>
  readOptions(message.opt?.options ?? EMPTY, 0, message.opt?.options.length ?? 0).flatMap((option) => {
    const error = readEde(option);
    return error === undefined ? [] : [error.infoCode];
  });

const wordsOf = (text: string): AddressWords => {
  const words = createAddress();
  if (!parseAddress(text, words)) throw new TypeError(`"${text}" is not an address`);
  return words;
};

const FLAG_RCODE = 0xf;
const EMPTY = new Uint8Array(0);
