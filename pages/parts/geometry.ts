// Where things stand in charts: x in per cent, so that words keep their size at every width without a viewBox; y in pixels.

/** Below this share of the width a span would be thinner than three pixels of a small chart. */
const THIN_SHARE = 0.012;

export interface Placed {
  /** Per cent of the width. */
  readonly x: number;
  readonly width: number;
  /** True when it is drawn as a line of constant width around its middle: what lasted seconds stays visible. */
  readonly isThin: boolean;
}

const inside = (share: number): number => Math.min(1, Math.max(0, share));

/** A span of time within another; undefined when they do not meet. */
export const placeSpan = (from: string, to: string, start: string, end: string): Placed | undefined => {
  const startMs = Date.parse(start);
  const lengthMs = Date.parse(end) - startMs;
  const left = (Date.parse(from) - startMs) / lengthMs;
  const right = (Date.parse(to) - startMs) / lengthMs;
  if (!(lengthMs > 0) || !(right >= left) || right < 0 || left > 1) return undefined;
  const share = inside(right) - inside(left);
  return { x: inside(left) * 100, width: share * 100, isThin: share < THIN_SHARE };
};

/** Full hours that divide a day into eight, as times with their places. */
export const hourTicks = (start: string, end: string, everyHours = 3): { time: Date; x: number }[] => {
  const startMs = Date.parse(start);
  const lengthMs = Date.parse(end) - startMs;
  const stepMs = everyHours * 3_600_000;
  const ticks: { time: Date; x: number }[] = [];
  for (let ms = Math.ceil(startMs / stepMs) * stepMs; ms < startMs + lengthMs; ms += stepMs)
    ticks.push({ time: new Date(ms), x: ((ms - startMs) / lengthMs) * 100 });
  return ticks;
};

/** The top of an axis with four lines: four times 1, 2 or 5 times a power of ten, no less than `value`. */
export const roundUp = (value: number): number => {
  const least = Math.max(1, value / 4);
  const power = 10 ** Math.floor(Math.log10(least));
  return 4 * ([1, 2, 5, 10].find((step) => step * power >= least) ?? 10) * power;
};

/** Numbers of gaps that stand in one place, per cent: one, or several that would stand on each other. */
export interface Pin {
  readonly x: number;
  readonly first: number;
  readonly last: number;
}

/** Where numbers of gaps stand: at their gaps; those that are too near to each other stand together, as `2–5`. */
export const gatherPins = (wanted: readonly { x: number; number: number }[], leastApart = 5): Pin[] => {
  const pins: (Pin & { readonly endX: number })[] = [];
  for (const { x, number } of wanted) {
    const before = pins.at(-1);
    if (before !== undefined && x - before.endX < leastApart)
      pins[pins.length - 1] = { ...before, x: (before.x + x) / 2, last: number, endX: x };
    else pins.push({ x, first: number, last: number, endX: x });
  }
  return pins.map(({ x, first, last }) => ({ x, first, last }));
};

export interface Block {
  readonly hour: number;
  readonly series: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Stacked bars, one an hour; each value that is not zero is at least one pixel high. */
export const stackHours = (
  series: readonly (readonly number[])[],
  hours: number,
  heightPx: number,
): { readonly top: number; readonly blocks: readonly Block[] } => {
  const sums = Array.from({ length: hours }, (_, hour) =>
    series.reduce((sum, values) => sum + (values[hour] ?? 0), 0),
  );
  const top = roundUp(Math.max(0, ...sums));
  const blocks: Block[] = [];
  for (let hour = 0; hour < hours; hour++) {
    let y = heightPx;
    series.forEach((values, index) => {
      const value = values[hour] ?? 0;
      if (value === 0) return;
      const height = Math.max(1, (value / top) * heightPx);
      y -= height;
      blocks.push({
        hour,
        series: index,
        x: ((hour + 0.14) / hours) * 100,
        y,
        width: (0.72 / hours) * 100,
        height: Math.max(1, height - 1),
      });
    });
  }
  return { top, blocks };
};
