// records-thread: the thread that empties the rings of events into records, and its half on the main thread.
//
// Invariants: no other thread writes records; what is acknowledged is on the disk; a thread that ends is started again
// and goes on where the last one stopped. A room of its own above records, because it starts a thread and writes a log.
export type { OutputSettings, RecorderSettings } from './messages.ts';
export { Recorder, type RecorderFacts } from './recorder.ts';
