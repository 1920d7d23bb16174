// A question on its way through the endpoints of its route. Hot file: one object per question.
//
// Order: the endpoints as configured, the unhealthy ones after the others. An endpoint that said no (SERVFAIL,
// REFUSED, …) or that the network cannot reach is not asked again for this question; one that was silent is, in a
// further round after all others, because a datagram may have been lost. Once some upstream has answered, however
// badly, there are no further rounds and unhealthy endpoints are left out: the client shall not wait the whole
// time for a failure that is known.
import type { TryFault, UpstreamFailure, UpstreamOutcome, UpstreamQuestion } from './exchange.ts';
import type { TcpQuery } from './tcp-query.ts';
import { NOT_DUE, type WheelEntry } from './time-wheel.ts';
import type { UdpChannel } from './udp-channel.ts';
import type { UpstreamEndpoint } from './upstream-endpoint.ts';

/** Endpoints of a route: one bit each in a 32-bit number, the sign bit left alone. */
export const ROUTE_ENDPOINTS_MAX = 31;

/** A question in flight, with the try that is under way. */
export class Flight implements WheelEntry<Flight> {
  readonly question: UpstreamQuestion;
  readonly endpoints: readonly UpstreamEndpoint<Flight>[];
  readonly done: (outcome: UpstreamOutcome) => void;
  /** Tick of the wheel at which the question is given up. */
  readonly deadlineTick: number;

  dueTick = NOT_DUE;
  earlier: Flight | undefined = undefined;
  later: Flight | undefined = undefined;

  /** The endpoint of the current try. */
  endpoint: UpstreamEndpoint<Flight> | undefined = undefined;
  /** The current try's socket and ID, or its connection. */
  channel: UdpChannel<Flight> | undefined = undefined;
  id = 0;
  tcp: TcpQuery | undefined = undefined;
  sentAtMs = 0;
  /** False after the current endpoint could not take EDNS. */
  edns = true;

  /** Why the question fails if nothing better comes. */
  reason: UpstreamFailure = 'timeout';
  /** The last SERVFAIL or REFUSED answer. */
  message: Uint8Array | undefined = undefined;
  #hasAnswer = false;
  #bit = 0;
  #triedBits = 0;
  #excludedBits = 0;

  constructor(
    question: UpstreamQuestion,
    endpoints: readonly UpstreamEndpoint<Flight>[],
    deadlineTick: number,
    done: (outcome: UpstreamOutcome) => void,
  ) {
    this.question = question;
    this.endpoints = endpoints;
    this.deadlineTick = deadlineTick;
    this.done = done;
  }

  /** Makes the next endpoint the current one; false when none is left. */
  advance(): boolean {
    if (this.#take(true) || (!this.#hasAnswer && this.#take(false))) return true;
    if (this.#hasAnswer) return false;
    this.#triedBits = this.#excludedBits;
    return this.#take(true) || this.#take(false);
  }

  /** Records why the current endpoint's try failed. */
  note(fault: TryFault, message: Uint8Array | undefined): void {
    if (fault !== 'timeout') this.#excludedBits |= this.#bit;
    if (fault === 'servfail' || fault === 'refused') {
      this.#hasAnswer = true;
      this.reason = fault;
      this.message = message;
    } else if (fault === 'unsupported') {
      this.#hasAnswer = true;
      if (this.message === undefined) this.reason = 'servfail';
    } else if (fault !== 'timeout' && this.reason === 'timeout') {
      this.reason = 'network';
    }
  }

  #take(isHealthy: boolean): boolean {
    for (let i = 0; i < this.endpoints.length; i++) {
      const bit = 1 << i;
      const endpoint = this.endpoints[i];
      if (endpoint === undefined || (this.#triedBits & bit) !== 0 || endpoint.isHealthy !== isHealthy)
        continue;
      this.#triedBits |= bit;
      this.#bit = bit;
      this.endpoint = endpoint;
      this.edns = true;
      return true;
    }
    return false;
  }
}
