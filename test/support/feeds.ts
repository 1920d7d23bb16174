// A feed for tests: published by python3-tuf, the second implementation beside our own, and served from files by a static web
// server that misbehaves where a test tells it to.
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext, TestOptions } from 'vitest';
import { requireFile, skippedWithout } from './process.ts';

const PYTHON = '/usr/bin/python3';
const LIBRARY = '/usr/lib/python3/dist-packages/tuf/__init__.py';
const SCRIPT = join(import.meta.dirname, 'feed-publisher.py');

/** Leaves the test out where python3-tuf is not installed. */
export const requireTuf = (context: TestContext): void => requireFile(context, LIBRARY, 'python3-tuf');

/** The same for a suite whose hooks need it. */
export const needingTuf = (): TestOptions =>
  existsSync(LIBRARY) ? {} : skippedWithout(LIBRARY, 'python3-tuf');

/** What a publisher can be told beside the targets. */
export interface Publishing {
  readonly now: number;
  readonly targets: Readonly<Record<string, string>>;
  /** How many keys of a role sign. */
  readonly signers?: Readonly<Record<string, number>>;
  readonly versions?: Readonly<Record<string, number>>;
  readonly 'snapshot-length'?: number;
}

/** python3-tuf in a process of its own. Times are seconds since 1970. */
export class FeedPublisher {
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  /** SHA-256 of the root that was written last. */
  root = '';

  constructor() {
    this.#child = spawn(PYTHON, [SCRIPT], { stdio: ['pipe', 'pipe', 'inherit'] });
    const { stdout } = this.#child;
    if (stdout === null) throw new Error('the publisher has no output');
    this.#answers = createInterface({ input: stdout })[Symbol.asyncIterator]();
  }

  /** Makes keys and the first root. `keys` are threshold and number by role. */
  init(
    directory: string,
    now: number,
    keys: Readonly<Record<string, readonly [number, number]>> = {},
    days: Readonly<Record<string, number>> = {},
  ): Promise<Answer> {
    return this.#ask({ do: 'init', directory, now, keys, days });
  }

  publish(publishing: Publishing): Promise<Answer> {
    return this.#ask({ do: 'publish', ...publishing });
  }

  rotate(now: number, roles: readonly string[]): Promise<Answer> {
    return this.#ask({ do: 'rotate', now, roles });
  }

  /** Reads a target as python3-tuf's client does, from a root file that is trusted. */
  async read(request: { url: string; root: string; target: string; directory: string }): Promise<string> {
    const { text } = await this.#ask({ do: 'read', ...request });
    return text ?? '';
  }

  async close(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.stdin?.end();
    await ended;
  }

  async #ask(request: object): Promise<Answer> {
    this.#child.stdin?.write(`${JSON.stringify(request)}\n`);
    const { value } = (await this.#answers.next()) as IteratorResult<string, undefined>;
    if (value === undefined) throw new Error('the publisher ended');
    const answer = JSON.parse(value) as Answer;
    if (answer.error !== undefined) throw new Error(answer.error);
    this.root = answer.root ?? this.root;
    return answer;
  }
}

interface Answer {
  readonly error?: string;
  readonly root?: string;
  readonly text?: string;
}

/** A static web server of one directory, with entity tags. */
export class FeedServer {
  readonly requests: {
    readonly path: string;
    readonly headers: IncomingHttpHeaders;
    readonly status: number;
  }[] = [];
  readonly port: number;
  readonly #server: Server;
  /** By path: what is done instead. */
  readonly mischief = new Map<string | RegExp, RequestListener>();
  directory: string;

  private constructor(server: Server, port: number, directory: string) {
    this.#server = server;
    this.port = port;
    this.directory = directory;
    server.on('request', (request, response) => {
      const path = decodeURIComponent(request.url ?? '/').slice(1);
      response.on('close', () => {
        this.requests.push({ path, headers: request.headers, status: response.statusCode });
      });
      for (const [pattern, listener] of this.mischief)
        if (typeof pattern === 'string' ? pattern === path : pattern.test(path)) {
          listener(request, response);
          return;
        }
      try {
        const bytes = readFileSync(join(this.directory, path));
        const etag = `"${createHash('sha256').update(bytes).digest('hex')}"`;
        if (request.headers['if-none-match'] === etag) response.writeHead(304).end();
        else response.writeHead(200, { etag, 'content-length': bytes.length }).end(bytes);
      } catch {
        response.writeHead(404).end();
      }
    });
  }

  static async open(directory: string): Promise<FeedServer> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    return new FeedServer(server, port, directory);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/`;
  }

  /** Serves another copy of the directory from now on: what it was, for an attacker who kept it. */
  keep(place: string): string {
    cpSync(this.directory, place, { recursive: true });
    return place;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}
