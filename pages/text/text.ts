// Texts with places: `{name}` is replaced by a value, `{count:network|networks}` by the form that the count takes in the
// language, `*so*` is strong and `` `so` `` is code. Pure: no document, so that tests read it as well.
import type { en } from './en.ts';

/** Keys of all texts. */
export type Key = keyof typeof en;
/** One language: the same keys as English, and (a test looks) the same places. */
export type Texts = Readonly<Record<Key, string>>;

export const LANGUAGES = ['en', 'fr', 'nl', 'de'] as const;
export type Language = (typeof LANGUAGES)[number];
export const LANGUAGE_NAMES: Readonly<Record<Language, string>> = {
  en: 'English',
  fr: 'Français',
  nl: 'Nederlands',
  de: 'Deutsch',
};

type Places<Text> = Text extends `${string}{${infer Place}}${infer Rest}`
  ? (Place extends `${infer Name}:${string}` ? Name : Place) | Places<Rest>
  : never;

/** The values that a text needs; none of a text without places. */
export type Values<K extends Key, Value = string | number> = [Places<(typeof en)[K]>] extends [never]
  ? Record<never, never>
  : Readonly<Record<Places<(typeof en)[K]>, Value>>;

/** One part of a text. */
export type Piece =
  | { readonly kind: 'text' | 'strong' | 'code'; readonly text: string }
  | { readonly kind: 'value'; readonly name: string; readonly isStrong: boolean; readonly isCode: boolean };

const TOKEN = /\{([a-zA-Z]+)(?::([^|}]*)\|([^}]*))?\}|\*|`/g;

/** Splits a text into its parts. `countOf` gives the number that decides between two forms. */
export const piecesOf = (
  text: string,
  language: Language,
  countOf: (name: string) => unknown,
): readonly Piece[] => {
  const pieces: Piece[] = [];
  let isStrong = false;
  let isCode = false;
  let last = 0;
  const push = (part: string): void => {
    if (part === '') return;
    pieces.push({ kind: isCode ? 'code' : isStrong ? 'strong' : 'text', text: part });
  };
  for (const match of text.matchAll(TOKEN)) {
    push(text.slice(last, match.index));
    last = match.index + match[0].length;
    const [whole, name = '', one, other = ''] = match;
    if (whole === '*') isStrong = !isStrong;
    else if (whole === '`') isCode = !isCode;
    else if (one === undefined) pieces.push({ kind: 'value', name, isStrong, isCode });
    else push(new Intl.PluralRules(language).select(Number(countOf(name))) === 'one' ? one : other);
  }
  push(text.slice(last));
  return pieces;
};

/** A text as plain words. */
export const plainText = (
  text: string,
  language: Language,
  values: Readonly<Record<string, string | number>>,
  numberText: (value: number) => string,
): string =>
  piecesOf(text, language, (name) => values[name])
    .map((piece) => {
      if (piece.kind !== 'value') return piece.text;
      const value = values[piece.name] ?? '';
      return typeof value === 'number' ? numberText(value) : value;
    })
    .join('');
