// What went wrong, in the reader's language: by the code of the fault, never by its text. Pure.
import type { Speech } from './speech.ts';

/** HTTP: the server did not look at what was sent. */
const BAD_REQUEST = 400;

/** The sentence of a code, or that of its family; undefined: there is none, and the program's own words are all there is. */
export const codeText = ({ word }: Pick<Speech, 'word'>, code: string): string | undefined => {
  for (let known = code; known !== ''; known = known.slice(0, Math.max(0, known.lastIndexOf('_')))) {
    const text = word('fault-', known);
    if (text !== known) return text;
  }
  return undefined;
};

/** Codes of many reasons: what the program says of them is needed. */
const PARTICULAR: ReadonlySet<string> = new Set([
  ...['ERR_ROOM_PEOPLE', 'ERR_ROOM_ACT', 'ERR_APP_CONFIGURATION_REFUSED', 'ERR_APP_CONFIGURATION_WRITE'],
]);

/** True where the program's own words say more than the sentence, to who reads them. */
export const needsOwnWords = (speech: Pick<Speech, 'word' | 'language'>, code: string): boolean =>
  speech.language === 'en' && (codeText(speech, code) === undefined || PARTICULAR.has(code));

/** One sentence about a fault. */
export const faultText = (
  speech: Pick<Speech, 'word' | 'say'>,
  { status, code }: { readonly status: number; readonly code: string },
): string => {
  if (status === 0) return speech.say('faultNoWord');
  if (code === 'PASSKEY') return speech.say('faultPasskey');
  return (
    codeText(speech, code) ??
    (status === BAD_REQUEST ? speech.say('faultForm') : codeText(speech, String(status))) ??
    speech.say('faultOther')
  );
};

/** A fault in something that was entered. */
export interface Problem {
  readonly code: string;
  readonly text: string;
  readonly hint?: string | null | undefined;
}

/** In the words of the service: they name values and bounds. */
export const rawProblem = ({ text, hint }: Problem): string => (hint == null ? text : `${text}; ${hint}`);

/** What is wrong in a field, by its code; in English as the service says it. */
export const problemText = (speech: Pick<Speech, 'word' | 'say' | 'language'>, problem: Problem): string =>
  speech.language === 'en'
    ? rawProblem(problem)
    : (codeText(speech, problem.code) ?? speech.say('faultForm'));
