// Profiles: what the administrators of a kind of client install, so that it asks the encrypted service and nothing else.
//
// Each is the text of one file, made of the service alone: the same configuration gives the same bytes.
import { appleProfile } from './apple.ts';
import { dohUrl, type EncryptedService, isAddress } from './service.ts';
import { windowsProfile } from './windows.ts';

/** The kinds of clients that there are profiles for. */
export const PROFILE_TARGETS = [
  'windows',
  'apple',
  'android',
  'chrome',
  'edge',
  'firefox',
  'systemd-resolved',
] as const;

/** One of PROFILE_TARGETS. */
export type ProfileTarget = (typeof PROFILE_TARGETS)[number];

/** The text of a file, or what the service lacks for clients of the kind. */
export const createProfile = (
  target: ProfileTarget,
  service: EncryptedService,
): { readonly text: string } | { readonly missing: string } => {
  switch (target) {
    case 'windows':
      return windowsProfile(service);
    case 'apple':
      return { text: appleProfile(service) };
    case 'android':
      return androidProfile(service);
    case 'chrome':
    case 'edge':
      return chromiumProfile(service);
    case 'firefox':
      return firefoxProfile(service);
    case 'systemd-resolved':
      return resolvedProfile(service);
  }
};

/** Port of DNS over TLS (RFC 7858). */
const DOT_PORT = 853;

const NO_DOH = { missing: 'no address listens for DNS over HTTPS (listen.doh)' };
const NO_DOT = { missing: 'no address listens for DNS over TLS (listen.dot)' };

/** Private DNS of Android takes a name and nothing else: the port is 853. */
const androidProfile = (service: EncryptedService) => {
  const { name, dot } = service;
  if (dot.length === 0) return NO_DOT;
  if (!dot.some(({ port }) => port === DOT_PORT)) {
    return { missing: `Android asks port ${DOT_PORT} only, and no address of listen.dot has it` };
  }
  if (isAddress(name)) return { missing: 'Android needs a certificate with a name' };
  return { text: `${name}\n` };
};

const json = (value: unknown): { readonly text: string } => ({
  text: `${JSON.stringify(value, undefined, 2)}\n`,
});

/** A managed policy: secure means that nothing else is asked. Two templates need not be there: GET is what both send. */
const chromiumProfile = (service: EncryptedService) => {
  const url = dohUrl(service);
  return url === undefined
    ? NO_DOH
    : json({ DnsOverHttpsMode: 'secure', DnsOverHttpsTemplates: `${url}{?dns}` });
};

const firefoxProfile = (service: EncryptedService) => {
  const url = dohUrl(service);
  return url === undefined
    ? NO_DOH
    : json({
        policies: { DNSOverHTTPS: { Enabled: true, ProviderURL: url, Locked: true, Fallback: false } },
      });
};

/**
 * A drop-in for resolved.conf.d: everything goes to this server, also where a network offers others. Cordon validates; what it
 * refuses below a signed zone would count as forged if the client did so as well.
 */
const resolvedProfile = ({ name, dot }: EncryptedService) => {
  if (dot.length === 0) return NO_DOT;
  const servers = dot.flatMap(({ port, addresses }) =>
    addresses.map((address) => serverOf(address, port, name)),
  );
  if (servers.length === 0) {
    return {
      missing: 'systemd-resolved needs addresses, and neither the listeners nor the certificate name any',
    };
  }
  return {
    text: `[Resolve]\nDNS=${servers.join(' ')}\nFallbackDNS=\nDomains=~.\nDNSOverTLS=yes\nDNSSEC=no\n`,
  };
};

const serverOf = (address: string, port: number, name: string): string => {
  if (port === DOT_PORT) return `${address}#${name}`;
  return address.includes(':') ? `[${address}]:${port}#${name}` : `${address}:${port}#${name}`;
};
