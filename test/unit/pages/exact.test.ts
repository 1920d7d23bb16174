// What a second person confirms, and what is told once, stands on the page whole: nothing is cut, nothing hides in it, and what is
// old does not look new.
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { Fault } from '../../../pages/api/client.ts';
import { en } from '../../../pages/text/en.ts';
import { drawIn, from } from './drawn.ts';

const Asked = await from('acts/acts', 'Asked');
const CameOf = await from('acts/acts', 'CameOf');
const Loaded = await from('parts/panel', 'Loaded');
const Compare = await from('lists/held', 'Compare');
const Differences = await from('settings/proposal', 'Differences');

const draw = (component: Parameters<typeof drawIn>[1], props: object): string =>
  drawIn({ language: 'en', texts: en }, component, props);
const asked = (operation: string, body: object): string =>
  draw(Asked, {
    waiting: {
      ...{ id: 'a-1', operation, body, parameters: {}, by: 'A. Administrator', reason: 'ticket \u202E4711' },
      ...{ askedAt: '2026-12-01T10:00:00Z', expiresAt: '2026-12-02T10:00:00Z' },
    },
  });

test('an overlay is confirmed with its last line, its line ends, and what nobody would see', () => {
  const comments = '# See the ticket for the plan of addresses and for who is in charge of them.\n'.repeat(
    64,
  );
  const end = 'compliance:\r\n\tout-of-scope: true\n';
  const html = asked('setOverlay', {
    for: 'all',
    yaml: `${comments}# \u2067off\u200B\u200B\r${end}`,
    reason: 'x',
  });
  expect(comments.length).toBeGreaterThan(4_000);
  expect(html).toContain(comments);
  expect(html).toContain(`# <mark>U+2067</mark>off<mark>U+200B×2</mark><mark>U+000D</mark>${end}</code>`);
  expect(html).toContain('ticket <mark>U+202E</mark>4711');
  // What scrolls is reached with the keyboard, and has a name.
  expect(html).toMatch(/<section class="exact" tabindex="0" aria-label="a-1 yaml">/);
  // Taking an overlay away is seen as well.
  expect(asked('setOverlay', { for: 'all', yaml: '' })).toContain('<code class="exact">&quot;&quot;</code>');
});

test('what is told once is told whole: a link, a token and pseudonyms, each by itself', () => {
  const url = `https://cordon.dgfip.finances.example.fr/setup#${randomBytes(32).toString('base64url')}`;
  const name = 'Jean-Baptiste de Villeneuve-Bargemon';
  const roles = ['viewer', 'help-desk', 'operator', 'auditor'];
  const added = {
    person: { name, roles, lastSignInAt: null },
    link: { url, expiresAt: '2026-12-02T10:00:00Z' },
  };
  const html = draw(CameOf, { operation: 'addPerson', result: added });
  expect(html).toContain(`<dt><code>link.url</code></dt><dd><code class="exact">${url}</code></dd>`);
  expect(html).toContain(`<code class="exact">${roles.join('\n')}</code>`);
  const pseudonyms = Array.from({ length: 7 }, () => randomBytes(100).toString('base64url'));
  const listed = draw(CameOf, { operation: 'listPseudonyms', result: { pseudonyms } });
  expect(listed).toContain(pseudonyms.join('\n'));
});

test('queries of a client say how far back they came', () => {
  const query = { time: '2026-12-01T10:00:00.000Z', name: 'a.example', type: 'A', rcode: 'NOERROR' };
  const html = draw(CameOf, {
    operation: 'searchQueriesOf',
    result: {
      queries: Array.from({ length: 100 }, () => query),
      end: 'rows',
      readBackTo: query.time,
      unread: 3,
    },
  });
  expect(html.match(/a\.example A NOERROR/g)).toHaveLength(100);
  expect(html).toContain('Read back to');
});

test('what a draft changes is whole; where keys are not listed, the text is', () => {
  const to = `${'a.example, '.repeat(60)}\u202Ez.example`;
  const checked = {
    ...{ differences: [{ key: 'groups[lab].clients', from: null, to }], more: 0, text: 'the: whole text\n' },
    ...{ lifts: [], restart: [] },
  };
  const html = draw(Differences, { checked });
  expect(html).toContain(`${'a.example, '.repeat(60)}<mark>U+202E</mark>z.example`);
  expect(html).not.toContain('the: whole text');
  expect(draw(Differences, { checked: { ...checked, more: 12 } })).toMatch(/12 keys .*the: whole text/s);
});

test('a difference that is not known is not one of nothing', () => {
  const list = { inForce: { entries: 100, sha256: 'a'.repeat(64) } };
  const other = { entries: 60, sha256: 'b'.repeat(64), since: '2026-12-01T10:00:00Z' };
  const difference = { added: { count: 0 }, removed: { count: 40 } };
  expect(draw(Compare, { list, other, difference, isHeld: true })).toContain('−40');
  expect(draw(Compare, { list, other, difference: undefined, isHeld: true })).not.toMatch(/[−+]0/);
});

test('what could not be read anew is said above what was read before', () => {
  const data = { value: 'approved yesterday', fault: undefined, reload: () => undefined };
  const children = (value: string): string => value;
  expect(draw(Loaded, { data, children })).toBe('approved yesterday');
  const failing = { ...data, fault: new Fault(503, '', 'reading what waits: the disk is full') };
  expect(draw(Loaded, { data: failing, children })).toMatch(/role="alert".*approved yesterday$/s);
});
