// When a list is in force for a group: between two dates, on some days of the week, between two hours, as the clocks
// of a time zone show them. Not per query: schedules are looked at once a minute.

/** Times at which a list is in force. Plain data; what is absent does not restrict. */
export interface Schedule {
  /** From this time on, milliseconds since the epoch. */
  readonly fromMs?: number | undefined;
  /** Until just before this time. */
  readonly untilMs?: number | undefined;
  /** Days of the week: 0 is Sunday. */
  readonly weekdays?: readonly number[] | undefined;
  /** Minutes since midnight, from the first until before the second; a first that is later runs past midnight. */
  readonly hours?: { readonly fromMin: number; readonly untilMin: number } | undefined;
  /** IANA name of the time zone of weekdays and hours. */
  readonly timeZone: string;
}

const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MINUTES_OF_DAY = 24 * 60;

/** True when the schedule says so for a time. A range past midnight belongs to the day on which it starts. */
export const isInForce = (schedule: Schedule, nowMs: number): boolean => {
  const { fromMs, untilMs, weekdays, hours, timeZone } = schedule;
  if (nowMs < (fromMs ?? Number.NEGATIVE_INFINITY) || nowMs >= (untilMs ?? Number.POSITIVE_INFINITY)) {
    return false;
  }
  if (weekdays === undefined && hours === undefined) return true;
  const { weekday, minute } = localTime(nowMs, timeZone);
  const { fromMin, untilMin } = hours ?? { fromMin: 0, untilMin: MINUTES_OF_DAY };
  const isDay = (day: number): boolean => weekdays?.includes(day) ?? true;
  if (fromMin < untilMin) return isDay(weekday) && minute >= fromMin && minute < untilMin;
  return (isDay(weekday) && minute >= fromMin) || (isDay((weekday + 6) % 7) && minute < untilMin);
};

const formats = new Map<string, Intl.DateTimeFormat>();

const localTime = (nowMs: number, timeZone: string): { weekday: number; minute: number } => {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      weekday: 'short',
      hour: 'numeric',
      minute: 'numeric',
      hourCycle: 'h23',
    });
    formats.set(timeZone, format);
  }
  const parts = Object.fromEntries(format.formatToParts(nowMs).map(({ type, value }) => [type, value]));
  return {
    weekday: WEEKDAYS.indexOf(parts['weekday'] ?? ''),
    minute: Number(parts['hour']) * 60 + Number(parts['minute']),
  };
};
