// What the control socket answers about exemptions and about the decisions that lists rest on.
//
//   GET  /v1/exemptions[?state=STATE]   all of them, or those in one state
//   GET  /v1/exemptions/ID              one, with its history
//   GET  /v1/exemptions/report          the whole register as one document
//   POST /v1/exemptions                 the fields of a request: asks for one
//   POST /v1/exemptions/ID/approve      { "by", "role", "delegation", "reason" }: grants it
//   POST /v1/exemptions/ID/reject       { "by", "reason" }: turns it away
//   POST /v1/exemptions/ID/revoke       { "by", "reason" }: ends it
//   GET  /v1/decisions                  the decisions of lists and their alarms
//
// Who acts is who the request says: the socket proves only that it is the user of the service or root. Failures are
// problem documents (RFC 9457); one that refuses a paper has all problems of it as a further member.
import { z } from 'zod';
import { type AppError, isAppError } from '../base/base.ts';
import type { ControlRoute } from './control-socket.ts';
import { type Reply, toJson, toProblem } from './routes.ts';

/** Characters of a name or a reference, as the register keeps them, and of a reason. */
const LINE_LENGTH_MAX = 200;
const REASON_LENGTH_MAX = 500;

/** Who decides, and why. */
export interface ExemptionDecider {
  readonly by: string;
  readonly reason: string;
}

/** Who grants an exemption: role and delegation are those of the configuration where it names whoever approves. */
export interface ExemptionApprover extends ExemptionDecider {
  readonly role: string | undefined;
  readonly delegation: string | undefined;
}

/** Everything that is wrong with a paper. Plain data. */
export interface ExemptionRefusal {
  readonly problems: readonly {
    readonly code: string;
    /** Empty for the whole. */
    readonly field: string;
    readonly text: string;
    readonly hint?: string;
  }[];
}

/**
 * The register of the program, as it implements it. All reject with an AppError: ERR_EXEMPTION_UNKNOWN for an id that
 * it does not have, ERR_EXEMPTION_STATE and ERR_EXEMPTION_ORIGIN for what cannot be done to it. Results are plain data.
 * What is granted or revoked is in force, or out of it, when the promise resolves.
 */
export interface ExemptionControl {
  list(state: string | undefined): Promise<readonly object[]>;
  show(id: string): Promise<object>;
  report(): Promise<object>;
  request(raw: unknown): Promise<object | ExemptionRefusal>;
  approve(id: string, approver: ExemptionApprover): Promise<object | ExemptionRefusal>;
  reject(id: string, decider: ExemptionDecider): Promise<object>;
  revoke(id: string, decider: ExemptionDecider): Promise<object>;
  decisions(): Promise<readonly object[]>;
}

const ROOT = '/v1/exemptions';
const DECISIONS_PATH = '/v1/decisions';
const PATH = /^\/v1\/exemptions\/(ex-\d{6,9}|\d{1,9})(?:\/(approve|reject|revoke))?$/;
const STATES = ['requested', 'approved', 'active', 'rejected', 'expired', 'revoked'];

const line = z
  .string()
  .trim()
  .min(1)
  .max(LINE_LENGTH_MAX)
  .regex(/^\P{C}*$/u);
const reason = z
  .string()
  .trim()
  .max(REASON_LENGTH_MAX)
  .regex(/^\P{C}*$/u);
const deciderSchema = z.strictObject({ by: line, reason: reason.min(1) });
const approverSchema = z.strictObject({
  by: line,
  role: line.optional(),
  delegation: line.optional(),
  reason: reason.default(''),
});

/** HTTP status by code; another operational failure is one of the program's surroundings. */
const STATUSES: Readonly<Record<string, readonly [status: number, title: string]>> = {
  ERR_EXEMPTION_UNKNOWN: [404, 'Not Found'],
  ERR_EXEMPTION_STATE: [409, 'Conflict'],
  ERR_EXEMPTION_ORIGIN: [409, 'Conflict'],
  ERR_EXEMPTION_DAMAGED: [503, 'Service Unavailable'],
  ERR_EXEMPTION_REGISTER: [503, 'Service Unavailable'],
  ERR_EXEMPTION_STORE: [507, 'Insufficient Storage'],
};

/** The paths of exemptions and decisions. */
export const exemptionRoutes =
  (control: ExemptionControl): ControlRoute =>
  async (method, path, readBody, query) => {
    const target = readTarget(path);
    if (target === undefined) return undefined;
    const allow = target.word === undefined ? (path === ROOT ? 'GET, HEAD, POST' : 'GET, HEAD') : 'POST';
    if (!allow.split(', ').includes(method)) {
      return { ...toProblem(405, 'Method Not Allowed', `this path takes ${allow}`), allow };
    }
    try {
      return method === 'POST'
        ? await act(target, await readBody(), control)
        : await read(path, target.id, query, control);
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      return toFailure(thrown);
    }
  };

interface Target {
  readonly id: string | undefined;
  readonly word: string | undefined;
}

/** Undefined for a path of another subject. */
const readTarget = (path: string): Target | undefined => {
  if (path === ROOT || path === `${ROOT}/report` || path === DECISIONS_PATH) {
    return { id: undefined, word: undefined };
  }
  const match = PATH.exec(path);
  return match === null ? undefined : { id: match[1], word: match[2] };
};

const read = async (
  path: string,
  id: string | undefined,
  query: string,
  control: ExemptionControl,
): Promise<Reply> => {
  if (path === DECISIONS_PATH) return toJson(200, await control.decisions());
  if (path === `${ROOT}/report`) return toJson(200, await control.report());
  if (id !== undefined) return toJson(200, await control.show(id));
  const [, state] = /^state=([a-z]{1,20})$/.exec(query) ?? [];
  if (query !== '' && (state === undefined || !STATES.includes(state))) {
    return toProblem(400, 'Bad Request', `the query is not state=STATE, of ${STATES.join(', ')}`);
  }
  return toJson(200, await control.list(state));
};

const act = async (
  { id, word }: Target,
  text: string | undefined,
  control: ExemptionControl,
): Promise<Reply> => {
  if (text === undefined) return toProblem(413, 'Content Too Large', 'the body is too long');
  const value = parseJson(text);
  if (id === undefined) return toOutcome('requesting an exemption', await control.request(value));
  if (word === 'approve') {
    const approver = approverSchema.safeParse(value).data;
    if (approver === undefined) {
      return malformed('{ "by": text, "role": text, "delegation": text, "reason": text }');
    }
    const { role, delegation, ...decider } = approver;
    return toOutcome(`approving ${id}`, await control.approve(id, { ...decider, role, delegation }));
  }
  const decider = deciderSchema.safeParse(value).data;
  if (decider === undefined) return malformed('{ "by": text, "reason": text }');
  return toJson(
    200,
    word === 'reject' ? await control.reject(id, decider) : await control.revoke(id, decider),
  );
};

const malformed = (form: string): Reply => toProblem(400, 'Bad Request', `the body is not ${form}`);

const isRefusal = (outcome: object): outcome is ExemptionRefusal =>
  'problems' in outcome && Array.isArray(outcome.problems) && outcome.problems.length > 0;

/** What came of a paper; a refusal tells everything that is wrong, in words as well. */
const toOutcome = (doing: string, outcome: object | ExemptionRefusal): Reply => {
  if (!isRefusal(outcome)) return toJson(200, outcome);
  const { problems } = outcome;
  const lines = problems.map(({ code, field, text, hint }) => {
    const where = field === '' ? '' : `${field}: `;
    return `\n  ${where}${text}${hint === undefined ? '' : `; ${hint}`} [${code}]`;
  });
  const count = `${problems.length} problem${problems.length === 1 ? '' : 's'}`;
  const code = 'ERR_EXEMPTION_REFUSED';
  return toProblem(422, 'Unprocessable Content', `${doing}: ${count}${lines.join('')}`, { code, problems });
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
