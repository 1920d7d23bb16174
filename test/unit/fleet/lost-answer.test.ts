// A join whose answer is lost on the way: made again, it asks with the key that the authority may have taken in.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { joinFleet } from '../../../src/fleet/join.ts';
import { Tokens } from '../../../src/fleet/tokens.ts';

const INFO = `INFO ${JSON.stringify({
  ...{ server_id: 'N', server_name: 'one', version: '2.10.27', proto: 1, host: '127.0.0.1', port: 1 },
  ...{ headers: true, max_payload: 1_048_576, nonce: 'abc', auth_required: true },
})}\r\n`;

let directory: string;
let port: number;
/** Keys that an engine was asked with which ends each connection at its first request. */
let keys: string[];
let end: () => Promise<void>;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-lost-answer-'));
  keys = [];
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.write(INFO);
    let text = '';
    socket.on('data', (bytes) => {
      // A request may come in pieces.
      text += bytes.toString();
      const [, key] = /"key":"(U[A-Z2-7]+)"/.exec(text) ?? [];
      if (key !== undefined) {
        text = '';
        keys.push(key);
        socket.destroy();
      } else if (bytes.includes('PING')) socket.write('PONG\r\n');
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

test('a token asks with one key until it is answered, and another token with another', async () => {
  const tokens = new Tokens(join(directory, 'tokens.json'), () => Date.parse('2026-11-30T12:00:00Z'));
  const tokenOf = (name: string): string => tokens.issue(name, undefined, { authority: 'a'.repeat(64) }).text;
  const ask = (token: string): Promise<unknown> =>
    joinFleet({ servers: [`nats://127.0.0.1:${port}`], caPath: undefined, token, stateDirectory: directory });
  const [one, other] = [tokenOf('one'), tokenOf('other')];
  const asked: (string | undefined)[] = [];
  for (const token of [one, one, other, other]) {
    await expect(ask(token)).rejects.toMatchObject({ code: 'ERR_FLEET_ENGINE' });
    asked.push(keys.at(-1));
  }
  const [first, second, third, fourth] = asked;
  expect(first).toMatch(/^U/);
  expect([second, fourth]).toEqual([first, third]);
  expect(third).not.toBe(first);
  // A file that somebody cut or changed is no reason to stay outside.
  const path = join(directory, 'fleet/joining.json');
  const text = readFileSync(path, 'utf8');
  for (const spoiled of [
    text.slice(0, 40),
    text.replace(/"seed":"SU(..)/, (_, two) => `"seed":"SU${two === 'AA' ? 'BB' : 'AA'}`),
    '',
  ]) {
    writeFileSync(path, spoiled);
    await expect(ask(other)).rejects.toMatchObject({ code: 'ERR_FLEET_ENGINE' });
  }
  expect(new Set(keys).size).toBe(5);
});
