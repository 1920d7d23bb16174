// Questions, answers and what waits for them are used again: whatever becomes of a question, each client has one answer, and it
// is that to its own question.
//
// Through the whole chain of a worker with DNS64, so that a question is asked in two forms. Two servers answer, answer twice,
// late, badly or not at all; names and answers are all of one length, so that each fits in what another one had; the room is
// small and its clock fast, so that questions give way. Whoever looks too late ends the thread, or tells somebody else's address.
import { expect, onTestFinished, test, vi } from 'vitest';
import { createResolver } from '../../../src/resolver/resolve/chain.ts';
import { UpstreamAnswer } from '../../../src/resolver/upstream/upstream-answer.ts';
import { FLAG, RCODE, TYPE } from '../../../src/wire/dns/dns.ts';
import { createRandom } from '../../support/mutate.ts';
import { inTwo } from '../../support/night.ts';
import { buildQuery } from '../../support/records.ts';
import { answer, answerCode, type ScriptedHandler } from '../../support/scripted-upstream.ts';
import { openUpstream, startForwarding } from '../upstream/setup.ts';
import { Bench, createRules, onlyAnswer, prefixes, rcodeOf } from './setup.ts';

const QUESTIONS = 600;
const UNDER_WAY_MAX = 40;
/** So many pass between two questions: who waits for some ten others may give way. */
const PASSED_MS = 20;

const addressOf = (index: number): string => `198.51.${100 + Math.floor(index / 100)}.${100 + (index % 100)}`;
const translated = (index: number): string => {
  const [a = 0, b = 0, c = 0, d = 0] = addressOf(index).split('.').map(Number);
  return `64:ff9b::${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
};

/** Whoever looks at a message that was given back finds none, even if no other answer has taken its place. */
const spoilWhatIsGivenBack = (): void => {
  const { end } = UpstreamAnswer.prototype;
  const spy = vi.spyOn(UpstreamAnswer.prototype, 'end').mockImplementation(function (this: UpstreamAnswer) {
    this.message.fill(0xaa);
    end.call(this);
  });
  onTestFinished(() => spy.mockRestore());
};

for (const [options, seeds] of inTwo([1, 2, 3, 4], (seed) => seed < 3))
  test.for(seeds)('each client has its own answer, once (%i)', options, async (seed) => {
    spoilWhatIsGivenBack();
    const random = createRandom(seed);
    const behave: ScriptedHandler = (query) => {
      const index = Number(query.name.slice(1, 4));
      const reply = answer(query, query.type === TYPE.A ? [`${query.name} 60 IN A ${addressOf(index)}`] : []);
      if (query.transport === 'tcp') return random(4) === 0 ? undefined : reply;
      const kind = random(16);
      if (kind < 7) return reply;
      if (kind === 7) return [reply, reply];
      if (kind < 10) return { delayMs: 20 + random(200), messages: reply };
      if (kind === 10) return { delayMs: 60, messages: [reply, answerCode(query, RCODE.SERVFAIL)] };
      if (kind === 11) return answerCode(query, RCODE.SERVFAIL);
      if (kind === 12) return answerCode(query, RCODE.NOERROR, FLAG.TC);
      if (kind === 13) return [answerCode(query, RCODE.REFUSED), reply];
      return undefined;
    };
    const servers = [await openUpstream(behave), await openUpstream(behave)];
    const { forwarding, clock } = startForwarding([{ endpoints: servers.map(({ endpoint }) => endpoint) }], {
      tryTimeoutMs: 120,
      timeoutMs: 400,
    });
    const [wellKnown] = prefixes('64:ff9b::/96');
    if (wellKnown === undefined) throw new TypeError('no prefix');
    const settings = {
      mode: 'off',
      timeoutMs: 400,
      anchors: [],
      negativeAnchors: [],
      aggressiveNsec: false,
      allowSha1: false,
      dns64: { prefix: wellKnown, exclude: [] },
      local: { records: [], zones: [] },
    } as const;
    const resolver = createResolver(settings, forwarding, clock, { validated: () => {} });
    const bench = new Bench(
      { ...createRules(), fairness: { inflightMax: UNDER_WAY_MAX, share: 1, zoneShare: 1 } },
      resolver,
    );
    const told: Uint8Array[][] = [];
    for (let index = 0; index < QUESTIONS; index++) {
      while (bench.pipeline.waiting > UNDER_WAY_MAX - 5 + random(10))
        await new Promise((resolve) => setImmediate(resolve));
      const name = `n${String(index).padStart(3, '0')}.example.com.`;
      bench.nowMs += PASSED_MS;
      told.push(bench.send(buildQuery(`${name} ${index % 3 === 0 ? 'AAAA' : 'A'}`, { id: index })).answers);
    }
    await expect.poll(() => bench.pipeline.waiting + forwarding.inflight).toBe(0);
    let right = 0;
    const wrong = told.flatMap((answers, index) => {
      const message = onlyAnswer(answers);
      const name = `n${String(index).padStart(3, '0')}.example.com.`;
      const own = index % 3 === 0 ? `AAAA ${translated(index)}` : `A ${addressOf(index)}`;
      const isOwn = message.id === index && message.question === `${name} ${own.split(' ')[0]}`;
      const data = message.answer.map((text) => text.replace(/ \d+ IN /, ' '));
      // Where the A records cannot be had, there are no AAAA records (RFC 6147 section 5.1.2).
      const mayBeEmpty = rcodeOf(message) === RCODE.SERVFAIL || own.startsWith('AAAA');
      if (isOwn && mayBeEmpty && data.length === 0) return [];
      if (isOwn && data.join() === `${name} ${own}`) right++;
      else return [`${index}: ${message.question} ${data.join()}`];
      return [];
    });
    expect(wrong).toEqual([]);
    expect(right).toBeGreaterThan(QUESTIONS / 2);
    expect(bench.counts.some((line) => line.startsWith('gave-way'))).toBe(true);
  });
