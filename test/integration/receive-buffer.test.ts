// How much of a connection waits in the kernel before it is read.
import { execFileSync } from 'node:child_process';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { requireProgram, startCordon } from '../support/process.ts';

test('a client that sends without being read fills 32 KiB, not megabytes', async (context) => {
  requireProgram(context, 'ss');
  const cordon = await startCordon({
    config:
      'listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }\nupstreams: ["127.0.0.1:1"]\nworkers: 1\n',
  });
  try {
    const { port } = cordon.dns;
    const socket = connect(port, '127.0.0.1');
    await new Promise((resolve) => socket.once('connect', resolve));
    const sockets = execFileSync('ss', ['-tmnH', 'state', 'established', 'sport', '=', `:${port}`], {
      encoding: 'utf8',
    });
    expect(sockets).toMatch(/skmem:\(r\d+,rb32768,/);
    socket.destroy();
  } finally {
    await cordon.kill();
  }
});
