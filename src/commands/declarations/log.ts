// cordon log: the query log.
import { command, group, JSON_OUTPUT, SERVICE } from '../declaration.ts';

const FILTERS = {
  name: { value: 'NAME', about: 'this name and everything below it' },
  type: { value: 'TYPE', about: 'of this type' },
  group: { value: 'NAME', about: 'of clients of this group' },
  rcode: { value: 'RCODE', about: 'with this response code' },
  list: { value: 'ID', about: 'refused by this list' },
} as const;

export const LOG_SEARCH = command({
  name: 'search',
  about: 'finds queries in the files of the query log',
  text: [
    'Reads the files that `query-log` writes, the oldest first, packed ones too. Whoever runs it needs to be able to read them. Of clients it finds what the log has: an address, a prefix or a pseudonym.',
    'With --reason the running service searches, the newest first: who searches, why and for what is recorded first, and clients are shown by their reference of the day. It says how far back it came.',
  ],
  options: {
    ...FILTERS,
    client: {
      value: 'CLIENT',
      about: 'of this client, as the log has it; with --reason by its reference or address',
    },
    reason: { value: 'TEXT', about: 'let the service search; recorded first' },
    before: { value: 'PLACE', about: 'with --reason: go on where the page before ended, as it said' },
    since: { value: 'TIME', about: 'from this day or time on' },
    until: { value: 'TIME', about: 'until before this day or time' },
    archived: { about: 'in what is packed away as well' },
    limit: { value: 'N', default: '1000', about: 'at most so many' },
    log: {
      value: 'FILE',
      takes: 'file',
      repeat: true,
      about: 'this file in place of those of the configuration',
    },
    ...SERVICE,
    json: { ...JSON_OUTPUT, about: 'print the lines as they are' },
  },
  examples: [
    { command: 'cordon log search --name example.com --since 2026-11-30', about: 'who asked for it?' },
    { command: 'cordon log search --client 192.0.2.7 --json', about: 'for programs' },
    {
      command: 'cordon log search --client 7Q4K-M2 --reason "ticket 4711"',
      about: 'a device, by its reference of the day',
    },
  ],
  statuses: { 1: 'nothing was found' },
  see: ['query-log.md'],
});

export const LOG_TAIL = command({
  name: 'tail',
  about: 'shows queries as they are logged',
  text: [
    'Asks the running service each two seconds, for an hour at most. At most 50 are shown each time; how many were left out is said. Clients are shown by their reference of the day.',
  ],
  options: {
    reason: { value: 'TEXT', default: '', about: 'why; needed, and recorded first with what is looked for' },
    ...FILTERS,
    client: { value: 'REFERENCE', about: 'of the client with this reference of today' },
    ...SERVICE,
    json: { ...JSON_OUTPUT, about: 'print JSON, one query a line' },
  },
  examples: [
    {
      command: 'cordon log tail --reason "ticket 4711" --name example.com',
      about: 'who asks for it now?',
    },
  ],
  see: ['query-log.md'],
});

export const LOG = group({
  name: 'log',
  about: 'finds queries in the query log',
  examples: [{ command: 'cordon log search --name example.com', about: 'who asked for it?' }],
  see: ['query-log.md'],
  commands: [LOG_SEARCH, LOG_TAIL],
});
