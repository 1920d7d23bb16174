// Which page is shown: the path of the address. Links are plain links; a click on one of ours changes the page without loading it.
import { Store } from './store.ts';

/** What the address says; `hash` is without the sign. */
export interface Place {
  readonly path: string;
  readonly query: URLSearchParams;
}

/** Where the server draws a page there is no address yet: it says the place itself. */
const read = (): Place =>
  typeof location === 'undefined'
    ? { path: '/', query: new URLSearchParams() }
    : { path: decodeURI(location.pathname), query: new URLSearchParams(location.search) };

export const place = new Store<Place>(read());

/** Shows another page. */
export const go = (to: string, replaces = false): void => {
  if (replaces) history.replaceState(null, '', to);
  else history.pushState(null, '', to);
  place.set(read());
};

/** Names and ids that stand in a path. */
export const inPath = (text: string): string => encodeURIComponent(text);

/** Begins to follow clicks and the browser's own buttons. */
export const followLinks = (): void => {
  addEventListener('popstate', () => place.set(read()));
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (link === null || link.origin !== location.origin || link.hasAttribute('download')) return;
    if (link.target !== '' || /^\/(?:api|oidc|assets)\//.test(link.pathname)) return;
    if (link.hash !== '' && link.pathname === location.pathname) return;
    event.preventDefault();
    go(link.pathname + link.search);
    scrollTo(0, 0);
    document.getElementById('main')?.focus({ preventScroll: true });
  });
};
