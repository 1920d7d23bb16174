// A record as a syslog message (RFC 5424): header, one element of structured data, and a sentence for people.
//
// The element has a parameter for each member of the record, so that a receiver needs no parser for the text. What is
// itself an object (the paper of an exemption, the results of a probe) is JSON in its parameter. The sentence begins with
// the byte order mark that section 6.4 demands of UTF-8.

import { isAsDecided } from '../../enforcement/enforcement.ts';
import type { SignedHead } from '../heads.ts';
import type { EvidenceRecord } from '../record.ts';
import type { PlacedRecord } from '../record-output.ts';
import { describeRecord } from '../record-text.ts';

/** Facilities of RFC 5424 section 6.2.1 that a program may use. */
export const SYSLOG_FACILITY = {
  user: 1,
  daemon: 3,
  auth: 4,
  authpriv: 10,
  audit: 13,
  local0: 16,
  local1: 17,
  local2: 18,
  local3: 19,
  local4: 20,
  local5: 21,
  local6: 22,
  local7: 23,
} as const;

/** Severities of RFC 5424 section 6.2.1. */
export const SYSLOG_SEVERITY = {
  emergency: 0,
  alert: 1,
  critical: 2,
  error: 3,
  warning: 4,
  notice: 5,
  info: 6,
  debug: 7,
} as const;

/** A word of SYSLOG_FACILITY. */
export type SyslogFacility = keyof typeof SYSLOG_FACILITY;
/** A word of SYSLOG_SEVERITY. */
export type SyslogSeverity = keyof typeof SYSLOG_SEVERITY;

/** What the header says of the sender. */
export interface SyslogSender {
  /** The host's name, fully qualified where it has such a name (section 6.2.4). */
  readonly hostname: string;
  readonly facility: SyslogFacility;
  /** Of every message; absent: by what the record says. */
  readonly severity?: SyslogSeverity;
  readonly processId: number;
}

/** RFC 5612 gives number 32473 to examples; Cordon has none of its own. */
const STRUCTURE_ID = 'cordon@32473';
const BYTE_ORDER_MARK = '\ufeff';
/** Section 6.2: lengths of the header's fields. */
const HOSTNAME_LENGTH_MAX = 255;
const MESSAGE_ID_LENGTH_MAX = 32;
/** RFC 5425 section 4.3.1: what a receiver should be able to process. */
const MESSAGE_BYTES_MAX = 8_192;

/** The message for a record. */
export const toSyslog = (
  { record, sequence, class: chain }: PlacedRecord,
  sender: SyslogSender,
): Uint8Array => {
  const members = { chain, seq: sequence, ...record };
  const severity = sender.severity ?? severityOf(record);
  return compose(sender, severity, record.time, record.kind, members, describeRecord(record));
};

/** The message for a signed head of a chain. */
export const headToSyslog = (head: SignedHead, sender: SyslogSender): Uint8Array =>
  compose(
    sender,
    sender.severity ?? 'notice',
    head.signedAt,
    'head',
    head,
    `head ${head.number}: ${head.class} up to record ${head.last}`,
  );

const compose = (
  sender: SyslogSender,
  severity: SyslogSeverity,
  time: string,
  kind: string,
  members: object,
  text: string,
): Uint8Array => {
  const priority = SYSLOG_FACILITY[sender.facility] * 8 + SYSLOG_SEVERITY[severity];
  const hostname = printable(sender.hostname, HOSTNAME_LENGTH_MAX);
  const id = printable(kind, MESSAGE_ID_LENGTH_MAX);
  const head = `<${priority}>1 ${time} ${hostname} cordon ${sender.processId} ${id} `;
  const tail = ` ${BYTE_ORDER_MARK}${withoutControls(text)}`;
  const whole = Buffer.from(`${head}${structure(members, true)}${tail}`);
  // A receiver may cut what is longer, and would cut it anywhere.
  return whole.length <= MESSAGE_BYTES_MAX
    ? whole
    : Buffer.from(`${head}${structure(members, false)}${tail}`);
};

/** Section 6.3: the element; without objects it names them in `omitted`. */
const structure = (members: object, withObjects: boolean): string => {
  const omitted: string[] = [];
  let text = `[${STRUCTURE_ID}`;
  for (const [name, value] of Object.entries(members)) {
    if (value === undefined || value === null) continue;
    if (typeof value === 'object' && !withObjects) omitted.push(name);
    else
      text += ` ${name}="${escapeValue(typeof value === 'object' ? JSON.stringify(value) : String(value))}"`;
  }
  if (omitted.length > 0) text += ` omitted="${omitted.join(' ')}"`;
  return `${text}]`;
};

/** Section 6.3.3: three characters have a backslash before them. */
const escapeValue = (text: string): string => withoutControls(text).replace(/["\\\]]/g, '\\$&');

/** A line break in a name or a reason would be a message of its own for receivers that write files of lines. */
const withoutControls = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
  text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, ' ');

/** PRINTUSASCII of section 6, or the nil value. */
const printable = (text: string, lengthMax: number): string =>
  text.replace(/[^\x21-\x7e]/g, '').slice(0, lengthMax) || '-';

const severityOf = (record: EvidenceRecord): SyslogSeverity => {
  switch (record.kind) {
    case 'refusal':
    case 'would-refuse':
    case 'exemption-hit':
    case 'bypass':
    case 'sketch':
      return 'info';
    case 'enforcement':
      if (record.event === 'state') return isAsDecided(record.state) ? 'notice' : 'error';
      return record.event === 'gap-begin' ? 'error' : 'notice';
    case 'probe':
      return record.outcome === 'enforced' ? 'notice' : 'error';
    case 'records':
      return ALARMING_EVENTS.has(record.event) ? 'warning' : 'notice';
    case 'service':
      return record.event === 'unclean-end' || record.event === 'worker-died' ? 'warning' : 'notice';
    case 'list':
      return record.event === 'held' || record.event === 'fetch-failed' ? 'warning' : 'notice';
    case 'configuration':
      return record.event === 'refused' ? 'warning' : 'notice';
    case 'decision':
      return record.event.endsWith('-near') || record.event.endsWith('-passed') ? 'warning' : 'notice';
    default:
      return 'notice';
  }
};

const ALARMING_EVENTS: ReadonlySet<string> = new Set([
  'dropped',
  'clock-step',
  'damaged',
  'output-dropped',
  'reserve-begin',
]);
