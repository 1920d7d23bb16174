// Finds the operation that a request is for, checks what it brings, and turns what comes of it into a reply.
//
// Paths are compared as they came: nothing is decoded. Who may not use an operation learns that before the body is read.
import { type AppError, isAppError } from '../base/base.ts';
import { type Door, NOTHING, type Operation, type Role } from './operation.ts';
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
  ERR_LIST_HELD: 409,
  ERR_EXEMPTION_UNKNOWN: 404,
  ERR_EXEMPTION_STATE: 409,
  ERR_EXEMPTION_ORIGIN: 409,
  ERR_EXEMPTION_DAMAGED: 503,
  ERR_EXEMPTION_REGISTER: 503,
  ERR_EXEMPTION_STORE: 507,
};

/** True for who has one of the operation's roles. */
export const mayUse = ({ door, roles }: Operation, own: readonly Role[]): boolean =>
  door === 'listener' || roles.some((role) => own.includes(role));

/** Answers at one door for somebody with these roles. Rejects with defects of the program only. */
export const dispatch = async (
  door: Door,
  asked: Asked,
  roles: readonly Role[],
  controls: Controls,
): Promise<Reply> => {
  const found = ALL_OPERATIONS.flatMap(([, operation]) => {
    const parameters = operation.door === door ? matchPath(operation, asked.path) : undefined;
    const control = controls[operation.subject as keyof Controls];
    return parameters === undefined || control === undefined ? [] : [{ operation, parameters, control }];
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
  const { operation, parameters, control } = chosen;
  if (!mayUse(operation, roles)) {
    return toProblem(403, `this is for people with one of the roles ${operation.roles.join(', ')}`);
  }
  return perform(operation, parameters, control, asked);
};

const NO_PATH: Readonly<Record<Door, string>> = {
  listener: `paths are ${ALL_OPERATIONS.filter(([, { door }]) => door === 'listener')
    .map(([, { path }]) => path)
    .join(', ')}`,
  socket: 'no such path on the control socket',
};

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

const perform = async (
  operation: Operation,
  parameters: Record<string, unknown>,
  control: object,
  { query, readBody }: Asked,
): Promise<Reply> => {
  const { body: bodySchema, form, failureStatus } = operation;
  const queried = readQuery(operation, query);
  if (!queried.success) return toProblem(400, `the query is not ${form}`);
  const text = bodySchema === undefined ? '' : await readBody();
  if (text === undefined) return toProblem(413, 'the body is too long');
  const body = bodySchema?.safeParse(parseJson(text));
  if (body?.success === false) return toProblem(400, `the body is not ${form}`);
  try {
    const outcome = await operation.handle(control, { parameters, query: queried.data, body: body?.data });
    if (outcome.isRefused) return toProblem(outcome.status, outcome.detail, outcome.more);
    const mediaType = operation.mediaType?.(control);
    if (mediaType === undefined) return toJson(outcome.status, outcome.value);
    return { ...toReply(outcome.status, mediaType, String(outcome.value)), validators: outcome.validators };
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
