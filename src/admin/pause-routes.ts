// What the control socket answers about suspending all refusals.
//
//   GET  /v1/pause     whether refusals are suspended
//   POST /v1/pause     { "ms", "by", "reason" }: suspends them for that time
//   POST /v1/resume    { "by", "reason" }: ends it now
import { z } from 'zod';
import { isAppError } from '../base/base.ts';
import type { ControlRoute } from './control-socket.ts';
import { type Reply, toJson, toProblem } from './routes.ts';

/** Characters of who acts and of why, as for lists. */
const TEXT_LENGTH_MAX = 500;

/** Whether refusals are suspended. */
export interface PauseStatus {
  readonly isPaused: boolean;
  /** RFC 3339; absent while refusals are given. */
  readonly until?: string;
  readonly by?: string;
  readonly reason?: string;
  /** Whether the prohibition is in force, and that in words: refusals may be given while no mandate list is chosen. */
  readonly state: string;
  readonly text: string;
}

/** Suspends refusals, as the program implements it. Rejects with ERR_APP_PAUSE. */
export interface PauseControl {
  status(): PauseStatus;
  pause(ms: number, by: string, reason: string): Promise<PauseStatus>;
  resume(by: string, reason: string): Promise<PauseStatus>;
}

const author = { by: z.string().min(1).max(TEXT_LENGTH_MAX), reason: z.string().max(TEXT_LENGTH_MAX) };
const pauseSchema = z.strictObject({
  ...author,
  ms: z.int().positive(),
  reason: author.reason.min(1),
});
const resumeSchema = z.strictObject({ ...author, reason: author.reason.default('') });

/** The paths of a pause. */
export const pauseRoutes =
  (control: PauseControl): ControlRoute =>
  (method, path, readBody) =>
    routePause(method, path, readBody, control);

const routePause = async (
  method: string,
  path: string,
  readBody: () => Promise<string | undefined>,
  control: PauseControl,
): Promise<Reply | undefined> => {
  if (path !== '/v1/pause' && path !== '/v1/resume') return undefined;
  if (path === '/v1/pause' && (method === 'GET' || method === 'HEAD')) return toJson(200, control.status());
  if (method !== 'POST') return { ...toProblem(405, 'Method Not Allowed', 'POST acts'), allow: 'POST' };
  const value = parseJson(await readBody());
  try {
    if (path === '/v1/resume') {
      const wanted = resumeSchema.safeParse(value).data;
      return wanted === undefined
        ? malformed('{ "by": text, "reason": text }')
        : toJson(200, await control.resume(wanted.by, wanted.reason));
    }
    const wanted = pauseSchema.safeParse(value).data;
    return wanted === undefined
      ? malformed('{ "ms": milliseconds, "by": text, "reason": text }')
      : toJson(200, await control.pause(wanted.ms, wanted.by, wanted.reason));
  } catch (thrown) {
    if (!isAppError(thrown)) throw thrown;
    const { code, message, hint } = thrown;
    return toProblem(409, 'Conflict', message, { code, hint });
  }
};

const malformed = (form: string): Reply => toProblem(400, 'Bad Request', `the body is not ${form}`);

const parseJson = (text: string | undefined): unknown => {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
};
