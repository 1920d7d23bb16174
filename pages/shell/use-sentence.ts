// The headline's sentence, kept up to date: its ages tick, and silence of the resolver is told after fifteen seconds.
import { type Sentence, sentenceOf } from '../overview/headline-text.ts';
import { lastWordMs, nowMs, SILENCE_MS, state } from '../parts/room.ts';
import { useText } from '../parts/say.tsx';
import { useStore } from '../parts/store.ts';
import { useTicks } from '../parts/use-data.ts';

/** How often ages are written anew. */
const TICK_MS = 1_000;

export const useSentence = (): Sentence | undefined => {
  const speech = useText();
  const known = useStore(state);
  const heardMs = useStore(lastWordMs);
  useTicks(TICK_MS);
  if (known === undefined) return undefined;
  const silentMs = Date.now() - heardMs;
  return sentenceOf(speech, known, nowMs(), silentMs > SILENCE_MS ? silentMs / 1000 : undefined);
};
