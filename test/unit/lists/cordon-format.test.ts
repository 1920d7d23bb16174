import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  feedRules,
  parseCordonHeader,
  parseCordonList,
  shippedLists,
} from '../../../src/policy/lists/lists.ts';
import { RuleLog, readerOf } from './rule-log.ts';

const HEADER = 'id: some-list\ntitle: Some list\ncategory: some\nmandate: true\ndefault: false\n';
const FACTS = 'service: S, owner: O, evidence: "E: 1, 2", reviewed: 2026-11-24';

const parse = (text: string) => {
  const { header, entries, log } = parseCordonList(Buffer.from(text));
  return { header, entries, remarks: log.kept.map(({ line, column, code }) => `${line}:${column} ${code}`) };
};

describe('parseCordonList()', () => {
  it('reads the header, with its defaults', () => {
    expect(parse(`${HEADER}entries: []`)).toEqual({
      header: {
        id: 'some-list',
        title: 'Some list',
        category: 'some',
        mandate: true,
        default: false,
        cdnChildren: false,
        answer: undefined,
        ede: { code: 15, text: undefined },
      },
      entries: [],
      remarks: [],
    });
  });

  it('reads whether children of CDNs are derived', () => {
    expect(parse(`${HEADER}cdn-children: true\nentries: []`).header).toMatchObject({ cdnChildren: true });
    expect(parse(`${HEADER}cdn-children: some\nentries: []`)).toMatchObject({ header: undefined });
  });

  it('reads answer mode and EDE', () => {
    const { header } = parse(`${HEADER}answer: nodata\nede: { code: 17, text: by request }\nentries: []`);
    expect(header).toMatchObject({ answer: 'nodata', ede: { code: 17, text: 'by request' } });
  });

  it('reads entries with their line, name folded', () => {
    expect(parse(`${HEADER}entries:\n  - { suffix: A.Test, ${FACTS} }\n`).entries).toEqual([
      {
        match: 1,
        text: 'a.test',
        service: 'S',
        owner: 'O',
        operator: 'O',
        evidence: 'E: 1, 2',
        reviewed: '2026-11-24',
        line: 7,
        column: 5,
      },
    ]);
  });

  it.each([
    ['no map', '- a', '1:1 missing-key'],
    ['an empty file', '', '1:1 missing-key'],
    ['broken YAML', `${HEADER}entries: [`, '6:11 syntax'],
    ['a duplicate key', `${HEADER}id: b\nentries: []`, '6:1 syntax'],
    ['an unknown key', `${HEADER}mandated: true\nentries: []`, '6:1 unknown-key'],
    ['a missing id', `${HEADER.replace('id: some-list\n', '')}entries: []`, '1:1 missing-key'],
    ['an id that is no word', `${HEADER.replace('some-list', 'Some List')}entries: []`, '1:5 bad-value'],
    ['a flag that is text', `${HEADER.replace('true', 'yes')}entries: []`, '4:10 bad-value'],
    ['no entries', HEADER, '1:1 missing-key'],
    ['an unknown answer mode', `${HEADER}answer: drop\nentries: []`, '6:9 bad-value'],
    ['an EDE code of another meaning', `${HEADER}ede: { code: 6 }\nentries: []`, '6:14 bad-value'],
    ['an alias', `${HEADER.replace('id: ', 'id: &a ')}answer: *a\nentries: []`, '6:9 bad-value'],
    ['deep nesting', '['.repeat(100_000), '1:'],
  ])('refuses the whole file for %s', (_, text, remark) => {
    const { header, entries, remarks } = parse(text);
    expect(header).toBeUndefined();
    expect(entries).toEqual([]);
    expect(remarks[0]).toContain(remark);
  });

  it('refuses the whole file when it is over 8 MiB', () => {
    expect(parse(' '.repeat(8 * 1024 * 1024 + 1)).remarks).toEqual(['1:1 too-large']);
  });

  it.each([
    ['an unknown key', `{ suffix: b.test, ${FACTS}, owned: x }`, 'unknown-key'],
    ['no trigger', `{ ${FACTS} }`, 'match-count'],
    ['two triggers', `{ suffix: b.test, exact: b.test, ${FACTS} }`, 'match-count'],
    ['a missing service', `{ suffix: b.test, ${FACTS.replace('service: S, ', '')} }`, 'missing-key'],
    ['a missing owner', `{ suffix: b.test, ${FACTS.replace('owner: O, ', '')} }`, 'missing-key'],
    ['missing evidence', `{ suffix: b.test, ${FACTS.replace('evidence: "E: 1, 2", ', '')} }`, 'missing-key'],
    ['empty evidence', `{ suffix: b.test, ${FACTS.replace('E: 1, 2', ' ')} }`, 'bad-value'],
    ['a missing date', `{ suffix: b.test, ${FACTS.replace(', reviewed: 2026-11-24', '')} }`, 'missing-key'],
    ['a date that is none', `{ suffix: b.test, ${FACTS.replace('11-24', '02-30')} }`, 'bad-date'],
    ['a single label', `{ suffix: test, ${FACTS} }`, 'single-label'],
    ['an address as a name', `{ exact: 192.0.2.1, ${FACTS} }`, 'ip-address'],
    ['bits below the prefix', `{ prefix: 192.0.2.1/24, ${FACTS} }`, 'bad-prefix'],
    ['a text', 'b.test', 'bad-value'],
    ['nothing', '', 'bad-value'],
  ])('leaves out an entry with %s', (_, item, code) => {
    const text = `${HEADER}entries:\n  - { suffix: a.test, ${FACTS} }\n  - ${item}\n  - { suffix: c.test, ${FACTS} }\n`;
    const { entries, remarks } = parse(text);
    expect(entries.map((entry) => entry.text)).toEqual(['a.test', 'c.test']);
    expect(remarks).toHaveLength(1);
    expect(remarks[0]).toMatch(new RegExp(`^[789]:\\d+ ${code}$`));
  });
});

describe('feedRules()', () => {
  it('feeds every kind of trigger of the cordon format', () => {
    const lines = ['suffix: a.test', 'wildcard: b.test', 'exact: c.test', 'prefix: 198.51.100.0/24'];
    const text = `${HEADER}entries:\n${lines.map((line) => `  - { ${line}, ${FACTS} }\n`).join('')}`;
    const log = new RuleLog();
    expect(feedRules('cordon', readerOf(text), log)).toMatchObject({ entries: 4, rejected: 0 });
    expect(log.rules).toEqual([
      '7 suffix a.test',
      '8 wildcard b.test',
      '9 exact c.test',
      '10 prefix 198.51.100.0/24',
    ]);
  });
});

describe('parseCordonHeader()', () => {
  const ENTRY = `  - { suffix: a.test, ${FACTS} }\n`;

  it.each([
    ['without entries', `${HEADER}entries: []`],
    ['with entries last', `${HEADER}entries:\n${ENTRY}# a remark\n${ENTRY.replace('a.', 'b.')}`],
    ['with entries at the margin', `${HEADER}entries:\n- { suffix: b.test, ${FACTS} }\n`],
    ['with a key behind the entries', `id: some-list\nentries:\n${ENTRY}${HEADER.slice(14)}answer: nodata\n`],
    ['with a key of the header twice', `${HEADER}entries:\n${ENTRY}mandate: false\n`],
    ['of another system', `${HEADER}entries:\n${ENTRY}`.replaceAll('\n', '\r\n')],
    ['that lacks a key', `id: some-list\nentries:\n${ENTRY}`],
    ['that nests too deeply', `${HEADER}ede: ${'['.repeat(99)}\nentries:\n${ENTRY}`],
    ['that is no map', `- a\nentries:\n${ENTRY}`],
    [
      'in which the word stands in a text',
      `${HEADER}ede: { code: 15, text: "\nentries:\n" }\nentries:\n${ENTRY}`,
    ],
  ])('says what parseCordonList() says of a file %s', (_name, text) => {
    const whole = parseCordonList(Buffer.from(text));
    const { header, log } = parseCordonHeader(Buffer.from(text));
    expect({ header, fault: log.kept[0] }).toEqual({ header: whole.header, fault: whole.log.kept[0] });
  });

  it('says what parseCordonList() says of each list that ships', () => {
    for (const { id, file } of shippedLists()) {
      const bytes = readFileSync(file);
      expect(parseCordonHeader(bytes).header, id).toEqual(parseCordonList(bytes).header);
    }
  });

  it('does not read the entries', () => {
    const { header, log } = parseCordonHeader(Buffer.from(`${HEADER}entries:\n  - { suffix: a..test }\n`));
    expect([header?.id, log.count]).toEqual(['some-list', 0]);
  });
});
