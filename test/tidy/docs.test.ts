// Documents: links that lead somewhere and npm scripts that exist.
//
// Only relative links are followed, anchors included; a test that fetched the web would fail for other people's
// reasons. Links that leave the checkout are refused: they break for everyone who clones it.
import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import manifest from '../../package.json' with { type: 'json' };
import { plant, readSources, root, type Sources } from './sources.ts';

const INLINE_LINK = /\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g;
const REFERENCE = /^\[[^\]]+\]:\s*<?(\S+?)>?(?:\s|$)/gm;
const CODE = /^(```|~~~)[\s\S]*?^\1|`[^`\n]+`/gm;
const HAS_SCHEME = /^(?:[a-z][a-z0-9+.-]*:|\/\/)/i;
const NPM_RUN = /\bnpm run (?:-s |--silent )?([a-z][\w:-]*)/g;

/** Anchors of a document's headings, as GitHub makes them. */
const anchorsOf = (text: string): Set<string> => {
  const anchors = new Set<string>();
  for (const [, heading = ''] of text.matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)) {
    const slug = heading
      .toLowerCase()
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-');
    let anchor = slug;
    for (let copy = 1; anchors.has(anchor); copy++) anchor = `${slug}-${copy}`;
    anchors.add(anchor);
  }
  return anchors;
};

const linksOf = (text: string): string[] => {
  const prose = text.replace(CODE, '');
  return [...prose.matchAll(INLINE_LINK), ...prose.matchAll(REFERENCE)].map((match) => match[1] ?? '');
};

/** Relative links whose file or anchor does not exist. `exists` is asked for files that are not documents. */
const findBrokenLinks = (documents: Sources, exists: (path: string) => boolean): string[] => {
  const findings: string[] = [];
  for (const [path, text] of documents)
    for (const link of linksOf(text)) {
      if (HAS_SCHEME.test(link)) continue;
      const [file = '', anchor] = link.split('#');
      const target = file === '' ? path : posix.join(posix.dirname(path), decodeURI(file));
      const document = documents.get(target);
      const isFound = !target.startsWith('..') && (document !== undefined || exists(target));
      const isAnchored =
        anchor === undefined || document === undefined || anchorsOf(document).has(anchor.toLowerCase());
      if (!isFound || !isAnchored) findings.push(`${path} links ${link}`);
    }
  return findings;
};

/** `npm run` of scripts that package.json does not have. */
const findMissingScripts = (documents: Sources, scripts: ReadonlySet<string>): string[] => {
  const findings: string[] = [];
  for (const [path, text] of documents)
    for (const [, script = ''] of text.matchAll(NPM_RUN))
      if (!scripts.has(script)) findings.push(`${path} names npm run ${script}`);
  return findings;
};

const documents = readSources('.', ['.md']);
const scripts = new Set(
  Object.keys(z.object({ scripts: z.record(z.string(), z.string()) }).parse(manifest).scripts),
);

test('relative links in documents lead to a file and a heading', () => {
  expect(documents.size).toBeGreaterThan(0);
  expect(findBrokenLinks(documents, (path) => existsSync(join(root, path)))).toEqual([]);
});

test('npm scripts that documents name exist', () => {
  expect(findMissingScripts(documents, scripts)).toEqual([]);
});

test.each([
  '[a](gone.md)',
  '![a](img/gone.png "title")',
  '[a](b.md#gone)',
  '[a](#gone)',
  '[a]: gone.md',
  '[a](../../outside.md)',
])('findBrokenLinks() catches %s', (link) => {
  const planted = plant({ 'docs/a.md': `# A\n\n${link}\n`, 'docs/b.md': '# B\n' });
  expect(findBrokenLinks(planted, (path) => path === '../outside.md')).toHaveLength(1);
});

test.each([
  '[a](b.md#two-words)',
  '[a](#a)',
  '[a](../src)',
  '[a](https://example.com/x)',
  '`[a](gone.md)`',
  '```\n[a](gone.md)\n```',
])('findBrokenLinks() accepts %s', (link) => {
  const planted = plant({ 'docs/a.md': `# A\n\n${link}\n`, 'docs/b.md': '# B\n\n## Two words\n' });
  expect(findBrokenLinks(planted, (path) => path === 'src')).toEqual([]);
});

test('findMissingScripts() catches a script that does not exist', () => {
  const planted = plant({
    'README.md': 'npm run ok, then `npm run -s cordon -- check` and `npm run deploy`.',
  });
  expect(findMissingScripts(planted, new Set(['ok', 'cordon']))).toEqual(['README.md names npm run deploy']);
});
