// Requests to the server of the page. One way to ask, one kind of fault; what failed says what was not changed.
//
// A request that needs the person to show again who they are (ERR_ROOM_STEP_UP) waits until they did and is then sent once more.
import type { ExemptionProblem } from './members.ts';
import type { Act, Session } from './shapes.ts';

/** A refusal or a failure, as RFC 9457 writes it. */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly status: number;
  readonly code: string;
  readonly hint: string;
  readonly problems: readonly ExemptionProblem[];

  constructor(
    status: number,
    code: string,
    text: string,
    hint: string = '',
    problems: readonly ExemptionProblem[] = [],
  ) {
    super(text);
    this.status = status;
    this.code = code;
    this.hint = hint;
    this.problems = problems;
  }
}

/** Whatever was thrown, as a fault that can be told. */
export const faultOf = (error: unknown): Fault =>
  error instanceof Fault ? error : new Fault(0, 'FAULT', error instanceof Error ? error.message : '');

/** What an act came to: done, or waiting for a second person. */
export type Outcome<Result> = { readonly done: Result } | { readonly pending: Act };

/** What the shell does when a request needs it. */
export interface Doorkeeper {
  /** Nobody is signed in, or no longer. */
  signedOut(): void;
  /** Resolves to false when the person gave up. */
  stepUp(): Promise<boolean>;
}

let csrf = '';
let doorkeeper: Doorkeeper = { signedOut: () => {}, stepUp: () => Promise.resolve(false) };

/** The shell takes its place. */
export const setDoorkeeper = (keeper: Doorkeeper): void => {
  doorkeeper = keeper;
};

/** Remembers the token that acts are sent with. */
export const keepSession = (session: Session): Session => {
  csrf = session.csrf;
  return session;
};

interface ProblemBody {
  readonly detail?: string;
  readonly title?: string;
  readonly code?: string;
  readonly hint?: string;
  readonly problems?: readonly ExemptionProblem[];
}

const toFault = async (response: Response): Promise<Fault> => {
  let body: ProblemBody = {};
  try {
    body = (await response.json()) as ProblemBody;
  } catch {
    // A proxy in between answers in its own form; the status says enough.
  }
  const text = body.detail ?? body.title ?? response.statusText;
  const retry = response.headers.get('retry-after');
  return new Fault(
    response.status,
    body.code ?? '',
    text,
    body.hint ?? (retry === null ? '' : `${retry} s`),
    body.problems,
  );
};

const send = async (path: string, init: RequestInit): Promise<Response> => {
  let response: Response;
  try {
    response = await fetch(path, { credentials: 'same-origin', cache: 'no-store', ...init });
  } catch {
    throw new Fault(0, 'NO_WORD', '');
  }
  if (response.ok) return response;
  const fault = await toFault(response);
  if (fault.status === 401 && fault.code === 'ERR_ROOM_SIGN_IN') doorkeeper.signedOut();
  throw fault;
};

/** Reads what `path` below /api gives. Rejects with a Fault. */
export const get = async <Result>(path: string): Promise<Result> =>
  (await (await send(`/api${path}`, { method: 'GET' })).json()) as Result;

const post = (path: string, body: object): Promise<Response> =>
  send(`/api${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-csrf-token': csrf },
    body: JSON.stringify(body),
  });

/** Asks for something that changes no state of the program: a check, an explanation, a step of signing in. */
export const ask = async <Result>(path: string, body: object = {}): Promise<Result> =>
  (await (await post(path, body)).json()) as Result;

/** Does what `path` stands for, after a step-up where the server wants one. Rejects with a Fault. */
export const act = async <Result>(path: string, body: object = {}): Promise<Outcome<Result>> => {
  let response: Response;
  try {
    response = await post(path, body);
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'ERR_ROOM_STEP_UP') throw error;
    if (!(await doorkeeper.stepUp())) throw error;
    response = await post(path, body);
  }
  const value = (await response.json()) as Result & { readonly pending?: Act };
  return response.status === 202 && value.pending !== undefined
    ? { pending: value.pending }
    : { done: value };
};
