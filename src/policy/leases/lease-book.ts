// The leases of all sources together: who has which address at the moment, as the table of it wants them.
//
// What a source said last goes on until its leases end: one that cannot be read for an hour does not make devices nameless
// at once, nor keep names for ever. Sources that disagree about an address name nobody.
import {
  type AddressWords,
  type Clock,
  createAddress,
  errorText,
  type PrefixList,
  PrefixTable,
  parseAddress,
} from '../../base/base.ts';
import type { Lease, LeaseForm, Leases } from './lease-forms.ts';
import { KeaSocket, LeaseFile, type LeaseSource } from './lease-source.ts';

/** What the configuration says of a source. */
export interface LeaseRules {
  readonly form: LeaseForm;
  readonly path: string;
  /** For whom it is believed. */
  readonly clients: PrefixList;
  /** What a device is called by. */
  readonly device: 'mac' | 'host';
  /** Milliseconds after which what it said last is nobody's; undefined: until its leases end. */
  readonly maxAgeMs?: number | undefined;
}

/** A device that has an address. */
export interface NamedAddress {
  readonly address: AddressWords;
  readonly device: string;
}

/** Times of looking, milliseconds; and how much of the time reading may take. */
const LOOK_MS = 1_000;
const SOCKET_LOOK_MS = 10_000;
const SHARE_MAX = 0.05;

/** One source and what it said last. */
interface Known {
  rules: LeaseRules;
  clients: PrefixTable;
  readonly source: LeaseSource;
  leases: Leases;
  /** When it said them; undefined: nothing yet. */
  atMs: number | undefined;
  trouble: string | undefined;
  /** Of the file as it was read last. */
  said: string | undefined;
  /** When it is looked at again, by a clock that only runs forward. */
  nextMs: number;
}

/** All sources of the configuration in force. */
export class LeaseBook {
  #known: readonly Known[] = [];
  readonly #max: number;
  readonly #clock: Clock;
  readonly #monotonic: () => number;
  #isLooking = false;
  #over = 0;

  /** A table has room for `max` addresses. */
  constructor(
    rules: readonly LeaseRules[],
    max: number,
    { clock, monotonic }: { readonly clock: Clock; monotonic(): number },
  ) {
    this.#max = max;
    this.#clock = clock;
    this.#monotonic = monotonic;
    this.follow(rules);
  }

  /**
   * Goes over to the sources of another configuration. One that it had before keeps what it said, for whomever it is believed
   * now: while its file is missing or being written, devices would be nameless.
   */
  follow(rules: readonly LeaseRules[]): void {
    const left = [...this.#known];
    this.#known = rules.map((one) => {
      const clients = new PrefixTable(PrefixTable.buildOf([one.clients]).rows);
      const at = left.findIndex(({ rules: { form, path } }) => form === one.form && path === one.path);
      const [known] = at < 0 ? [] : left.splice(at, 1);
      if (known === undefined) return this.#createKnown(one, clients);
      known.rules = one;
      known.clients = clients;
      return known;
    });
  }

  #createKnown(rules: LeaseRules, clients: PrefixTable): Known {
    const { form, path } = rules;
    const source =
      form === 'kea-socket' ? new KeaSocket(path, this.#clock) : new LeaseFile(form, path, this.#clock);
    return {
      ...{ rules, clients, source, leases: new Map(), nextMs: 0 },
      ...{ atMs: undefined, trouble: undefined, said: undefined },
    };
  }

  /** Reads what changed. A look that takes long delays the next one, and no one begins before it ended. */
  async look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      for (const known of this.#known) if (this.#monotonic() >= known.nextMs) await this.#lookAt(known);
    } finally {
      this.#isLooking = false;
    }
  }

  async #lookAt(known: Known): Promise<void> {
    const beganMs = this.#monotonic();
    try {
      const found = await known.source.look();
      if (found !== undefined) {
        // A file that is empty where none ever is: those of before go on until they end.
        if (!found.isGone) [known.leases, known.atMs] = [found.leases, found.atMs];
        known.said = found.isGone ? 'nothing is in it any more' : found.trouble;
      }
      known.trouble = known.said;
    } catch (thrown) {
      known.trouble = errorText(thrown);
    }
    const tookMs = this.#monotonic() - beganMs;
    const pauseMs = known.rules.form === 'kea-socket' ? SOCKET_LOOK_MS : LOOK_MS;
    known.nextMs = beganMs + Math.max(pauseMs, tookMs / SHARE_MAX) - 1;
  }

  /** What is wrong, by source. */
  troubles(): { readonly source: string; readonly text: string }[] {
    const nowMs = this.#clock();
    const found = this.#known.flatMap((known) => {
      const source = `${known.rules.form}:${known.rules.path}`;
      const old = isTooOld(known, nowMs)
        ? `what it said last is of ${new Date(known.atMs ?? 0).toISOString()}, older than max-age, and names nobody`
        : undefined;
      const text = [known.trouble, old].filter((one) => one !== undefined).join('; ');
      return text === '' ? [] : [{ source, text }];
    });
    const over = `${this.#over} addresses are over the ${this.#max} that are kept`;
    return this.#over === 0 ? found : [...found, { source: 'leases', text: over }];
  }

  /** Who has which address. */
  current(): NamedAddress[] {
    const nowMs = this.#clock();
    const named = new Map<string, NamedAddress | undefined>();
    this.#over = 0;
    for (const known of this.#known) {
      if (isTooOld(known, nowMs)) continue;
      const { rules, clients, leases } = known;
      for (const [text, lease] of leases) {
        const device = lease === undefined || lease.endMs <= nowMs ? '' : deviceOf(lease, rules.device);
        if (device === '' && lease !== undefined) continue;
        const before = named.get(text);
        if (before !== undefined && before.device === device) continue;
        const address = before?.address ?? wordsOf(text);
        if (clients.find(address) < 0) continue;
        if (!named.has(text) && named.size >= this.#max) this.#over++;
        else named.set(text, named.has(text) || device === '' ? undefined : { address, device });
      }
    }
    return [...named.values()].filter((one) => one !== undefined);
  }
}

const isTooOld = ({ rules: { maxAgeMs }, atMs }: Known, nowMs: number): boolean =>
  maxAgeMs !== undefined && atMs !== undefined && nowMs - atMs >= maxAgeMs;

/** A name that no certificate and no token has: it begins with what says it. */
const deviceOf = ({ mac, host }: Lease, by: 'mac' | 'host'): string => {
  if (by === 'mac') return mac === '' ? '' : `mac:${mac}`;
  return host === '' ? '' : `host:${host}`;
};

const wordsOf = (text: string): AddressWords => {
  const words = createAddress();
  parseAddress(text, words);
  return words;
};
