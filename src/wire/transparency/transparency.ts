// transparency: append-only logs that others can check without trusting who keeps them.
//
// The Merkle tree of RFC 6962 with its proofs, signed notes, checkpoints and cosignatures as C2SP writes them
// (signed-note, tlog-checkpoint, tlog-cosignature, tlog-witness), and a witness. Knows no records and no resolver. What
// others send is parsed and checked, and is a value when it is wrong; only the disk throws.
export { type Checkpoint, formatCheckpoint, parseCheckpoint } from './checkpoint.ts';
export { formatLogProof, parseLogProof } from './log-proof.ts';
export {
  consistencyProof,
  EMPTY_ROOT,
  inclusionProof,
  isConsistent,
  isIncluded,
  leafHash,
  type Nodes,
  nodeHash,
  rootAt,
} from './merkle.ts';
export {
  createVerifier,
  formatNote,
  formatVerifier,
  isKeyName,
  type Note,
  parseNote,
  parseVerifier,
  SIGNATURE_TYPE,
  type SignatureType,
  signNote,
  type Verifier,
  verifyNote,
} from './note.ts';
export { formatSubmission, parseSubmission } from './submission.ts';
export { TreeFile } from './tree-file.ts';
export { Witness, type Witnessed } from './witness.ts';
export {
  type SubmissionAnswer,
  submitCheckpoint,
  type WitnessPlace,
  type WitnessReply,
} from './witness-client.ts';
export { openWitnessKey, originHash, WitnessDirectory } from './witness-directory.ts';
export { startWitness, type WitnessServer } from './witness-server.ts';
