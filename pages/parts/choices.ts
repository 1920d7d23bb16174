// What a reader chose for this browser: language, theme, whether single keys do something. Kept in the browser; language and
// theme go with requests as cookies, because the server writes what is drawn first.
import { LANGUAGES, type Language } from '../text/text.ts';
import { keep, readKept } from './kept.ts';
import { Store } from './store.ts';

export const THEMES = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

/** Seconds that a choice is remembered for the server. */
const YEAR_SEC = 31_536_000;

const tell = (name: string, value: string): void => {
  // biome-ignore lint/suspicious/noDocumentCookie: CookieStore is asynchronous, and not there without TLS
  document.cookie = `cordon-${name}=${value}; path=/; max-age=${YEAR_SEC}; samesite=strict`;
};

const firstLanguage = (): Language => {
  const wanted = [readKept('language') ?? '', ...navigator.languages].map((tag) => tag.slice(0, 2));
  return wanted.map((tag) => LANGUAGES.find((language) => language === tag)).find((found) => found) ?? 'en';
};

export const language = new Store<Language>(firstLanguage());
export const theme = new Store<Theme>(THEMES.find((one) => one === readKept('theme')) ?? 'auto');
export const isDense = new Store<boolean>(readKept('dense') === 'on');
export const hasKeys = new Store<boolean>(readKept('keys') !== 'off');

/** Applies the choices to the page, now and whenever one changes. */
export const applyChoices = (): void => {
  const apply = (): void => {
    document.documentElement.lang = language.value;
    document.documentElement.dataset['dense'] = isDense.value ? 'yes' : 'no';
    if (theme.value === 'auto') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = theme.value;
  };
  apply();
  language.follow((value) => {
    keep('language', value);
    tell('language', value);
    apply();
  });
  theme.follow((value) => {
    keep('theme', value);
    tell('theme', value);
    apply();
  });
  isDense.follow((value) => {
    keep('dense', value ? 'on' : 'off');
    apply();
  });
  hasKeys.follow((value) => keep('keys', value ? 'on' : 'off'));
};
