// Traffic of HTTP/2 that is legal and strange: what a client says of itself, what it asks, and what it does meanwhile; and the
// client of Node.js, which does it and writes down what came of each request.
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
  constants,
} from 'node:http2';
import { connect } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import fc from 'fast-check';
import { SERVER_NAME } from '../../support/encrypted-client.ts';
import { queryOf, type Wish } from './peers.ts';

/** One request. */
export interface Asked {
  readonly method: string;
  /** What its path is made of. */
  readonly path: 'query' | 'resource' | 'elsewhere' | 'long';
  readonly wish: Wish;
  /** Bytes of the query. */
  readonly length: number;
  readonly type: string | undefined;
  /** Other fields, in their order, before and behind those that count. */
  readonly before: readonly (readonly [name: string, value: string])[];
  readonly behind: readonly (readonly [name: string, value: string])[];
  /** Whether content-length is said. */
  readonly saysLength: boolean;
  readonly expects: boolean;
  /** Bytes of the content: so many frames at least, with turns of the loop between them. */
  readonly pieces: readonly number[];
  readonly turnsBetween: number;
  /** A trailer behind the content. */
  readonly hasTrailer: boolean;
  /** When the client takes it back: before anything is answered, or while it is. */
  readonly taken: 'never' | 'at once' | 'later' | 'answered';
  /** Turns for which what arrives is not read. */
  readonly unreadTurns: number;
  readonly turnsBefore: number;
}

/** What a client does between requests. */
export type Act =
  | { readonly kind: 'ask'; readonly asked: Asked }
  | { readonly kind: 'settings'; readonly settings: ClientSettings }
  | { readonly kind: 'window'; readonly bytes: number }
  | { readonly kind: 'ping' };

interface ClientSettings {
  readonly initialWindowSize?: number;
  readonly headerTableSize?: number;
  readonly maxFrameSize?: number;
  readonly maxHeaderListSize?: number;
}

/** All that one connection does. */
export interface Traffic {
  readonly isSecure: boolean;
  readonly padding: number;
  readonly settings: ClientSettings;
  readonly acts: readonly Act[];
}

const WINDOWS = [0, 64, 255, 1_000, 16_383, 65_535, 1_048_576, 2 ** 31 - 1] as const;
const { PADDING_STRATEGY_MAX, PADDING_STRATEGY_NONE } = constants;
/** Which the types do not know. */
const PADDING_STRATEGY_ALIGNED = 1;
const MEDIA_TYPE = 'application/dns-message';

const letters = (maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...'abcdefgh0123456789-_'), minLength: 1, maxLength });
const otherField = fc.tuple(
  fc.oneof(
    fc.constantFrom(
      'user-agent',
      'accept-language',
      'cookie',
      'cache-control',
      'x-same',
      'priority',
      'referer',
    ),
    letters(30).map((text) => `x-${text}`),
  ),
  fc.oneof(
    letters(60),
    fc.constantFrom('', 'same', 'a b', '"quoted, text"', '\u00e9t\u00e9'),
    fc.nat(900).map((count) => 'v'.repeat(count)),
  ),
);
const otherFields = fc.array(otherField, { maxLength: 8 });
const acceptField = fc
  .constantFrom(
    MEDIA_TYPE,
    '*/*',
    'text/html',
    `text/html, ${MEDIA_TYPE};q=0.1`,
    'application/dns-message;q=0',
  )
  .map((value): [string, string] => ['accept', value]);

const asked: fc.Arbitrary<Asked> = fc.record({
  method: fc.constantFrom('GET', 'GET', 'POST', 'POST', 'POST', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'),
  path: fc.constantFrom('query', 'query', 'query', 'resource', 'elsewhere', 'long'),
  wish: fc.record({
    size: fc.constantFrom(0, 12, 40, 100, 468, 503, 512, 1_000, 1_232, 9_000, 16_384, 16_385, 40_000, 65_535),
    turns: fc.constantFrom(0, 0, 0, 1, 3, 20),
  }),
  length: fc.constantFrom(12, 16, 29, 100, 512, 1_500, 4_000, 4_096, 4_097, 9_000, 15_000),
  type: fc.constantFrom(
    MEDIA_TYPE,
    MEDIA_TYPE,
    MEDIA_TYPE,
    'Application/DNS-Message; x=y',
    'text/plain',
    undefined,
  ),
  before: otherFields,
  behind: fc
    .tuple(otherFields, fc.option(acceptField, { nil: undefined }), fc.nat(8))
    .map(([fields, accept, at]) => (accept === undefined ? fields : fields.toSpliced(at, 0, accept))),
  saysLength: fc.boolean(),
  expects: fc.nat(9).map((number) => number === 0),
  pieces: fc.array(fc.oneof(fc.nat(20), fc.nat(5_000)), { maxLength: 12 }),
  turnsBetween: fc.constantFrom(0, 0, 1, 2),
  hasTrailer: fc.nat(5).map((number) => number === 0),
  taken: fc.constantFrom('never', 'never', 'never', 'never', 'never', 'at once', 'later', 'answered'),
  unreadTurns: fc.constantFrom(0, 0, 0, 5, 30),
  turnsBefore: fc.constantFrom(0, 0, 0, 1, 4),
});

const clientSettings: fc.Arbitrary<ClientSettings> = fc.record(
  {
    initialWindowSize: fc.constantFrom(...WINDOWS),
    headerTableSize: fc.constantFrom(0, 64, 4_096, 65_536),
    maxFrameSize: fc.constantFrom(16_384, 20_000, 16_777_215),
    maxHeaderListSize: fc.constantFrom(2_000, 65_535),
  },
  { requiredKeys: [] },
);

/** Any such traffic. */
export const traffic: fc.Arbitrary<Traffic> = fc.record({
  isSecure: fc.boolean(),
  padding: fc.constantFrom(PADDING_STRATEGY_NONE, PADDING_STRATEGY_ALIGNED, PADDING_STRATEGY_MAX),
  settings: clientSettings,
  acts: fc.array(
    fc.oneof(
      { weight: 8, arbitrary: asked.map((one): Act => ({ kind: 'ask', asked: one })) },
      { weight: 1, arbitrary: clientSettings.map((settings): Act => ({ kind: 'settings', settings })) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(70_000, 1_000_000).map((bytes): Act => ({ kind: 'window', bytes })),
      },
      { weight: 1, arbitrary: fc.constant<Act>({ kind: 'ping' }) },
    ),
    { minLength: 1, maxLength: 14 },
  ),
});

/** What came of a request. */
export interface Outcome {
  readonly status: number | undefined;
  /** Fields that mean something, as they came. */
  readonly fields: Readonly<Record<string, string>>;
  readonly content: Buffer;
  /** How the stream was ended; 0: in order. */
  readonly code: number;
  readonly error: string;
  readonly wasToldToGoOn: boolean;
}

/** What came of a connection. */
export interface Journey {
  readonly outcomes: readonly Outcome[];
  /** Of GOAWAY, if there was one. */
  readonly goaway: number | undefined;
  readonly error: string;
  readonly pings: number;
  /** Whether the connection still answers a PING behind all that. */
  readonly isAlive: boolean;
}

/** Where the servers are. */
export interface Place {
  readonly port: number;
  /** The authority of its certificate, over TLS. */
  readonly ca: string | undefined;
  /** Each connection has an address of its own, so that no fault of one counts for the next. */
  readonly localAddress: string;
}

const JOURNEY_MS_MAX = 10_000;
const FIELDS = ['content-type', 'content-length', 'cache-control', 'allow', 'accept'] as const;

/** The content of a request: the query in pieces, where it has any. */
const contentOf = ({ wish, length }: Asked): Buffer => queryOf(wish, length);
const hasContent = ({ method }: Asked): boolean => method === 'POST' || method === 'PUT';

/** The longest query whose path fits into what a server takes. */
const GET_BYTES_MAX = 9_000;

const pathOf = (one: Asked): string => {
  const { path, method, length } = one;
  if (path === 'elsewhere') return '/elsewhere';
  if (path === 'long') return `/dns-query?x=${'y'.repeat(8_000)}`;
  if (path === 'resource' || method === 'POST' || length > GET_BYTES_MAX) return '/dns-query';
  return `/dns-query?dns=${contentOf(one).toString('base64url')}`;
};

/** Bytes of an answer that a client takes with windows so small that each costs a frame of its own. */
const sizeWithin = ({ size }: Wish, windowMin: number): number => Math.min(size, 16 * windowMin);

/** Makes a connection do all that, and tells what came of it. */
export const travel = async (
  place: Place,
  { padding, settings, acts, isSecure }: Traffic,
): Promise<Journey> => {
  const { port, ca, localAddress } = place;
  const at = { host: '127.0.0.1', port, localAddress };
  const session = connectHttp2(`${isSecure ? 'https' : 'http'}://${SERVER_NAME}`, {
    settings: { enablePush: false, ...settings },
    paddingStrategy: padding,
    createConnection: () =>
      isSecure ? connectTls({ ...at, ca, servername: SERVER_NAME, ALPNProtocols: ['h2'] }) : connect(at),
  });
  let goaway: number | undefined;
  let error = '';
  let pings = 0;
  session.on('goaway', (code) => {
    goaway = code;
  });
  session.on('error', (thrown: Error & { code?: string }) => {
    error = thrown.code ?? thrown.message;
  });
  const timer = setTimeout(() => session.destroy(new Error('too slow')), JOURNEY_MS_MAX);
  try {
    await new Promise<void>((resolve) => {
      session.once('remoteSettings', () => resolve());
      session.once('close', () => resolve());
    });
    const windows = acts.map((act) => (act.kind === 'settings' ? act.settings.initialWindowSize : undefined));
    const windowMin = Math.min(...[settings.initialWindowSize, ...windows].map((bytes) => bytes || 65_535));
    const under: Promise<Outcome>[] = [];
    for (const act of acts) {
      if (session.destroyed || session.closed) break;
      if (act.kind === 'ask') {
        const wish = { ...act.asked.wish, size: sizeWithin(act.asked.wish, windowMin) };
        await turns(act.asked.turnsBefore);
        if (!session.destroyed && !session.closed) under.push(ask(session, { ...act.asked, wish }));
      } else if (act.kind === 'settings') session.settings({ ...act.settings });
      else if (act.kind === 'window') session.setLocalWindowSize(act.bytes);
      else session.ping(() => pings++);
    }
    // Whoever began with no window at all waits for this.
    if (!session.destroyed && !session.closed) session.settings({ initialWindowSize: 65_535 });
    const outcomes = await Promise.all(under);
    const isAlive = await answersPing(session);
    return { outcomes, goaway, error, pings, isAlive };
  } finally {
    clearTimeout(timer);
    session.destroy();
  }
};

const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await nextTurn();
};

const answersPing = (session: ClientHttp2Session): Promise<boolean> =>
  new Promise((resolve) => {
    if (session.destroyed || session.closed) {
      resolve(false);
      return;
    }
    session.once('close', () => resolve(false));
    session.ping((thrown) => resolve(thrown === null));
  });

/** Fields in the order in which they are sent, with those that may stand there once. */
const fieldsOf = (one: Asked): string[] => {
  const fields: [string, string][] = [
    [':method', one.method],
    [':scheme', 'https'],
    [':path', pathOf(one)],
    [':authority', SERVER_NAME],
    ...one.before.map(([name, value]): [string, string] => [name, value]),
  ];
  if (hasContent(one)) {
    if (one.type !== undefined) fields.push(['content-type', one.type]);
    if (one.saysLength) fields.push(['content-length', `${Math.max(one.length, 16)}`]);
    if (one.expects) fields.push(['expect', '100-continue']);
  }
  for (const [name, value] of one.behind) fields.push([name, value]);
  const isFirst = ([name]: [string, string], index: number): boolean =>
    !ONCE.has(name) || fields.findIndex(([other]) => other === name) === index;
  let size = 0;
  const fits = ([name, value]: [string, string]): boolean => {
    size += name.length + Buffer.byteLength(value) + FIELD_OVERHEAD;
    return size <= LIST_BYTES_MAX || name.startsWith(':');
  };
  return fields.filter(isFirst).filter(fits).flat();
};

/** What a server says that it takes (SETTINGS_MAX_HEADER_LIST_SIZE), and what each field counts beside its letters. */
const LIST_BYTES_MAX = 16_384;
const FIELD_OVERHEAD = 32;
/** Fields that the client sends once. */
const ONCE = new Set(['user-agent', 'referer']);

const ask = (session: ClientHttp2Session, one: Asked): Promise<Outcome> =>
  new Promise((resolve) => {
    const withContent = hasContent(one);
    const stream = session.request(fieldsOf(one) as unknown as Record<string, string>, {
      endStream: !withContent,
      waitForTrailers: withContent && one.hasTrailer,
    });
    let status: number | undefined;
    const fields: Record<string, string> = {};
    const chunks: Buffer[] = [];
    let error = '';
    let wasToldToGoOn = false;
    stream.on('continue', () => {
      wasToldToGoOn = true;
    });
    stream.on('response', (found) => {
      status = found[':status'];
      for (const name of FIELDS) if (found[name] !== undefined) fields[name] = String(found[name]);
      if (one.taken === 'answered') stream.close(constants.NGHTTP2_CANCEL);
    });
    stream.on('error', (thrown: Error & { code?: string }) => {
      error = thrown.code ?? thrown.message;
    });
    const settle = (): void =>
      resolve({
        ...{ status, fields, content: Buffer.concat(chunks), error, wasToldToGoOn },
        code: stream.rstCode,
      });
    stream.on('close', settle);
    // A stream of Node.js that was reset in order while nobody read it comes to its end, and is never closed.
    stream.on('end', () => {
      if (stream.closed) setImmediate(settle);
    });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-behind': 'it' }));
    void turns(one.unreadTurns).then(() => stream.on('data', (chunk: Buffer) => chunks.push(chunk)));
    if (one.taken === 'at once') stream.close(constants.NGHTTP2_CANCEL);
    else if (one.taken === 'later') void turns(2).then(() => stream.close(constants.NGHTTP2_CANCEL));
    if (withContent) void send(stream, contentOf(one), one);
  });

const send = async (
  stream: ClientHttp2Stream,
  content: Buffer,
  { pieces, turnsBetween }: Asked,
): Promise<void> => {
  let at = 0;
  for (const size of pieces) {
    if (at >= content.length || !stream.writable) break;
    stream.write(content.subarray(at, at + size));
    at = Math.min(content.length, at + size);
    await turns(turnsBetween);
  }
  if (stream.writable) stream.end(content.subarray(at));
};
