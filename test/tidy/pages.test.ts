// The pages of the control room: texts that are complete in every language, colors that can be read, and a build that
// stays small and works under a strict Content-Security-Policy.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildPages } from '../../pages/build.ts';
import { de } from '../../pages/text/de.ts';
import { en } from '../../pages/text/en.ts';
import { fr } from '../../pages/text/fr.ts';
import { nl } from '../../pages/text/nl.ts';
import type { Key, Texts } from '../../pages/text/text.ts';
import { plant, readSources, root, type Sources } from './sources.ts';

const BYTES_MAX = 400_000;
const TEXT_CONTRAST = 4.5;
const SHAPE_CONTRAST = 3;

/** Places of a text by name; both forms of a plural are one place. Strong and code marks have to be closed. */
const placesOf = (text: string): string[] => [
  ...new Set([...text.matchAll(/\{([a-zA-Z]+)/g)].map(([, name = '']) => name)),
];

/** Texts that lack a place, have one too many, or leave a mark open. */
const findTextFaults = (
  english: Readonly<Record<string, string>>,
  other: Readonly<Record<string, string>>,
): string[] => {
  const findings: string[] = [];
  for (const [key, text] of Object.entries(english)) {
    const translated = other[key];
    if (translated === undefined || translated.trim() === '') {
      findings.push(`${key} is missing`);
      continue;
    }
    if (placesOf(text).sort().join() !== placesOf(translated).sort().join())
      findings.push(`${key} has the places ${placesOf(translated).join(', ')}`);
    for (const mark of ['*', '`'])
      if (text.split(mark).length !== translated.split(mark).length)
        findings.push(`${key} differs in ${mark}`);
  }
  return findings;
};

/** Keys that no page says, and words of a prefix that is asked for nowhere. */
const findUnusedKeys = (texts: Readonly<Record<string, string>>, sources: Sources): string[] => {
  const code = [...sources]
    .filter(([path]) => !path.startsWith('pages/text/'))
    .map(([, text]) => text)
    .join('\n');
  const prefixes = [...code.matchAll(/word\(\s*'([a-zA-Z]+)'/g)].map(([, prefix = '']) => prefix);
  return Object.keys(texts).filter(
    (key) =>
      // One for each kind of need, code and reason of the service: test/unit/pages/service-words.test.ts.
      !/^(?:fault|need|reason)-/.test(key) &&
      !new RegExp(`['"]${key}['"]`).test(code) &&
      !prefixes.some((prefix) => key.startsWith(prefix) && /^[A-Z]/.test(key.slice(prefix.length))),
  );
};

/** Colons between pieces that are not of the language: in French one stands off from what is before it. */
const findWrittenColons = (pages: Sources): string[] =>
  [...pages]
    .filter(([path]) => !/^pages\/(?:text\/|build\.|shapes\.|texts\.)/.test(path))
    .flatMap(([path, text]) =>
      text
        .split('\n')
        .filter((line) =>
          /`(?:[^`]*\})?: \$\{|(?:<\/\w+>|\/>|\)\}):(?: [<{]|\{' '\})|<>: |[{ ]': '[,})]/.test(line),
        )
        .map((line) => `${path}: ${line.trim()}`),
    );

const sources = readSources('pages', ['.ts', '.tsx']);

test.each([
  ['fr', fr],
  ['nl', nl],
  ['de', de],
])('the texts in %s are those of English, with the same places', (_language, texts: Texts) => {
  expect(findTextFaults(en, texts)).toEqual([]);
  expect(Object.keys(texts)).toEqual(Object.keys(en));
  const same = Object.keys(en).filter(
    (key) => texts[key as Key] === en[key as Key] && en[key as Key].length > 14,
  );
  expect(same).toEqual([]);
});

test('a key has one text: no part of a language overrides another', () => {
  const parts = [...readSources('pages/text', ['.ts'])].filter(([path]) => /\/(?:en)\.ts$/.test(path));
  const keys = parts.flatMap(([, text]) => [...text.matchAll(/^ {2}(\w+):/gm)].map(([, key = '']) => key));
  expect(parts.length).toBeGreaterThan(3);
  expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([]);
});

test('every text is said somewhere', () => {
  expect(findUnusedKeys(en, sources)).toEqual([]);
});

test.each([
  ['a missing text', { a: 'x' }, {}, 'a is missing'],
  ['a missing place', { a: '{n} x' }, { a: 'x' }, 'a has the places'],
  ['an open mark', { a: '*x* y' }, { a: '*x y' }, 'a differs in *'],
])('findTextFaults() catches %s', (_name, english, other, finding) => {
  expect(findTextFaults(english, other)).toEqual([expect.stringContaining(finding)]);
});

test('a colon between two pieces is that of the language', () => {
  expect(findWrittenColons(sources)).toEqual([]);
});

test.each([
  '<b>{a}</b>: {b}',
  "{say('a')}: <b>",
  '`$' + '{a}: $' + '{b}`',
  '`: $' + '{b}`',
  '<>: {a}</>',
  "{': '}",
])('findWrittenColons() catches %s', (line) => {
  expect(findWrittenColons(plant({ 'pages/a.tsx': line }))).toHaveLength(1);
});

test('findUnusedKeys() catches a text that nobody says', () => {
  const planted = plant({ 'pages/a.tsx': "say('a'); word('role', x)", 'pages/text/en.ts': "'gone'" });
  expect(findUnusedKeys({ a: '', gone: '', roleViewer: '', roled: '' }, planted)).toEqual(['gone', 'roled']);
});

// Colors

type Theme = 'light' | 'dark';

/** Colors by name and theme. */
const readColors = (style: string): ReadonlyMap<string, Readonly<Record<Theme, string>>> =>
  new Map(
    [...style.matchAll(/--([a-z0-9-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g)].map(
      ([, name = '', light = '', dark = '']) => [name, { light, dark }],
    ),
  );

/** Relative luminance (WCAG 2.2). */
const luminance = (color: string): number => {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};

const contrast = (a: string, b: string): number => {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
};

const colors = readColors(readFileSync(join(root, 'pages/style/tokens.css'), 'utf8'));
const grounds = ['ground', 'surface'];
/** What is read on what, and how well it has to be told apart. */
const PAIRS: readonly (readonly [front: string, ground: string, least: number])[] = [
  ...['text', 'text-soft', 'text-faint', 'accent', 'ok', 'bad', 'warn', 'none'].flatMap((front) =>
    grounds.map((ground) => [front, ground, TEXT_CONTRAST] as const),
  ),
  ...['ok', 'bad', 'warn', 'none', 'accent'].map((front) => [front, `${front}-soft`, TEXT_CONTRAST] as const),
  ['on-accent', 'accent', TEXT_CONTRAST],
  ['text', 'sunken', TEXT_CONTRAST],
  ...['bad-soft', 'warn-soft', 'none-soft'].flatMap((ground) =>
    ['text', 'text-soft'].map((front) => [front, ground, TEXT_CONTRAST] as const),
  ),
  ...['control', 'ok-fill', 'bad-fill', 'warn-fill', 'none-fill'].flatMap((front) =>
    grounds.map((ground) => [front, ground, SHAPE_CONTRAST] as const),
  ),
  ...['1', '2', '3', '4', '5'].map((number) => [`series-${number}`, 'surface', SHAPE_CONTRAST] as const),
];

test.each(['light', 'dark'] as const)('colors that are read together can be told apart: %s', (theme) => {
  const faults = PAIRS.map(([front, ground, least]) => {
    const ratio = contrast(colors.get(front)?.[theme] ?? '#000000', colors.get(ground)?.[theme] ?? '#000000');
    return ratio < least ? `${front} on ${ground}: ${ratio.toFixed(2)} of ${least}` : '';
  });
  expect(faults.filter((fault) => fault !== '')).toEqual([]);
});

test('contrast() is that of WCAG', () => {
  expect(contrast('#ffffff', '#000000')).toBeCloseTo(21);
  expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.48, 2);
});

// The build

const folder = mkdtempSync(join(tmpdir(), 'cordon-pages-'));
beforeAll(() => buildPages(join(folder, 'pages')));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const readBuilt = (): ReadonlyMap<string, string> =>
  new Map(
    readdirSync(join(folder, 'pages'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => [entry.name, readFileSync(join(entry.parentPath, entry.name), 'utf8')]),
  );

test(`the pages are less than ${BYTES_MAX} bytes in all`, () => {
  // What the server draws with goes to no browser.
  const sent = [...readBuilt()].filter(([path]) => !path.endsWith('.mjs'));
  const bytes = sent.reduce((sum, [, text]) => sum + Buffer.byteLength(text), 0);
  expect(bytes).toBeGreaterThan(50_000);
  expect(bytes).toBeLessThan(BYTES_MAX);
});

/** Names of XML, and the page that a warning of the library for passkeys leads its developers to, are not loaded. */
const OUTSIDE = /https?:\/\/(?!www\.w3\.org\/|simplewebauthn\.dev\/docs\/)[a-z]/i;

/** What a strict policy forbids, and what leads out of the server. */
const findForbidden = (files: ReadonlyMap<string, string>): string[] => {
  const findings: string[] = [];
  for (const [name, text] of files) {
    const find = (pattern: RegExp, what: string): void => {
      if (pattern.test(text)) findings.push(`${name} ${what}`);
    };
    find(/\beval\(|new Function\(/, 'evaluates text');
    find(OUTSIDE, 'names an outside address');
    if (name.endsWith('.html')) {
      find(/<script(?![^>]*\bsrc=)/, 'has a script of its own');
      find(/<style|\sstyle=|\son[a-z]+=/, 'has a style or a handler of its own');
    }
    if (name.endsWith('.css')) find(/url\(|@import/, 'loads something');
  }
  return findings;
};

test('the pages have nothing inline and load nothing from outside', () => {
  expect(findForbidden(readBuilt())).toEqual([]);
});

test.each([
  ['a.js', 'eval(x)'],
  ['a.js', 'fetch("https://cdn.example/x")'],
  ['a.html', '<script>x</script>'],
  ['a.html', '<p style="x">'],
  ['a.css', '@import "x"'],
])('findForbidden() catches %s with %s', (name, text) => {
  expect(findForbidden(new Map([[name, text]]))).toHaveLength(1);
});
