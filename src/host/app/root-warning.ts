// A service that runs as root is told so, and stays root.
//
// Giving it up would be for good: a worker that is replaced, and a listener that a reload adds, could not bind port 53, and
// files that only root reads could not be read again.
import type { Log } from '../../telemetry/observe/observe.ts';

const HINT =
  'start it as a user of its own with the capability CAP_NET_BIND_SERVICE, as deploy/cordon.service does';

/** Warns where the process is root's. */
export const warnOfRoot = (log: Pick<Log, 'warn'>): void => {
  if (process.geteuid?.() === 0) log.warn({ hint: HINT }, 'runs as root, and does not give it up');
};
