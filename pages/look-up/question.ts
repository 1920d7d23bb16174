// What somebody writes into the field: a name, the address of a page, or a reference from the notice. Pure.

/** A reference of the day, as the notice page and the table of refusals show it. */
const REFERENCE = /^[0-9A-Z]{4}-[0-9A-Z]{2}$/;

export type Question =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'reference'; readonly reference: string }
  | { readonly kind: 'nothing' };

/** Reads the field. Names and addresses of pages are left as they are written: the program reads them. */
export const readQuestion = (written: string): Question => {
  const text = written.trim();
  if (text === '') return { kind: 'nothing' };
  const upper = text.toUpperCase();
  if (REFERENCE.test(upper)) return { kind: 'reference', reference: upper };
  return { kind: 'name', name: text };
};

/** A name that the program told, as it reads it again: any byte may stand in a name, and what people write has few of them. */
export const exactName = (name: string): string => {
  const exact = name.replace(
    /\\\d{3}|\\?([^A-Za-z0-9_*\\-])|\\(\\)/g,
    (whole, plain?: string, backslash?: string) => {
      const char = plain ?? backslash;
      return char === undefined || whole === '.' ? whole : `\\${String(char.charCodeAt(0)).padStart(3, '0')}`;
    },
  );
  return exact.includes('.') ? exact : `${exact}.`;
};

/** An address that a network has: the first of its first prefix; the machine's own where a network has none. */
export const addressOf = (prefixes: readonly string[]): string => prefixes[0]?.split('/')[0] ?? '127.0.0.1';
