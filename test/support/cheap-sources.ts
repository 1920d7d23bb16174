// What costs processor in every test and is the subject of few: another text of a line of the sources, for the bundle that tests
// start and for what they import.
//
// A password is hashed in 0.1 s, and people of the tests choose and type hundreds; what that costs is of
// test/unit/room/passwords.test.ts, which has the sources as they are. What a start leaves in memory is collected after a while,
// in the process of the test once for each service that it ever started, and each time all that the test has.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

interface Change {
  readonly file: string;
  readonly from: RegExp;
  readonly to: string;
}

/** Longer than any run, and the longest that timers take; heaps.mjs knows them, and makes them short where they are the subject. */
const FIRST_NEVER_MS = 2 ** 31 - 1;
const LOOK_NEVER_MS = 2 ** 31 - 2;

/** For Vite, and for the bundle. Throws when the sources have no such line any more. */
const rewriting = (name: string, changes: readonly Change[]) => {
  for (const { file, from } of changes)
    assert.match(readFileSync(new URL(`../../src/${file}`, import.meta.url), 'utf8'), from, file);
  return {
    name,
    enforce: 'pre',
    transform: (code: string, path: string): string | null => {
      const own = changes.filter(({ file }) => path.endsWith(`/src/${file}`));
      return own.length === 0 ? null : own.reduce((text, { from, to }) => text.replace(from, to), code);
    },
  } as const;
};

export const cheapPasswords = rewriting('cheap-passwords', [
  // The least that RFC 9106 allows (section 3.1).
  { file: 'people/room/passwords.ts', from: /(?<=const MEMORY_KIB = )46 \* 1024(?=;)/, to: '8' },
]);

/** Of the bundle alone. */
export const unsettled = rewriting('unsettled', [
  { file: 'resolver/workers/retired-memory.ts', from: /(?<=const SETTLE_AFTER_MS = )\[[^\]]*\]/, to: '[]' },
  { file: 'base/heap.ts', from: /(?<=const FIRST_AFTER_MS = )20_000(?=;)/, to: String(FIRST_NEVER_MS) },
  { file: 'base/heap.ts', from: /(?<=const LOOK_MS = )600_000(?=;)/, to: String(LOOK_NEVER_MS) },
]);
