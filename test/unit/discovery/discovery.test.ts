// What clients are told of the encrypted service, read by parsers that are not ours where there are any.
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Endpoint } from '../../../src/base/base.ts';
import { parseEndpoint } from '../../../src/base/base.ts';
import {
  createProfile,
  createService,
  ddrRecords,
  discoveryGaps,
  type EncryptedService,
  keaDnr,
  type ListenerAddresses,
  PROFILE_TARGETS,
  type ProfileTarget,
  toCertificate,
} from '../../../src/resolver/discovery/discovery.ts';
import { formatRdata, TYPE } from '../../../src/wire/dns/dns.ts';
import { CertificateAuthority } from '../../support/certificates.ts';

const endpoints = (...texts: string[]): Endpoint[] => texts.flatMap((text) => parseEndpoint(text, 53) ?? []);

const CERTIFICATE = { names: ['dns.agency.example'], addresses: ['192.0.2.1', '2001:db8::1'] };
type Listeners = ListenerAddresses & { readonly dns: readonly Endpoint[] };

const LISTENERS: Listeners = {
  dns: endpoints('192.0.2.1:53', '[2001:db8::1]:53'),
  dot: endpoints('192.0.2.1:853', '[2001:db8::1]:853'),
  doh: endpoints('192.0.2.1:443', '[2001:db8::1]:443'),
  doq: [],
  dohPath: '/dns-query',
};

const serviceOf = (changes: Partial<Listeners> = {}, certificate = CERTIFICATE): EncryptedService => {
  const service = createService({ ...LISTENERS, ...changes }, certificate);
  if (service === undefined) throw new Error('no service');
  return service;
};

const profileOf = (target: ProfileTarget, service = serviceOf()): string => {
  const made = createProfile(target, service);
  return 'text' in made ? made.text : `MISSING ${made.missing}`;
};

const python = (program: string, input: string): unknown =>
  JSON.parse(execFileSync('python3', ['-c', program], { input, encoding: 'utf8' }));

describe('a certificate', () => {
  test('gives its names and addresses, and no wildcard', () => {
    const names = [
      'DNS:DNS.Agency.example',
      'DNS:*.agency.example',
      'IP:192.0.2.1',
      'IP:2001:db8::1',
      'email:a@b.example',
    ];
    const { certificate } = CertificateAuthority.create().issue({ names });
    expect(toCertificate((new X509Certificate(certificate).subjectAltName ?? '').split(', '))).toEqual(
      CERTIFICATE,
    );
  });

  test('without a name leads nowhere', () => {
    expect(createService(LISTENERS, { names: [], addresses: [] })).toBeUndefined();
    expect(createService({ ...LISTENERS, dot: [], doh: [] }, CERTIFICATE)).toBeUndefined();
  });
});

describe('DDR', () => {
  const textsOf = (changes: Partial<Listeners> = {}, certificate = CERTIFICATE): string[] => {
    const listeners = { ...LISTENERS, ...changes };
    return ddrRecords(serviceOf(changes, certificate), listeners.dns, certificate).map((rdata) =>
      formatRdata(TYPE.SVCB, rdata),
    );
  };

  test('leads to both ways, with the addresses of their listeners', () => {
    expect(textsOf()).toEqual([
      '1 dns.agency.example. alpn="h2,http/1.1" port=443 ipv4hint=192.0.2.1 ipv6hint=2001:db8::1 dohpath="/dns-query{?dns}"',
      '2 dns.agency.example. alpn="dot" port=853 ipv4hint=192.0.2.1 ipv6hint=2001:db8::1',
    ]);
  });

  test('takes the addresses of the certificate where a listener has all of the machine', () => {
    expect(textsOf({ dns: endpoints('0.0.0.0:53'), dot: endpoints('0.0.0.0:853'), doh: [] })).toEqual([
      '1 dns.agency.example. alpn="dot" port=853 ipv4hint=192.0.2.1',
    ]);
  });

  test('is not given where the certificate holds no address that can be asked', () => {
    expect(textsOf({}, { names: ['dns.agency.example'], addresses: [] })).toEqual([]);
    expect(textsOf({ dns: endpoints('192.0.2.9:53') })).toEqual([]);
    expect(discoveryGaps(endpoints('192.0.2.1:53', '192.0.2.9:53'), CERTIFICATE)).toEqual(['192.0.2.9:53']);
  });
});

describe('a profile', () => {
  test.each(PROFILE_TARGETS)('for %s is the same each time', (target) => {
    expect(profileOf(target)).not.toMatch(/^MISSING/);
    expect(profileOf(target)).toBe(profileOf(target));
  });

  test('for Apple is a property list with stable UUIDs', () => {
    const read = (text: string) =>
      python('import json,plistlib,sys;print(json.dumps(plistlib.loads(sys.stdin.buffer.read())))', text);
    expect(read(profileOf('apple'))).toMatchObject({
      PayloadType: 'Configuration',
      PayloadUUID: expect.stringMatching(
        /^[0-9A-F]{8}-[0-9A-F]{4}-8[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$/,
      ),
      PayloadContent: [
        {
          PayloadType: 'com.apple.dnsSettings.managed',
          DNSSettings: {
            DNSProtocol: 'HTTPS',
            ServerURL: 'https://dns.agency.example/dns-query',
            ServerAddresses: ['192.0.2.1', '2001:db8::1'],
          },
        },
      ],
    });
    expect(read(profileOf('apple', serviceOf({ doh: [] })))).toMatchObject({
      PayloadContent: [{ DNSSettings: { DNSProtocol: 'TLS', ServerName: 'dns.agency.example' } }],
    });
  });

  test.each(['chrome', 'edge'] as const)('for %s is a managed policy', (target) => {
    expect(JSON.parse(profileOf(target))).toEqual({
      DnsOverHttpsMode: 'secure',
      DnsOverHttpsTemplates: 'https://dns.agency.example/dns-query{?dns}',
    });
  });

  test('for Firefox is a locked policy without a fallback', () => {
    expect(JSON.parse(profileOf('firefox', serviceOf({ doh: endpoints('192.0.2.1:8443') })))).toEqual({
      policies: {
        DNSOverHTTPS: {
          Enabled: true,
          ProviderURL: 'https://dns.agency.example:8443/dns-query',
          Locked: true,
          Fallback: false,
        },
      },
    });
  });

  test('for Android is the name, and needs its port and a name', () => {
    expect(profileOf('android')).toBe('dns.agency.example\n');
    expect(profileOf('android', serviceOf({ dot: endpoints('192.0.2.1:8853') }))).toMatch(/^MISSING .*853/);
    expect(profileOf('android', serviceOf({}, { names: [], addresses: ['192.0.2.1'] }))).toMatch(
      /^MISSING .*name/,
    );
  });

  test('for systemd-resolved is a drop-in that Python reads', () => {
    const read = (text: string) =>
      python(
        'import configparser,json,sys;c=configparser.RawConfigParser();c.optionxform=str;c.read_file(sys.stdin);print(json.dumps(dict(c["Resolve"])))',
        text,
      );
    expect(read(profileOf('systemd-resolved'))).toEqual({
      DNS: '192.0.2.1#dns.agency.example 2001:db8::1#dns.agency.example',
      FallbackDNS: '',
      Domains: '~.',
      DNSOverTLS: 'yes',
      DNSSEC: 'no',
    });
    const odd = serviceOf({ dot: endpoints('192.0.2.1:8853', '[2001:db8::1]:8853') });
    expect(read(profileOf('systemd-resolved', odd))).toMatchObject({
      DNS: '192.0.2.1:8853#dns.agency.example [2001:db8::1]:8853#dns.agency.example',
    });
  });

  test('for Windows names the servers and the template as literals', () => {
    const text = profileOf('windows');
    expect(text).toContain("$servers = @('192.0.2.1', '2001:db8::1')");
    expect(text).toContain("$template = 'https://dns.agency.example/dns-query'");
    expect(text).toContain('netsh ztdns add server type=doh address=$server port=443 template=$template');
    expect(text).toContain('-AllowFallbackToUdp $false');
  });

  test.each([
    ['windows', { doh: [] }],
    ['chrome', { doh: [] }],
    ['edge', { doh: [] }],
    ['firefox', { doh: [] }],
    ['android', { dot: [] }],
    ['systemd-resolved', { dot: [] }],
  ] as const)('for %s says what is missing', (target, changes) => {
    expect(profileOf(target, serviceOf(changes))).toMatch(/^MISSING /);
  });
});

test('DNR gives Kea an option for each family, with escaped commas', () => {
  expect(JSON.parse(keaDnr(serviceOf()))).toEqual({
    Dhcp4: {
      'option-data': [
        {
          name: 'v4-dnr',
          data: '1, dns.agency.example., 192.0.2.1, alpn=h2\\,http/1.1 port=443 dohpath=/dns-query{?dns} | 2, dns.agency.example., 192.0.2.1, alpn=dot port=853',
        },
      ],
    },
    Dhcp6: {
      'option-data': [
        {
          name: 'v6-dnr',
          data: '1, dns.agency.example., 2001:db8::1, alpn=h2\\,http/1.1 port=443 dohpath=/dns-query{?dns}',
        },
        { name: 'v6-dnr', data: '2, dns.agency.example., 2001:db8::1, alpn=dot port=853' },
      ],
    },
  });
});
