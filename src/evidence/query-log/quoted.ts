// Texts as JSON has them, in ASCII alone.

/** A text within quotes: ASCII, so that a line is what its bytes are. */
export const inQuotes = (text: string): string =>
  JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
