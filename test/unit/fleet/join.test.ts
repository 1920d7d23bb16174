// A resolver that joins takes what the authority of its token signed for it, and nothing that the engine between them wrote.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createUser } from '@nats-io/nkeys';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { MessageBus } from '../../../src/fleet/bus.ts';
import { formatEntry, NO_END, signEntry } from '../../../src/fleet/entry.ts';
import { fleetPath } from '../../../src/fleet/identity.ts';
import { joinFleet } from '../../../src/fleet/join.ts';
import { createKeyFile, fingerprintOf, formatPublicKey, type SigningKey } from '../../../src/fleet/key.ts';
import { withAuthority } from '../../support/lone-authority.ts';

const INFO = `INFO ${JSON.stringify({
  ...{ server_id: 'N', server_name: 'one', version: '2.10.27', proto: 1, host: '127.0.0.1', port: 1 },
  ...{ headers: true, max_payload: 1_048_576, nonce: 'abc', auth_required: true },
})}\r\n`;
const NAME = 'ns2';

type Fields = Readonly<Record<string, unknown>>;

let directory: string;
let port: number;
/** What the engine makes of a request to join. */
let answer: (request: { readonly secret: string; readonly key: string }) => Promise<object>;
let end: () => Promise<void>;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-join-'));
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.write(INFO);
    let text = '';
    socket.on('data', (bytes) => {
      text += bytes.toString();
      if (bytes.includes('PING')) socket.write('PONG\r\n');
      const [all, reply = '', request = ''] =
        /PUB cordon\.join\.\S+ (\S+) [\d ]+\r\n(?:NATS\/1\.0\r\n\r\n)?(\{.*\})\r\n/.exec(text) ?? [];
      if (all === undefined) return;
      const [, id = ''] = /SUB \S+ (\S+)\r\n/.exec(text) ?? [];
      text = '';
      void answer(JSON.parse(request) as Parameters<typeof answer>[0]).then((given) => {
        const body = JSON.stringify(given);
        socket.write(`MSG ${reply} ${id} ${Buffer.byteLength(body)}\r\n${body}\r\n`);
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
  end = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
});
afterEach(async () => {
  await end();
  rmSync(directory, { recursive: true });
});

const joinWith = (token: string) =>
  joinFleet({ servers: [`nats://127.0.0.1:${port}`], caPath: undefined, token, stateDirectory: directory });

const isJoined = (): boolean => existsSync(fleetPath(directory, 'identity'));

/** An authority of another version, of which a test makes the answers itself. */
const tokenOf = (key: SigningKey): string => {
  const seed = Buffer.from(createUser().getSeed()).toString();
  const authority = fingerprintOf(formatPublicKey(key.publicKey));
  const token = { name: NAME, site: 'bruges', seed, secret: 'x'.repeat(43), authority };
  return `cordon1.${Buffer.from(JSON.stringify(token)).toString('base64url')}`;
};

const entryOf = (body: Fields, key: SigningKey, kind = 'node'): string => {
  const about = { time: '2026-12-01T08:00:00.000Z', kind, must: true };
  return formatEntry(signEntry(NO_END, { ...about, body: JSON.stringify(body) }, key));
};

test('of the answer of an authority all keys are taken, and none that the engine put beside them', () =>
  withAuthority(async ({ fleet, bus, template }) => {
    const guest: MessageBus = bus.connect('guest', { onFault: () => undefined });
    const other = formatPublicKey(createKeyFile(join(directory, 'other.pem')).publicKey);
    let name = 'one';
    const ofAuthority = async (request: object): Promise<{ trust: string[] }> => {
      const bytes = await guest.ask(`cordon.join.${name}`, JSON.stringify(request), 60_000);
      return JSON.parse(Buffer.from(bytes).toString()) as { trust: string[] };
    };
    const { token } = await fleet.invite(name, 'bruges');
    answer = async (request) => {
      const given = await ofAuthority(request);
      return { ...given, trust: [...given.trust, other] };
    };
    await expect(joinWith(token)).rejects.toMatchObject({ code: 'ERR_FLEET_SIGNATURE' });
    expect(isJoined()).toBe(false);
    answer = async (request) => {
      const given = await ofAuthority(request);
      return { ...given, trust: [...given.trust, other], trustSignature: undefined };
    };
    const [first = '', ...others] = template.trust;
    // As one of a version before this does: what it signed is enough to join.
    const joined = await joinWith(token);
    expect(joined).toMatchObject({ trust: [first], unproven: [...others, other] });
    rmSync(fleetPath(directory, 'identity'));
    name = 'two';
    const next = await fleet.invite(name, 'bruges');
    answer = ofAuthority;
    expect(await joinWith(next.token)).toMatchObject({
      ...{ name, site: 'bruges', enrolment: 1, trust: template.trust, unproven: [], isConnected: true },
    });
  }));

test.each<[string, (key: string) => Fields, string?]>([
  ['of another resolver', (key) => ({ name: 'ns9', site: 'bruges', key, enrolment: 1 })],
  ['of another site', (key) => ({ name: NAME, site: 'elsewhere', key, enrolment: 1 })],
  ['of another key', () => ({ name: NAME, site: 'bruges', key: createUser().getPublicKey(), enrolment: 1 })],
  ['of no number', (key) => ({ name: NAME, site: 'bruges', key, enrolment: 0 })],
  ['of another kind', (key) => ({ name: NAME, site: 'bruges', key, enrolment: 1 }), 'collector'],
])(
  'an entry %s in the answer is refused, whoever the answer says that it is for',
  async (_, bodyOf, kind) => {
    const authority = createKeyFile(join(directory, 'authority.pem'));
    answer = ({ key }) =>
      Promise.resolve({
        ...{ name: NAME, site: 'bruges', enrolment: 1, entry: entryOf(bodyOf(key), authority, kind) },
        trust: [formatPublicKey(authority.publicKey)],
      });
    await expect(joinWith(tokenOf(authority))).rejects.toMatchObject({ code: 'ERR_FLEET_SIGNATURE' });
    expect(isJoined()).toBe(false);
  },
);

test('name, site and enrolment are those of the entry, whatever stands beside it', async () => {
  const authority = createKeyFile(join(directory, 'authority.pem'));
  answer = ({ key }) =>
    Promise.resolve({
      ...{ name: 'ns9', site: 'elsewhere', enrolment: 7 },
      entry: entryOf({ name: NAME, site: 'bruges', key, enrolment: 3 }, authority),
      trust: [formatPublicKey(authority.publicKey)],
    });
  expect(await joinWith(tokenOf(authority))).toMatchObject({ name: NAME, site: 'bruges', enrolment: 3 });
});
