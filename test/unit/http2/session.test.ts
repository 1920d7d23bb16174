// The server side of HTTP/2 beside the client of Node.js, which compresses fields, windows and ends streams as it likes.
import { once } from 'node:events';
import { type ClientHttp2Session, connect as connectHttp2, constants } from 'node:http2';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  HTTP2_ERROR,
  type Http2Host,
  Http2Session,
  type Http2Stream,
} from '../../../src/wire/http2/http2.ts';
import {
  FLAG,
  fieldBlock,
  frame,
  headers,
  PREFACE,
  ping,
  reset,
  SETTING,
  settings,
  TYPE,
  windowUpdate,
} from '../../conformance/http2/frames.ts';
import { GET_BLOCK, get } from '../../conformance/http2/request.ts';
import { type Frame, FrameReader } from '../../conformance/http2/wire.ts';

/** A host that answers as each test wants it. */
class Host implements Http2Host {
  nowMs = 1_000_000;
  /** Work until a turn has had enough; undefined: without an end. */
  left: number | undefined;
  readonly waiting: (() => void)[] = [];
  readonly asks: Http2Stream[] = [];
  floods = 0;
  session: Http2Session | undefined;
  answer: (stream: Http2Stream) => void = () => {};

  now(): number {
    return this.nowMs;
  }

  spend(cost: number): boolean {
    if (this.left === undefined) return true;
    this.left -= cost;
    return this.left >= 0;
  }

  wait(goOn: () => void): void {
    this.waiting.push(goOn);
    door.emit('waits');
  }

  asked(stream: Http2Stream): void {
    this.asks.push(stream);
    this.answer(stream);
    door.emit('asked');
  }

  taken(): void {}

  flooded(): void {
    this.floods++;
    door.emit('flooded');
  }
}

let door: Server;
let host: Host;
let client: ClientHttp2Session | undefined;
let raw: Socket | undefined;

beforeEach(async () => {
  host = new Host();
  door = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    socket.on('error', () => {});
    const session = new Http2Session(socket, host);
    host.session = session;
    socket.on('data', (chunk: Buffer) => session.receive(chunk)).on('end', () => session.ended());
  }).listen(0, '127.0.0.1');
  await once(door, 'listening');
});

afterEach(() => {
  client?.destroy();
  raw?.destroy();
  client = undefined;
  raw = undefined;
  door.close();
});

const portOfDoor = (): number => (door.address() as AddressInfo).port;

const openClient = (settings?: object): ClientHttp2Session => {
  client = connectHttp2(`http://127.0.0.1:${portOfDoor()}`, { settings });
  client.on('error', () => {});
  return client;
};

const openRaw = (...frames: Uint8Array[]): Socket => {
  raw = connect({ host: '127.0.0.1', port: portOfDoor(), noDelay: true });
  raw.on('error', () => {});
  raw.write(Buffer.concat([PREFACE, settings(), ...frames]));
  return raw;
};

const head = { status: 200, type: 'application/dns-message', cache: 'private, max-age=7' };
const answerWith =
  (content: Uint8Array) =>
  (stream: Http2Stream): void =>
    host.session?.answer(stream, head, content, content.length);

/** What a client of Node.js gets for a request. */
const request = async (
  session: ClientHttp2Session,
  fields: Record<string, string>,
  body?: Uint8Array,
): Promise<{ status: number | undefined; fields: object; body: Buffer }> => {
  const stream = session.request({ ':path': '/dns-query', ...fields }, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  const [found] = (await once(stream, 'response')) as [Record<string, string>];
  if (!stream.readableEnded) await once(stream, 'end');
  return { status: Number(found[':status']), fields: { ...found }, body: Buffer.concat(chunks) };
};

test('a request and its answer', async () => {
  host.answer = answerWith(Buffer.from('content'));
  const session = openClient();
  const reply = await request(session, { accept: 'a/b' });
  expect(reply).toMatchObject({
    status: 200,
    fields: { 'content-type': head.type, 'content-length': '7', 'cache-control': head.cache },
  });
  expect(reply.body.toString()).toBe('content');
  const [{ fields } = {}] = host.asks;
  expect(fields).toMatchObject({ method: 'GET', path: '/dns-query', accept: 'a/b', contentLength: -1 });
});

test('each letter of a value is read, in the code of Huffman and without it', async () => {
  host.answer = answerWith(Buffer.from('x'));
  const session = openClient();
  const letters = [9, ...Array.from({ length: 256 - 33 }, (_, i) => i + 33)].filter((code) => code !== 127);
  for (const code of letters) {
    const letter = String.fromCharCode(code);
    for (const value of [`x${letter}x`, `${'a'.repeat(60)}${letter}${'e'.repeat(60)}`]) {
      await request(session, { 'content-encoding': value });
      expect(host.asks.at(-1)?.fields.contentEncoding).toBe(value);
    }
  }
});

test('fields that come again by their number are those that were sent, whatever was put out since', async () => {
  host.answer = answerWith(Buffer.from('x'));
  const session = openClient();
  for (let i = 0; i < 300; i++) {
    const accept = `text/${'n'.repeat(i % 50)}${i % 7}`;
    const path = `/dns-query?${'p'.repeat((i * 31) % 900)}`;
    await request(session, { accept, ':path': path, [`x-${i % 40}`]: `${i % 3}` });
    expect(host.asks.at(-1)?.fields).toMatchObject({ accept, path });
  }
});

test('an answer larger than every window arrives as it is', async () => {
  const content = Buffer.from(Array.from({ length: 60_000 }, (_, i) => i % 251));
  host.answer = answerWith(content);
  const session = openClient({ initialWindowSize: 4_000 });
  const replies = await Promise.all(Array.from({ length: 5 }, () => request(session, {})));
  for (const { body } of replies) expect(body.equals(content)).toBe(true);
  expect(host.session?.unreadBytes).toBe(0);
});

test.each([
  ['whole', FLAG.END_HEADERS | FLAG.END_STREAM],
  ['not ended', FLAG.END_HEADERS],
])('requests whose answers no window lets out are not asked before one does: %s', async (_, flags) => {
  const content = Buffer.alloc(60_000, 'c');
  host.answer = answerWith(content);
  const streams = Array.from({ length: 90 }, (_, i) => 2 * i + 1);
  const socket = openRaw(...streams.map((id) => headers(id, GET_BLOCK, flags)), ping('all came'));
  const reader = new FrameReader();
  const ended = new Set<number>();
  const got = new Map<number, number>();
  let wasHeld = 0;
  const isDone = new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      for (const { type, flags, stream, payload } of reader.read(chunk)) {
        if (type === TYPE.PING) {
          wasHeld = host.asks.length;
          // One is not wanted any more; and then all windows open, as far as they go.
          const open = streams.map((id) => windowUpdate(id, 60_000));
          socket.write(Buffer.concat([reset(streams[20] ?? 0, 8), windowUpdate(0, 2 ** 30), ...open]));
        }
        if (type !== TYPE.DATA) continue;
        got.set(stream, (got.get(stream) ?? 0) + payload.length);
        if ((flags & FLAG.END_STREAM) !== 0) ended.add(stream);
        if (ended.size === streams.length - 1) resolve();
      }
    });
  });
  await isDone;
  // 256 KiB that wait, and the one that made it more.
  expect(wasHeld).toBeLessThanOrEqual(7);
  expect(host.asks).toHaveLength(streams.length - 1);
  expect([...got.values()].every((bytes) => bytes === content.length)).toBe(true);
  expect(host.session?.unreadBytes).toBe(0);
});

test('content of requests that are held is read, and answered when windows open', async () => {
  const bodies: string[] = [];
  host.answer = (stream) => {
    let body = '';
    stream.reader = {
      content: (bytes, start, end) => (body += bytes.toString('latin1', start, end)),
      ended: () => {
        bodies.push(body);
        answerWith(Buffer.alloc(30_000))(stream);
      },
      closed: () => undefined,
    };
  };
  const session = openClient({ initialWindowSize: 20_000 });
  const replies = await Promise.all(
    Array.from({ length: 40 }, (_, i) => request(session, { ':method': 'POST' }, Buffer.from(`query ${i}`))),
  );
  expect(replies.map(({ body }) => body.length)).toEqual(replies.map(() => 30_000));
  expect(bodies.toSorted()).toEqual(Array.from({ length: 40 }, (_, i) => `query ${i}`).toSorted());
});

test('of requests that are held and not wanted any more, nothing is left', async () => {
  host.answer = answerWith(Buffer.alloc(60_000));
  const frames: Uint8Array[] = [];
  for (let i = 0; i < 90; i++) frames.push(headers(2 * i + 1, GET_BLOCK));
  for (let i = 20; i < 90; i++) frames.push(reset(2 * i + 1, 8));
  for (let i = 0; i < 20; i++) frames.push(windowUpdate(2 * i + 1, 60_000));
  openRaw(...frames, windowUpdate(0, 2 ** 30));
  await expect.poll(() => host.asks.length).toBe(20);
  await expect.poll(() => host.session?.unreadBytes).toBe(0);
});

test('answers that are not read hold up no other', async () => {
  host.answer = answerWith(Buffer.alloc(60_000));
  const ids = Array.from({ length: 40 }, (_, i) => 2 * i + 1);
  const last = ids.at(-1) ?? 1;
  const small = settings([SETTING.INITIAL_WINDOW_SIZE, 1_000]);
  const requests = ids.map((id) => headers(id, GET_BLOCK));
  const socket = openRaw(small, windowUpdate(0, 2 ** 30), ...requests, windowUpdate(last, 70_000));
  const reader = new FrameReader();
  let bytes = 0;
  socket.on('data', (chunk: Buffer) => {
    for (const { type, stream, payload } of reader.read(chunk))
      if (type === TYPE.DATA && stream === last) bytes += payload.length;
  });
  await expect.poll(() => bytes).toBe(60_000);
  expect(host.asks.length).toBeLessThan(8);
});

test('a connection that leaves answers what it holds', async () => {
  host.answer = answerWith(Buffer.alloc(60_000));
  const session = openClient({ initialWindowSize: 50_000 });
  const replies = Promise.all(Array.from({ length: 30 }, () => request(session, {})));
  await once(door, 'asked');
  host.session?.close();
  expect((await replies).map(({ body }) => body.length)).toEqual(Array.from({ length: 30 }, () => 60_000));
});

test('a client that forbids a table of fields reads the answers', async () => {
  host.answer = answerWith(Buffer.from('content'));
  const session = openClient({ headerTableSize: 0 });
  for (let i = 0; i < 3; i++) expect(await request(session, {})).toMatchObject({ status: 200 });
});

test('content goes to the reader of its stream', async () => {
  const came: Buffer[] = [];
  host.answer = (stream) => {
    stream.reader = {
      content: (bytes, start, end) => came.push(Buffer.from(bytes.subarray(start, end))),
      ended: () => answerWith(Buffer.from('got it'))(stream),
      closed: () => came.push(Buffer.from('|')),
    };
  };
  const { body } = await request(openClient(), { ':method': 'POST' }, Buffer.alloc(3_000, 'q'));
  expect(body.toString()).toBe('got it');
  expect(Buffer.concat(came).toString()).toBe(`${'q'.repeat(3_000)}|`);
});

test('after an answer in the middle of the content the stream ends without a fault, and the next one is answered', async () => {
  host.answer = answerWith(Buffer.from('too much'));
  const session = openClient();
  for (let i = 0; i < 20; i++) {
    const stream = session.request({ ':method': 'POST', ':path': '/dns-query' });
    stream.on('error', () => {});
    stream.write(Buffer.alloc(60_000));
    stream.resume();
    await once(stream, 'close');
    expect(stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR);
  }
  expect(session.destroyed).toBe(false);
});

/** The frames that come until one of a type does. */
const readUntil = async (socket: Socket, isLast: (type: number) => boolean): Promise<Frame[]> => {
  const reader = new FrameReader();
  const frames: Frame[] = [];
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    for (const one of reader.read(chunk)) frames.push(one);
    if (frames.some(({ type }) => isLast(type))) break;
  }
  return frames;
};

test('a turn of the loop takes no more requests than it has room for; the others come in later ones, in their order', async () => {
  host.left = 30;
  host.answer = answerWith(Buffer.from('x'));
  openRaw(...Array.from({ length: 20 }, (_, i) => get(2 * i + 1)));
  await once(door, 'waits');
  const first = host.asks.length;
  expect(first).toBeGreaterThan(0);
  expect(first).toBeLessThan(6);
  host.left = undefined;
  host.waiting.shift()?.();
  expect(host.asks.map(({ id }) => id)).toEqual(Array.from({ length: 20 }, (_, i) => 2 * i + 1));
});

test('a connection that waits for its turn is read no further', async () => {
  host.left = 0;
  const socket = openRaw(get(1));
  await once(door, 'waits');
  const sent = Buffer.concat(Array.from({ length: 200_000 }, () => ping('12345678')));
  socket.write(sent);
  socket.write(sent, () => door.emit('all'));
  expect(socket.writableLength).toBeGreaterThan(1_000_000);
  expect(host.waiting).toHaveLength(1);
  expect(host.floods).toBe(0);
});

test.each([
  ['PING', () => ping('12345678')],
  ['SETTINGS', () => settings([3, 100])],
  ['frames of an unknown type', () => frame(TYPE.UNKNOWN, 0, 0)],
  ['streams that are reset', (i: number) => Buffer.concat([get(2 * i + 1), reset(2 * i + 1, 8)])],
  ['streams that are malformed', (i: number) => headers(2 * i + 1, fieldBlock([[':method', 'GET']]))],
  [
    'CONTINUATION',
    (i: number) =>
      i === 0
        ? headers(1, GET_BLOCK, FLAG.END_STREAM)
        : frame(TYPE.CONTINUATION, 0, 1, Buffer.from([0, 1, 0x61, 1, 0x61])),
  ],
])('%s without an end are a flood', async (_name, create) => {
  const flooded = once(door, 'flooded');
  const socket = openRaw(...Array.from({ length: 2_000 }, (_, i) => create(i)));
  const frames = await readUntil(socket, (type) => type === TYPE.GOAWAY);
  await flooded;
  const last = frames.find(({ type }) => type === TYPE.GOAWAY);
  expect(last?.payload.readUInt32BE(4)).toBe(HTTP2_ERROR.ENHANCE_YOUR_CALM);
  expect(host.floods).toBe(1);
  expect(host.asks.length).toBeLessThanOrEqual(101);
});

test('a client that asks much and opens windows for the answers is no flood', async () => {
  host.answer = answerWith(Buffer.alloc(30_000));
  const session = openClient();
  for (let round = 0; round < 20; round++) {
    await Promise.all(Array.from({ length: 100 }, () => request(session, {})));
  }
  expect(host.floods).toBe(0);
});

test('a few bytes that stand for large fields are a flood', async () => {
  const kept = Buffer.concat([
    Buffer.from([0x40, 1, 0x61, 0x7f, ...[0x81, 0x1e]]),
    Buffer.alloc(3_968, 0x62),
  ]);
  const flooded = once(door, 'flooded');
  openRaw(headers(1, Buffer.concat([GET_BLOCK, kept, Buffer.alloc(10_000, 0x80 + 62)])));
  await flooded;
  expect(host.asks).toHaveLength(0);
});

test('close() says so, answers what was asked, and ends the connection', async () => {
  const socket = openRaw(get(1));
  await once(door, 'asked');
  host.session?.close();
  const [stream] = host.asks;
  if (stream !== undefined) answerWith(Buffer.from('late'))(stream);
  const reader = new FrameReader();
  const types: number[] = [];
  for await (const chunk of socket as AsyncIterable<Buffer>)
    for (const { type } of reader.read(chunk)) types.push(type);
  expect(types).toEqual([TYPE.SETTINGS, TYPE.SETTINGS, TYPE.GOAWAY, TYPE.HEADERS, TYPE.DATA]);
});
