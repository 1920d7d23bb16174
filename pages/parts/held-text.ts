// Why a content of a list is held, in the reader's language: the sentence of the code, and what the program saw. Pure.
//
// What it saw is English prose with numbers, names and days in it (src/policy/lists/review.ts, and keeping/openings.ts and
// shipped-version.ts beside it): each phrase of it is said anew, its values as they are. A test makes every reason and looks
// for what is left in English.
import type { Key } from '../text/text.ts';
import type { Speech } from './speech.ts';

/** Phrases of the program, the key that says each, and what its groups are; without a key the sentence says it already. */
const PHRASES: readonly (readonly [phrase: RegExp, key: Key | undefined, ...values: string[]])[] = [
  [/^(?:this content was rolled back or turned away|a web page instead of a list)$/, undefined],
  [/^it ends in the middle of a line$/, undefined],
  [/^no entry but (\d+) exceptions$/, 'sawExceptions', 'count'],
  [/^no entry in (\d+) bytes$/, 'sawBytes', 'count'],
  [/^(\d+) of (\d+) lines not understood, at most (\d+) %$/, 'sawRejected', 'count', 'of', 'most'],
  [/^(\d+) entries after (\d+), at most (\d+) % fewer$/, 'sawShrunk', 'count', 'before', 'most'],
  [/^(\d+) entries after (\d+), at most (\d+) % more$/, 'sawGrown', 'count', 'before', 'most'],
  [/^(\d+) names that no list may refuse, at most (\d+)$/, 'sawGuarded', 'count', 'most'],
  [/^its latest review is of no day, that of what is in force of (\S+)$/, 'sawOlder', 'inForce'],
  [/^its latest review is of (\S+), that of what is in force of (\S+)$/, 'sawOld', 'day', 'inForce'],
  [/^other exceptions than before, and more than anybody can be told of$/, 'sawUntold'],
  [/^(\d+) new exceptions? \(/, 'sawNew', 'count'],
  [/, opens (\d+) names? of (\S+) \(/g, 'sawOpens', 'count', 'list'],
  [/, opens no name that a list refuses now/, 'sawOpensNone'],
  [/, (\S+) refuses ([^()]+?) all the same/g, 'sawRefuses', 'list', 'names'],
  [/, and (\d+) more\b/g, 'sawMore', 'count'],
];

/** One reason, as the program writes it: its code, a colon, and what it saw. */
export const heldText = (
  { word, say, format, language }: Pick<Speech, 'word' | 'say' | 'format' | 'language'>,
  reason: string,
): string => {
  // By a person, in a person's words.
  const [, why] = /^rolled back: (.*)$/s.exec(reason) ?? [];
  if (why !== undefined) return `${word('listAction', 'rolled-back')}${format.colon}${why}`;
  const [, code = '', saw = ''] = /^([a-z-]+): (.*)$/s.exec(reason) ?? [];
  const sentence = word('because', code);
  if (code === '' || sentence === code) return reason;
  const told = language === 'en' ? saw : sawText(say, saw);
  return told === '' ? sentence : `${sentence.replace(/\.$/, '')} (${told}).`;
};

const sawText = (say: Speech['say'], saw: string): string => {
  // The values of a phrase are known by its pattern, not by the type of its key.
  const sayAny = say as (key: Key, values: Readonly<Record<string, string | number>>) => string;
  let told = saw;
  for (const [phrase, key, ...names] of PHRASES) {
    told = told.replace(phrase, (_, ...groups: readonly unknown[]) => {
      if (key === undefined) return '';
      const values = names.map((name, at) => [name, figureOf(String(groups[at]))] as const);
      return sayAny(key, Object.fromEntries(values));
    });
  }
  return told;
};

const figureOf = (text: string): string | number => (/^\d+$/.test(text) ? Number(text) : text);
