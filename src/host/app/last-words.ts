// The end of a program that cannot end in order.

/** Time for the last lines of the log to be written, milliseconds. */
const LAST_WORDS_MS = 200;

/** Ends the process while a thread of it cannot be ended: an orderly end would wait for that thread for ever. */
export const endAtOnce = (): void => {
  setTimeout(() => {
    process.kill(process.pid, 'SIGKILL');
  }, LAST_WORDS_MS);
};
