// A network, a request that keeps every rule of us-federal, and a register in a directory of its own.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Account, type Prefix, parsePrefix } from '../../../src/base/base.ts';
import type { Profile } from '../../../src/evidence/exemptions/profile.ts';
import { SHIPPED_PROFILES } from '../../../src/evidence/exemptions/profile-shipped.ts';
import { Register } from '../../../src/evidence/exemptions/register.ts';
import type { Rules } from '../../../src/evidence/exemptions/rule-context.ts';
import type { Network } from '../../../src/evidence/exemptions/scope.ts';
import type { DecisionRecord, ExemptionRecord } from '../../../src/evidence/records/record.ts';

/** 2026-12-01T00:00:00Z, when tests begin. */
export const NOW = Date.UTC(2026, 11, 1);
export const DAY_MS = 86_400_000;

/** An instant so many days after the beginning. */
export const day = (days: number): string => new Date(NOW + days * DAY_MS).toISOString();

export const prefix = (text: string): Prefix => {
  const parsed = parsePrefix(text);
  if (parsed === undefined) throw new TypeError(text);
  return parsed;
};

export const NETWORK: Network = {
  groups: [
    { name: 'default', clients: [] },
    { name: 'lab', clients: [prefix('192.0.2.0/28')] },
    { name: 'hall', clients: [prefix('10.0.0.0/16'), prefix('2001:db8::/48')] },
  ],
  allow: ['10.0.0.0/8', '192.0.2.0/24', '127.0.0.0/8', '2001:db8::/47', '::1'].map(prefix),
  lists: ['tiktok', 'extra'],
};

export const profileOf = (id: string): Profile => {
  const profile = SHIPPED_PROFILES.get(id);
  if (profile === undefined) throw new TypeError(id);
  return profile;
};

export const US_RULES: Rules = {
  profile: profileOf('us-federal'),
  approvers: [],
  persons: [],
  network: NETWORK,
};

/** A request that keeps every rule. */
export const REQUEST = {
  'requested-by': 'R. Investigator',
  grounds: 'law-enforcement',
  justification: 'Case 2026-117 needs the accounts of two suspects to be watched as the public sees them.',
  alternatives: 'Records asked of the company by warrant take weeks and lack what was deleted.',
  mitigations: ['Two standalone devices on a separate network, wiped each week.'],
  clients: ['192.0.2.8/29'],
  lists: ['tiktok'],
  until: day(30),
};

/** Whose request it is. */
export const REQUESTER: Account = 'local:p-00000000000a';
const HEAD_ACCOUNT: Account = 'local:p-00000000000b';
export const HEAD = { by: 'A. Head', account: HEAD_ACCOUNT, role: 'agency-head', delegation: undefined };

/** A register whose clock the test holds, and what it told. */
export interface TestRegister {
  readonly register: Register;
  readonly path: string;
  readonly events: (ExemptionRecord | DecisionRecord)[];
  readonly clock: { nowMs: number };
  /** Closes it and opens it again. */
  reopen(): TestRegister;
}

const openAt = (path: string, clock: { nowMs: number }, rules: Rules | undefined): TestRegister => {
  const events: (ExemptionRecord | DecisionRecord)[] = [];
  const register = Register.open({ path, clock: () => clock.nowMs, onEvent: (event) => events.push(event) });
  register.setRules(rules);
  return {
    register,
    path,
    events,
    clock,
    reopen: () => {
      register.close();
      return openAt(path, clock, rules);
    },
  };
};

export const createDirectory = (): string => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-exemptions-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
};

export const openRegister = (rules: Rules | undefined = US_RULES): TestRegister =>
  openAt(join(createDirectory(), 'register.sqlite'), { nowMs: NOW }, rules);

/** Codes of what was refused, or the state of what was taken. */
export const outcomeOf = (outcome: ReturnType<Register['request']>): string | string[] =>
  outcome.paper?.state ?? outcome.problems.map(({ code, field }) => `${code} ${field}`.trim());
