// Manual pages: Markdown as this project writes it, in the macros of man(7).
//
// Only what the sources use is read: headings, paragraphs, lists, tables, fenced code; `code`, **strong** and links.
import { VERSION } from '../base/base.ts';

/** What stands in the head of a page. */
export interface ManualHead {
  readonly name: string;
  readonly section: number;
  /** One line without a full stop. */
  readonly about: string;
  /** Day of the page. */
  readonly date: string;
}

/** Longer input lines are bad style to mandoc. */
const LINE_LENGTH_MAX = 76;

/** A whole page: its text is Markdown whose headings are of the second level and below. */
export const manualPage = ({ name, section, about, date }: ManualHead, markdown: string): string =>
  [
    `.TH ${name.toUpperCase()} ${section} ${date} "Cordon ${VERSION}" "Cordon"`,
    '.SH NAME',
    ...wrap(`${roffText(name)} \\- ${roffText(about)}`),
    ...blocks(markdown.split('\n')),
    '',
  ].join('\n');

const blocks = (lines: readonly string[]): string[] => {
  const out: string[] = [];
  for (let at = 0; at < lines.length; ) {
    const line = lines[at] ?? '';
    const end = endOf(lines, at);
    const block = lines.slice(at, end);
    const [, marks = '', title = ''] = /^(#{1,4}) (.*)$/.exec(line) ?? [];
    if (marks !== '')
      out.push(`${marks.length <= 2 ? '.SH' : '.SS'} "${inline(title).replaceAll('"', '\\(dq')}"`);
    else if (line.startsWith('```')) out.push(...codeBlock(block.slice(1, -1)));
    else if (line.startsWith('|')) out.push(...tableBlock(block));
    else if (line.startsWith('- ')) out.push('.IP \\(bu 2', ...textLine(joined(block).slice(2)));
    else if (line !== '') out.push('.PP', ...textLine(joined(block)));
    at = end;
  }
  return withoutEmptyParagraphs(out);
};

/** Where the block that begins at a line ends. */
const endOf = (lines: readonly string[], start: number): number => {
  const line = lines[start] ?? '';
  let end = start + 1;
  if (line === '' || line.startsWith('#')) return end;
  if (line.startsWith('```')) {
    while (end < lines.length && lines[end] !== '```') end++;
    return end + 1;
  }
  const isOther = line.startsWith('|') ? /^(?!\|)/ : /^(?:$|#|```|\||- )/;
  while (end < lines.length && !isOther.test(lines[end] ?? '')) end++;
  return end;
};

const joined = (block: readonly string[]): string => block.map((line) => line.trim()).join(' ');

const codeBlock = (block: readonly string[]): string[] => [
  '.PP',
  '.RS 4',
  '.nf',
  ...block.flatMap((line) => cut(roffText(line))),
  '.fi',
  '.RE',
];

/** Rows as terms with what stands beside them; of wide tables all but the last column between the two. */
const tableBlock = (block: readonly string[]): string[] => {
  const [head = [], , ...rows] = block.map(cellsOf);
  return rows.flatMap((cells) => {
    const [term = '', ...others] = cells;
    const last = others.at(-1) ?? '';
    const facts = others
      .slice(0, -1)
      .map((cell, index) => (cell === '' ? '' : `${head[index + 1] ?? ''}: ${cell}`))
      .filter((fact) => fact !== '');
    const text = [last, facts.length === 0 ? '' : `(${facts.join('; ')})`].filter((part) => part !== '');
    return ['.TP', protect(inline(term) || '\\ '), ...textLine(text.join(' ') || '\\ ')];
  });
};

const cellsOf = (row: string): string[] =>
  row
    .replace(/^\|/, '')
    .replace(/\|\s*$/, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll('\\|', '|'));

/** One sentence a line, which is how man pages are written. */
const textLine = (text: string): string[] =>
  text
    .split(/(?<=[.:;]) (?=[A-Z`[])/)
    .flatMap((sentence) => wrap(inline(sentence).trim()))
    .filter((line) => line !== '');

/** Lines of at most LINE_LENGTH_MAX, broken at spaces; a longer word stays whole. */
const wrap = (text: string): string[] => {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= LINE_LENGTH_MAX) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else lines.push(word);
  }
  return lines.map(protect);
};

/** As wrap() for text that is shown as it is: each line but the last says that it goes on. */
const cut = (text: string): string[] => {
  const [, indent = '', rest = ''] = /^( *)(.*)$/.exec(text) ?? [];
  const lines = wrap(rest);
  return lines.map(
    (line, at) => `${at === 0 ? protect(indent) : ''}${line}${at === lines.length - 1 ? '' : ' \\c'}`,
  );
};

const inline = (text: string): string =>
  text
    .split(/(`[^`]+`|\*\*[^*]+\*\*)/)
    .map((piece) => {
      if (piece.startsWith('`')) return `\\fB${roffText(piece.slice(1, -1))}\\fR`;
      if (piece.startsWith('**')) return `\\fB${roffText(piece.slice(2, -2))}\\fR`;
      return roffText(piece.replace(/\[([^\]]*)\]\(([^)]*)\)/g, '$1'));
    })
    .join('');

/** What roff would take for its own. */
const roffText = (text: string): string =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(
      /[^\0-\x7f]/g,
      (letter) => `\\[u${(letter.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`,
    );

/** A line that begins with a dot or an apostrophe would be a request. */
const protect = (line: string): string => (/^[.']/.test(line) ? `\\&${line}` : line);

/** A heading and a list need no paragraph before them. */
const withoutEmptyParagraphs = (lines: readonly string[]): string[] =>
  lines.filter((line, at) => !(line === '.PP' && /^\.S[HS] /.test(lines[at - 1] ?? '')));
