// dnssec: validation. What answers are worth, by the chain of trust from an anchor to the zone that signed them.
//
// Invariants: the room opens no socket, it asks a Lookup; whatever comes from the network is bounded and nothing throws
// on it; one client question causes a bounded amount of work (CVE-2023-50387, CVE-2023-50868); an answer is secure only
// by a chain of signatures, and insecure only by a proof that the chain ends; what one view learned serves that view.
// Imports dns and base only.
// RFCs: 4033, 4034, 4035, 4509, 5011, 5155, 5702, 6605, 6672, 6840, 7646, 8080, 8198, 8914, 9276, 9905.
export { type AnchorState, createAnchorState, formatAnchorState, parseAnchorState } from './anchor-state.ts';
export { parseTrustAnchors, type TrustAnchor } from './anchors.ts';
export type { Lookup, LookupOutcome } from './lookup.ts';
export { lookAtKeys, type PrimeOutcome, primeAnchors } from './prime.ts';
export {
  type AnchorEvent,
  advanceAnchors,
  isCheckDue,
  isSameTrust,
  type KeyObservation,
  postponeCheck,
  trustedAnchor,
} from './rfc5011.ts';
export { ROOT_ANCHORS } from './root-anchors.ts';
export {
  isClockPlausible,
  type ValidatedOutcome,
  Validator,
  type ValidatorObserver,
  type ValidatorOptions,
} from './validator.ts';
