// The live state: a stream of events while somebody looks, asking every ten seconds where no stream can be had.
//
// A page in the background holds no stream. Silence is told, never hidden: the state keeps the time of the last word, and a
// stream that is silent for too long is another one. What changed while there was none was told to nobody: the page reads anew.
import { get } from './client.ts';
import type { State } from './shapes.ts';

/** Between two readings of everything where there is no stream. */
const POLL_MS = 10_000;
/** Between the loss of a stream and the next attempt. */
const RETRY_MS = 5_000;
/** Three signs of life that did not come: a network that is gone ends no connection. */
const STREAM_SILENCE_MS = 15_000;

/** Takes what comes. */
export interface Listener {
  state(state: State): void;
  /** The resolver lives. */
  word(): void;
  changed(subjects: readonly string[]): void;
  /** Anything may have changed: nobody was told for a while. */
  missed(): void;
  /** The session is over. */
  ended(): void;
}

/** Begins to listen; the result ends it. */
export const listen = (listener: Listener): (() => void) => {
  let stream: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isOver = false;
  /** What the page shows was read while a stream was there, or before the first. */
  let isTold = true;
  /** When a stream was lost, or everything was read since. */
  let readMs = 0;

  const isSeen = (): boolean => !isOver && document.visibilityState === 'visible';
  const close = (): void => {
    if (stream !== undefined && isTold) {
      isTold = false;
      readMs = performance.now();
    }
    stream?.close();
    stream = undefined;
    clearTimeout(timer);
  };
  const missed = (): void => {
    readMs = performance.now();
    listener.missed();
  };
  const poll = async (): Promise<void> => {
    try {
      const state = await get<State>('/v1/state');
      listener.word();
      listener.state(state);
      if (isSeen() && performance.now() - readMs >= POLL_MS) missed();
    } catch {
      // Told by the age of the last word.
    }
    if (stream !== undefined || !isSeen()) return;
    clearTimeout(timer);
    timer = setTimeout(open, RETRY_MS);
  };
  const lose = (): void => {
    close();
    void poll();
  };
  const waitOn = (): void => {
    clearTimeout(timer);
    timer = setTimeout(lose, STREAM_SILENCE_MS);
  };
  /** The stream lives. */
  const heard = (): void => {
    waitOn();
    listener.word();
  };
  const open = (): void => {
    close();
    if (!isSeen()) return;
    stream = new EventSource('/api/live');
    timer = setTimeout(lose, STREAM_SILENCE_MS);
    const on = (name: string, take: (data: unknown) => void): void =>
      stream?.addEventListener(name, (event) => {
        heard();
        take(JSON.parse((event as MessageEvent<string>).data || '{}'));
      });
    on('state', (data) => listener.state(data as State));
    on('tick', () => {});
    on('changed', (data) => listener.changed((data as { subjects?: readonly string[] }).subjects ?? []));
    on('end', () => {
      close();
      listener.ended();
    });
    stream.onopen = () => {
      // That it is open is no word of the state, which may not be readable there.
      waitOn();
      // From here on the server tells; what was before is read now.
      if (!isTold) missed();
      isTold = true;
    };
    stream.onerror = lose;
  };
  document.addEventListener('visibilitychange', open);
  open();
  return () => {
    isOver = true;
    document.removeEventListener('visibilitychange', open);
    close();
  };
};
