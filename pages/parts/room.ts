// What all pages share: who is signed in, the live state, how long ago the resolver was heard, and what was just done.

import { ask, faultOf, get, keepSession } from '../api/client.ts';
import { signedInOf } from '../api/members.ts';
import type { Session, State } from '../api/shapes.ts';
import { faultText } from './fault-text.ts';
import { forgetDrafts } from './kept.ts';
import { go } from './router.ts';
import type { Speech } from './speech.ts';
import { Store } from './store.ts';

/** Silence after which nothing that was said is taken as true any longer. */
export const SILENCE_MS = 15_000;

export const session = new Store<Session | undefined>(undefined);
export const state = new Store<State | undefined>(undefined);
/** By this machine's clock; when anything was heard last. */
export const lastWordMs = new Store<number>(0);
/** The resolver's clock less this machine's. */
export const clockLeadMs = new Store<number>(0);
/** True while the reader wants nothing to move. */
export const isStill = new Store<boolean>(false);
/** One sentence about what was done or failed; read out. */
/** `raw`: what the service said itself. */
export const toast = new Store<
  { readonly text: string; readonly isBad: boolean; readonly raw?: string } | undefined
>(undefined);
/** Tells why a button that has no place for it came to nothing. */
export const tellFault =
  (speech: Speech) =>
  (error: unknown): void =>
    toast.set({ text: faultText(speech, faultOf(error)), isBad: true });

/** Counts up for each subject when the server says that it changed. */
export const changes = new Store<Readonly<Record<string, number>>>({});
/** Counts up when anything may have changed, because nobody told for a while. */
export const misses = new Store<number>(0);
/** The newest state while the reader holds still. */
let heldBack: State | undefined;

/** Takes a state that came. */
export const takeState = (next: State): void => {
  clockLeadMs.set(Date.parse(next.time) - Date.now());
  if (isStill.value) heldBack = next;
  else state.set(next);
};

/** Lets the page move again, or not. */
export const holdStill = (holds: boolean): void => {
  isStill.set(holds);
  if (!holds && heldBack !== undefined) state.set(heldBack);
  heldBack = undefined;
};

/** Says that subjects have changed, so that pages read them again. */
export const noteChanges = (subjects: readonly string[]): void => {
  const next = { ...changes.value };
  for (const subject of subjects) next[subject] = (next[subject] ?? 0) + 1;
  changes.set(next);
};

/** Says that anything may have changed: pages read again all that they are told of. */
export const noteMissed = (): void => misses.set(misses.value + 1);

/** Now, by the resolver's clock. */
export const nowMs = (): number => Date.now() + clockLeadMs.value;

/** A sign-out that is under way, or was. */
let leaving: Promise<void> = Promise.resolve();

/** Reads who is signed in. Rejects with a Fault. */
export const readSession = async (): Promise<Session> => {
  await leaving;
  const found = keepSession(await get<Session>('/session'));
  session.set(found);
  return found;
};

/** Takes the session that signing in gave. */
export const takeSession = (given: Session): void => session.set(keepSession(given));

/**
 * Ends the session and leads to where somebody signs in. Whoever finds out meanwhile that it is over waits for this: they would
 * note the page for a way back, and the next one to sign in would come to it. Rejects with a Fault: it is still open, as far as
 * is known.
 */
export const signOut = (): Promise<void> => {
  const left = ask<Session>('/session/end').then((ended) => {
    takeSession(ended);
    forgetDrafts();
    state.set(undefined);
    go('/sign-in');
  });
  leaving = left.catch(() => undefined);
  return left;
};

/** True when the person who is signed in may do `operation`. The server enforces; pages only hide. */
export const may = (operation: string): boolean =>
  signedInOf(session.value)?.may.includes(operation) === true;
