// Which reason a text of the service is, so that it can be said in the reader's language. Pure.
//
// Records and the API have reasons as English sentences. The same sentences, with places for what differs, are the English texts of
// text/reasons.yaml: the one that fits gives the key of all languages, and the values.
import { en } from '../text/en.ts';
import type { Key } from '../text/text.ts';

/** A reason and what differs in it; `why` is another one, `rest` what others than the service say. */
export interface FoundReason {
  readonly key: Key;
  readonly values: Readonly<Record<string, string>>;
}

/** In a text of Key, each place is a group of its name. */
const patternOf = (text: string): RegExp =>
  new RegExp(`^${text.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{(\w+)\}/g, '(?<$1>.+?)')}$`, 's');

let patterns: readonly (readonly [Key, RegExp])[] | undefined;

/** Undefined: it is none that is known. */
export const findReason = (text: string): FoundReason | undefined => {
  patterns ??= Object.entries(en).flatMap(([key, written]) =>
    key.startsWith('reason-') ? [[key as Key, patternOf(written)] as const] : [],
  );
  for (const [key, pattern] of patterns) {
    const found = pattern.exec(text);
    if (found === null) continue;
    const values = { ...found.groups };
    if (values['why'] === undefined || findReason(values['why']) !== undefined) return { key, values };
  }
  return undefined;
};
