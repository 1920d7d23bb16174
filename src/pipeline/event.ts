// What is told of a query that is worth a record: refused, let pass by an exemption, or a sign of a way around.
//
// One object serves all events: an observer copies what it keeps, during the call. Hot file.
import { type AddressWords, createAddress } from '../base/base.ts';
import { SIGNAL as BYPASS } from '../words/words.ts';

/** Kinds of events. */
export const EVENT = {
  REFUSAL: 0,
  /** A list that is only watched would have refused. */
  WOULD_REFUSE: 1,
  /** An exemption let pass what a list would have refused. */
  EXEMPTION_HIT: 2,
  /** A sign that a client does not ask here, or does not have to. */
  BYPASS: 3,
} as const;

/** Signs of a way around; the first three are told by lists of these categories. */
export const SIGNAL = { NONE: -1, ...BYPASS } as const;

/**
 * Events about clients outside of what is allowed, a second; the others are only counted. Enough to name a network that
 * was forgotten, too few to flood the records from forged addresses.
 */
const OUTSIDER_EVENTS_PER_SEC = 10;

/** One event. Numbers are EVENT, SIGNAL, TRANSPORT, MATCH, TRIGGER. */
export class QueryEvent {
  kind = 0;
  /** Milliseconds since the epoch. */
  timeMs = 0;
  /** The client. */
  address: AddressWords = createAddress();
  port = 0;
  transport = 0;
  /** Policy generation; the indexes of group and list belong to it. */
  generation = 0;
  group = 0;
  /** -1: none. */
  list = -1;
  line = 0;
  match = 0;
  trigger = 0;
  qtype = 0;
  /** -1: nothing was answered. */
  rcode = -1;
  /** Code of the Extended DNS Error that the list gives; -1: none was sent. */
  edeCode = -1;
  /** Number of the exemption; 0: none. */
  exemption = 0;
  signal: number = SIGNAL.NONE;
  /** ID and flags of the query. */
  id = 0;
  flags = 0;
  /** Holds the QNAME in wire form with the client's letters. */
  query: Uint8Array = EMPTY;
  qnameStart = 0;
  qnameLength = 0;
  /** Holds the folded wire name that the rule matched where that is not the QNAME, in its first bytes. */
  target: Uint8Array = EMPTY;
  /** 0: the rule matched no other name. */
  targetLength = 0;
  /** The address that the rule matched. */
  targetAddress: AddressWords | undefined = undefined;
}

const EMPTY = new Uint8Array(0);

/** Is told of events; a few memory operations. */
export interface EventObserver {
  /** False: there was no room, and the event is lost. */
  write(event: QueryEvent): boolean;
}

/** Bounds the events about clients outside. */
export class OutsiderEvents {
  #second = 0;
  #count = 0;

  /** True when one more may be told of. */
  mayTell(nowMs: number): boolean {
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#second) this.#count = 0;
    this.#second = second;
    return this.#count++ < OUTSIDER_EVENTS_PER_SEC;
  }
}
