// dnstap over Frame Streams, to a Unix socket or over TCP: records of queries for tools that collect DNS events.
//
// Records about the program itself have no place in the schema and are not sent, nor are registers of the
// distinct-client estimate.
import { type DnstapSender, toDnstap } from './dnstap-message.ts';
import { createFrameStream, toDataFrame } from './frame-stream.ts';
import { toJsonText } from './json-text.ts';
import { StreamOutput, type StreamOutputOptions } from './stream-output.ts';

/** Where the messages go, and who they say sent them. */
export type DnstapOptions = StreamOutputOptions & DnstapSender;

/** Names the schema in the handshake. */
export const DNSTAP_CONTENT_TYPE = 'protobuf:dnstap.Dnstap';
/** The handshake, which names the schema. */
export const DNSTAP_PROTOCOL = createFrameStream(DNSTAP_CONTENT_TYPE);

/** The output `dnstap`. */
export class DnstapOutput extends StreamOutput {
  constructor(options: DnstapOptions) {
    super(options, {
      protocol: DNSTAP_PROTOCOL,
      encode: (placed) => {
        if (placed.class !== 'queries') return undefined;
        const { record } = placed;
        return 'qname' in record
          ? () => toDataFrame(toDnstap(record, toJsonText(placed, options.identity), options))
          : undefined;
      },
    });
  }
}
