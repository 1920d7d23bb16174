// Checks of streams: padding, identifiers, states, the order of HEADERS and CONTINUATION (RFC 9113 sections 5, 6.1 to
// 6.4, 6.6, 6.10).
import { alive, answered, type Check, connectionError, streamError } from './check.ts';
import {
  continuation,
  data,
  dependency,
  EMPTY,
  ERROR,
  FLAG,
  fieldBlock,
  frame,
  headers,
  padded,
  ping,
  priority,
  reset,
  SETTING,
  settings,
  TYPE,
  uint32,
  WHOLE,
  windowUpdate,
} from './frames.ts';
import { GET_BLOCK, get, POST, post, QUERY } from './request.ts';

/** What a client sends to `stream`, and what has to come of it. */
type Row = readonly [
  name: string,
  clause: string,
  steps: Check['steps'],
  ...expect: [Check['expect'][number], ...Check['expect']],
];
const toCheck = ([name, clause, steps, ...expect]: Row): Check => ({ name, clause, steps, expect });
const protocolError = connectionError(ERROR.PROTOCOL);

const PADDED = WHOLE | FLAG.PADDED;
const DATA_PADDED = FLAG.END_STREAM | FLAG.PADDED;

const PADDING: readonly Row[] = [
  ['HEADERS with padding', '6.2', [headers(1, padded(GET_BLOCK, 20), PADDED)], answered()],
  ['HEADERS with padding of zero bytes', '6.2', [headers(1, padded(GET_BLOCK, 0), PADDED)], answered()],
  [
    'HEADERS with priority',
    '6.2',
    [headers(1, Buffer.concat([dependency(0), GET_BLOCK]), WHOLE | FLAG.PRIORITY)],
    answered(),
  ],
  [
    'HEADERS with padding and priority',
    '6.2',
    [headers(1, padded(Buffer.concat([dependency(0), GET_BLOCK]), 255), PADDED | FLAG.PRIORITY)],
    answered(),
  ],
  ['HEADERS with unknown flags', '4.1', [headers(1, GET_BLOCK, WHOLE | 0xd2)], answered()],
  [
    'HEADERS whose padding is as long as they are',
    '6.2',
    [headers(1, padded(EMPTY, 4, 5), PADDED)],
    protocolError,
  ],
  [
    'HEADERS whose padding is longer than they are',
    '6.2',
    [headers(1, padded(EMPTY, 1, 200), PADDED)],
    protocolError,
  ],
  [
    'HEADERS with padding and no bytes',
    '6.2',
    [headers(1, EMPTY, PADDED)],
    connectionError(ERROR.PROTOCOL, ERROR.FRAME_SIZE),
  ],
  ['DATA with padding', '6.1', [post(1), data(1, padded(QUERY, 200), DATA_PADDED)], answered()],
  ['DATA with padding of zero bytes', '6.1', [post(1), data(1, padded(QUERY, 0), DATA_PADDED)], answered()],
  [
    'DATA that are padding only, before and behind the content',
    '6.1',
    [
      post(1),
      data(1, padded(EMPTY, 9), FLAG.PADDED),
      data(1, QUERY, FLAG.NONE),
      data(1, padded(EMPTY, 0), DATA_PADDED),
    ],
    answered(),
  ],
  ['DATA with unknown flags', '4.1', [post(1), data(1, QUERY, FLAG.END_STREAM | 0xf6)], answered()],
  [
    'DATA whose padding is as long as they are',
    '6.1',
    [post(1), data(1, padded(QUERY, 0, QUERY.length + 1), DATA_PADDED)],
    protocolError,
  ],
  [
    'DATA with padding and no bytes',
    '6.1',
    [post(1), data(1, EMPTY, DATA_PADDED)],
    connectionError(ERROR.PROTOCOL, ERROR.FRAME_SIZE),
  ],
];

const half = GET_BLOCK.length >> 1;
const begin = headers(1, GET_BLOCK.subarray(0, half), FLAG.END_STREAM);
const finish = continuation(1, GET_BLOCK.subarray(half));

const BLOCKS: readonly Row[] = [
  ['CONTINUATION that ends the block', '6.10', [begin, finish], answered()],
  [
    'CONTINUATION without bytes that ends the block',
    '6.10',
    [headers(1, GET_BLOCK, FLAG.END_STREAM), continuation(1, EMPTY)],
    answered(),
  ],
  [
    'HEADERS without bytes before CONTINUATION',
    '6.2',
    [headers(1, EMPTY, FLAG.END_STREAM), continuation(1, GET_BLOCK)],
    answered(),
  ],
  [
    'CONTINUATION twice',
    '6.10',
    [
      begin,
      continuation(1, GET_BLOCK.subarray(half, half + 3), FLAG.NONE),
      continuation(1, GET_BLOCK.subarray(half + 3)),
    ],
    answered(),
  ],
  [
    'CONTINUATION of a request with content',
    '6.10',
    [headers(1, EMPTY, FLAG.NONE), continuation(1, fieldBlock(POST)), data(1, QUERY)],
    answered(),
  ],
  ['CONTINUATION without HEADERS', '6.10', [finish], protocolError],
  [
    'CONTINUATION behind the end of a block',
    '6.10',
    [settings([SETTING.INITIAL_WINDOW_SIZE, 0]), get(1), finish],
    protocolError,
  ],
  ['CONTINUATION behind DATA', '6.10', [post(1), data(1, QUERY, FLAG.NONE), finish], protocolError],
  ['CONTINUATION of stream 0', '6.10', [continuation(0, GET_BLOCK)], protocolError],
];

/** What may not come before a block has ended (section 6.2). */
const INTRUDERS: readonly (readonly [name: string, bytes: Buffer])[] = [
  ['DATA', data(1, QUERY)],
  ['HEADERS of the same stream', headers(1, GET_BLOCK)],
  ['HEADERS of another stream', get(3)],
  ['PRIORITY', priority(1, 0)],
  ['RST_STREAM', reset(1, 8)],
  ['SETTINGS', settings()],
  ['PING', ping('12345678')],
  ['WINDOW_UPDATE', windowUpdate(0, 1)],
  ['CONTINUATION of another stream', continuation(3, GET_BLOCK.subarray(half))],
];

const push = frame(TYPE.PUSH_PROMISE, FLAG.END_HEADERS, 1, Buffer.concat([uint32(2), GET_BLOCK]));

const IDENTIFIERS: readonly Row[] = [
  ['DATA of stream 0', '6.1', [data(0, QUERY)], protocolError],
  ['HEADERS of stream 0', '6.2', [headers(0, GET_BLOCK)], protocolError],
  ['PRIORITY of stream 0', '6.3', [priority(0, 1)], protocolError],
  ['RST_STREAM of stream 0', '6.4', [reset(0, 8)], protocolError],
  ['HEADERS of an even stream', '5.1.1', [get(2)], protocolError],
  [
    'HEADERS of a lower stream',
    '5.1.1',
    [get(5), answered(5), get(3)],
    connectionError(ERROR.PROTOCOL, ERROR.STREAM_CLOSED),
  ],
  ['HEADERS of a stream far above', '5.1.1', [get(1), get(2 ** 31 - 1)], answered(2 ** 31 - 1)],
  ['HEADERS with the reserved bit of the stream', '4.1', [reserved(get(1))], answered()],
  [
    'PUSH_PROMISE of a client',
    '8.4',
    [settings([SETTING.INITIAL_WINDOW_SIZE, 0]), get(1), push],
    protocolError,
  ],
  ['PUSH_PROMISE of a client, idle stream', '8.4', [push], protocolError],
  [
    'HEADERS that depend on themselves',
    '5.3.2',
    [headers(1, Buffer.concat([dependency(1), GET_BLOCK]), WHOLE | FLAG.PRIORITY)],
    answered(),
    streamError(1, ERROR.PROTOCOL),
  ],
  [
    'PRIORITY that depends on itself',
    '5.3.2',
    [priority(1, 1), get(1)],
    answered(),
    streamError(1, ERROR.PROTOCOL),
  ],
];

function reserved(bytes: Buffer): Buffer {
  bytes[5] = 0x80;
  return bytes;
}

/** A request whose answer waits for its window: the client has closed its half, the server has not. */
const halfClosed = [settings([SETTING.INITIAL_WINDOW_SIZE, 0]), get(1)];
const closed = [get(1), answered()];
const resetByUs = [post(1), reset(1, 8)];
const streamClosed = streamError(1, ERROR.STREAM_CLOSED);

const STATES: readonly Row[] = [
  ['idle: DATA', '5.1', [data(1, QUERY)], protocolError],
  ['idle: RST_STREAM', '5.1', [reset(1, 8)], protocolError],
  ['idle: WINDOW_UPDATE', '5.1', [windowUpdate(1, 100)], protocolError],
  ['idle: PRIORITY', '5.1', [priority(3, 1), get(5)], answered(5)],
  [
    'open: DATA in pieces',
    '5.1',
    [post(1), data(1, QUERY.subarray(0, 5), FLAG.NONE), data(1, QUERY.subarray(5))],
    answered(),
  ],
  [
    'open: content that ends in DATA without bytes',
    '6.1',
    [post(1), data(1, QUERY, FLAG.NONE), data(1, EMPTY)],
    answered(),
  ],
  ['open: RST_STREAM', '5.1', [...resetByUs, get(3)], answered(3)],
  ['open: RST_STREAM with an unknown code', '7', [post(1), reset(1, 0xff), get(3)], answered(3)],
  ['half-closed: DATA', '5.1', [...halfClosed, data(1, QUERY)], streamClosed],
  ['half-closed: HEADERS', '5.1', [...halfClosed, headers(1, GET_BLOCK)], streamClosed],
  ['half-closed: WINDOW_UPDATE', '5.1', [...halfClosed, windowUpdate(1, 1_000)], answered()],
  ['half-closed: PRIORITY', '5.1', [...halfClosed, priority(1, 0), windowUpdate(1, 1_000)], answered()],
  ['half-closed: RST_STREAM', '5.1', [...halfClosed, reset(1, 8)], alive],
  ['closed: DATA', '5.1', [...closed, data(1, QUERY)], streamClosed],
  ['closed: HEADERS', '5.1', [...closed, headers(1, GET_BLOCK)], streamClosed],
  ['closed: CONTINUATION', '6.10', [...closed, finish], protocolError, connectionError(ERROR.STREAM_CLOSED)],
  ['closed: WINDOW_UPDATE', '5.1', [...closed, windowUpdate(1, 1), get(3)], answered(3)],
  ['closed: RST_STREAM', '5.1', [...closed, reset(1, 8), get(3)], answered(3)],
  ['closed: PRIORITY', '5.1', [...closed, priority(1, 3), get(3)], answered(3)],
  ['reset: DATA', '5.1', [...resetByUs, data(1, QUERY)], streamClosed],
  ['reset: HEADERS', '5.1', [...resetByUs, headers(1, GET_BLOCK)], streamClosed],
  ['reset: PRIORITY', '5.1', [...resetByUs, priority(1, 3), get(3)], answered(3)],
  [
    'several streams at a time',
    '5',
    [Buffer.concat([get(1), get(3), get(5), get(7)])],
    (wire) => [1, 3, 5, 7].every((stream) => answered(stream)(wire)),
  ],
  ['a stream that waits holds up no other', '5.2.1', [post(1), get(3)], answered(3)],
];

export const STREAM_CHECKS: readonly Check[] = [
  ...[...PADDING, ...BLOCKS, ...IDENTIFIERS, ...STATES].map(toCheck),
  ...INTRUDERS.map(
    ([name, bytes]): Check => ({
      name: `${name} within a field block`,
      clause: '6.2',
      steps: [begin, bytes],
      expect: [protocolError],
      isOpen: true,
    }),
  ),
];
