// The log of a directory as another thread of the program shows it to witnesses: what the recorder wrote, read again.
import { join } from 'node:path';
import { consistencyProof, formatVerifier, TreeFile } from '../../wire/transparency/transparency.ts';
import { logVerifiers, readCheckpoint, type SignedCheckpoint, TREE_NAME } from './checkpoint-file.ts';
import type { OfferedLog } from './cosignature-collector.ts';
import { readPublicKeys } from './heads.ts';

/** Reads the log of one directory. */
export class LogReader {
  readonly #directory: string;
  #last: SignedCheckpoint | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Where the log stands and who verifies it; undefined while it has no signed checkpoint. Throws errors of the system. */
  read(): (OfferedLog & { readonly verifier: string }) | undefined {
    for (const key of readPublicKeys(this.#directory).values()) {
      const found = readCheckpoint(this.#directory, [key]);
      if (found.kind !== 'signed') continue;
      // The same object for as long as it is the same: nobody is asked twice for it.
      if (this.#last?.note.text !== found.checkpoint.note.text) this.#last = found.checkpoint;
      const last = this.#last;
      const verifier = formatVerifier(logVerifiers(last.origin, key).plain);
      return { last, verifier, proofFrom: (size) => this.#proof(size, last.size) };
    }
    return undefined;
  }

  #proof(from: number, to: number): Buffer[] {
    const tree = TreeFile.read(join(this.#directory, TREE_NAME));
    try {
      return consistencyProof(tree, from, to);
    } finally {
      tree.close();
    }
  }
}
