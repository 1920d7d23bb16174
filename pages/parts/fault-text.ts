// What went wrong, in the reader's language: by the code of the fault, never by its text. Pure.
import type { Speech } from './speech.ts';

/** HTTP: the server did not look at what was sent. */
const BAD_REQUEST = 400;

const keyOf = (code: string): string => code.toLowerCase();

/** The sentence of a code; undefined: it has none, and the program's own words are all there is. */
const known = ({ word }: Pick<Speech, 'word'>, code: string): string | undefined => {
  const key = keyOf(code);
  const text = word('fault', key);
  return code === '' || text === key ? undefined : text;
};

/** Codes of many reasons: what the program says of them is needed. */
const PARTICULAR: ReadonlySet<string> = new Set([
  ...['ERR_ROOM_PEOPLE', 'ERR_ROOM_ACT', 'ERR_APP_CONFIGURATION_REFUSED', 'ERR_APP_CONFIGURATION_WRITE'],
]);

/** True where the program's own words say more than the sentence. */
export const needsOwnWords = (speech: Pick<Speech, 'word'>, code: string): boolean =>
  known(speech, code) === undefined || PARTICULAR.has(code);

/** One sentence about a fault. */
export const faultText = (
  speech: Pick<Speech, 'word' | 'say'>,
  { status, code }: { readonly status: number; readonly code: string },
): string => {
  if (status === 0) return speech.say('faultNoWord');
  return known(speech, code) ?? speech.say(status === BAD_REQUEST ? 'faultForm' : 'faultOther');
};

/** What is wrong in a field: the program names values and bounds, in English; others read first what it means. */
export const problemText = (
  speech: Speech,
  { code, text }: { readonly code: string; readonly text: string },
): string => {
  const sentence = speech.language === 'en' ? undefined : known(speech, code);
  return sentence === undefined ? text : `${sentence} (${text})`;
};
