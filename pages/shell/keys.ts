// Single keys for those who work here all day; they can be turned off, and do nothing while somebody writes (WCAG 2.1.4).
import { signedInOf } from '../api/members.ts';
import { hasKeys } from '../parts/choices.ts';
import { may, session } from '../parts/room.ts';
import { go } from '../parts/router.ts';
import { type Place, placesOf } from './places.ts';

/** After `g`, how long the second key is waited for. */
const SECOND_KEY_MS = 1_500;

const ownPlaces = (): readonly Place[] => placesOf(signedInOf(session.value)?.may);

/** What each key does for who is signed in, for the help. */
export const keysOf = (): readonly (readonly [keys: string, place: Place])[] =>
  ownPlaces().flatMap((place) => [
    ...(place.to === '/look-up' ? [['/', place] as const] : []),
    [`g ${place.key}`, place] as const,
  ]);

const isWriting = (target: EventTarget | null): boolean =>
  target instanceof Element && target.closest('input, textarea, select, [contenteditable], dialog') !== null;

/** Begins to follow keys; the result ends it. */
export const followKeys = (onHelp: () => void): (() => void) => {
  let gAtMs = 0;
  const press = (event: KeyboardEvent): void => {
    if (!hasKeys.value || event.ctrlKey || event.metaKey || event.altKey || isWriting(event.target)) return;
    const to = ownPlaces().find(({ key }) => key === event.key)?.to;
    if (event.timeStamp - gAtMs < SECOND_KEY_MS && to !== undefined) {
      gAtMs = 0;
      event.preventDefault();
      go(to);
    } else if (event.key === 'g') gAtMs = event.timeStamp;
    else if (event.key === '/' && may('explain')) {
      event.preventDefault();
      go('/look-up');
      // After the page has been drawn.
      requestAnimationFrame(() => document.querySelector<HTMLInputElement>('input[type="search"]')?.focus());
    } else if (event.key === '?') {
      event.preventDefault();
      onHelp();
    }
  };
  document.addEventListener('keydown', press);
  return () => document.removeEventListener('keydown', press);
};
