// Feeds in the configuration: which lists come from them, and what does not fit together.
import { expect, test } from 'vitest';
import { effectiveConfig, formatProblem, loadConfig } from '../../../src/config/config.ts';
import { configOf, FACTS, loadText } from './support.ts';

const ROOT = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const PROJECT = `{ id: project, url: "https://lists.example.com/feed/", root: ${ROOT} }`;
const AGENCY = `{ id: agency, url: "https://lists.agency.example/", root: ${ROOT}, refresh: 5m, shipped: false }`;

test('one line, and shipped lists come from the feed; what has another source does not', () => {
  const { lists } = configOf(`feeds: [${PROJECT}]\nextra-lists: [{ id: own, file: own.txt }]`);
  expect(
    lists.map(({ id, source }) => [id, source.kind, 'feed' in source ? source.feed : undefined]),
  ).toEqual([
    ['tiktok', 'url', 'project'],
    ['bytedance-backend', 'url', 'project'],
    ['own', 'file', undefined],
  ]);
  expect(lists[0]?.source).toMatchObject({
    ...{ url: 'https://lists.example.com/feed/', shipped: 'tiktok', target: 'tiktok.yaml' },
    ...{ format: 'cordon', refreshMs: 3_600_000 },
  });
});

test('two feeds beside each other: shipped lists from the first that has them, others from the one that they name', () => {
  const { lists } = configOf(`
feeds: [${AGENCY}, ${PROJECT}]
extra-lists:
  - { id: own, feed: agency }
  - { id: made, feed: agency, format: cordon }
  - { id: capcut-lemon8, shipped: capcut-lemon8, feed: agency }`);
  const facts = lists.map(({ id, source }) =>
    source.kind === 'url' ? [id, source.feed, source.target, source.refreshMs / 60_000] : [id],
  );
  expect(facts).toEqual([
    ['tiktok', 'project', 'tiktok.yaml', 60],
    ['bytedance-backend', 'project', 'bytedance-backend.yaml', 60],
    ['own', 'agency', 'own.txt', 5],
    ['made', 'agency', 'made.yaml', 5],
    ['capcut-lemon8', 'agency', 'capcut-lemon8.yaml', 5],
  ]);
});

test('the configuration in force says which list comes from which feed, and reads the same again', () => {
  const config = configOf(`feeds: [${PROJECT}]`);
  const text = effectiveConfig(config);
  expect(text).toContain('feed: project');
  expect(configOf(text)).toEqual(config);
});

test.each([
  ['extra-lists: [{ id: own, feed: project }]', 'no feed has the id "project"; write "feeds"'],
  [`feeds: [${PROJECT}]\nextra-lists: [{ id: own, feed: projekt }]`, 'project'],
  [`feeds: [${PROJECT}, ${PROJECT}]`, '"project" is the id already'],
  [
    `feeds: [${PROJECT}]\nextra-lists: [{ id: own, feed: project, file: own.txt }]`,
    'has more than one source',
  ],
  [`feeds: [${PROJECT}]\nextra-lists: [{ id: own, feed: project, refresh: 4h }]`, 'is what the feed says'],
  [
    `feeds: [${PROJECT}]\nextra-lists: [{ id: own, feed: project, sha256: ${ROOT} }]`,
    'is what the feed says',
  ],
  [
    `feeds: [${PROJECT}]\nextra-lists: [{ id: own, feed: project, target: ../own.txt }]`,
    'is not a path in a feed',
  ],
  [`extra-lists: [{ id: own, file: own.txt, target: own.txt }]`, 'goes with "feed" only'],
  [`feeds: [${PROJECT.replace('/feed/', '/feed/?token=1')}]`, 'has a query'],
  [`feeds: [${PROJECT.replace(ROOT, 'abc')}]`, 'is not a SHA-256'],
  ['feeds: [{ id: project, url: "https://lists.example.com/" }]', 'feeds[0].root: is missing'],
  [
    'feeds: [{ id: project, url: "https://lists.example.com/" }]',
    'no root of a feed came with this package: write what "cordon lists publish" printed',
  ],
])('a configuration is refused: %s', (text, expected) => {
  const { problems } = loadText(text);
  expect(problems.map((problem) => formatProblem(problem)).join('\n')).toContain(expected);
});

test('the root that came with the package proves a feed that names none, and is written down', () => {
  const feedRoot = { sha256: ROOT, version: 3 };
  const load = (feed: string) =>
    loadConfig(
      undefined,
      {},
      { ...FACTS, feedRoot, proposal: { text: `feeds: [${feed}]`, files: 'unread' } },
    );
  const { config } = load('{ id: project, url: "https://lists.example.com/feed/" }');
  expect(config?.feeds).toMatchObject([{ rootSha256: ROOT, rootVersion: 3 }]);
  expect(config === undefined ? '' : effectiveConfig(config)).toMatch(/root: "?e3b0c44.*\n +root-version: 3/);
  // Another publisher's.
  const other = 'f'.repeat(64);
  expect(
    load(`{ id: agency, url: "https://lists.agency.example/", root: ${other} }`).config?.feeds,
  ).toMatchObject([{ rootSha256: other, rootVersion: 1 }]);
  const { problems } = load('{ id: project, url: "https://lists.example.com/", root-version: 2 }');
  expect(problems.map((problem) => formatProblem(problem))).toEqual([
    expect.stringContaining('feeds[0].root-version: goes with "root" only'),
  ]);
});

test('a root that is none is told once', () => {
  expect(loadText(`feeds: [${PROJECT.replace(ROOT, 'abc')}]`).problems).toHaveLength(1);
});
