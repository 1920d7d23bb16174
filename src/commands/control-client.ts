// The command's side of the control socket: one operation of the table, one answer, and what to do when nobody answers.
import { join } from 'node:path';
import type { z } from 'zod';
import { AppError, errorText, systemErrorCode } from '../base/base.ts';
import { loadHttp } from '../base/http/http.ts';
import { CONTROL_SOCKET_NAME, type Operation, type Sent } from '../people/admin/admin.ts';

/** A fetch may take five minutes, and the policy that follows from it some seconds. */
const ANSWER_MS_MAX = 330_000;
const ANSWER_LENGTH_MAX = 16 << 20;
/** Of the operations of a fleet. */
const FLEET_PATH = '/v1/fleet';
/** Nobody listens: no program was started, or it is gone. */
const NOBODY: ReadonlySet<string> = new Set(['ENOENT', 'ECONNREFUSED', 'ENOTSOCK']);

/** True for the error of askService() when no program runs. */
export const isNobodyThere = (thrown: unknown): boolean =>
  thrown instanceof AppError && thrown.code === 'ERR_CLI_NO_SERVICE';

/**
 * Asks the program that runs with this state directory, and gives what it answers, as it came.
 *
 * Throws ERR_CLI_NO_SERVICE when no program runs, ERR_CLI_CONTROL when it cannot be asked or answers what this version
 * does not know, and the error that the program answers with.
 */
export const askService = async <
  Parameters extends z.ZodObject,
  Query extends z.ZodType,
  Body extends z.ZodType,
  Result extends z.ZodType,
>(
  { stateDirectory }: { readonly stateDirectory: string },
  operation: Operation<never, Parameters, Query, Body, Result>,
  sent: Sent<Parameters, Query, Body> & Pieces,
): Promise<z.output<Result>> => {
  const socketPath = join(stateDirectory, CONTROL_SOCKET_NAME);
  const { status, text } = await exchange(socketPath, operation, sent);
  const value = parseJson(text);
  if (status !== 200) throw toError(socketPath, operation.path, status, value);
  if (!operation.result.safeParse(value).success)
    throw toError(socketPath, operation.path, status, undefined);
  // As it came: members that this version does not know are shown as well.
  return value as z.output<Result>;
};

/** Path and query of an operation with what goes into them. */
const pathOf = (path: string, { parameters = {}, query = {} }: Pieces): string => {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(String(parameters[name])),
  );
  const search = new URLSearchParams(query).toString();
  return search === '' ? filled : `${filled}?${search}`;
};

interface Pieces {
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

interface Exchanged {
  readonly status: number;
  readonly text: string;
}

const exchange = (
  socketPath: string,
  { method, path: pattern, body: schema }: Pick<Operation, 'method' | 'path' | 'body'>,
  sent: Pieces,
): Promise<Exchanged> =>
  new Promise((resolve, reject) => {
    const fail = (thrown: unknown): void => reject(connectError(socketPath, thrown));
    const path = pathOf(pattern, sent);
    const asked = loadHttp().request(
      { socketPath, path, method, agent: false, timeout: ANSWER_MS_MAX },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (piece: string) => {
          text += piece;
          if (text.length > ANSWER_LENGTH_MAX) response.destroy(new Error('the answer is too long'));
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
        response.on('error', fail);
      },
    );
    asked.on('timeout', () => asked.destroy(new Error('no answer')));
    asked.on('error', fail);
    asked.end(schema === undefined ? undefined : JSON.stringify(sent.body ?? {}));
  });

const connectError = (socketPath: string, thrown: unknown): AppError => {
  if (NOBODY.has(systemErrorCode(thrown) ?? '')) {
    return new AppError('ERR_CLI_NO_SERVICE', `asking the service at ${socketPath}: it does not run`, {
      hint: 'Start it, or name its configuration with --config or its state with --state-directory.',
    });
  }
  const options = { cause: thrown, hint: 'Only the user of the service and root may ask it.' };
  return new AppError(
    'ERR_CLI_CONTROL',
    `asking the service at ${socketPath}: ${errorText(thrown)}`,
    options,
  );
};

/** A problem document as the error that it was in the program. */
const toError = (socketPath: string, path: string, status: number, value: unknown): AppError => {
  const { code, detail, hint } = (typeof value === 'object' && value !== null ? value : {}) as Record<
    string,
    unknown
  >;
  if (typeof code === 'string' && typeof detail === 'string') {
    return new AppError(code, detail, typeof hint === 'string' ? { hint } : {});
  }
  // What is asked of a fleet has a path only where there is one.
  if (status === 404 && path.startsWith(FLEET_PATH)) {
    return new AppError('ERR_FLEET_IDENTITY', `asking the service at ${socketPath}: it is in no fleet`, {
      hint: 'The key "fleet" of the configuration holds from the next start on; if it is there, the log says why not.',
    });
  }
  const text = typeof detail === 'string' ? detail : 'no answer that can be read';
  return new AppError('ERR_CLI_CONTROL', `asking the service at ${socketPath}: ${text} (status ${status})`);
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
