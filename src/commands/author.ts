// Who runs the command, for what the command itself writes: the author of a report, the manifest of a backup. Who acts on the
// running service is another matter, which the kernel tells the service.
import { userInfo } from 'node:os';

/** The user of the system; nothing that its environment says, which could be anything. */
export const authorName = (): string => {
  try {
    return userInfo().username;
  } catch {
    // In a container, a user may have a number and no name.
    return `user ${process.getuid?.() ?? 'unknown'}`;
  }
};
