// Asks a pipeline one question on behalf of a client, and keeps what it says of how it decides.
//
// The pipeline is made for this question, of the parts that answer clients: the rules and exemptions in force, the
// cache, the failures that are remembered, the chain of resolvers. So it decides what clients would get, and nobody
// else's counts, records or shares know of it. What the resolver learns on the way (an answer, a zone's keys, that an
// upstream is silent) it keeps, as from any question. Like a stub resolver it asks over UDP, and over TCP again where
// the answer is too long.

import { type AddressWords, type Clock, createAddress, parseAddress } from '../../base/base.ts';
import { type Credentials, Shown } from '../../policy/access/access.ts';
import { ACTION, type ExemptionIndex } from '../../policy/policy.ts';
import {
  CLASS,
  FLAG,
  MESSAGE_LENGTH_MAX,
  MessageBuilder,
  messageFlags,
  OPT_LENGTH,
  RCODE,
  UDP_LENGTH_MAX,
  writeOpt,
  writeU16,
} from '../../wire/dns/dns.ts';
import type { AnswerCache } from '../cache/cache.ts';
import { PENDING, Pipeline, type PipelineRules, type Resolver, TRANSPORT } from '../pipeline/pipeline.ts';
import { type Findings, Tracing } from './tracing.ts';

/** Any port that clients can have: the pipeline asked has nobody who counts or records. */
const PORT = 1;
/** Where ARCOUNT stands. */
const ARCOUNT_OFFSET = 10;

/** A forwarder through which is asked. */
export interface Via {
  readonly name: string;
  /** Text of its IP address. */
  readonly address: string;
  /** Its clients cannot say who they are. */
  readonly overwrites: boolean;
  /** The options in which it names its clients, as it would send them for this one. */
  readonly options: Uint8Array;
}

/** What is asked. */
export interface Asked {
  /** Uncompressed wire name. */
  readonly name: Uint8Array;
  readonly types: readonly number[];
  /** Text of an IP address. */
  readonly client: string;
  /** Name of the listener; empty: any that has no group of its own. */
  readonly listener: string;
  /** The forwarder that says who the client is; undefined: the client asks itself. */
  readonly via?: Via | undefined;
  /** False: no upstream is asked. */
  readonly follows: boolean;
  /** What the client shows beside its address, over TLS; undefined: nothing. */
  readonly shown?: Credentials | undefined;
}

/** What decides. */
export interface Means {
  readonly rules: PipelineRules;
  readonly resolver: Resolver;
  /** False once another resolver is in force: what this one says is kept no more. */
  readonly isInForce: () => boolean;
  readonly cache: AnswerCache;
  readonly clock: Clock;
  /** Undefined: none. */
  readonly exemptions: ExemptionIndex | undefined;
  /** The pipeline that clients ask; undefined: there is none. */
  readonly beside?: Pipeline | undefined;
}

/** What came of one question. */
export interface TracedAnswer extends Findings {
  readonly type: number;
  /** As the client would get it; empty: nothing would be answered, or the resolver was not asked. */
  readonly message: Uint8Array;
  /** False: an upstream would have to be asked, and was not. */
  readonly isFollowed: boolean;
  readonly tookMs: number;
}

/** What came of all; plain data. */
export interface Traced {
  /** The generation that judged; 0: there is none. */
  readonly generation: number;
  /** The time by the clock that decided. */
  readonly nowMs: number;
  /** Index of the client's group. */
  readonly group: number;
  /** One of BY where what the client shows put it there; undefined otherwise. */
  readonly by?: number | undefined;
  /** Name of the device that it is. */
  readonly device?: string | undefined;
  readonly allowed: boolean;
  readonly answers: readonly TracedAnswer[];
}

/** Asks for a name, each type at the same time. Never rejects. */
export const traceQuestions = async (means: Means, asked: Asked): Promise<Traced> => {
  const address = createAddress();
  parseAddress(asked.client, address);
  const { clients } = means.rules;
  const shown = shownOf(asked);
  const who = clients.identities && shown?.of(clients.identities, means.clock());
  const known = clients.identify(address, asked.listener, who);
  const allowed = known.allowed && (asked.via === undefined || isSpokenFor(means, asked.via, address));
  const { group } = known;
  return {
    generation: means.rules.policy?.generation ?? 0,
    nowMs: means.clock(),
    group,
    by: who?.by,
    device: who?.device?.name,
    allowed,
    answers: await Promise.all(asked.types.map((type) => traceQuestion(means, asked, address, type))),
  };
};

/** True when the forwarder may say so. */
const isSpokenFor = ({ rules: { clients } }: Means, via: Via, address: AddressWords): boolean => {
  const peer = createAddress();
  parseAddress(via.address, peer);
  const index = clients.forwarders?.find(peer, undefined, 0) ?? -1;
  return index >= 0 && clients.forwarders?.speaksFor(index, address) === true;
};

const shownOf = ({ shown }: Asked): Shown | undefined =>
  shown && new Shown(shown.serverName, shown.certificate, shown.token);

const traceQuestion = async (
  means: Means,
  asked: Asked,
  address: AddressWords,
  type: number,
): Promise<TracedAnswer> => {
  const { name, listener, follows } = asked;
  const shown = shownOf(asked);
  const startedMs = performance.now();
  const tracing = new Tracing(() => performance.now());
  const pipeline = createPipeline(means, tracing, follows);
  const query = createQuery(name, type, asked.via?.options);
  const peer = createAddress();
  if (asked.via === undefined) peer.set(address);
  else parseAddress(asked.via.address, peer);
  const ask = (transport: number): Promise<Uint8Array | undefined> => {
    const out = new Uint8Array(MESSAGE_LENGTH_MAX);
    const length = pipeline.decide(query, query.length, peer, PORT, transport, out, listener, shown);
    if (length !== PENDING) return Promise.resolve(out.slice(0, length));
    return new Promise((resolve) => {
      pipeline.resolve((message) => resolve(new Uint8Array(message)));
      // What would be asked now is not: nothing more comes.
      if (!follows) resolve(undefined);
    });
  };
  let message = await ask(shown === undefined ? TRANSPORT.UDP : TRANSPORT.DOT);
  if (message !== undefined && isCutShort(message, tracing.findings())) {
    tracing.step('transport', 'too long for UDP: asked again over TCP');
    message = await ask(TRANSPORT.TCP);
  }
  return {
    ...tracing.findings(),
    type,
    message: message ?? new Uint8Array(0),
    isFollowed: message !== undefined,
    tookMs: performance.now() - startedMs,
  };
};

const createPipeline = (means: Means, tracing: Tracing, follows: boolean): Pipeline => {
  const resolver: Resolver = {
    joinsVariants: (type) => means.resolver.joinsVariants?.(type) === true,
    resolve(question, done) {
      tracing.asked(question.name, question.type);
      if (!follows) return;
      means.resolver.resolve({ ...question, trace: tracing }, (resolution) => {
        tracing.resolved(resolution);
        if (!means.isInForce()) pipeline.setResolver(means.resolver);
        done(resolution);
      });
    },
  };
  const { rules, cache, clock, exemptions, beside } = means;
  const pipeline: Pipeline = new Pipeline({
    rules,
    resolver,
    cache,
    clock,
    exemptions,
    observer: tracing,
    trace: tracing,
    ...(beside && { beside }),
  });
  return pipeline;
};

/** True for an answer that is truncated because of its length, and not because a rule wants TCP. */
const isCutShort = (message: Uint8Array, { refusal }: Findings): boolean =>
  message.length > 0 && (messageFlags(message) & FLAG.TC) !== 0 && refusal?.action !== ACTION.TCP_ONLY;

/** As a stub resolver asks: with RD, and with EDNS, so that it is told why. */
const createQuery = (name: Uint8Array, type: number, options: Uint8Array = NO_OPTIONS): Uint8Array => {
  const builder = new MessageBuilder(new Uint8Array(UDP_LENGTH_MAX));
  builder.start(0, FLAG.RD).question(name, type, CLASS.IN);
  const { bytes, length } = builder;
  writeOpt(bytes, length, UDP_LENGTH_MAX, RCODE.NOERROR, false);
  writeU16(bytes, ARCOUNT_OFFSET, 1);
  writeU16(bytes, length + OPT_LENGTH - 2, options.length);
  bytes.set(options, length + OPT_LENGTH);
  return bytes.slice(0, length + OPT_LENGTH + options.length);
};

const NO_OPTIONS = new Uint8Array(0);
