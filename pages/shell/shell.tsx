// What surrounds the page of somebody who is signed in, and what runs while they look: the live state, keys, warnings.

import type { ComponentChildren, VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { act, ask } from '../api/client.ts';
import { listen } from '../api/live.ts';
import { signedInOf } from '../api/members.ts';
import type { Session } from '../api/shapes.ts';
import { toneOf } from '../overview/headline-text.ts';
import { hasKeys } from '../parts/choices.ts';
import { Dialog } from '../parts/dialog.tsx';
import {
  holdStill,
  isStill,
  lastWordMs,
  may,
  noteChanges,
  noteMissed,
  nowMs,
  readSession,
  session,
  state,
  takeSession,
  takeState,
  tellFault,
  toast,
} from '../parts/room.ts';
import { place } from '../parts/router.ts';
import { useText } from '../parts/say.tsx';
import { Raw } from '../parts/service-text.tsx';
import { useStore } from '../parts/store.ts';
import { useTicks } from '../parts/use-data.ts';
import { followKeys, keysOf } from './keys.ts';
import { Side } from './side.tsx';
import { StepUp } from './step-up.tsx';
import { useSentence } from './use-sentence.ts';

/** So long before a session ends for want of activity, it is said. */
const IDLE_WARNING_MS = 120_000;
/** How long a sentence about what was done stays. */
const TOAST_MS = 8_000;

const useLive = (): void => {
  useEffect(
    () =>
      listen({
        state: takeState,
        word: () => lastWordMs.set(Date.now()),
        changed: noteChanges,
        missed: noteMissed,
        ended: () => void readSession(),
      }),
    [],
  );
};

/** Says to those who cannot see it when the state changes, and at once when it turns red. Ages are not said. */
const Spoken = (): VNode => {
  const sentence = useSentence();
  const last = useRef<string>('');
  const [said, setSaid] = useState({ text: '', isBad: false });
  const shown = sentence?.shown ?? '';
  const title = sentence?.title ?? '';
  // biome-ignore lint/correctness/useExhaustiveDependencies: the title changes with each second; only the state is said
  useEffect(() => {
    if (shown === '' || shown === last.current) return;
    const isFirst = last.current === '';
    last.current = shown;
    if (!isFirst && sentence !== undefined) setSaid({ text: title, isBad: toneOf(sentence.shown) === 'bad' });
  }, [shown]);
  return (
    <>
      <p class="unseen" role="status">
        {said.isBad ? '' : said.text}
      </p>
      <p class="unseen" role="alert">
        {said.isBad ? said.text : ''}
      </p>
    </>
  );
};

/** A pause is red on all pages; the overview says it as its headline. */
const PauseBanner = (): VNode | null => {
  const { say, format } = useText();
  const pause = useStore(state)?.headline.pause ?? null;
  const { path } = useStore(place);
  useTicks(1_000);
  if (pause === null || path === '/') return null;
  const left = Math.max(0, (Date.parse(pause.until) - nowMs()) / 1000);
  return (
    <div class="banner">
      <b>{say('headPaused', { by: pause.by, length: format.length(left) })}</b>
      <EndPause />
    </div>
  );
};

/** Ends the pause; one person is enough for what tightens. */
export const EndPause = (): VNode | null => {
  const speech = useText();
  const { say } = speech;
  if (!may('resume')) return null;
  return (
    <div class="row">
      <button
        type="button"
        onClick={() =>
          void act('/v1/resume', { reason: '' }).then(
            () => toast.set({ text: say('toastResumed'), isBad: false }),
            tellFault(speech),
          )
        }
      >
        {say('endPause')}
      </button>
    </div>
  );
};

const IdleWarning = (): VNode | null => {
  const speech = useText();
  const { say, format } = speech;
  const known = signedInOf(useStore(session));
  useTicks(1_000);
  if (known === undefined) return null;
  const leftMs = Date.parse(known.idleEndsAt) - nowMs();
  if (leftMs > IDLE_WARNING_MS) return null;
  return (
    <div class="banner" role="alert">
      <b>{say('idleSoon', { length: format.length(Math.max(0, Math.ceil(leftMs / 10_000) * 10)) })}</b>
      <div class="row">
        <button
          type="button"
          onClick={() => void ask<Session>('/session/keep').then(takeSession, tellFault(speech))}
        >
          {say('staySignedIn')}
        </button>
      </div>
    </div>
  );
};

const Toast = (): VNode => {
  const { say } = useText();
  const shown = useStore(toast);
  useEffect(() => {
    if (shown === undefined || shown.isBad) return;
    const timer = setTimeout(() => toast.set(undefined), TOAST_MS);
    return () => clearTimeout(timer);
  }, [shown]);
  return (
    <div role="status">
      {shown !== undefined && (
        <div class="toast">
          <div>
            {shown.text} <Raw text={shown.raw ?? ''} />
          </div>
          <button type="button" onClick={() => toast.set(undefined)}>
            {say('close')}
          </button>
        </div>
      )}
    </div>
  );
};

const KeysHelp = ({ onClose }: { readonly onClose: () => void }): VNode => {
  const { say } = useText();
  const keysOn = useStore(hasKeys);
  return (
    <Dialog title={say('keys')} onClose={onClose}>
      <dl class="paper">
        {keysOf().map(([keys, { name }]) => (
          <>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{say(name)}</dd>
          </>
        ))}
        <dt>
          <kbd>?</kbd>
        </dt>
        <dd>{say('keys')}</dd>
      </dl>
      <label class="choice">
        <input
          type="checkbox"
          checked={keysOn}
          onChange={(event) => hasKeys.set(event.currentTarget.checked)}
        />
        <span>{say('keysOn')}</span>
      </label>
      <div class="row">
        <button type="button" class="first" onClick={onClose}>
          {say('close')}
        </button>
      </div>
    </Dialog>
  );
};

export const Shell = ({ children }: { readonly children: ComponentChildren }): VNode => {
  const { say } = useText();
  const [showsKeys, setShowsKeys] = useState(false);
  useLive();
  useEffect(() => followKeys(() => setShowsKeys(true)), []);
  const still = useStore(isStill);
  const { path } = useStore(place);
  // Another page shows nothing that it does not read: it is not held still.
  // biome-ignore lint/correctness/useExhaustiveDependencies: each page that is left
  useEffect(() => () => holdStill(false), [path]);
  return (
    <>
      <a class="skip" href="#main">
        {say('skip')}
      </a>
      <div class="shell" data-still={still ? 'yes' : undefined}>
        <Side onKeysHelp={() => setShowsKeys(true)} />
        <main id="main" tabIndex={-1}>
          <PauseBanner />
          <IdleWarning />
          {children}
        </main>
      </div>
      <Spoken />
      <Toast />
      <StepUp />
      {showsKeys && <KeysHelp onClose={() => setShowsKeys(false)} />}
    </>
  );
};
