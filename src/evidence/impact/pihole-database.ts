// Pi-hole's long-term database (pihole-FTL.db): its view `queries` has names and clients as texts.
import { errorText } from '../../base/base.ts';
import { type Logged, logError, NO_RECORDS, type ReadingOf } from './logged.ts';

/** Numbers of FTL for types; what is 100 and more is a type of DNS plus 100. */
const TYPES: Readonly<Record<number, string>> = {
  ...{ 1: 'A', 2: 'AAAA', 3: 'ANY', 4: 'SRV', 5: 'SOA', 6: 'PTR', 7: 'TXT', 8: 'NAPTR', 9: 'MX', 10: 'DS' },
  ...{ 11: 'RRSIG', 12: 'DNSKEY', 13: 'NS', 14: 'TYPE0', 15: 'SVCB', 16: 'HTTPS' },
};
const OTHERS_FROM = 100;

/** Calls `take` with each query. Throws ERR_QUERY_LOG_READ. */
export const readPiholeDatabase = (
  path: string,
  { sinceMs }: ReadingOf,
  take: (logged: Logged) => void,
): void => {
  // Loaded by who has such a file.
  const { DatabaseSync } = process.getBuiltinModule('node:sqlite');
  try {
    const database = new DatabaseSync(path, { readOnly: true });
    try {
      const rows = database
        .prepare('SELECT timestamp, type, domain, client FROM queries WHERE timestamp >= ?')
        .iterate(Math.floor(sinceMs / 1000));
      for (const { timestamp, type, domain, client } of rows) {
        const number = Number(type);
        take({
          timeMs: Number(timestamp) * 1000,
          name: String(domain),
          type: number >= OTHERS_FROM ? `TYPE${number - OTHERS_FROM}` : (TYPES[number] ?? 'A'),
          client: String(client),
          group: undefined,
          answers: '',
          records: () => NO_RECORDS,
        });
      }
    } finally {
      database.close();
    }
  } catch (thrown) {
    throw logError(path, undefined, `as a database of Pi-hole: ${errorText(thrown)}`);
  }
};
