// When a member of a fleet connects to a server of the engine again, and when to another one.
//
// A server that is cut off from the others keeps the connections of its clients and answers reads from its own copy. It acknowledges
// nothing, since more than half of the servers have to have that. Every member says how it is once in ten seconds, and has that kept,
// so that it shows wherever one is connected.
import type { Clock } from '../base/base.ts';
import type { BusEvents } from './bus.ts';

/** Between two tries to connect, milliseconds: a quarter of a second, then longer, where nobody answers or lets in for long. */
const RECONNECT_MS_MIN = 250;
const RECONNECT_MS_MAX = 2_000;
const RECONNECT_GROWTH = 1.1;
const RECONNECT_JITTER = 0.5;

/** From the first message on that nobody acknowledged, milliseconds: a new leader of three took six seconds. */
const SILENT_MS = 20_000;
/** Where the others acknowledge nothing either, twice as long each time, up to this: then nobody gains by moving. */
const SILENT_MS_MAX = 600_000;

/** What is asked of a connection to the engine, and what it is told. */
interface Connection {
  /** The server that is connected, as the list of servers names it. */
  getServer(): string;
  getServers(): readonly ServerName[];
  /** Resolves when that server answers; rejects where none is connected. */
  rtt(): Promise<unknown>;
  reconnect(): Promise<void>;
}
interface ServerName {
  readonly listen: string;
}

/** Which server is connected to: one that acknowledges nothing is left for another. */
export class ServerChoice {
  /** Monotonic. */
  readonly #clock: Clock;
  readonly #events: Pick<BusEvents, 'onDown'>;
  /** When the connected server first did not acknowledge something, or answer. */
  #silent: { readonly server: string; readonly sinceMs: number } | undefined;
  #boundMs = SILENT_MS;
  /** The one that was left, until another is tried. */
  #left: string | undefined;

  constructor(clock: Clock, events: Pick<BusEvents, 'onDown'>) {
    this.#clock = clock;
    this.#events = events;
  }

  /** A message was acknowledged, or refused by who keeps it. */
  heard(): void {
    this.#silent = undefined;
    this.#boundMs = SILENT_MS;
  }

  /** Something was not, or was not answered. A server that answers otherwise is silent; where none is connected, nobody is. */
  lost(connection: Connection): void {
    const nowMs = this.#clock();
    connection.rtt().then(
      () => {
        const server = connection.getServer();
        if (this.#isSilent(server, nowMs)) this.#leave(server, connection);
      },
      () => {
        this.#silent = undefined;
      },
    );
  }

  /** Whether that is so for too long, once each time. What the server before it did not do is of no account. */
  #isSilent(server: string, nowMs: number): boolean {
    if (this.#silent?.server !== server) this.#silent = { server, sinceMs: nowMs };
    if (nowMs - this.#silent.sinceMs < this.#boundMs) return false;
    this.#silent = undefined;
    this.#boundMs = Math.min(SILENT_MS_MAX, 2 * this.#boundMs);
    return true;
  }

  /** Leaves the server that is connected for another, where there is one. */
  #leave(server: string, connection: Connection): void {
    if (connection.getServers().every(({ listen }) => listen === server)) return;
    this.#left = server;
    this.#events.onDown(`${server} acknowledges nothing: another server is connected to`);
    // Rejects where it is closed meanwhile.
    connection.reconnect().catch(() => undefined);
  }

  /** The server for the next try to connect; null for the one whose turn it is, which is the same one first. */
  next<Server extends ServerName>(servers: readonly Server[]): Server | null {
    const left = this.#left;
    this.#left = undefined;
    return left === undefined ? null : (servers.find(({ listen }) => listen !== left) ?? null);
  }
}

/** The time before the next try to connect. */
export class ReconnectDelay {
  #ms = RECONNECT_MS_MIN;

  connected(): void {
    this.#ms = RECONNECT_MS_MIN;
  }

  nextMs(): number {
    const ms = this.#ms * (1 + RECONNECT_JITTER * Math.random());
    this.#ms = Math.min(RECONNECT_MS_MAX, this.#ms * RECONNECT_GROWTH);
    return ms;
  }
}
