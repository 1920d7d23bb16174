// What was refused lately, by client: for the page that a refused client is led to, and for the help desk.
//
// It lies in the memory of the recorder and ends with it; the records are the evidence. Each client has a few names, so that
// one which asks for thousands pushes out none but its own; the client that asked longest ago gives way to a new one.
import { LRUCache } from 'lru-cache';
import { createAddress, DAY_MS, parseAddress } from '../../base/base.ts';
import { formatName } from '../../wire/dns/dns.ts';
import { readReference, toReference } from './client-references.ts';
import type { ClientIdentities } from './identity.ts';

/** Clients: those of a large site that meet a refusal in a day. With NAMES_MAX each, at most some 16 MB. */
const CLIENTS_MAX = 4_096;
/** Names of one client: what a page or an application asks for. */
const NAMES_MAX = 16;

/** A name that was refused to a client. */
export interface RecentRefusal {
  /** RFC 3339, of the last time that it got a record. */
  readonly time: string;
  /** Without the final dot. */
  readonly name: string;
  readonly group: string;
  readonly list: string;
  readonly category: string;
  readonly trigger: string;
}

/** What is known of one client. */
export interface RecalledClient {
  readonly reference: string;
  /** The newest first. */
  readonly refusals: readonly RecentRefusal[];
}

/** Who is asked about: a client by its address, or by its reference. */
export interface RecalledWhom {
  readonly kind: 'address' | 'reference';
  readonly text: string;
}

interface Kept {
  timeMs: number;
  /** Wire form, letters folded. */
  readonly qname: Buffer;
  /** Of a rollup (rollup.ts). */
  columns: readonly string[];
}

/** The refusals of one recorder. */
export class RecentRefusals {
  readonly #secret: Uint8Array;
  readonly #clients = new LRUCache<string, Kept[]>({ max: CLIENTS_MAX });

  constructor(secret: Uint8Array) {
    this.#secret = secret;
  }

  /** Keeps a refusal; of the name, `length` bytes are copied. `client` is as the records call it. */
  add(client: string, timeMs: number, qname: Uint8Array, length: number, columns: readonly string[]): void {
    const names = this.#clients.get(client) ?? [];
    if (names.length === 0) this.#clients.set(client, names);
    const name = Buffer.from(qname.buffer, qname.byteOffset, length);
    const at = names.findIndex((kept) => kept.qname.equals(name));
    const [known] = at < 0 ? [] : names.splice(at, 1);
    if (known === undefined) {
      names.push({ timeMs, qname: Buffer.from(name), columns });
      if (names.length > NAMES_MAX) names.shift();
      return;
    }
    known.timeMs = timeMs;
    known.columns = columns;
    names.push(known);
  }

  /** What is kept of a client, with its reference of today. */
  ofClient(client: string, nowMs: number): RecalledClient {
    const names = this.#clients.peek(client) ?? [];
    return { reference: this.#referenceOf(client, nowMs), refusals: names.map(toRefusal).reverse() };
  }

  /** What is kept of the clients whose reference it is, today or the day before; undefined for a text that is none. */
  ofReference(text: string, nowMs: number): RecalledClient | undefined {
    const reference = readReference(text);
    if (reference === undefined) return undefined;
    const refusals: RecentRefusal[] = [];
    for (const [client, names] of this.#clients.entries()) {
      const isMeant = [nowMs, nowMs - DAY_MS].some((ms) => this.#referenceOf(client, ms) === reference);
      if (isMeant) refusals.push(...names.map(toRefusal));
    }
    return { reference, refusals: refusals.sort((a, b) => (a.time < b.time ? 1 : -1)) };
  }

  #referenceOf(client: string, ms: number): string {
    return toReference(this.#secret, ms, client);
  }
}

const toRefusal = ({ timeMs, qname, columns }: Kept): RecentRefusal => {
  const [, group = '', list = '', category = '', trigger = ''] = columns;
  const name = formatName(qname).replace(/\.$/, '');
  return { time: new Date(timeMs).toISOString(), name, group, list, category, trigger };
};

/** What is kept of whom somebody asks about; undefined for a text that means nobody. */
export const recallClient = (
  { recent, encoder }: { recent: RecentRefusals; encoder: { identities: ClientIdentities } },
  whom: RecalledWhom,
  nowMs: number,
): RecalledClient | undefined => {
  if (whom.kind === 'reference') return recent.ofReference(whom.text, nowMs);
  const words = createAddress();
  return parseAddress(whom.text, words)
    ? recent.ofClient(encoder.identities.of(words).text, nowMs)
    : undefined;
};
