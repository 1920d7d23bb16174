// Changed inputs through everything that reads what others wrote: messages, TCP streams, HTTP/2, configurations, lists.
//
//   npm run fuzz:inputs -- [COUNT] [SEED]     20,000 inputs and a random seed by default
//
// Prints a table: inputs by target, crashes, and the slowest one. A crash is whatever is thrown that is no AppError; a hang
// is an input that takes more than HANG_MS of a processor, and one without end is killed. Either is printed with its bytes
// in hexadecimal: add it to test/corpus with the repair. Exit status 1 at either. The listener behind TCP is asked a sound
// query in the end.
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatTable } from '../../bench/table.ts';
import { isAppError } from '../../src/base/base.ts';
import { LIST_FORMATS, type ListFormat } from '../../src/base/words/words.ts';
import { loadConfig } from '../../src/config/config.ts';
import { feedRules } from '../../src/policy/lists/feed.ts';
import { TableBuilder } from '../../src/policy/policy.ts';
import { ConnectionBudget } from '../../src/resolver/server/connection-budget.ts';
import { StreamListener } from '../../src/resolver/server/stream.ts';
import { claimEndpoint } from '../../src/resolver/workers/claim.ts';
import {
  data as http2Data,
  settings as http2Settings,
  PREFACE,
  reset,
  windowUpdate,
} from '../conformance/http2/frames.ts';
import { get, post, QUERY } from '../conformance/http2/request.ts';
import { soundMessages } from '../support/corpus.ts';
import { ScriptedSession } from '../support/http2-session.ts';
import { createRandom, mutate, type Random } from '../support/mutate.ts';
import { exerciseReaders } from '../support/readers.ts';
import { buildQuery } from '../support/records.ts';
import { frame } from '../support/scripted-upstream.ts';
import { Bench } from '../unit/pipeline/setup.ts';
import { HangWatch } from './hang-watch.ts';

/** Of a processor; a list of a few lines takes less than a millisecond. */
const HANG_MS = 2_000;
const COUNT_DEFAULT = 20_000;
/** Changes of a text: the mutations of messages, and lines of others. */
const LINES_EVERY = 3;
/** Pieces that a stream comes in, at most. */
const PIECES_MAX = 5;
/** Inputs of one target between two lines of progress. */
const PROGRESS_INPUTS = 50_000;
/** For the last query over TCP, milliseconds. */
const ANSWER_MS_MAX = 10_000;

const root = new URL('../', import.meta.url);
const filesOf = (directory: string): string[] =>
  readdirSync(new URL(directory, root)).map((name) => new URL(`${directory}/${name}`, root).pathname);

/** What is read, where from, and how often of ten thousand. */
interface Target {
  readonly name: string;
  readonly pool: readonly Uint8Array[];
  readonly weight: number;
  readonly take: (bytes: Uint8Array) => void | Promise<void>;
}

const bytesOf = (path: string): Uint8Array => new Uint8Array(readFileSync(path));

const listPool = (format: ListFormat): Uint8Array[] => {
  const files = [...filesOf('golden/lists'), ...filesOf('golden/lists-rpz')];
  const own = files.filter((path) => path.includes(format));
  const shipped = format === 'cordon' ? filesOf('../lists').filter((path) => path.endsWith('.yaml')) : [];
  const found = [...own, ...shipped].map(bytesOf);
  return found.length > 0 ? found : files.map(bytesOf);
};

const listTarget = (format: ListFormat): Target => ({
  name: `list, ${format}`,
  pool: listPool(format),
  weight: format === 'cordon' ? 80 : 350,
  take: (bytes) => {
    let at = 0;
    const read = (into: Uint8Array): number => {
      const count = Math.min(into.length, bytes.length - at);
      into.set(bytes.subarray(at, at + count));
      at += count;
      return count;
    };
    feedRules(format, read, new TableBuilder().sinkFor(0, 'specificity'));
  },
});

const configTarget = (directory: string): Target => {
  const path = join(directory, 'cordon.yaml');
  const facts = { shippedIds: ['tiktok'], shippedDefault: ['tiktok'], workingDirectory: directory };
  return {
    name: 'configuration',
    pool: filesOf('golden/config')
      .filter((file) => file.endsWith('.in'))
      .map(bytesOf),
    weight: 80,
    take: (bytes) => {
      writeFileSync(path, bytes);
      loadConfig(path, {}, facts);
    },
  };
};

/** A stream of frames, cut anywhere, sent in pieces; the listener behind it is the real one. */
const openStreamTarget = async (random: Random) => {
  const { port } = await claimEndpoint({ address: '127.0.0.1', port: 0, family: 4 });
  const limits = {
    connectionsMax: 64,
    connectionsPerClientMax: 64,
    connectionsPerNetworkMax: 64,
    idleMs: 5_000,
  };
  const listener = await StreamListener.open({
    endpoint: { address: '127.0.0.1', port, family: 4 },
    name: 'fuzz',
    shared: false,
    pipeline: new Bench({ lists: [['tiktok.example']] }).pipeline,
    budget: new ConnectionBudget(limits, {
      setTcpConnections: () => {},
      setTcpUnread: () => {},
      tcpRefused: () => {},
      tcpClosed: () => {},
    }),
    clock: () => performance.now(),
    mayAsk: () => true,
  });
  const send = async (bytes: Uint8Array): Promise<void> => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.resume();
    const closed = once(socket, 'close');
    for (let at = 0; at < bytes.length; ) {
      const end = Math.min(bytes.length, at + 1 + random(Math.ceil(bytes.length / PIECES_MAX) + 1));
      socket.write(bytes.subarray(at, end));
      at = end;
    }
    if (random(2) === 0) socket.end();
    else setImmediate(() => socket.destroy());
    const timer = setTimeout(() => socket.destroy(), ANSWER_MS_MAX);
    await closed;
    clearTimeout(timer);
  };
  const queries = ['tiktok.example. A', 'a.example. AAAA', '. NS'].map((text) =>
    buildQuery(text, { edns: {} }),
  );
  const framed = queries.map((query) => new Uint8Array(frame(query)));
  const target: Target = {
    name: 'TCP stream',
    pool: [
      ...framed,
      new Uint8Array(Buffer.concat(framed)),
      ...soundMessages.map((one) => new Uint8Array(frame(one))),
    ],
    weight: 400,
    take: send,
  };
  const answers = async (): Promise<boolean> => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.setTimeout(ANSWER_MS_MAX, () => socket.destroy());
    socket.write(framed[0] ?? new Uint8Array(0));
    const answered = await Promise.race([
      once(socket, 'data').then(() => true),
      once(socket, 'close').then(() => false),
    ]);
    socket.destroy();
    return answered;
  };
  return { target, answers, close: () => listener.close() };
};

const HTTP2_CONTENT = { status: 200, type: 'application/dns-message', cache: 'private, max-age=7' };
/** More than a client can make a session of HTTP/2 hold: four long answers, and one hundred that wait for a window. */
const HTTP2_HELD_MAX = 8 * 1024 * 1024;

/** Frames of a client, cut anywhere, through a session and its reader of fields. */
const http2Target = (random: Random): Target => {
  const bodies = [get(1), post(1), http2Data(1, QUERY), http2Settings([4, 100]), windowUpdate(0, 9_000)];
  const whole = [get(1), post(3), http2Data(3, QUERY), get(5), reset(5, 8), get(7), windowUpdate(7, 1)];
  const begin = Buffer.concat([PREFACE, http2Settings([4, 0])]);
  return {
    name: 'HTTP/2',
    pool: [...bodies, Buffer.concat(whole), Buffer.concat(whole.toReversed())].map(
      (frames) => new Uint8Array(Buffer.concat([begin, frames])),
    ),
    weight: 1_500,
    take: async (bytes) => {
      const size = random(3_000);
      const session = new ScriptedSession((stream, one) => {
        one.answer(stream, HTTP2_CONTENT, Buffer.alloc(size), size);
      }, 8 + random(600));
      // Most changes would end with the preface.
      const input = random(4) === 0 ? bytes : Buffer.concat([begin, bytes.subarray(begin.length)]);
      for (let at = 0; at < input.length; ) {
        const end = Math.min(input.length, at + 1 + random(Math.ceil(input.length / PIECES_MAX) + 1));
        await session.receive(input.subarray(at, end));
        at = end;
      }
      await session.end();
      if (session.heldBytesMax > HTTP2_HELD_MAX) throw new Error(`held ${session.heldBytesMax} bytes`);
    },
  };
};

/** Texts are changed by lines as well: bytes alone seldom get past the first word. */
const changed = (pool: readonly Uint8Array[], random: Random): Uint8Array => {
  const bytes = mutate(pool, random);
  if (random(LINES_EVERY) !== 0) return bytes;
  const lines = Buffer.from(bytes).toString('latin1').split('\n');
  const other = Buffer.from(pool[random(pool.length)] ?? bytes)
    .toString('latin1')
    .split('\n');
  const line = other[random(other.length)] ?? '';
  lines.splice(random(lines.length), random(2), random(2) === 0 ? line : line.repeat(1 + random(50)));
  return new Uint8Array(Buffer.from(lines.join('\n'), 'latin1'));
};

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

const main = async (): Promise<number> => {
  const count = Number(process.argv[2] ?? COUNT_DEFAULT);
  const seed = Number(process.argv[3] ?? Math.floor(Math.random() * 0x1_0000_0000));
  if (!Number.isInteger(count) || count < 1 || !Number.isInteger(seed)) {
    process.stderr.write('usage: npm run fuzz:inputs -- [COUNT] [SEED]\n');
    return 2;
  }
  const random = createRandom(seed);
  const directory = mkdtempSync(join(tmpdir(), 'cordon-fuzz-'));
  const stream = await openStreamTarget(random);
  const targets: Target[] = [
    { name: 'message', pool: soundMessages, weight: 5_000, take: exerciseReaders },
    ...LIST_FORMATS.map(listTarget),
    configTarget(directory),
    stream.target,
    http2Target(random),
  ];
  const rows = targets.map(({ name }) => ({ name, inputs: 0, crashes: 0, hangs: 0, slowestMs: 0, ms: 0 }));
  const whole = targets.reduce((sum, { weight }) => sum + weight, 0);
  const startMs = performance.now();
  const watch = new HangWatch();
  process.stdout.write(`fuzz: ${count} inputs, seed ${seed}\n`);
  for (const [index, target] of targets.entries()) {
    const row = rows[index];
    const inputs = Math.ceil((count * target.weight) / whole);
    for (let i = 0; row !== undefined && i < inputs; i++) {
      const bytes = changed(target.pool, random);
      if (i > 0 && i % PROGRESS_INPUTS === 0)
        process.stdout.write(`fuzz: ${target.name}: ${i} of ${inputs}\n`);
      watch.begin(bytes);
      const before = cpuMs();
      try {
        await target.take(bytes);
      } catch (thrown) {
        if (!isAppError(thrown)) {
          row.crashes++;
          const text = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
          process.stdout.write(`${target.name}: ${text}\n${Buffer.from(bytes).toString('hex')}\n`);
        }
      }
      const ms = cpuMs() - before;
      row.inputs++;
      row.ms += ms;
      row.slowestMs = Math.max(row.slowestMs, ms);
      if (ms <= HANG_MS) continue;
      row.hangs++;
      process.stdout.write(`${target.name}: ${Math.round(ms)} ms\n${Buffer.from(bytes).toString('hex')}\n`);
    }
  }
  const isAlive = await stream.answers();
  await watch.end();
  await stream.close();
  rmSync(directory, { recursive: true });
  const cells = rows.map((row) => [
    row.name,
    `${row.inputs}`,
    `${row.crashes}`,
    `${row.hangs}`,
    (row.ms / Math.max(1, row.inputs)).toFixed(2),
    row.slowestMs.toFixed(0),
  ]);
  const head = ['target', 'inputs', 'crashes', 'hangs', 'ms', 'slowest, ms'];
  const sum = (pick: (row: (typeof rows)[number]) => number): number =>
    rows.reduce((total, row) => total + pick(row), 0);
  process.stdout.write(`${formatTable({ head, rows: cells }).join('\n')}\n`);
  process.stdout.write(
    `fuzz: ${sum(({ inputs }) => inputs)} inputs, ${sum(({ crashes }) => crashes)} crashes, ` +
      `${sum(({ hangs }) => hangs)} hangs, TCP ${isAlive ? 'answers' : 'is silent'}, ` +
      `${Math.round((performance.now() - startMs) / 1000)} s, seed ${seed}\n`,
  );
  return isAlive && rows.every(({ crashes, hangs }) => crashes + hangs === 0) ? 0 : 1;
};

process.exit(await main());
