// Streams of pages: a session that ends closes its stream, and nothing is written to it afterwards.
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
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
