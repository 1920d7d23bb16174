// The query log: every query with its answer, where somebody wants one. Off unless an output is written.
import { z } from 'zod';
import { durationMs, sizeBytes } from '../amount.ts';
import { formatRecordTarget, recordTarget } from '../evidence-leaf.ts';
import { withForm } from '../form.ts';
import { boolean, choice, integer, path } from '../leaf.ts';
import { RETENTION, RETENTION_PRESETS } from '../retention.ts';
import { key, keyAs, list, same } from '../value.ts';
import { SYSLOG_FACILITIES } from './records.ts';

/** Each is work for every query. */
const OUTPUTS_MAX = 4;
/** Without a preset: as long as a look back after an incident takes, and no longer. */
const SEARCHABLE_MS = 7 * 86_400_000;

/** How a client stands in the log. */
const LOG_IDENTITIES = ['address', 'prefix', 'pseudonym', 'none'] as const;
/** Messages of dnstap, in the words of its schema. */
const MESSAGES = ['client-query', 'client-response', 'forwarder-query', 'forwarder-response'] as const;

const output = withForm(
  z.strictObject({
    to: key(
      recordTarget(),
      'Where queries go: JSON lines in the names of the Elastic Common Schema to a file or over syslog, or dnstap.',
    ),
    ca: keyAs(
      'caPath',
      path().optional(),
      'File with the certificates that `syslog+tls` trusts.',
      'those of the system',
    ),
    facility: key(choice(SYSLOG_FACILITIES).prefault('local1'), 'Facility of syslog (RFC 5424).'),
    messages: key(
      list(choice(MESSAGES), 1, MESSAGES.length).prefault(['client-query', 'client-response']),
      'Messages of dnstap; those of the forwarder are what upstreams were asked.',
    ),
  }),
  { into: (written) => ({ ...written, text: formatRecordTarget(written.to) }), from: same },
);

const retention = withForm(
  z
    .strictObject({
      preset: key(
        choice(RETENTION_PRESETS).optional(),
        '`m-26-14` is six months searchable and twelve more packed away, `m-21-31` twelve and eighteen.',
        'none',
      ),
      searchable: keyAs(
        'searchableMs',
        durationMs('1h', '7300d').optional(),
        'How long `cordon log search` finds queries.',
        'as `preset` says; `7d` without one',
      ),
      archived: keyAs(
        'archivedMs',
        durationMs('0s', '7300d').optional(),
        'How long files lie in `archive` after that.',
        'as `preset` says; `0s` without one',
      ),
    })
    .prefault({}),
  {
    into: ({ preset, searchableMs, archivedMs }) => ({
      preset,
      searchableMs: searchableMs ?? (preset === undefined ? SEARCHABLE_MS : RETENTION[preset].searchableMs),
      archivedMs: archivedMs ?? (preset === undefined ? 0 : RETENTION[preset].archivedMs),
    }),
    from: same,
  },
);

export const queryLog = z
  .strictObject({
    outputs: key(
      list(output, 0, OUTPUTS_MAX).prefault([]),
      'Where every query goes with its answer; none: no query log is kept. What an output does not take is lost and counted, and costs no answer.',
    ),
    identity: key(
      choice(LOG_IDENTITIES).prefault('pseudonym'),
      'How clients appear: their `address` and port, its `prefix` (`records.truncate`), the `pseudonym` of the records, which the same people can undo, or `none`.',
    ),
    search: keyAs(
      'isSearchable',
      boolean().prefault(false),
      'Whether help desk, operators, approvers and auditors may search and follow the log in the control room, each time with a reason on the record and with clients by their reference of the day.',
    ),
    sample: key(integer(1, 1_000_000).prefault(1), 'Of so many queries one is logged, picked at random.'),
    'bytes-per-day': key(
      sizeBytes('1MiB', '65536GiB').prefault('64GiB'),
      'Bytes that one output gets in a day (UTC), before they are packed; what comes after that is lost and counted.',
    ),
    reserve: keyAs(
      'reserveBytes',
      sizeBytes('1MiB', '1024GiB').prefault('2GiB'),
      'Disk space that files leave free, at most a tenth of the disk; what would take it is lost and counted.',
    ),
    'rotate-every': keyAs(
      'rotateMs',
      durationMs('1m', '31d').prefault('1h'),
      'How old a file gets before the next one is begun.',
    ),
    'rotate-size': keyAs(
      'rotateBytes',
      sizeBytes('1MiB', '64GiB').prefault('1GiB'),
      'How large a file gets, about, before the next one is begun.',
    ),
    retention: key(retention, 'How long files are kept.'),
  })
  .prefault({});
