// A witness (C2SP tlog-witness): cosigns checkpoints of logs that it knows, never two histories of one, never a smaller
// tree after a larger one.
//
// What it said last of each log is on the disk before anybody hears it. It takes one submission after the other: between
// looking and storing nothing else happens, because nothing here waits.
import type { KeyObject } from 'node:crypto';
import type { Clock } from '../../base/base.ts';
import { type Checkpoint, parseCheckpoint } from './checkpoint.ts';
import { EMPTY_ROOT, isConsistent } from './merkle.ts';
import {
  createVerifier,
  formatNote,
  formatSignatureLine,
  parseNote,
  SIGNATURE_TYPE,
  signNote,
  type Verifier,
  verifyNote,
} from './note.ts';
import { parseSubmission } from './submission.ts';

/** What a witness keeps of one log. */
export interface Witnessed extends Checkpoint {
  /** The note with the signatures of log and witness. */
  readonly note: string;
}

/** Where a witness keeps what it said; a rejected save means that it says nothing. */
export interface WitnessStore {
  /** What was said last of a log; undefined when nothing was. */
  last(origin: string): Witnessed | undefined;
  /** Is on the disk when it returns. Throws errors of the system. */
  save(witnessed: Witnessed): void;
}

/** What a witness answers over HTTP. */
export interface WitnessAnswer {
  readonly status: 200 | 400 | 403 | 404 | 409 | 422;
  readonly contentType: string;
  readonly body: string;
}

/** One witness. */
export class Witness {
  /** Verifies its cosignatures. */
  readonly verifier: Verifier;
  readonly #key: KeyObject;
  /** By origin: the keys that may sign for the log. */
  readonly #logs: ReadonlyMap<string, readonly Verifier[]>;
  readonly #store: WitnessStore;
  readonly #clock: Clock;

  /** `logs`: the keys of the logs that it cosigns for; a key's name is the origin of its log. */
  constructor(
    name: string,
    key: KeyObject,
    { logs, store, clock }: { logs: readonly Verifier[]; store: WitnessStore; clock: Clock },
  ) {
    this.verifier = createVerifier(name, key, SIGNATURE_TYPE.cosignature);
    this.#key = key;
    this.#logs = Map.groupBy(logs, (one) => one.name);
    this.#store = store;
    this.#clock = clock;
  }

  /** Answers a submission. Throws errors of the system when what it would say cannot be kept. */
  addCheckpoint(body: string): WitnessAnswer {
    const submission = parseSubmission(body);
    const note = submission && parseNote(submission.checkpoint);
    const checkpoint = note && parseCheckpoint(note.text);
    if (submission === undefined || note === undefined || checkpoint === undefined)
      return refusal(400, 'not a submission of a checkpoint');
    const keys = this.#logs.get(checkpoint.origin);
    if (keys === undefined) return refusal(404, 'this log is not known here');
    const { verified, isForged } = verifyNote(note, keys);
    if (isForged || verified.length === 0) return refusal(403, 'not signed by a key of this log');
    const { oldSize, proof } = submission;
    if (oldSize > checkpoint.size) return refusal(400, 'the old size is larger than the new one');
    const last = this.#store.last(checkpoint.origin) ?? { size: 0, root: EMPTY_ROOT };
    if (oldSize !== last.size)
      return { status: 409, contentType: 'text/x.tlog.size', body: `${last.size}\n` };
    if (!isConsistent(last, checkpoint, proof))
      return refusal(422, 'this is not a continuation of what was cosigned before');
    if (checkpoint.size === 0 && !checkpoint.root.equals(EMPTY_ROOT))
      return refusal(422, 'not the root of an empty tree');
    // Extension lines are the log's: they are cosigned as they stand.
    const signature = signNote(note.text, this.verifier, this.#key, this.#clock());
    const own = note.signatures.filter((one) =>
      verified.some(({ verifier }) => verifier.name === one.name && verifier.keyId === one.keyId),
    );
    this.#store.save({
      ...checkpoint,
      note: formatNote({ text: note.text, signatures: [...own, signature] }),
    });
    return { status: 200, contentType: 'text/plain', body: `${formatSignatureLine(signature)}\n` };
  }

  /** The note that was cosigned last for a log; undefined when there is none. */
  checkpoint(origin: string): string | undefined {
    return this.#store.last(origin)?.note;
  }

  /** Origins of the logs that it knows. */
  get origins(): readonly string[] {
    return [...this.#logs.keys()];
  }
}

const refusal = (status: 400 | 403 | 404 | 422, text: string): WitnessAnswer => ({
  status,
  contentType: 'text/plain',
  body: `${text}\n`,
});
