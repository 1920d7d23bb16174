// The page of the notice: its languages, and that no text of an operator or a record becomes markup.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LANGUAGES } from '../../../src/base/words/words.ts';
import {
  chooseLanguage,
  type NoticeFacts,
  type NoticeSetting,
  toNoticePage,
} from '../../../src/people/notice/page.ts';

const SETTING: NoticeSetting = {
  agency: 'Agency',
  languages: LANGUAGES,
  contact: ['tel:+1-202-555-0100'],
  exemptions: 'https://intranet.example/',
  text: {},
  recorded: { identity: 'pseudonym', keptMs: 558 * 86_400_000 },
};
const FACTS: NoticeFacts = {
  name: 'www.tiktok.com',
  decision: 'Council, Circular 7',
  isMandate: true,
  group: 'lab',
  reference: '7Q4K-M2',
  nowMs: Date.parse('2026-11-25T14:31:52Z'),
};

test.each([
  ['en', 'kept for 18 months', '25 November 2026'],
  ['fr', 'conservés pendant 18 mois', '25 novembre 2026'],
  ['nl', '18 maanden bewaard', '25 november 2026'],
  ['de', '18 Monate lang', '25. November 2026'],
] as const)('in %s, what is recorded and when stands in its words', (language, kept, date) => {
  const page = toNoticePage(SETTING, FACTS, language);
  expect(page).toContain(`<html lang="${language}">`);
  expect(page).toContain(kept);
  expect(page).toContain(date);
  expect(page.match(/<details /g)).toHaveLength(3);
});

test.each([
  [undefined, 'fr'],
  ['', 'fr'],
  ['ja, zh;q=0.5', 'fr'],
  ['nl-BE', 'nl'],
  ['en;q=0.1, de;q=0.9', 'de'],
  ['de;q=0, en', 'en'],
  ['*', 'fr'],
  ['EN-us', 'en'],
  [`${'x,'.repeat(5_000)}de`, 'fr'],
])('chooseLanguage() of %j is %s', (header, expected) => {
  expect(chooseLanguage(header, ['fr', 'en', 'de', 'nl'])).toBe(expected);
});

test('no text becomes markup', () => {
  const plain = toNoticePage({ ...SETTING, text: { en: 'x' } }, FACTS, 'en').split('<').length;
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
      const shown = text.replace(/[.@]/g, 'x');
      const page = toNoticePage(
        { ...SETTING, agency: shown, text: { en: shown } },
        { ...FACTS, decision: shown, group: shown },
        'en',
      );
      expect(page.split('<').length).toBe(plain);
      expect(page).not.toContain('\u202e');
    }),
    { numRuns: 200 },
  );
});
