// The leaves of a fleet: where its engine is reached, and the keys whose word is policy.
import { createAddress, isIpv4, parseAddress } from '../base/base.ts';
import { Fault, quote, same, textLeaf } from './value.ts';

/** Characters of an address: the longest name with scheme and port. */
const ADDRESS_LENGTH_MAX = 280;
/** Bytes of an Ed25519 public key. */
const KEY_LENGTH = 32;
const KEY_FORM = 'write "ed25519:" and the key in Base64, as "cordon fleet init" prints it';

/** `tls://nats1.example:4222`; without TLS on loopback only. */
export const engineAddress = () =>
  textLeaf(
    { name: 'address', bounds: '`tls://HOST:PORT`, on loopback `nats://ADDRESS:PORT`' },
    (text) => {
      const [, scheme, host = '', port] =
        /^(tls|nats):\/\/(\[[0-9a-f:.]+\]|[a-z0-9.-]+):(\d{1,5})$/i.exec(text) ?? [];
      if (
        scheme === undefined ||
        text.length > ADDRESS_LENGTH_MAX ||
        Number(port) < 1 ||
        Number(port) > 65_535
      ) {
        return new Fault(
          'ERR_CONFIG_VALUE',
          `${quote(text)} is not the address of an engine`,
          'write it such as "tls://nats1.example:4222"',
        );
      }
      if (scheme.toLowerCase() === 'nats' && !isLoopback(host.replaceAll(/[[\]]/g, ''))) {
        return new Fault(
          'ERR_CONFIG_VALUE',
          `${quote(text)} is not encrypted`,
          'write "tls://…": without TLS an engine is reached on loopback only',
        );
      }
      return text;
    },
    same,
  );

const isLoopback = (host: string): boolean => {
  const words = createAddress();
  if (!parseAddress(host, words)) return host.toLowerCase() === 'localhost';
  return isIpv4(words) ? host.startsWith('127.') : host === '::1';
};

/** `ed25519:…`: a public key. */
export const authorityKey = () =>
  textLeaf(
    { name: 'key', bounds: '`ed25519:` and 32 bytes in Base64' },
    (text) => {
      const [, base64] = /^ed25519:([A-Za-z0-9+/]{43}=)$/.exec(text) ?? [];
      return base64 !== undefined && Buffer.from(base64, 'base64').length === KEY_LENGTH
        ? text
        : new Fault('ERR_CONFIG_VALUE', `${quote(text)} is not a key`, KEY_FORM);
    },
    same,
  );
