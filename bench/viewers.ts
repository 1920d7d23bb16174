// Ten people with the control room open, as a process of its own: what their browsers ask and are told, without what a
// browser does with it.
//
//   node bench/viewers.ts      one line of JSON on its input: { origin, cookies }, one text of cookies for each person
//
// Then `open` opens the pages and answers `open`, `close` closes them and answers with what came meanwhile, as JSON. A page
// fetches its HTML, what that loads, its data and the stream, and fetches again what its code fetches again: by
// `event: changed` of its subjects, and refusals every four seconds (pages/parts/use-data.ts, pages/look-up/just-now.tsx).
import { once } from 'node:events';
import { Agent, type ClientRequest, get, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { z } from 'zod';

const orderSchema = z.object({ origin: z.string(), cookies: z.array(z.string()).min(1) });

/** Data of a page, with the subjects after whose change it is fetched again; a number: every so many milliseconds. */
interface View {
  readonly path: string;
  readonly data: readonly (readonly [path: string, again: readonly string[] | number])[];
}

const OVERVIEW: View = { path: '/', data: [] };
const LOOK_UP: View = {
  path: '/look-up',
  data: [
    ['/api/v1/groups', ['configuration']],
    ['/api/v1/refusals?limit=100', 4_000],
  ],
};
const EXEMPTIONS: View = { path: '/exemptions', data: [['/api/v1/exemptions', ['exemptions']]] };
const LISTS: View = {
  path: '/lists',
  data: [
    ['/api/v1/lists', ['lists']],
    ['/api/v1/candidates', []],
  ],
};
const PROOF: View = { path: '/proof', data: [['/api/v1/probe', ['probe']]] };

/** Most look at the first page; the help desk at what was refused just now. */
const VIEWS: readonly View[] = [
  ...Array.from({ length: 5 }, () => OVERVIEW),
  LOOK_UP,
  LOOK_UP,
  EXEMPTIONS,
  LISTS,
  PROOF,
];

const seen = { requests: 0, failed: 0, states: 0, changes: 0, bytes: 0 };
const agent = new Agent({ keepAlive: true });

class Window {
  readonly #origin: string;
  readonly #cookie: string;
  readonly #view: View;
  readonly #timers: NodeJS.Timeout[] = [];
  #stream: ClientRequest | undefined;

  constructor(origin: string, cookie: string, view: View) {
    this.#origin = origin;
    this.#cookie = cookie;
    this.#view = view;
  }

  async open(): Promise<void> {
    const html = await this.#fetch(this.#view.path);
    const loaded = [...html.matchAll(/(?:src|href)="(\/[^"]+\.(?:js|css|svg))"/g)].map(
      ([, path = '']) => path,
    );
    await Promise.all([...loaded, ...this.#view.data.map(([path]) => path)].map((path) => this.#fetch(path)));
    for (const [path, again] of this.#view.data)
      if (typeof again === 'number') this.#timers.push(setInterval(() => void this.#fetch(path), again));
    await this.#listen();
  }

  close(): void {
    this.#stream?.destroy();
    for (const timer of this.#timers) clearInterval(timer);
  }

  async #listen(): Promise<void> {
    const request = get(`${this.#origin}/api/live`, { headers: { cookie: this.#cookie }, agent: false });
    this.#stream = request;
    request.on('error', () => undefined);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    if (response.statusCode !== 200) seen.failed++;
    let rest = '';
    response.setEncoding('utf8').on('data', (piece: string) => {
      seen.bytes += piece.length;
      const events = `${rest}${piece}`.split('\n\n');
      rest = events.pop() ?? '';
      for (const event of events) this.#take(event);
    });
  }

  #take(event: string): void {
    if (event.startsWith('event: state')) seen.states++;
    if (!event.startsWith('event: changed')) return;
    seen.changes++;
    for (const [path, again] of this.#view.data)
      if (Array.isArray(again) && again.some((subject) => event.includes(`"${subject}"`)))
        void this.#fetch(path);
  }

  async #fetch(path: string): Promise<string> {
    const request = get(`${this.#origin}${path}`, { headers: { cookie: this.#cookie }, agent });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    seen.requests++;
    if (response.statusCode !== 200) seen.failed++;
    let text = '';
    for await (const piece of response.setEncoding('utf8')) text += piece;
    seen.bytes += text.length;
    return text;
  }
}

let windows: Window[] = [];
let room: z.output<typeof orderSchema> | undefined;

for await (const line of createInterface({ input: process.stdin })) {
  if (room === undefined) room = orderSchema.parse(JSON.parse(line));
  else if (line === 'open') {
    const { origin, cookies } = room;
    windows = VIEWS.map((view, index) => new Window(origin, cookies[index % cookies.length] ?? '', view));
    await Promise.all(windows.map((window) => window.open()));
    process.stdout.write('open\n');
  } else {
    for (const window of windows) window.close();
    process.stdout.write(`${JSON.stringify(seen)}\n`);
    for (const name of Object.keys(seen)) seen[name as keyof typeof seen] = 0;
  }
}
process.exit(0);
