// Records, acts and faults in the words of the reader: nothing that the program writes is left without words in a language,
// and what was refused never reads like what was granted.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { faultText, heldText, problemText } from '../../../pages/parts/fault-text.ts';
import type { Speech } from '../../../pages/parts/speech.ts';
import { personIn, toldOf } from '../../../pages/parts/told.ts';
import { de } from '../../../pages/text/de.ts';
import { en } from '../../../pages/text/en.ts';
import { createFormat } from '../../../pages/text/format.ts';
import { fr } from '../../../pages/text/fr.ts';
import { nl } from '../../../pages/text/nl.ts';
import { type Key, type Language, plainText, type Texts } from '../../../pages/text/text.ts';
import { SHIPPED_PROFILES } from '../../../src/evidence/exemptions/profile-shipped.ts';
import { RECORD_EVENTS } from '../../../src/evidence/records/record-schema.ts';
import { REPORT_TEXTS } from '../../../src/evidence/report/texts/dictionaries.ts';
import { ALL_OPERATIONS } from '../../../src/people/admin/admin.ts';
import { NOT_ENFORCING_CAUSES } from '../../../src/telemetry/enforcement/enforcement.ts';

const LANGUAGES: readonly (readonly [Language, Texts])[] = [
  ['en', en],
  ['fr', fr],
  ['nl', nl],
  ['de', de],
];

const keyOf = (prefix: string, word: string): string =>
  prefix + word.replace(/(?:^|[-_ .])([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

const speechOf = (language: Language, texts: Texts): Speech => {
  const format = createFormat(language);
  return {
    ...{ language, format },
    say: (key, ...[values]) => plainText(texts[key], language, values ?? {}, format.number),
    word: (prefix, word) => texts[keyOf(prefix, word) as Key] ?? word,
  };
};

const APPROVAL = { kind: 'admin', action: 'room-approveExemption', by: 'P. Approver', reason: 'yes' };
const detail = (status: number) => ({ status, parameters: { id: 'ex-000001' }, roles: ['approver'] });

describe.each(LANGUAGES)('in %s', (language, texts) => {
  const speech = speechOf(language, texts);

  test('an approval that was refused reads otherwise than one that was granted', () => {
    const told = (status: number) => toldOf(speech, { ...APPROVAL, detail: detail(status) });
    expect(told(200)).toMatchObject({ outcome: 'done', subject: 'ex-000001', by: 'P. Approver' });
    expect([told(422), told(403), told(409)].map(({ outcome }) => outcome)).toEqual(
      new Array(3).fill('refused'),
    );
    expect(told(202).outcome).toBe('waiting');
    expect(texts.outcomeDone).not.toBe(texts.outcomeRefused);
  });

  test('every act that is recorded has words', () => {
    const acts = ALL_OPERATIONS.filter(
      ([, { method, subject }]) => method === 'POST' && subject !== 'session',
    );
    expect(acts.length).toBeGreaterThan(30);
    expect(acts.filter(([name]) => speech.word('op', name) === name).map(([name]) => name)).toEqual([]);
  });

  test('every event that is recorded has words, and so has every cause', () => {
    // Acts are said by what was done: above.
    const events = RECORD_EVENTS.filter(({ kind }) => kind !== 'admin');
    expect(events.length).toBeGreaterThan(50);
    const unsaid = events.filter(({ kind, event }) => {
      const { what } = toldOf(speech, { kind, event, outcome: 'enforced', state: 'enforced' });
      return what === '' || what.startsWith(event === '' ? kind : `${kind}-`);
    });
    expect(unsaid).toEqual([]);
    expect(NOT_ENFORCING_CAUSES.filter((cause) => !(keyOf('cause', cause) in texts))).toEqual([]);
  });

  test('the grounds of the profiles that ship have words', () => {
    const grounds = [...SHIPPED_PROFILES.values()].flatMap((profile) => profile.grounds.map(({ id }) => id));
    expect(grounds.filter((id) => !(keyOf('grounds', id) in texts))).toEqual([]);
  });

  test('why a content is held has words, with what the program saw behind them', () => {
    const codes = [
      ...(readFileSync('src/policy/lists/review.ts', 'utf8')
        .split('export type ReviewCode =')[1]
        ?.split(';')[0]
        ?.matchAll(/'([a-z-]+)'/g) ?? []),
    ].map(([, code = '']) => code);
    expect(codes.length).toBeGreaterThan(8);
    expect(codes.filter((code) => heldText(speech, `${code}: saw`).startsWith(code))).toEqual([]);
    expect(heldText(speech, 'of-later: saw')).toBe('of-later: saw');
  });

  test('whose file it is names nobody: no path and no number of a user', () => {
    const by = 'not known; /etc/cordon/cordon.yaml belongs to root (uid 0)';
    for (const text of [personIn(speech, by), toldOf(speech, { ...APPROVAL, by }).by])
      expect(text).not.toMatch(/[/]|uid|root/);
    expect(personIn(speech, null)).toBe('Cordon');
  });

  test('a code has a sentence; where there is none, the sentence is general', () => {
    const codes = [...readFileSync('docs/errors.md', 'utf8').matchAll(/^\| `(ERR_ROOM_\w+)`/gm)].map(
      ([, code = '']) => code,
    );
    // These end the start of the room: no page is there that could show them.
    const shown = codes.filter((code) => !/LISTEN|STORE|SECRET/.test(code));
    expect(shown.length).toBeGreaterThan(10);
    const general = faultText(speech, { status: 409, code: 'ERR_OF_ANOTHER_VERSION' });
    expect(shown.filter((code) => faultText(speech, { status: 409, code }) === general)).toEqual([]);
    expect(faultText(speech, { status: 400, code: '' })).toBe(texts.faultForm);
    expect(problemText(speech, { code: 'ERR_EXEMPTION_MISSING', text: 'is empty' })).toContain('is empty');
  });
});

/** What else an exemption could be called; where two words are in use, readers look for two things. */
const OTHER_WORDS: Readonly<Record<string, RegExp>> = {
  en: /\bpapers?\b|waiver|derogation/i,
  fr: /dispense|exemption(?!s: )|exonération/i,
  nl: /vrijstelling|uitzondering(?!en openen)|dispensatie/i,
  de: /befreiung|freistellung|ausnahmegenehmigung|dispens/i,
};

const textsIn = (value: unknown): string[] =>
  typeof value === 'string'
    ? [value]
    : typeof value === 'object' && value !== null
      ? Object.values(value).flatMap(textsIn)
      : [];

test.each(LANGUAGES)('in %s an exemption has one name, on pages and in reports', (language, texts) => {
  const said = [...textsIn(texts), ...textsIn(REPORT_TEXTS[language])];
  // Keys of the configuration are words of the program.
  const words = said.map((text) => text.replace(/\{\w+|\b[a-z]+\.[a-z.-]+/g, ''));
  expect(words.filter((text) => OTHER_WORDS[language]?.test(text))).toEqual([]);
});
