// What is told of a query that is worth a record: one shape from the pipeline that writes it to the recorder that reads it.
//
// One object serves all events of its side: an observer copies what it keeps, during the call. Hot file.
import { type AddressWords, createAddress } from '../../base/base.ts';
import { EVENT, NO_SIGNAL } from '../../base/words/words.ts';
import { NAME_LENGTH_MAX } from '../../wire/dns/dns.ts';

/** Bytes of the name of a device: access gives no longer ones. */
export const DEVICE_BYTES_MAX = 100;

/** Which rule decided, or would have. */
export class RuleNumbers {
  /** -1: no list had a part in it. */
  list = -1;
  /** Of the rule, from 1. */
  line = 0;
  /** One of the bits of MATCH. */
  match = 0;
  /** TRIGGER of dns. */
  trigger = 0;
  /** Number of the exemption; 0: none. */
  exemption = 0;
}

/** What an event says in numbers, written and read. Numbers below 0 mean: none. */
export class EventNumbers {
  /** EVENT. */
  kind: number = EVENT.REFUSAL;
  /** Milliseconds since the epoch. */
  timeMs = 0;
  port = 0;
  /** TRANSPORT. */
  transport = 0;
  /** Policy generation; the indexes of group and list belong to it. */
  generation = 0;
  group = 0;
  readonly rule = new RuleNumbers();
  qtype = 0;
  /** -1: nothing was answered. */
  rcode = -1;
  /** Code of the Extended DNS Error in the answer (RFC 8914); -1: none. */
  edeCode = -1;
  /** SIGNAL, or NO_SIGNAL. */
  signal: number = NO_SIGNAL;
  /** ID and header flags of the query. */
  id = 0;
  flags = 0;
  qnameLength = 0;
  /** Of the folded wire name that the rule matched, where that is not the QNAME; 0: it matched no other name. */
  targetLength = 0;
}

/** An event as it is written: it points at what the writer has. */
export class QueryEvent extends EventNumbers {
  /** The client. */
  address: AddressWords = createAddress();
  /** Holds the QNAME in wire form with the client's letters. */
  query: Uint8Array = EMPTY;
  qnameStart = 0;
  /** Holds the target in its first bytes. */
  target: Uint8Array = EMPTY;
  /** The address that the rule matched. */
  targetAddress: AddressWords | undefined = undefined;
  /** The name of the client's device in UTF-8, at most DEVICE_BYTES_MAX; undefined: it has shown none. */
  device: Uint8Array | undefined = undefined;
  /** Index of the forwarder that says who asked, by the policy generation; -1: the client asked itself. */
  forwarder = -1;
}

const EMPTY = new Uint8Array(0);

/** An event as it is read: it holds its own bytes. */
export class RingEvent extends EventNumbers {
  /** The client. */
  readonly address: AddressWords = createAddress();
  /** The folded wire name, in its first bytes. */
  readonly qname = new Uint8Array(NAME_LENGTH_MAX);
  /** The target, in its first bytes. */
  readonly target = new Uint8Array(NAME_LENGTH_MAX);
  /** The address that the rule matched, when `hasTargetAddress`. */
  readonly targetAddress: AddressWords = createAddress();
  hasTargetAddress = false;
  /** The name of the client's device in UTF-8, in its first bytes; length 0: it has shown none. */
  readonly device = new Uint8Array(DEVICE_BYTES_MAX);
  deviceLength = 0;
  /** As in QueryEvent. */
  forwarder = -1;
}

/** Is told of events; a few memory operations. */
export interface EventObserver {
  /** False: there was no room, and the event is lost. */
  write(event: QueryEvent): boolean;
}
