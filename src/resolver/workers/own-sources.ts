// Hot file: what tells queries of this program from those of clients, by the address and the port that they come from.
import { type AddressWords, formatAddress, systemClock } from '../../base/base.ts';
import { OwnPorts, PortSet } from '../upstream/upstream.ts';
import type { WorkerStart } from './messages.ts';
import { OwnAddresses } from './own-addresses.ts';

/** Sources of one worker. */
export class OwnSources {
  /** From which upstreams are asked. */
  readonly ports: OwnPorts;
  readonly #probePorts: PortSet;
  readonly #addresses = new OwnAddresses(systemClock);

  constructor({ ownPorts, index, probePorts }: Pick<WorkerStart, 'ownPorts' | 'index' | 'probePorts'>) {
    this.ports = new OwnPorts(ownPorts, index);
    this.#probePorts = new PortSet(probePorts);
  }

  /** True when this program asks an upstream from there: its own query came back to it. */
  readonly isOwn = (address: AddressWords, port: number): boolean =>
    this.ports.has(port) && this.#addresses.has(formatAddress(address));

  /** True when the self-probe asks listeners from there. */
  readonly isProbe = (address: AddressWords, port: number): boolean =>
    this.#probePorts.has(port) && this.#addresses.has(formatAddress(address));
}
