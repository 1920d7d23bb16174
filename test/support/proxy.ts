// What a proxy puts before what it hands on: the header of PROXY protocol, version 2.
import { createAddress, formatAddress, isIpv4, parseAddress } from '../../src/base/base.ts';

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');

/** A header that names a client; with `changes`, one at fault. */
export const proxyV2 = (
  client: string,
  port: number,
  changes: {
    readonly version?: number;
    readonly command?: number;
    readonly family?: number;
    readonly more?: number;
    /** An IPv4 address stands in its mapped form, as a client of IPv6. */
    readonly isMapped?: boolean;
  } = {},
): Buffer => {
  const words = createAddress();
  if (!parseAddress(client, words)) throw new Error(`no address: ${formatAddress(words)}`);
  const { version = 2, command = 1, more = 0 } = changes;
  const isV4 = isIpv4(words) && changes.isMapped !== true;
  const address = Buffer.alloc(16);
  for (const [i, word] of words.entries()) address.writeUInt32BE(word, 4 * i);
  const own = isV4 ? address.subarray(12) : address;
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(port, 0);
  ports.writeUInt16BE(53, 2);
  const rest = Buffer.concat([own, Buffer.alloc(own.length), ports, Buffer.alloc(more)]);
  const head = Buffer.from([(version << 4) | command, changes.family ?? (isV4 ? 0x12 : 0x22), 0, 0]);
  head.writeUInt16BE(rest.length, 2);
  return Buffer.concat([SIGNATURE, head, rest]);
};
