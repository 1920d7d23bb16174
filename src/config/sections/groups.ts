// Groups: clients that share lists, the times at which these are in force, and servers of their own.
import { z } from 'zod';
import { endpoint } from '../address-leaf.ts';
import { type FormContext, type FormOf, orNone, toForm, withForm } from '../form.ts';
import { certificateRule, deviceName, serverName, tokenHash } from '../identity-leaf.ts';
import { choice, identifier, outOfScope, path } from '../leaf.ts';
import { prefix } from '../prefix-leaf.ts';
import { dayHours, type TimePoint, timePoint, timeZone, toInstantMs, WEEKDAYS } from '../schedule-leaf.ts';
import { key, keyAs, list } from '../value.ts';
import { LISTENERS_MAX } from './listeners.ts';
import { LISTS_MAX } from './lists.ts';
import { noticeOfGroup } from './notice.ts';
import { inlinePrefixes, PREFIXES_MAX, withFile } from './prefixes.ts';
import { structuredErrorOfGroup } from './structured-errors.ts';
import { fallback, upstreams } from './upstreams.ts';

/**
 * Groups are labels of the refusal counters: with the default one, 256 of them × 32 lists are 5 million cells, 40 MB of each worker. Two
 * hundred networks with six lists are 7 MB.
 */
export const GROUPS_MAX = 255;
/** Schedules of one group: looked at each minute; two for every list that there can be. */
const SCHEDULES_MAX = 64;
/** Rules about certificates, and tokens, of one group: those of an office; more devices share a domain. */
const CERTIFICATES_MAX = 1024;
const TOKENS_MAX = 1024;
/** Names of one certificate. */
const SERVER_NAMES_MAX = 64;
const DEVICES_MAX = 1024;

/** Group that holds every client that no other group names. */
export const DEFAULT_GROUP = 'default';

const scheduleKeys = z.strictObject({
  list: key(
    identifier(),
    'List of the group that is in force only at these times, or at those of another schedule of it.',
  ),
  from: key(timePoint().optional(), 'First day, or start time (RFC 3339).', 'always'),
  until: key(timePoint().optional(), 'First day after the last, or end time (RFC 3339).', 'forever'),
  weekdays: key(list(choice(WEEKDAYS), 1, WEEKDAYS.length).optional(), 'Days of the week.', 'all'),
  hours: key(
    dayHours().optional(),
    'Hours of the day; a range past midnight belongs to the day on which it starts.',
    'all',
  ),
  timezone: keyAs('timeZone', timeZone().prefault('UTC'), 'Time zone of these dates, days and hours.'),
});

/** A list of a group is in force at the times of any of its schedules, and at no other. */
const schedule = withForm(scheduleKeys, {
  into: ({ list, from, until, weekdays, hours, timeZone }) => ({
    list,
    /** What is undefined does not restrict. */
    schedule: {
      /** From this time on, milliseconds since the epoch. */
      fromMs: from && toInstantMs(from, timeZone),
      /** Until just before this time. */
      untilMs: until && toInstantMs(until, timeZone),
      /** Days of the week, each once: 0 is Sunday. */
      weekdays: weekdays?.map((day) => WEEKDAYS.indexOf(day)).sort(),
      hours,
      /** IANA name of the time zone of weekdays and hours. */
      timeZone,
    },
  }),
  from: ({ list, schedule: { fromMs, untilMs, weekdays, hours, timeZone } }) => ({
    ...{ list, from: toInstant(fromMs), until: toInstant(untilMs), hours, timeZone },
    weekdays: weekdays?.flatMap((day) => WEEKDAYS[day] ?? []),
  }),
});

const toInstant = (ms: number | undefined): TimePoint | undefined =>
  ms === undefined ? undefined : { ms, isDate: false };

const groupKeys = z.strictObject({
  name: key(identifier(), 'Name of the group in metrics and logs; unique.'),
  clients: key(
    list(prefix(), 1, PREFIXES_MAX).optional(),
    `Prefixes of the group's clients; the longest prefix decides. \`${DEFAULT_GROUP}\` has none.`,
  ),
  'clients-file': key(
    path().optional(),
    'File of more prefixes of the group, one a line, `#` begins a comment: see [Files of prefixes](#files-of-prefixes).',
  ),
  listeners: key(
    orNone(list(endpoint(53), 1, LISTENERS_MAX)),
    'Addresses of `listen` whose clients belong to the group, whatever their prefix.',
  ),
  certificates: key(
    orNone(list(certificateRule(), 1, CERTIFICATES_MAX)),
    'Client certificates whose holders belong to the group, wherever they are: `sha256:` the hash of one, `dns:`, `email:` and `uri:` a name in it (`*.` before a domain, `*@` before a host), `subject:` attributes that its subject has. Those of `tls.client-authorities` count.',
    'none',
  ),
  tokens: key(
    orNone(
      list(
        z.strictObject({
          device: key(deviceName(), 'What exemptions and records call who has the token.'),
          sha256: key(tokenHash(), 'SHA-256 of the token: the token itself stands nowhere.'),
        }),
        1,
        TOKENS_MAX,
      ),
    ),
    'Tokens behind the path of DNS over HTTPS whose holders belong to the group: see [Identity](identity.md).',
    'none',
  ),
  'server-names': key(
    orNone(list(serverName(), 1, SERVER_NAMES_MAX)),
    'Names of the certificate of `tls` by which an encrypted listener is asked: whoever asks by one belongs to the group.',
    'none',
  ),
  devices: key(
    orNone(list(deviceName(), 1, DEVICES_MAX)),
    'Devices of the group by what a forwarder of `forwarders` or a source of `leases` calls them: `mac:00:11:22:33:44:55` in small letters, `host:` and a name, or `cpe:` and a CPE id. Whoever sits in the same network can take either: they are for order, not against people.',
    'none',
  ),
  lists: key(list(identifier(), 0, LISTS_MAX), 'Lists that are in force for the group.'),
  'out-of-scope': key(
    outOfScope().prefault(false),
    'Mandate lists that do not apply to the group, by decision: `true` for all, or their identifiers. Any other mandate list that the group does not choose counts as missing, and the prohibition as not in force.',
  ),
  schedules: key(
    list(schedule, 0, SCHEDULES_MAX).prefault([]),
    'Times at which lists of the group are in force; mandate lists always are.',
  ),
  upstreams: key(
    upstreams(),
    "Upstream resolvers for the group's clients; for the zones of `forward`, its servers are asked all the same.",
    'the `upstreams` of the configuration',
  ),
  fallback: key(
    fallback(),
    'Upstream resolvers for questions on which all `upstreams` of the group failed; encrypted if those are.',
    'none',
  ),
  'structured-error': key(
    structuredErrorOfGroup,
    'What its clients are told that ask for structured errors, beside what `structured-errors` says.',
    'nothing else',
  ),
  notice: key(noticeOfGroup, 'What the page of `notice` says to its clients.', 'what it says to everybody'),
});

/** Without clients are the default group, and groups of listeners; those of the file stand behind the others. */
export const group = withForm(groupKeys, {
  into: ({ clients, clientsFile, ...others }, context, at) => {
    const read = context.prefixesOf([...at, 'clients-file']);
    const { prefixes, file } = withFile(clients ?? [], clientsFile, read);
    return { ...others, clients: prefixes, clientsFile: file };
  },
  from: ({ clients, clientsFile, ...others }) => ({
    ...others,
    clients: inlinePrefixes(clients, clientsFile),
    clientsFile: clientsFile?.path,
  }),
});

/** The default group of a configuration that has none: it gets all lists. */
export const defaultGroup = (lists: readonly string[], context: FormContext): FormOf<typeof group> =>
  toForm(group, group.parse({ name: DEFAULT_GROUP, lists }), context);
