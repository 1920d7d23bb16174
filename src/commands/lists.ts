// cordon lists: what lists are in force, what is held and why, and the decisions about them.
//
// The running program is asked over its control socket. What the state directory knows is shown without it as well;
// decisions need the program, because it alone writes to the state directory.

import { join } from 'node:path';
import { AppError, isAppError } from '../base/base.ts';
import type { Config, ListConfig } from '../config/config.ts';
import { lastRecords, RECORDS_DIRECTORY, type RecordFilter } from '../evidence/records/records.ts';
import { OPERATIONS } from '../people/admin/admin.ts';
import {
  diffList,
  isUrlList,
  readFeedStates,
  readListHistory,
  readListStatuses,
} from '../policy/keeping/keeping.ts';
import { askService, isNobodyThere } from './control-client.ts';
import type { InputOf } from './declaration.ts';
import type {
  LISTS_ACCEPT,
  LISTS_CANDIDATES,
  LISTS_DIFF,
  LISTS_HISTORY,
  LISTS_REFRESH,
  LISTS_STATUS,
} from './declarations/lists.ts';
import {
  feedNeedsAttention,
  formatCandidates,
  formatDiff,
  formatHistory,
  formatRefresh,
  formatStatuses,
  type ListStep,
  type ListsStatus,
  needsAttention,
} from './lists-text.ts';
import { print } from './output.ts';
import { findService, type ServiceFound } from './service.ts';
import { PROBLEM } from './statuses.ts';
import { UsageError } from './usage-error.ts';

/** As many as are kept of decisions about a list that is fetched. */
const RECORDED_MAX = 1_000;
const SHA256_LENGTH = 64;
/** Shortest beginning of a hash that stands for it. */
const SHA256_LENGTH_MIN = 8;
/** Outcomes of a fetch after which a person has something to do. */
const BAD_OUTCOMES: ReadonlySet<string> = new Set(['held', 'unproven', 'failed', 'postponed']);

/** What a decision of the command line is called in the table of operations. */
const DECISIONS = {
  accept: OPERATIONS.acceptList,
  dismiss: OPERATIONS.dismissList,
  rollback: OPERATIONS.rollBackList,
} as const;

/** The statuses of all lists, from the program or from its state directory. */
const readStatuses = async (service: ServiceFound): Promise<ListsStatus> => {
  try {
    const lists = await askService(service, OPERATIONS.listLists, {});
    return { running: true, lists, feeds: await askService(service, OPERATIONS.listFeeds, {}) };
  } catch (thrown) {
    if (!isNobodyThere(thrown)) throw thrown;
    const lists = await readListStatuses(service.config, Date.now);
    return { running: false, lists, feeds: await readFeedStates(service.config, Date.now) };
  }
};

/** Shows the statuses of all lists; returns PROBLEM when one needs a person. */
export const showStatus = async ({ values }: InputOf<typeof LISTS_STATUS>): Promise<number> => {
  const { json } = values;
  const service = await findService(values);
  const statuses = await readStatuses(service);
  print(json, statuses, () => formatStatuses(statuses, Date.now()));
  const { running, lists, feeds } = statuses;
  const isBad = lists.some((list) => needsAttention(list, running)) || feeds.some(feedNeedsAttention);
  return isBad ? PROBLEM : 0;
};

/** Shows the decisions about a list. */
export const showHistory = async ({ values, words }: InputOf<typeof LISTS_HISTORY>): Promise<number> => {
  const { json } = values;
  const { id } = words;
  const service = await findService(values);
  const list = requireList(service.config, id);
  // Reading is safe while the program writes: files are replaced as a whole.
  const steps: readonly ListStep[] = isUrlList(list)
    ? await readListHistory(service.config, id, Date.now)
    : await readRecordedHistory(service.stateDirectory, id);
  print(json, steps, () => formatHistory(id, steps));
  return 0;
};

/** What is recorded of a list that nobody fetches: each content that came in force, and who accepted one. */
const readRecordedHistory = async (stateDirectory: string, list: string): Promise<ListStep[]> => {
  const period = { fromMs: 0, untilMs: Number.POSITIVE_INFINITY };
  const filter: RecordFilter = { ...period, classes: ['changes'], kind: 'list', list };
  const found = await lastRecords(join(stateDirectory, RECORDS_DIRECTORY), filter, RECORDED_MAX).catch(
    (thrown: unknown) => {
      if (isAppError(thrown) && thrown.code === 'ERR_COMPLIANCE_NO_RECORDS') return [];
      throw thrown;
    },
  );
  return found.flatMap(({ sequence, record }) => {
    if (record.kind !== 'list') return [];
    const { time, event: action, sha256 = null, entries = null, by = '', added, removed } = record;
    const { reason = added === undefined ? '' : `${added} rules more, ${removed ?? 0} less` } = record;
    return [{ sequence, time, action, sha256, entries, by, reason }];
  });
};

/** Shows what mandate lists may be missing. */
export const showCandidates = async ({ values }: InputOf<typeof LISTS_CANDIDATES>): Promise<number> => {
  const { json } = values;
  const candidates = await askService(await findService(values), OPERATIONS.listCandidates, {});
  print(json, candidates, () => formatCandidates(candidates, Date.now()));
  return 0;
};

/** Shows what a content would change. */
export const showDiff = async ({ values, words }: InputOf<typeof LISTS_DIFF>): Promise<number> => {
  const { json } = values;
  const { id, sha256 } = words;
  if (sha256 !== undefined) requireHash(sha256);
  const diff = await diffList((await findService(values)).config, id, sha256, Date.now);
  print(json, diff, () => formatDiff(diff));
  return 0;
};

type Decision = InputOf<typeof LISTS_ACCEPT>;

/** Puts a held content in force. */
export const accept = (input: Decision): Promise<number> => decide('accept', input);

/** Turns a held content away. */
export const dismiss = (input: Decision): Promise<number> => decide('dismiss', input);

/** Goes back to an earlier content. */
export const rollBack = (input: Decision): Promise<number> => decide('rollback', input);

const decide = async (word: keyof typeof DECISIONS, { values, words }: Decision): Promise<number> => {
  const { json, reason } = values;
  const { id, sha256 } = words;
  requireHash(sha256);
  const service = await findService(values);
  requireList(service.config, id);
  const whole = sha256.length === SHA256_LENGTH ? sha256 : await completeHash(service, id, sha256);
  const body = { sha256: whole, reason: reason === '' ? 'by command' : reason };
  const outcome = await askService(service, DECISIONS[word], { parameters: { list: id }, body });
  const done = { accept: 'accepted', dismiss: 'dismissed', rollback: 'back in force' }[word];
  const { generation, entries } = outcome;
  print(
    json,
    outcome,
    () => `${id}: ${whole} ${done}; generation ${generation} enforces ${entries ?? 'no'} rules of it\n`,
  );
  return 0;
};

/** Fetches one list, or all that have an address; returns PROBLEM when a fetch brought nothing usable. */
export const refresh = async ({ values, words }: InputOf<typeof LISTS_REFRESH>): Promise<number> => {
  const { json } = values;
  const { id = '' } = words;
  const service = await findService(values);
  if (id !== '') requireList(service.config, id);
  const fetched = service.config.lists.filter(({ source }) => source.kind === 'url').map((list) => list.id);
  const ids = id === '' ? fetched : [id];
  if (ids.length === 0) throw new UsageError('no list of the configuration has an address');
  const known = await Promise.all(
    ids.map((list) => askService(service, OPERATIONS.refreshList, { parameters: { list } })),
  );
  print(json, known, () => formatRefresh(known));
  return known.some(({ outcome }) => BAD_OUTCOMES.has(outcome)) ? PROBLEM : 0;
};

const requireList = (config: Config, id: string): ListConfig => {
  const list = config.lists.find((one) => one.id === id);
  if (list !== undefined) return list;
  throw new AppError('ERR_LIST_UNKNOWN', `looking for list ${JSON.stringify(id.slice(0, 64))}`, {
    hint: `The configuration has ${config.lists.map((list) => list.id).join(', ')}.`,
  });
};

const requireHash = (text: string): void => {
  if (/^[0-9a-f]+$/.test(text) && text.length >= SHA256_LENGTH_MIN && text.length <= SHA256_LENGTH) return;
  throw new UsageError(
    `"${text.slice(0, SHA256_LENGTH)}" is no SHA-256 nor its first ${SHA256_LENGTH_MIN} digits`,
  );
};

/** The one content of the list whose hash begins so. */
const completeHash = async (service: ServiceFound, id: string, start: string): Promise<string> => {
  const { held, kept } = await askService(service, OPERATIONS.readList, { parameters: { list: id } });
  const contents = [...(held === null ? [] : [held]), ...(kept?.previous ?? [])];
  const found = contents.filter(({ sha256 }) => sha256.startsWith(start));
  const [first] = found;
  if (first !== undefined && found.length === 1) return first.sha256;
  throw new AppError(
    'ERR_LIST_ABSENT',
    `looking for content ${start} of list ${id}: ${found.length === 0 ? 'none' : 'several'} of that beginning`,
    { hint: `"cordon lists status" and "cordon lists history ${id}" show what there is.` },
  );
};
