// A query as a syslog message (RFC 5424) in a counted frame: the JSON line behind a header, as records in a vocabulary are.
import { LOGGED, type RingQuery } from '../../telemetry/events/events.ts';
import {
  SYSLOG_MESSAGE_BYTES_MAX,
  SYSLOG_STRUCTURE_ID,
  type SyslogSender,
  syslogHeader,
} from '../records/records.ts';
import { Piece, type QueryEncoder } from './encoder.ts';
import { JsonForm } from './json-form.ts';
import type { Naming } from './naming.ts';

/** Header and structured data, and what of a line no answer takes. */
const OTHERS_BYTES_MAX = 3_072;
/** Digits of a frame's length, and the blank behind. */
const COUNT_BYTES_MAX = 6;

/** Makes frames. */
export class SyslogForm implements QueryEncoder {
  readonly #lines: JsonForm;
  readonly #line = new Piece();
  readonly #sender: SyslogSender;

  constructor(naming: Naming, sender: SyslogSender) {
    // Answers that would make a message longer than receivers take are left out.
    this.#lines = new JsonForm(naming, sender.resolver, SYSLOG_MESSAGE_BYTES_MAX - OTHERS_BYTES_MAX);
    this.#sender = sender;
  }

  encode(query: RingQuery, piece: Piece): number {
    if (query.kind !== LOGGED.CLIENT) return 0;
    const line = this.#line;
    line.length = 0;
    this.#lines.encode(query, line);
    // Without the line break.
    const length = line.length - 1;
    const time = line.bytes.toString('latin1', 15, 39);
    const head = `${syslogHeader(this.#sender, 'info', time, 'query')} [${SYSLOG_STRUCTURE_ID} resolver="${this.#sender.resolver}"] `;
    piece.reserve(COUNT_BYTES_MAX + head.length + length);
    piece.number(head.length + length);
    piece.text(` ${head}`);
    piece.reserve(length);
    piece.copy(line.bytes, 0, length);
    return 1;
  }
}
