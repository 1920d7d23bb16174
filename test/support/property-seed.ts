// Loaded before every test file: a gate that must judge a change, and not the luck of the day, fixes the seed of the
// property tests with FAST_CHECK_SEED. Without it each run looks at other inputs, as those of every night do.
const seed = process.env['FAST_CHECK_SEED'];
if (seed !== undefined) {
  const { default: fc } = await import('fast-check');
  fc.configureGlobal({ seed: Number(seed) });
}
