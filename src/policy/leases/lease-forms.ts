// What is in files of leases, line by line, in the form of each program; and in a form of ours for everybody else.
//
// Kea and ISC dhcpd append: the last word on an address counts. dnsmasq and the plain form say each address once: one that is
// there twice with two devices is nobody's. A line that is none is a fault with its number, and the others count.
import { createAddress, formatAddress, parseAddress } from '../../base/base.ts';

/** What leases are read from. */
export const LEASE_FORMS = ['kea', 'kea-socket', 'dhcpd', 'dnsmasq', 'plain'] as const;

/** One of LEASE_FORMS. */
export type LeaseForm = (typeof LEASE_FORMS)[number];

/** Who has an address. */
export interface Lease {
  /** In small letters with colons; '' where nothing says it. */
  readonly mac: string;
  /** Small letters; '' where nothing says it. */
  readonly host: string;
  /** Milliseconds since the epoch; Infinity: it does not end. */
  readonly endMs: number;
}

/** The leases of one source, by the text of the address. Undefined: two devices are said to have it. */
export type Leases = Map<string, Lease | undefined>;

/** Reads the lines of a file, one after the other. */
export interface LeaseReader {
  /** Throws a LineFault. */
  line(text: string): void;
  /** What was read; a block that nobody ended is left out. */
  readonly leases: Leases;
  /** True while a block is open. */
  readonly isOpen: boolean;
}

/** Of a line that is none. */
export class LineFault extends Error {}

/** Lifetimes of DHCP are 32 bits; all of them are for ever (RFC 2131 section 3.3). */
const FOREVER_SEC = 0xffff_ffff;
/** Before it nobody gave this lease: what is less counts from a start, or is no time at all. */
const TIME_SEC_MIN = 1_000_000_000;
/** Names of hosts that fit beside `host:` into what a table has for a device. */
const HOST_BYTES_MAX = 55;
const MAC = /^(?:[\da-f]{1,2}-)?((?:[\da-f]{2}[:-]){5}[\da-f]{2})$/i;

const macOf = (text: string | undefined): string =>
  MAC.exec(text ?? '')?.[1]
    ?.toLowerCase()
    .replaceAll('-', ':') ?? '';

/** Visible ASCII, no blank and no quote: else it is no name of a host, and nothing that records should hold. */
const hostOf = (text: string | undefined): string => {
  const host = (text ?? '').toLowerCase().replace(/\.$/, '');
  return host.length <= HOST_BYTES_MAX && /^[a-z\d_](?:[\w.-]*[a-z\d_])?$/.test(host) ? host : '';
};

const addressOf = (text: string | undefined): string => {
  const words = createAddress();
  if (text === undefined || !parseAddress(text, words)) throw new LineFault('no address');
  return formatAddress(words);
};

const secondsOf = (text: string | undefined): number => {
  if (text === undefined || !/^\d{1,12}$/.test(text)) throw new LineFault('no time');
  return Number(text);
};

const endOf = (sec: number): number => {
  if (sec < TIME_SEC_MIN) throw new LineFault('a time that is no time since 1970');
  return sec * 1000;
};

/** One device has an address, or nobody knows which. */
const addOnce = (leases: Leases, address: string, lease: Lease): void => {
  const before = leases.get(address);
  const isOther =
    leases.has(address) && (before === undefined || before.mac !== lease.mac || before.host !== lease.host);
  leases.set(address, isOther ? undefined : lease);
};

/** A memfile of Kea: CSV whose first line names the columns. */
class KeaReader implements LeaseReader {
  readonly leases: Leases = new Map();
  readonly isOpen = false;
  #columns: readonly string[] | undefined;

  line(text: string): void {
    const cells = text.split(',');
    if (cells[0] === 'address') {
      this.#columns = cells;
      return;
    }
    const columns = this.#columns;
    if (columns === undefined) throw new LineFault('no line with the names of columns before it');
    if (cells.length > columns.length || cells.length < 9)
      throw new LineFault(`${cells.length} columns of ${columns.length}`);
    const cell = (name: string): string | undefined => cells[columns.indexOf(name)];
    // Prefixes that are delegated are no clients.
    if (cell('lease_type') === '2') return;
    const address = addressOf(cell('address'));
    const lifetime = secondsOf(cell('valid_lifetime'));
    const sec = secondsOf(cell('expire'));
    // Of a later row, whatever it says: declined, expired and released addresses are nobody's.
    if (cell('state') !== '0' || lifetime === 0) {
      this.leases.delete(address);
      return;
    }
    const endMs = lifetime === FOREVER_SEC ? Infinity : endOf(sec);
    this.leases.set(address, { mac: macOf(cell('hwaddr')), host: hostOf(cell('hostname')), endMs });
  }
}

/** Blocks of ISC dhcpd (dhcpd.leases(5)). Its times are UTC, or seconds since the epoch. */
class DhcpdReader implements LeaseReader {
  readonly leases: Leases = new Map();
  #address: string | undefined;
  #mac = '';
  #host = '';
  #endMs = Infinity;
  #isActive = false;
  #isOther = false;

  get isOpen(): boolean {
    return this.#address !== undefined || this.#isOther;
  }

  line(text: string): void {
    const [first = '', second, third, fourth] = text.trim().split(/\s+/);
    if (first === '' || first.startsWith('#')) return;
    if (this.#address === undefined) {
      if (first === 'lease' && third === '{') {
        this.#address = addressOf(second);
        this.#isOther = false;
        this.#mac = '';
        this.#host = '';
        this.#endMs = Infinity;
        this.#isActive = false;
      } else if (text.trimEnd().endsWith('{')) this.#isOther = true;
      else if (first === '}') this.#isOther = false;
      return;
    }
    const value = (word: string | undefined): string => (word ?? '').replace(/;$/, '').replaceAll('"', '');
    switch (first) {
      case '}':
        if (this.#isActive)
          this.leases.set(this.#address, { mac: this.#mac, host: this.#host, endMs: this.#endMs });
        else this.leases.delete(this.#address);
        this.#address = undefined;
        return;
      case 'lease':
        throw new LineFault('a lease within another');
      case 'ends':
        this.#endMs = dhcpdTime(value(second), value(third), value(fourth));
        return;
      case 'hardware':
        this.#mac = macOf(value(third));
        return;
      case 'client-hostname':
        this.#host = hostOf(value(second));
        return;
      case 'binding':
        this.#isActive = value(third) === 'active';
    }
  }
}

const dhcpdTime = (first: string, second: string, third: string): number => {
  if (first === 'never') return Infinity;
  if (first === 'epoch') return endOf(secondsOf(second));
  const day = /^(\d{4})\/(\d\d)\/(\d\d)$/.exec(second);
  const endMs =
    day === null ? Number.NaN : Date.parse(`${day[1] ?? ''}-${day[2] ?? ''}-${day[3] ?? ''}T${third}Z`);
  if (Number.isNaN(endMs)) throw new LineFault('no time');
  return endMs;
};

/** `dnsmasq.leases`: end, MAC address (or IAID), address, host, client id. */
class DnsmasqReader implements LeaseReader {
  readonly leases: Leases = new Map();
  readonly isOpen = false;

  line(text: string): void {
    if (text === '' || text.startsWith('duid ')) return;
    const [end, mac, address, host, id] = text.split(' ');
    if (host === undefined || id === undefined) throw new LineFault('no line of five words');
    const sec = secondsOf(end);
    const endMs = sec === 0 ? Infinity : endOf(sec);
    addOnce(this.leases, addressOf(address), {
      mac: macOf(mac),
      host: host === '*' ? '' : hostOf(host),
      endMs,
    });
  }
}

/** JSON lines: address, mac, host, until. */
class PlainReader implements LeaseReader {
  readonly leases: Leases = new Map();
  readonly isOpen = false;

  line(text: string): void {
    if (text.trim() === '') return;
    const { address, mac, host, until } = objectOf(text);
    const named = { mac: macOf(textOf(mac)), host: hostOf(textOf(host)) };
    if (named.mac === '' && named.host === '') throw new LineFault('neither "mac" nor "host"');
    const at = textOf(until);
    // Without a zone it would be local time, of whoever wrote it.
    if (at !== undefined && !/^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)$/.test(at))
      throw new LineFault('"until" is no time with a zone');
    const endMs = at === undefined ? Infinity : Date.parse(at);
    if (Number.isNaN(endMs)) throw new LineFault('"until" is no time');
    addOnce(this.leases, addressOf(textOf(address)), { ...named, endMs });
  }
}

const textOf = (value: unknown): string | undefined => {
  if (value === undefined || typeof value === 'string') return value;
  throw new LineFault('a member that is no text');
};

const objectOf = (text: string): Record<string, unknown> => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new LineFault('no JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new LineFault('no object');
  return value as Record<string, unknown>;
};

/** What reads a form of files. */
export const createLeaseReader = (form: Exclude<LeaseForm, 'kea-socket'>): LeaseReader => {
  switch (form) {
    case 'kea':
      return new KeaReader();
    case 'dhcpd':
      return new DhcpdReader();
    case 'dnsmasq':
      return new DnsmasqReader();
    case 'plain':
      return new PlainReader();
  }
};

/** A lease as Kea's `lease4-get-page` and `lease6-get-page` have it; what is no lease, or nobody's any more, is left out. */
export const readKeaLease = (value: unknown, leases: Leases): void => {
  if (typeof value !== 'object' || value === null) throw new LineFault('no lease');
  const lease = value as Record<string, unknown>;
  if (lease['state'] !== 0 || lease['type'] === 'IA_PD') return;
  const { cltt, 'valid-lft': lifetime } = lease;
  if (typeof cltt !== 'number' || typeof lifetime !== 'number') throw new LineFault('no time');
  const endMs = lifetime === FOREVER_SEC ? Infinity : endOf(cltt + lifetime);
  const named = { mac: macOf(textOf(lease['hw-address'])), host: hostOf(textOf(lease['hostname'])) };
  leases.set(addressOf(textOf(lease['ip-address'])), { ...named, endMs });
};
