// What one change costs beside thousands of others: counted in processor time of many changes, compared with itself.
import { describe, expect, test } from 'vitest';
import type { ExemptionPaper } from '../../../src/evidence/exemptions/paper.ts';
import { grantSteps, type Step } from '../../../src/evidence/exemptions/register-steps.ts';
import { processorNs } from '../../soak/cost/measure.ts';
import {
  DAY_MS,
  day,
  HEAD,
  NOW,
  openRegister,
  outcomeOf,
  REQUEST,
  REQUESTER,
  type TestRegister,
} from './setup.ts';

const FEW = 10;
const MANY = 1_500;
/** Changes that are measured together, and how often; the quickest counts, since other programs run beside. */
const BATCH = 6;
const TRIES = 3;
/** Of a batch among many over one among few. With every paper looked at for each change it was nine. */
const RATIO_MAX = 3;

const clientOf = (index: number): string =>
  `10.${index >> 14}.${(index >> 6) & 0xff}.${(index & 0x3f) << 2}/32`;

/** Papers that are granted already, written in one step. */
const fill = ({ register }: TestRegister, count: number): void => {
  const { paper } = register.request({ ...REQUEST, clients: ['192.0.2.8/32'] }, REQUESTER);
  const like = paper as ExemptionPaper;
  const steps = Array.from({ length: count }, (_, index): Step[] => {
    const id = `ex-${String(index + 2).padStart(6, '0')}`;
    const one: ExemptionPaper = { ...like, id, clients: [clientOf(index)], until: day(2 + (index % 25)) };
    return [
      { event: 'requested', paper: one, by: one.requestedBy },
      ...grantSteps(one, HEAD, NOW, one.profile),
    ];
  });
  register.write(steps.flat());
};

let next = 100_000;
const change = ({ register, clock }: TestRegister): void => {
  clock.nowMs += 1;
  const { paper, problems } = register.request({ ...REQUEST, clients: [clientOf(next++)] }, REQUESTER);
  expect(problems).toEqual([]);
  const id = paper?.id ?? '';
  expect(outcomeOf(register.approve(id, HEAD))).toBe('active');
  register.nextChangeMs();
  register.revoke(id, { by: 'A. Head', reason: 'over' });
  register.nextChangeMs();
};

const costOf = (held: TestRegister): number => {
  const costs = Array.from({ length: TRIES }, () => {
    const before = processorNs();
    for (let count = 0; count < BATCH; count++) change(held);
    return processorNs() - before;
  });
  return Math.min(...costs);
};

describe('a register of thousands', () => {
  test('asking, granting and revoking cost what they cost among a few', () => {
    const [few, many] = [openRegister(), openRegister()];
    fill(few, FEW);
    fill(many, MANY);
    costOf(few);
    expect(costOf(many) / costOf(few)).toBeLessThan(RATIO_MAX);
    expect(many.register.counts.active).toBe(MANY);
  });

  test('an end that comes writes down those that end then, and no others are looked at', () => {
    const held = openRegister();
    fill(held, MANY);
    held.clock.nowMs = NOW + 2 * DAY_MS;
    expect(held.register.nextChangeMs()).toBeLessThanOrEqual(NOW + 2 * DAY_MS);
    const steps = held.register.advance();
    expect(steps.filter(({ event }) => event === 'expired')).toHaveLength(MANY / 25);
    expect(held.register.advance()).toEqual([]);
    expect(held.register.nextChangeMs()).toBeGreaterThan(NOW + 2 * DAY_MS);
  });
});
