// Memory that was freed and that the allocator of libc keeps.
import { systemLibc } from './libc.ts';

/**
 * Gives it back to the system, some 10 ms (malloc_trim(3)): 27 MB after a start, when what loading and compiling needed is
 * free but lies between what stays. Does nothing where libc cannot be had.
 */
export const giveBackFreedMemory = (): void => {
  systemLibc()?.mallocTrim(0);
};
