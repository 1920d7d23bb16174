// Discovery of Designated Resolvers (RFC 9462): the records that lead a client from plain DNS to the encrypted service.
//
// A client believes them only when the certificate holds the address that it asked (section 4.2), so they are given only
// where it does for some address: a client that follows them in vain has asked for nothing.
import { type Endpoint, formatEndpoint } from '../../base/base.ts';
import { parseRdata, TYPE } from '../../wire/dns/dns.ts';
import { type Certificate, type EncryptedService, isAddress, isWildcard, type Way } from './service.ts';

/** Listeners whose clients would find no proof: those whose address the certificate does not hold. */
export const discoveryGaps = (dns: readonly Endpoint[], { addresses }: Certificate): string[] =>
  dns
    .filter((endpoint) =>
      isWildcard(endpoint) ? addresses.length === 0 : !addresses.includes(endpoint.address),
    )
    .map(formatEndpoint);

/** RDATA of the SVCB records of `_dns.resolver.arpa`, the preferred way first; none where nobody could believe them. */
export const ddrRecords = (
  service: EncryptedService,
  dns: readonly Endpoint[],
  certificate: Certificate,
): Uint8Array[] => {
  if (discoveryGaps(dns, certificate).length === dns.length) return [];
  const texts = [
    ...service.doh.map((way) => paramsOf(way, 'h2,http/1.1', ` dohpath=${service.dohPath}{?dns}`)),
    ...service.dot.map((way) => paramsOf(way, 'dot')),
    ...service.doq.map((way) => paramsOf(way, 'doq')),
  ];
  return texts.map((params, index) => parseRdata(TYPE.SVCB, `${index + 1} ${targetOf(service)} ${params}`));
};

/** An address is no target: clients take the hints then, and the name that they asked. */
const targetOf = ({ name }: EncryptedService): string => (isAddress(name) ? '.' : `${name}.`);

const paramsOf = ({ port, addresses }: Way, alpn: string, path = ''): string => {
  const ipv4 = addresses.filter((address) => !address.includes(':'));
  const ipv6 = addresses.filter((address) => address.includes(':'));
  return (
    [
      `alpn=${alpn} port=${port}`,
      ...(ipv4.length === 0 ? [] : [`ipv4hint=${ipv4.join(',')}`]),
      ...(ipv6.length === 0 ? [] : [`ipv6hint=${ipv6.join(',')}`]),
    ].join(' ') + path
  );
};
