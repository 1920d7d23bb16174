// A control group that bounds the memory of a program, in either version of cgroups(7), as MemoryMax= of a unit does.
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const MIB = 1 << 20;
/** Where systemd and others mount the first version's controller; the second has all in one tree. */
const [FIRST, SECOND] = ['/sys/fs/cgroup/memory', '/sys/fs/cgroup'];

/** A group; it holds nothing until a program enters it. */
export interface MemoryGroup {
  /** Words before a command that make it run inside. */
  readonly enter: readonly string[];
  setLimit(mib: number): void;
  /** After its programs have ended. */
  remove(): void;
}

/** A new group with a limit. Needs root. */
export const createGroup = (mib: number): MemoryGroup => {
  const isFirst = existsSync(join(FIRST, 'memory.limit_in_bytes'));
  const directory = join(isFirst ? FIRST : SECOND, `cordon-survive-${process.pid}`);
  mkdirSync(directory);
  process.once('exit', () => remove());
  const remove = (): void => {
    try {
      rmdirSync(directory);
    } catch (error) {
      // Removed before, or a program has not quite ended: the directory is empty and harms nobody.
      if (!(error instanceof Error && 'code' in error)) throw error;
    }
  };
  const group: MemoryGroup = {
    enter: ['sh', '-c', 'echo $$ >"$0" && exec "$@"', join(directory, 'cgroup.procs')],
    setLimit: (limit) =>
      writeFileSync(join(directory, isFirst ? 'memory.limit_in_bytes' : 'memory.max'), `${limit * MIB}`),
    remove,
  };
  group.setLimit(mib);
  return group;
};
