// A configuration profile for iOS, iPadOS, macOS and tvOS (com.apple.dnsSettings.managed), as a property list.
//
// UUIDs follow from the service, so that a profile that is made again replaces the one that is installed.
import { createHash } from 'node:crypto';
import { dohUrl, type EncryptedService, type Way } from './service.ts';

type PlistValue = string | number | boolean | readonly PlistValue[] | { readonly [key: string]: PlistValue };

/** DNS over HTTPS where there is any: it also passes networks that let only port 443 through. */
export const appleProfile = (service: EncryptedService): string => {
  const url = dohUrl(service);
  const identifier = `cordon.dns.${service.name}`;
  const protocol = url === undefined ? 'TLS' : 'HTTPS';
  const addresses = (url === undefined ? service.dot : service.doh).flatMap((way: Way) => way.addresses);
  const title = `Encrypted DNS of ${service.name}`;
  return formatPlist({
    PayloadType: 'Configuration',
    PayloadVersion: 1,
    PayloadIdentifier: identifier,
    PayloadUUID: uuidOf(identifier),
    PayloadDisplayName: title,
    PayloadDescription: `All names are asked of ${service.name}, over ${protocol}.`,
    PayloadScope: 'System',
    PayloadContent: [
      {
        PayloadType: 'com.apple.dnsSettings.managed',
        PayloadVersion: 1,
        PayloadIdentifier: `${identifier}.settings`,
        PayloadUUID: uuidOf(`${identifier}.settings`),
        PayloadDisplayName: title,
        DNSSettings: {
          DNSProtocol: protocol,
          ...(addresses.length === 0 ? {} : { ServerAddresses: [...new Set(addresses)] }),
          ...(url === undefined ? { ServerName: service.name } : { ServerURL: url }),
        },
        // Supervised devices only; others let their user turn it off.
        ProhibitDisablement: true,
      },
    ],
  });
};

/** A UUID of version 8 (RFC 9562 section 5.8): SHA-256 is there where SHA-1 may not be used. */
const uuidOf = (text: string): string => {
  const bytes = createHash('sha256').update(text).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex').toUpperCase();
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
};

const HEAD = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
`;

const formatPlist = (value: PlistValue): string =>
  `${HEAD}<plist version="1.0">\n${format(value, '')}\n</plist>\n`;

const format = (value: PlistValue, indent: string): string => {
  const inner = `${indent}  `;
  if (typeof value === 'boolean') return `${indent}<${value}/>`;
  if (typeof value === 'number') return `${indent}<integer>${value}</integer>`;
  if (typeof value === 'string') return `${indent}<string>${escapeXml(value)}</string>`;
  if (isList(value)) {
    return `${indent}<array>\n${value.map((item) => format(item, inner)).join('\n')}\n${indent}</array>`;
  }
  const pairs = Object.entries(value).map(
    ([key, item]) => `${inner}<key>${escapeXml(key)}</key>\n${format(item, inner)}`,
  );
  return `${indent}<dict>\n${pairs.join('\n')}\n${indent}</dict>`;
};

const isList = (value: PlistValue): value is readonly PlistValue[] => Array.isArray(value);

const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
