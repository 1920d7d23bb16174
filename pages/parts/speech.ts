// What texts are said with in one language. Apart from components, so that what only makes sentences needs none.
import type { Format } from '../text/format.ts';
import type { Key, Language, Values } from '../text/text.ts';

/** What a component says with. */
export interface Speech {
  readonly language: Language;
  readonly format: Format;
  readonly say: <K extends Key>(
    key: K,
    ...values: keyof Values<K> extends never ? [] : [values: Values<K>]
  ) => string;
  /** The text of a word of the program: `prefix` and the word with its parts joined; the word itself when there is none. */
  readonly word: (prefix: string, word: string) => string;
}
