// The control room of a whole program, for requests in great number: lists, records, a profile of exemptions, people of each role.
//
// The program counts requests by address, as it does for everybody: clients come from all of 127.0.0.0/8.
import { request } from 'node:http';
import type { Role } from '../../src/people/admin/admin.ts';
import { ask } from './client.ts';
import { type Cordon, startCordon } from './process.ts';
import { RoomClient, type RoomReply } from './room-client.ts';
import { answer, ScriptedUpstream } from './scripted-upstream.ts';

const PASSWORD = 'four words without any sense';

/** A client that comes from another address with each request. */
class WanderingClient extends RoomClient {
  #count = 0;

  override send(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<RoomReply> {
    this.#count++;
    const localAddress = `127.0.${(this.#count >> 7) & 0xff}.${1 + (this.#count & 0x7f)}`;
    const own: Record<string, string> = {
      host: new URL(this.origin).host,
      cookie: this.cookieText,
      ...headers,
    };
    if (method !== 'GET')
      Object.assign(own, {
        'content-type': 'application/json',
        'x-csrf-token': this.csrf,
        origin: this.origin,
      });
    return new Promise((resolve, reject) => {
      const { hostname, port } = new URL(this.origin);
      const sent = request(
        { hostname, port, path, method, headers: own, localAddress, agent: false },
        (response) => {
          const pieces: Buffer[] = [];
          response.on('data', (piece: Buffer) => pieces.push(piece));
          response.on('end', () => {
            const text = Buffer.concat(pieces).toString();
            resolve({ status: response.statusCode ?? 0, headers: new Headers(), body: {}, text });
          });
        },
      );
      sent.on('error', reject);
      sent.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
    });
  }
}

/** The program, and how somebody with a role is signed in. */
export interface ProgramRoom {
  readonly cordon: Cordon;
  signIn(role: Role): Promise<RoomClient>;
  close(): Promise<void>;
}

/** Another program than the small one. */
interface ProgramRoomOptions {
  /** Instead of the state, lists and groups of the small one, with its control room; the rest is the same. */
  readonly config: string;
  readonly files: Readonly<Record<string, string>>;
}

const SMALL: ProgramRoomOptions = {
  config: `
state: ./state
lists:
  - { id: order, file: order.txt, mandate: true }
groups:
  - { name: default, lists: [order] }
  - { name: lab, clients: ["127.0.2.0/29"], lists: [order] }
control-room: { listen: "127.0.0.1:0" }
`,
  files: { 'order.txt': 'order.example\n' },
};

/** Starts it. */
export const openProgramRoom = async (options = SMALL): Promise<ProgramRoom> => {
  const upstream = await ScriptedUpstream.open((query) =>
    answer(query, [`${query.name} 60 IN A 203.0.113.1`]),
  );
  const cordon = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
agency: Example Agency
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
compliance: { profile: us-federal }
${options.config}`,
    files: options.files,
  });
  const first = await cordon.waitForLog(({ msg }) => msg.startsWith('nobody is administrator'));
  const link = String(first['url']);
  const { origin } = new URL(link);
  const admin = await new RoomClient(origin).open();
  await admin.enrol(link, 'A. Administrator', PASSWORD);
  for (const name of ['order.example', 'www.order.example']) await ask(cordon.dns, `${name} A`);
  const wandering = (from: RoomClient): RoomClient => {
    const client = new WanderingClient(origin);
    client.csrf = from.csrf;
    client.secret = from.secret;
    for (const [name, value] of from.cookies) client.cookies.set(name, value);
    return client;
  };
  return {
    cordon,
    signIn: async (role) => {
      if (role === 'administrator') return wandering(admin);
      const { body, text } = await admin.post('/api/v1/people', {
        name: `A. ${role}`,
        roles: [role],
        reason: 'x',
      });
      const { link: own } = body as { link?: { url: string } };
      if (own === undefined) throw new Error(text);
      const client = await new RoomClient(origin).open();
      await client.enrol(own.url, `A. ${role}`, PASSWORD);
      return wandering(client);
    },
    close: async () => {
      await cordon.kill();
      await upstream.close();
    },
  };
};
