// Memory that the allocator of libc keeps: what was freed, and what nobody has written to yet.
import { systemLibc } from './libc.ts';

/** M_MMAP_THRESHOLD and M_TRIM_THRESHOLD of mallopt(3). */
const MMAP_THRESHOLD = -3;
const TRIM_THRESHOLD = -1;
/** More than the 64 KiB that each read of a connection takes and gives back at once. */
const APART_BYTES_MIN = 80 * 1024;
/** Of a start: less than a message of DNS, for which each thread has a dozen scratches, and more than the 32 KiB that compilers take. */
const APART_AT_START_BYTES_MIN = 60 * 1024;
/**
 * What is free at the end of a heap of libc before it goes back without being asked for. Once the other bound is set, this one does
 * not grow by itself any more from 128 KiB, which two reads come to: each would take memory from the system and give it back.
 */
const TRIM_BYTES_MIN = 8 * 1024 * 1024;

/**
 * Has larger blocks lie in mappings of their own from now on: no page of a table is resident before something is written to it, and all
 * are given back with it. Left alone, libc puts blocks between others once a larger one was freed, and clears them there. Does nothing
 * where libc cannot be had.
 */
export const keepLargeBlocksApart = (): void => keepApart(APART_BYTES_MIN);

/** The same with smaller ones, while what stays for good is made and no connection is read. Before the first thread begins. */
export const keepBlocksOfStartApart = (): void => keepApart(APART_AT_START_BYTES_MIN);

const keepApart = (bytesMin: number): void => {
  const c = systemLibc();
  c?.mallopt(MMAP_THRESHOLD, bytesMin);
  c?.mallopt(TRIM_THRESHOLD, TRIM_BYTES_MIN);
};

/**
 * Gives freed memory back to the system, some 10 ms (malloc_trim(3)): 27 MB after a start, when what loading and compiling needed is
 * free but lies between what stays. Does nothing where libc cannot be had.
 */
export const giveBackFreedMemory = (): void => {
  systemLibc()?.mallocTrim(0);
};
