// What the control socket answers about the records of the running program.
//
//   GET  /v1/records               the state of the recorder
//   POST /v1/records/reidentify    { "pseudonym", "by", "reason" }: the address behind a pseudonym, recorded first
//   POST /v1/records/pseudonyms    { "address", "by", "reason" }: the pseudonyms of an address, recorded first
import { z } from 'zod';
import { isAppError } from '../base/base.ts';
import type { ControlRoute } from './control-socket.ts';
import { type Reply, toJson, toProblem } from './routes.ts';

/** Characters of who asks and why; a pseudonym has some 40. */
const TEXT_LENGTH_MAX = 500;

/** The recorder, as the program implements it. */
export interface RecordControl {
  /** Plain data; undefined when no records are kept. */
  status(): object | undefined;
  /** Undefined when no records are kept. Rejects with an AppError when it cannot be undone or recorded. */
  reidentify(pseudonym: string, by: string, reason: string): Promise<string | undefined>;
  /** As reidentify(), the other way; the pseudonyms are separated by blanks. */
  pseudonyms(address: string, by: string, reason: string): Promise<string | undefined>;
}

const text = z.string().trim().min(1).max(TEXT_LENGTH_MAX);
const reidentifySchema = z.strictObject({ pseudonym: text, by: text, reason: text });
const pseudonymsSchema = z.strictObject({ address: text, by: text, reason: text });

/** The paths of records. */
export const recordRoutes =
  (control: RecordControl): ControlRoute =>
  async (method, path, readBody) => {
    if (path === '/v1/records') {
      if (method !== 'GET' && method !== 'HEAD') return notAllowed('GET, HEAD');
      const status = control.status();
      return status === undefined ? absent() : toJson(200, status);
    }
    if (path !== '/v1/records/reidentify' && path !== '/v1/records/pseudonyms') return undefined;
    if (method !== 'POST') return notAllowed('POST');
    const body = parseJson(await readBody());
    if (path === '/v1/records/reidentify') {
      const wanted = reidentifySchema.safeParse(body).data;
      if (wanted === undefined) return malformed('pseudonym');
      const { pseudonym, by, reason } = wanted;
      return settle(async () => {
        const address = await control.reidentify(pseudonym, by, reason);
        return address === undefined ? absent() : toJson(200, { address });
      });
    }
    const wanted = pseudonymsSchema.safeParse(body).data;
    if (wanted === undefined) return malformed('address');
    const { address, by, reason } = wanted;
    return settle(async () => {
      const pseudonyms = await control.pseudonyms(address, by, reason);
      return pseudonyms === undefined
        ? absent()
        : toJson(200, { pseudonyms: pseudonyms.split(' ').filter((one) => one !== '') });
    });
  };

const malformed = (member: string): Reply =>
  toProblem(400, 'Bad Request', `the body is not { "${member}": text, "by": text, "reason": text }`);

/** What cannot be told or recorded is a conflict. */
const settle = async (act: () => Promise<Reply>): Promise<Reply> => {
  try {
    return await act();
  } catch (thrown) {
    if (!isAppError(thrown)) throw thrown;
    const { code, message, hint } = thrown;
    return toProblem(409, 'Conflict', message, { code, hint });
  }
};

const notAllowed = (allow: string): Reply => ({
  ...toProblem(405, 'Method Not Allowed', `this path takes ${allow}`),
  allow,
});

const absent = (): Reply => toProblem(409, 'Conflict', 'no records are kept: records.enabled is false');

const parseJson = (body: string | undefined): unknown => {
  try {
    return JSON.parse(body ?? '');
  } catch {
    return undefined;
  }
};
