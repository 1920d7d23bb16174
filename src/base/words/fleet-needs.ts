// What of a resolver of a fleet can need a person.

/** The most urgent first. */
export const FLEET_NEEDS = [
  /** Nothing was heard of it for a minute, or ever. */
  'unheard',
  /** Its version does not sign what it says of itself: nobody knows how it is. */
  'older',
  /** Its probe got answers for names that are to be refused. */
  'leaking',
  'not-in-force',
  /** It has another log of policy than the authority. */
  'forked',
  /** An authority in whose place another one is. */
  'replaced',
  /** Two programs speak with its key: a copy of its state runs as well, or was put back. */
  'twice',
  /** Its version does not know an entry that it must know. */
  'stopped',
  /** Exemptions are taken out, because it does not hear the authority. */
  'suspended',
  'cut-off',
  'refused-entry',
  /** What it has in force of a list, of overlays or of exemptions is not what was signed. */
  'other-content',
  /** Of a collector: its directory or database takes nothing, of all resolvers or of some. */
  'keeps-nothing',
  /** Of a collector. */
  'evidence-refused',
  'clock',
  /** Many records wait for a collector. */
  'unconfirmed',
] as const;

/** One of FLEET_NEEDS. */
export type FleetNeedKind = (typeof FLEET_NEEDS)[number];
