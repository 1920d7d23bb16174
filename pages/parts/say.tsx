// The texts of the language that is chosen, as plain words (useText) and with marks and values in them (Say).
import { type ComponentChildren, createContext, Fragment, type VNode } from 'preact';
import { useContext, useMemo } from 'preact/hooks';
import { en } from '../text/en.ts';
import { createFormat, type Format } from '../text/format.ts';
import {
  type Key,
  LANGUAGES,
  type Language,
  piecesOf,
  plainText,
  type Texts,
  type Values,
} from '../text/text.ts';
import type { Speech } from './speech.ts';
import { Store } from './store.ts';

/** English comes with the page; the others are loaded when somebody wants them. */
const LOADERS: Readonly<Record<Language, () => Promise<Texts>>> = {
  en: () => Promise.resolve(en),
  fr: async () => (await import('../text/fr.ts')).fr,
  nl: async () => (await import('../text/nl.ts')).nl,
  de: async () => (await import('../text/de.ts')).de,
};

interface Spoken {
  readonly language: Language;
  readonly texts: Texts;
}

export const spoken = new Store<Spoken>({ language: 'en', texts: en });

/** Loads a language and speaks it. English stays when it cannot be had. */
export const speak = async (language: Language): Promise<void> => {
  try {
    spoken.set({ language, texts: await LOADERS[language]() });
  } catch {
    spoken.set({ language: 'en', texts: en });
  }
};

const loaded = new Map<Language, Texts>([['en', en]]);

/** Loads every language, for who draws pages for many readers. */
export const loadAll = async (): Promise<void> => {
  for (const language of LANGUAGES) loaded.set(language, await LOADERS[language]());
};

/** The texts of a language after loadAll(). */
export const textsNow = (language: Language): Texts => loaded.get(language) ?? en;

/** The texts of one language, for sentences that are read out in another than the page's. */
export const textsOf = (language: Language): Promise<Texts> => LOADERS[language]();

export const SpokenContext = createContext<Spoken>(spoken.value);

const formats = new Map<Language, Format>();
const formatOf = (language: Language): Format => {
  const known = formats.get(language) ?? createFormat(language);
  formats.set(language, known);
  return known;
};

const toKey = (prefix: string, word: string): string =>
  prefix + word.replace(/(?:^|[-_ .])([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

export const useText = (): Speech => {
  const { language, texts } = useContext(SpokenContext);
  return useMemo(() => {
    const format = formatOf(language);
    return {
      language,
      format,
      say: (key, ...[values]) => plainText(texts[key], language, values ?? {}, format.number),
      word: (prefix, word) => texts[toKey(prefix, word) as Key] ?? word,
    };
  }, [language, texts]);
};

/** A text with its marks; values may be elements. */
export const Say = <K extends Key>({
  k,
  v,
}: {
  readonly k: K;
  readonly v?: Values<K, ComponentChildren>;
}): VNode => {
  const { language, texts } = useContext(SpokenContext);
  const { number } = formatOf(language);
  const values: Readonly<Record<string, ComponentChildren>> = v ?? {};
  const pieces = piecesOf(texts[k], language, (name) => values[name]);
  return (
    <>
      {pieces.map((piece, index) => {
        if (piece.kind !== 'value') {
          if (piece.kind === 'strong') return <b key={index}>{piece.text}</b>;
          if (piece.kind === 'code') return <code key={index}>{piece.text}</code>;
          return <Fragment key={index}>{piece.text}</Fragment>;
        }
        const value = values[piece.name];
        const shown = typeof value === 'number' ? number(value) : value;
        if (piece.isCode) return <code key={index}>{shown}</code>;
        if (piece.isStrong) return <b key={index}>{shown}</b>;
        return <Fragment key={index}>{shown}</Fragment>;
      })}
    </>
  );
};
