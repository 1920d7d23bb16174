// What an answer is judged by does not depend on the order of the records of an RRset: upstreams rotate them.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ACTION, Policy, Verdict } from '../../src/policy/policy.ts';
import { questionEnd, TYPE } from '../../src/wire/dns/dns.ts';
import { buildResponse } from '../support/records.ts';
import { collectTargets } from '../support/targets.ts';
import { buildTable, foldedName, policyList } from '../unit/policy/setup.ts';

const QUESTION = 'www.example. ';
const byte = fc.integer({ min: 0, max: 3 });
const action = fc.constantFrom('', ' => passthru', ' => nodata', ' => nxdomain', ' => drop');
const important = fc.constantFrom('', ' ; important');
const ruleFor = (trigger: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.tuple(trigger, action, important).map((parts) => parts.join(''));

const prefix = fc.oneof(
  fc.tuple(byte, byte).map(([c, d]) => `192.0.${c}.${d}/32`),
  byte.map((c) => `192.0.${c}.0/24`),
  fc.tuple(byte, byte).map(([c, d]) => `2001:db8:${c}::${d}/128`),
  byte.map((c) => `2001:db8:${c}::/48`),
);
const label = fc.constantFrom('a', 'b', 'c');
const target = fc.tuple(label, label).map(([a, b]) => `${a}.${b}.test`);
const nameTrigger = fc
  .tuple(
    fc.constantFrom('', '=', '*.'),
    fc.oneof(
      label.map((b) => `${b}.test`),
      target,
    ),
  )
  .map((parts) => parts.join(''));

const ipv4 = fc.tuple(byte, byte).map(([c, d]) => `A 192.0.${c}.${d}`);
const ipv6 = fc.tuple(byte, byte).map(([c, d]) => `AAAA 2001:db8:${c}::${d}`);
const service = fc
  .tuple(byte, target, byte, byte)
  .map(([priority, name, c, d]) => `HTTPS ${priority + 1} ${name}. ipv4hint=192.0.${c}.${d}`);

const judge = (policy: Policy, type: string, answer: readonly string[]): object => {
  const message = buildResponse({ question: `${QUESTION}${type}`, answer });
  const targets = collectTargets(
    message,
    message.length,
    questionEnd(message, message.length),
    foldedName('www.example'),
  );
  const verdict = new Verdict();
  verdict.qtype = TYPE.A;
  policy.judgeTargets(targets, 0, verdict);
  const { list, line, action: act, trigger, targetStart, targetLength } = verdict;
  if (list < 0) return { list };
  const found =
    targetLength > 0
      ? Buffer.from(targets.names.subarray(targetStart, targetStart + targetLength)).toString('latin1')
      : [...targets.addresses.subarray(targetStart + 1, targetStart + 5)];
  return {
    list,
    line,
    action: Object.entries(ACTION).find(([, number]) => number === act)?.[0],
    trigger,
    found,
  };
};

test('the same records in another order get the same verdict, by the same rule and for the same target', () => {
  const records = fc.oneof(
    fc.tuple(fc.constant('A'), fc.uniqueArray(ipv4, { minLength: 2, maxLength: 8 })),
    fc.tuple(fc.constant('AAAA'), fc.uniqueArray(ipv6, { minLength: 2, maxLength: 8 })),
    fc.tuple(fc.constant('HTTPS'), fc.uniqueArray(service, { minLength: 2, maxLength: 5 })),
  );
  const lists = fc.array(
    fc.uniqueArray(ruleFor(fc.oneof(prefix, nameTrigger)), {
      maxLength: 8,
      selector: (rule) => rule.split(' ')[0],
    }),
    { minLength: 1, maxLength: 3 },
  );
  fc.assert(
    fc.property(
      lists,
      fc.constantFrom('specificity' as const, 'action' as const, 'closest-encloser' as const),
      records.chain(([type, all]) =>
        fc.tuple(fc.constant(type), fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
      ),
      (rules, precedence, [type, all, shuffled]) => {
        const policy = new Policy(
          {
            generation: 1,
            table: buildTable(rules),
            lists: rules.map((_, index) => policyList(`list-${index}`, { precedence })),
            groups: [{ name: 'default', lists: -1 }],
          },
          0,
        );
        const asRecords = (texts: readonly string[]): string[] =>
          texts.map((text) => `www.example. 60 IN ${text}`);
        expect(judge(policy, type, asRecords(shuffled))).toEqual(judge(policy, type, asRecords(all)));
      },
    ),
    { numRuns: 500 },
  );
});
