// The sections of the schema that evidence rests on: papers, records, the self-probe. Part of schema.ts.
import { z } from 'zod';
import { durationMs, sizeBytes } from './amount.ts';
import { profile, recordTarget, sentence } from './evidence-leaf.ts';
import { boolean, choice, identifier, integer, outOfScope, path, zone } from './leaf.ts';
import { RECORD_CLASSES, RECORD_IDENTITIES, RETENTION_PRESETS, SYSLOG_FACILITIES } from './normalized.ts';
import { timePoint } from './schedule-leaf.ts';
import { key, list } from './value.ts';

/** People who may approve: an agency names a handful. */
const APPROVERS_MAX = 64;
/** Each has a connection and a queue. */
const OUTPUTS_MAX = 8;
/** Names that have to resolve; each is asked in each view. */
const CONTROLS_MAX = 16;

/** The decision that a mandate list rests on. */
export const decision = z.strictObject({
  authority: key(sentence(), 'Who decided, such as `Office of Management and Budget`.'),
  reference: key(sentence(), 'Number or title of the decision, such as `M-23-13`.'),
  text: key(sentence().optional(), 'What it says, for reports.', 'nothing'),
  'in-force-from': key(timePoint(), 'Day from which on it holds.'),
  review: key(
    timePoint().optional(),
    'Day by which it has to be looked at again: an alarm, never an end.',
    'none',
  ),
  ends: key(
    timePoint().optional(),
    'Day on which it ends by its own words: an alarm; the list stays in force until somebody takes it out.',
    'none',
  ),
});

export const compliance = z
  .strictObject({
    profile: key(
      profile().optional(),
      'Rules of the jurisdiction that exemptions have to keep.',
      'no exemption is granted',
    ),
    exemptions: key(
      path().optional(),
      'File or directory with exemptions as text, for those who keep them under version control.',
      'none',
    ),
    approvers: key(
      list(
        z.strictObject({
          name: key(sentence(), 'Name, as it is given when an exemption is approved.'),
          role: key(identifier(), 'Role, as the profile calls it.'),
          delegation: key(
            sentence().optional(),
            'Reference of the paper that delegates the decision.',
            'none',
          ),
        }),
        0,
        APPROVERS_MAX,
      ).prefault([]),
      'Who may approve exemptions. Without any, anybody who states a role of the profile.',
    ),
    'pause-max': key(
      durationMs('0s', '24h').prefault('1h'),
      'Longest time for which an operator may suspend all refusals; `0s` is never. Each is recorded.',
    ),
    'out-of-scope': key(
      outOfScope().prefault(false),
      'Which mandate lists apply to nobody here, by decision: `true` for all, or their identifiers. A mandate list that was in force is otherwise missed when it is taken out of the configuration.',
    ),
  })
  .prefault({});

const keep = (what: string) =>
  z
    .strictObject({
      searchable: key(
        durationMs('1d', '7300d').optional(),
        `How long ${what} can be searched.`,
        'as `preset` says',
      ),
      archived: key(
        durationMs('0s', '7300d').optional(),
        'How long they are kept packed after that.',
        'as `preset` says',
      ),
    })
    .prefault({});

export const records = z
  .strictObject({
    enabled: key(boolean().prefault(true), 'Whether records are written.'),
    identity: key(
      choice(RECORD_IDENTITIES).prefault('pseudonym'),
      'How a client stands in records: `full` address and port, `truncated` to its prefix, or a keyed `pseudonym` that can be undone, which is itself recorded.',
    ),
    truncate: key(
      z
        .strictObject({
          ipv4: key(integer(8, 32).prefault(24), 'Bits of an IPv4 address that stay.'),
          ipv6: key(integer(16, 128).prefault(56), 'Bits of an IPv6 address that stay.'),
        })
        .prefault({}),
      'Prefixes of `truncated`.',
    ),
    'key-rotation': key(
      durationMs('1d', '366d').prefault('30d'),
      'How long one key makes pseudonyms: as long as a client can be followed without undoing one.',
    ),
    retention: key(
      z
        .strictObject({
          preset: key(
            choice(RETENTION_PRESETS).prefault('m-26-14'),
            '`m-26-14` is six months searchable and twelve more packed, `m-21-31` twelve and eighteen.',
          ),
          queries: key(keep('records of queries'), 'Records of what clients did.'),
          changes: key(
            keep('records of changes'),
            'Records of what operators and the program did; never shorter than those of queries.',
          ),
        })
        .prefault({}),
      'How long records are kept.',
    ),
    'repeat-window': key(
      durationMs('0s', '1h').prefault('1m'),
      'Queries of one client with the same name, type, list and answer are recorded when they begin, and those that follow within this time together, with their number; `0s` records each by itself.',
    ),
    'bytes-per-day': key(
      sizeBytes('64MiB', '1024GiB').prefault('4GiB'),
      'Bytes of records of queries a day, on average; a quarter of them may come at once. Beyond it, queries are recorded as sums.',
    ),
    'client-bytes-per-day': key(
      sizeBytes('1MiB', '1024GiB').prefault('64MiB'),
      'The same for one client, an IPv4 address or an IPv6 /64: beyond it, its queries are recorded as sums by list.',
    ),
    reserve: key(
      sizeBytes('1MiB', '1024GiB').prefault('1GiB'),
      'Bytes of the disk, but never more than a tenth of it, that records of queries leave to changes and to the register of exemptions. An alarm comes at twice of it.',
    ),
    heads: key(
      z
        .strictObject({
          every: key(
            durationMs('1m', '1d').prefault('1h'),
            'How often the end of the chain is signed while a day lasts.',
          ),
          file: key(
            path().optional(),
            'File, best on another machine, that the signed ends are also written to: a chain alone cannot show that its end was cut off.',
            'none',
          ),
        })
        .prefault({}),
      'Signed ends of the chains.',
    ),
    outputs: key(
      list(
        z.strictObject({
          to: key(recordTarget(), 'Where to.'),
          classes: key(
            list(choice(RECORD_CLASSES), 1, RECORD_CLASSES.length).prefault([...RECORD_CLASSES]),
            'Which records; dnstap takes those of queries only.',
          ),
          ca: key(
            path().optional(),
            'File with the certificates that `syslog+tls` trusts.',
            'those of the system',
          ),
          facility: key(choice(SYSLOG_FACILITIES).prefault('local0'), 'Facility of syslog (RFC 5424).'),
        }),
        0,
        OUTPUTS_MAX,
      ).prefault([]),
      'Where records go beside the state directory. One that does not take them loses them, which is counted.',
    ),
  })
  .prefault({});

export const probe = z
  .strictObject({
    interval: key(
      durationMs('0s', '1d').prefault('5m'),
      'How often a sample of the mandate names is asked; `0s` never asks.',
    ),
    sweep: key(durationMs('1h', '31d').prefault('24h'), 'How often all of them are asked.'),
    rate: key(integer(1, 10_000).prefault(500), 'Questions a second.'),
    controls: key(
      list(zone('the root is no control name', 'write a name that has addresses'), 0, CONTROLS_MAX).prefault([
        'example.com',
      ]),
      'Names that have to resolve: a resolver that answers nothing refuses everything too.',
    ),
    listeners: key(
      boolean().prefault(true),
      'Whether the listeners are asked as well, as any client of this host would; otherwise the views of groups only.',
    ),
  })
  .prefault({});
