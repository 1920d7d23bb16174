// Periods that reports are made of, in UTC. Pure.

const DAY_MS = 86_400_000;

export interface Period {
  /** `2026-11-01` */
  readonly from: string;
  /** Its last day. */
  readonly to: string;
}

const dayText = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

export const PERIODS = ['today', 'yesterday', 'last-week', 'last-month', 'last-quarter', 'own'] as const;
export type PeriodName = (typeof PERIODS)[number];

/** The days of a named period at a moment; those of `own` are the reader's. */
export const periodOf = (name: PeriodName, nowMs: number): Period | undefined => {
  const now = new Date(nowMs);
  const [year, month] = [now.getUTCFullYear(), now.getUTCMonth()];
  const today = Date.UTC(year, month, now.getUTCDate());
  switch (name) {
    case 'today':
      return { from: dayText(today), to: dayText(today) };
    case 'yesterday':
      return { from: dayText(today - DAY_MS), to: dayText(today - DAY_MS) };
    case 'last-week': {
      // Weeks begin on Monday (ISO 8601).
      const monday = today - ((now.getUTCDay() + 6) % 7) * DAY_MS;
      return { from: dayText(monday - 7 * DAY_MS), to: dayText(monday - DAY_MS) };
    }
    case 'last-month':
      return { from: dayText(Date.UTC(year, month - 1, 1)), to: dayText(Date.UTC(year, month, 0)) };
    case 'last-quarter': {
      const first = Math.floor(month / 3) * 3;
      return { from: dayText(Date.UTC(year, first - 3, 1)), to: dayText(Date.UTC(year, first, 0)) };
    }
    case 'own':
      return undefined;
  }
};
