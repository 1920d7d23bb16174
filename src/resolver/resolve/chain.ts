// The resolver chain of a worker: the zone of the probe, DNS64, records of the configuration, a deadline, validation or trust in that of upstreams, alias
// following, forwarding.
//
// Disabled links are left out, so that they cost nothing. Aliases are followed below validation: it sees one whole
// answer, finds the zone of each record by itself, and the weakest part decides.
import type { Clock, Prefix } from '../../base/base.ts';
import { VALIDATION } from '../../telemetry/observe/observe.ts';
import { FLAG, foldedName, MessageBuilder, messageFlags, RCODE } from '../../wire/dns/dns.ts';
import {
  type TrustAnchor,
  type ValidatedOutcome,
  Validator,
  type ValidatorObserver,
} from '../dnssec/dnssec.ts';
import { LOCAL, type LocalData, LocalRecords, LocalZones } from '../local/local.ts';
import type { Question, Resolution, Resolver } from '../pipeline/pipeline.ts';
import { AliasFollower, type Exchange, type Forwarding } from '../upstream/upstream.ts';
import { Dns64Resolver } from './dns64.ts';
import { LocalResolver } from './local-records.ts';
import { ProbeZone } from './probe-zone.ts';

/** What is done about DNSSEC; what `auto` of the configuration came to is one of these. */
export type ValidationMode = 'validate' | 'trust-ad' | 'off';

/** How questions of workers are resolved, beside where they go; plain data that crosses threads. */
export interface ResolutionSettings {
  readonly mode: ValidationMode;
  /** For a question with all that its aliases and its validation ask for. */
  readonly timeoutMs: number;
  /** For `validate`. */
  readonly anchors: readonly TrustAnchor[];
  /** Wire names, folded. */
  readonly negativeAnchors: readonly Uint8Array[];
  readonly aggressiveNsec: boolean;
  readonly allowSha1: boolean;
  readonly dns64: { readonly prefix: Prefix; readonly exclude: readonly Prefix[] } | undefined;
  /** What the configuration answers. */
  readonly local: LocalData;
}

/** Is told what was found; see WorkerCounters. */
export interface ResolutionObserver {
  validated(result: number): void;
}

/** Puts a resolver before the next one. */
type Link = (next: Resolver) => Resolver;

/** The resolver of a worker's pipeline. */
export const createResolver = (
  settings: ResolutionSettings,
  forwarding: Forwarding,
  clock: Clock,
  observer: ResolutionObserver,
): Resolver => {
  const { mode, timeoutMs, dns64 } = settings;
  // Aliases end before the deadline: lists have to judge what was found of them.
  const followingMs = mode === 'validate' ? timeoutMs - DEADLINE_RESERVE_MS : timeoutMs;
  const following = createFollowing(forwarding, Math.max(0, followingMs), clock);
  const records = new LocalRecords(settings.local);
  const isKeptHere = keptHereBy(forwarding);
  const answerHere = (question: Question): Resolution | undefined => {
    const name = foldedName(question.name);
    const isWritten = records.find(name) !== undefined;
    return isWritten || !isKeptHere(name, question) ? undefined : answerSpecialUse(question, name);
  };
  // From the pipeline to the upstreams. What judges stands right before the aliases: it wants to know how answers came.
  const chain: readonly (Link | false | undefined)[] = [
    (next) => new ProbeZone(next),
    dns64 && ((next) => new Dns64Resolver({ resolver: next, ...dns64, answerHere })),
    // Hosts of the configuration that have IPv4 addresses only are behind the translator as others are.
    !records.isEmpty && ((next) => new LocalResolver({ records, resolver: next, isKeptHere })),
    mode === 'validate' && ((next) => withDeadline(next, timeoutMs)),
    mode === 'validate' && (() => createValidating(settings, following, forwarding, clock, observer)),
    mode === 'trust-ad' && (() => trustingAd(following)),
    () => following,
  ];
  return chain.reduceRight<Resolver>((next, link) => (link ? link(next) : next), forwarding);
};

const RESULTS = {
  secure: VALIDATION.SECURE,
  insecure: VALIDATION.INSECURE,
  bogus: VALIDATION.BOGUS,
} as const;

const SILENT: Omit<ValidatorObserver, 'validated' | 'defect'> = {
  chainLookup: () => {},
  retried: () => {},
  denied: () => {},
  exceeded: () => {},
};

const createValidating = (
  settings: ResolutionSettings,
  following: Exchange,
  forwarding: Forwarding,
  clock: Clock,
  observer: ResolutionObserver,
): Resolver => {
  const validator = new Validator({
    lookup: following,
    // That a name is an alias says enough about a delegation.
    chainLookup: forwarding,
    anchors: settings.anchors,
    negativeAnchors: settings.negativeAnchors,
    aggressiveNsec: settings.aggressiveNsec,
    allowSha1: settings.allowSha1,
    clock,
    observer: {
      ...SILENT,
      validated: (verdict) => {
        observer.validated(RESULTS[verdict]);
      },
      // One question fails and is counted. The worker goes on: a client that finds such an answer shall not end it at will.
      defect: () => {
        observer.validated(VALIDATION.DEFECT);
      },
    },
  });
  return traced(validator);
};

/** Tells a question that is explained what validation found. */
const traced = (validator: Validator): Resolver => ({
  resolve(question, done) {
    const { trace } = question;
    if (trace === undefined) {
      validator.resolve(question, done);
      return;
    }
    validator.resolve(question, (outcome) => {
      trace.step('validation', wordsOf(outcome));
      done(outcome);
    });
  },
});

const wordsOf = (outcome: ValidatedOutcome): string => {
  if (outcome.kind === 'failure') return `not possible: ${outcome.reason}`;
  if (outcome.kind === 'bogus') return `bogus: ${outcome.text}`;
  const { security, insecureReason } = outcome;
  return insecureReason === undefined ? security : `${security}: ${insecureReason.text}`;
};

/** Of the deadline of a question: between the end of its aliases without an answer and its own. */
const DEADLINE_RESERVE_MS = 50;

/** Special-use names; where aliases lead is not for upstreams either, but where a forwarding zone says otherwise. */
const SPECIAL_USE = new LocalZones([]);

const createFollowing = (forwarding: Forwarding, timeoutMs: number, clock: Clock): Exchange =>
  new AliasFollower({
    exchange: forwarding,
    timeoutMs,
    clock,
    isKeptHere: keptHereBy(forwarding),
  });

/** Tells names that no upstream may see. */
const keptHereBy =
  (forwarding: Forwarding) =>
  (name: Uint8Array, { type, view }: { readonly type: number; readonly view: number }): boolean =>
    SPECIAL_USE.find(name, name.length, type) !== LOCAL.NONE && !forwarding.hasZoneFor(name, view);

/** What is said of a special-use name: the SOA of its zone, or the record that it has. */
const answerSpecialUse = (question: Question, name: Uint8Array): Resolution => {
  const found = SPECIAL_USE.find(name, name.length, question.type);
  const rcode = found === LOCAL.NXDOMAIN ? RCODE.NXDOMAIN : RCODE.NOERROR;
  const builder = new MessageBuilder(new Uint8Array(SPECIAL_USE_BYTES))
    .start(0, FLAG.QR | FLAG.RD | FLAG.RA | rcode)
    .question(question.name, question.type, question.class);
  if (found === LOCAL.DATA) SPECIAL_USE.writeData(builder, name, question.type);
  else SPECIAL_USE.writeSoa(builder);
  return { kind: 'answer', message: builder.finish().slice(), isOwn: true };
};

/** A question, a name and an SOA record with three names. */
const SPECIAL_USE_BYTES = 2048;

/**
 * Ends a question in time: validation may need many look-ups, each with a deadline of its own. What it learns afterwards
 * serves the next one.
 */
const withDeadline = (resolver: Resolver, timeoutMs: number): Resolver => ({
  // What validates asks with DO and CD whatever the client did.
  joinsVariants: () => true,
  resolve(question, done) {
    let isOver = false;
    const end = (resolution: Resolution): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      done(resolution);
    };
    const timer = setTimeout(() => {
      question.trace?.step('deadline', 'reached');
      end({ kind: 'failure', reason: 'timeout' });
    }, timeoutMs);
    resolver.resolve(question, end);
  },
});

/** Takes an upstream's word for it, when nobody on the way can have put it there (RFC 6840 section 5.8). */
const trustingAd = (exchange: Exchange): Resolver => ({
  resolve(question, done) {
    exchange.resolve({ ...question, wantsAd: true }, (outcome) => {
      if (outcome.kind === 'failure') {
        done(outcome);
        return;
      }
      const { message, isEncrypted } = outcome;
      const isSecure = isEncrypted && (messageFlags(message) & FLAG.AD) !== 0;
      question.trace?.step(
        'validation',
        isSecure ? 'secure, says the upstream' : 'insecure, says the upstream',
      );
      done({ kind: 'answer', message, security: isSecure ? 'secure' : 'insecure' });
    });
  },
});
