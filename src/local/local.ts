// local: names that are answered here and never sent to an upstream.
//
// Invariants: answers are the same for every client and never depend on the network; an operator's forwarding zone
// wins. RFCs 6303, 6761, 6762, 7686, 7793, 8375, 9462, 9476, 9606.
export { LOCAL, LocalZones } from './special-use.ts';
