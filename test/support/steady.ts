// Clients that ask without a pause while something breaks: every query is answered, and none of what is listed let through.
import { RCODE } from '../../src/wire/dns/dns.ts';
import { ask } from './client.ts';
import type { SocketAddress } from './process.ts';

/** What clients saw. */
export interface Seen {
  readonly asked: number;
  readonly unanswered: number;
  readonly unfiltered: number;
}

/** Asks for a listed name until it is stopped. */
export class Steady {
  #asked = 0;
  #unanswered = 0;
  #unfiltered = 0;
  #isStopped = false;
  readonly #done: Promise<unknown>;

  constructor(resolvers: readonly SocketAddress[], question: string, from: string) {
    this.#done = Promise.all(resolvers.map((resolver) => this.#ask(resolver, question, from)));
  }

  async stop(): Promise<Seen> {
    this.#isStopped = true;
    await this.#done;
    return { asked: this.#asked, unanswered: this.#unanswered, unfiltered: this.#unfiltered };
  }

  async #ask(resolver: SocketAddress, question: string, from: string): Promise<void> {
    while (!this.#isStopped) {
      this.#asked++;
      try {
        const { rcode } = await ask(resolver, question, { from });
        if (rcode === RCODE.NOERROR) this.#unfiltered++;
      } catch {
        this.#unanswered++;
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

/** Between two questions, milliseconds: other tests have the machine as well. */
const PAUSE_MS = 10;
