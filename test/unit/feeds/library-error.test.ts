// What the pinned tuf-js says, told apart: where it wraps what it found in a snapshot or in targets, only its text is left.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { toFeedError } from '../../../src/policy/feeds/library-error.ts';

const LIBRARY = join(import.meta.dirname, '../../../node_modules/tuf-js/dist');

/** Every error of the library's store: its class, and its text with `…` for what is filled in. */
const thrown = [
  ...readFileSync(join(LIBRARY, 'store.js'), 'utf8').matchAll(/new error_1\.(\w+)\((['"`])(.*?)\2\)/g),
].map(([, type = '', , text = '']) => ({ type, text: text.replace(/\$\{[^}]*\}/g, '2') }));

/** As updater.js wraps it: `${error}` has neither class nor code. */
const codeOf = (text: string, wrap: string): string =>
  toFeedError('f', new Error(`${wrap} error ${new Error(text)}`)).code;

test('what is expired and what went back is told by the texts of the pinned version', () => {
  const told = thrown.map(
    ({ type, text }) => `${type}: ${text} -> ${codeOf(text, 'Unable to load targets')}`,
  );
  const of = (code: string): string[] => told.filter((line) => line.endsWith(code));
  expect(of('ERR_FEED_EXPIRED').map((line) => line.split(':')[0])).toEqual(
    told.flatMap((line) => (line.startsWith('ExpiredMetadataError') ? ['ExpiredMetadataError'] : [])),
  );
  expect(of('ERR_FEED_EXPIRED')).toHaveLength(4);
  expect(of('ERR_FEED_BACKWARDS')).toEqual([
    'BadVersionError: New timestamp version 2 is less than current version 2 -> ERR_FEED_BACKWARDS',
    'BadVersionError: New snapshot version 2 is less than current version 2 -> ERR_FEED_BACKWARDS',
    'RepositoryError: Missing file 2 in new snapshot -> ERR_FEED_BACKWARDS',
    'BadVersionError: New version 2 of 2 is less than current version 2 -> ERR_FEED_BACKWARDS',
  ]);
});

test('the library still wraps so, and nowhere else', () => {
  const updater = readFileSync(join(LIBRARY, 'updater.js'), 'utf8');
  const wraps = [...updater.matchAll(/RuntimeError\(`([^$`]*)\$\{error\}`\)/g)].map(([, text]) => text);
  expect(wraps).toEqual(['Unable to load snapshot metadata error ', 'Unable to load targets error ']);
});
