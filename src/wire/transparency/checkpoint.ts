// Checkpoints (C2SP tlog-checkpoint): the text of a note that says how large a log is, and under which root.
import { HASH_BYTES } from './merkle.ts';
import { decodeBase64 } from './note.ts';

/** How far a log has come. */
export interface Checkpoint {
  /** Name of the log. */
  readonly origin: string;
  /** Leaves. */
  readonly size: number;
  readonly root: Buffer;
}

const SIZE_PATTERN = /^(?:0|[1-9]\d{0,15})$/;

/** The text of a checkpoint, without extension lines. */
export const formatCheckpoint = ({ origin, size, root }: Checkpoint): string =>
  `${origin}\n${size}\n${root.toString('base64')}\n`;

/** The checkpoint in a note's text; undefined when it is none. Extension lines are passed over. */
export const parseCheckpoint = (text: string): Checkpoint | undefined => {
  const lines = text.split('\n');
  if (lines.pop() !== '' || lines.includes('')) return undefined;
  const [origin, sizeText, rootText] = lines;
  if (origin === undefined || rootText === undefined) return undefined;
  const size = parseSize(sizeText);
  const root = decodeBase64(rootText);
  return size === undefined || root?.length !== HASH_BYTES ? undefined : { origin, size, root };
};

/** A count of leaves in decimal digits; undefined for anything else. */
export const parseSize = (text: string | undefined): number | undefined => {
  if (text === undefined || !SIZE_PATTERN.test(text)) return undefined;
  const size = Number(text);
  return Number.isSafeInteger(size) ? size : undefined;
};
