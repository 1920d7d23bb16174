// A bounded part of the long run in test/soak/corpus.ts: malformed queries, and malformed answers to sound queries.
import { expect, test } from 'vitest';
import { runsInTwo } from '../support/night.ts';
import { attackAsClient, attackAsUpstream } from './attack.ts';

const MESSAGES = 500;
const TIMEOUT_MS = 120_000;
/** Fixed, so that the same messages are sent in every run; the long run chooses its own. */
const SEED = 20_261_124;

for (const [options, messages] of runsInTwo(MESSAGES, 8)) {
  test(`malformed queries get responses or silence, and sound ones go on: ${messages} of them`, {
    timeout: TIMEOUT_MS,
    ...options,
  }, async () => {
    const report = await attackAsClient({ count: messages, seed: SEED });
    expect(report.breaches).toEqual([]);
    expect(report.sent).toBe(messages);
    expect(report.answered).toBeGreaterThan(messages / 2);
    // Queries that are still sound are answered and refused among them: the attack reaches every part.
    for (const rcode of [0, 1, 3, 4, 5]) expect(report.rcodes[rcode], `RCODE ${rcode}`).toBeGreaterThan(0);
  });

  test(`malformed answers become SERVFAIL, or sound answers that lead to nothing listed: ${messages} of them`, {
    timeout: TIMEOUT_MS,
    ...options,
  }, async () => {
    const report = await attackAsUpstream({ count: messages, seed: SEED });
    expect(report.breaches).toEqual([]);
    expect(report.answered).toBe(messages);
    // Few are refused: where aliases lead on, the further question meets a malformed answer as well.
    for (const rcode of [0, 2, 3])
      expect(report.rcodes[rcode], `RCODE ${rcode}`).toBeGreaterThan(messages / 250);
  });
}
