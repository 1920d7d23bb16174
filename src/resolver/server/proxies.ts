// Who may speak for others: the proxies of the configuration, and what a connection of theirs begins with.
//
// From their addresses a header is required, so that no proxy that was set up wrong makes all its clients one; from all
// others it is refused, so that nobody is taken for somebody else.
import type { Socket } from 'node:net';
import { type AddressWords, type Prefix, PrefixTable } from '../../base/base.ts';
import { PROXY, ProxiedClient, readProxyHeader } from './proxy-header.ts';
import { clientAddress, clientPort } from './tcp-server.ts';

/** From the connection to the end of its header, milliseconds: a proxy sends it with the first bytes. */
const HEADER_MS_MAX = 5_000;

/** The proxies of the configuration in force. */
export class Proxies {
  #table: PrefixTable | undefined;

  /** Puts others in force. */
  set(prefixes: readonly Prefix[]): void {
    const entries = prefixes.map((prefix) => ({ prefix, value: 0 }));
    this.#table = entries.length === 0 ? undefined : PrefixTable.build(entries);
  }

  /** True for an address that speaks for others. */
  has(words: AddressWords): boolean {
    return this.#table !== undefined && this.#table.find(words) >= 0;
  }
}

/** Who is at the other end of a connection. */
export interface Caller {
  readonly words: AddressWords;
  readonly port: number;
}

/**
 * Tells who is at the other end, once it is known; undefined: nobody says so in the right way, or in time. With
 * `onlyProxies`, who is none is nobody.
 */
export const readCaller = (
  socket: Socket,
  proxies: Proxies,
  onlyProxies: boolean,
  known: (caller: Caller | undefined) => void,
): void => {
  const own = { words: clientAddress(socket), port: clientPort(socket) };
  if (!proxies.has(own.words)) {
    known(onlyProxies ? undefined : own);
    return;
  }
  const client = new ProxiedClient();
  let header = Buffer.alloc(0);
  const settle = (caller: Caller | undefined): void => {
    clearTimeout(timer);
    socket.off('readable', read);
    socket.off('close', gone);
    socket.off('end', gone);
    known(caller);
  };
  const gone = (): void => settle(undefined);
  const read = (): void => {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return;
    header = Buffer.concat([header, chunk]);
    const end = readProxyHeader(header, header.length, client);
    if (end === PROXY.PART) return;
    if (end === PROXY.FAULT) {
      settle(undefined);
      return;
    }
    if (header.length > end) socket.unshift(header.subarray(end));
    settle(client.isProxy ? own : client);
  };
  const timer = setTimeout(gone, HEADER_MS_MAX).unref();
  socket.on('readable', read);
  socket.once('close', gone);
  socket.once('end', gone);
};
