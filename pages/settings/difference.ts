// The lines in which two texts differ, with two lines around each change. Pure, and bounded: a configuration has some hundred lines.

export interface Line {
  readonly kind: 'same' | 'added' | 'removed';
  readonly text: string;
}

const AROUND = 2;
/** Beyond it the table of common lines would have a million cells; the texts are then shown as wholly different. */
const LINES_MAX = 1_000;

/** Lengths of the longest common rest from each pair of lines on. */
const commonRests = (before: readonly string[], after: readonly string[]): Uint16Array[] => {
  const rests = Array.from({ length: before.length + 1 }, () => new Uint16Array(after.length + 1));
  for (let i = before.length - 1; i >= 0; i--)
    for (let j = after.length - 1; j >= 0; j--) {
      const row = rests[i] as Uint16Array;
      row[j] =
        before[i] === after[j]
          ? (rests[i + 1]?.[j + 1] ?? 0) + 1
          : Math.max(rests[i + 1]?.[j] ?? 0, row[j + 1] ?? 0);
    }
  return rests;
};

/** The difference; empty for equal texts. */
export const differenceOf = (beforeText: string, afterText: string): readonly Line[] => {
  if (beforeText === afterText) return [];
  const before = beforeText.split('\n');
  const after = afterText.split('\n');
  const lines: Line[] = [];
  if (before.length > LINES_MAX || after.length > LINES_MAX)
    return [
      ...before.map((text): Line => ({ kind: 'removed', text })),
      ...after.map((text): Line => ({ kind: 'added', text })),
    ];
  const rests = commonRests(before, after);
  let i = 0;
  let j = 0;
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && before[i] === after[j]) {
      lines.push({ kind: 'same', text: before[i] ?? '' });
      i++;
      j++;
    } else if (
      j >= after.length ||
      (i < before.length && (rests[i + 1]?.[j] ?? 0) >= (rests[i]?.[j + 1] ?? 0))
    ) {
      lines.push({ kind: 'removed', text: before[i] ?? '' });
      i++;
    } else {
      lines.push({ kind: 'added', text: after[j] ?? '' });
      j++;
    }
  }
  const isNear = (index: number): boolean =>
    lines.slice(Math.max(0, index - AROUND), index + AROUND + 1).some(({ kind }) => kind !== 'same');
  return lines.filter((line, index) => line.kind !== 'same' || isNear(index));
};
