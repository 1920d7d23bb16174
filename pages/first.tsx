// The page as it is first drawn, written by the server into the HTML: the same components, the same words, with numbers.
//
// Bundled for Node.js beside the files that browsers load, and handed out to nobody. It draws once and synchronously, so that
// the values that pages share may stand for one reader after the other. What it says is drawn anew by the browser's own
// script, which then has the same state; who has no script can read it all the same.
import { renderToString } from 'preact-render-to-string';
import type { Session, State } from './api/shapes.ts';
import { Overview } from './overview/overview.tsx';
import { lastWordMs, session, state, takeState } from './parts/room.ts';
import { place } from './parts/router.ts';
import { loadAll, SpokenContext, textsNow } from './parts/say.tsx';
import { Shell } from './shell/shell.tsx';
import { LANGUAGES, type Language } from './text/text.ts';

/** What is drawn, for whom. */
export interface First {
  readonly session: Session;
  readonly state: State;
  /** Of the address, without what follows the path. */
  readonly path: string;
  /** Languages that the reader wants, the best first. */
  readonly languages: readonly string[];
}

await loadAll();

/** The language of the page. */
export const languageOf = (wanted: readonly string[]): Language =>
  wanted
    .map((tag) => LANGUAGES.find((language) => language === tag.trim().slice(0, 2).toLowerCase()))
    .find((found) => found !== undefined) ?? 'en';

/** HTML of what stands in `#room`. */
export const drawFirst = (first: First): { readonly language: Language; readonly html: string } => {
  const language = languageOf(first.languages);
  session.set(first.session);
  lastWordMs.set(Date.now());
  takeState(first.state);
  place.set({ path: first.path, query: new URLSearchParams() });
  try {
    const html = renderToString(
      <SpokenContext.Provider value={{ language, texts: textsNow(language) }}>
        <Shell>{first.path === '/' && <Overview />}</Shell>
      </SpokenContext.Provider>,
    );
    return { language, html };
  } finally {
    // Nobody else's page is ever drawn with what this one had.
    session.set(undefined);
    state.set(undefined);
  }
};
