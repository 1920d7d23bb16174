// What a checkpoint each second costs: CPU time, bytes a day, and how large proofs are in a log of 100 million blocks.
//
// Measured is the code of the recorder on a real file: leaves appended, the root of what is there, two signatures, and the file
// replaced, for many seconds in a row without waiting. The large log is simulated: the hash of a node follows from its place, so
// that proofs are cut of a tree whose 6.4 GB nobody has to write.
import { createHash, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  consistencyProof,
  createVerifier,
  formatCheckpoint,
  formatNote,
  inclusionProof,
  leafHash,
  type Nodes,
  rootAt,
  SIGNATURE_TYPE,
  signNote,
  TreeFile,
} from '../../src/wire/transparency/transparency.ts';
import type { Suite, SuiteResult } from '../suite.ts';

const LARGE = 100_000_000;
const SECONDS = 3_000;
const SECONDS_QUICK = 300;
/** Blocks in each of them: 64 records a block, so 3,200 recorded queries a second at the most. */
const LEAVES = [1, 10, 50] as const;
const DAY_SEC = 86_400;
/** Of one core; the recorder's thread has other things to do. */
const SHARE_MAX = 0.01;
/** Hashes of 32 bytes on the way from a leaf to the root. */
const PROOF_BYTES_MAX = 32 * 27;
const PROOFS = 1_000;

/** A signed checkpoint a second, and proofs of a large log. */
export const checkpoints: Suite = {
  name: 'checkpoints',
  title: 'A checkpoint a second',
  run: (context): Promise<SuiteResult> => {
    const seconds = context.isQuick ? SECONDS_QUICK : SECONDS;
    const costs = LEAVES.map((leaves) => ({ leaves, ...sign(context.directory, leaves, seconds) }));
    const proofs = [1_000_000, LARGE].map((size) => ({ size, ...prove(size) }));
    const most = costs.at(-1)?.cpuMs ?? 0;
    const large = proofs.at(-1);
    return Promise.resolve({
      conditions: [
        `${seconds} checkpoints in a row, each after its leaves were appended; two Ed25519 signatures; no fsync, which waits and does not compute`,
        `a simulated tree for proofs; the longest proofs of ${PROOFS} leaves and older sizes`,
      ],
      tables: [
        {
          title: 'Cost of a checkpoint',
          head: ['blocks a second', 'CPU a checkpoint', 'of a core', 'tree a day', 'checkpoint file'],
          rows: costs.map(({ leaves, cpuMs, noteBytes }) => [
            String(leaves),
            `${cpuMs.toFixed(3)} ms`,
            `${(cpuMs / 10).toFixed(3)} %`,
            `${((leaves * DAY_SEC * 64) / 1e6).toFixed(1)} MB`,
            `${noteBytes} bytes`,
          ]),
        },
        {
          title: 'Proofs',
          head: ['blocks in the log', 'inclusion', 'consistency', 'CPU to cut both', 'tree on the disk'],
          rows: proofs.map(({ size, inclusion, consistency, cpuMs }) => [
            String(size),
            `${inclusion} bytes`,
            `${consistency} bytes`,
            `${cpuMs.toFixed(3)} ms`,
            `${((size * 64) / 1e9).toFixed(2)} GB`,
          ]),
        },
      ],
      verdicts: [
        {
          holds: most / 1_000 <= SHARE_MAX,
          text: `a checkpoint a second takes ${SHARE_MAX} of a core at most: ${(most / 1_000).toFixed(4)}`,
        },
        {
          holds: (large?.inclusion ?? Number.POSITIVE_INFINITY) <= PROOF_BYTES_MAX,
          text: `a proof of inclusion in ${LARGE} blocks has ${PROOF_BYTES_MAX} bytes at most: ${large?.inclusion}`,
        },
      ],
      faults: [],
      remarks: [],
      raw: { costs, proofs },
    });
  },
};

/** Signs once for each of some seconds; gives what one took, and how long its file is. */
const sign = (directory: string, leaves: number, seconds: number) => {
  const { privateKey } = generateKeyPairSync('ed25519');
  const key = createPublicKey(privateKey);
  const origin = 'ns1.agency.example';
  const verifiers = [SIGNATURE_TYPE.ed25519, SIGNATURE_TYPE.cosignature].map((type) =>
    createVerifier(origin, key, type),
  );
  const path = join(directory, `checkpoint-${leaves}`);
  const tree = TreeFile.open(`${path}.tree`);
  const begin = process.cpuUsage();
  try {
    for (let second = 0; second < seconds; second++) {
      tree.append(
        Array.from({ length: leaves }, (_, leaf) => leafHash(Buffer.from(`block ${second} ${leaf}`))),
        false,
      );
      const text = formatCheckpoint({ origin, size: tree.size, root: rootAt(tree, tree.size) });
      const signatures = verifiers.map((verifier) => signNote(text, verifier, privateKey, second * 1_000));
      writeFileSync(`${path}.tmp`, formatNote({ text, signatures }));
      renameSync(`${path}.tmp`, path);
    }
  } finally {
    tree.close();
  }
  const { user, system } = process.cpuUsage(begin);
  return { cpuMs: (user + system) / 1_000 / seconds, noteBytes: statSync(path).size };
};

/** A tree that nobody wrote. */
class SimulatedNodes implements Nodes {
  readonly size: number;

  constructor(size: number) {
    this.size = size;
  }

  node(level: number, index: number): Buffer {
    return createHash('sha256').update(`${level} ${index}`).digest();
  }
}

/** The longest proofs of leaves and older sizes all over a log, and what cutting two of them takes. */
const prove = (size: number) => {
  const nodes = new SimulatedNodes(size);
  const begin = process.cpuUsage();
  let [inclusion, consistency] = [0, 0];
  for (let at = 1; at <= PROOFS; at++) {
    const place = Math.floor((size / (PROOFS + 1)) * at);
    inclusion = Math.max(inclusion, inclusionProof(nodes, place, size).length);
    consistency = Math.max(consistency, consistencyProof(nodes, place, size).length);
  }
  const { user, system } = process.cpuUsage(begin);
  return {
    inclusion: inclusion * 32,
    consistency: consistency * 32,
    cpuMs: (user + system) / 1_000 / PROOFS,
  };
};
