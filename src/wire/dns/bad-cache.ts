// How long what failed validation is remembered: one time for the validator's answers, its zones, and the pipeline.
//
// RFC 4035 section 4.7 asks for a cache of bad data, so that a broken zone does not cost validation again for each
// query; section 4.7 also wants its time short, because a zone is mended sooner than its TTLs end.

/** Milliseconds: nobody notices it after a repair, and an attacker's zone costs one validation in that time. */
export const BOGUS_MS = 10_000;
