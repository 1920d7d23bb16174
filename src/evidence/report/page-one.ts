// What fits on page one: heights of its parts in points, and how the room that is left goes to rows.
//
// Both PDF and the printed page of HTML draw each part within the height that stands here, and end what needs more with an
// ellipsis. So the page ends on itself whatever the letters are, and both forms show the same rows. How many lines a text wants is
// estimated from its letters, for fonts that are a little wider than those of the PDF.

/** Sizes of page one, points. */
export const FRONT = {
  text: 8,
  textLine: 10.4,
  table: 7.2,
  tableLine: 9.4,
  /** Above and below the lines of a row, its rule included. */
  rowGap: 3.4,
  /** Between two questions. */
  gap: 4.5,
  title: 16,
  titleLine: 19,
  answer: 13,
  answerLine: 16.4,
  /** Above and below what stands within the box of the answer, and of the findings. */
  boxGap: 13,
  rule: 9,
} as const;
/** What A4 has between the margins of both forms, points; a margin for rounding is left. */
export const PAGE_HEIGHT = 726;
export const PAGE_WIDTH = 510;
/** Widths of columns of the page, points. */
export const LABEL_WIDTH = 74;
export const FACTS_WIDTH = 176;
export const TITLE_WIDTH = PAGE_WIDTH - FACTS_WIDTH - 20;
export const FACT_LABEL_WIDTH = 52;
export const ANSWER_WIDTH = PAGE_WIDTH - 60;
/** Numbers above the strip, the strip, its axis, and what is around it; its legend comes on top. */
export const STRIP_HEIGHT = 54;
/** Before an item of a list. */
export const BULLET_WIDTH = 8;
export const LEGEND = { size: 7.5, line: 9.9, key: 27 } as const;
/** Between two cells. */
export const CELL_GAP = 7;

/** A text of page one, in so many lines at most. */
export interface FrontText {
  readonly text: string;
  readonly lines: number;
}

/** A row of a table of page one: each of its cells has so many lines at most. */
export interface FrontRow {
  readonly cells: readonly string[];
  readonly lines: number;
}

/** Letters that are narrow, wide, and as wide as they are high, in parts of the size. */
const NARROW = /[ .,:;'|!()[\]iljtfrI/-]/u;
const WIDE = /[A-Z%@&mwŒœÆæ—…]/u;
const FULL = /[MW\u1100-\u11ff\u2e80-\uffdc\u{1f000}-\u{3ffff}]/u;

const widthOf = (text: string, size: number): number => {
  let width = 0;
  for (const letter of text)
    width += FULL.test(letter) ? 1 : WIDE.test(letter) ? 0.7 : NARROW.test(letter) ? 0.34 : 0.55;
  return width * size;
};

/** How many lines a text is expected to take. */
export const linesOf = (text: string, size: number, width: number): number => {
  let lines = 1;
  let used = 0;
  for (const word of text.split(/(?<= )/u)) {
    const wide = widthOf(word, size);
    if (used > 0 && used + wide > width) {
      lines++;
      used = 0;
    }
    // A word that is wider than a line is broken.
    lines += Math.floor((used + wide) / (width + 0.01));
    used = (used + wide) % (width + 0.01);
  }
  return lines;
};

/** A text in as many lines as it wants, at most so many. */
export const frontText = (
  text: string,
  most: number,
  width: number,
  size: number = FRONT.text,
): FrontText => ({
  text,
  lines: Math.min(most, linesOf(text, size, width)),
});

/** A row whose cells have as many lines as the longest wants, at most so many; `parts` are widths of columns. */
export const frontRow = (cells: readonly string[], parts: readonly number[], most: number): FrontRow => ({
  cells,
  lines: Math.min(
    most,
    Math.max(
      1,
      ...cells.map((text, at) => linesOf(text, FRONT.table, (parts[at] ?? 0) * PAGE_WIDTH - CELL_GAP)),
    ),
  ),
});

export const rowHeight = ({ lines }: FrontRow): number => lines * FRONT.tableLine + FRONT.rowGap;

/** Something of which a page shows a part: heights of its items in their order, how many are shown at least and at most. */
export interface Share {
  readonly heights: readonly number[];
  readonly least: number;
  readonly most: number;
  /** Of what comes before the first item, such as the heads of a table. */
  readonly head: number;
  /** Of the line that says how many are not shown. */
  readonly more: number;
}

/**
 * How many of each are shown within a height. First everybody's least, then one after the other in turn while there is room; a
 * share that shows all needs no line that counts the rest. `isFull`: not even everybody's least fits.
 */
export const divide = (
  shares: readonly Share[],
  height: number,
): { readonly shown: readonly number[]; readonly isFull: boolean } => {
  const shown = shares.map(({ heights, least }) => Math.min(heights.length, least));
  const used = (): number => shares.reduce((sum, share, at) => sum + heightOf(share, shown[at] ?? 0), 0);
  const isFull = used() > height;
  for (let isGrowing = !isFull; isGrowing; ) {
    isGrowing = false;
    for (const [at, { heights, most }] of shares.entries()) {
      const count = shown[at] ?? 0;
      if (count >= Math.min(heights.length, most)) continue;
      shown[at] = count + 1;
      if (used() <= height) isGrowing = true;
      else shown[at] = count;
    }
  }
  return { shown, isFull };
};

/** What a share takes that shows so many. */
const heightOf = ({ heights, head, more }: Share, shown: number): number => {
  if (heights.length === 0) return 0;
  const items = heights.slice(0, shown).reduce((sum, height) => sum + height, 0);
  return head + items + (shown < heights.length ? more : 0);
};
