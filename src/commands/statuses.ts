// The exit codes of the command line, in one table: what a script may rely on.

/** Done; of explain and trace: the name passes, or is answered here. */
export const DONE = 0;
/** An operational error, or a problem that was found and needs a person. */
export const PROBLEM = 1;
/** The command line is wrong. */
export const WRONG_USAGE = 2;
/** explain, trace: the name or an answer is refused. */
export const REFUSED = 3;
/** explain, trace: no answer was to be had, so that it cannot be told. */
export const UNKNOWN = 4;
/** status: the prohibition is not in force. */
export const NOT_IN_FORCE = 5;

/** What each code means. */
export const STATUSES: Readonly<Record<number, string>> = {
  [DONE]:
    'done; of explain and trace: the name passes, or is answered locally; of status: in force, and all is well',
  [PROBLEM]: 'an operational error, or a problem that was found and needs a person',
  [WRONG_USAGE]: 'wrong usage',
  [REFUSED]: 'of explain and trace: the name or an answer is refused',
  [UNKNOWN]: 'of explain and trace: it could not be judged, because no answer was to be had',
  [NOT_IN_FORCE]: 'of status: the prohibition is not in force',
};
