// Answers from texts, and the readable form of what the cache keeps of them.
import { type Answer, createAnswer, type TtlLimits } from '../../../src/resolver/cache/cache.ts';
import { foldName, nameFrom } from '../../../src/wire/dns/dns.ts';
import { buildResponse, type MessageText, parseMessage } from '../../support/records.ts';

/** The limits of the default configuration. */
export const LIMITS: TtlLimits = { minSec: 0, maxSec: 86_400, negativeMaxSec: 900 };

/** When answers of tests arrive, milliseconds. */
export const ARRIVAL_MS = 1_000_000;

/** What createAnswer makes of a response; the question is `a.example. A` unless the text has one. */
export const answerOf = (
  text: MessageText,
  changes: { dnssecOk?: boolean; limits?: Partial<TtlLimits>; nowMs?: number } = {},
): Answer | undefined => {
  const question = text.question ?? 'a.example. A';
  return answerOfBytes(buildResponse({ question, ...text }), question.split(' ')[0] ?? '', changes);
};

/** The same of bytes. */
export const answerOfBytes = (
  message: Uint8Array,
  qname: string,
  changes: { dnssecOk?: boolean; limits?: Partial<TtlLimits>; nowMs?: number } = {},
): Answer | undefined => {
  const name = nameFrom(qname);
  foldName(name, 0, name.length);
  const { dnssecOk = false, limits, nowMs = ARRIVAL_MS } = changes;
  return createAnswer(message, name, dnssecOk, { ...LIMITS, ...limits }, nowMs);
};

/** Lifetime and records of an answer. */
export const formatAnswer = (
  answer: Answer | undefined,
): { lifetimeSec: number; answer: readonly string[]; authority: readonly string[] } | undefined => {
  if (answer === undefined) return undefined;
  const { answer: records, authority, additional, opt, isSound } = parseMessage(answer.wire);
  if (!isSound || opt !== undefined || additional.length > 0)
    throw new Error('the kept message is not sound');
  return { lifetimeSec: answer.lifetimeSec, answer: records, authority };
};
