// SETTINGS (RFC 9113 section 6.5): what we say first, and what of a client's counts here. Hot file.

import { writeFrameHeader } from './answer.ts';
import { BLOCK_BYTES_MAX } from './field-block.ts';
import {
  FLAG,
  FRAME,
  FRAME_BYTES_MAX,
  FRAME_HEADER,
  HTTP2_ERROR,
  MAX_FRAME_SIZE_MAX,
  SETTING,
  WINDOW_MAX,
} from './registry.ts';

/** Streams at a time: what RFC 9113 section 6.5.2 recommends at least. */
export const STREAMS_MAX = 100;
/** What the content of a request may fill: four of the longest queries. */
const STREAM_WINDOW = 16_384;
/** Bytes of one setting. */
export const SETTING_BYTES = 6;

const OURS: readonly (readonly [setting: number, value: number])[] = [
  [SETTING.ENABLE_PUSH, 0],
  [SETTING.MAX_CONCURRENT_STREAMS, STREAMS_MAX],
  [SETTING.INITIAL_WINDOW_SIZE, STREAM_WINDOW],
  [SETTING.MAX_HEADER_LIST_SIZE, BLOCK_BYTES_MAX],
];

const buildOurs = (): Buffer => {
  const length = OURS.length * SETTING_BYTES;
  const frame = Buffer.alloc(FRAME_HEADER + length);
  let at = writeFrameHeader(frame, 0, length, FRAME.SETTINGS, 0, 0);
  for (const [setting, value] of OURS) {
    frame.writeUInt16BE(setting, at);
    frame.writeUInt32BE(value, at + 2);
    at += SETTING_BYTES;
  }
  return frame;
};

const buildAck = (): Buffer => {
  const frame = Buffer.alloc(FRAME_HEADER);
  writeFrameHeader(frame, 0, 0, FRAME.SETTINGS, FLAG.ACK, 0);
  return frame;
};

/** What a session says first. */
export const OUR_SETTINGS = buildOurs();
export const SETTINGS_ACK = buildAck();

/** What the SETTINGS of a client say. */
export interface ClientSettings {
  /** The window that streams begin with; undefined: as before. */
  readonly window: number | undefined;
  /** One of HTTP2_ERROR. */
  readonly error: number;
}

/** Reads the payload of a SETTINGS frame, a multiple of SETTING_BYTES; of what is said twice the last counts. */
export const readSettings = (bytes: Buffer, start: number, end: number): ClientSettings => {
  let window: number | undefined;
  for (let at = start; at < end; at += SETTING_BYTES) {
    const setting = bytes.readUInt16BE(at);
    const value = bytes.readUInt32BE(at + 2);
    if (setting === SETTING.ENABLE_PUSH && value > 1) return { window, error: HTTP2_ERROR.PROTOCOL_ERROR };
    if (setting === SETTING.MAX_FRAME_SIZE && (value < FRAME_BYTES_MAX || value > MAX_FRAME_SIZE_MAX))
      return { window, error: HTTP2_ERROR.PROTOCOL_ERROR };
    if (setting !== SETTING.INITIAL_WINDOW_SIZE) continue;
    if (value > WINDOW_MAX) return { window, error: HTTP2_ERROR.FLOW_CONTROL_ERROR };
    window = value;
  }
  return { window, error: HTTP2_ERROR.NO_ERROR };
};
