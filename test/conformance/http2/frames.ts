// Frames of HTTP/2 (RFC 9113 section 4.1) and field blocks (RFC 7541) as bytes, right or wrong as the case wants them.

export const TYPE = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
  /** Nobody has given it a meaning. */
  UNKNOWN: 0xf5,
} as const;

export const FLAG = { NONE: 0, END_STREAM: 1, ACK: 1, END_HEADERS: 4, PADDED: 8, PRIORITY: 0x20 } as const;
/** HEADERS that are the whole request. */
export const WHOLE = FLAG.END_STREAM | FLAG.END_HEADERS;

/** Error codes (section 7). */
export const ERROR = {
  NO_ERROR: 0,
  PROTOCOL: 1,
  FLOW_CONTROL: 3,
  STREAM_CLOSED: 5,
  FRAME_SIZE: 6,
  REFUSED_STREAM: 7,
  COMPRESSION: 9,
} as const;

/** Settings (section 6.5.2). */
export const SETTING = {
  HEADER_TABLE_SIZE: 1,
  ENABLE_PUSH: 2,
  MAX_CONCURRENT_STREAMS: 3,
  INITIAL_WINDOW_SIZE: 4,
  MAX_FRAME_SIZE: 5,
  MAX_HEADER_LIST_SIZE: 6,
  /** Nobody has given it a meaning. */
  UNKNOWN: 0xfafa,
} as const;

export const HEADER_BYTES = 9;
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
/** What a peer takes before it says otherwise (section 6.5.2). */
export const FRAME_BYTES_MAX = 16_384;
export const WINDOW_MAX = 2 ** 31 - 1;

/** Four bytes, the highest first. */
export const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

export const frame = (type: number, flags: number, stream: number, payload: Uint8Array = EMPTY): Buffer => {
  const head = Buffer.alloc(HEADER_BYTES);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
};
export const EMPTY = Buffer.alloc(0);

export const settings = (...pairs: readonly (readonly [setting: number, value: number])[]): Buffer =>
  frame(
    TYPE.SETTINGS,
    FLAG.NONE,
    0,
    Buffer.concat(
      pairs.map(([setting, value]) => Buffer.concat([uint32(setting).subarray(2), uint32(value)])),
    ),
  );
export const settingsAck = frame(TYPE.SETTINGS, FLAG.ACK, 0);

export const ping = (text: string, flags: number = FLAG.NONE, stream = 0): Buffer =>
  frame(TYPE.PING, flags, stream, Buffer.from(text));
export const windowUpdate = (stream: number, increment: number): Buffer =>
  frame(TYPE.WINDOW_UPDATE, FLAG.NONE, stream, uint32(increment));
export const reset = (stream: number, code: number): Buffer =>
  frame(TYPE.RST_STREAM, FLAG.NONE, stream, uint32(code));
export const goaway = (code: number, stream = 0, words = ''): Buffer =>
  frame(TYPE.GOAWAY, FLAG.NONE, stream, Buffer.concat([uint32(0), uint32(code), Buffer.from(words)]));
/** What PRIORITY says, of which nothing counts any more (section 5.3.2). */
export const dependency = (on: number): Buffer => Buffer.concat([uint32(on), Buffer.from([15])]);
export const priority = (stream: number, on: number): Buffer =>
  frame(TYPE.PRIORITY, FLAG.NONE, stream, dependency(on));
export const data = (stream: number, payload: Uint8Array, flags: number = FLAG.END_STREAM): Buffer =>
  frame(TYPE.DATA, flags, stream, payload);
export const headers = (stream: number, block: Uint8Array, flags: number = WHOLE): Buffer =>
  frame(TYPE.HEADERS, flags, stream, block);
export const continuation = (stream: number, block: Uint8Array, flags: number = FLAG.END_HEADERS): Buffer =>
  frame(TYPE.CONTINUATION, flags, stream, block);

/** The payload of a frame with the flag PADDED; `length` is what it claims, and may be wrong. */
export const padded = (content: Uint8Array, padding: number, length = padding): Buffer =>
  Buffer.concat([Buffer.from([length]), content, Buffer.alloc(padding)]);

const LENGTH_MAX = 127;
const text = (value: string): Buffer => {
  const bytes = Buffer.from(value, 'latin1');
  if (bytes.length < LENGTH_MAX) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  // RFC 7541 section 5.1: what does not fit into seven bits follows in groups of seven, the lowest first.
  const length = [LENGTH_MAX];
  let rest = bytes.length - LENGTH_MAX;
  for (; rest >= 128; rest = Math.floor(rest / 128)) length.push((rest % 128) + 128);
  return Buffer.concat([Buffer.from([...length, rest]), bytes]);
};

/** How a literal field is to be kept (RFC 7541 section 6.2). */
export const LITERAL = { PLAIN: 0, NEVER: 0x10, KEPT: 0x40 } as const;
export type Field = readonly [name: string, value: string];

/** A field in letters; nothing is checked. */
export const literal = ([name, value]: Field, kind: number = LITERAL.PLAIN): Buffer =>
  Buffer.concat([Buffer.from([kind]), text(name), text(value)]);
export const fieldBlock = (fields: readonly Field[]): Buffer =>
  Buffer.concat(fields.map((field) => literal(field)));
