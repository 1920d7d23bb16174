// Documents: links that lead somewhere, npm scripts, commands, options, keys, metrics, codes and alerts that exist.
//
// Only relative links are followed, anchors included; a test that fetched the web would fail for other people's
// reasons. Links that leave the checkout are refused: they break for everyone who clones it.
import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import manifest from '../../package.json' with { type: 'json' };
import { isStartOnly } from '../../src/config/config.ts';
import { CLASSES } from '../conformance/differential/classes.ts';
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

/**
 * Code words of docs/requirements.md that nothing in the program answers to: metrics, commands, keys and files. A metric that
 * begins with `…` or ends with `*` or `_…` is a part of a name.
 */
const findUnknownWords = (
  text: string,
  { metrics, commands, configuration }: Readonly<Record<'metrics' | 'commands' | 'configuration', string>>,
  exists: (path: string) => boolean,
): string[] => {
  const isKnown = (word: string): boolean => {
    if (/^(?:cordon_|…)/.test(word)) {
      const begin = word.startsWith('…') ? '' : '`';
      const end = /[*…]$/.test(word) ? '' : '`';
      return metrics.includes(`${begin}${word.replace(/^…|(?:\*|…)$/g, '')}${end}`);
    }
    if (word.startsWith('cordon ')) {
      const words = word.split(' ').slice(1);
      const path = words.filter((one) => !one.startsWith('--')).join(' ');
      const at = commands.indexOf(`## ${path}\n`);
      const about = commands.slice(at, commands.indexOf('\n## ', at + 1));
      return at >= 0 && words.every((one) => !one.startsWith('--') || about.includes(`${one}`));
    }
    if (word.startsWith('test/')) return exists(word);
    const [key = ''] = word.split(':');
    // Words of other tables, such as grounds and answers, are read by people.
    return !key.includes('.') || key === 'resolver.arpa' || configuration.includes(`\`${key}\``);
  };
  return [...text.matchAll(/`([^`\n]+)`/g)].map(([, word = '']) => word).filter((word) => !isKnown(word));
};

/** Options that every command takes or that belong to no page of one. */
const OPTIONS_OF_ALL = new Set(['--help', '--version', '--json']);
/** What looks like a key and is a file or a name. */
const NO_KEY = /\.(?:arpa|invalid|json|test|ts|md|html|sqlite|pem|txt)$/;

/** Options of each command, by its name, as the reference has them. */
const optionsOf = (commands: string): Map<string, string> =>
  new Map(
    commands
      .split(/\n(?=#{2,3} )/)
      .map((part) => [/^#+ (.+)$/m.exec(part)?.[1]?.trim() ?? '', part] as const)
      .filter(([name]) => name !== ''),
  );

/** Commands, options and keys that documents name and the references do not have; metrics, codes and alerts as well. */
const findFalseNames = (
  texts: Sources,
  { commands, configuration, known }: Readonly<Record<'commands' | 'configuration' | 'known', string>>,
): string[] => {
  const options = optionsOf(commands);
  const sections = new Set([...configuration.matchAll(/^\| `([a-z0-9-]+)[.`[]/gm)].map(([, name]) => name));
  const findings: string[] = [];
  for (const [path, text] of texts) {
    const lines = [...text.matchAll(/^```\w*\n([\s\S]*?)^```/gm)].flatMap(([, block = '']) =>
      block.replaceAll('\\\n', ' ').split('\n'),
    );
    const words = [...text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/`([^`]+)`/g)].map(([, word = '']) =>
      word.replace(/\s+/g, ' '),
    );
    for (const line of [...lines, ...words])
      for (const [, name = '', rest = ''] of line.matchAll(
        /(?:^|[\s$&])cordon ([a-z-]+(?: [a-z-]+)?)([^|;&#]*)/g,
      )) {
        const about = options.get(name) ?? options.get(name.split(' ')[0] ?? '');
        for (const option of rest.match(/(?<!\S)--[a-z][a-z-]*/g) ?? [])
          if (about?.includes(option) === false && !OPTIONS_OF_ALL.has(option))
            findings.push(`${path}: cordon ${name} has no ${option}`);
      }
    for (const word of words)
      if (
        /^[a-z][a-z0-9-]*(?:\.[a-z][a-z0-9-]*)+$/.test(word) &&
        sections.has(word.split('.')[0] ?? '') &&
        !NO_KEY.test(word) &&
        !configuration.replaceAll('[]', '').includes(word)
      )
        findings.push(`${path}: no key ${word}`);
    for (const [name] of text.matchAll(
      /\b(?:cordon(?:_[a-z]+)+|ERR(?:_[A-Z0-9]+)+|Cordon(?:[A-Z][a-z]+)+)\b(?!_)/g,
    ))
      if (!known.includes(name.replace(/^cordon_proof_|(?<=_seconds)_(?:bucket|count|sum)$/, '')))
        findings.push(`${path}: nothing is called ${name}`);
  }
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

test('what docs/requirements.md counts on is in the program', () => {
  const textOf = (name: string): string => documents.get(`docs/${name}.md`) ?? '';
  const known = {
    metrics: textOf('metrics'),
    commands: textOf('commands'),
    configuration: textOf('configuration'),
  };
  const find = (text: string): string[] =>
    findUnknownWords(text, known, (path) => existsSync(join(root, path)));
  expect(find(textOf('requirements'))).toEqual([]);
  const planted = [
    'cordon_queries',
    '…_stail',
    'cordon exemption',
    'cordon probe --form',
    'listen.dog',
    'test/gone.ts',
  ];
  expect(find(planted.map((word) => `\`${word}\``).join(' '))).toEqual(planted);
});

test('commands, options, keys, metrics, codes and alerts that documents name exist', () => {
  const textOf = (name: string): string => documents.get(`docs/${name}.md`) ?? '';
  const references = {
    commands: textOf('commands'),
    configuration: textOf('configuration'),
    known: [
      textOf('metrics'),
      textOf('errors'),
      ...['deploy', 'proof', 'src/evidence/dnstap'].flatMap((folder) => [
        ...readSources(folder, ['.yml', '.yaml', '.sql', '.ts', '.j2']).values(),
      ]),
    ].join('\n'),
  };
  // Decisions are of their time.
  const read = [...documents].filter(([path]) => !path.startsWith('docs/adr/') && path !== 'docs/errors.md');
  expect(findFalseNames(new Map(read), references)).toEqual([]);
  const planted = [
    'Run `cordon explain NAME --from ADDRESS`.',
    '```sh\ncordon lists accept ID \\\n  --forcibly\n```',
    'Set `cache.max-ttl`.',
    '`cordon_query_count` and `ERR_LIST_GONE`',
    'CordonAllIsWell',
  ];
  for (const text of planted)
    expect(findFalseNames(plant({ 'docs/a.md': text }), references), text).not.toEqual([]);
});

test('docs/conformance.md has the classes of differences that npm run differential prints', () => {
  const page = documents.get('docs/conformance.md') ?? '';
  const [, table = ''] =
    /<!-- differences: begin -->\n([\s\S]*?)\n<!-- differences: end -->/.exec(page) ?? [];
  const withoutCounts = table
    .split('\n')
    .slice(2)
    .map((row) => row.replace(/^(\|[^|]*\|)[^|]*\|/, '$1'));
  expect(withoutCounts).toEqual(
    CLASSES.map(
      ({ name, cordon, unbound, bind, reason }) =>
        `| ${name} | ${cordon} | ${unbound} | ${bind} | ${reason} |`,
    ),
  );
});

test('docs/operations.md names the keys that a reload does not take', () => {
  const keys = [...(documents.get('docs/configuration.md') ?? '').matchAll(/^\| `([a-z][a-z0-9.-]*)/gm)];
  // The shortest beginning of a key that a reload does not take stands for all below it.
  const highest = keys.flatMap(([, key = '']) => {
    const parts = key.split('.');
    const names = parts.map((_part, index) => parts.slice(0, index + 1).join('.'));
    return names.find((name) => isStartOnly(name)) ?? [];
  });
  const [, told = ''] =
    /The log warns when a change needs a restart:([\s\S]*?)\.\n/.exec(
      documents.get('docs/operations.md') ?? '',
    ) ?? [];
  const names = [...told.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
  expect(names.filter((name) => name !== 'fleet.lists').sort()).toEqual([...new Set(highest)].sort());
});
