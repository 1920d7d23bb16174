// The live state: a stream of events while somebody looks, asking every ten seconds where no stream can be had.
//
// A page in the background holds no stream. Silence is told, never hidden: the state keeps the time of the last word.
import { get } from './client.ts';
import type { State } from './shapes.ts';

/** Between two questions where there is no stream. */
const POLL_MS = 10_000;
/** Between the loss of a stream and the next attempt. */
const RETRY_MS = 5_000;

/** Takes what comes. */
export interface Listener {
  state(state: State): void;
  /** The resolver lives. */
  word(): void;
  changed(subjects: readonly string[]): void;
  /** The session is over. */
  ended(): void;
}

/** Begins to listen; the result ends it. */
export const listen = (listener: Listener): (() => void) => {
  let stream: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isOver = false;

  const close = (): void => {
    stream?.close();
    stream = undefined;
    clearTimeout(timer);
  };
  const poll = async (): Promise<void> => {
    try {
      const state = await get<State>('/v1/state');
      listener.word();
      listener.state(state);
    } catch {
      // Told by the age of the last word.
    }
    if (!isOver && document.visibilityState === 'visible')
      timer = setTimeout(open, Math.min(POLL_MS, RETRY_MS));
  };
  const open = (): void => {
    close();
    if (isOver || document.visibilityState !== 'visible') return;
    stream = new EventSource('/api/live');
    const on = (name: string, take: (data: unknown) => void): void =>
      stream?.addEventListener(name, (event) => {
        listener.word();
        take(JSON.parse((event as MessageEvent<string>).data || '{}'));
      });
    on('state', (data) => listener.state(data as State));
    on('tick', () => {});
    on('changed', (data) => listener.changed((data as { subjects?: readonly string[] }).subjects ?? []));
    on('end', () => {
      close();
      listener.ended();
    });
    stream.onerror = () => {
      close();
      void poll();
    };
  };
  document.addEventListener('visibilitychange', open);
  open();
  return () => {
    isOver = true;
    document.removeEventListener('visibilitychange', open);
    close();
  };
};
