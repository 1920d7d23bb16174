// Keys of lists: what each takes, what it refuses and where, and what the lists room makes of the same values.
import { describe, expect, it } from 'vitest';
import { isAppError } from '../../../src/base/base.ts';
import { LIST_FORMATS } from '../../../src/base/words/words.ts';
import type { ListConfig, ListSource } from '../../../src/config/config.ts';
import { REVIEW_DEFAULTS } from '../../../src/policy/lists/review.ts';
import { parseSourceKey } from '../../../src/policy/lists/source-signature.ts';
import { configOf, problemsOf } from './support.ts';

const MINISIGN_KEY = 'RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3';
const RAW_KEY = '11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=';
const HASH = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const URL_TEXT = 'https://lists.example.com/a.txt';

const listOf = (keys: string): ListConfig => {
  const [list] = configOf(`lists: [{ id: a, ${keys} }]`).lists;
  if (list === undefined) throw new Error('no list');
  return list;
};

const sourceOf = (keys: string): ListSource => listOf(keys).source;

/** The problems of a list that stands in one line, the keys from column 18 on. */
const refusalsOf = (keys: string): string[] =>
  problemsOf(`lists: [{ id: a, ${keys} }]`).map((problem) => problem.replace(/^cordon\.yaml:1:/, ''));

describe('a list with a URL', () => {
  it('has defaults for everything but its address', () => {
    expect(listOf(`url: "${URL_TEXT}"`)).toEqual({
      id: 'a',
      source: {
        kind: 'url',
        url: URL_TEXT,
        refreshMs: 14_400_000,
        publicKey: undefined,
        signatureUrl: undefined,
        sha256: undefined,
        sizeBytesMax: 67_108_864,
        addresses: [],
        review: { shrinkShareMax: 0.2, growthShareMax: 2, rejectedShareMax: 0.05, exceptionsMax: 0 },
        format: 'domains',
        match: 'suffix',
        origin: undefined,
        takesEverything: false,
        recordTtlSecMax: undefined,
      },
      mandate: undefined,
      allow: false,
      logOnly: false,
      answer: undefined,
      ede: undefined,
      category: undefined,
      operators: [],
      mandates: [],
    });
  });

  it.each<[string, Partial<ListSource>]>([
    ['refresh: 5m', { refreshMs: 300_000 }],
    ['refresh: 7d', { refreshMs: 604_800_000 }],
    ['max-size: 256MiB', { sizeBytesMax: 268_435_456 }],
    [`sha256: ${HASH.toUpperCase()}`, { sha256: HASH }],
    [`public-key: ${MINISIGN_KEY}`, { publicKey: MINISIGN_KEY }],
    [`public-key: ${RAW_KEY}`, { publicKey: RAW_KEY }],
    [`public-key: "untrusted comment: key\\n${MINISIGN_KEY}\\n"`, { publicKey: MINISIGN_KEY }],
    [
      `public-key: ${RAW_KEY}, signature: "http://192.0.2.1/a.sig"`,
      { publicKey: RAW_KEY, signatureUrl: 'http://192.0.2.1/a.sig' },
    ],
    [
      'resolve: ["192.0.2.1", "2001:DB8::0:1"]',
      {
        addresses: [
          { address: '192.0.2.1', family: 4 },
          { address: '2001:db8::1', family: 6 },
        ],
      },
    ],
    [
      'review: { grow: 1000%, rejected: 0%, exceptions: 5 }',
      { review: { shrinkShareMax: 0.2, growthShareMax: 10, rejectedShareMax: 0, exceptionsMax: 5 } },
    ],
    ['format: rpz, origin: RPZ.Example', { format: 'rpz', origin: 'rpz.example.' }],
    ['format: rpz, everything: true', { takesEverything: true }],
    ['format: rpz, max-policy-ttl: 5s', { recordTtlSecMax: 5 }],
    ['match: exact', { match: 'exact' }],
  ])('takes %s', (keys, wanted) => {
    expect(sourceOf(`url: "${URL_TEXT}", ${keys}`)).toMatchObject(wanted);
  });

  it.each([
    ['HTTP://Lists.Example.com:80/a%20b?x=1#part', 'http://lists.example.com/a%20b?x=1'],
    ['https://[2001:db8::1]:8443/a', 'https://[2001:db8::1]:8443/a'],
  ])('reads the address %s', (text, url) => {
    expect(sourceOf(`url: "${text}"`)).toMatchObject({ url });
  });

  it.each([
    ['lists.example.com/a.txt', 'is not an http or https URL'],
    ['file:///etc/passwd', 'is not an http or https URL'],
    [`https://lists.example.com/${'a'.repeat(2048)}`, 'is not an http or https URL'],
    ['https://user@lists.example.com/a', 'has a user or a password'],
    ['https://:secret@lists.example.com/a', 'has a user or a password'],
  ])('refuses address %# without repeating it', (text, problem) => {
    const [first, ...others] = refusalsOf(`url: "${text}"`);
    expect(first).toContain(`23: lists[0].url: ${problem}; `);
    expect(first).not.toContain(text.slice(-6));
    expect(others).toEqual([]);
  });

  it.each([
    ['refresh: 4m', '67: lists[0].refresh: "4m" is less than 5m'],
    ['refresh: 169h', '67: lists[0].refresh: "169h" is more than 7d'],
    ['max-size: 257MiB', '68: lists[0].max-size: "257MiB" is more than 256MiB'],
    [
      'sha256: abc',
      '66: lists[0].sha256: "abc" is not a SHA-256; write 64 hexadecimal digits, as sha256sum prints them',
    ],
    [
      `public-key: ${RAW_KEY.slice(4)}`,
      `70: lists[0].public-key: "${RAW_KEY.slice(4)}" is not a public key; write the line that begins with "RW" of a minisign key, or 32 bytes of an Ed25519 key in Base64`,
    ],
    [
      'signature: "http://192.0.2.1/a"',
      '69: lists[0].signature: goes with "public-key" only; write the key of its signer',
    ],
    ['resolve: []', '67: lists[0].resolve: has 0 items, at least 1 needed'],
    ['resolve: [host]', '68: lists[0].resolve[0]: "host" is not an IP address'],
    [
      'resolve: ["0.0.0.0"]',
      '68: lists[0].resolve[0]: "0.0.0.0" is the unspecified address, which nobody can ask',
    ],
    ['resolve: ["::1", "0:0::1"]', '75: lists[0].resolve[1]: "::1" is named already at lists[0].resolve[0]'],
    ['review: { shrink: 101% }', '76: lists[0].review.shrink: "101%" is more than 100%'],
    [
      'review: { shrink: 0.2 }',
      '76: lists[0].review.shrink: 0.2 has no unit; write a whole number and "%", such as "20%"',
    ],
    ['review: { shrinks: 1% }', '68: lists[0].review.shrinks: unknown key; did you mean "shrink"?'],
    [
      'format: rpz, origin: "."',
      '79: lists[0].origin: the root is no response policy zone; write the name of the zone',
    ],
    ['format: rpz, origin: a..b', '79: lists[0].origin: "a..b" is not a domain name (empty label)'],
    ['origin: a.example', '66: lists[0].origin: goes with the format rpz only, the list is domains'],
    ['everything: true', '70: lists[0].everything: goes with the format rpz only, the list is domains'],
    [
      'format: regex, match: exact',
      '80: lists[0].match: goes with the format domains only, the list is regex',
    ],
  ])('refuses %s', (keys, problem) => {
    expect(refusalsOf(`url: "${URL_TEXT}", ${keys}`)).toEqual([problem]);
  });

  it.each([
    'refresh: 4h',
    `public-key: ${RAW_KEY}`,
    `sha256: ${HASH}`,
    'max-size: 1MiB',
    'resolve: ["192.0.2.1"]',
    'review: { grow: 1% }',
  ])('and no other has %s', (keys) => {
    const [name = ''] = keys.split(':');
    for (const source of ['file: f.txt', 'directory: d', 'shipped: tiktok']) {
      if (name === 'public-key' && source.startsWith('file')) continue;
      const column = 18 + source.length + 2 + name.length + 2;
      expect(refusalsOf(`${source}, ${keys}`)).toEqual([`${column}: lists[0].${name}: goes with "url" only`]);
    }
  });

  it.each([
    [
      'shipped: tiktok, url: "https://lists.example.com/t.yaml"',
      'has to be proven; write "public-key" or "sha256"',
    ],
    ['shipped: tiktok, file: t.yaml', 'has to be proven; write "public-key"'],
    [`shipped: tiktok, directory: d, public-key: ${RAW_KEY}`, 'has more than one source'],
    [
      `shipped: tiktok, file: t.yaml, public-key: ${RAW_KEY}, format: domains`,
      'is read as the shipped list is',
    ],
    [`shipped: tiktoc, file: t.yaml, public-key: ${RAW_KEY}`, 'no list "tiktoc" ships'],
  ])('may be a newer version of a shipped list, proven: %s is refused', (keys, problem) => {
    expect(refusalsOf(keys).join()).toContain(problem);
  });

  it('is a newer version of a shipped list, read as that one is, and is written so', () => {
    const source = sourceOf(`shipped: tiktok, url: "${URL_TEXT}", public-key: ${RAW_KEY}`);
    expect(source).toMatchObject({ kind: 'url', shipped: 'tiktok', format: 'cordon' });
  });

  it('is the only source of the list', () => {
    expect(refusalsOf(`url: "${URL_TEXT}", file: f.txt`)).toEqual([
      '9: lists[0]: has more than one source: file, url; write exactly one of "shipped", "file", "directory", "url" and "feed"',
    ]);
  });

  it('has the defaults of the review', () => {
    expect(sourceOf(`url: "${URL_TEXT}"`)).toMatchObject({
      review: {
        shrinkShareMax: REVIEW_DEFAULTS.shrinkShareMax,
        growthShareMax: REVIEW_DEFAULTS.growthShareMax,
        rejectedShareMax: REVIEW_DEFAULTS.rejectedShareMax,
        exceptionsMax: REVIEW_DEFAULTS.exceptionsMax,
      },
    });
  });

  it.each([
    MINISIGN_KEY,
    RAW_KEY,
    MINISIGN_KEY.slice(4),
    MINISIGN_KEY.replace('RWQ', 'RUR'),
    RAW_KEY.slice(0, -1),
    RAW_KEY.replace('/', '_'),
    '',
  ])('takes the public key %j just when signatures can be checked with it', (key) => {
    expect(refusalsOf(`url: "${URL_TEXT}", public-key: "${key}"`)).toHaveLength(isSourceKey(key) ? 0 : 1);
  });
});

describe('the format of a list', () => {
  it.each(LIST_FORMATS)('can be %s', (format) => {
    expect(sourceOf(`file: f.txt, format: ${format}`)).toMatchObject({ kind: 'file', format });
  });

  it('of a response policy zone takes its name', () => {
    expect(sourceOf('file: f.txt, format: rpz, origin: "Rpz.example."')).toMatchObject({
      origin: 'rpz.example.',
    });
    expect(refusalsOf('shipped: tiktok, origin: rpz.example')).toEqual([
      '43: lists[0].origin: goes with "file", "directory" and "url" only',
    ]);
  });
});

describe('a list of a directory', () => {
  it('is read as any format of lines, from an absolute path', () => {
    const isDirectory = true;
    expect(sourceOf('directory: /srv/lists.d')).toMatchObject({
      kind: 'file',
      path: '/srv/lists.d',
      isDirectory,
    });
    for (const format of LIST_FORMATS.filter((name) => name !== 'cordon' && name !== 'rpz')) {
      expect(sourceOf(`directory: /srv/lists.d, format: ${format}`)).toMatchObject({ format, isDirectory });
    }
    expect(sourceOf('file: /srv/a.txt')).toMatchObject({ kind: 'file', isDirectory: false });
    expect(sourceOf('directory: /srv/lists.d, match: exact')).toMatchObject({ match: 'exact' });
  });

  it.each(['cordon', 'rpz'])('is never of the format %s', (format) => {
    expect(refusalsOf(`directory: d, format: ${format}`)).toEqual([
      `40: lists[0].format: a list of the format ${format} is one file; write "file" and the path of one file`,
    ]);
  });

  it('is the only source of the list', () => {
    expect(refusalsOf('directory: d, file: f.txt')).toEqual([
      '9: lists[0]: has more than one source: file, directory; write exactly one of "shipped", "file", "directory", "url" and "feed"',
    ]);
    expect(refusalsOf('directory: ""')).toEqual(['29: lists[0].directory: "" is not a path']);
  });
});

describe('what a list does', () => {
  it.each<[string, Partial<ListConfig>]>([
    ['log-only: true', { logOnly: true, allow: false }],
    ['log-only: true, mandate: false', { logOnly: true, mandate: false }],
    ['allow: true, category: press', { allow: true, logOnly: false, category: 'press' }],
    ['allow: false, log-only: false, mandate: true', { allow: false, logOnly: false, mandate: true }],
  ])('is %s', (keys, wanted) => {
    expect(listOf(`file: f.txt, ${keys}`)).toMatchObject(wanted);
  });

  it.each([
    ['log-only: 1', '41: lists[0].log-only: expected a boolean, found the number 1'],
    ['allow: yes', '38: lists[0].allow: expected a boolean, found the text "yes"'],
    [
      'mandate: true, log-only: true',
      '56: lists[0].log-only: a mandate list refuses; remove the key, or "mandate"',
    ],
    [
      'mandate: true, allow: true',
      '40: lists[0].mandate: an allow list is no mandate; remove the key, or "allow"',
    ],
    [
      'allow: true, log-only: true',
      '54: lists[0].log-only: an allow list refuses nothing; remove the key, or "allow"',
    ],
    [
      'allow: true, answer: nodata',
      '52: lists[0].answer: an allow list refuses nothing; remove the key, or "allow"',
    ],
    [
      'allow: true, ede: { code: 15 }',
      '49: lists[0].ede: an allow list refuses nothing; remove the key, or "allow"',
    ],
  ])('cannot be %s', (keys, problem) => {
    expect(refusalsOf(`file: f.txt, ${keys}`)).toEqual([problem]);
  });
});

describe('decisions about operators', () => {
  const DECISION = 'decision: { authority: A, reference: R, in-force-from: 2026-02-01 }';
  const item = (name: string, refuse = 'false') => `{ name: ${name}, refuse: ${refuse}, ${DECISION} }`;

  it('leave out what an operator runs, or say that it stays refused', () => {
    const list = listOf(
      `shipped: tiktok, operators: [${item('Joint Venture LLC')}, ${item('TikTok Pte. Ltd.', 'true')}]`,
    );
    expect(list.operators.map(({ name, refuse }) => [name, refuse])).toEqual([
      ['Joint Venture LLC', false],
      ['TikTok Pte. Ltd.', true],
    ]);
    expect(list.operators[0]?.decision).toMatchObject({ authority: 'A', reference: 'R' });
  });

  it.each([
    [
      'a name that no entry has',
      `shipped: tiktok, operators: [${item('Joint Ventur LLC')}]`,
      'no entry of the list is run by "Joint Ventur LLC"',
    ],
    ['no decision', 'shipped: tiktok, operators: [{ name: Joint Venture LLC, refuse: false }]', 'decision'],
    [
      'a name twice',
      `shipped: tiktok, operators: [${item('Joint Venture LLC')}, ${item('Joint Venture LLC')}]`,
      'has a decision already',
    ],
    [
      'a list that names no operators',
      `file: f.txt, operators: [${item('Joint Venture LLC')}]`,
      'goes with "shipped" and with the format cordon only',
    ],
    [
      'a review before it begins',
      'shipped: tiktok, operators: [{ name: Joint Venture LLC, refuse: false, decision: { authority: A, reference: R, in-force-from: 2026-02-01, review: 2026-01-01 } }]',
      'is not after "in-force-from"',
    ],
  ])('cannot have %s', (_, keys, problem) => {
    expect(refusalsOf(keys).join('\n')).toContain(problem);
  });
});

const isSourceKey = (text: string): boolean => {
  try {
    parseSourceKey(text);
    return true;
  } catch (thrown) {
    if (isAppError(thrown)) return false;
    throw thrown;
  }
};
