// Operating a service that runs: status, top, reload, pause, resume.
import { command, JSON_OUTPUT, SERVICE } from '../declaration.ts';

const COMMON = { ...SERVICE, json: JSON_OUTPUT } as const;

export const STATUS = command({
  name: 'status',
  about: 'shows on one screen whether the prohibition is in force, and what needs a person',
  text: [
    'Asks the running service: in force or not and since when, lists, upstreams, exemptions, records and outputs, certificates, listeners, version. What needs a person stands on top.',
  ],
  options: COMMON,
  examples: [
    { command: 'cordon status', about: 'first thing to look at' },
    { command: 'cordon status --json', about: 'the same for programs' },
  ],
  statuses: {
    0: 'in force as decided, and nothing needs a person',
    1: 'something needs a person, or no service runs',
    5: 'the prohibition is not in force',
  },
  see: ['operations.md#status-and-top'],
});

export const TOP = command({
  name: 'top',
  about: 'shows live what the service answers, whom it refuses just now, and which upstreams are slow',
  text: [
    'A page that is drawn anew every --interval, until q or Ctrl-C. Without a terminal, or with --once, one page is printed. What is shown of clients is what is recorded of them.',
  ],
  options: {
    ...COMMON,
    interval: { value: 'SECONDS', default: '2', about: 'between two pages, 1 to 60' },
    once: { about: 'print one page and end' },
  },
  examples: [
    { command: 'cordon top', about: 'until q' },
    { command: 'cordon top --once --interval 10', about: 'rates over ten seconds, for a log' },
  ],
  see: ['operations.md#status-and-top'],
});

export const RELOAD = command({
  name: 'reload',
  about: 'puts the configuration and the lists on the disk in force, all or nothing',
  text: [
    'As SIGHUP does, but says what came of it: where something is wrong, what was in force stays, and the error is printed.',
  ],
  options: { ...COMMON, reason: { value: 'TEXT', default: '', about: 'why; goes into the records' } },
  examples: [{ command: 'cordon reload --reason "order 7 of the agency"', about: 'after cordon check' }],
  statuses: { 1: 'it was refused: what was in force stays' },
  see: ['operations.md#reload'],
});

const PAUSED_FOR = {
  value: 'WHOM',
  about:
    'of a fleet, at its authority: all, site:NAME or node:NAME; resolvers that are away take it when they come back',
} as const;

export const PAUSE = command({
  name: 'pause',
  about: 'suspends all refusals for a bounded time, on the record',
  text: [
    'Without a duration, says whether refusals are suspended. The time is at most compliance.pause-max, and counts as time without enforcement in metrics, records and reports.',
  ],
  arguments: { duration: { optional: true, about: 'how long, such as 30s, 10m or 1h' } },
  options: {
    ...COMMON,
    reason: { value: 'TEXT', default: '', about: 'why; needed, and goes into the records' },
    for: PAUSED_FOR,
  },
  examples: [
    { command: 'cordon pause 15m --reason "incident 7"', about: 'for a quarter of an hour' },
    {
      command: 'cordon pause 15m --for site:bruges --reason "incident 8"',
      about: 'at the authority of a fleet, for a site',
    },
    { command: 'cordon pause', about: 'are they suspended?' },
  ],
  see: ['operations.md#suspending-blocking'],
});

export const RESUME = command({
  name: 'resume',
  about: 'gives refusals again before the time of pause has passed',
  options: { ...COMMON, reason: { value: 'TEXT', default: '', about: 'why' }, for: PAUSED_FOR },
  examples: [
    { command: 'cordon resume --reason "incident 7 is closed"', about: 'at once' },
    { command: 'cordon resume --for all', about: 'at the authority of a fleet, everywhere' },
  ],
  see: ['operations.md#suspending-blocking'],
});
