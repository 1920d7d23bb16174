// Records, acts and faults in the words of the reader: nothing that the program writes is left without words in a language,
// and what was refused never reads like what was granted.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { heldText } from '../../../pages/parts/held-text.ts';
import { personIn, toldOf } from '../../../pages/parts/told.ts';
import { SHIPPED_PROFILES } from '../../../src/evidence/exemptions/profile-shipped.ts';
import { RECORD_EVENTS } from '../../../src/evidence/records/record-schema.ts';
import { REPORT_TEXTS } from '../../../src/evidence/report/texts/dictionaries.ts';
import { ALL_OPERATIONS } from '../../../src/people/admin/admin.ts';
import { type Candidate, type ReviewFacts, review } from '../../../src/policy/lists/review.ts';
import { NOT_ENFORCING_CAUSES } from '../../../src/telemetry/enforcement/enforcement.ts';
import { keyOf, SPEECHES } from './speech.ts';

const FACTS: ReviewFacts & { readonly sha256: string } = {
  ...{ entries: 400, exceptions: 0, rejected: 0, guarded: 0, sizeBytes: 900, sha256: 'a' },
  ...{ isMarkup: false, endsInLineBreak: true, isLengthKnown: true },
};

/** Every reason that a review has, as it writes them; those of other files are written here as these write them. */
const heldReasons = (): string[] => {
  const held = (change: Partial<Candidate>, dismissed: readonly string[] = []): string[] =>
    review(FACTS, { ...FACTS, ...change }, undefined, { dismissed }).reasons.map(
      ({ code, text }) => `${code}: ${text}`,
    );
  const exceptions = (text: string): string[] => held({ newExceptions: { count: 3, text } });
  return [
    ...held({ entries: 0 }),
    ...held({ entries: 0, exceptions: 3 }),
    ...held({ rejected: 300 }),
    ...held({ entries: 90 }),
    ...held({ entries: 990 * 2 }).map((text) => text.replace('1980', '990')),
    ...held({ guarded: 2 }),
    ...held({ isMarkup: true }),
    ...held({ endsInLineBreak: false, isLengthKnown: false }),
    ...held({}, ['a']),
    ...exceptions('other exceptions than before, and more than anybody can be told of'),
    ...exceptions('1 new exception (a.example), opens no name that a list refuses now'),
    ...exceptions(
      '9 new exceptions (a.example, b.example, and 7 more), opens 1 name of tiktok (a.example), opens 2 names of order (a.example, b.example), mail refuses c.example, d.example all the same',
    ),
    'older: its latest review is of 2026-01-02, that of what is in force of 2026-03-04',
    'older: its latest review is of no day, that of what is in force of 2026-03-04',
  ];
};
/** Words of lists above, and those that another language has as well. */
const ALIKE: ReadonlySet<string> = new Set(['tiktok', 'order', 'mail', 'bytes', 'exceptions', 'exception']);

const APPROVAL = { kind: 'admin', action: 'room-approveExemption', by: 'P. Approver', reason: 'yes' };
const detail = (status: number) => ({ status, parameters: { id: 'ex-000001' }, roles: ['approver'] });

describe.each(SPEECHES)('in %s', (language, speech, texts) => {
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

  test.skipIf(language === 'en')('what the program saw of a held content is said too, but for names', () => {
    const reasons = heldReasons();
    const codes = new Set(reasons.map((reason) => reason.split(':')[0]));
    expect(codes.size).toBe(10);
    for (const reason of reasons) {
      const said = heldText(speech, reason);
      const [, told = ''] = /\((.*)\)\.$/.exec(said) ?? [];
      // Shorter ones are words of several languages.
      const saw = reason.replace(/^[a-z-]+: /, '').replace(/\w+\.example/g, '');
      const words = saw.match(/[a-z]{4,}/g) ?? [];
      const left = words.filter((word) => !ALIKE.has(word) && new RegExp(`\\b${word}\\b`).test(told));
      expect([reason, said, left]).toEqual([reason, said, []]);
      // No figure is lost.
      for (const figure of reason.match(/\d{4}-\d\d-\d\d|\d+/g) ?? []) expect(said).toContain(figure);
    }
  });

  test('whose file it is names nobody: no path and no number of a user', () => {
    const by = 'not known; /etc/cordon/cordon.yaml belongs to root (uid 0)';
    for (const text of [personIn(speech, by), toldOf(speech, { ...APPROVAL, by }).by])
      expect(text).not.toMatch(/[/]|uid|root/);
    expect(personIn(speech, null)).toBe('Cordon');
  });
});

/** What else an exemption, or a record in Dutch, could be called; where two words are in use, readers look for two things. */
const OTHER_WORDS: Readonly<Record<string, RegExp>> = {
  en: /\bpapers?\b|waiver|derogation/i,
  fr: /dispense|exemption(?!s: )|exonération/i,
  nl: /vrijstelling|uitzondering(?!en openen)|dispensatie|vastlegging/i,
  de: /befreiung|freistellung|ausnahmegenehmigung|dispens/i,
};

const textsIn = (value: unknown): string[] =>
  typeof value === 'string'
    ? [value]
    : typeof value === 'object' && value !== null
      ? Object.values(value).flatMap(textsIn)
      : [];

test.each(SPEECHES)(
  'in %s an exemption has one name, and a record, on pages and in reports',
  (language, _, texts) => {
    const said = [...textsIn(texts), ...textsIn(REPORT_TEXTS[language])];
    // Keys of the configuration are words of the program.
    const words = said.map((text) => text.replace(/\{\w+|\b[a-z]+\.[a-z.-]+/g, ''));
    expect(words.filter((text) => OTHER_WORDS[language]?.test(text))).toEqual([]);
  },
);
