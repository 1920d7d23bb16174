// Checks of the preface, of frames and their sizes, and of the frames that concern the whole connection (RFC 9113
// sections 3.4, 4, 6.5, 6.7, 6.8, 6.9).
import {
  acknowledged,
  answered,
  type Check,
  connectionError,
  contentOf,
  type Outcome,
  streamError,
} from './check.ts';
import {
  continuation,
  data,
  ERROR,
  FLAG,
  FRAME_BYTES_MAX,
  frame,
  goaway,
  headers,
  PREFACE,
  ping,
  SETTING,
  settings,
  TYPE,
  uint32,
  WINDOW_MAX,
  windowUpdate,
} from './frames.ts';
import { GET_BLOCK, get, post } from './request.ts';

const sized = (type: number, stream: number, length: number, flags: number = FLAG.NONE): Buffer =>
  frame(type, flags, stream, Buffer.alloc(length));
const highestBit = (bytes: Buffer, at: number): Buffer => {
  bytes[at] = (bytes[at] ?? 0) | 0x80;
  return bytes;
};
/** The window that streams begin with (RFC 9113 section 6.9.2). */
const WINDOW = 65_535;
const closedWindow = settings([SETTING.INITIAL_WINDOW_SIZE, 0]);
const noAckOf =
  (text: string): Outcome =>
  (wire) =>
    answered()(wire) && !wire.hasAnswered(text);

const PREFACE_CHECKS: readonly Check[] = [
  {
    name: 'preface of other bytes',
    clause: '3.4',
    steps: [Buffer.from('PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n'), settings()],
    expect: [connectionError(ERROR.PROTOCOL)],
    isBare: true,
    isOpen: true,
  },
  {
    name: 'preface without SETTINGS',
    clause: '3.4',
    steps: [PREFACE, ping('12345678')],
    expect: [connectionError(ERROR.PROTOCOL)],
    isBare: true,
    isOpen: true,
  },
  {
    name: 'SETTINGS are what the server says first',
    clause: '3.4',
    steps: [PREFACE, settings()],
    expect: [({ frames: [first] }) => first?.type === TYPE.SETTINGS && (first.flags & FLAG.ACK) === 0],
    isBare: true,
  },
  {
    name: 'preface in single bytes',
    clause: '3.4',
    steps: [...[...PREFACE].map((byte) => Buffer.from([byte])), settings(), get(1)],
    expect: [answered()],
    isBare: true,
  },
  {
    name: 'request right behind the preface',
    clause: '3.4',
    steps: [Buffer.concat([PREFACE, settings(), get(1)])],
    expect: [answered()],
    isBare: true,
  },
];

const IGNORED: readonly (readonly [name: string, clause: string, bytes: Buffer])[] = [
  ['frame of an unknown type', '4.1', sized(TYPE.UNKNOWN, 0, 8)],
  ['frame of an unknown type of an idle stream', '5.5', sized(TYPE.UNKNOWN, 9, 8)],
  ['empty frame of an unknown type with all flags', '5.5', sized(TYPE.UNKNOWN, 0, 0, 0xff)],
  ['frame of an unknown type, as long as it may be', '4.2', sized(TYPE.UNKNOWN, 0, FRAME_BYTES_MAX)],
  ['WINDOW_UPDATE with unknown flags', '4.1', frame(TYPE.WINDOW_UPDATE, 0xff, 0, uint32(1))],
  ['WINDOW_UPDATE with the reserved bit', '6.9', highestBit(windowUpdate(0, 1), 9)],
  ['SETTINGS with a reserved bit of the stream', '4.1', highestBit(settings(), 5)],
  ['SETTINGS with unknown flags', '4.1', frame(TYPE.SETTINGS, 0xfe, 0)],
  ['window of the connection at its largest', '6.9.1', windowUpdate(0, WINDOW_MAX - WINDOW)],
];

const LENGTHS: readonly (readonly [name: string, clause: string, bytes: Buffer])[] = [
  [
    'HEADERS longer than a frame may be',
    '4.2',
    sized(TYPE.HEADERS, 1, FRAME_BYTES_MAX + 1, FLAG.END_HEADERS),
  ],
  ['SETTINGS longer than a frame may be', '4.2', sized(TYPE.SETTINGS, 0, FRAME_BYTES_MAX + 2)],
  ['PING of 0 bytes', '6.7', sized(TYPE.PING, 0, 0)],
  ['PING of 7 bytes', '6.7', sized(TYPE.PING, 0, 7)],
  ['PING of 9 bytes', '6.7', sized(TYPE.PING, 0, 9)],
  ['PING with ACK of 6 bytes', '6.7', sized(TYPE.PING, 0, 6, FLAG.ACK)],
  ['SETTINGS of 5 bytes', '6.5', sized(TYPE.SETTINGS, 0, 5)],
  ['SETTINGS of 7 bytes', '6.5', sized(TYPE.SETTINGS, 0, 7)],
  ['SETTINGS with ACK that say something', '6.5', sized(TYPE.SETTINGS, 0, 6, FLAG.ACK)],
  ['WINDOW_UPDATE of 3 bytes', '6.9', sized(TYPE.WINDOW_UPDATE, 0, 3)],
  ['WINDOW_UPDATE of 5 bytes', '6.9', sized(TYPE.WINDOW_UPDATE, 0, 5)],
  ['GOAWAY of 7 bytes', '6.8', sized(TYPE.GOAWAY, 0, 7)],
  [
    'HEADERS too short for their priority',
    '6.2',
    frame(TYPE.HEADERS, FLAG.END_HEADERS | FLAG.PRIORITY, 1, Buffer.alloc(4)),
  ],
];

/** The head of a response came, and nothing of its content. */
const hasHead: Outcome = (wire) =>
  wire.frames.some(({ type }) => type === TYPE.HEADERS) && contentOf(1, 0)(wire);
const opened: readonly Buffer[] = [closedWindow, get(1)];

const SIZE_CHECKS: readonly Check[] = [
  ...IGNORED.map(
    ([name, clause, bytes]): Check => ({ name, clause, steps: [bytes, get(1)], expect: [answered()] }),
  ),
  ...LENGTHS.map(
    ([name, clause, bytes]): Check => ({
      name,
      clause,
      steps: [bytes],
      expect: [connectionError(ERROR.FRAME_SIZE)],
    }),
  ),
  {
    name: 'DATA longer than a frame may be',
    clause: '4.2',
    steps: [post(1), data(1, Buffer.alloc(FRAME_BYTES_MAX + 1))],
    expect: [streamError(1, ERROR.FRAME_SIZE)],
  },
  {
    name: 'frame of an unknown type longer than a frame may be',
    clause: '4.2',
    steps: [sized(TYPE.UNKNOWN, 0, FRAME_BYTES_MAX + 1)],
    expect: [connectionError(ERROR.FRAME_SIZE)],
  },
  {
    name: 'RST_STREAM of 3 bytes',
    clause: '6.4',
    steps: [...opened, sized(TYPE.RST_STREAM, 1, 3)],
    expect: [connectionError(ERROR.FRAME_SIZE)],
  },
  {
    name: 'RST_STREAM of 5 bytes',
    clause: '6.4',
    steps: [...opened, sized(TYPE.RST_STREAM, 1, 5)],
    expect: [connectionError(ERROR.FRAME_SIZE)],
  },
  {
    name: 'PRIORITY of 4 bytes',
    clause: '6.3',
    steps: [...opened, sized(TYPE.PRIORITY, 1, 4)],
    expect: [streamError(1, ERROR.FRAME_SIZE)],
  },
  {
    name: 'frame of an unknown type within a field block',
    clause: '5.5',
    steps: [
      headers(1, GET_BLOCK.subarray(0, 9), FLAG.END_STREAM),
      sized(TYPE.UNKNOWN, 1, 8),
      continuation(1, GET_BLOCK.subarray(9)),
    ],
    expect: [connectionError(ERROR.PROTOCOL)],
    isOpen: true,
  },
];

const WRONG: readonly (readonly [name: string, clause: string, code: number, bytes: Buffer])[] = [
  ['SETTINGS of a stream', '6.5', ERROR.PROTOCOL, frame(TYPE.SETTINGS, FLAG.NONE, 1)],
  ['SETTINGS: ENABLE_PUSH of 2', '6.5.2', ERROR.PROTOCOL, settings([SETTING.ENABLE_PUSH, 2])],
  [
    'SETTINGS: INITIAL_WINDOW_SIZE above its largest',
    '6.5.2',
    ERROR.FLOW_CONTROL,
    settings([SETTING.INITIAL_WINDOW_SIZE, WINDOW_MAX + 1]),
  ],
  [
    'SETTINGS: MAX_FRAME_SIZE below its smallest',
    '6.5.2',
    ERROR.PROTOCOL,
    settings([SETTING.MAX_FRAME_SIZE, FRAME_BYTES_MAX - 1]),
  ],
  [
    'SETTINGS: MAX_FRAME_SIZE above its largest',
    '6.5.2',
    ERROR.PROTOCOL,
    settings([SETTING.MAX_FRAME_SIZE, 2 ** 24]),
  ],
  ['PING of a stream', '6.7', ERROR.PROTOCOL, ping('12345678', FLAG.NONE, 1)],
  ['GOAWAY of a stream', '6.8', ERROR.PROTOCOL, goaway(ERROR.NO_ERROR, 1)],
  ['WINDOW_UPDATE of zero, connection', '6.9', ERROR.PROTOCOL, windowUpdate(0, 0)],
  [
    'WINDOW_UPDATE over the largest window, connection',
    '6.9.1',
    ERROR.FLOW_CONTROL,
    windowUpdate(0, WINDOW_MAX),
  ],
  [
    'WINDOW_UPDATE twice, together over the largest window',
    '6.9.1',
    ERROR.FLOW_CONTROL,
    Buffer.concat([windowUpdate(0, WINDOW_MAX - WINDOW), windowUpdate(0, 1)]),
  ],
];

const ACCEPTED: readonly (readonly [name: string, setting: number, value: number])[] = [
  ['ENABLE_PUSH of 0', SETTING.ENABLE_PUSH, 0],
  ['ENABLE_PUSH of 1', SETTING.ENABLE_PUSH, 1],
  ['INITIAL_WINDOW_SIZE at its largest', SETTING.INITIAL_WINDOW_SIZE, WINDOW_MAX],
  ['MAX_FRAME_SIZE at its largest', SETTING.MAX_FRAME_SIZE, 2 ** 24 - 1],
  ['MAX_FRAME_SIZE at its smallest', SETTING.MAX_FRAME_SIZE, FRAME_BYTES_MAX],
  ['MAX_CONCURRENT_STREAMS of 0', SETTING.MAX_CONCURRENT_STREAMS, 0],
  ['HEADER_TABLE_SIZE at its largest', SETTING.HEADER_TABLE_SIZE, 2 ** 32 - 1],
  ['MAX_HEADER_LIST_SIZE', SETTING.MAX_HEADER_LIST_SIZE, 65_536],
  ['a setting that nobody knows', SETTING.UNKNOWN, 1],
];

const CONNECTION_CHECKS: readonly Check[] = [
  ...WRONG.map(
    ([name, clause, code, bytes]): Check => ({
      name,
      clause,
      steps: [bytes],
      expect: [connectionError(code)],
    }),
  ),
  ...ACCEPTED.map(
    ([name, setting, value]): Check => ({
      name: `SETTINGS: ${name}`,
      clause: '6.5.2',
      steps: [settings([setting, value]), acknowledged(2), get(1)],
      expect: [answered()],
    }),
  ),
  {
    name: 'each SETTINGS is acknowledged',
    clause: '6.5.3',
    steps: [settings(), settings(), settings([SETTING.ENABLE_PUSH, 0])],
    expect: [acknowledged(4)],
  },
  {
    name: 'of a setting that is said twice the last counts',
    clause: '6.5.3',
    steps: [settings([SETTING.INITIAL_WINDOW_SIZE, 0], [SETTING.INITIAL_WINDOW_SIZE, 1]), get(1)],
    expect: [contentOf(1, 1)],
  },
  {
    name: 'PING comes back with its content',
    clause: '6.7',
    steps: [ping('\u0001abcdef~')],
    expect: [(wire) => wire.hasAnswered('\u0001abcdef~')],
  },
  {
    name: 'PING with unknown flags comes back',
    clause: '6.7',
    steps: [ping('abcdefgh', 0xfe)],
    expect: [(wire) => wire.hasAnswered('abcdefgh')],
  },
  {
    name: 'PING with ACK does not come back',
    clause: '6.7',
    steps: [ping('abcdefgh', FLAG.ACK), get(1)],
    expect: [noAckOf('abcdefgh')],
  },
  {
    name: 'GOAWAY leaves what was asked before',
    clause: '6.8',
    steps: [Buffer.concat([get(1), goaway(ERROR.NO_ERROR, 0, 'until tomorrow')])],
    expect: [answered()],
  },
  {
    name: 'GOAWAY with an unknown code leaves what was asked before',
    clause: '7',
    steps: [Buffer.concat([get(1), goaway(0xff)])],
    expect: [answered()],
  },
  {
    name: 'WINDOW_UPDATE of zero, stream',
    clause: '6.9',
    steps: [...opened, windowUpdate(1, 0)],
    expect: [streamError(1, ERROR.PROTOCOL)],
  },
  {
    name: 'WINDOW_UPDATE over the largest window, stream',
    clause: '6.9.1',
    steps: [...opened, windowUpdate(1, WINDOW_MAX), windowUpdate(1, 1)],
    expect: [streamError(1, ERROR.FLOW_CONTROL)],
  },
  {
    name: 'SETTINGS that make the window of a stream too large',
    clause: '6.9.2',
    steps: [...opened, windowUpdate(1, WINDOW_MAX), settings([SETTING.INITIAL_WINDOW_SIZE, WINDOW])],
    expect: [streamError(1, ERROR.FLOW_CONTROL)],
  },
  {
    name: 'content waits for the window of its stream',
    clause: '6.9.1',
    steps: [...opened, hasHead, windowUpdate(1, 3)],
    expect: [contentOf(1, 3)],
  },
  {
    name: 'content waits for SETTINGS that open its window',
    clause: '6.9.2',
    steps: [...opened, hasHead, settings([SETTING.INITIAL_WINDOW_SIZE, WINDOW])],
    expect: [answered()],
  },
  {
    name: 'a window below zero has to be filled first',
    clause: '6.9.2',
    steps: [
      settings([SETTING.INITIAL_WINDOW_SIZE, 3]),
      get(1),
      contentOf(1, 3),
      Buffer.concat([closedWindow, windowUpdate(1, 3), windowUpdate(1, 2)]),
    ],
    expect: [contentOf(1, 5)],
  },
];

export const FRAMING_CHECKS: readonly Check[] = [...PREFACE_CHECKS, ...SIZE_CHECKS, ...CONNECTION_CHECKS];
