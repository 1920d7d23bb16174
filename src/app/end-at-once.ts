// The end of a process that cannot end in order: a thread of it hangs, and would be waited for as long as it does.

/** Time for the last lines of the log to be written, milliseconds. */
const LAST_WORDS_MS = 200;

/** Ends the process; nothing of it runs any more after a moment. */
export const endAtOnce = (): void => {
  setTimeout(() => {
    process.kill(process.pid, 'SIGKILL');
  }, LAST_WORDS_MS);
};
