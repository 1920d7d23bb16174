// A record in a few words, for people: lines of the command, messages of syslog.
//
// What is said is a summary; the record itself has more and is never replaced by it.
import { formatDuration } from '../../base/base.ts';
import { describeEnforcement, isInForce } from '../../telemetry/enforcement/enforcement.ts';
import type { ForeignRecord } from './foreign-record.ts';
import type { EnforcementRecord, EvidenceRecord, FleetRecord, QueryRecord } from './record.ts';

/** One line about a record, without its time. */
export const describeRecord = (record: EvidenceRecord): string => {
  switch (record.kind) {
    case 'refusal':
      return `refused ${askedOf(record)} to ${record.client}${byList(record.list)}${timesOf(record)}`;
    case 'would-refuse':
      return `would have refused ${askedOf(record)} to ${record.client}${byList(record.list)}${timesOf(record)}`;
    case 'exemption-hit':
      return `${record.exemption ?? 'an exemption'} let ${record.client} ask ${askedOf(record)}${timesOf(record)}`;
    case 'bypass':
      return `${record.client} asked ${askedOf(record)}: ${record.signal ?? 'sign of a bypass'}${timesOf(record)}`;
    case 'sketch':
      return `distinct clients of group ${record.group} on ${record.day}`;
    case 'enforcement':
      return describeEnforcementRecord(record);
    case 'exemption':
      return `exemption ${record.id} ${record.event}${by(record.by)}`;
    case 'probe':
      return `probe (${record.event}): ${record.outcome}`;
    case 'list':
    case 'decision':
      return `${record.kind} ${record.list}: ${record.event}`;
    case 'admin':
      return `${record.action}${by(record.by)}`;
    case 'service':
      return `service: ${record.event}${words([record.feed, record.state, record.reason])}${since(record.lastWritten)}`;
    case 'configuration':
      return `configuration: ${record.event}${words([record.cause, record.code])}`;
    case 'later':
      return 'of a later version';
    case 'fleet':
      return `fleet: ${record.event}${words([entryOf(record), record.subject, record.code, record.reason])}`;
    case 'foreign':
      return `${record.resolver}: ${record.event}${words([foreignOf(record), record.proof?.verdict, record.reason])}`;
    case 'records':
      return `records: ${record.event}${words([record.file, record.output, amount(record), record.text])}${by(record.by)}`;
  }
};

const foreignOf = ({ answers, refused = 0, leaked = 0 }: ForeignRecord): string | undefined =>
  answers === undefined ? undefined : `${answers} answers, ${refused} refused, ${leaked} of listed names`;

const entryOf = ({ number, entry }: FleetRecord): string | undefined =>
  number === undefined ? undefined : `entry ${number}, ${entry ?? 'of no kind'}`;

const askedOf = ({ qname, qtype, summary }: QueryRecord): string =>
  `${qname} ${qtype}${summary === undefined ? '' : ' and others'}`;

const timesOf = ({ count, until }: QueryRecord): string =>
  count === undefined ? '' : `, ${count} times${until === undefined ? '' : ` until ${until}`}`;

const describeEnforcementRecord = (record: EnforcementRecord): string => {
  if (record.event === 'state')
    return `${isInForce(record.state) ? 'in force' : `not in force (${record.state})`}: ${describeEnforcement(record)}${by(record.by)}`;
  return record.event === 'gap-begin'
    ? `not enforcing: ${record.cause}`
    : `enforcing again after ${record.cause}`;
};

const byList = (list: string | undefined): string => (list === undefined ? '' : ` by list ${list}`);
const by = (who: string | undefined): string => (who === undefined ? '' : ` by ${who}`);
const since = (time: string | undefined): string => (time === undefined ? '' : `, last written ${time}`);

const amount = ({ count, ms }: { readonly count?: number; readonly ms?: number }): string | undefined =>
  count === undefined ? (ms === undefined ? undefined : formatDuration(ms)) : `${count} records`;

const words = (texts: readonly (string | undefined)[]): string => {
  const known = texts.filter((text) => text !== undefined);
  return known.length === 0 ? '' : ` (${known.join(', ')})`;
};
