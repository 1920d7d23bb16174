// Entries of the cordon format are read line by line where they are written in the usual form, and by YAML's parser otherwise. Both
// have to mean the same by the same bytes: a line is set in YAML's own hands by the mark that ends a document behind it.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readEntryLines } from '../../src/policy/lists/cordon-lines.ts';
import { parseCordonList, shippedLists } from '../../src/policy/lists/lists.ts';
import { createRandom, seedOfRun } from '../support/mutate.ts';

const RUNS = 1_500;
const END = '...\n';
const texts = shippedLists().map(({ file }) => readFileSync(file, 'utf8'));

/** What stands for something in YAML, or is near to it. */
const MARKS = [
  ...[
    '"',
    '\\',
    '#',
    ' #',
    ': ',
    ':',
    ', ',
    ',',
    '{',
    '}',
    '[',
    ']',
    '- ',
    '&a ',
    '*a',
    '!x',
    '|',
    '>',
    '?',
    '@',
    '`',
  ],
  ...[
    "'",
    '\n',
    '  ',
    ' ',
    '\t',
    '\r',
    '%',
    '---\n',
    'entries:\n',
    'suffix: q.test, ',
    'x: y, ',
    '\0',
    '\x7f',
    '\ufeff',
  ],
  ...[
    '~',
    'null',
    'True',
    '12',
    '1e5',
    '0x1f',
    '.5',
    '-1',
    '_',
    'é',
    '\u2028',
    '\u0085',
    '\u00a0',
    '\u{1f0a1}',
    '\ufffe',
  ],
];

const read = (text: string): unknown => {
  const { header, entries, log } = parseCordonList(Buffer.from(text));
  return { header, entries, faults: log.count };
};

test('every shipped list is of the usual form, and means what YAML means by it', () => {
  expect(texts.length).toBeGreaterThan(10);
  for (const text of texts) {
    const [head = ''] = text.split('entries:\n');
    const from = head.length + 'entries:\n'.length;
    expect(readEntryLines(text, from, 1)?.length).toBeGreaterThan(0);
    expect(read(text)).toEqual(read(text + END));
  }
});

test('whatever is changed in a list, the lines mean what YAML means by them', () => {
  const random = createRandom(seedOfRun());
  let taken = 0;
  for (let run = 0; run < RUNS; run++) {
    const [head = '', body = ''] = (texts[random(texts.length)] ?? '').split('entries:\n');
    const lines = body.split('\n').slice(0, -1);
    const some = Array.from({ length: 1 + random(3) }, () => lines[random(lines.length)] ?? '');
    let text = `${head}entries:\n${some.join('\n')}\n`;
    for (let change = random(3); change > 0; change--) {
      const at = random(text.length);
      const mark = MARKS[random(MARKS.length)] ?? '';
      const value = text.indexOf(': ', at) + 2;
      const comma = text.indexOf(',', at);
      const kind = random(5);
      if (kind === 0) text = text.slice(0, at) + text.slice(at + 1 + random(3));
      else if (kind === 1) text = text.slice(0, at) + mark + text.slice(at);
      else if (kind === 2) text = text.slice(0, comma) + mark + text.slice(comma);
      else if (kind === 3) text = `${text.slice(0, comma + 2)}suffix: q.test, ${text.slice(comma + 2)}`;
      else text = text.slice(0, value) + mark + text.slice(text.indexOf(',', value));
    }
    if (!text.endsWith('\n')) text += '\n';
    const lined = read(text);
    expect({ text, ...(lined as object) }).toEqual({ text, ...(read(text + END) as object) });
    if ((lined as { faults: number }).faults === 0) taken++;
  }
  expect(taken).toBeGreaterThan(RUNS / 5);
});
