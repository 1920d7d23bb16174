// Flights and tries that are used again: whatever becomes of a question, each has one outcome, and it is its own.
//
// Two servers answer, answer twice, late, badly or not at all, over UDP and over TCP, and some questions are given up.
// What belongs to a question must not be used for another one while a socket, the wheel or another try knows of it.
import { expect, test } from 'vitest';
import type { UpstreamOutcome } from '../../../src/resolver/upstream/upstream.ts';
import {
  FLAG,
  formatName,
  HEADER_LENGTH,
  type Interest,
  RCODE,
  skipName,
} from '../../../src/wire/dns/dns.ts';
import { createRandom } from '../../support/mutate.ts';
import { answer, answerCode, type ScriptedHandler } from '../../support/scripted-upstream.ts';
import { openUpstream, question, startForwarding } from './setup.ts';

const QUESTIONS = 400;
const UNDER_WAY_MAX = 40;

const nameOf = (message: Uint8Array): string =>
  formatName(message.subarray(HEADER_LENGTH, skipName(message, HEADER_LENGTH, message.length)));

test.for([1, 2, 3])('each question has its own outcome, once (%i)', async (seed) => {
  const random = createRandom(seed);
  const behave: ScriptedHandler = (query) => {
    const reply = answer(query, [`${query.name} 60 IN A 192.0.2.1`]);
    if (query.transport === 'tcp') return random(4) === 0 ? undefined : reply;
    const kind = random(14);
    if (kind < 6) return reply;
    if (kind === 6) return [reply, reply];
    if (kind === 7) return { delayMs: 20 + random(200), messages: reply };
    if (kind === 8) return { delayMs: 60, messages: [reply, answerCode(query, RCODE.SERVFAIL)] };
    if (kind === 9) return answerCode(query, RCODE.SERVFAIL);
    if (kind === 10) return answerCode(query, RCODE.FORMERR);
    if (kind === 11) return answerCode(query, RCODE.NOERROR, FLAG.TC);
    if (kind === 12) return [answerCode(query, RCODE.REFUSED), reply];
    return undefined;
  };
  const servers = [await openUpstream(behave), await openUpstream(behave)];
  const { forwarding } = startForwarding([{ endpoints: servers.map(({ endpoint }) => endpoint) }], {
    tryTimeoutMs: 120,
    timeoutMs: 400,
  });
  const outcomes: UpstreamOutcome[][] = Array.from({ length: QUESTIONS }, () => []);
  let begun = 0;
  let underWay = 0;
  const finished = Promise.withResolvers<void>();
  const beginSome = (): void => {
    while (begun < QUESTIONS && underWay < UNDER_WAY_MAX) {
      const index = begun++;
      const interest: Interest = { cancel: undefined, lookers: 0, use: 1 };
      underWay++;
      forwarding.resolve(question(`n${index}.example.com.`, 'A', { interest }), (outcome) => {
        outcomes[index]?.push(outcome);
        underWay--;
        if (begun < QUESTIONS) queueMicrotask(beginSome);
        else if (underWay === 0) finished.resolve();
      });
      const lateMs = random(10) === 0 ? random(150) : -1;
      if (lateMs >= 0) setTimeout(() => interest.cancel?.(), lateMs);
    }
  };
  beginSome();
  await finished.promise;
  await expect.poll(() => forwarding.inflight).toBe(0);
  expect(outcomes.filter((told) => told.length !== 1)).toEqual([]);
  const strangers = outcomes.flatMap(([outcome], index) =>
    outcome?.kind === 'answer' && nameOf(outcome.message) !== `n${index}.example.com.` ? [index] : [],
  );
  expect(strangers).toEqual([]);
  expect(outcomes.filter(([outcome]) => outcome?.kind === 'answer').length).toBeGreaterThan(QUESTIONS / 2);
});
