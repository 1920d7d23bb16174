// How soon a thread runs once something comes for it, where others have its processor.
//
// A thread that answers queries runs for some microseconds at a time. When it wakes on a processor that compiles lists or
// writes records, it waits for the end of that thread's slice, some milliseconds. Since version 6.12, Linux lets a thread
// ask for a shorter slice of its own and puts it before threads with longer ones; its share of the processor stays what
// it was (sched(7), sched_setattr(2)). Older kernels take the call and change nothing.
//
// V8 collects and compiles in four threads beside those of the program, with slices of the usual length: on a machine whose
// processors are all busy they took 3 ms each, one after the other, from a thread that clients waited for. So they go behind.
import { readdirSync, readFileSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { systemLibc } from './libc.ts';

/** The shortest slice that Linux grants, nanoseconds. */
const SLICE_NS = 100_000n;
/** Bytes of struct sched_attr, first version. */
const ATTRIBUTES_BYTES = 48;
const NICENESS_OFFSET = 16;
const RUNTIME_OFFSET = 24;
/** What Node.js names the threads in which V8 collects and compiles. */
const V8_THREAD = 'V8Worker';
/** A tenth of the share of a processor that others want; all of one that nobody else wants (sched(7)). */
const V8_NICENESS = 10;
const THREADS = '/proc/self/task';

/** Lets this thread run soon after it is woken, for short times; false where the system does not do that. */
export const askForShortSlices = (): boolean => {
  const c = systemLibc();
  if (c === undefined) return false;
  const attributes = new Uint8Array(ATTRIBUTES_BYTES);
  const view = new DataView(attributes.buffer);
  view.setUint32(0, ATTRIBUTES_BYTES, true);
  // The call sets the priority too: as it is. Policy 0 is that of ordinary threads.
  view.setInt32(NICENESS_OFFSET, getPriority(), true);
  view.setBigUint64(RUNTIME_OFFSET, SLICE_NS, true);
  return c.schedSetattr(attributes) === 0;
};

/**
 * Lets the threads of V8 run when no other thread of the program wants their processor, or for a tenth of the time. Returns how
 * many there are; 0 where the system does not show threads.
 */
export const letCompilersWait = (): number => {
  let count = 0;
  try {
    for (const thread of readdirSync(THREADS)) {
      if (readFileSync(`${THREADS}/${thread}/comm`, 'latin1').trim() !== V8_THREAD) continue;
      // Linux takes the number of a thread for that of a process (setpriority(2)).
      setPriority(Number(thread), Math.max(V8_NICENESS, getPriority()));
      count++;
    }
  } catch {
    // A thread that ended meanwhile, or a system that forbids it: everything works as before, some answers come later.
  }
  return count;
};
