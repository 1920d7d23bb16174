// Kills a recording process a hundred times under load (or as often as told): node test/soak/records-kill.ts [ROUNDS]
//
// After each kill the whole chain is verified, every acknowledged change is looked for, and the next start has to say
// that the one before did not end by itself. Ends with an error at the first loss.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { killRounds } from '../support/kill-rounds.ts';

const ROUNDS_DEFAULT = 100;

const rounds = Number(process.argv[2] ?? ROUNDS_DEFAULT);
const parent = mkdtempSync(join(tmpdir(), 'cordon-kill-'));
try {
  await killRounds(join(parent, 'records'), rounds, Math.random, (text) => {
    process.stdout.write(`${text}\n`);
  });
  process.stdout.write(`${rounds} kills, nothing lost\n`);
} finally {
  rmSync(parent, { recursive: true, force: true });
}
