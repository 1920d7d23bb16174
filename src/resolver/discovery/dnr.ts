// Discovery of Network-designated Resolvers (RFC 9463): the options with which a DHCP server tells clients of the service.
import { isIP } from 'node:net';
import type { EncryptedService, Way } from './service.ts';

/** An instance of an option as Kea writes one: priority, name, addresses, service parameters. */
const instanceOf = (
  service: EncryptedService,
  way: Way,
  priority: number,
  family: 4 | 6,
  alpn: readonly string[],
): string | undefined => {
  const addresses = way.addresses.filter((address) => isIP(address) === family);
  if (addresses.length === 0) return undefined;
  // Kea takes a comma for the end of a field unless it is escaped.
  const path = alpn.includes('h2') ? ` dohpath=${service.dohPath}{?dns}` : '';
  const params = `alpn=${alpn.join('\\,')} port=${way.port}${path}`;
  return `${priority}, ${service.name}., ${addresses.join(' ')}, ${params}`;
};

/** `option-data` of Kea (Dhcp4 and Dhcp6), as JSON; empty lists where no way has an address of the family. */
export const keaDnr = (service: EncryptedService): string => {
  const instances = (family: 4 | 6): string[] =>
    [
      ...service.doh.map((way) => ({ way, alpn: ['h2', 'http/1.1'] })),
      ...service.dot.map((way) => ({ way, alpn: ['dot'] })),
      ...service.doq.map((way) => ({ way, alpn: ['doq'] })),
    ].flatMap(({ way, alpn }, index) => instanceOf(service, way, index + 1, family, alpn) ?? []);
  const ipv4 = instances(4);
  return `${JSON.stringify(
    {
      Dhcp4: { 'option-data': ipv4.length === 0 ? [] : [{ name: 'v4-dnr', data: ipv4.join(' | ') }] },
      // DHCPv6 has one option an instance (RFC 9463 section 4.1).
      Dhcp6: { 'option-data': instances(6).map((data) => ({ name: 'v6-dnr', data })) },
    },
    undefined,
    2,
  )}\n`;
};
