// The exit of a process that cannot shut down in order.

/** Time for the last lines of the log to be written, milliseconds. */
const LAST_WORDS_MS = 200;

/** Ends the process while a thread of it cannot be ended: an orderly end would wait for that thread for ever. */
export const exitNow = (): void => {
  setTimeout(() => {
    process.kill(process.pid, 'SIGKILL');
  }, LAST_WORDS_MS);
};
