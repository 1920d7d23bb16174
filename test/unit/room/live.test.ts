// Streams of pages: a session that ends closes its stream, and nothing is written to it afterwards.
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { expect, test, vi } from 'vitest';
import { Live } from '../../../src/people/room/live.ts';

test('a stream whose session is over gets its end, and the others go on', async () => {
  let version = 0;
  const faults: unknown[] = [];
  const live = new Live(
    {
      versions: () => new Map([['lists', String(version)]]),
      state: () => Promise.resolve({ text: `{"version":${version}}`, signature: String(version) }),
    },
    (thrown) => faults.push(thrown),
    () => 0,
  );
  let isLasting = true;
  const responses: ServerResponse[] = [];
  const server = createServer((request, response) => {
    responses.push(response);
    live.add(response, request.url ?? '', () => request.url !== '/over' || isLasting);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const read = async (path: string): Promise<string> =>
    await (await fetch(`http://127.0.0.1:${port}${path}`)).text();
  try {
    const over = read('/over');
    const lasting = read('/lasting');
    while (responses.length < 2) await new Promise(setImmediate);
    await live.look();
    isLasting = false;
    version++;
    await live.look();
    version++;
    await live.look();
    expect(await over).toMatch(/event: end\ndata: \{\}\n\n$/);
    live.close();
    expect(await lasting).toContain('{"version":2}');
    expect(faults).toEqual([]);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test('a look that is dear is followed by a rest, and a cheap one by none', async () => {
  let nowMs = 0;
  let costMs = 100;
  let reads = 0;
  const live = new Live(
    {
      versions: () => new Map(),
      state: () => {
        reads++;
        nowMs += costMs;
        return Promise.resolve({ text: '{}', signature: String(reads) });
      },
    },
    (thrown) => {
      throw thrown;
    },
    () => nowMs,
  );
  // A look each second: after 100 ms of work one comes each four seconds.
  const lookFor = async (seconds: number): Promise<number> => {
    const before = reads;
    for (let second = 0; second < seconds; second++) {
      await live.look();
      nowMs += 1_000;
    }
    return reads - before;
  };
  expect(await lookFor(60)).toBeLessThanOrEqual(15);
  costMs = 10;
  await lookFor(6);
  expect(await lookFor(60)).toBe(60);
});

test('ten streams of several people cost what one does: each state is made once, and all are told the same', async () => {
  // Looks are the test's own.
  vi.useFakeTimers({ toFake: ['setInterval'] });
  const made = { states: 0, versions: 0 };
  let version = 0;
  let nowMs = 0;
  const live = new Live(
    {
      versions: () => {
        made.versions++;
        return new Map([['lists', String(version)]]);
      },
      state: () => {
        made.states++;
        return Promise.resolve({ text: `{"version":${version}}`, signature: String(version) });
      },
    },
    (thrown) => {
      throw thrown;
    },
    () => nowMs,
  );
  const server = createServer((request, response) => {
    if (request.url === '/page') void live.newest().then((text) => response.end(text));
    else live.add(response, request.url ?? '', () => true);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const read = async (path: string): Promise<string> =>
    await (await fetch(`http://127.0.0.1:${port}${path}`)).text();
  /** What so many pages are told over some changes, and what that costs. */
  const watch = async (pages: number) => {
    Object.assign(made, { states: 0, versions: 0 });
    nowMs += 10_000;
    const streams = Array.from({ length: pages }, (_, index) => read(`/person-${index % 3}`));
    while (live.size < pages) await new Promise(setImmediate);
    nowMs += 10_000;
    const firsts = await Promise.all(Array.from({ length: pages }, () => read('/page')));
    expect(new Set(firsts).size).toBe(1);
    for (let change = 0; change < 5; change++) {
      version++;
      nowMs += 1_000;
      await live.look();
    }
    live.close();
    const told = await Promise.all(streams);
    while (live.size > 0) await new Promise(setImmediate);
    for (const text of told) expect(text.match(/event: state/g)?.length).toBeGreaterThanOrEqual(5);
    for (const text of told) expect(text).toContain(`{"version":${version}}`);
    return { ...made };
  };
  try {
    const one = await watch(1);
    expect(one.states).toBeGreaterThanOrEqual(6);
    expect(await watch(10)).toEqual(one);
  } finally {
    vi.useRealTimers();
    server.closeAllConnections();
    server.close();
  }
});

test('while the state cannot be read nothing is told, and all are told as soon as it can be', async () => {
  vi.useFakeTimers({ toFake: ['setInterval'] });
  let isBroken = false;
  let version = 0;
  let nowMs = 0;
  const faults: unknown[] = [];
  const live = new Live(
    {
      versions: () => new Map([['acts', String(version)]]),
      state: () =>
        isBroken
          ? Promise.reject(new Error('it is damaged'))
          : Promise.resolve({ text: '{}', signature: 'a' }),
    },
    (thrown) => faults.push(thrown),
    () => nowMs,
  );
  const server = createServer((request, response) => live.add(response, request.url ?? '', () => true));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const open = async () => {
    const before = live.size;
    const response = fetch(`http://127.0.0.1:${port}/`);
    while (live.size === before) await new Promise(setImmediate);
    const reader = (await response).body?.pipeThrough(new TextDecoderStream()).getReader();
    const events: string[] = [];
    const done = (async () => {
      for (;;) {
        const { done: isOver, value = '' } = (await reader?.read()) ?? { done: true };
        if (isOver) return events;
        events.push(...[...value.matchAll(/event: (\w+)/g)].map(([, name = '']) => name));
      }
    })();
    return { events, done };
  };
  const look = async (looks: number): Promise<void> => {
    for (let count = 0; count < looks; count++) {
      nowMs += 1_000;
      await live.look();
    }
    // What was written has arrived by then.
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  };
  try {
    const page = await open();
    await look(6);
    expect(page.events).toEqual(['state', 'tick']);
    isBroken = true;
    version++;
    await look(12);
    const late = await open();
    await look(6);
    expect([page.events, late.events, faults.length]).toEqual([['state', 'tick'], [], 18]);
    await expect(live.newest()).rejects.toThrow('it is damaged');
    isBroken = false;
    await look(1);
    live.close();
    expect((await page.done).slice(2)).toEqual(expect.arrayContaining(['changed', 'state']));
    expect(await late.done).toEqual(expect.arrayContaining(['changed', 'state']));
  } finally {
    vi.useRealTimers();
    server.closeAllConnections();
    server.close();
  }
});

test('who has left while the request waited takes no place, and neither does one behind another response', async () => {
  const live = new Live(
    { versions: () => new Map(), state: () => Promise.resolve({ text: '{}', signature: 'a' }) },
    () => undefined,
  );
  const waiting: (() => void)[] = [];
  const server = createServer((request, response) => {
    // As a request waits for the identity provider.
    waiting.push(() => live.add(response, request.url ?? '', () => true));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const request = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
  const connection = async (requests: number) => {
    const accepted = once(server, 'connection');
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.on('error', () => undefined);
    const [other] = (await accepted) as [NodeJS.EventEmitter];
    socket.write(request.repeat(requests));
    while (waiting.length < requests) await new Promise(setImmediate);
    return {
      leave: async () => {
        // once() would reject for what was still written to it.
        const gone = new Promise((resolve) => other.on('close', resolve));
        socket.destroy();
        await gone;
      },
    };
  };
  try {
    const first = await connection(1);
    await first.leave();
    waiting.pop()?.();
    expect(live.size).toBe(0);
    const second = await connection(2);
    for (const go of waiting.splice(0)) go();
    expect(live.size).toBe(2);
    await second.leave();
    expect(live.size).toBe(0);
  } finally {
    live.close();
    server.closeAllConnections();
    server.close();
  }
});
