// Leases of DHCP in the running program: reads them beside the path of queries, and writes the table that workers look into.
import { type Clock, type Part, packPrefixes } from '../../base/base.ts';
import type { FoundIssue } from '../../base/words/words.ts';
import type { Config } from '../../config/config.ts';
import { createLeaseTable, LEASES_MAX, writeLeases } from '../access/access.ts';
import { LeaseBook } from './lease-book.ts';

/** What is told of defects. */
interface Log {
  error(fields: object, text: string): void;
}

/** Of one program. */
export class LeaseReading implements Part<Config> {
  readonly name = 'leases';
  readonly #clock: Clock;
  readonly #monotonic: () => number;
  readonly #log: Log;
  #book: LeaseBook | undefined;
  #table: SharedArrayBuffer | undefined;
  /** What stands in the table, as text: what is the same is not written again. */
  #written = '';

  constructor(parts: { readonly clock: Clock; monotonic(): number; readonly log: Log }) {
    this.#clock = parts.clock;
    this.#monotonic = parts.monotonic;
    this.#log = parts.log;
  }

  /** The first queries find devices already. */
  async open(config: Config): Promise<void> {
    this.follow(config);
    await this.#read();
  }

  follow({ leases }: Config): void {
    const rules = leases.map((source) => ({ ...source, clients: packPrefixes(source.clients) }));
    if (rules.length === 0) this.#book = undefined;
    else if (this.#book !== undefined) this.#book.follow(rules);
    else {
      const parts = { clock: this.#clock, monotonic: this.#monotonic };
      this.#book = new LeaseBook(rules, LEASES_MAX, parts);
    }
  }

  look(): void {
    if (this.#book !== undefined)
      this.#read().catch((thrown: unknown) => this.#log.error({ err: thrown }, 'reading leases failed'));
  }

  async #read(): Promise<void> {
    const book = this.#book;
    if (book === undefined) return;
    await book.look();
    const leases = book.current();
    const text = leases.map(({ address, device }) => `${address.join(' ')} ${device}`).join(',');
    if (this.#table === undefined || book !== this.#book || text === this.#written) return;
    this.#written = text;
    writeLeases(this.#table, leases);
  }

  /** What workers look into; undefined: nobody reads leases. */
  tableOf({ leases }: Config): SharedArrayBuffer | undefined {
    if (leases.length === 0) return undefined;
    this.#table ??= createLeaseTable();
    return this.#table;
  }

  issues(): FoundIssue[] {
    return (this.#book?.troubles() ?? []).map(({ source, text }) => ({
      id: 'leases-unread',
      subject: source,
      text: `leases of ${source}: ${text}`,
    }));
  }
}
