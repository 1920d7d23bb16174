// Forwarders that are believed when they say for whom they ask: by their addresses or by their client certificates. Hot file.
//
// Each speaks for the prefixes that the configuration gives it and in the options that it names; of everybody else these
// options are not even read. What a query says is read into one object that the next query overwrites, so that none allocates.
import { type AddressWords, type PrefixList, PrefixTable } from '../../base/base.ts';
import { REPORTED } from '../../base/words/words.ts';
import { ClientReport, type Query } from '../../wire/dns/dns.ts';
import type { KnownDevices } from './devices.ts';
import { type Identified, Identities, type Revocations } from './identity.ts';
import type { Shown } from './shown.ts';

/** What a configuration says of one forwarder. */
export interface ForwarderRules {
  readonly name: string;
  readonly from: PrefixList;
  readonly certificates: readonly string[];
  /** For whom it speaks. */
  readonly clients: PrefixList;
  /** REPORT_OPTION, as bits. */
  readonly accepts: number;
  /** Its clients cannot say who they are: it overwrites or removes the options that it is read by. */
  readonly overwrites: boolean;
}

/** The forwarders of one configuration, compiled; plain data that travels between threads. */
export interface ForwarderTable {
  /** Values are the forwarders' indexes. */
  readonly from: Uint32Array;
  readonly forwarders: readonly {
    readonly name: string;
    readonly clients: Uint32Array;
    readonly certificates: readonly string[];
    readonly accepts: number;
    readonly overwrites: boolean;
  }[];
}

/** One forwarder. */
interface Forwarder {
  readonly clients: PrefixTable;
  readonly accepts: number;
  readonly overwrites: boolean;
}

/** Once per configuration; undefined: there is none. @cold */
export const compileForwarders = (rules: readonly ForwarderRules[]): ForwarderTable | undefined =>
  rules.length === 0
    ? undefined
    : {
        from: PrefixTable.buildOf(rules.map(({ from }) => from)).rows,
        forwarders: rules.map(({ clients, ...forwarder }) => ({
          ...forwarder,
          clients: PrefixTable.buildOf([clients]).rows,
        })),
      };

/** Knows forwarders, and reads what they say. */
export class Forwarders {
  /** What the last query said that was read. */
  readonly report = new ClientReport();
  /** Who asked by what the last query said of the device; undefined: it said nothing of one. */
  who: Identified | undefined = undefined;
  readonly #from: PrefixTable;
  readonly #forwarders: readonly Forwarder[];
  readonly #devices: KnownDevices;
  /** By certificate; undefined where none is known by one. */
  readonly #certified: Identities | undefined;

  /** Once per configuration and per change of what is revoked. @cold */
  constructor(
    table: ForwarderTable,
    devices: KnownDevices,
    revoked: Revocations,
    authorities: readonly string[] | undefined,
  ) {
    this.#from = new PrefixTable(table.from);
    this.#devices = devices;
    this.#forwarders = table.forwarders.map(({ clients, accepts, overwrites }) => ({
      clients: new PrefixTable(clients),
      accepts,
      overwrites,
    }));
    const certificates = table.forwarders.map((one) => one.certificates);
    this.#certified = certificates.some((rules) => rules.length > 0)
      ? new Identities({ certificates, tokens: [], serverNames: [] }, revoked, authorities)
      : undefined;
  }

  /** The index of the forwarder that a query comes from, -1 for anybody else. `shown` is what its connection shows. */
  find(address: AddressWords, shown: Shown | undefined, nowMs: number): number {
    const row = this.#from.find(address);
    if (row >= 0) return this.#from.value(row);
    if (this.#certified === undefined || shown?.certificate === undefined) return -1;
    return shown.forwarderOf(this.#certified, nowMs);
  }

  /** True for a client that a forwarder may name. */
  speaksFor(index: number, client: AddressWords): boolean {
    const forwarder = this.#forwarders[index];
    return forwarder !== undefined && forwarder.clients.find(client) >= 0;
  }

  /** True for a forwarder whose clients cannot say in its place who they are. */
  overwrites(index: number): boolean {
    return this.#forwarders[index]?.overwrites === true;
  }

  /** Reads for whom a forwarder sends a sound query; see `report` and `who`. Returns a REPORTED. */
  read(index: number, { bytes, opt }: Query): number {
    const forwarder = this.#forwarders[index];
    this.who = undefined;
    const { report } = this;
    // Options of another version of EDNS may mean something else.
    const length = opt.version === 0 ? opt.optionsLength : 0;
    const said = report.read(bytes, opt.optionsOffset, length, forwarder?.accepts ?? 0);
    if (said === REPORTED.MALFORMED) return said;
    if (report.hasAddress && !this.speaksFor(index, report.address)) return REPORTED.OUTSIDE;
    if (report.deviceLength > 0) this.who = this.#devices.find(report.device, report.deviceLength);
    return said;
  }
}
