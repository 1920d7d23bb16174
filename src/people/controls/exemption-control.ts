// Exemptions in the running program and for the command: what a configuration says of them, and the control socket's
// view of the register.
//
// A profile file that is wrong is an error of the configuration that names it: at a start and at a reload alike, what
// follows from it would be somebody else's rules. Papers leave here as plain data, with what the rules as they now
// are would say against one that is granted.

import { AppError, type Clock, type Persons, unpackPrefixes } from '../../base/base.ts';
import { type Config, type DecisionConfig, demandsOf, isActive } from '../../config/config.ts';
import {
  checkTexts,
  type Decision,
  type ExemptionEvent,
  type ExemptionPaper,
  type ExemptionProblem,
  type ExemptionService,
  type ExemptionSettings,
  type Network,
  type Profile,
  type RegisterOutcome,
  type Rules,
  readExemptionTexts,
  readProfile,
  SHIPPED_PROFILES,
  toDay,
} from '../../evidence/exemptions/exemptions.ts';
import type { ExemptionControl, ExemptionRefusal } from '../admin/admin.ts';
import type { AskedCounts } from './asked-counts.ts';
import { effectOf } from './exemption-effect.ts';
import { mandateDecisionsOf } from './mandate-decisions.ts';
import { joinProfiles, profileOfMandate } from './mandate-rules.ts';

/** An exemption as it is shown. */
export interface ExemptionStatus extends ExemptionPaper {
  /** Granted, and the rules as they now are would refuse it. */
  readonly isIncomplete: boolean;
  readonly history: readonly ExemptionEvent[];
}

/**
 * What a configuration says of exemptions and decisions; with `areTextsHeld`, texts change nothing yet. Throws
 * ERR_EXEMPTION_PROFILE.
 */
export const exemptionSettings = (config: Config, areTextsHeld = false): ExemptionSettings => ({
  rules: rulesOf(config),
  areTextsHeld,
  // In a fleet the authority has the texts: a node's own would be decisions that nobody else knows of.
  textsPath: config.fleet?.role === 'node' ? undefined : config.compliance.exemptionsPath,
  decisions: new Map([
    ...config.lists.flatMap(({ id, decision, operators }) => [
      ...(decision === undefined ? [] : [[id, toDecision(decision)] as const]),
      // A decision about an operator stands beside that of its list, under a name that says what was decided.
      ...operators.map(
        ({ name, refuse, decision: own }) =>
          [`${id} (${name}: ${refuse ? 'refused' : 'not refused'})`, toDecision(own)] as const,
      ),
    ]),
    ...mandateDecisionsOf(config),
  ]),
});

/**
 * What is wrong with texts by the rules of a configuration; what only the register knows is not judged. Throws
 * ERR_EXEMPTION_PROFILE when the configuration names no profile, or one that is wrong.
 */
export const checkExemptionTexts = (config: Config, path: string, clock: Clock): ExemptionProblem[] => {
  const rules = rulesOf(config);
  if (rules === undefined) {
    throw new AppError('ERR_EXEMPTION_PROFILE', 'checking exemptions: the configuration names no profile', {
      hint: 'Set mandates, or compliance.profile.',
    });
  }
  const context = { ...rules, nowMs: clock(), granted: undefined, find: undefined };
  return checkTexts(readExemptionTexts(path), context);
};

/** What the register's control needs beside the register. */
export interface ExemptionSurroundings {
  config(): Config;
  /** Undefined where no records are kept. */
  readonly asked: AskedCounts | undefined;
  /** Throws where nothing may be decided, or nothing new. */
  requireDecisions(isNew: boolean): void;
}

/** The register of a running program, as control socket and control room show and change it. */
export const createExemptionControl = (
  keeper: ExemptionService,
  { config, asked, requireDecisions }: ExemptionSurroundings,
): ExemptionControl => {
  const statusOf = (id: string): ExemptionStatus => {
    const { paper, history } = keeper.register.find(id);
    return { ...paper, isIncomplete: keeper.isIncomplete(paper), history };
  };
  const toResult = ({ paper, problems }: RegisterOutcome): ExemptionStatus | ExemptionRefusal =>
    paper === undefined ? { problems } : statusOf(paper.id);
  return {
    list: (state) =>
      keeper.change((register) => {
        register.advance();
        const incomplete = keeper.incomplete();
        return register
          .entries()
          .filter(({ paper }) => state === undefined || paper.state === state)
          .map(({ paper }) => ({ ...paper, isIncomplete: incomplete.has(paper.id) }));
      }),
    show: (id) => keeper.change(() => statusOf(id)),
    report: () => keeper.change(() => ({ ...keeper.report(), decisions: keeper.decisions() })),
    request: async (raw, account) => {
      requireDecisions(true);
      return toResult(await keeper.change((register) => register.request(raw, account)));
    },
    approve: async (id, { reason, ...approval }) => {
      requireDecisions(true);
      return toResult(await keeper.change((register) => register.approve(id, approval, reason)));
    },
    reject: async (id, decider) => {
      requireDecisions(false);
      return statusOf((await keeper.change((register) => register.reject(id, decider))).id);
    },
    revoke: async (id, decider) => {
      requireDecisions(false);
      return statusOf((await keeper.change((register) => register.revoke(id, decider))).id);
    },
    decisions: () => Promise.resolve(keeper.decisions()),
    check: async (raw) => {
      const { terms, problems } = await keeper.change((register) => register.check(raw));
      return { problems, opens: await effectOf(terms, config(), asked) };
    },
    effect: async (id) => {
      const { paper } = await keeper.change((register) => register.find(id));
      const { groups, clients, devices, names, lists } = paper;
      const period = { fromMs: Date.parse(paper.from), untilMs: Date.parse(paper.until) };
      return effectOf({ groups, clients, devices, names, lists, ...period }, config(), asked);
    },
    rules: () => {
      const { compliance, groups, lists } = config();
      return {
        profile: rulesOf(config())?.profile ?? null,
        groups: groups.map(({ name }) => name),
        lists: lists.map(({ id }) => id),
        approvers: compliance.approvers,
      };
    },
    renew: async (id, by, changes) => {
      requireDecisions(true);
      const { paper } = await keeper.change((register) => register.find(id));
      const renewal = renewalOf(paper, by.name, changes);
      return toResult(await keeper.change((register) => register.request(renewal, by.account)));
    },
  };
};

/** A request that says what the paper before said, but for what is said anew. */
const renewalOf = (paper: ExemptionPaper, by: string, changes: object): object => {
  const { grounds, justification, alternatives, mitigations, devices, lists, names, schedule } = paper;
  const orAbsent = (texts: readonly string[]) => (texts.length === 0 ? undefined : texts);
  const said = {
    ...{ grounds, justification, alternatives, mitigations, devices, lists, names, schedule },
    ...{ groups: orAbsent(paper.groups), clients: orAbsent(paper.clients) },
    ...{ renews: paper.id, 'requested-by': by, ...changes },
  };
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
};

const rulesOf = (config: Config): Rules | undefined => {
  const own = ownProfile(config);
  const mandates = config.mandates.filter(isActive).map((one) => ({
    profile: profileOfMandate(one),
    lists: demandsOf(one.mandate),
  }));
  const judged = [...(own === undefined ? [] : [{ profile: own, lists: undefined }]), ...mandates];
  const profile = joinProfiles(judged.map((one) => one.profile));
  return profile === undefined
    ? undefined
    : {
        ...{ profile, judged },
        approvers: config.compliance.approvers,
        persons: personsOf(config),
        network: networkOf(config),
        isUnrecorded: !config.records.isEnabled,
      };
};

/** Accounts that the configuration names as those of one person. */
export const personsOf = ({ compliance }: Config): Persons =>
  compliance.persons.map(({ accounts }) => accounts);

/** The agency's own rules, or those of a profile of earlier releases. */
const ownProfile = ({ compliance: { profile } }: Config): Profile | undefined => {
  if (profile === undefined) return undefined;
  return 'path' in profile ? readProfile(profile.path) : SHIPPED_PROFILES.get(profile.id);
};

const networkOf = ({ groups, access, lists }: Config): Network => ({
  groups: groups.map(({ name, clients }) => ({ name, clients: [...unpackPrefixes(clients)] })),
  allow: [...unpackPrefixes(access.allow)],
  lists: lists.map(({ id }) => id),
});

const toDecision = ({
  authority,
  reference,
  text,
  inForceFromMs,
  reviewMs,
  endsMs,
}: DecisionConfig): Decision => ({
  authority,
  reference,
  inForceFrom: toDay(inForceFromMs),
  ...(text === undefined ? {} : { text }),
  ...(reviewMs === undefined ? {} : { review: toDay(reviewMs) }),
  ...(endsMs === undefined ? {} : { ends: toDay(endsMs) }),
});
