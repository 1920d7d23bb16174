// Cordon beside unbound before zones whose DS, keys and proofs are of every shape: nothing is secure or insecure that
// unbound calls bogus, and where Cordon is stricter a name and a reason stand in validation/differences.ts. The gate asks
// about some hundreds of cases; `npm run differential:dnssec` about all.
import { expect, test } from 'vitest';
import { NIGHT } from '../support/night.ts';
import { requireProgram } from '../support/process.ts';
import { createAttacks } from './validation/attacks.ts';
import { runMatrix } from './validation/contest.ts';
import { createDelegations, createSha1Delegations } from './validation/delegations.ts';
import { createDenials } from './validation/denials.ts';
import { type MatrixResult, reportOn } from './validation/differences.ts';

const TIMEOUT_MS = 300_000;

const MATRICES = [
  ['DS sets and keys', createDelegations],
  ['denials', createDenials],
  ['records that stand where they prove nothing', createAttacks],
] as const;
for (const [every, options] of [
  [5, {}],
  [1, NIGHT],
] as const)
  test.for(MATRICES)(
    `%s are worth what they are worth to unbound, of ${every} one`,
    { ...options, timeout: TIMEOUT_MS },
    async ([, create], context) => {
      requireProgram(context, 'unbound');
      const cases = create(false).filter((_, index) => index % every === 0);
      const report = reportOn(await runMatrix(cases));
      expect(report.faults).toEqual([]);
      expect(report.cases).toBe(cases.length);
      expect(report.equal).toBeGreaterThan(report.cases / 2);
    },
  );

test('with SHA-1 as the operator wants it forged data are bogus as for unbound', {
  ...NIGHT,
  timeout: TIMEOUT_MS,
}, async (context) => {
  requireProgram(context, 'unbound');
  const cases = createSha1Delegations();
  const report = reportOn(await runMatrix(cases, { allowSha1: true }));
  expect(report.faults).toEqual([]);
  expect(report.counts.get('RSASHA1, forged')).toBe(0);
  expect(report.equal).toBeGreaterThan(report.cases / 2);
});

test.each<[string, Partial<MatrixResult['item']>, string, string, boolean]>([
  ['insecure where unbound is bogus', {}, 'insecure data', 'bogus', false],
  ['secure where unbound is bogus', {}, 'secure data', 'bogus', false],
  ['secure where it must be bogus', { right: 'bogus' }, 'secure data', 'secure data', false],
  ['insecure where it must be bogus', { right: 'bogus' }, 'insecure data', 'insecure data', false],
  ['bogus without a reason', {}, 'bogus', 'secure data', false],
  ['bogus for a reason', { title: 'DS rsa512/2; keys whole; data signed' }, 'bogus', 'secure data', true],
  [
    'a reason that does not fit',
    { title: 'DS rsa512/2; keys whole; data forged' },
    'insecure data',
    'bogus',
    false,
  ],
  ['the same', {}, 'secure data', 'secure data', true],
])('a fault is found: %s', (_, item, cordon, unbound, isFine) => {
  const base = { title: 'DS p256/2; keys whole; data signed', question: 'www A', reply: () => undefined };
  const result = { item: { ...base, ...item }, question: 'www A', cordon, unbound, told: cordon };
  expect(reportOn([result]).faults.length === 0).toBe(isFine);
});
