// Finds the operation that a request is for, checks what it brings, and turns what comes of it into a reply.
//
// Paths are compared as they came: nothing is decoded. Who may not use an operation learns that before the body is read.
import { type AppError, isAppError } from '../../base/base.ts';
import { type Spend, sumOf } from './act-rules.ts';
import {
  type Actor,
  type Door,
  type Given,
  NOTHING,
  type Operation,
  type Outcome,
  type Role,
} from './operation.ts';
import { ALL_OPERATIONS, type Controls } from './operations.ts';
import { type Reply, toJson, toProblem, toReply } from './reply.ts';

/** A request as it came. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  /** What stands behind the question mark. */
  readonly query: string;
  /** Undefined for a body that is too long. */
  readBody(): Promise<string | undefined>;
}

/** HTTP status by code of an AppError; that of another one is in the operation. */
const STATUSES: Readonly<Record<string, number>> = {
  ERR_LIST_UNKNOWN: 404,
  ERR_LIST_ABSENT: 409,
  ERR_LIST_EMPTY: 409,
  ERR_LIST_HELD: 409,
  ERR_EXEMPTION_UNKNOWN: 404,
  ERR_EXEMPTION_STATE: 409,
  ERR_EXEMPTION_ORIGIN: 409,
  ERR_FLEET_NODE: 409,
  ERR_FLEET_HOLD: 409,
  ERR_FLEET_PROBE: 429,
  ERR_FLEET_FORK: 409,
  ERR_FLEET_REPLACED: 409,
  ERR_EXEMPTION_DAMAGED: 503,
  ERR_EXEMPTION_REGISTER: 503,
  ERR_EXEMPTION_STORE: 507,
  ERR_APP_CONFIGURATION_DRAFT: 404,
  ERR_ROOM_BRAKE: 429,
  ERR_ROOM_BUSY: 429,
  ERR_ROOM_CREDENTIALS: 401,
  ERR_ROOM_ROLE: 403,
  ERR_ROOM_SIGN_IN: 401,
  ERR_ROOM_TOKEN: 404,
  ERR_ROOM_UNKNOWN: 404,
};

/** True for who has one of the operation's roles. */
export const mayUse = ({ door, isOpen, roles }: Operation, own: readonly Role[]): boolean =>
  door === 'listener' || door === 'command' || isOpen === true || roles.some((role) => own.includes(role));

/** True for an operation that is reached at a door. */
export const isAt = ({ door }: Operation, asked: Exclude<Door, 'command'>): boolean =>
  door === asked || (asked === 'socket' && door === 'command') || (asked === 'room' && door === 'socket');

/** Answers somebody at one door; with `spend`, what is summed is. Rejects with defects of the program only. */
export const dispatch = async (
  door: Exclude<Door, 'command' | 'room'>,
  asked: Asked,
  actor: Actor,
  controls: Controls,
  spend?: Spend,
): Promise<Reply> => {
  const found = ALL_OPERATIONS.flatMap(([name, operation]) => {
    const parameters = isAt(operation, door) ? matchPath(operation, asked.path) : undefined;
    const control = controls[operation.subject as keyof Controls];
    return parameters === undefined || control === undefined
      ? []
      : [{ name, operation, parameters, control }];
  });
  if (found.length === 0) return toProblem(404, NO_PATH[door]);
  const method = asked.method === 'HEAD' ? 'GET' : asked.method;
  const chosen = found.find(({ operation }) => operation.method === method);
  if (chosen === undefined) {
    const allow = found
      .map(({ operation }) => (operation.method === 'GET' ? 'GET, HEAD' : 'POST'))
      .join(', ');
    return { ...toProblem(405, `this path takes ${allow}`), allow };
  }
  const { name, operation, parameters, control } = chosen;
  if (!mayUse(operation, actor.roles)) return notForRoles(operation);
  let giveBack: (() => void) | undefined;
  const before = (given: AnyGiven): Outcome<unknown> | undefined => {
    const sum = spend && sumOf(name, given);
    if (spend === undefined || sum === undefined) return undefined;
    giveBack = spend(sum.budget, actor.account ?? NO_ACCOUNT, sum.amount);
    return giveBack === undefined ? TOO_MUCH_ALONE : undefined;
  };
  const reply = await perform({ operation, control, actor, before }, parameters, asked);
  if (reply.status !== OK) giveBack?.();
  return reply;
};

const OK = 200;
/** Users of the system whom nobody could name have one sum together. */
const NO_ACCOUNT = 'no account';
const TOO_MUCH_ALONE: Outcome<never> = {
  isRefused: true,
  status: 403,
  detail: 'this is more than one person does alone within 24 hours',
  more: { hint: 'Ask for it in the control room, where somebody else confirms it.' },
};

/** The answer to who has none of the operation's roles. */
export const notForRoles = (operation: Operation): Reply =>
  toProblem(403, `this is for people with one of the roles ${operation.roles.join(', ')}`);

const NO_PATH = {
  listener: `paths are ${ALL_OPERATIONS.filter(([, { door }]) => door === 'listener')
    .map(([, { path }]) => path)
    .join(', ')}`,
  socket: 'no such path on the control socket',
} as const;

/** The parts of a path in braces; undefined when the path is another one. */
const matchPath = (
  { path: pattern, parameters: schema }: Operation,
  path: string,
): Record<string, unknown> | undefined => {
  const wanted = pattern.split('/');
  const parts = path.split('/');
  if (wanted.length !== parts.length) return undefined;
  const written: Record<string, string> = {};
  for (const [index, part] of parts.entries()) {
    const [, name] = /^\{(\w+)\}$/.exec(wanted[index] ?? '') ?? [];
    if (name !== undefined) written[name] = part;
    else if (part !== wanted[index]) return undefined;
  }
  return schema.safeParse(written).data;
};

/** What any operation is given. */
export type AnyGiven = Given<Record<string, unknown>, unknown, unknown>;

/** An operation that somebody may use, and what answers it. */
export interface Performed {
  readonly operation: Operation;
  readonly control: object;
  readonly actor: Actor;
  /** Asked before it is done; what it gives is answered instead. `body` is as it was sent. */
  before?(
    given: AnyGiven,
    body: unknown,
  ): Outcome<unknown> | undefined | Promise<Outcome<unknown> | undefined>;
}

/** Checks what a request brings and does what it asks. Rejects with defects of the program only. */
export const perform = async (
  { operation, control, actor, before }: Performed,
  parameters: Record<string, unknown>,
  { query, readBody }: Pick<Asked, 'query' | 'readBody'>,
): Promise<Reply> => {
  const { body: bodySchema, form, failureStatus } = operation;
  const queried = readQuery(operation, query);
  if (!queried.success) return toProblem(400, `the query is not ${form}`);
  const text = bodySchema === undefined ? '' : await readBody();
  if (text === undefined) return toProblem(413, 'the body is too long');
  const sent = parseJson(text);
  const body = bodySchema?.safeParse(sent);
  if (body?.success === false) {
    // What a reader of ours says of a value, such as of a name, says more than the form.
    const own = body.error.issues.find(({ code }) => code === 'custom');
    return toProblem(400, own?.message ?? `the body is not ${form}`);
  }
  try {
    const given = { parameters, query: queried.data, body: body?.data };
    const earlier = before?.(given, sent);
    // What is allowed at once is done at once: a wait between the two would let something come in between.
    const instead = earlier instanceof Promise ? await earlier : earlier;
    const outcome = instead ?? (await operation.handle(control, given, actor));
    if (outcome.isRefused) return toProblem(outcome.status, outcome.detail, outcome.more);
    const mediaType = operation.mediaType?.(control);
    if (mediaType === undefined) return toJson(outcome.status, outcome.value);
    const content = outcome.value instanceof Uint8Array ? outcome.value : String(outcome.value);
    return { ...toReply(outcome.status, mediaType, content), validators: outcome.validators };
  } catch (thrown) {
    if (!isAppError(thrown)) throw thrown;
    return toFailure(thrown, failureStatus);
  }
};

/** A name that stands twice is refused as one that is not known. */
const readQuery = ({ query: schema }: Operation, query: string) => {
  const pairs = schema === NOTHING || query === '' ? [] : [...new URLSearchParams(query)];
  const values = Object.fromEntries(pairs);
  return schema.safeParse(Object.keys(values).length === pairs.length ? values : undefined);
};

const toFailure = ({ code, message, hint }: AppError, failureStatus: number): Reply =>
  toProblem(STATUSES[code] ?? failureStatus, message, { code, hint });

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
