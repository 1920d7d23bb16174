// The leaves of identity: whom a client certificate is for, the hash of a token, the name of a device.
import { Fault, quote, same, textLeaf } from './value.ts';

/** Characters of a rule about certificates: a long subject. */
const RULE_LENGTH_MAX = 400;
const SHA256_DIGITS = 64;
/** Bytes of a device's name: as many as records keep. */
const DEVICE_BYTES_MAX = 100;

const HOST = /^(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/;
const MAILBOX = /^(?:\*|[^\s@*]+)@[a-z0-9.-]+$/;
const ATTRIBUTE = /^[A-Za-z][A-Za-z0-9.]*=[^,=]+$/;

/** `sha256:`, `dns:`, `email:`, `uri:` or `subject:` and what has to be there; letters of hosts and digits folded. */
export const certificateRule = () =>
  textLeaf(
    {
      name: 'rule about certificates',
      bounds: '`sha256:`, `dns:`, `email:`, `uri:` or `subject:`',
    },
    (text) => {
      const [, kind = '', value = ''] = /^([a-z0-9]+):(.+)$/.exec(text) ?? [];
      const rule = text.length > RULE_LENGTH_MAX ? undefined : readRule(kind, value);
      return rule === undefined
        ? new Fault(
            'ERR_CONFIG_VALUE',
            `${quote(text)} is no rule about certificates`,
            'write it such as "dns:*.devices.agency.example", "sha256:" with 64 digits, "email:a@agency.example", "uri:urn:device:7" or "subject:CN=laptop-17,O=Agency"',
          )
        : rule;
    },
    same,
  );

const readRule = (kind: string, value: string): string | undefined => {
  const folded = value.toLowerCase();
  switch (kind) {
    case 'sha256': {
      const digits = folded.replaceAll(':', '');
      return isSha256(digits) ? `sha256:${digits}` : undefined;
    }
    case 'dns':
      return HOST.test(folded) ? `dns:${folded}` : undefined;
    case 'email':
      return MAILBOX.test(folded) ? `email:${folded}` : undefined;
    case 'uri':
      return /^[^\s*]+$/.test(value) ? `uri:${value}` : undefined;
    case 'subject':
      return value.split(',').every((part) => ATTRIBUTE.test(part)) ? `subject:${value}` : undefined;
    default:
      return undefined;
  }
};

const isSha256 = (text: string): boolean => text.length === SHA256_DIGITS && /^[0-9a-f]+$/.test(text);

/** The SHA-256 of a token. */
export const tokenHash = () =>
  textLeaf(
    { name: 'SHA-256', bounds: `${SHA256_DIGITS} hexadecimal digits` },
    (text) =>
      isSha256(text.toLowerCase())
        ? text.toLowerCase()
        : new Fault(
            'ERR_CONFIG_VALUE',
            `${quote(text)} is no SHA-256`,
            'cordon clients token makes a token and its hash',
          ),
    same,
  );

/** What a device is called. */
export const deviceName = () =>
  textLeaf(
    { name: 'name', bounds: `1 to ${DEVICE_BYTES_MAX} bytes of UTF-8, printable` },
    (text) =>
      text.length > 0 && Buffer.byteLength(text) <= DEVICE_BYTES_MAX && !/[\p{C}\s]/u.test(text)
        ? text
        : new Fault('ERR_CONFIG_VALUE', `${quote(text)} is no name of a device`, 'printable, without blanks'),
    same,
  );

/** The name by which a listener is asked in the handshake; letters folded. */
export const serverName = () =>
  textLeaf(
    { name: 'host name' },
    (text) => {
      const name = text.toLowerCase().replace(/\.$/, '');
      return HOST.test(name) && !name.startsWith('*')
        ? name
        : new Fault('ERR_CONFIG_VALUE', `${quote(text)} is not a host name`);
    },
    same,
  );
