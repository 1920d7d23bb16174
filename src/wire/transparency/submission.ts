// What a log sends to a witness (C2SP tlog-witness, add-checkpoint): the size that the witness knows, a proof, and the
// checkpoint that it shall cosign.
import { parseSize } from './checkpoint.ts';
import { HASH_BYTES } from './merkle.ts';
import { decodeBase64 } from './note.ts';

/** A submission as it was read. */
export interface Submission {
  /** Leaves of the tree from which the proof leads. */
  readonly oldSize: number;
  readonly proof: readonly Buffer[];
  /** The note, whole. */
  readonly checkpoint: string;
}

/** Hashes of a proof at most (C2SP tlog-witness). */
const PROOF_LENGTH_MAX = 63;
const OLD_PREFIX = 'old ';

/** The body of a submission. */
export const formatSubmission = ({ oldSize, proof, checkpoint }: Submission): string =>
  `${OLD_PREFIX}${oldSize}\n${proof.map((hash) => `${hash.toString('base64')}\n`).join('')}\n${checkpoint}`;

/** The submission in a body; undefined when it is none. */
export const parseSubmission = (body: string): Submission | undefined => {
  const end = body.indexOf('\n\n');
  if (end < 0) return undefined;
  const [first = '', ...lines] = body.slice(0, end).split('\n');
  if (!first.startsWith(OLD_PREFIX) || lines.length > PROOF_LENGTH_MAX) return undefined;
  const oldSize = parseSize(first.slice(OLD_PREFIX.length));
  if (oldSize === undefined) return undefined;
  const proof: Buffer[] = [];
  for (const line of lines) {
    const hash = decodeBase64(line);
    if (hash?.length !== HASH_BYTES) return undefined;
    proof.push(hash);
  }
  return { oldSize, proof, checkpoint: body.slice(end + 2) };
};
