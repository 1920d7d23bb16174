// The addresses of upstreams that are given by name, where any is.
import { systemClock } from '../../base/base.ts';
import type { Config } from '../../config/config.ts';
import type { Log } from '../../telemetry/observe/observe.ts';
import { upstreamHostNames } from '../workers/workers.ts';
import { UpstreamHosts } from './upstream-hosts.ts';

/** What they are kept with. */
export interface KeptHostsParts {
  readonly log: Log;
  /** The program listens: before that, the start itself reads what was found. */
  isListening(): boolean;
  /** An upstream has other addresses. */
  onChange(): void;
}

/** Hosts that are looked up. */
export class KeptHosts {
  readonly name = 'hosts of upstreams';
  readonly #parts: KeptHostsParts;
  /** Undefined while no upstream is given by name. */
  #hosts: UpstreamHosts | undefined;
  /** Names in the configuration in force. */
  #inForce: readonly string[] = [];

  constructor(parts: KeptHostsParts) {
    this.#parts = parts;
  }

  /** Addresses of a host, as far as they are known. */
  readonly addressesOf = (name: string): readonly string[] => this.#hosts?.addressesOf(name) ?? [];

  open(config: Config): Promise<void> {
    return this.follow(config);
  }

  /** Another configuration may be in force soon, or much later: its hosts are kept beside those in force. */
  prepare(config: Config): Promise<void> {
    return this.#keep(config, [...new Set([...this.#inForce, ...upstreamHostNames(config)])]);
  }

  /** It came to nothing. */
  restore(config: Config): Promise<void> {
    return this.follow(config);
  }

  /** A configuration is in force: its hosts are kept from now on, and no others. */
  follow(config: Config): Promise<void> {
    this.#inForce = upstreamHostNames(config);
    return this.#keep(config, this.#inForce);
  }

  async #keep(config: Config, names: readonly string[]): Promise<void> {
    if (this.#hosts === undefined && names.length === 0) return;
    const { log, isListening, onChange } = this.#parts;
    this.#hosts ??= await UpstreamHosts.open({
      directory: config.stateDirectory,
      clock: systemClock,
      log,
      onChange: () => {
        if (isListening()) onChange();
      },
    });
    this.#hosts.follow(names, config.bootstrap);
    if (isListening()) this.#hosts.start();
    // A first start has nothing to ask without them; a host that is not found in time is found later.
    if (names.some((name) => this.addressesOf(name).length === 0)) await this.#hosts.lookUpDue();
  }

  /** Looks up what is due from now on. */
  begin(): void {
    this.#hosts?.start();
  }

  async close(): Promise<void> {
    await this.#hosts?.close();
  }
}
