// Where a run of the tests has its files: in memory, where it may mount a file system and there is memory enough.
//
// Records, databases, streams and browsers sync to the disk thousands of times in a run, and nothing of it outlives a test:
// what survives a killed program survives in memory as well. The file system is of a mount namespace of the run alone, so it is
// gone with the last process of it, however that ends.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { availableMemory } from 'node:process';

/** What the tests keep at once is less than 1 GiB. */
const SIZE_MAX = '4g';
/** Room for the files and for the programs. */
const MEMORY_BYTES_MIN = 8 * 2 ** 30;
const SCRIPT = `mount -t tmpfs -o mode=1777,size=${SIZE_MAX} cordon-tests "$TMPDIR" && exec "$@"`;

/** The beginning of a command that runs the rest with the folder TMPDIR of its environment in memory; none where that cannot be. */
const inMemory = (folder: string): readonly string[] => {
  if (availableMemory() < MEMORY_BYTES_MIN) return [];
  const command = ['--mount', 'sh', '-c', SCRIPT, 'sh'];
  const { status } = spawnSync('unshare', [...command, 'true'], { env: { ...process.env, TMPDIR: folder } });
  return status === 0 ? ['unshare', ...command] : [];
};

/** How the tests are run so that their files are in memory. */
interface TestFiles {
  /** The beginning of the command. */
  readonly command: readonly string[];
  readonly env: { readonly TMPDIR?: string };
}

/** For all runs of this process, one after the other. Nothing where it cannot be, or where TMPDIR says otherwise. */
export const createTestFiles = ({ TMPDIR } = process.env): TestFiles => {
  if (TMPDIR !== undefined) return { command: [], env: {} };
  const folder = mkdtempSync(join(tmpdir(), 'ok-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const command = inMemory(folder);
  return { command, env: command.length > 0 ? { TMPDIR: folder } : {} };
};
