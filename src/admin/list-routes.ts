// What each path of the control socket answers: lists, their history, and the decisions about them.
//
//   GET  /v1/candidates            names that a list may be missing
//   GET  /v1/lists                 all lists
//   GET  /v1/lists/ID              one
//   GET  /v1/lists/ID/history      decisions about it, the latest last
//   POST /v1/lists/ID/accept       { "sha256", "by", "reason" }: puts the held content in force
//   POST /v1/lists/ID/dismiss      the same: turns the held content away
//   POST /v1/lists/ID/rollback     the same: puts an earlier content in force
//   POST /v1/lists/ID/refresh      fetches it now
//
// Failures are problem documents (RFC 9457) with the code of the error as a further member.
import { z } from 'zod';
import { type AppError, isAppError } from '../base/base.ts';
import type { ControlRoute } from './control-socket.ts';
import { type Reply, toJson, toProblem } from './routes.ts';

/** Characters of who decides and of why, as the store keeps them. */
const TEXT_LENGTH_MAX = 500;

/** Who decides, and why. */
export interface ListAuthor {
  readonly by: string;
  readonly reason: string;
}

/**
 * The lists of the program, as it implements them. All reject with an AppError: ERR_LIST_UNKNOWN for an id that it
 * does not have, ERR_LIST_ABSENT for a content that is not there to be decided on. Results are plain data.
 */
export interface ListControl {
  candidates(): Promise<readonly object[]>;
  statuses(): Promise<readonly object[]>;
  status(id: string): Promise<object>;
  history(id: string): Promise<readonly object[]>;
  accept(id: string, sha256: string, author: ListAuthor): Promise<object>;
  dismiss(id: string, sha256: string, author: ListAuthor): Promise<object>;
  rollback(id: string, sha256: string, author: ListAuthor): Promise<object>;
  refresh(id: string): Promise<object>;
}

const DECISIONS = ['accept', 'dismiss', 'rollback'] as const;
const CANDIDATES_PATH = '/v1/candidates';
const PATH = /^\/v1\/lists(?:\/([a-z0-9_-]{1,64})(?:\/(history|accept|dismiss|rollback|refresh))?)?$/;

const decisionSchema = z.strictObject({
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  by: z.string().min(1).max(TEXT_LENGTH_MAX),
  reason: z.string().max(TEXT_LENGTH_MAX).default(''),
});

/** HTTP status by code; another operational failure is one of the program's surroundings. */
const STATUSES: Readonly<Record<string, readonly [status: number, title: string]>> = {
  ERR_LIST_UNKNOWN: [404, 'Not Found'],
  ERR_LIST_ABSENT: [409, 'Conflict'],
  ERR_LIST_HELD: [409, 'Conflict'],
};

/** The paths of lists. */
export const listRoutes =
  (lists: ListControl): ControlRoute =>
  (method, path, readBody) =>
    routeLists(method, path, readBody, lists);

const routeLists = async (
  method: string,
  path: string,
  readBody: () => Promise<string | undefined>,
  lists: ListControl,
): Promise<Reply | undefined> => {
  const match = PATH.exec(path);
  const isCandidates = path === CANDIDATES_PATH;
  if (match === null && !isCandidates) return undefined;
  const [, id, word] = match ?? [];
  const isReading = word === undefined || word === 'history';
  const allow = isReading ? 'GET, HEAD' : 'POST';
  if (!allow.split(', ').includes(method)) {
    return { ...toProblem(405, 'Method Not Allowed', `this path takes ${allow}`), allow };
  }
  try {
    if (isCandidates) return toJson(200, await lists.candidates());
    if (id === undefined) return toJson(200, await lists.statuses());
    if (word === undefined) return toJson(200, await lists.status(id));
    if (word === 'history') return toJson(200, await lists.history(id));
    if (word === 'refresh') return toJson(200, await lists.refresh(id));
    return await decide(id, word as (typeof DECISIONS)[number], readBody, lists);
  } catch (thrown) {
    if (!isAppError(thrown)) throw thrown;
    return toFailure(thrown);
  }
};

const decide = async (
  id: string,
  word: (typeof DECISIONS)[number],
  readBody: () => Promise<string | undefined>,
  lists: ListControl,
): Promise<Reply> => {
  const text = await readBody();
  if (text === undefined) return toProblem(413, 'Content Too Large', 'the body is too long');
  const decision = decisionSchema.safeParse(parseJson(text)).data;
  if (decision === undefined) {
    return toProblem(
      400,
      'Bad Request',
      'the body is not { "sha256": 64 digits, "by": text, "reason": text }',
    );
  }
  const { sha256, ...author } = decision;
  return toJson(200, await lists[word](id, sha256, author));
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const toFailure = ({ code, message, hint }: AppError): Reply => {
  const [status, title] = STATUSES[code] ?? [500, 'Internal Server Error'];
  return toProblem(status, title, message, { code, hint });
};
