// What commands print: the same facts as text for people or as JSON for programs.

/** Prints a value as JSON, or the text that is made of it. */
export const print = (json: boolean, value: unknown, text: () => string): void => {
  process.stdout.write(json ? `${JSON.stringify(value, undefined, 2)}\n` : text());
};
