// Loaded before every test file of the quick projects, and by name where others have properties: all properties of a run go from one seed, which vitest.config.ts
// takes from FAST_CHECK_SEED or draws, and the run tells. A gate that must judge a change, and not the luck of the day, fixes it.
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env['FAST_CHECK_SEED']) });
