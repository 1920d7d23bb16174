import { describe, expect, it } from 'vitest';
import { DIAGNOSTICS_MAX, type FeedOptions, feedRules, Guards } from '../../../src/policy/lists/lists.ts';
import { RuleLog, readerOf } from './rule-log.ts';

const read = (format: 'domains' | 'hosts', text: string | Uint8Array, options?: FeedOptions) => {
  const log = new RuleLog();
  const result = feedRules(format, readerOf(text), log, options);
  const remarks = result.diagnostics.map(({ line, column, code }) => `${line}:${column} ${code}`);
  return { rules: log.rules, remarks, result };
};

const label63 = 'a'.repeat(63);
const name255 = `${label63}.${label63}.${label63}.${'b'.repeat(61)}`;

describe('domains format', () => {
  it.each([
    ['a plain name as a suffix', 'tiktok.test', ['1 suffix tiktok.test']],
    ['a wildcard', '*.tiktok.test', ['1 wildcard tiktok.test']],
    ['a leading dot, as Squid writes it', '.tiktok.test', ['1 suffix tiktok.test']],
    ['letters folded', 'TikTok.TEST', ['1 suffix tiktok.test']],
    ['a final dot', 'tiktok.test.', ['1 suffix tiktok.test']],
    ['a byte order mark', '\ufefftiktok.test', ['1 suffix tiktok.test']],
    ['CRLF line ends and blanks', '  a.test\t\r\nb.test \r\n', ['1 suffix a.test', '2 suffix b.test']],
    ['comments', '# a\n! b\n; c\na.test # d\na.test\t#e\n', ['4 suffix a.test', '5 suffix a.test']],
    ['no line end at the end', 'a.test\nb.test', ['1 suffix a.test', '2 suffix b.test']],
    ['underscores, hyphens and digits', '_a-1.2.test', ['1 suffix _a-1.2.test']],
    ['an internationalized name', 'bücher.test', ['1 suffix xn--bcher-kva.test']],
    ['an internationalized wildcard', '*.bücher.test', ['1 wildcard xn--bcher-kva.test']],
    ['a label of 63 bytes', `${label63}.test`, [`1 suffix ${label63}.test`]],
    ['a name of 255 bytes', name255, [`1 suffix ${name255}`]],
    ['nothing from an empty file', '', []],
  ])('feedRules() takes %s', (_, text, rules) => {
    expect(read('domains', text)).toMatchObject({ rules, remarks: [] });
  });

  it('feedRules() takes plain names as exact when asked', () => {
    expect(read('domains', 'a.test\n*.b.test', { match: 'exact' }).rules).toEqual([
      '1 exact a.test',
      '2 wildcard b.test',
    ]);
  });

  it.each([
    ['an IPv4 address', '192.0.2.1', '1:1 ip-address'],
    ['a short IPv4 form', '192.1', '1:1 ip-address'],
    ['an IPv6 address', '2001:db8::1', '1:1 ip-address'],
    ['a prefix', '1.0.0.0/9', '1:1 ip-address'],
    ['an address in fullwidth digits', '１.２.３', '1:1 ip-address'],
    ['a single label', 'com', '1:1 single-label'],
    ['a wildcard over a single label', '*.com', '1:1 single-label'],
    ['a URL', 'https://a.test/x', '1:1 url'],
    ['a path', 'a.test/x', '1:1 url'],
    ['a port', 'a.test:443', '1:1 port'],
    ['a wildcard in the middle', 'a.*.test', '1:1 wildcard-place'],
    ['a wildcard inside a label', 'p16-*.a.test', '1:1 wildcard-place'],
    ['an adblock rule', '||a.test^', '1:1 bad-character'],
    ['an escape', 'a\\046b.test', '1:1 bad-character'],
    ['a percent escape in an internationalized name', 'b%61.bücher.test', '1:1 bad-character'],
    ['two leading dots', '..a.test', '1:1 empty-label'],
    ['two dots', 'a..test', '1:1 empty-label'],
    ['two dots at the end', 'a.test..', '1:1 empty-label'],
    ['two dots in an internationalized name', 'ü..test', '1:1 empty-label'],
    ['a lone dot', '.', '1:1 empty-label'],
    ['a lone wildcard', '*.', '1:1 empty-label'],
    ['a label of 64 bytes', `a${label63}.test`, '1:1 label-too-long'],
    ['a name of 256 bytes', `${name255}b`, '1:1 name-too-long'],
    ['broken UTF-8', Buffer.from('a\xff.test', 'latin1'), '1:1 not-idna'],
    ['broken punycode', 'xn--a.ü.test', '1:1 not-idna'],
    ['a NUL', 'a\0.test', '1:1 nul'],
    ['a hosts line', '0.0.0.0 a.test', '1:8 extra-text'],
    ['a second name', '  a.test b.test', '1:9 extra-text'],
    ['a web page', ' <!DOCTYPE html>', '1:2 markup'],
    ['a line over 64 KiB', 'a'.repeat(64 * 1024 + 1), '1:1 line-too-long'],
  ])('feedRules() refuses %s and goes on', (_, text, remark) => {
    const bytes = Buffer.concat([Buffer.from(text), Buffer.from('\nnext.test\n')]);
    expect(read('domains', bytes)).toMatchObject({ rules: ['2 suffix next.test'], remarks: [remark] });
  });

  it('feedRules() counts every rejection and keeps the first ones', () => {
    const { result } = read('domains', 'com\n'.repeat(DIAGNOSTICS_MAX + 5));
    expect(result).toMatchObject({ entries: 0, rejected: DIAGNOSTICS_MAX + 5 });
    expect(result.diagnostics).toHaveLength(DIAGNOSTICS_MAX);
  });

  it('feedRules() quotes a bounded excerpt without control characters', () => {
    const { result } = read('domains', `\u001b[2J\u202e"${'x'.repeat(200)}.test`);
    const text = result.diagnostics[0]?.text ?? '';
    expect(text).toContain('"\\u001b[2J\\u202e"xxx');
    expect(text.length).toBeLessThan(200);
  });

  it('feedRules() keeps guard names out of a list', () => {
    const guards = Guards.parse('cdn.test\n*.gov\n', 'guards.txt');
    const text = 'cdn.test\n*.cdn.test\na.cdn.test\nwww.agency.gov\n';
    expect(read('domains', text, { guards })).toMatchObject({
      rules: ['3 suffix a.cdn.test'],
      remarks: ['1:1 guarded', '2:1 guarded', '4:1 guarded'],
      result: { entries: 1, rejected: 3 },
    });
  });
});

describe('wildcard format', () => {
  const notes = (text: string) =>
    feedRules('wildcard', readerOf(text), new RuleLog()).notes.map((note) => note.text);

  it('says when most names have no star, because nothing below them is refused', () => {
    const [note = '', ...others] = notes('a.test\nb.test\n*.c.test\n');
    expect(note).toContain('2 of 3 names: no star before them');
    expect(others).toEqual([]);
    expect(notes('*.a.test\n*.b.test\nc.test\n')).toEqual([]);
    expect(notes('')).toEqual([]);
  });
});

describe('rejections by reason', () => {
  it('are counted in full, the most frequent first, beside the first hundred examples', () => {
    const text = `${'com\n'.repeat(300)}${'192.0.2.1\n'.repeat(200)}a.test/x\nb.test\n`;
    const { reasons, rejected, diagnostics } = feedRules('domains', readerOf(text), new RuleLog());
    expect(Object.entries(reasons)).toEqual([
      ['single-label', 300],
      ['ip-address', 200],
      ['url', 1],
    ]);
    expect([rejected, diagnostics.length]).toEqual([501, DIAGNOSTICS_MAX]);
  });
});

describe('a list larger than one piece', () => {
  const PIECE = 256 * 1024;

  /** Comments of 1 KiB each, cut so that what follows begins `before` bytes before the end of the first piece. */
  const comments = (before: number): string =>
    `${`#${'x'.repeat(1022)}\n`.repeat(256).slice(0, PIECE - before - 1)}\n`;
  const LINES = 256;

  it.each(Array.from({ length: 15 }, (_, before) => before))(
    'feedRules() reads a line that begins %i bytes before the end of a piece',
    (before) => {
      const text = `${comments(before)}tiktok.test\r\n*.last.test`;
      expect(text.indexOf('tiktok')).toBe(PIECE - before);
      expect(read('domains', text)).toMatchObject({
        rules: [`${LINES + 1} suffix tiktok.test`, `${LINES + 2} wildcard last.test`],
        remarks: [],
      });
    },
  );

  it('feedRules() reads a piece that ends with the list', () => {
    expect(read('domains', `${comments(12)}tiktok.test\n`).rules).toEqual([
      `${LINES + 1} suffix tiktok.test`,
    ]);
    expect(read('domains', `${comments(11)}tiktok.test`).rules).toEqual([`${LINES + 1} suffix tiktok.test`]);
  });

  it.each([
    ['that fills a piece', 'a'.repeat(PIECE)],
    ['of several pieces', 'a'.repeat(3 * PIECE + 7)],
    ['that would be a name in its last piece', `${'#'.repeat(2 * PIECE)}a.test`],
    ['of 64 KiB and a byte at the end of a piece', `${'a'.repeat(65_000)}\n`.repeat(3) + 'b'.repeat(65_537)],
  ])('feedRules() refuses a line %s once, and goes on', (_, text) => {
    const { rules, remarks } = read('domains', `${text}\nnext.test\n`);
    const line = text.split('\n').length;
    expect(rules).toEqual([`${line + 1} suffix next.test`]);
    expect(remarks.filter((remark) => remark.endsWith('line-too-long'))).toEqual([`${line}:1 line-too-long`]);
  });

  it('feedRules() refuses a long line that nothing ends', () => {
    expect(read('domains', `a.test\n${'a'.repeat(PIECE)}`)).toMatchObject({
      rules: ['1 suffix a.test'],
      remarks: ['2:1 line-too-long'],
    });
  });
});

describe('hosts format', () => {
  it.each([
    ['each name exactly', '0.0.0.0 a.test b.test', ['1 exact a.test', '1 exact b.test']],
    ['IPv6 addresses', '::\ta.test\n::1  b.test', ['1 exact a.test', '2 exact b.test']],
    ['comments', '# x\n0.0.0.0 a.test # b.test', ['2 exact a.test']],
    [
      'no local names',
      '127.0.0.1 localhost LocalHost.localdomain\nff02::1 ip6-allnodes\n0.0.0.0 0.0.0.0',
      [],
    ],
    ['no lines with an address only', '0.0.0.0\n0.0.0.0 a.test', ['2 exact a.test']],
    ['CRLF line ends', '0.0.0.0 a.test\r\n', ['1 exact a.test']],
    ['a comment without a blank', '0.0.0.0 a.test#b.test', ['1 exact a.test']],
    ['the short form of no address', '0 a.test', ['1 exact a.test']],
    ['the padded form of no address', '000.000.000.000 a.test', ['1 exact a.test']],
  ])('feedRules() takes %s', (_, text, rules) => {
    expect(read('hosts', text)).toMatchObject({ rules, remarks: [] });
  });

  it.each([
    ['a line without an address', 'a.test', '1:1 hosts-address'],
    ['a wildcard', '0.0.0.0 *.a.test', '1:9 wildcard-place'],
    ['a single label', '0.0.0.0 router', '1:9 single-label'],
    ['an address as a name', '0.0.0.0 192.0.2.1', '1:9 ip-address'],
    ['an address with leading zeros', '010.0.0.1 a.test', '1:1 hosts-address'],
  ])('feedRules() refuses %s and goes on', (_, text, remark) => {
    expect(read('hosts', `${text}\n0.0.0.0 next.test`)).toMatchObject({
      rules: ['2 exact next.test'],
      remarks: [remark],
    });
  });
});
