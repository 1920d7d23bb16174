// What the authority does for the engine while it runs: has it read who may connect, and keeps its certificates.
//
// Certificates of the fleet's own authority are issued again in their last third, and the engine of this machine reads them.
// How long they last is read from what each server shows, wherever its certificate comes from and whoever renews it.
import { existsSync } from 'node:fs';
import { DAY_MS, isAppError } from '../base/base.ts';
import type { FleetActs } from './acts.ts';
import { hasAuthority, renewCertificates } from './engine-certificates.ts';
import { readEngineSettings } from './engine-files.ts';
import { leave } from './handler.ts';
import { shownChain } from './shown-chain.ts';
import { reloadServers } from './system-link.ts';

/** Between two looks, milliseconds: an end is told weeks before. */
const LOOK_MS = DAY_MS / 4;
/** As of other certificates: time for whoever renews by hand, days. */
const ENDS_DAYS = 30;

/** What the keeper needs. */
export interface EngineMonitorOptions {
  readonly directory: string;
  readonly seedPath: string;
  readonly servers: readonly string[];
  readonly caPath: string | undefined;
  readonly acts: Pick<FleetActs, 'log' | 'clock'>;
}

/** The end of what a server shows: of its own certificate, or of one that signed it. */
export interface ShownEnd {
  readonly server: string;
  readonly untilMs: number;
}

/** Looks after the engine of an authority. */
export class EngineMonitor {
  readonly #options: EngineMonitorOptions;
  #ends: readonly ShownEnd[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(options: EngineMonitorOptions) {
    this.#options = options;
  }

  /** Servers with a certificate that ends soon, as they showed it last. */
  get ends(): readonly ShownEnd[] {
    const soonMs = this.#options.acts.clock() + ENDS_DAYS * DAY_MS;
    return this.#ends.filter(({ untilMs }) => untilMs < soonMs);
  }

  /** Begins to look. */
  start(): void {
    const look = (): void =>
      leave(this.look(), 'looking at the certificates of the engine', this.#options.acts.log);
    this.#timer = setInterval(look, LOOK_MS);
    this.#timer.unref();
    look();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Renews what is due, and reads what is shown. */
  async look(): Promise<void> {
    const { directory, servers, acts } = this.#options;
    try {
      const renewed = hasAuthority(directory) ? renewCertificates(directory, acts.clock(), 'due') : [];
      if (renewed.length > 0) {
        acts.log.info({ files: renewed }, 'fleet: certificates of the engine are renewed');
        await this.reload();
      }
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      acts.log.error({ err: thrown }, 'fleet: certificates of the engine are not renewed');
    }
    const secure = servers.filter((server) => server.startsWith('tls://'));
    const shown = await Promise.all(secure.map((server) => this.#endOf(server)));
    this.#ends = shown.filter((one) => one !== undefined);
  }

  /** Has the engine read its configuration again; gives which servers did. */
  async reload(): Promise<string[]> {
    const { directory, servers, caPath, seedPath, acts } = this.#options;
    if (!existsSync(seedPath)) return [];
    try {
      const serverCount = readEngineSettings(directory).servers.length;
      return await reloadServers({ servers, caPath, seedPath, serverCount });
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      acts.log.warn({ err: thrown }, 'fleet: the engine has not read its configuration again');
      return [];
    }
  }

  async #endOf(server: string): Promise<ShownEnd | undefined> {
    try {
      const chain = await shownChain(server);
      return { server, untilMs: Math.min(...chain.map(({ validTo }) => Date.parse(validTo))) };
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      // That it is not reached is told by whoever sends something.
      return this.#ends.find((one) => one.server === server);
    }
  }
}
