// cordon log: the query log.
import { command, group, JSON_OUTPUT, SERVICE } from '../declaration.ts';

export const LOG_SEARCH = command({
  name: 'search',
  about: 'finds queries in the files of the query log',
  text: [
    'Reads the files that `query-log` writes, the oldest first, packed ones too. Whoever runs it needs to be able to read them. Of clients it finds what the log has: an address, a prefix or a pseudonym.',
  ],
  options: {
    name: { value: 'NAME', about: 'this name and everything below it' },
    type: { value: 'TYPE', about: 'of this type' },
    client: { value: 'CLIENT', about: 'of this client, as the log has it' },
    group: { value: 'NAME', about: 'of clients of this group' },
    rcode: { value: 'RCODE', about: 'with this response code' },
    list: { value: 'ID', about: 'refused by this list' },
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
  ],
  statuses: { 1: 'nothing was found' },
  see: ['query-log.md'],
});

export const LOG = group({
  name: 'log',
  about: 'finds queries in the query log',
  examples: [{ command: 'cordon log search --name example.com', about: 'who asked for it?' }],
  see: ['query-log.md'],
  commands: [LOG_SEARCH],
});
