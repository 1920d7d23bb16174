// The names by which a device finds out whether it asks this resolver: one that people open, and below it one for each check, which
// nobody asked for before and no cache has. Hot file: has() runs for every query where the notice has such a name.
import { CLASS, type MessageBuilder, parseRdata, SECTION, TYPE } from '../../wire/dns/dns.ts';
import { CHECK_CODE_LENGTH } from './check-code.ts';

/** Short, because the notice may move. */
const TTL_SEC = 60;

/** What the configuration says of it. Plain data, which travels between threads. */
export interface DeviceCheckSetting {
  /** Folded wire form of the name that people open. */
  readonly apex: Uint8Array;
  /** Where the notice is, 4 or 16 bytes each. */
  readonly addresses: readonly Uint8Array[];
  /** With which codes are made. */
  readonly key: Uint8Array;
}

/**
 * Where the names of checks lead, as RDATA: to where the notice listens; where it listens on all addresses, to where refused names lead. @cold
 */
export const noticeAddresses = (
  listening: readonly string[],
  refusedTo: readonly string[],
): readonly Uint8Array[] => {
  const own = listening.filter((text) => text !== '0.0.0.0' && text !== '::');
  const texts = own.length > 0 ? own : refusedTo;
  return texts.map((text) => parseRdata(text.includes(':') ? TYPE.AAAA : TYPE.A, text));
};

/** The names of checks. */
export class DeviceCheck {
  readonly #apex: Uint8Array;
  readonly #addresses: readonly Uint8Array[];

  constructor({ apex, addresses }: Pick<DeviceCheckSetting, 'apex' | 'addresses'>) {
    this.#apex = apex;
    this.#addresses = addresses;
  }

  /** True for the name that people open and for one of a check: the folded name in the first `length` bytes. */
  has(qname: Uint8Array, length: number): boolean {
    const apex = this.#apex;
    const start = length - apex.length;
    if (start !== 0 && (start !== CHECK_CODE_LENGTH + 1 || qname[0] !== CHECK_CODE_LENGTH)) return false;
    for (let at = 0; at < apex.length; at++) if (qname[start + at] !== apex[at]) return false;
    return true;
  }

  /** True when a name that has() knows is that of one check. */
  isOne(length: number): boolean {
    return length !== this.#apex.length;
  }

  /** Writes the addresses of the notice of a type; of another type there are none. */
  write(builder: MessageBuilder, qname: Uint8Array, qtype: number): void {
    const bytes = qtype === TYPE.A ? 4 : qtype === TYPE.AAAA ? 16 : 0;
    for (const address of this.#addresses)
      if (address.length === bytes) builder.record(SECTION.ANSWER, qname, qtype, CLASS.IN, TTL_SEC, address);
  }
}
