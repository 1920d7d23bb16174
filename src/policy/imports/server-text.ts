// Servers as other resolvers write them, in Cordon's words: `192.0.2.53:5353`, `tls://192.0.2.53#dns.example.net`.
import { createAddress, parseAddress } from '../../base/base.ts';

/** A server: its text, or why it cannot be asked. */
export type ServerText = { readonly text: string } | { readonly why: string };

const isAddress = (text: string): boolean => parseAddress(text, createAddress());

/** An address with a port, as Cordon writes it; `zone` of a link-local address is kept out. */
export const addressWithPort = (address: string, port: string | undefined): ServerText => {
  if (address.includes('%')) return { why: 'an address with an interface cannot be asked' };
  if (!isAddress(address)) return { why: 'it is a host name, and plain DNS needs an address' };
  if (port === undefined || port === '53') return { text: address };
  return { text: address.includes(':') ? `[${address}]:${port}` : `${address}:${port}` };
};

/** unbound: `192.0.2.53@853#dns.example.net`. */
export const fromUnbound = (text: string, isTls: boolean): ServerText => {
  const [, address = '', port, name] = /^([^@#]+)(?:@(\d+))?(?:#(.+))?$/.exec(text) ?? [];
  const plain = addressWithPort(address, isTls && (port ?? '853') === '853' ? undefined : port);
  if (!isTls || 'why' in plain) return plain;
  const host =
    plain.text.includes(':') && !plain.text.startsWith('[') && isAddress(plain.text) && address.includes(':')
      ? `[${address}]`
      : plain.text;
  if (name === undefined) return { why: 'it is encrypted without a name that its certificate has to be for' };
  return { text: `tls://${host}#${name}` };
};

/** dnsmasq and Pi-hole: `192.0.2.53#5353`, with `@interface` behind it. */
export const fromDnsmasq = (text: string): ServerText => {
  const [, address = '', port, rest] = /^([^#@]+)(?:#(\d+))?(@.+)?$/.exec(text.trim()) ?? [];
  if (rest !== undefined) return { why: 'a server that is asked from one interface or address' };
  return addressWithPort(address, port);
};

/** AdGuard Home: addresses, and URLs with the schemes that Cordon has too. */
export const fromAdGuard = (text: string): ServerText => {
  if (/^(?:quic|h3):\/\//i.test(text)) return { why: 'DNS over QUIC and over HTTP/3 are not available' };
  if (/^(?:tls|https|tcp|udp|sdns):\/\//i.test(text)) return { text };
  const [, bracketed, ipv4, port] = /^(?:\[([^\]]+)\]|([0-9.]+))(?::(\d+))?$/.exec(text) ?? [];
  if (bracketed !== undefined || ipv4 !== undefined) return addressWithPort(bracketed ?? ipv4 ?? '', port);
  return addressWithPort(text, undefined);
};

/** True for a server that is asked over TLS or HTTPS; of a stamp only its first byte says so. */
export const isEncrypted = (text: string): boolean => {
  if (/^(?:tls|https):\/\//i.test(text)) return true;
  if (!/^sdns:\/\//i.test(text)) return false;
  const [protocol] = Buffer.from(text.slice(7), 'base64url');
  return protocol !== 0;
};

/** True when the server is named by a host name, which has to be looked up. */
export const hasHostName = (text: string): boolean => {
  const [, host = ''] = /^(?:tls|https):\/\/(\[[^\]]+\]|[^/:#]+)/i.exec(text) ?? [];
  return host !== '' && !isAddress(host.replace(/^\[|\]$/g, ''));
};
