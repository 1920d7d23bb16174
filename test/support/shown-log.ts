// The log of a resolver's records as a witness is shown it, without the records: leaves are the digits of their numbers.
import { generateKeyPairSync } from 'node:crypto';
import type { WitnessQuestion } from '../../src/fleet/witness-message.ts';
import {
  consistencyProof,
  createVerifier,
  formatCheckpoint,
  formatNote,
  formatSubmission,
  formatVerifier,
  leafHash,
  type Nodes,
  nodeHash,
  rootAt,
  SIGNATURE_TYPE,
  signNote,
} from '../../src/wire/transparency/transparency.ts';

/** A log that anybody can have: leaves are the decimal digits of their numbers. */
class PlainTree implements Nodes {
  readonly #nodes = new Map<string, Buffer>();
  size = 0;

  node(level: number, index: number): Buffer {
    const place = `${level} ${index}`;
    let hash = this.#nodes.get(place);
    if (hash === undefined) {
      hash =
        level === 0
          ? leafHash(Buffer.from(String(index)))
          : nodeHash(this.node(level - 1, 2 * index), this.node(level - 1, 2 * index + 1));
      this.#nodes.set(place, hash);
    }
    return hash;
  }
}

/** The records of one resolver as it shows them to a witness. */
export class ShownLog {
  readonly tree = new PlainTree();
  readonly #origin: string;
  readonly #key = generateKeyPairSync('ed25519').privateKey;

  constructor(origin: string) {
    this.#origin = origin;
  }

  get #verifier() {
    return createVerifier(this.#origin, this.#key, SIGNATURE_TYPE.ed25519);
  }

  question(from: string, known: number): WitnessQuestion {
    const { tree } = this;
    const text = formatCheckpoint({ origin: this.#origin, size: tree.size, root: rootAt(tree, tree.size) });
    const signature = signNote(text, this.#verifier, this.#key, 0);
    const checkpoint = formatNote({ text, signatures: [signature] });
    const proof = consistencyProof(tree, known, tree.size);
    return {
      from,
      log: formatVerifier(this.#verifier),
      submission: formatSubmission({ oldSize: known, proof, checkpoint }),
    };
  }
}
