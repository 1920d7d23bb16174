// Cordon, unbound and BIND before the same upstreams, asked the same: every difference has a name and a reason.
//
// The upstreams are named and NSD with a signed tree of every shape; ten thousand questions are made of what stands in
// it. The classes of differences are in differential/classes.ts; docs/conformance.md tells how many questions fall into
// which. `npm run differential` asks as many as wanted.
import { expect, type TestContext, test } from 'vitest';
import { readReply } from '../support/client.ts';
import { NIGHT } from '../support/night.ts';
import { requireProgram } from '../support/process.ts';
import { buildResponse } from '../support/records.ts';
import { type Aspect, type Canonical, compare, toCanonical } from './differential/canonical.ts';
import { CLASSES } from './differential/classes.ts';
import { explain } from './differential/comparison.ts';
import { runContest } from './differential/contest.ts';
import { PROGRAMS, UPSTREAMS } from './differential/servers.ts';

const SEED = 12;
const TIMEOUT_MS = 600_000;
/** So many questions fall into every class that is not rare. */
const EVERY_CLASS_MIN = 2_000;

const SIGNATURE = 'www.example. 300 IN RRSIG A 13 2 300 20300101000000 20200101000000 1 example. AAAA';
const sound = (changes: Parameters<typeof buildResponse>[0] = {}): Canonical =>
  toCanonical(
    readReply(
      buildResponse({
        question: 'www.example. A',
        flags: 0x81a0,
        answer: ['www.example. 300 IN A 192.0.2.1', SIGNATURE],
        edns: { ttl: 0x8000 },
        ...changes,
      }),
    ),
  );

/** What an answer can get wrong, and what the comparison has to say. */
const WRONG: readonly (readonly [string, Canonical | undefined, readonly Aspect[]])[] = [
  ['no answer', undefined, ['silence']],
  ['RCODE', sound({ flags: 0x81a3 }), ['RCODE']],
  ['AD left out', sound({ flags: 0x8180 }), ['AD']],
  ['AA', sound({ flags: 0x85a0 }), ['AA']],
  ['TC', sound({ flags: 0x83a0 }), ['TC']],
  ['letters of QNAME', sound({ question: 'wwW.example. A' }), ['question']],
  ['a record less', sound({ answer: ['www.example. 300 IN A 192.0.2.1'] }), ['answer']],
  ['another address', sound({ answer: ['www.example. 300 IN A 192.0.2.2', SIGNATURE] }), ['answer']],
  ['a longer TTL', sound({ answer: ['www.example. 900 IN A 192.0.2.1', SIGNATURE] }), ['TTL']],
  ['AUTHORITY', sound({ authority: ['example. 300 IN NS ns.example.'] }), ['authority']],
  ['ADDITIONAL', sound({ additional: ['ns.example. 300 IN A 192.0.2.1'] }), ['additional']],
  ['DO left out', sound({ edns: {} }), ['DO']],
];

test.for(WRONG)('a difference that no class explains is found: %s', ([, wrong, aspects]) => {
  const right = sound();
  for (const replies of [
    [wrong, right, right],
    [right, wrong, right],
    [right, right, wrong],
  ] as const) {
    const [cordon, unbound, bind] = replies;
    const differing = compare(replies, 10);
    expect([...differing]).toEqual(aspects);
    for (const upstream of UPSTREAMS) {
      const asked = {
        text: 'www.example. A',
        type: 'A',
        class: 'IN',
        flags: 0x0100,
        transport: 'tcp',
      } as const;
      const edns = { udpLength: 1232, ttl: 0x8000 };
      const comparison = {
        slackSec: 10,
        isMade: false,
        upstream,
        asked: { ...asked, edns },
        cordon,
        unbound,
        bind,
        witness: right,
        differing,
      };
      expect(explain(comparison, CLASSES)).toEqual({ names: [], unexplained: aspects });
    }
  }
});

const contest =
  (questions: number) =>
  async (context: TestContext): Promise<void> => {
    for (const program of PROGRAMS) requireProgram(context, program);
    const progress = (line: string): void => void process.stderr.write(`differential: ${line}\n`);
    const report = await runContest({ questions, seed: SEED, progress });
    expect(report.examples.join('\n\n')).toBe('');
    expect(report.unexplained).toBe(0);
    // Caches fill at other moments: what is gone when asked again is bounded, and printed.
    expect(report.momentary.length, report.momentary.join('\n\n')).toBeLessThanOrEqual(questions / 1000);
    expect(report.questions).toBe(questions);
    // Most questions have to find something, or the comparison says nothing.
    expect(report.rcodes.get('NOERROR')).toBeGreaterThan(questions / 2);
    // Some classes have a question in a thousand.
    const unused = CLASSES.filter(({ name, isRare }) => isRare !== true && !report.counts.has(name));
    if (questions >= EVERY_CLASS_MIN) expect(unused.map(({ name }) => name)).toEqual([]);
  };

test('six hundred questions: no difference is unexplained', { timeout: TIMEOUT_MS }, contest(600));
test(
  'ten thousand questions: no difference is unexplained',
  { ...NIGHT, timeout: TIMEOUT_MS },
  contest(10_000),
);
