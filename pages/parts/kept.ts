// What is kept in this browser between pages and sessions. Storage may be forbidden: it then lasts as long as the page.

const PREFIX = 'cordon-';
/** What a person wrote and has not sent: gone when they sign out here. */
const DRAFTS = `${PREFIX}draft-`;

export const readKept = (name: string): string | null => {
  try {
    return localStorage.getItem(`${PREFIX}${name}`);
  } catch {
    return null;
  }
};

/** Keeps a text; undefined: forgets it. */
export const keep = (name: string, value: string | undefined): void => {
  try {
    if (value === undefined) localStorage.removeItem(`${PREFIX}${name}`);
    else localStorage.setItem(`${PREFIX}${name}`, value);
  } catch {
    // As above.
  }
};

/** Of an account: who signs in next on this machine reads nobody else's. */
export const draftName = (what: string, account: string): string => `draft-${what}-${account}`;

export const forgetDrafts = (): void => {
  try {
    for (const key of Object.keys(localStorage)) if (key.startsWith(DRAFTS)) localStorage.removeItem(key);
  } catch {
    // As above.
  }
};
