// What pages say with, without a browser: the same texts and values, a language each.
import type { Speech } from '../../../pages/parts/speech.ts';
import { de } from '../../../pages/text/de.ts';
import { en } from '../../../pages/text/en.ts';
import { createFormat } from '../../../pages/text/format.ts';
import { fr } from '../../../pages/text/fr.ts';
import { nl } from '../../../pages/text/nl.ts';
import { type Key, type Language, plainText, type Texts } from '../../../pages/text/text.ts';

/** As pages make a key of a word. */
export const keyOf = (prefix: string, word: string): string =>
  prefix + word.replace(/(?:^|[-_ .])([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

const speechOf = (language: Language, texts: Texts): Speech => {
  const format = createFormat(language);
  return {
    ...{ language, format },
    say: (key, ...[values]) => plainText(texts[key], language, values ?? {}, format.number),
    word: (prefix, word) => texts[keyOf(prefix, word) as Key] ?? word,
  };
};

/** All languages. */
export const SPEECHES: readonly (readonly [Language, Speech, Texts])[] = (
  [
    ['en', en],
    ['fr', fr],
    ['nl', nl],
    ['de', de],
  ] as const
).map(([language, texts]) => [language, speechOf(language, texts), texts]);
