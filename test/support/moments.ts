// The dates and zones of `npm run dates`: those on which something that goes by the calendar shows.
const BRUSSELS = 'Europe/Brussels';
const DAY_MS = 86_400_000;

/** A wall clock: how far ahead of now, or a moment in UTC. */
export interface Moment {
  readonly name: string;
  readonly at: { readonly days: number } | { readonly utc: string };
  readonly zone: string;
}

/** The last Sunday of a month of the year in which a run begins, or of the next when it is over: the changes are at 01:00 UTC. */
const nextChange = (month: number): string => {
  const now = new Date();
  for (let year = now.getUTCFullYear(); ; year++) {
    const last = new Date(Date.UTC(year, month, 0, 0, 59, 50));
    last.setUTCDate(last.getUTCDate() - last.getUTCDay());
    if (last > now) return last.toISOString();
  }
};
const nextNewYear = `${new Date().getUTCFullYear()}-12-31T22:59:50Z`;

/** By name; those with a moment of their own go on from it. */
export const MOMENTS: readonly Moment[] = [
  { name: '+1 day', at: { days: 1 }, zone: 'UTC' },
  { name: '+7 days', at: { days: 7 }, zone: BRUSSELS },
  { name: '+30 days', at: { days: 30 }, zone: 'America/St_Johns' },
  { name: '+40 days', at: { days: 40 }, zone: 'UTC' },
  { name: '+370 days', at: { days: 370 }, zone: 'UTC' },
  { name: '+800 days', at: { days: 800 }, zone: 'America/St_Johns' },
  { name: '28 February 2028', at: { utc: '2028-02-28T23:30:00Z' }, zone: 'UTC' },
  { name: '29 February 2028', at: { utc: '2028-02-28T22:30:00Z' }, zone: 'Pacific/Kiritimati' },
  { name: 'end of the year', at: { utc: nextNewYear }, zone: BRUSSELS },
  { name: 'end of the year in UTC', at: { utc: nextNewYear.replace('T22', 'T23') }, zone: 'UTC' },
  { name: 'summer time begins', at: { utc: nextChange(3) }, zone: BRUSSELS },
  { name: 'summer time ends', at: { utc: nextChange(10) }, zone: BRUSSELS },
  { name: 'today, UTC+14', at: { days: 0 }, zone: 'Pacific/Kiritimati' },
  { name: 'today, UTC-3:30', at: { days: 0 }, zone: 'America/St_Johns' },
];

/** How far a clock is ahead of now, milliseconds. */
export const offsetMs = ({ at }: Moment, nowMs: number): number =>
  'days' in at ? at.days * DAY_MS : Date.parse(at.utc) - nowMs;
