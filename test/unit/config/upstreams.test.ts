// Keys that name servers: every way to write one, what is refused and why, and what holds between lists of them.
import { describe, expect, it } from 'vitest';
import { effectiveConfig, type UpstreamConfig } from '../../../src/config/config.ts';
import { configOf, problemsOf } from './support.ts';

const PIN = '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=';
const OTHER_PIN = 'RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=';
const HASH = '3e1a1a0f6c53f3e97a492d57084b5b9807059ee057ab1505876fd83fda3db838';

const upstreamOf = (text: string): UpstreamConfig => {
  const isNamed = /^(tls|https):\/\/[a-z]/i.test(text);
  const bootstrap = isNamed ? '\nbootstrap: ["192.0.2.1"]' : '';
  const [server] = configOf(`upstreams: [${JSON.stringify(text)}]${bootstrap}`).upstreams ?? [];
  if (server === undefined) throw new Error('no upstream');
  return server;
};

/** What is wrong with a server, without its place. */
const refusalOf = (text: string): string => {
  const problems = problemsOf(`upstreams: [${JSON.stringify(text)}]`);
  expect(problems).toHaveLength(1);
  return (problems[0] ?? '').replace('cordon.yaml:1:13: upstreams[0]: ', '');
};

const at = (address: string, port: number) => ({
  kind: 'address',
  endpoint: { address, port, family: address.includes(':') ? 6 : 4 },
});
const named = (name: string, port: number) => ({ kind: 'name', name, port });
const PLAIN = { serverName: undefined, pins: [], certificateHashes: [], path: undefined };
const UNPINNED = { pins: [], certificateHashes: [] };

describe('an upstream', () => {
  it.each<[string, object, string]>([
    ['192.0.2.53', { transport: 'udp', host: at('192.0.2.53', 53) }, '192.0.2.53:53'],
    ['192.0.2.53:1', { transport: 'udp', host: at('192.0.2.53', 1) }, '192.0.2.53:1'],
    ['udp://192.0.2.53:65535', { transport: 'udp', host: at('192.0.2.53', 65_535) }, '192.0.2.53:65535'],
    ['2001:DB8:0::1', { transport: 'udp', host: at('2001:db8::1', 53) }, '[2001:db8::1]:53'],
    ['UDP://[2001:db8::1]', { transport: 'udp', host: at('2001:db8::1', 53) }, '[2001:db8::1]:53'],
    ['fe80::1%eth0', { transport: 'udp', host: at('fe80::1%eth0', 53) }, '[fe80::1%eth0]:53'],
    ['tcp://192.0.2.53', { transport: 'tcp', host: at('192.0.2.53', 53) }, 'tcp://192.0.2.53:53'],
    [
      'tcp://[2001:db8::1]:5300',
      { transport: 'tcp', host: at('2001:db8::1', 5300) },
      'tcp://[2001:db8::1]:5300',
    ],
  ])('is plain as %s', (text, wanted, metricText) => {
    expect(upstreamOf(text)).toEqual({ ...PLAIN, ...wanted, text: metricText });
  });

  it.each<[string, object, string]>([
    ['192.0.2.54', { host: at('192.0.2.54', 853), serverName: '192.0.2.54' }, '192.0.2.54:853'],
    [
      '[2001:DB8::54]:8853',
      { host: at('2001:db8::54', 8853), serverName: '2001:db8::54' },
      '[2001:db8::54]:8853',
    ],
    ['[fe80::1%eth0]', { host: at('fe80::1%eth0', 853), serverName: 'fe80::1' }, '[fe80::1%eth0]:853'],
    [
      '192.0.2.54:443#DNS.Example.Net.',
      { host: at('192.0.2.54', 443), serverName: 'dns.example.net' },
      '192.0.2.54:443#dns.example.net',
    ],
    ['192.0.2.54#192.0.2.54', { host: at('192.0.2.54', 853), serverName: '192.0.2.54' }, '192.0.2.54:853'],
    [
      '192.0.2.54#2001:DB8:0::54',
      { host: at('192.0.2.54', 853), serverName: '2001:db8::54' },
      '192.0.2.54:853#2001:db8::54',
    ],
    [
      'DNS.Example.Net.',
      { host: named('dns.example.net', 853), serverName: 'dns.example.net' },
      'dns.example.net:853',
    ],
    ['resolver:8853', { host: named('resolver', 8853), serverName: 'resolver' }, 'resolver:8853'],
    [
      'a.example.net#b.example.net',
      { host: named('a.example.net', 853), serverName: 'b.example.net' },
      'a.example.net:853#b.example.net',
    ],
  ])('is asked over TLS as tls://%s', (text, wanted, metricText) => {
    const common = { transport: 'tls', path: undefined, ...UNPINNED };
    expect(upstreamOf(`tls://${text}`)).toEqual({ ...common, ...wanted, text: `tls://${metricText}` });
  });

  it.each<[string, object, string]>([
    [
      '192.0.2.55/dns-query#dns.example.net',
      { host: at('192.0.2.55', 443), serverName: 'dns.example.net', path: '/dns-query' },
      '192.0.2.55:443/dns-query#dns.example.net',
    ],
    [
      'dns.example.net',
      { host: named('dns.example.net', 443), serverName: 'dns.example.net', path: '/dns-query' },
      'dns.example.net:443/dns-query',
    ],
    [
      'dns.example.net/',
      { host: named('dns.example.net', 443), serverName: 'dns.example.net', path: '/' },
      'dns.example.net:443/',
    ],
    [
      '[2001:db8::55]:8443/A/b%20c?token=x/y',
      { host: at('2001:db8::55', 8443), serverName: '2001:db8::55', path: '/A/b%20c?token=x/y' },
      '[2001:db8::55]:8443/A/b%20c?token=x/y',
    ],
  ])('is asked over HTTPS as https://%s', (text, wanted, metricText) => {
    const common = { transport: 'https', ...UNPINNED };
    expect(upstreamOf(`https://${text}`)).toEqual({ ...common, ...wanted, text: `https://${metricText}` });
  });

  it.each<[string, readonly string[], readonly string[], string | undefined]>([
    [`#dns.example.net&pin-sha256=${PIN}`, [PIN], [], 'dns.example.net'],
    [`#pin-sha256=${PIN}`, [PIN], [], '192.0.2.54'],
    [
      `#dns.example.net&pin-sha256=${PIN}&pin-sha256=${OTHER_PIN}&pin-sha256=${PIN}`,
      [PIN, OTHER_PIN],
      [],
      'dns.example.net',
    ],
    [`#certificate-sha256=${HASH.toUpperCase()}&pin-sha256=${PIN}`, [PIN], [HASH], '192.0.2.54'],
  ])('has the pins and hashes of %s', (fragment, pins, certificateHashes, serverName) => {
    const server = upstreamOf(`tls://192.0.2.54${fragment}`);
    expect(server).toMatchObject({ pins, certificateHashes, serverName });
    expect(server.text).not.toContain('sha256');
  });

  it('has at most eight pins', () => {
    const pins = (count: number) =>
      Array.from({ length: count }, (_, i) => `pin-sha256=${Buffer.alloc(32, i).toString('base64')}`).join(
        '&',
      );
    expect(upstreamOf(`tls://192.0.2.54#${pins(8)}`).pins).toHaveLength(8);
    expect(refusalOf(`tls://192.0.2.54#${pins(9)}`)).toMatch(/ has more than 8 hashes of a kind$/);
  });

  it('bounds its text, the path and the host name', () => {
    const path = (length: number) => `https://192.0.2.55/${'a'.repeat(length - 1)}`;
    expect(upstreamOf(path(1024)).path).toHaveLength(1024);
    expect(refusalOf(path(1025))).toMatch(/ has a path that is none of a URL, or has over 1024 characters; /);
    expect(refusalOf(path(5000))).toMatch(/ has over 4096 characters$/);
    const host = (last: number) => `tls://${`${'a'.repeat(63)}.`.repeat(3)}${'b'.repeat(last)}`;
    expect(upstreamOf(host(61)).serverName).toHaveLength(253);
    expect(refusalOf(host(62))).toMatch(/ has no host that is an address or a name; /);
    expect(refusalOf(`tls://${'a'.repeat(64)}.example`)).toMatch(
      / has no host that is an address or a name; /,
    );
  });

  it.each([
    [
      'quic://192.0.2.54',
      'DNS over QUIC is not available in this version; most servers that have it answer "tls://" and "https://" too',
    ],
    [
      'H3://192.0.2.54/dns-query',
      'DNS over HTTP/3 is not available in this version; most servers that have it answer "tls://" and "https://" too',
    ],
    ['dot://192.0.2.54', '"dot" is not a scheme of upstreams; schemes are udp, tcp, tls, https, sdns'],
    ['tsl://192.0.2.54', '"tsl" is not a scheme of upstreams; did you mean "tls"?'],
    ['://192.0.2.54', '"" is not a scheme of upstreams; schemes are udp, tcp, tls, https, sdns'],
    [
      'udp://dns.example.net',
      '"udp://dns.example.net" is not an address with a port; only servers of "tls://" and "https://" can have a host name',
    ],
    ['tcp://192.0.2.53:0', '"192.0.2.53:0" has port 0, which nobody can ask'],
    ['tls://192.0.2.53:0', '"192.0.2.53:0" has port 0, which nobody can ask'],
    ['tls://dns.example.net:0', '"tls://dns.example.net:0" has port 0, which nobody can ask'],
    ['tls://0.0.0.0', '"0.0.0.0" is the unspecified address, which nobody can ask'],
    ['https://[::]/dns-query', '"[::]" is the unspecified address, which nobody can ask'],
    ['tls://192.0.2.54/', '"tls://192.0.2.54/" has a path, which goes with "https://" only'],
    [
      'tls://192.0.2.54#&pin-sha256=x',
      '"tls://192.0.2.54#&pin-sha256=x" has no name after "#" that a certificate can be for; write a host name or an address, such as "#dns.example.net"',
    ],
    [
      'tls://192.0.2.54#*.example.net',
      '"tls://192.0.2.54#*.example.net" has no name after "#" that a certificate can be for; write a host name or an address, such as "#dns.example.net"',
    ],
    [
      'tls://192.0.2.54#dns.example.net&',
      '"" is not a parameter of an upstream; parameters are pin-sha256, certificate-sha256',
    ],
    [
      `tls://192.0.2.54#pin-sha256=${PIN}x`,
      `"${PIN}x" is not a pin; write the SHA-256 of the public key in Base64, such as "pin-sha256=${PIN}"`,
    ],
    ['tls://192.0.2.54#certificate-sha256=3e1a', '"3e1a" is not a SHA-256; write 64 hexadecimal digits'],
  ])('is refused as %s', (text, problem) => {
    expect(refusalOf(text)).toBe(problem);
  });

  it.each([
    'tls://',
    'tls://:853',
    'tls://192.0.2.300',
    'tls://192.0.2.54:65536',
    'tls://2001:db8::1:853:1:1:1:1:1',
    'tls://-a.example.net',
    'tls://a_b.example.net',
    'tls://a..example.net',
    'tls://bücher.example',
    'tls://user@dns.example.net',
    'https://user:secret@dns.example.net/dns-query',
    'https://?dns',
    'https:///dns-query',
    'tls://dns.example.net\n',
    'tls:// dns.example.net',
  ])('needs a host: %j', (text) => {
    expect(refusalOf(text)).toMatch(/ has no host that is an address or a name; write it such as /);
  });

  it.each(['/dns-query{?dns}', '/a b', '/%2', '/%zz', '/"', '/\u00fc'])(
    'needs a path of a URL: %j',
    (path) => {
      expect(refusalOf(`https://192.0.2.55${path}`)).toMatch(/ has a path that is none of a URL, /);
    },
  );
});

describe('lists of upstreams', () => {
  it('hold 1 to 16 servers, a fallback 1 to 8, and bootstrap 1 to 8', () => {
    const servers = (count: number) =>
      JSON.stringify(Array.from({ length: count }, (_, i) => `192.0.2.${i + 1}`));
    const fallback = servers(8).replaceAll('192.0.2', '198.51.100');
    expect(configOf(`upstreams: ${servers(16)}\nfallback: ${fallback}`).fallback).toHaveLength(8);
    expect(problemsOf(`upstreams: ${servers(17)}`)).toEqual([
      'cordon.yaml:1:12: upstreams: has 17 items, at most 16 allowed',
    ]);
    expect(problemsOf(`fallback: ${servers(9)}`)).toEqual([
      'cordon.yaml:1:11: fallback: has 9 items, at most 8 allowed',
    ]);
    expect(problemsOf('fallback: []\nbootstrap: []')).toEqual([
      'cordon.yaml:1:11: fallback: has 0 items, at least 1 needed',
      'cordon.yaml:2:12: bootstrap: has 0 items, at least 1 needed',
      'cordon.yaml:2:12: bootstrap: no upstream has a host name; remove the key',
    ]);
  });

  it('are all encrypted or all plain, wherever they stand', () => {
    const mixed = '["192.0.2.1", "tls://192.0.2.2", "tcp://192.0.2.3"]';
    const text = (path: string, list: string) =>
      `is not encrypted, and the server at ${list}[1] is; name only encrypted servers or only plain ones: trouble must not take the encryption away`.replace(
        /^/,
        `${path}: `,
      );
    const problems = problemsOf(
      [
        `upstreams: ${mixed}`,
        `forward: [{ zones: [a.example], upstreams: ${mixed} }]`,
        `groups: [{ name: a, clients: ["192.0.2.0/24"], lists: [], upstreams: ${mixed} }]`,
      ].join('\n'),
    ).map((problem) => problem.replace(/^cordon\.yaml:\d+:\d+: /, '').replace(/"\S+" /, ''));
    expect(problems).toEqual(
      ['upstreams', 'forward[0].upstreams', 'groups[0].upstreams'].flatMap((list) => [
        text(`${list}[0]`, list),
        text(`${list}[2]`, list),
      ]),
    );
  });

  it('may be plain in one place and encrypted in another', () => {
    const config = configOf(
      [
        'upstreams: ["tls://192.0.2.1"]',
        'forward: [{ zones: [a.example], upstreams: ["192.0.2.2"] }]',
        'groups: [{ name: a, clients: ["192.0.2.0/24"], lists: [], upstreams: ["192.0.2.3"], fallback: ["tcp://192.0.2.4"] }]',
      ].join('\n'),
    );
    expect(config.forward[0]?.upstreams[0]?.transport).toBe('udp');
    expect(config.groups[1]?.upstreams?.map(({ text }) => text)).toEqual(['192.0.2.3:53']);
    expect(config.groups[1]?.fallback.map(({ text }) => text)).toEqual(['tcp://192.0.2.4:53']);
  });

  it('have a fallback that does not take the encryption away, and may add it', () => {
    expect(problemsOf('upstreams: ["tls://192.0.2.1"]\nfallback: ["192.0.2.2"]')).toEqual([
      'cordon.yaml:2:12: fallback[0]: "192.0.2.2:53" is not encrypted, and the server at upstreams[0] is; name only encrypted servers or only plain ones: trouble must not take the encryption away',
    ]);
    expect(problemsOf('upstreams: ["192.0.2.1"]\nfallback: ["tls://192.0.2.2"]')).toEqual([]);
    expect(problemsOf('fallback: ["tls://192.0.2.2"]')).toEqual([]);
    expect(problemsOf('fallback: ["tls://192.0.2.2", "192.0.2.3"]')).toHaveLength(1);
  });

  it('name each server once, however it is written, the fallback included', () => {
    expect(
      problemsOf(
        `upstreams: ["tls://192.0.2.1", "TLS://192.0.2.1:853#pin-sha256=${PIN}"]\nfallback: ["tls://192.0.2.1#192.0.2.1"]`,
      ),
    ).toEqual([
      'cordon.yaml:1:32: upstreams[1]: "tls://192.0.2.1:853" is named already at upstreams[0]',
      'cordon.yaml:2:12: fallback[0]: "tls://192.0.2.1:853" is named already at upstreams[0]',
    ]);
    expect(problemsOf('upstreams: ["192.0.2.1", "tcp://192.0.2.1"]')).toEqual([]);
  });

  it('do not name ourselves, in any way', () => {
    const circles = problemsOf(
      'listen: { dns: ["0.0.0.0:853"] }\nupstreams: ["tls://127.0.0.1"]\nfallback: ["tls://127.0.0.2"]\nforward: [{ zones: [a.example], upstreams: ["127.0.0.1:853"] }]',
    );
    expect(circles).toHaveLength(3);
    for (const circle of circles) expect(circle).toContain('questions would go in circles');
  });

  it('have a fallback in a group only beside servers of the group', () => {
    const group = (keys: string) =>
      problemsOf(`groups: [{ name: a, clients: ["192.0.2.0/24"], lists: [], ${keys} }]`);
    expect(group('fallback: ["192.0.2.1"]')).toEqual([
      'cordon.yaml:1:69: groups[0].fallback: goes with "upstreams" of the group only; name the servers that it stands in for',
    ]);
    expect(group('upstreams: ["192.0.2.2"], fallback: ["192.0.2.1"]')).toEqual([]);
    const [weakened = ''] = group('upstreams: ["tls://192.0.2.2"], fallback: ["192.0.2.1"]');
    expect(weakened).toContain('groups[0].fallback[0]: "192.0.2.1:53" is not encrypted, and the server at ');
  });
});

describe('bootstrap', () => {
  const NEEDED =
    'has a host name, and no "bootstrap" server can be asked for its addresses; name plain servers under "bootstrap", or write an address and "#" before the name';

  it.each([
    ['upstreams: ["tls://dns.example.net"]', 'upstreams[0]'],
    ['fallback: ["https://dns.example.net"]', 'fallback[0]'],
    ['forward: [{ zones: [a.example], upstreams: ["tls://dns.example.net"] }]', 'forward[0].upstreams[0]'],
    [
      'groups: [{ name: a, clients: ["192.0.2.0/24"], lists: [], upstreams: ["tls://dns.example.net"] }]',
      'groups[0].upstreams[0]',
    ],
  ])('is needed for %s', (text, path) => {
    const [problem = '', ...others] = problemsOf(text);
    expect(others).toEqual([]);
    expect(problem).toContain(`${path}: "`);
    expect(problem).toContain(NEEDED);
    expect(configOf(`${text}\nbootstrap: ["192.0.2.1", "[2001:db8::1]:5300"]`).bootstrap).toEqual([
      { address: '192.0.2.1', port: 53, family: 4 },
      { address: '2001:db8::1', port: 5300, family: 6 },
    ]);
  });

  it('is refused when no upstream has a name, unless one of them cannot be read', () => {
    expect(problemsOf('upstreams: ["tls://192.0.2.1#dns.example.net"]\nbootstrap: ["192.0.2.1"]')).toEqual([
      'cordon.yaml:2:12: bootstrap: no upstream has a host name; remove the key',
    ]);
    expect(problemsOf('upstreams: ["tls://dns_.example.net"]\nbootstrap: ["192.0.2.1"]')).toHaveLength(1);
  });
});

describe('dnssec.mode trust-ad', () => {
  it('takes encrypted upstreams only', () => {
    const mode = 'dnssec: { mode: trust-ad }';
    expect(configOf(`${mode}\nupstreams: ["tls://192.0.2.1"]`).dnssec.mode).toBe('trust-ad');
    expect(problemsOf(mode)).toEqual([
      'cordon.yaml:1:17: dnssec.mode: the system\'s resolvers are asked, which are not encrypted; encrypt all upstreams, or write "validate"',
    ]);
    for (const plain of [
      'upstreams: ["192.0.2.1"]',
      'upstreams: ["tls://192.0.2.2"]\nforward: [{ zones: [a.example], upstreams: ["192.0.2.1"] }]',
      'upstreams: ["tls://192.0.2.2"]\ngroups: [{ name: a, clients: ["192.0.2.9"], lists: [], upstreams: ["192.0.2.1"] }]',
    ]) {
      const [problem = '', ...others] = problemsOf(`${mode}\n${plain}`);
      expect(others).toEqual([]);
      expect(problem).toMatch(
        /^cordon\.yaml:1:17: dnssec\.mode: "192\.0\.2\.1:53" at \S+ is not encrypted: anybody on the way could vouch for an answer; encrypt all upstreams, or write "validate"$/,
      );
    }
  });
});

describe('effectiveConfig()', () => {
  it('writes servers so that they read back to the same, pins and hashes included', () => {
    const servers = [
      'tls://192.0.2.54',
      `tls://192.0.2.55#dns.example.net&pin-sha256=${PIN}&certificate-sha256=${HASH}`,
      `https://[2001:db8::1]/q?a=b#pin-sha256=${PIN}`,
      'https://dns.example.net',
      'tls://[fe80::1%eth0]:853',
    ];
    const config = configOf(`upstreams: ${JSON.stringify(servers)}\nbootstrap: ["192.0.2.1"]`);
    const again = configOf(effectiveConfig(config));
    expect(again.upstreams).toEqual(config.upstreams);
    expect(effectiveConfig(again)).toBe(effectiveConfig(config));
  });
});
