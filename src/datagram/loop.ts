// The descriptor on which libuv waits for everything that this thread's event loop has to do.
//
// Node.js does not tell it, but the kernel does: of each epoll descriptor, what it watches (proc(5)). The one that
// watches a socket of this thread's loop is the loop's. Linux only; elsewhere, and where /proc is not there, unknown.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const DESCRIPTORS = '/proc/self/fd';
const DETAILS = '/proc/self/fdinfo';
const EPOLL_LINK = 'anon_inode:[eventpoll]';
/** Watched descriptor, in the lines of an epoll descriptor. */
const WATCHED = /^tfd:\s*(\d+)/gm;

/** The epoll descriptor that watches a descriptor; -1: unknown. Reads /proc, once per socket at most. */
export const findLoopDescriptor = (watched: number): number => {
  try {
    return (
      readdirSync(DESCRIPTORS)
        .map(Number)
        .find((fd) => isWatching(fd, watched)) ?? -1
    );
  } catch {
    return -1;
  }
};

const isWatching = (fd: number, watched: number): boolean => {
  try {
    if (readlinkSync(`${DESCRIPTORS}/${fd}`) !== EPOLL_LINK) return false;
    const details = readFileSync(`${DETAILS}/${fd}`, 'latin1');
    return [...details.matchAll(WATCHED)].some(([, text]) => Number(text) === watched);
  } catch {
    // It was closed meanwhile.
    return false;
  }
};
