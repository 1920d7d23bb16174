// Pages in German, French and Dutch show no English of the service: what it says itself stands folded away and marked as English,
// and a machine's word (a path, a name, an answer) is marked as code. The real components draw; only the data is written here.
import { describe, expect, test } from 'vitest';
import { Fault } from '../../../pages/api/client.ts';
import {
  FLEET_NEEDS,
  HEALTH_ISSUE_IDS,
  REASONS,
  type ReasonId,
  reasonText,
} from '../../../src/base/words/words.ts';
import { readSources } from '../../tidy/sources.ts';
import { type Component, drawIn, from } from './drawn.ts';
import { SPEECHES } from './speech.ts';

const FaultNote = await from('parts/panel', 'FaultNote');
const HeadlinePanel = await from('overview/headline', 'HeadlinePanel');
const MandatesPanel = await from('overview/mandates', 'MandatesPanel');
const Matrix = await from('proof/proof', 'Matrix');
const NeedsPanel = await from('overview/needs', 'NeedsPanel');
const NetworksPanel = await from('overview/networks', 'NetworksPanel');
const NeedText = await from('resolvers/need-text', 'NeedText');
const Proposal = await from('settings/proposal', 'Proposal');
const ServiceText = await from('parts/service-text', 'ServiceText');
const Why = await from('lists/one-list', 'Why');
const { lastWordMs, state } = (await import(
  new URL('../../../pages/parts/room.ts', import.meta.url).href
)) as Readonly<Record<'lastWordMs' | 'state', { set(value: unknown): void }>>;

/** What a reader sees at once, without what is marked as the words of the program or of a machine. */
const seen = (html: string): string =>
  html
    .replace(/<details class="raw">.*?<\/details>/gs, ' ')
    .replace(/<(code|cite)\b[^>]*>.*?<\/\1>/gs, ' ')
    .replace(/<[^>]+>/g, ' ')
    .replace(/&quot;|&amp;/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();

/** Values in reasons; none is a word. */
const VALUES = {
  ...{
    count: 3,
    of: 9,
    groups: 'lab-1',
    lists: 'l-1',
    status: 503,
    seconds: 60,
    path: '/x',
    owner: 0,
    own: 977,
    file: '/y',
  },
  ...{ rest: 'PLANTED words of a system', why: reasonText('own-keys') },
} as const;
/** What no page knows, and every reason that there is. */
const PLANTED = 'PLANTED words that the service wrote';
const TEXTS = [PLANTED, ...(Object.keys(REASONS) as ReasonId[]).map((id) => reasonText(id, VALUES))];
const WORD = /\p{L}+/gu;
/** Three words in a row are a sentence: single ones are the same in several languages. */
const TOGETHER = 3;

/** What of an English text a reader of another language would see. */
const leftOf = (english: string, html: string): string[] => {
  // A name in all languages; commands, keys and sources.
  const words =
    english
      .replace(/DNS over QUIC|"[^"]+"|\([^)]*\)/g, '')
      .toLowerCase()
      .match(WORD) ?? [];
  const shown = ` ${(seen(html).toLowerCase().match(WORD) ?? []).join(' ')} `;
  return words
    .slice(0, 1 - TOGETHER)
    .map((_, index) => words.slice(index, index + TOGETHER).join(' '))
    .filter((some) => shown.includes(` ${some} `));
};

const NETWORK = {
  ...{ group: 'lab-1', state: 'enforced', inForce: true, inScope: true, prefixes: [], refusedToday: 0 },
  ...{ clientsToday: null, exempt: 0, strip: [] },
};
const proof = (reason: string) => ({ state: 'unasked', time: null, leakedNames: 0, examples: [], reason });
const STRIP = { from: '2026-11-25T00:00:00Z', to: '2026-11-26T00:00:00Z', spans: [] };
const need = (kind: string, text: string) => ({
  kind,
  subject: 'x-1',
  to: '/',
  text,
  since: null,
  due: null,
});

describe.each(SPEECHES.filter(([language]) => language !== 'en'))('in %s', (language, _, texts) => {
  const draw = (component: Component, props: object): string => drawIn({ language, texts }, component, props);

  test.each(TEXTS)('of "%s" nothing is seen in English', (text) => {
    lastWordMs.set(Date.now());
    state.set({
      ...{ time: STRIP.to, strip: STRIP, counts: { networks: 1 } },
      headline: { state: 'unrecorded', cause: 'lost', sinceTime: null, lists: [], todo: text },
    });
    const drawn = [
      draw(HeadlinePanel, {}),
      draw(ServiceText, { text }),
      draw(Why, { action: 'rejected', by: 'review', reason: text }),
      draw(MandatesPanel, {
        networks: 1,
        mandates: [
          {
            ...{
              id: 'm-1',
              title: '',
              standing: 'in-force',
              isUnread: false,
              reaches: { whole: 0, part: 1, none: 0 },
            },
            networks: [{ group: 'lab-1', reach: 'part', why: text }],
          },
        ],
      }),
      draw(NetworksPanel, {
        known: { networks: [{ ...NETWORK, proof: proof(text) }], strip: STRIP, counts: { networks: 1 } },
      }),
      draw(Matrix, { run: { run: 1, results: [], unasked: [{ view: 'group:lab-1', reason: text }] } }),
    ];
    for (const html of drawn) expect(leftOf(text, html)).toEqual([]);
    // It is not thrown away either: what is not said anew is there to be passed on, and marked.
    if (text === PLANTED)
      for (const html of drawn)
        expect(html).toMatch(/<details class="raw"><summary[^>]*>[^<]+<\/summary><p lang="en">PLANTED/);
  });

  test('of a fault, its problems and its hint', () => {
    const problem = { code: 'ERR_EXEMPTION_FIELD', field: 'until', text: PLANTED, hint: PLANTED };
    for (const code of ['', 'ERR_ROOM_PEOPLE', 'ERR_OF_ANOTHER_VERSION', 'ERR_LIST_FETCH'])
      for (const status of [400, 403, 409, 500, 503]) {
        const html = draw(FaultNote, { fault: new Fault(status, code, PLANTED, PLANTED, [problem]) });
        expect(leftOf(PLANTED, html)).toEqual([]);
        expect(html.match(/PLANTED/g)).toHaveLength(4);
        expect(html).not.toContain('<details class="raw" open');
      }
  });

  test.each([...HEALTH_ISSUE_IDS, 'act-waiting', 'exemption-waiting', 'break-glass', 'of-a-later-version'])(
    'of the issue %s',
    (kind) => {
      for (const one of kind === 'resolver-trouble' ? FLEET_NEEDS : [''])
        expect(
          leftOf(
            PLANTED,
            draw(NeedsPanel, {
              needs: [need(kind, one === '' ? PLANTED : `${one}: ${PLANTED}`)],
              ...{ counts: [], headline: 'in-force' },
            }),
          ),
        ).toEqual([]);
    },
  );

  test.each(FLEET_NEEDS)('of a resolver that is %s', (kind) => {
    for (const text of [PLANTED, `tiktok: ${PLANTED} [ERR_FLEET_APPLY]`])
      expect(leftOf(text, draw(NeedText, { need: { kind, text, since: null, count: 1 } }))).toEqual([]);
  });

  test('of a configuration', () => {
    const at = { line: 3, column: 1, path: 'lists[0].id', variable: null };
    const problems = ['ERR_CONFIG_VALUE', 'ERR_EXEMPTION_PROFILE', 'ERR_OF_ANOTHER_VERSION'].map((code) => ({
      ...{ ...at, code, text: PLANTED, hint: PLANTED },
    }));
    const checked = {
      draft: null,
      base: null,
      text: '',
      problems,
      differences: [],
      more: 0,
      restart: [],
      lifts: [],
      confirm: null,
    };
    const html = draw(Proposal, { checked, isWritable: true, onDone: () => undefined });
    expect(leftOf(PLANTED, html)).toEqual([]);
    expect(html.match(/<p lang="en">PLANTED/g)).toHaveLength(3);
  });
});

test('leftOf() catches a text that is drawn as it came', () => {
  expect(leftOf(PLANTED, `<td><span lang="en">${PLANTED}</span></td>`)).not.toEqual([]);
  expect(leftOf(PLANTED, `<details class="raw"><p lang="en">${PLANTED}</p></details>`)).toEqual([]);
});

// What no test draws: the source itself.

/** Members of what the server sends that hold its own words, by their last name. */
const OWN_WORDS =
  'about|detail|fault|findings|hint|lastFailure|message|notes|problem|reason|text|title|todo|why';

/** Places where such a name holds a person's words, a name, or a text of the pages. */
const OTHERS: readonly string[] = [
  'pages/health/health.tsx: title',
  'pages/lists/held.tsx: text',
  // An address.
  'pages/lists/lists.tsx: release.notes',
  'pages/lists/one-list.tsx: reason',
  'pages/look-up/explained.tsx: text',
  'pages/overview/headline.tsx: title',
  // A title of law, as a tip.
  'pages/overview/mandates.tsx: one.title',
  'pages/overview/needs.tsx: time.text',
  'pages/proof/records.tsx: reason',
  'pages/refusals/refusals.tsx: title',
  'pages/settings/configuration.tsx: reason',
  'pages/settings/people.tsx: hint',
  'pages/shell/shell.tsx: shown.text',
  'pages/shell/side.tsx: sentence.title',
];

/** Places of pages that put a text of the service before readers as it is, or mark something as English beside the one component. */
const findRaw = (sources: ReadonlyMap<string, string>): string[] =>
  // Parts say what pages give them.
  [...sources]
    .filter(([path]) => !path.startsWith('pages/parts/'))
    .flatMap(([path, source]) => {
      const shown = source.replace(/<(code|cite)\b[^>]*>\s*\{[^{}]*\}\s*<\/\1>/g, '');
      const name = `((?:[\\w.?!]+\\.)?(?:${OWN_WORDS}))(?: \\?\\? '')?`;
      const children = shown.matchAll(new RegExp(`(?<![=\\w$(])\\{${name}\\}`, 'g'));
      const attributes = shown.matchAll(
        new RegExp(`\\b(?:aside|beside|hint|label|legend|title)=\\{${name}\\}`, 'g'),
      );
      const marked = shown.matchAll(/<(?!code|cite)\w+[^<>]*? lang="en"/g);
      return [
        ...[...children, ...attributes].map(([, found]) => `${path}: ${found}`),
        ...[...marked].map(([text]) => `${path}: ${text.replace(/\s+/g, ' ')}`),
      ];
    });

test('no page shows words of the service but by the component for it', () => {
  const found = findRaw(readSources('pages', ['.tsx']));
  expect(found.filter((place) => !OTHERS.includes(place))).toEqual([]);
  expect(OTHERS.filter((place) => !found.includes(place))).toEqual([]);
});

test('findRaw() catches a detail that is printed as it is', () => {
  const page =
    '<p title={why}>{fault.detail} {say(x.text)}</p><i lang="en">{x}</i><code lang="en">{x.text}</code>';
  const found = findRaw(new Map([['pages/a.tsx', page]]));
  expect(found).toEqual(['pages/a.tsx: fault.detail', 'pages/a.tsx: why', 'pages/a.tsx: <i lang="en"']);
});
