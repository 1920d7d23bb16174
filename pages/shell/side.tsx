// The side of every page: where one is, the state as a chip, who one is. On phones a bar at the bottom.

import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { signedInOf } from '../api/members.ts';
import { markOf, toneOf } from '../overview/headline-text.ts';
import { hasKeys, language, THEMES, theme } from '../parts/choices.ts';
import { LineIcon, ProgramIcon, StateMark } from '../parts/marks.tsx';
import { session, signOut, state, tellFault } from '../parts/room.ts';
import { place } from '../parts/router.ts';
import { useText } from '../parts/say.tsx';
import { useStore } from '../parts/store.ts';
import { LANGUAGE_NAMES, LANGUAGES } from '../text/text.ts';
import { type Place, placesOf } from './places.ts';
import { useSentence } from './use-sentence.ts';

const MORE_ICON = 'M3.4 8h.1M8 8h.1m4.5 0h.1';

const isAt = (path: string, to: string): boolean =>
  to === '/' ? path === '/' : path === to || path.startsWith(`${to}/`);

const PlaceLink = ({ entry }: { readonly entry: Place }): VNode => {
  const { say } = useText();
  const { path } = useStore(place);
  const known = useStore(state);
  const count = (known?.counts.todo ?? []).reduce(
    (sum, need) => (entry.needs.includes(need.kind) ? sum + need.count : sum),
    0,
  );
  return (
    <a
      href={entry.to}
      class={entry.isLater ? 'later' : undefined}
      aria-current={isAt(path, entry.to) ? 'page' : undefined}
    >
      <LineIcon line={entry.icon} />
      {say(entry.name)}
      {count > 0 && (
        <span class="count">
          {count}
          <span class="unseen"> {say('countWaiting')}</span>
        </span>
      )}
    </a>
  );
};

/** The state on every page but the overview, which says it whole. */
const Chip = (): VNode | null => {
  const sentence = useSentence();
  const { path } = useStore(place);
  const { say } = useText();
  if (sentence === undefined || path === '/') return null;
  const tone = toneOf(sentence.shown);
  return (
    <a class={`chip ${tone}`} href="/">
      <StateMark mark={markOf(sentence.shown)} />
      <span>
        <span class="unseen">{say('stateIs')} </span>
        {sentence.title}
      </span>
    </a>
  );
};

const Choosers = (): VNode => {
  // Of the page that is drawn: the server draws it for readers whose choice it does not have.
  const { say, language: spokenLanguage } = useText();
  const chosenTheme = useStore(theme);
  const next = THEMES[(THEMES.indexOf(chosenTheme) + 1) % THEMES.length] ?? 'auto';
  const themeName = { auto: say('themeAuto'), light: say('themeLight'), dark: say('themeDark') }[chosenTheme];
  return (
    <>
      <fieldset class="row">
        <legend class="unseen">{say('language')}</legend>
        {LANGUAGES.map((one) => (
          <button
            key={one}
            type="button"
            lang={one}
            aria-pressed={one === spokenLanguage}
            onClick={() => language.set(one)}
          >
            {one}
            <span class="unseen"> {LANGUAGE_NAMES[one]}</span>
          </button>
        ))}
      </fieldset>
      <div class="row">
        <button type="button" onClick={() => theme.set(next)}>
          {say('theme', { theme: themeName })}
        </button>
      </div>
    </>
  );
};

/** Language and theme where nobody is signed in. */
export const EntryChoosers = (): VNode => (
  <div class="self">
    <Choosers />
  </div>
);

export const Side = ({ onKeysHelp }: { readonly onKeysHelp: () => void }): VNode => {
  const speech = useText();
  const { say, word, format } = speech;
  const signedIn = signedInOf(useStore(session));
  const known = useStore(state);
  const keysOn = useStore(hasKeys);
  const [isOpen, setOpen] = useState(false);
  const person = signedIn?.person;
  const places = placesOf(signedIn?.may);
  const later = places.filter(({ isLater }) => isLater);
  return (
    <header class="side">
      <a class="brand" href="/">
        <ProgramIcon />
        <span>
          Cordon
          <small>{signedIn?.agency ?? known?.agency ?? say('noAgency')}</small>
        </span>
      </a>
      <Chip />
      <nav class="places" aria-label={say('mainNavigation')}>
        {places.map((entry) => (
          <PlaceLink key={entry.to} entry={entry} />
        ))}
        <button
          type="button"
          class="more"
          aria-expanded={isOpen}
          aria-controls="self"
          onClick={() => setOpen(!isOpen)}
        >
          <LineIcon line={MORE_ICON} width={2.6} />
          {say('placeMore')}
        </button>
      </nav>
      {/* A click on a link inside leads elsewhere: the drawer closes behind it. */}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: only closes what stands open */}
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the same links by keyboard send a click */}
      <div
        id="self"
        class={isOpen ? 'self open' : 'self'}
        onClick={(event) => event.target instanceof Element && event.target.closest('a') && setOpen(false)}
      >
        <nav class="later-places" aria-label={say('placeMore')}>
          {later.map(({ to, name }) => (
            <a key={to} href={to}>
              {say(name)}
            </a>
          ))}
        </nav>
        {person !== undefined && (
          <div>
            <b>{person.name}</b>
            {format.list(person.roles.map((role) => word('role', role)))}
          </div>
        )}
        <Choosers />
        <div class="row">
          <a href="/account">{say('placeAccount')}</a>
          <button type="button" onClick={() => void signOut().catch(tellFault(speech))}>
            {say('signOut')}
          </button>
          {keysOn && (
            <button type="button" class="wide" onClick={onKeysHelp}>
              {say('keys')}
            </button>
          )}
        </div>
        {known !== undefined && (
          <div class="code">
            {known.resolver.name}
            <br />
            {known.resolver.addresses.join(', ')}
            <br />
            {say('versionLine', { version: known.version, generation: known.generation })}
          </div>
        )}
      </div>
    </header>
  );
};
