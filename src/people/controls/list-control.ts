// The lists as the control socket shows and decides on them.
//
// A decision on a list that is fetched goes into its record first and makes a policy then; a decision on a file of
// the operator's is a reload that may take this one content. The person who decides is told whether it is in force.

import { AppError, systemClock } from '../../base/base.ts';
import type { Config, ListConfig } from '../../config/config.ts';
import type { AskedNames } from '../../evidence/records/records.ts';
import type { Generation } from '../../policy/generation/generation.ts';
import type { FileReview, ListUpdater } from '../../policy/keeping/keeping.ts';
import {
  bareStatus,
  contentPath,
  diffList,
  inForceStatus,
  type ListStatus,
  toCandidateStatus,
  toTime,
} from '../../policy/keeping/keeping.ts';
import { readCoverage, readRules } from '../../policy/lists/lists.ts';
import type { Candidate } from '../../telemetry/observe/observe.ts';
import type { ListAuthor, ListControl, ListOutcome } from '../admin/admin.ts';
import { AskedRules, askedOf } from './asked-counts.ts';
import type { TriedChanges } from './tried-changes.ts';

/** What a person can decide about a content of a list. */
export type ListDecision = 'accepted' | 'dismissed' | 'rolled-back';

/** The parts of the running program that this needs. */
export interface ListControlParts {
  config(): Config;
  lists(): readonly ListConfig[];
  generation(): Generation | undefined;
  candidates(): Promise<readonly Candidate[]>;
  keeper(): ListUpdater | undefined;
  readonly fileReview: FileReview;
  /** What was asked for in thirty days. */
  asked(): Promise<AskedNames>;
  /** Tries contents on the query log. */
  readonly trying: Pick<TriedChanges, 'last' | 'start'>;
  /** Makes a policy of what is kept; gives the error that was reported. */
  renew(): Promise<AppError | undefined>;
  /** Told what somebody decided, before it is put in force. */
  decided(event: ListDecision, list: string, sha256: string, author: ListAuthor): void;
  /** Reads configuration and lists again; gives the error that was reported. */
  reload(): Promise<AppError | undefined>;
}

/** What is in force after a decision. */
const outcomeOf = (parts: ListControlParts, id: string, error: AppError | undefined): ListOutcome => {
  if (error !== undefined) throw error;
  const generation = parts.generation();
  const loaded = generation?.lists.find((list) => list.id === id)?.loaded;
  return {
    list: id,
    generation: generation?.policy.generation ?? 0,
    sha256: loaded?.sha256 ?? null,
    entries: loaded?.entries ?? null,
  };
};

/** The lists of a running program. */
export const createListControl = (parts: ListControlParts): ListControl => {
  const statusOf = async (list: ListConfig): Promise<ListStatus> => {
    const kept = await parts.keeper()?.status(list.id);
    const facts = parts.generation()?.lists.find(({ id }) => id === list.id);
    const file = parts.fileReview.held.get(list.id);
    const status = kept ?? bareStatus(list);
    return {
      ...status,
      mandate: facts?.mandate ?? status.mandate,
      inForce: facts === undefined ? null : inForceStatus(facts.loaded),
      held:
        file === undefined
          ? status.held
          : {
              sha256: file.sha256,
              entries: file.entries,
              since: toTime(file.heldAtMs),
              reasons: file.reasons.map(({ code, text }) => `${code}: ${text}`),
            },
    };
  };
  const find = (id: string): ListConfig => {
    const list = parts.lists().find((known) => known.id === id);
    if (list !== undefined) return list;
    throw new AppError('ERR_LIST_UNKNOWN', `looking for list ${id}: the configuration in force has none`, {
      hint: `It has ${parts
        .lists()
        .map((known) => known.id)
        .join(', ')}.`,
    });
  };
  const keeperOf = (id: string): ListUpdater => {
    const keeper = parts.keeper();
    if (find(id).source.kind === 'url' && keeper !== undefined) return keeper;
    throw new AppError('ERR_LIST_ABSENT', `looking for contents of list ${id}: none are kept`, {
      hint: 'Only lists with an address have them; a file is mended where it lies.',
    });
  };
  const rulesOf: ListControl['rules'] = (id, wanted) => {
    const list = find(id).id;
    const loaded = parts.generation()?.lists.find((one) => one.id === list)?.loaded;
    if (loaded !== undefined) return readRules(loaded, wanted);
    throw new AppError('ERR_LIST_ABSENT', `looking for the rules of list ${list}: it is not in force`, {
      hint: 'Its status says why.',
    });
  };
  return {
    candidates: async () => (await parts.candidates()).map(toCandidateStatus),
    statuses: () => Promise.all(parts.lists().map(statusOf)),
    status: async (id) => statusOf(find(id)),
    coverage: () => Promise.resolve(readCoverage()),
    feeds: () => Promise.resolve(parts.keeper()?.feedStates() ?? []),
    difference: (id, sha256) => diffList(parts.config(), find(id).id, sha256, systemClock),
    asked: async (id, sha256) => {
      const { id: list } = find(id);
      const rules = new AskedRules(await parts.asked(), list);
      await diffList(parts.config(), list, sha256, systemClock, (rule) => rules.add(rule));
      return { list, ...rules.found };
    },
    rules: rulesOf,
    rulesAsked: async (id, wanted) => {
      const { rules } = rulesOf(id, wanted);
      const { id: list } = find(id);
      return { list, ...askedOf(await parts.asked(), list, rules) };
    },
    history: async (id) =>
      find(id).source.kind === 'url' ? ((await parts.keeper()?.history(id)) ?? []) : [],
    tried: (id, sha256, actor) => parts.trying.last({ list: find(id).id, sha256 }, actor),
    try: async (id, sha256, days, actor) => {
      keeperOf(id);
      await contentPath(parts.config(), id, sha256, systemClock);
      return parts.trying.start({ list: id, sha256 }, days, undefined, actor);
    },
    accept: async (id, sha256, author) => {
      if (find(id).source.kind === 'url') {
        await keeperOf(id).accept(id, sha256, author);
        parts.decided('accepted', id, sha256, author);
        return outcomeOf(parts, id, await parts.renew());
      }
      parts.fileReview.accept(id, sha256);
      parts.decided('accepted', id, sha256, author);
      return outcomeOf(parts, id, await parts.reload());
    },
    dismiss: async (id, sha256, author) => {
      await keeperOf(id).dismiss(id, sha256, author);
      parts.decided('dismissed', id, sha256, author);
      return outcomeOf(parts, id, undefined);
    },
    rollback: async (id, sha256, author) => {
      await keeperOf(id).rollback(id, sha256, author);
      parts.decided('rolled-back', id, sha256, author);
      return outcomeOf(parts, id, await parts.renew());
    },
    refresh: async (id) => {
      const result = await keeperOf(id).refresh(id);
      if (result === undefined) throw new AppError('ERR_LIST_UNKNOWN', `fetching list ${id}: it is not kept`);
      // What was taken is announced by the keeper; the caller wants to hear when it is in force.
      const error = result.outcome === 'accepted' ? await parts.renew() : undefined;
      if (error !== undefined) throw error;
      return result;
    },
  };
};
