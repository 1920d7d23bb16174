// cordon lists: what lists are in force, what is held and why, and the decisions about them.
//
// The running program is asked over its control socket. What the state directory knows is shown without it as well;
// decisions need the program, because it alone writes to the state directory.

import { OPERATIONS } from '../admin/admin.ts';
import { AppError } from '../base/base.ts';
import type { Config } from '../config/config.ts';
import { diffList, type ListStatus, readListHistory, readListStatuses } from '../lists/keeping/keeping.ts';
import type { StoreDecision } from '../lists/lists.ts';
import { authorName } from './author.ts';
import { askService, isNobodyThere } from './control-client.ts';
import { exportListsCommand } from './lists-export.ts';
import {
  formatCandidates,
  formatDiff,
  formatHistory,
  formatRefresh,
  formatStatuses,
  needsAttention,
} from './lists-text.ts';
import { configPath, readArguments, requireConfig, UsageError } from './usage.ts';

const SHA256_LENGTH = 64;
/** Shortest beginning of a hash that stands for it. */
const SHA256_LENGTH_MIN = 8;
const PROBLEM = 1;
/** Outcomes of a fetch after which a person has something to do. */
const BAD_OUTCOMES: ReadonlySet<string> = new Set(['held', 'unproven', 'failed', 'postponed']);

/** What a decision of the command line is called in the table of operations. */
const DECISIONS = {
  accept: OPERATIONS.acceptList,
  dismiss: OPERATIONS.dismissList,
  rollback: OPERATIONS.rollBackList,
} as const;

const COMMANDS: Readonly<Record<string, (args: string[]) => Promise<number>>> = {
  status: (args) => showStatus(args),
  diff: (args) => showDiff(args),
  history: (args) => showHistory(args),
  candidates: (args) => showCandidates(args),
  accept: (args) => decide('accept', args),
  dismiss: (args) => decide('dismiss', args),
  rollback: (args) => decide('rollback', args),
  refresh: (args) => refresh(args),
  export: (args) => exportListsCommand(args),
};

/** Runs `cordon lists ARGS`; returns the exit code, throws UsageError or AppError. */
export const lists = async (args: string[]): Promise<number> => {
  const [word = '', ...rest] = args;
  const command = Object.hasOwn(COMMANDS, word) ? COMMANDS[word] : undefined;
  if (command !== undefined) return command(rest);
  const known = Object.keys(COMMANDS).join(', ');
  throw new UsageError(word === '' ? `one of ${known} is needed` : `"${word}" is none of ${known}`);
};

/** What the commands here share: names after the command, and where the program is. */
const readInput = (args: string[], least: number, most: number, names: string) => {
  const { values, positionals } = readArguments({
    args,
    allowPositionals: true,
    options: {
      config: { type: 'string' },
      json: { type: 'boolean', default: false },
      reason: { type: 'string', default: '' },
    },
  });
  if (positionals.length < least || positionals.length > most) throw new UsageError(`${names} needed`);
  const [id = '', sha256] = positionals;
  return {
    config: requireConfig(configPath(values.config)),
    json: values.json,
    reason: values.reason,
    id,
    sha256,
  };
};

const print = (json: boolean, value: unknown, text: () => string): void => {
  process.stdout.write(json ? `${JSON.stringify(value, undefined, 2)}\n` : text());
};

/** The statuses of all lists, from the program or from its state directory. */
const readStatuses = async (config: Config): Promise<{ running: boolean; lists: readonly ListStatus[] }> => {
  try {
    return { running: true, lists: await askService(config, OPERATIONS.listLists, {}) };
  } catch (thrown) {
    if (!isNobodyThere(thrown)) throw thrown;
    return { running: false, lists: await readListStatuses(config, Date.now) };
  }
};

const showStatus = async (args: string[]): Promise<number> => {
  const { config, json } = readInput(args, 0, 0, 'no name is');
  const statuses = await readStatuses(config);
  print(json, statuses, () => formatStatuses(statuses.lists, statuses.running, Date.now()));
  return statuses.lists.some((list) => needsAttention(list, statuses.running)) ? PROBLEM : 0;
};

const showHistory = async (args: string[]): Promise<number> => {
  const { config, json, id } = readInput(args, 1, 1, 'one ID is');
  requireList(config, id);
  // Reading is safe while the program writes: files are replaced as a whole.
  const decisions: readonly StoreDecision[] = await readListHistory(config, id, Date.now);
  print(json, decisions, () => formatHistory(id, decisions));
  return 0;
};

const showCandidates = async (args: string[]): Promise<number> => {
  const { config, json } = readInput(args, 0, 0, 'no name is');
  const candidates = await askService(config, OPERATIONS.listCandidates, {});
  print(json, candidates, () => formatCandidates(candidates, Date.now()));
  return 0;
};

const showDiff = async (args: string[]): Promise<number> => {
  const { config, json, id, sha256 } = readInput(args, 1, 2, 'one ID and at most one SHA-256 are');
  if (sha256 !== undefined) requireHash(sha256);
  const diff = await diffList(config, id, sha256, Date.now);
  print(json, diff, () => formatDiff(diff));
  return 0;
};

const decide = async (word: keyof typeof DECISIONS, args: string[]): Promise<number> => {
  const { config, json, reason, id, sha256 = '' } = readInput(args, 2, 2, 'one ID and one SHA-256 are');
  requireHash(sha256);
  requireList(config, id);
  const whole = sha256.length === SHA256_LENGTH ? sha256 : await completeHash(config, id, sha256);
  const body = { sha256: whole, by: authorName(), reason: reason === '' ? 'by command' : reason };
  const outcome = await askService(config, DECISIONS[word], { parameters: { list: id }, body });
  const done = { accept: 'accepted', dismiss: 'dismissed', rollback: 'back in force' }[word];
  const { generation, entries } = outcome;
  print(
    json,
    outcome,
    () => `${id}: ${whole} ${done}; generation ${generation} enforces ${entries ?? 'no'} rules of it\n`,
  );
  return 0;
};

const refresh = async (args: string[]): Promise<number> => {
  const { config, json, id } = readInput(args, 0, 1, 'at most one ID is');
  if (id !== '') requireList(config, id);
  const fetched = config.lists.filter(({ source }) => source.kind === 'url').map((list) => list.id);
  const ids = id === '' ? fetched : [id];
  if (ids.length === 0) throw new UsageError('no list of the configuration has an address');
  const known = await Promise.all(
    ids.map((list) => askService(config, OPERATIONS.refreshList, { parameters: { list } })),
  );
  print(json, known, () => formatRefresh(known));
  return known.some(({ outcome }) => BAD_OUTCOMES.has(outcome)) ? PROBLEM : 0;
};

const requireList = (config: Config, id: string): void => {
  if (config.lists.some((list) => list.id === id)) return;
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
const completeHash = async (config: Config, id: string, start: string): Promise<string> => {
  const { held, kept } = await askService(config, OPERATIONS.readList, { parameters: { list: id } });
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
