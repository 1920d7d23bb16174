// Notes of a report: what has to be known to read a number, as a code with its values.
import type { Note } from './model.ts';
import { en } from './texts/en.ts';
import type { ReportTexts } from './texts/texts.ts';
import { durationText, numberText, timeWords } from './words.ts';

/** A note; numbers are counts, but those of a clock or a bound, which are milliseconds. */
export const toNote = (code: string, ...values: (string | number)[]): Note => ({
  code,
  values,
  text: noteText({ code, values, text: '' }, en),
});

/** The note in words. */
export const noteText = ({ code, values, text }: Note, texts: ReportTexts): string => {
  const isLength = code.startsWith('clock-') || code.startsWith('bound-');
  const words = values.map((value) =>
    typeof value === 'string'
      ? timeWords(value)
      : isLength
        ? durationText(value, texts)
        : numberText(value, texts),
  );
  return texts.notes[code]?.(...words) ?? text;
};
