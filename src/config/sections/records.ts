// What is recorded, how clients stand in it, how long it is kept, and where else it goes.
import { z } from 'zod';
import { durationMs, sizeBytes } from '../amount.ts';
import { formatRecordTarget, logOrigin, recordTarget, witnessKey } from '../evidence-leaf.ts';
import { type FormOf, withForm } from '../form.ts';
import { boolean, choice, integer, path } from '../leaf.ts';
import { type Keep, RETENTION, RETENTION_PRESETS } from '../retention.ts';
import { url } from '../source-leaf.ts';
import { key, keyAs, list, same } from '../value.ts';

/** Each has a connection and a queue. */
const OUTPUTS_MAX = 8;
/** Each is asked every two seconds. */
const WITNESSES_MAX = 8;

/** How a client stands in records. */
const RECORD_IDENTITIES = ['full', 'truncated', 'pseudonym'] as const;

/** The chains of records; the words of exemptions. */
const RECORD_CLASSES = ['queries', 'changes'] as const;

/** Field names of records that are sent. */
const RECORD_FORMATS = ['cordon', 'ecs', 'ocsf'] as const;

/** Facilities of syslog, by number (RFC 5424 section 6.2.1); those that are kept for the system are left out. */
export const SYSLOG_FACILITIES = [
  'user',
  'daemon',
  'auth',
  'local0',
  'local1',
  'local2',
  'local3',
  'local4',
  'local5',
  'local6',
  'local7',
] as const;

const keep = (what: string) =>
  z
    .strictObject({
      searchable: keyAs(
        'searchableMs',
        durationMs('1d', '7300d').optional(),
        `How long ${what} can be searched.`,
        'as `preset` says',
      ),
      archived: keyAs(
        'archivedMs',
        durationMs('0s', '7300d').optional(),
        'How long they are kept packed after that.',
        'as `preset` says',
      ),
    })
    .prefault({});

const retentionKeys = z
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
  .prefault({});

const outputKeys = z.strictObject({
  to: key(recordTarget(), 'Where the records go.'),
  classes: key(
    list(choice(RECORD_CLASSES), 1, RECORD_CLASSES.length).prefault([...RECORD_CLASSES]),
    'Which records are sent; dnstap has only those of queries.',
  ),
  ca: keyAs(
    'caPath',
    path().optional(),
    'File with the certificates that `syslog+tls` trusts.',
    'those of the system',
  ),
  format: key(
    choice(RECORD_FORMATS).prefault('cordon'),
    'Field names of the records: our own, those of the Elastic Common Schema, or those of OCSF ([fields.md](fields.md)). dnstap has a schema of its own.',
  ),
  facility: key(choice(SYSLOG_FACILITIES).prefault('local0'), 'Facility of syslog (RFC 5424).'),
});

const witness = z.strictObject({
  url: key(url(), 'Where it is: `/add-checkpoint` is put behind it.'),
  key: key(witnessKey(), 'The verifier key of its cosignatures, as `cordon witness` prints it.'),
  ca: keyAs(
    'caPath',
    path().optional(),
    'File with the certificates that an https address is trusted by.',
    'those that Node.js brings',
  ),
});

const output = withForm(outputKeys, {
  /** What metrics and records call an output: the target as text. */
  into: (written) => ({ ...written, text: formatRecordTarget(written.to) }),
  from: same,
});

/** A preset is what its durations are: only these are in force. */
const retention = withForm(retentionKeys, {
  into: ({ preset, queries, changes }) => ({
    queries: toKeep(queries, preset),
    changes: toKeep(changes, preset),
  }),
  from: same,
});

const toKeep = (
  { searchableMs, archivedMs }: FormOf<ReturnType<typeof keep>>,
  preset: keyof typeof RETENTION,
): Keep => ({
  searchableMs: searchableMs ?? RETENTION[preset].searchableMs,
  archivedMs: archivedMs ?? RETENTION[preset].archivedMs,
});

export const records = z
  .strictObject({
    enabled: keyAs('isEnabled', boolean().prefault(true), 'Whether records are written.'),
    identity: key(
      choice(RECORD_IDENTITIES).prefault('pseudonym'),
      'How clients appear in records: `full` address and port, `truncated` to a prefix, or a keyed `pseudonym`. A pseudonym can be undone; doing so is itself recorded.',
    ),
    truncate: keyAs(
      'truncateBits',
      z
        .strictObject({
          ipv4: key(integer(8, 32).prefault(24), 'Bits that are kept of an IPv4 address.'),
          ipv6: key(integer(16, 128).prefault(56), 'Bits that are kept of an IPv6 address.'),
        })
        .prefault({}),
      'Prefix lengths of `truncated`.',
    ),
    'key-rotation': keyAs(
      'keyRotationMs',
      durationMs('1d', '366d').prefault('30d'),
      'How long one key is used for pseudonyms; for that long a client can be followed without undoing one.',
    ),
    retention: key(retention, 'How long records are kept.'),
    'repeat-window': keyAs(
      'repeatWindowMs',
      durationMs('0s', '1h').prefault('1m'),
      'Of queries of one client with the same name, type, list and answer, the first is recorded at once, and those that follow within this time as one record with their number; `0s` records each.',
    ),
    'bytes-per-day': key(
      sizeBytes('64MiB', '1024GiB').prefault('4GiB'),
      'Bytes of records of queries a day, on average; a quarter of them may come at once. Beyond that, queries are recorded as sums.',
    ),
    'client-bytes-per-day': key(
      sizeBytes('1MiB', '1024GiB').prefault('64MiB'),
      'The same for one client, an IPv4 address or an IPv6 /64. Beyond that, its queries are recorded as sums by list.',
    ),
    reserve: keyAs(
      'reserveBytes',
      sizeBytes('1MiB', '1024GiB').prefault('1GiB'),
      'Disk space that records of queries leave free for records of changes and the register of exemptions, at most a tenth of the disk. There is an alarm at twice this.',
    ),
    heads: key(
      z
        .strictObject({
          every: keyAs(
            'everyMs',
            durationMs('1m', '1d').prefault('1h'),
            'How often the end of the chain is signed during a day.',
          ),
          file: keyAs(
            'filePath',
            path().optional(),
            'File, best on another machine, that the signed ends are also written to: a chain alone cannot show that its end was cut off.',
            'none',
          ),
        })
        .prefault({}),
      'Signed ends of the chains.',
    ),
    origin: key(
      logOrigin().optional(),
      'What the log of the records is called in checkpoints; another name begins another log for witnesses.',
      'as `name`',
    ),
    witnesses: key(
      list(witness, 0, WITNESSES_MAX).prefault([]),
      'Who cosigns the checkpoints of the records, so that they cannot be written anew or taken back unseen ([Records](records.md#witnesses)).',
    ),
    'witnesses-needed': keyAs(
      'witnessesNeeded',
      integer(1, WITNESSES_MAX).optional(),
      'How many of them have to have cosigned within a minute; fewer are told of, and cost no answer.',
      'all',
    ),
    outputs: key(
      list(output, 0, OUTPUTS_MAX).prefault([]),
      'Where records also go, beside the state directory. Records that an output does not accept are lost there, and counted.',
    ),
  })
  .prefault({});
