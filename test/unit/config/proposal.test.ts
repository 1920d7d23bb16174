// What somebody proposes in place of a configuration file: what is withheld from the text, who has to confirm a change.
import { expect, test } from 'vitest';
import {
  type ConfigReach,
  configDifferences,
  noticeTexts,
  putBack,
  reachOf,
  setNoticeTexts,
  withhold,
} from '../../../src/config/config.ts';
import { configOf } from './support.ts';

const BASE = `
state: /state
lists:
  - { id: tiktok, shipped: tiktok, mandate: true }
  - { id: seen, shipped: tiktok, log-only: true }
  - { id: pass, shipped: tiktok, allow: true }
groups:
  - { name: default, lists: [tiktok] }
  - { name: lab, clients: ["192.0.2.0/25"], lists: [tiktok, seen] }
notice: { listen: ["127.0.0.1:8080"], text: { en: "Ask us." } }
compliance: { pause-max: 4h }
`;

test.each<[reach: ConfigReach, from: string, to: string]>([
  ['same', 'compliance: { pause-max: 4h }', '# another day\ncompliance: { pause-max: 240m }\ncache: {}'],
  ['tightens', 'pause-max: 4h', 'pause-max: 1h'],
  ['rules', 'pause-max: 4h', 'pause-max: 5h'],
  ['tightens', 'default, lists: [tiktok]', 'default, lists: [tiktok, seen]'],
  ['rules', 'default, lists: [tiktok]', 'default, lists: [tiktok, pass]'],
  ['rules', 'lists: [tiktok, seen]', 'lists: [tiktok]'],
  ['rules', 'lists: [tiktok, seen]', 'lists: [seen, tiktok]'],
  ['tightens', 'tiktok, log-only: true', 'tiktok, log-only: false'],
  ['rules', 'id: pass, shipped: tiktok, allow: true', 'id: pass, shipped: tiktok, log-only: true'],
  ['rules', 'Ask us.', 'Ask them.'],
  ['rules', 'notice:', 'upstreams: ["192.0.2.1"]\nnotice:'],
  ['rules', 'notice:', 'access: { allow: ["0.0.0.0/0"] }\nnotice:'],
  ['offices', 'notice:', 'control-room: { listen: "127.0.0.1:0" }\nnotice:'],
  ['offices', 'notice:', 'listen: { admin: null }\nnotice:'],
  ['offices', 'pause-max: 4h }', 'pause-max: 1h }\nname: other'],
  ['offices', 'state: /state', 'state: /elsewhere'],
  ['both', 'pause-max: 4h }', 'pause-max: 5h }\nname: other'],
  // In another order, another list decides: no key has another value.
  [
    'rules',
    '- { id: seen, shipped: tiktok, log-only: true }\n  - { id: pass, shipped: tiktok, allow: true }',
    '- { id: pass, shipped: tiktok, allow: true }\n  - { id: seen, shipped: tiktok, log-only: true }',
  ],
])('%s: %s → %s', (reach, from, to) => {
  const text = BASE.replace(from, to);
  expect(text).not.toBe(BASE);
  expect(reachOf(configOf(BASE), configOf(text))).toBe(reach);
  const { differences } = configDifferences(configOf(BASE), configOf(text));
  expect(differences.length > 0).toBe(reach !== 'same');
});

test('whoever confirms reads whole values, also of two that go by one name; the record has them cut', () => {
  const record = (end: string): string => `{ owner: a.test, type: TXT, data: '"${'x'.repeat(200)}${end}"' }`;
  const records = (...ends: string[]): string => `${BASE}local: { records: [${ends.map(record).join()}] }`;
  const between = (options?: object) =>
    configDifferences(configOf(records('1', '2')), configOf(records('3', '2')), options).differences;
  expect(between({ lengthMax: 1_000 }).map(({ from, to }) => [from?.slice(-2), to?.slice(-2)])).toEqual([
    ['1"', '3"'],
  ]);
  expect(between().map(({ to }) => to?.length)).toEqual([160]);
});

test('what addresses may hold is withheld, in comments and in files that are no YAML as well', () => {
  const text = `
# was: https://ann:pw@lists.example/a?key=1
url: "https://lists.example/a.txt?key=1#part"
webhook: https://hooks.example/T1/B2
broken: [ "https://x.example/?key=1"
`;
  expect(withhold(text)).toBe(`
# was: https://***@lists.example/a?***
url: "https://lists.example/a.txt?***#part"
webhook: https://hooks.example/***
broken: [ "https://x.example/?***"
`);
  // No text keeps it busy: 250,000 characters that could begin an address anywhere.
  expect(withhold('a.'.repeat(125_000))).toHaveLength(250_000);
  expect(withhold('a://'.repeat(60_000)).length).toBeGreaterThan(0);
});

test('what comes back is put back where it was, also when lines moved; and nowhere else', () => {
  const text = `lists:\n  - url: https://a.example/x?key=1\n  - url: https://a.example/x?key=2\n  - url: https://b.example/y?key=3\n`;
  const moved = withhold(text).replace('lists:', '# new\nlists:');
  const { problems, text: back } = putBack('f', moved, text);
  expect(back).toContain('b.example/y?key=3');
  // Two that look the same are told apart by nobody.
  expect(problems.map(({ line, path }) => [line, path])).toEqual([
    [3, 'lists[0].url'],
    [4, 'lists[1].url'],
  ]);
});

test('paragraphs of the notice are written into the text, and the rest of it stays as it is', () => {
  const texts = { en: 'Call *us*: 1', fr: 'Appelez "nous"', nl: '', de: '' };
  const all = setNoticeTexts(`# head\n${BASE}`, undefined, texts) ?? '';
  expect(all).toContain('# head\n');
  expect(noticeTexts(configOf(all))[0]).toEqual({
    group: null,
    texts: { en: 'Call *us*: 1', fr: 'Appelez "nous"' },
  });
  const lab = setNoticeTexts(BASE, 'lab', texts) ?? '';
  expect(noticeTexts(configOf(lab)).map((one) => Object.keys(one.texts))).toEqual([['en'], [], ['en', 'fr']]);
  const none = setNoticeTexts(lab, 'lab', { en: '', fr: '', nl: '', de: '' }) ?? '';
  expect(none).not.toContain('Appelez');
  expect(noticeTexts(configOf(none))[2]).toEqual({ group: 'lab', texts: {} });
  expect(setNoticeTexts(BASE, 'nobody', texts)).toBeUndefined();
  expect(setNoticeTexts('agency: A\n', undefined, texts)).toBeUndefined();
  expect(setNoticeTexts('a: [', undefined, texts)).toBeUndefined();
});
