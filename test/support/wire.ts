// A wire that tests can cut: what connects here is connected to a port of loopback, until it is not.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A wire to one port. */
export class Wire {
  readonly #port: number;
  readonly #host: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isCut = false;

  private constructor(port: number, host: string) {
    this.#port = port;
    this.#host = host;
    this.#server = createServer((socket) => this.#carry(socket));
  }

  static async lay(port: number, host = '127.0.0.1'): Promise<Wire> {
    const wire = new Wire(port, host);
    wire.#server.listen(0, '127.0.0.1');
    await once(wire.#server, 'listening');
    return wire;
  }

  /** Where it begins. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Nothing comes through any more. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#isCut = false;
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  #carry(socket: Socket): void {
    if (this.#isCut) {
      socket.destroy();
      return;
    }
    const other = connect(this.#port, this.#host);
    for (const [one, another] of [
      [socket, other],
      [other, socket],
    ] as const) {
      this.#sockets.add(one);
      one.pipe(another);
      one.on('error', () => another.destroy());
      one.once('close', () => {
        this.#sockets.delete(one);
        another.destroy();
      });
    }
  }
}
