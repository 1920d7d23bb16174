// Who runs the command, for records and histories: evidence between colleagues, not proof.
import { userInfo } from 'node:os';

/** The name of the person who runs the command, the one before sudo where there was one. */
export const authorName = (): string => {
  const { SUDO_USER } = process.env;
  try {
    return SUDO_USER ?? userInfo().username;
  } catch {
    // In a container, a user may have a number and no name.
    return `user ${process.getuid?.() ?? 'unknown'}`;
  }
};
