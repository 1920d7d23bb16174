// How soon a thread runs once something comes for it, where others have its processor.
//
// A thread that answers queries runs for some microseconds at a time. When it wakes on a processor that compiles lists or
// writes records, it waits for the end of that thread's slice, some milliseconds. Since version 6.12, Linux lets a thread
// ask for a shorter slice of its own and puts it before threads with longer ones; its share of the processor stays what
// it was (sched(7), sched_setattr(2)). Older kernels take the call and change nothing.
import { getPriority } from 'node:os';
import { systemLibc } from './libc.ts';

/** The shortest slice that Linux grants, nanoseconds. */
const SLICE_NS = 100_000n;
/** Bytes of struct sched_attr, first version. */
const ATTRIBUTES_BYTES = 48;
const NICENESS_OFFSET = 16;
const RUNTIME_OFFSET = 24;

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
