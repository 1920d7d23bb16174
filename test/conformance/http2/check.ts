// One check: frames that are sent, and what RFC 9113 lets a server do about them. Every server gets the same.
import type { SocketAddress } from '../../support/process.ts';
import { ERROR, FLAG, PREFACE, ping, SETTING, settings, settingsAck, TYPE } from './frames.ts';
import { Wire } from './wire.ts';

/** What has to come of it; asked again with each frame that arrives. */
export type Outcome = (wire: Wire) => boolean;

/** Bytes to send, or what has to have come before the next. */
export type Step = Uint8Array | Outcome;

export interface Check {
  readonly name: string;
  /** Where it is said. */
  readonly clause: string;
  readonly steps: readonly Step[];
  /** One of these has to come. */
  readonly expect: readonly Outcome[];
  /** Begins with its steps, without preface and SETTINGS. */
  readonly isBare?: true;
  /** A PING behind it would itself be wrong. */
  readonly isOpen?: true;
}

/** Checks at a time: those that fail wait for silence, and shall do so together. */
const AT_ONCE = 24;
const FENCE = 'thefence';
/** No dynamic table: what comes says what it means by itself. */
const OPENING = settings([SETTING.HEADER_TABLE_SIZE, 0]);

const hasCode = (codes: readonly number[], payload: Buffer, at: number): boolean =>
  codes.includes(payload.readUInt32BE(at));

/**
 * The connection ends with one of these codes. A server may close without GOAWAY (section 5.4.1), but what it says is to
 * be right.
 */
export const connectionError =
  (...codes: readonly number[]): Outcome =>
  ({ frames, isClosed }) => {
    const errors = frames.filter(
      ({ type, payload }) => type === TYPE.GOAWAY && payload.readUInt32BE(4) !== ERROR.NO_ERROR,
    );
    const hasLeft = frames.some(({ type }) => type === TYPE.GOAWAY);
    return errors.length > 0
      ? errors.some(({ payload }) => hasCode(codes, payload, 4))
      : isClosed && !hasLeft;
  };

/** The stream ends with one of these codes; a server may end the connection instead (section 5.4.2). */
export const streamError =
  (stream: number, ...codes: readonly number[]): Outcome =>
  (wire) =>
    wire.frames.some(
      (found) =>
        found.type === TYPE.RST_STREAM && found.stream === stream && hasCode(codes, found.payload, 0),
    ) || connectionError(...codes)(wire);

/** Static entries of :status begin here (RFC 7541 appendix A): 200, 204, 206, 304, 400, 404, 500. */
const STATUSES = [200, 204, 206, 304, 400, 404, 500];
const STATUS_INDEX = 8;

/** Where the first field is: behind updates of the size of the table, whose integers have a prefix of five bits. */
const firstField = (block: Buffer): number => {
  let at = 0;
  while (((block[at] ?? 0) & 0xe0) === 0x20) {
    if (((block[at++] ?? 0) & 0x1f) !== 0x1f) continue;
    while ((block[at++] ?? 0) >= 0x80);
  }
  return block[at] ?? 0;
};

/** The status of a response; 0 where there is none. A literal is one of those without an entry: 405, 413, 415. */
const statusOf = ({ frames }: Wire, stream: number): number => {
  const found = frames.find((frame) => frame.type === TYPE.HEADERS && frame.stream === stream);
  if (found === undefined) return 0;
  const field = firstField(found.payload);
  return field >= 0x80 ? (STATUSES[(field & 0x7f) - STATUS_INDEX] ?? 0) : 499;
};

/** The request is answered, whole. */
export const answered =
  (stream = 1, status = 200): Outcome =>
  (wire) =>
    statusOf(wire, stream) === status &&
    wire.frames.some(
      ({ type, stream: of, flags }) =>
        (type === TYPE.DATA || type === TYPE.HEADERS) && of === stream && (flags & FLAG.END_STREAM) !== 0,
    );

/** The request is malformed (section 8.1.1): a stream error, before which a server may say in HTTP what is wrong. */
export const malformed =
  (stream = 1): Outcome =>
  (wire) =>
    streamError(stream, ERROR.PROTOCOL)(wire) || Math.floor(statusOf(wire, stream) / 100) === 4;

/** All that was sent has been read, and nothing ended. */
export const alive: Outcome = (wire) => wire.hasAnswered(FENCE) && !wire.isClosed && !isEnded(wire);
const isEnded = ({ frames }: Wire): boolean =>
  frames.some(({ type }) => type === TYPE.GOAWAY || type === TYPE.RST_STREAM);

/** So many bytes of content came; a server that ignores a window sends more in one frame. */
export const contentOf =
  (stream: number, length: number): Outcome =>
  ({ frames }) =>
    frames.reduce(
      (sum, { type, stream: of, payload }) =>
        type === TYPE.DATA && of === stream ? sum + payload.length : sum,
      0,
    ) === length;

/** So many SETTINGS of ours are acknowledged; the first is that which opens the connection. */
export const acknowledged =
  (count: number): Outcome =>
  (wire) =>
    !isEnded(wire) &&
    wire.frames.filter(({ type, flags }) => type === TYPE.SETTINGS && (flags & FLAG.ACK) !== 0).length ===
      count;

const passes = async (check: Check, at: SocketAddress, ca: string): Promise<boolean> => {
  const wire = await Wire.open(at, ca);
  try {
    if (check.isBare !== true) {
      wire.write(Buffer.concat([PREFACE, OPENING]));
      if (!(await wire.waitFor(() => acknowledged(1)(wire)))) return false;
      wire.write(settingsAck);
    }
    for (const step of check.steps) {
      if (typeof step !== 'function') wire.write(step);
      else if (!(await wire.waitFor(() => step(wire)))) return false;
    }
    if (check.isOpen !== true) wire.write(ping(FENCE));
    return await wire.waitFor(() => check.expect.some((outcome) => outcome(wire)), FENCE);
  } finally {
    wire.end();
  }
};

/** The names of the checks that a server passes. */
export const passedBy = async (
  checks: readonly Check[],
  at: SocketAddress,
  ca: string,
): Promise<ReadonlySet<string>> => {
  const passed = new Set<string>();
  const left = [...checks];
  const take = async (): Promise<void> => {
    for (let check = left.shift(); check !== undefined; check = left.shift()) {
      if (await passes(check, at, ca)) passed.add(check.name);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, take));
  return passed;
};
