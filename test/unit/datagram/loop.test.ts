// The descriptor of an event loop, as the kernel tells it.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { closeSync, openSync, readlinkSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { createWaker } from '../../../src/datagram/batched.ts';
import { libc, openSocket } from '../../../src/datagram/libc.ts';
import { findLoopDescriptor } from '../../../src/datagram/loop.ts';

const openUdp = (): number => {
  if (libc === undefined) throw new Error('no system calls on this machine');
  return openSocket(libc, {
    family: 4,
    ipv6Only: false,
    shared: false,
    receiveBytes: 65_536,
    sendBytes: undefined,
  });
};

test('of a socket that the event loop watches is the epoll descriptor of the loop', async () => {
  const fd = openUdp();
  const waker = await createWaker(fd, 4);
  onTestFinished(() => void waker.close());
  // The loop begins to watch when it waits.
  const other = createSocket('udp4').bind(0, '127.0.0.1');
  await once(other, 'listening');
  other.send('x', other.address().port, '127.0.0.1');
  await once(other, 'message');
  other.close();
  const loop = findLoopDescriptor(fd);
  expect(readlinkSync(`/proc/self/fd/${loop}`)).toBe('anon_inode:[eventpoll]');
});

test('of a descriptor that nobody watches there is none', () => {
  const fd = openSync('/dev/null', 'r');
  onTestFinished(() => closeSync(fd));
  expect(findLoopDescriptor(fd)).toBe(-1);
});
