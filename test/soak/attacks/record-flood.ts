// Refused names in a flood: each is recorded, and neither the disk nor the others may pay for it.
//
// The same few names, then a fresh label in each query so that nothing repeats, by one client and by two hundred.
import { type Arena, type Attack, clientsOf, type Running } from './attack.ts';

/** Of a list that ships; unbound refuses it by a local zone. */
const ZONE = 'tiktok.com';
const REPEATED = Array.from({ length: 20 }, (_, index) => `host${index}.${ZONE}`);
const FRESH = [`*.${ZONE}`];
const UNBOUND = [`local-zone: "${ZONE}." always_nxdomain`];

/** Sums of Cordon's counters by a pattern on their lines. */
const readCounter = (page: string, pattern: RegExp): number =>
  page
    .split('\n')
    .filter((line) => pattern.test(line))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);

/** Tells how many records the attack came to, and how many of its queries no record tells of. */
const countRecords = ({ metricsUrl }: Arena): Promise<Running> =>
  Promise.resolve({
    stop: async () => {
      if (metricsUrl === undefined) return '';
      const page = await (await fetch(metricsUrl)).text();
      const written = readCounter(page, /^cordon_records_written_total\{chain="queries"\}/);
      const dropped = readCounter(page, /^cordon_records_dropped_total/);
      const forms = ['single', 'repeat', 'client', 'total'].map(
        (form) =>
          `${form} ${readCounter(page, new RegExp(`^cordon_records_queries_total\\{form="${form}"\\}`))}`,
      );
      return `refused; ${written} records (${forms.join(', ')}), ${dropped} dropped`;
    },
  });

/** Floods at 10,000 refusals a second. */
export const recordFlood: readonly Attack[] = [
  {
    name: 'records-repeated',
    title: 'refused names again and again, 1 client, 10,000 q/s',
    unbound: UNBOUND,
    attackers: [{ clients: clientsOf(1, 1), rate: 10_000, names: REPEATED }],
    start: countRecords,
  },
  {
    name: 'records-fresh',
    title: 'refused names, a fresh label each, 1 client, 10,000 q/s',
    unbound: UNBOUND,
    attackers: [{ clients: clientsOf(1, 1), rate: 10_000, names: FRESH }],
    start: countRecords,
  },
  {
    name: 'records-200',
    title: 'the same by 200 clients, 64 MiB of records a day for all',
    cordon: ['records: { bytes-per-day: 64MiB, client-bytes-per-day: 1MiB }'],
    unbound: UNBOUND,
    attackers: [{ clients: clientsOf(1, 200), rate: 10_000, names: FRESH }],
    start: countRecords,
  },
];
