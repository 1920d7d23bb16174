// A witness of certificates (C2SP tlog-witness): that one was there at a time which another machine's clock says.
//
// The key of a host keeps a log of what it signed, a tree of hashes beside it. A witness that cosigns its checkpoint has seen the
// certificate, and every one before it, at its own time: no clock that is set back, and no copy of the host that is put in its place,
// makes another history of the same key. The proof is a file beside the certificate (C2SP tlog-proof), and the certificate stays as it is.
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { closeSync, openSync, rmSync } from 'node:fs';
import { errorText, systemErrorCode } from '../src/base/error.ts';
import { formatCheckpoint, parseCheckpoint } from '../src/wire/transparency/checkpoint.ts';
import { formatLogProof, parseLogProof } from '../src/wire/transparency/log-proof.ts';
import {
  consistencyProof,
  inclusionProof,
  isIncluded,
  leafHash,
  rootAt,
} from '../src/wire/transparency/merkle.ts';
import {
  createVerifier,
  formatNote,
  isKeyName,
  type Note,
  parseNote,
  parseVerifier,
  SIGNATURE_TYPE,
  signNote,
  type Verifier,
  verifyNote,
} from '../src/wire/transparency/note.ts';
import { TreeFile } from '../src/wire/transparency/tree-file.ts';
import { submitCheckpoint } from '../src/wire/transparency/witness-client.ts';

/** Between the clock of who asked and that of the witness, and what a proof of many resolvers takes. */
const AHEAD_MS_MAX = 600_000;
const BEHIND_MS_MAX = 3_600_000;
/** Where a witness knows another size, it is asked again from there, once. */
const ASKED_MAX = 2;
const ID_DIGITS = 16;

/** The name of the log of a key, unless another is given. */
export const originOf = (keyid: string): string => `cordon-proof/${keyid.slice(0, ID_DIGITS)}`;

/** Verifies the checkpoints of a log; undefined for a name that a log may not have. */
export const logVerifier = (origin: string, key: KeyObject): Verifier | undefined =>
  isKeyName(origin) ? createVerifier(origin, key, SIGNATURE_TYPE.ed25519) : undefined;

/** A witness, by its address and its verifier key. */
export interface WitnessAt {
  readonly url: string;
  readonly verifier: Verifier;
  readonly authorities: readonly string[] | undefined;
}

/** The log of a key of this host, and the file of its tree. */
interface OwnLog {
  readonly key: KeyObject;
  readonly origin: Verifier;
  readonly treeFile: string;
}

type WitnessedOrNot = { readonly proof: string } | { readonly trouble: string };

/** The verifier of a witness; undefined for a text that is none, or of no witness. */
export const witnessVerifier = (text: string): Verifier | undefined => {
  const found = parseVerifier(text);
  return found?.type === SIGNATURE_TYPE.cosignature ? found : undefined;
};

/** Puts a certificate into the log of its key and has it cosigned; `trouble`: why not, the disk among them. */
export const witness = async (envelope: string, log: OwnLog, at: WitnessAt): Promise<WitnessedOrNot> => {
  // Two at once would write into the same place of the tree.
  const lock = `${log.treeFile}.lock`;
  try {
    closeSync(openSync(lock, 'wx', 0o600));
  } catch (thrown) {
    const isTaken = systemErrorCode(thrown) === 'EEXIST';
    return {
      trouble: isTaken
        ? `another proof is being witnessed; remove ${lock} if none is`
        : `making ${lock}: ${errorText(thrown)}`,
    };
  }
  try {
    return await submit(envelope, log, at);
  } catch (thrown) {
    if (systemErrorCode(thrown) === undefined) throw thrown;
    return { trouble: `${log.treeFile}: ${errorText(thrown)}` };
  } finally {
    rmSync(lock, { force: true });
  }
};

/** Throws errors of the system. */
const submit = async (
  envelope: string,
  { key, origin, treeFile }: OwnLog,
  { url, verifier, authorities }: WitnessAt,
): Promise<WitnessedOrNot> => {
  const tree = TreeFile.open(treeFile);
  try {
    const extra = digestOf(envelope);
    tree.append([leafHash(extra)], true);
    const { size } = tree;
    const text = formatCheckpoint({ origin: origin.name, size, root: rootAt(tree, size) });
    const note: Note = { text, signatures: [signNote(text, origin, key, 0)] };
    for (let oldSize = 0, asked = 0; asked < ASKED_MAX; asked++) {
      const proof = consistencyProof(tree, oldSize, size);
      const reply = await submitCheckpoint(
        { url, verifier, authorities },
        { oldSize, proof, note, whole: formatNote(note) },
      );
      if (reply.kind === 'cosigned') {
        const checkpoint = formatNote({ text, signatures: [...note.signatures, reply.line] });
        const hashes = inclusionProof(tree, size - 1, size);
        return { proof: formatLogProof({ extra, index: size - 1, hashes, checkpoint }) };
      }
      if (reply.kind !== 'size') return { trouble: reply.text };
      if (reply.size > size)
        return {
          trouble: `it has seen ${reply.size} certificates of this key, and here are ${size}: a copy was put back`,
        };
      oldSize = reply.size;
    }
    return { trouble: 'it does not say what it knows' };
  } finally {
    tree.close();
  }
};

/** What a proof says of a certificate: when the witness saw it; or why it says nothing. */
export const openWitnessed = (
  text: string,
  { envelope, made, key, origin }: { envelope: string; made: string; key: KeyObject; origin: string },
  witnessed: Verifier,
): { readonly fault: string } | { readonly time: string } => {
  const log = logVerifier(origin, createPublicKey(key.export({ type: 'spki', format: 'pem' })));
  const proof = parseLogProof(text);
  const note = proof && parseNote(proof.checkpoint);
  const checkpoint = note && parseCheckpoint(note.text);
  if (log === undefined || proof === undefined || note === undefined || checkpoint === undefined)
    return { fault: 'the proof of the witness is none' };
  if (checkpoint.origin !== origin)
    return { fault: `the proof of the witness is of the log ${checkpoint.origin}` };
  const { verified, isForged } = verifyNote(note, [log, witnessed]);
  const seen = verified.find(({ verifier }) => verifier === witnessed)?.timeSec;
  if (isForged || seen === undefined || !verified.some(({ verifier }) => verifier === log))
    return {
      fault: 'the proof of the witness is not signed by the witness and by the key of the certificate',
    };
  const { extra, index, hashes } = proof;
  if (!extra.equals(digestOf(envelope)))
    return { fault: 'the proof of the witness is of another certificate' };
  if (!isIncluded(leafHash(extra), index, checkpoint.size, hashes, checkpoint.root))
    return { fault: 'the proof of the witness does not lead to its checkpoint' };
  const lateMs = seen * 1_000 - Date.parse(made);
  const time = new Date(seen * 1_000).toISOString();
  // NaN is no time either.
  return lateMs >= -AHEAD_MS_MAX && lateMs <= BEHIND_MS_MAX
    ? { time }
    : { fault: `it says that it was made ${made}, and the witness saw it at ${time}` };
};

const digestOf = (envelope: string): Buffer => createHash('sha256').update(envelope).digest();
