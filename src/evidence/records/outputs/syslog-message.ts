// A record as a syslog message (RFC 5424): header, one element of structured data, and a sentence for people.
//
// The element has a parameter for each member of the record, so that a receiver needs no parser for the text. What is
// itself an object (the paper of an exemption, the results of a probe) is JSON in its parameter. In the format of a
// vocabulary, the message is the record as JSON, and the element only says which record of which resolver it is.

import type { SignedHead } from '../heads.ts';
import type { PlacedRecord } from '../record-output.ts';
import { describeRecord } from '../record-text.ts';
import type { RecordSender } from './fields.ts';
import { describeHead, type RecordFormat, toFormattedText, toHeadText } from './json-text.ts';
import { SYSLOG_SEVERITY, type SyslogSeverity, severityOf } from './severity.ts';

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

/** A word of SYSLOG_FACILITY. */
export type SyslogFacility = keyof typeof SYSLOG_FACILITY;

/** What the header says of the sender. */
export interface SyslogSender extends RecordSender {
  readonly facility: SyslogFacility;
  /** Of every message; absent: by what the record says. */
  readonly severity?: SyslogSeverity;
  readonly processId: number;
  /** What the message is: a sentence for people, or the record as JSON in a vocabulary. */
  readonly format?: RecordFormat;
}

/** RFC 5612 gives number 32473 to examples; Cordon has none of its own. */
export const STRUCTURE_ID = 'cordon@32473';
const BYTE_ORDER_MARK = '\ufeff';
/** Section 6.2: lengths of the header's fields. */
const HOSTNAME_LENGTH_MAX = 255;
const MESSAGE_ID_LENGTH_MAX = 32;
/** RFC 5425 section 4.3.1: what a receiver should be able to process. */
export const MESSAGE_BYTES_MAX = 8_192;

/** The message for a record. */
export const toSyslog = (placed: PlacedRecord, sender: SyslogSender): Uint8Array => {
  const { record, sequence, class: chain } = placed;
  const { resolver, format = 'cordon' } = sender;
  const place = { resolver, chain, seq: sequence };
  const header = toHeader(sender, sender.severity ?? severityOf(record), record.time, record.kind);
  if (format === 'cordon') return compose(header, { ...place, ...record }, sentence(describeRecord(record)));
  const whole = compose(header, place, inAscii(toFormattedText(placed, sender, format)));
  return whole.length <= MESSAGE_BYTES_MAX
    ? whole
    : compose(header, place, inAscii(toFormattedText(placed, sender, format, false)));
};

/** The message for a signed head of a chain. */
export const headToSyslog = (head: SignedHead, sender: SyslogSender): Uint8Array => {
  const { format = 'cordon' } = sender;
  const header = toHeader(sender, sender.severity ?? 'notice', head.signedAt, 'head');
  return format === 'cordon'
    ? compose(header, head, sentence(describeHead(head)))
    : compose(
        header,
        { resolver: head.resolver, chain: head.class },
        inAscii(toHeadText(head, sender, format)),
      );
};

/** Section 6: everything before the structured data. */
export const toHeader = (
  sender: SyslogSender,
  severity: SyslogSeverity,
  time: string,
  kind: string,
): string => {
  const priority = SYSLOG_FACILITY[sender.facility] * 8 + SYSLOG_SEVERITY[severity];
  const hostname = printable(sender.resolver, HOSTNAME_LENGTH_MAX);
  const id = printable(kind, MESSAGE_ID_LENGTH_MAX);
  return `<${priority}>1 ${time} ${hostname} cordon ${sender.processId} ${id}`;
};

/** A text for people, with the byte order mark that section 6.4 demands of UTF-8. */
const sentence = (text: string): string => `${BYTE_ORDER_MARK}${withoutControls(text)}`;

/** JSON without a byte order mark: parsers would stumble over one, and ASCII needs none. */
const inAscii = (json: string): string =>
  json.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

const compose = (header: string, members: object, message: string): Uint8Array => {
  const whole = Buffer.from(`${header} ${structure(members, true)} ${message}`);
  // A receiver may cut what is longer, and would cut it anywhere.
  return whole.length <= MESSAGE_BYTES_MAX
    ? whole
    : Buffer.from(`${header} ${structure(members, false)} ${message}`);
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
