// Asking one witness to cosign (C2SP tlog-witness): it is told the new checkpoint and the way from the one that it knows.
//
// A witness that knows another size says so once, and is asked again from there. What it refuses then is the finding:
// it has seen a larger tree, or another history. One request at a time, each within a bound of time and bytes, over HTTP or
// whatever brings a body there and an answer back.
import { errorText } from '../../base/base.ts';
import { loadHttp, loadHttps } from '../../base/http/http.ts';
import { parseSize } from './checkpoint.ts';
import { type Note, parseSignatureLines, type Verified, type Verifier, verifyNote } from './note.ts';
import { formatSubmission } from './submission.ts';

/** From the first byte to the last of an answer, milliseconds. */
const ANSWER_MS_MAX = 5_000;
/** Sixteen signatures of the largest kind. */
const ANSWER_BYTES_MAX = 64 * 1024;

/** Where a witness is, and what verifies its cosignatures. */
export interface WitnessPlace {
  /** Prefix of submissions: `/add-checkpoint` is put behind it. */
  readonly url: string;
  readonly verifier: Verifier;
  /** Certificates in PEM that are trusted instead of those that Node.js brings. */
  readonly authorities?: readonly string[] | undefined;
  /** Brings a body to a witness that is not asked over HTTP. May reject. */
  readonly post?: ((body: string) => Promise<SubmissionAnswer>) | undefined;
}

/** What a witness answered, whatever carried it. */
export interface SubmissionAnswer {
  readonly status: number;
  readonly body: string;
}

/** What came of asking. */
export type WitnessReply =
  /** It cosigned; `line` is what it said, with the time. */
  | { readonly kind: 'cosigned'; readonly line: Note['signatures'][number]; readonly timeSec: number }
  /** It has cosigned a tree of this size, which is not where the proof began. */
  | { readonly kind: 'size'; readonly size: number }
  /** It says that this history is not the one that it knows. */
  | { readonly kind: 'refused'; readonly text: string }
  /** It did not answer, or not as a witness does. */
  | { readonly kind: 'trouble'; readonly text: string };

/** Sends one checkpoint. Never rejects. */
export const submitCheckpoint = async (
  { url, verifier, authorities, post = (body) => postHttp(url, authorities, body) }: WitnessPlace,
  submission: {
    readonly oldSize: number;
    readonly proof: readonly Buffer[];
    readonly note: Note;
    readonly whole: string;
  },
): Promise<WitnessReply> => {
  const { oldSize, proof, note, whole } = submission;
  let answer: SubmissionAnswer;
  try {
    answer = await post(formatSubmission({ oldSize, proof, checkpoint: whole }));
  } catch (thrown) {
    return { kind: 'trouble', text: errorText(thrown) };
  }
  const { status, body } = answer;
  if (status === 409) {
    const size = parseSize(body.trimEnd());
    return size === undefined
      ? { kind: 'trouble', text: 'it answered 409 without a size' }
      : { kind: 'size', size };
  }
  if (status === 422) return { kind: 'refused', text: body.trimEnd().slice(0, 200) };
  if (status !== 200) return { kind: 'trouble', text: `it answered ${status}` };
  const lines = parseSignatureLines(body);
  if (lines === undefined) return { kind: 'trouble', text: 'it answered without a signature' };
  const { verified } = verifyNote({ text: note.text, signatures: lines }, [verifier]);
  const [found]: readonly (Verified | undefined)[] = verified;
  const line = lines.find((one) => one.name === verifier.name && one.keyId === verifier.keyId);
  if (found?.timeSec === undefined || line === undefined)
    return { kind: 'trouble', text: `it answered without a cosignature of ${verifier.name}` };
  return { kind: 'cosigned', line, timeSec: found.timeSec };
};

const postHttp = (
  url: string,
  authorities: readonly string[] | undefined,
  body: string,
): Promise<SubmissionAnswer> => {
  const { promise, resolve, reject } = Promise.withResolvers<SubmissionAnswer>();
  const place = new URL(`${url.replace(/\/$/, '')}/add-checkpoint`);
  const options = {
    method: 'POST',
    headers: { 'content-type': 'text/plain', 'content-length': Buffer.byteLength(body) },
    signal: AbortSignal.timeout(ANSWER_MS_MAX),
    agent: false,
  } as const;
  const request =
    place.protocol === 'https:'
      ? loadHttps().request(place, {
          ...options,
          minVersion: 'TLSv1.2',
          rejectUnauthorized: true,
          ...(authorities === undefined ? {} : { ca: [...authorities] }),
        })
      : loadHttp().request(place, options);
  request.on('error', reject);
  request.on('response', (response) => {
    const pieces: Buffer[] = [];
    let sizeBytes = 0;
    response.on('error', reject);
    response.on('data', (piece: Buffer) => {
      sizeBytes += piece.length;
      if (sizeBytes > ANSWER_BYTES_MAX) request.destroy(new Error('the answer is too long'));
      else pieces.push(piece);
    });
    response.on('end', () => {
      resolve({ status: response.statusCode ?? 0, body: Buffer.concat(pieces).toString('utf8') });
    });
  });
  request.end(body);
  return promise;
};
