// syslog over TCP (RFC 6587) or TLS (RFC 5425): records for the collector of an agency's events.
//
// Frames are counted (RFC 6587 section 3.4.1, RFC 5425 section 4.3), so that no character of a message can end it. syslog
// has no confirmation: what the system took is counted as written, and what a connection loses on its way is lost. The
// numbers `seq` show the gap.

import type { LinkProtocol } from './stream-link.ts';
import { StreamOutput, type StreamOutputOptions } from './stream-output.ts';
import { headToSyslog, type SyslogSender, toSyslog } from './syslog-message.ts';

/** Where the messages go, and what their headers say. */
export type SyslogOptions = StreamOutputOptions & SyslogSender;

/** A receiver says nothing; what it sends all the same is read and forgotten. */
export const SYSLOG_PROTOCOL: LinkProtocol = {
  open(socket, ready) {
    socket.resume();
    ready();
  },
  close: (socket) =>
    new Promise((resolve) => {
      socket.once('close', () => resolve());
      socket.end();
    }),
};

/** The output `syslog`. */
export class SyslogOutput extends StreamOutput {
  constructor(options: SyslogOptions) {
    super(options, {
      protocol: SYSLOG_PROTOCOL,
      encode: (placed) => () => toCountedFrame(toSyslog(placed, options)),
      encodeHead: (head) => toCountedFrame(headToSyslog(head, options)),
    });
  }
}

/** `MSG-LEN SP SYSLOG-MSG`. */
const toCountedFrame = (message: Uint8Array): Uint8Array =>
  Buffer.concat([Buffer.from(`${message.length} `), message]);
