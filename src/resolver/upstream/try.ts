// One query under way to one endpoint for a question. Hot file: usually one for each question; used again as Flight says.
//
// A question may have several tries, one after another or at once. One that was silent for its time is late: the question
// goes on without it, but its answer counts until the question ends. A try may travel twice: over TCP after a truncated
// or doubtful answer, or with less EDNS after a server that could not take it. It stays the same try, and it ends once.
// When another one has answered first, it is overtaken: nobody waits for it, but what comes of it still tells how the
// endpoint is, otherwise a frozen one would never be found out.
import type { Connection } from './connection.ts';
import type { Flight } from './flight.ts';
import { WheelEntry } from './time-wheel.ts';
import type { UdpChannel } from './udp-channel.ts';
import type { UpstreamEndpoint } from './upstream-endpoint.ts';

/** In which form the query under way went, and the next one goes. */
export class QueryForm {
  /** Begins with another try. */
  begin(): void {
    this.hasEdns = true;
    this.hasCookie = false;
    this.isCookieRefused = false;
    this.isGuarded = false;
    this.letters = undefined;
  }

  /** False after the endpoint could not take EDNS. */
  hasEdns = true;
  hasCookie = false;
  /** The endpoint has refused a cookie once. */
  isCookieRefused = false;
  /** It went over TCP because somebody guesses answers. */
  isGuarded = false;
  /** The query, when its letters are in mixed case and the answer has to repeat them. */
  letters: Uint8Array | undefined = undefined;
}

/** A try of a question in flight. */
export class Try extends WheelEntry<Try> {
  flight: Flight<Try>;
  endpoint: UpstreamEndpoint<Try>;
  /** The endpoint's bit in the flight's list. */
  bit: number;

  /** The try of the same question that was begun before it. */
  sibling: Try | undefined = undefined;
  isOpen = true;

  /** The socket with the ID, or the connection, on which the query waits. */
  channel: UdpChannel<Try> | undefined = undefined;
  id = 0;
  connection: Connection<Try> | undefined = undefined;
  sentAtMs = 0;
  /** Tick at which it is given up. */
  endTick = 0;
  /** Its due tick is that of the question's next try, not yet the end. */
  isFresh = false;
  /** It was silent for its time, and others are asked; its answer still counts. */
  isLate = false;
  /** The flight's use that the try is part of: it must not outlive it. */
  flightUse = 0;

  readonly form = new QueryForm();
  /** Why an answer over UDP was dropped and TCP is asked for the truth. */
  doubt: 'case' | 'cookie' | undefined = undefined;

  constructor(flight: Flight<Try>, endpoint: UpstreamEndpoint<Try>, bit: number) {
    super();
    this.flight = flight;
    this.endpoint = endpoint;
    this.bit = bit;
  }

  /** Begins anew, as the constructor does. */
  begin(flight: Flight<Try>, endpoint: UpstreamEndpoint<Try>, bit: number): void {
    this.flight = flight;
    this.endpoint = endpoint;
    this.bit = bit;
    this.sibling = undefined;
    this.isOpen = true;
    this.channel = undefined;
    this.connection = undefined;
    this.isFresh = false;
    this.isLate = false;
    this.flightUse = flight.use;
    this.form.begin();
    this.doubt = undefined;
  }
}
