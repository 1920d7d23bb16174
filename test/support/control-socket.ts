// One request to the control socket below a state directory: what a command sends, for tests that send much or read the reply itself.
import { type IncomingHttpHeaders, request } from 'node:http';
import { join } from 'node:path';

/** What came back; `body` is read as JSON. */
export interface ControlReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Record<string, unknown>;
}

/** Sends `body` as JSON, a string as it is; rejects when nobody listens or the reply is no JSON. */
export const requestControl = (
  stateDirectory: string,
  method: string,
  path: string,
  body?: string | object,
): Promise<ControlReply> =>
  new Promise((resolve, reject) => {
    const socketPath = join(stateDirectory, 'control.sock');
    const sent = request({ socketPath, method, path, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
      });
      response.on('end', () => {
        const { statusCode = 0, headers } = response;
        try {
          resolve({ status: statusCode, headers, body: JSON.parse(text) as ControlReply['body'] });
        } catch (error) {
          reject(new Error(`${method} ${path}: ${statusCode} ${text}`, { cause: error }));
        }
      });
    });
    sent.on('error', reject);
    sent.end(typeof body === 'object' ? JSON.stringify(body) : body);
  });
