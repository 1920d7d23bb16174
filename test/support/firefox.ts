// Firefox without a window, led by WebDriver BiDi over the WebSocket that it opens: what it was sent to, and what it shows there.
//
// It runs in a mount namespace of its own, in which its directory of policies is the one that the test wrote: a policy of the
// machine is what administrators install, and nothing of the machine is changed.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ownClock } from './fake-time.ts';
import { findProgram } from './process.ts';

/** Where Debian's Firefox looks for `policies.json`. */
const POLICY_DIRECTORY = '/usr/share/firefox-esr/distribution';
/** From start to the line that names the WebSocket: a second, on a loaded machine many times that. */
const START_TIMEOUT_MS = 90_000;
const COMMAND_TIMEOUT_MS = 90_000;

/** What came of going somewhere: the text of the page, or the error of the browser, such as NS_ERROR_UNKNOWN_HOST. */
export type Visit = { readonly text: string } | { readonly error: string };

interface Answer {
  readonly id?: number;
  readonly type: string;
  readonly message?: string;
  readonly result?: {
    readonly contexts?: readonly { readonly context: string }[];
    readonly result?: { readonly value?: string };
  };
}

/** One browser with a profile of its own. */
export class Firefox {
  readonly #process: ChildProcess;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #context = '';
  #count = 0;

  private constructor(process: ChildProcess, socket: WebSocket) {
    this.#process = process;
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      const answer = JSON.parse(String(data)) as Answer;
      if (answer.id !== undefined) this.#waiting.get(answer.id)?.(answer);
    });
  }

  /** Starts it with the policies in a directory; its profile and its home lie in `directory`. */
  static async start(directory: string, policies: string): Promise<Firefox> {
    const home = join(directory, 'firefox');
    mkdirSync(home);
    const command = [
      ...[`mount --bind '${policies}' ${POLICY_DIRECTORY} &&`, 'exec', findProgram('firefox-esr') ?? ''],
      ...['--headless', '--no-remote', '--profile', `'${home}'`, '--remote-debugging-port', '0'],
    ].join(' ');
    const child = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', command], {
      env: { PATH: process.env['PATH'], HOME: home, ...ownClock() },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    try {
      const socket = new WebSocket(`${await webSocketOf(child)}/session`);
      await once(socket, 'open');
      const firefox = new Firefox(child, socket);
      await firefox.#call('session.new', { capabilities: {} });
      const { result } = await firefox.#call('browsingContext.getTree', {});
      firefox.#context = result?.contexts?.[0]?.context ?? '';
      return firefox;
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
  }

  /** Goes somewhere and waits until the page is there, or the browser has given up. */
  async visit(url: string): Promise<Visit> {
    const { type, message = '' } = await this.#call('browsingContext.navigate', {
      context: this.#context,
      url,
      wait: 'complete',
    });
    if (type === 'error') return { error: message };
    const { result } = await this.#call('script.evaluate', {
      expression: 'document.body.innerText',
      target: { context: this.#context },
      awaitPromise: false,
    });
    return { text: result?.result?.value ?? '' };
  }

  /** Ends it. */
  async close(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const closed = once(this.#process, 'close');
    this.#socket.close();
    this.#process.kill('SIGKILL');
    await closed;
  }

  async #call(method: string, params: object): Promise<Answer> {
    const id = ++this.#count;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const timer = setTimeout(() => reject(new Error(`${method}: no answer`)), COMMAND_TIMEOUT_MS);
    this.#waiting.set(id, resolve);
    this.#socket.send(JSON.stringify({ id, method, params }));
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }
}

/** The address in the line that it prints when it listens. */
const webSocketOf = async (child: ChildProcess): Promise<string> => {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let text = '';
  const read = (chunk: Buffer): void => {
    text += chunk.toString('utf8');
    const [, url] = /WebDriver BiDi listening on (\S+)/.exec(text) ?? [];
    if (url !== undefined) resolve(url);
  };
  child.stdout?.on('data', read);
  child.stderr?.on('data', read);
  child.once('close', () => reject(new Error(`Firefox ended\n${text}`)));
  const timer = setTimeout(() => reject(new Error(`Firefox does not listen\n${text}`)), START_TIMEOUT_MS);
  try {
    const url = await promise;
    assert.ok(url.startsWith('ws://127.0.0.1:'));
    return url;
  } finally {
    clearTimeout(timer);
  }
};
