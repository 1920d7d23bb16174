// A proof of one entry that needs nothing else (C2SP tlog-proof): its index, the hashes from its leaf to the root, and a signed
// checkpoint; what the leaf is made of stands in `extra`, which nothing vouches for but the hash that it comes to.
import { parseSize } from './checkpoint.ts';
import { HASH_BYTES } from './merkle.ts';
import { decodeBase64 } from './note.ts';

/** A proof as it was read. */
export interface LogProof {
  /** What whoever checks it makes the leaf of. */
  readonly extra: Buffer;
  readonly index: number;
  readonly hashes: readonly Buffer[];
  /** The note, whole. */
  readonly checkpoint: string;
}

const FORM = 'c2sp.org/tlog-proof@v1';
const EXTRA = 'extra ';
const INDEX = 'index ';
/** Of a tree whose size is a safe integer. */
const HASHES_MAX = 53;

/** The file. */
export const formatLogProof = ({ extra, index, hashes, checkpoint }: LogProof): string =>
  [FORM, `${EXTRA}${extra.toString('base64')}`, `${INDEX}${index}`]
    .concat(
      hashes.map((hash) => hash.toString('base64')),
      '',
      checkpoint,
    )
    .join('\n');

/** The proof in a text; undefined when it is none, or has no `extra`. */
export const parseLogProof = (text: string): LogProof | undefined => {
  const end = text.indexOf('\n\n');
  const [form, extraLine = '', indexLine = '', ...lines] = text.slice(0, Math.max(0, end)).split('\n');
  if (form !== FORM || !extraLine.startsWith(EXTRA) || !indexLine.startsWith(INDEX)) return undefined;
  const extra = decodeBase64(extraLine.slice(EXTRA.length));
  const index = parseSize(indexLine.slice(INDEX.length));
  const hashes = lines.slice(0, HASHES_MAX + 1).flatMap((line) => decodeBase64(line) ?? []);
  const isWhole = hashes.length === lines.length && hashes.every(({ length }) => length === HASH_BYTES);
  if (extra === undefined || index === undefined || !isWhole || hashes.length > HASHES_MAX) return undefined;
  return { extra, index, hashes, checkpoint: text.slice(end + 2) };
};
