// The command's side of the control socket: one request, one answer, and what to do when nobody answers.
import { request } from 'node:http';
import { join } from 'node:path';
import { AppError, errorText, systemErrorCode } from '../base/base.ts';
import type { Config } from '../config/config.ts';
import { CONTROL_SOCKET_NAME } from '../lists/keeping/keeping.ts';

/** A fetch may take five minutes, and the policy that follows from it some seconds. */
const ANSWER_MS_MAX = 330_000;
const ANSWER_LENGTH_MAX = 16 << 20;
/** Nobody listens: no program was started, or it is gone. */
const NOBODY: ReadonlySet<string> = new Set(['ENOENT', 'ECONNREFUSED', 'ENOTSOCK']);

/** True for the error of askService() when no program runs. */
export const isNobodyThere = (thrown: unknown): boolean =>
  thrown instanceof AppError && thrown.code === 'ERR_CLI_NO_SERVICE';

/**
 * Asks the program that runs with this configuration; a `body` makes it a POST. Gives what its JSON holds.
 *
 * Throws ERR_CLI_NO_SERVICE when no program runs, ERR_CLI_CONTROL when it cannot be asked, and the error that the
 * program answers with.
 */
export const askService = async (config: Config, path: string, body?: object): Promise<unknown> => {
  const socketPath = join(config.stateDirectory, CONTROL_SOCKET_NAME);
  const { status, text } = await exchange(socketPath, path, body);
  const value = parseJson(text);
  if (status === 200 && value !== undefined) return value;
  throw toError(socketPath, status, value);
};

interface Exchanged {
  readonly status: number;
  readonly text: string;
}

const exchange = (socketPath: string, path: string, body: object | undefined): Promise<Exchanged> =>
  new Promise((resolve, reject) => {
    const fail = (thrown: unknown): void => reject(connectError(socketPath, thrown));
    const method = body === undefined ? 'GET' : 'POST';
    const sent = request({ socketPath, path, method, agent: false, timeout: ANSWER_MS_MAX }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => {
        text += piece;
        if (text.length > ANSWER_LENGTH_MAX) response.destroy(new Error('the answer is too long'));
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      response.on('error', fail);
    });
    sent.on('timeout', () => sent.destroy(new Error('no answer')));
    sent.on('error', fail);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });

const connectError = (socketPath: string, thrown: unknown): AppError => {
  if (NOBODY.has(systemErrorCode(thrown) ?? '')) {
    return new AppError('ERR_CLI_NO_SERVICE', `asking the service at ${socketPath}: it does not run`, {
      hint: 'Start it, or name its configuration with --config.',
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
const toError = (socketPath: string, status: number, value: unknown): AppError => {
  const { code, detail, hint } = (typeof value === 'object' && value !== null ? value : {}) as Record<
    string,
    unknown
  >;
  if (typeof code === 'string' && typeof detail === 'string') {
    return new AppError(code, detail, typeof hint === 'string' ? { hint } : {});
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
