// What is wrong with the records: not whole, no room on the disk, outputs that take none, witnesses.
import type { FoundIssue } from '../../base/words/words.ts';
import { CONNECTING } from './outputs/stream-link.ts';
import type { RecordingFacts } from './recording-options.ts';
import { witnessIssues } from './witness-issues.ts';

/** Free bytes below so many reserves are told of. */
const RESERVES_MIN = 2;

/** What to do about an output, by what stands before the colon of its name. */
const OUTPUT_HINTS: Readonly<Record<string, string>> = {
  heads:
    'look at the path, at the rights of its directory and at the room on its disk; under systemd name its directory in ReadWritePaths= of a drop-in',
  file: 'look at the path, at the rights of its directory and at the room on its disk',
  'syslog+tcp': 'look whether the receiver runs and whether its port can be reached from this host',
  'syslog+tls':
    'look whether the receiver runs, whether its port can be reached, and whether its certificate is signed by an authority of the key "ca" and for the name behind "#"',
  'dnstap+unix': 'look whether the receiver runs and whether the service may open its socket',
  'dnstap+tcp': 'look whether the receiver runs and whether its port can be reached from this host',
};

/** What is looked at of the records. */
export type WatchedRecords = Pick<
  RecordingFacts,
  'isVerified' | 'isClockTrusted' | 'freeBytes' | 'reserveBytes' | 'outputs' | 'witnesses'
>;

/** `witnessesNeeded` of the witnesses have to cosign; undefined: all. */
export const recordIssues = (
  { isVerified, isClockTrusted, freeBytes, reserveBytes, outputs, witnesses }: WatchedRecords,
  witnessesNeeded: number | undefined,
  nowMs: number,
): FoundIssue[] => {
  const found: FoundIssue[] = [];
  const add = (id: FoundIssue['id'], text: string, subject = ''): void => {
    found.push({ id, subject, text });
  };
  if (isVerified === false)
    add('records-not-whole', 'the records are not whole: cordon records verify', 'records');
  if (!isClockTrusted) add('clock-wrong', 'the clock of the resolver cannot be right');
  if (freeBytes !== undefined && reserveBytes !== undefined && freeBytes < RESERVES_MIN * reserveBytes) {
    const free = `${(freeBytes / 2 ** 30).toFixed(1)} GiB are left on the disk of the records`;
    if (freeBytes < reserveBytes) add('records-reserve', `queries are recorded as sums only: ${free}`);
    else add('records-disk-low', free);
  }
  for (const { name, trouble } of outputs) {
    // A first connection that is still being made is no trouble yet; it has a time of its own.
    if (trouble === undefined || trouble === CONNECTING) continue;
    const hint = OUTPUT_HINTS[name.split(':', 1)[0] ?? ''];
    const text = `output ${name} takes no records: ${trouble}`;
    found.push({ id: 'output-stuck', subject: name, text, do: hint });
  }
  return [...found, ...witnessIssues(witnesses, witnessesNeeded, nowMs)];
};
