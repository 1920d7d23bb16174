// What a page is told while it is looked at, and that it reads everything anew when nobody told it for a while: it was in the
// background, the stream broke, or the network went away without a word. The browser is played here; the page's part is the real one.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

/** The part of EventSource that pages use. */
class Stream extends EventTarget {
  static all: Stream[] = [];
  isClosed = false;
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  constructor() {
    super();
    Stream.all.push(this);
  }
  close(): void {
    this.isClosed = true;
  }
  tell(name: string, data: object): void {
    this.dispatchEvent(Object.assign(new Event(name), { data: JSON.stringify(data) }));
  }
}

interface Told {
  changed(subjects: readonly string[]): void;
  missed(): void;
  [name: string]: (value: never) => void;
}
/** Has the types of browsers, which tests do not know. */
const { listen } = (await import(new URL('../../../pages/api/live.ts', import.meta.url).href)) as {
  readonly listen: (listener: Told) => () => void;
};

const page = Object.assign(new EventTarget(), { visibilityState: 'visible' });
const show = (state: 'visible' | 'hidden'): void => {
  page.visibilityState = state;
  page.dispatchEvent(new Event('visibilitychange'));
};
const last = (): Stream => Stream.all.at(-1) ?? new Stream();

let told: string[];
let end: () => void;
/** Signs that what is shown is so now. */
let words: number;
/** Whether the service answers a question. */
let isAnswered: boolean;

beforeEach(() => {
  vi.useFakeTimers();
  Stream.all = [];
  told = [];
  words = 0;
  isAnswered = true;
  page.visibilityState = 'visible';
  vi.stubGlobal('EventSource', Stream);
  vi.stubGlobal('document', page);
  vi.stubGlobal('fetch', () =>
    isAnswered ? Promise.resolve(Response.json({})) : Promise.reject(new TypeError('no network')),
  );
  end = listen({
    ...{ state: () => undefined, word: () => words++, ended: () => told.push('ended') },
    changed: (subjects) => told.push(subjects.join()),
    missed: () => told.push('missed'),
  });
});
afterEach(() => {
  end();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

test('a page that comes back from the background reads everything anew, once it is told again', () => {
  last().onopen?.();
  last().tell('changed', { subjects: ['acts'] });
  expect(told).toEqual(['acts']);
  show('hidden');
  expect(last().isClosed).toBe(true);
  show('visible');
  expect([Stream.all.length, told.length]).toEqual([2, 1]);
  last().onopen?.();
  expect(told).toEqual(['acts', 'missed']);
});

test('so does one whose stream broke, also before it ever opened', async () => {
  isAnswered = false;
  last().onerror?.();
  await vi.advanceTimersByTimeAsync(5_000);
  expect([Stream.all.length, told]).toEqual([2, []]);
  last().onopen?.();
  expect(told).toEqual(['missed']);
  isAnswered = true;
  last().onerror?.();
  await vi.advanceTimersByTimeAsync(5_000);
  last().onopen?.();
  expect(told).toEqual(['missed', 'missed']);
});

test('a stream without a sign of life is another one, and one with signs of life is not', async () => {
  last().onopen?.();
  for (let tick = 0; tick < 5; tick++) {
    await vi.advanceTimersByTimeAsync(5_000);
    last().tell('tick', {});
  }
  expect(Stream.all.length).toBe(1);
  isAnswered = false;
  await vi.advanceTimersByTimeAsync(15_000 + 5_000);
  expect([Stream.all[0]?.isClosed, Stream.all.length]).toEqual([true, 2]);
  last().onopen?.();
  expect(told).toEqual(['missed']);
});

test('that a stream is open is no word of a state that cannot be read there', async () => {
  isAnswered = false;
  for (let times = 0; times < 3; times++) {
    last().onopen?.();
    await vi.advanceTimersByTimeAsync(15_000 + 5_000);
  }
  expect([Stream.all.length, words]).toEqual([4, 0]);
  last().onopen?.();
  last().tell('tick', {});
  expect(words).toBe(1);
});

test('where no stream can be had, everything is read anew every ten seconds, and in the background never', async () => {
  const refuse = async (): Promise<void> => {
    last().onerror?.();
    await vi.advanceTimersByTimeAsync(5_000);
  };
  for (let turn = 0; turn < 5; turn++) await refuse();
  expect(told).toEqual(['missed', 'missed']);
  show('hidden');
  await vi.advanceTimersByTimeAsync(60_000);
  expect([Stream.all.length, told.length]).toEqual([6, 2]);
});
