// What somebody writes into the field: a name, the address of a page, or a reference from the notice. Pure.

/** A reference of the day, as the notice page and the table of refusals show it. */
const REFERENCE = /^[0-9A-Z]{4}-[0-9A-Z]{2}$/;

export type Question =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'reference'; readonly reference: string }
  | { readonly kind: 'nothing' };

/** Reads the field. Names are left as they are written: the program judges them. */
export const readQuestion = (written: string): Question => {
  const text = written.trim();
  if (text === '') return { kind: 'nothing' };
  const upper = text.toUpperCase();
  if (REFERENCE.test(upper)) return { kind: 'reference', reference: upper };
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) {
    try {
      return { kind: 'name', name: new URL(text).hostname };
    } catch {
      return { kind: 'name', name: text };
    }
  }
  return { kind: 'name', name: text.replace(/[/?#].*$/, '').replace(/:\d+$/, '') };
};

/** An address that a network has: the first of its first prefix; the machine's own where a network has none. */
export const addressOf = (prefixes: readonly string[]): string => prefixes[0]?.split('/')[0] ?? '127.0.0.1';
