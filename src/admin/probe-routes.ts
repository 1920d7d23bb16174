// What the control socket answers about the self-probe.
//
//   GET  /v1/probe         what runs, when the next runs are due, and what the last ones found
//   GET  /v1/probe/RUN     one run with all its results
//   POST /v1/probe         { "group" }: asks for a sweep now, of one group or of everything; gives its number
import { z } from 'zod';
import { isAppError } from '../base/base.ts';
import type { ControlRoute } from './control-socket.ts';
import { type Reply, toJson, toProblem } from './routes.ts';

/** Characters of a group's name. */
const NAME_LENGTH_MAX = 64;
const PATH = /^\/v1\/probe(?:\/(\d{1,9}))?$/;

/** The self-probe, as the program implements it. Results are plain data. */
export interface ProbeControl {
  status(): object;
  /** Undefined for a run that is not kept. */
  run(number: number): object | undefined;
  /** Throws ERR_APP_PROBE when there is no such group, or too many ask. */
  requestSweep(group: string | undefined): { readonly run: number };
}

const requestSchema = z.strictObject({ group: z.string().min(1).max(NAME_LENGTH_MAX).optional() });

/** The paths of the self-probe. */
export const probeRoutes =
  (control: ProbeControl): ControlRoute =>
  async (method, path, readBody) => {
    const match = PATH.exec(path);
    if (match === null) return undefined;
    const [, run] = match;
    if (method === 'GET' || method === 'HEAD') return read(run, control);
    const allow = run === undefined ? 'GET, HEAD, POST' : 'GET, HEAD';
    if (method !== 'POST' || run !== undefined) {
      return { ...toProblem(405, 'Method Not Allowed', `this path takes ${allow}`), allow };
    }
    const wanted = requestSchema.safeParse(parseJson(await readBody())).data;
    if (wanted === undefined)
      return toProblem(400, 'Bad Request', 'the body is not { "group": text } or { }');
    try {
      return toJson(200, control.requestSweep(wanted.group));
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      const { code, message, hint } = thrown;
      return toProblem(409, 'Conflict', message, { code, hint });
    }
  };

const read = (run: string | undefined, control: ProbeControl): Reply => {
  const found = run === undefined ? control.status() : control.run(Number(run));
  return found === undefined ? toProblem(404, 'Not Found', `run ${run} is not kept`) : toJson(200, found);
};

const parseJson = (text: string | undefined): unknown => {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
};
