// What a fleet alarms of: labels of one metric, and words of records and status.

/** Why something is an alarm. Label of a metric. */
export const FLEET_ALARMS = [
  'forged-entry',
  'fork',
  'refused-entry',
  'stopped',
  'cut-off',
  'clock',
  'token',
  'forged-block',
  'conflict',
  'hole',
  'removed-node',
  'log-damaged',
  'forged-probe',
  'replaced',
  /** A presence or a confirmation that its sender did not sign. */
  'forged-presence',
  'forged-confirmation',
  /** A checkpoint, a presence or a confirmation that was heard before. */
  'replayed',
  /** Somebody of a version that does not sign what it says: it counts for nothing. */
  'older',
  /** A resolver that asks the authority for policy without end. */
  'asks-too-much',
  /** A resolver that says how it is more often than the authority can hear. */
  'says-too-much',
  /** What handles messages failed. */
  'fault',
] as const;
/** One of FLEET_ALARMS. */
export type FleetAlarm = (typeof FLEET_ALARMS)[number];
